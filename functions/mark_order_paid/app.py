"""PATCH /orders/{order_id}/pay: links a payment that succeeded to its order (FR-025, FR-026, FR-027)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_order
from checkout.metrics import count
from checkout.schemas import MarkOrderPaidBody


@endpoint
def mark_order_paid(request: Request) -> Response:
    body = request.parse(MarkOrderPaidBody)
    order, changed = wiring.payment_service().mark_order_paid(
        request.caller, request.path("order_id"), body.transaction_id
    )
    if changed:
        count("OrdersMarkedPaid")
    return Response(200, describe_order(order))
