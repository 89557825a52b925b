"""POST /orders: an order of products at the catalogue's prices (FR-101 to FR-106, FR-119)."""

from checkout import wiring
from checkout.answer_once import answer_once
from checkout.api import Request, Response, endpoint, note
from checkout.documents import describe_order
from checkout.key_records import RequestKey
from checkout.metrics import count
from checkout.orders import Order
from checkout.schemas import CreateOrderBody


@endpoint
def create_order(request: Request) -> Response:
    body = request.parse(CreateOrderBody)

    def work(key: RequestKey[Order]) -> Response:
        order = wiring.order_service().create_order(
            request.caller, lines=body.lines, currency=body.currency, metadata=body.metadata, key=key
        )
        note(order_id=order.order_id)
        count("OrdersCreated")
        return _answer(order)

    return answer_once(request, body, work, _answer, operation="create_order")


def _answer(order: Order) -> Response:
    return Response(201, describe_order(order), {"location": f"/orders/{order.order_id}"})
