"""GET /orders: the caller's orders, newest first, a page at a time (FR-107, FR-108, FR-109)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.schemas import ListOrdersQuery, describe_order, validate


@endpoint
def list_orders(request: Request) -> Response:
    query = validate(ListOrdersQuery, request.query)
    caller, cursors = request.caller, wiring.cursor_signer()
    listed = (caller.customer_id, query.status)
    before = cursors.read(query.cursor, *listed) if query.cursor is not None else None
    orders, more = wiring.order_service().list_orders(caller, limit=query.limit, status=query.status, before=before)
    next_cursor = cursors.sign(orders[-1].order_id, *listed) if more else None
    return Response(200, {"orders": [describe_order(order) for order in orders], "next_cursor": next_cursor})
