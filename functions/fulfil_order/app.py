"""POST /orders/{order_id}/fulfil: staff sent the goods of a paid order (FR-217)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_order


@endpoint
def fulfil_order(request: Request) -> Response:
    order = wiring.order_service().fulfil_order(request.caller, request.path("order_id"))
    return Response(200, describe_order(order))
