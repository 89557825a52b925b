"""POST /orders: an order of products at the catalogue's prices (FR-101 to FR-106)."""

from checkout import wiring
from checkout.answer_once import answer_once
from checkout.api import Request, Response, endpoint, note
from checkout.metrics import count
from checkout.schemas import CreateOrderBody, describe_order


@endpoint
def create_order(request: Request) -> Response:
    body = request.parse(CreateOrderBody)

    def work(_key: str) -> Response:
        order = wiring.order_service().create_order(
            request.caller, lines=body.lines, currency=body.currency, metadata=body.metadata
        )
        note(order_id=order.order_id)
        count("OrdersCreated")
        return Response(201, describe_order(order), {"location": f"/orders/{order.order_id}"})

    return answer_once(request, body, work, operation="create_order")
