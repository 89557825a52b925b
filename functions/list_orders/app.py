"""GET /orders: the caller's orders, newest first, a page at a time (FR-107, FR-108, FR-109)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_order
from checkout.queries import parse_list_orders_query


@endpoint
def list_orders(request: Request) -> Response:
    query = parse_list_orders_query(request.query)
    caller, cursors = request.caller, wiring.cursor_signer()
    listed = (caller.customer_id, query.status)
    start = cursors.read(query.cursor, *listed) if query.cursor is not None else None
    orders, following = wiring.order_service().list_orders(caller, limit=query.limit, status=query.status, start=start)
    next_cursor = cursors.sign(following, *listed) if following else None
    return Response(200, {"orders": [describe_order(order) for order in orders], "next_cursor": next_cursor})
