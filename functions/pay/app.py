"""POST /pay: charges a card for an order, once (FR-014 to FR-023)."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from checkout import wiring
from checkout.answer_once import answer_once
from checkout.api import Request, Response, endpoint, note, problem
from checkout.documents import describe_payment_result
from checkout.errors import CardDeclined, GatewayUnavailable
from checkout.key_records import RequestKey
from checkout.metrics import count
from checkout.money import Money
from checkout.payments import Payment
from checkout.schemas import PayBody

DUPLICATE: Mapping[str, Any] = MappingProxyType({"duplicate": True})


@endpoint
def pay(request: Request) -> Response:
    body = request.parse(PayBody)
    note(order_id=body.order_id)
    work, answer = partial(_pay, request, body), partial(_answer, request)
    return answer_once(request, body, work, answer, operation="pay", replayed_members=DUPLICATE)


def _pay(request: Request, body: PayBody, key: RequestKey[Payment]) -> Response:
    money = Money(body.amount, body.currency)
    try:
        result = wiring.charging_service().pay(
            request.caller, order_id=body.order_id, token=body.token, money=money, key=key
        )
    except GatewayUnavailable:
        count("Payments", outcome="unavailable")
        raise
    count("Payments", outcome="declined" if result.payment.was_declined else result.payment.public_status)
    return _answer(request, result.payment, result.next_action)


def _answer(request: Request, payment: Payment, next_action: Mapping[str, Any] | None = None) -> Response:
    if payment.decline_code:
        refusal = CardDeclined(decline_code=payment.decline_code, transaction_id=payment.payment_id)
        # The same each time: also the request that it is on record under.
        return problem(refusal, request, request_id=payment.declined_in)
    document = describe_payment_result(payment, next_action)
    if payment.is_open:
        return Response(202, document, {"location": f"/payments/{payment.payment_id}", "retry-after": "2"})
    return Response(201, document)
