"""POST /orders/{order_id}/refunds: staff give money back, once for each request (FR-210 to FR-214)."""

from checkout import wiring
from checkout.answer_once import REPLAYED, answer_once
from checkout.api import Request, Response, endpoint, problem
from checkout.errors import RefundFailed
from checkout.metrics import count
from checkout.schemas import RefundOrderBody, describe_refund


@endpoint
def refund_order(request: Request) -> Response:
    caller = request.caller.as_staff()
    body = request.parse(RefundOrderBody)
    order_id = request.path("order_id")

    def work(key: str) -> Response:
        result = wiring.refund_service().refund_order(
            caller, order_id=order_id, amount=body.amount, reason=body.reason, idempotency_key=key
        )
        refund, headers = result.refund, REPLAYED if result.had_ended else {}
        if not result.had_ended:
            count("Refunds", outcome=refund.status)
        if refund.failure_reason:
            refusal = RefundFailed(
                refund_id=refund.refund_id,
                transaction_id=refund.payment_id,
                failure_reason=refund.failure_reason,
            )
            return problem(refusal, request, headers)
        if refund.is_open:
            return Response(202, describe_refund(refund), {"retry-after": "2"})
        return Response(201, describe_refund(refund), headers)

    return answer_once(request, body, work, operation="refund_order", parameters={"order_id": order_id})
