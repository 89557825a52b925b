"""POST /pay: charges a card for an order, once (FR-014 to FR-023)."""

from checkout import wiring
from checkout.answer_once import REPLAYED, answer_once
from checkout.api import Request, Response, endpoint, note, problem
from checkout.errors import CardDeclined, GatewayUnavailable
from checkout.metrics import count
from checkout.money import Money
from checkout.payments import Payment
from checkout.schemas import PayBody, describe_payment_result


@endpoint
def pay(request: Request) -> Response:
    body = request.parse(PayBody)
    note(order_id=body.order_id)

    def work(key: str) -> Response:
        try:
            payment, had_ended = wiring.payment_service().pay(
                request.caller,
                order_id=body.order_id,
                token=body.token,
                money=Money(body.amount, body.currency),
                idempotency_key=key,
            )
        except GatewayUnavailable:
            count("Payments", outcome="unavailable")
            raise
        if not had_ended:
            count("Payments", outcome="declined" if payment.was_declined else payment.status)
        return _answer(payment, request, had_ended=had_ended)

    return answer_once(request, body, work, operation="pay", replayed_members={"duplicate": True})


def _answer(payment: Payment, request: Request, *, had_ended: bool) -> Response:
    headers = REPLAYED if had_ended else {}
    if payment.decline_code:
        refusal = CardDeclined(decline_code=payment.decline_code, transaction_id=payment.payment_id)
        return problem(refusal, request, headers)
    result = describe_payment_result(payment, duplicate=had_ended)
    if payment.is_open:
        return Response(202, result, {"location": f"/payments/{payment.payment_id}", "retry-after": "2"})
    return Response(201, result, headers)
