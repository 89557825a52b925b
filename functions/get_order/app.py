"""GET /orders/{order_id}: one of the caller's orders (FR-110)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_order


@endpoint
def get_order(request: Request) -> Response:
    order = wiring.order_service().get_order(request.caller, request.path("order_id"))
    return Response(200, describe_order(order))
