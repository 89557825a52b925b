"""POST /orders/{order_id}/refunds: staff give money back, once for each request (FR-210 to FR-214)."""

from checkout import wiring
from checkout.answer_once import answer_once, repeat
from checkout.api import Request, Response, endpoint, problem
from checkout.documents import describe_refund
from checkout.errors import RefundFailed
from checkout.key_records import RequestKey
from checkout.metrics import count
from checkout.refunds import Refund
from checkout.schemas import RefundOrderBody


@endpoint
def refund_order(request: Request) -> Response:
    caller = request.caller.as_staff()
    body = request.parse(RefundOrderBody)
    order_id = request.path("order_id")

    def answer(refund: Refund) -> Response:
        if refund.failure_reason:
            refusal = RefundFailed(
                refund_id=refund.refund_id,
                transaction_id=refund.payment_id,
                failure_reason=refund.failure_reason,
            )
            return problem(refusal, request)
        if refund.is_open:
            return Response(202, describe_refund(refund), {"retry-after": "2"})
        return Response(201, describe_refund(refund))

    def work(key: RequestKey[Refund]) -> Response:
        result = wiring.refund_service().refund_order(
            caller, order_id=order_id, amount=body.amount, reason=body.reason, key=key
        )
        if result.had_ended:
            return repeat(answer(result.refund))
        count("Refunds", outcome=result.refund.status)
        return answer(result.refund)

    return answer_once(request, body, work, answer, operation="refund_order", parameters={"order_id": order_id})
