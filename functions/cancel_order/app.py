"""POST /orders/{order_id}/cancel: an order that nobody has paid or is paying (FR-112, FR-113)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_order


@endpoint
def cancel_order(request: Request) -> Response:
    order = wiring.order_service().cancel_order(request.caller, request.path("order_id"))
    return Response(200, describe_order(order))
