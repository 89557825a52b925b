"""POST /pay: charges a card for an order, once (FR-014 to FR-023)."""

from checkout import wiring
from checkout.answer_once import REPLAYED, answer_once
from checkout.api import Request, Response, endpoint, note, problem
from checkout.charging_service import PaymentResult
from checkout.errors import CardDeclined, GatewayUnavailable
from checkout.metrics import count
from checkout.money import Money
from checkout.schemas import PayBody, describe_payment_result


@endpoint
def pay(request: Request) -> Response:
    body = request.parse(PayBody)
    note(order_id=body.order_id)

    def work(key: str) -> Response:
        try:
            result = wiring.charging_service().pay(
                request.caller,
                order_id=body.order_id,
                token=body.token,
                money=Money(body.amount, body.currency),
                idempotency_key=key,
            )
        except GatewayUnavailable:
            count("Payments", outcome="unavailable")
            raise
        if not result.had_ended:
            payment = result.payment
            count("Payments", outcome="declined" if payment.was_declined else payment.public_status)
        return _answer(result, request)

    return answer_once(request, body, work, operation="pay", replayed_members={"duplicate": True})


def _answer(result: PaymentResult, request: Request) -> Response:
    payment = result.payment
    headers = REPLAYED if result.had_ended else {}
    if payment.decline_code:
        refusal = CardDeclined(decline_code=payment.decline_code, transaction_id=payment.payment_id)
        return problem(refusal, request, headers)
    document = describe_payment_result(payment, duplicate=result.had_ended)
    if payment.is_open:
        if result.next_action:
            document["next_action"] = dict(result.next_action)
        return Response(202, document, {"location": f"/payments/{payment.payment_id}", "retry-after": "2"})
    return Response(201, document, headers)
