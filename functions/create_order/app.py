"""POST /orders: an order of products at the catalogue's prices (FR-101 to FR-106, FR-119)."""

from checkout import wiring
from checkout.answer_once import REPLAYED, answer_once
from checkout.api import Request, Response, endpoint, note
from checkout.metrics import count
from checkout.schemas import CreateOrderBody, describe_order


@endpoint
def create_order(request: Request) -> Response:
    body = request.parse(CreateOrderBody)

    def work(key: str) -> Response:
        order, created = wiring.order_service().create_order(
            request.caller, lines=body.lines, currency=body.currency, metadata=body.metadata, idempotency_key=key
        )
        note(order_id=order.order_id)
        if created:
            count("OrdersCreated")
        replayed = {} if created else REPLAYED
        return Response(201, describe_order(order), {"location": f"/orders/{order.order_id}", **replayed})

    return answer_once(request, body, work, operation="create_order")
