from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from checkout.money import Money
from checkout.orders import Order
from checkout.refunds import Refund
from checkout.transitions import RefundStatus
from tests.unit.test_payments import AT, LAST, LATER, charged_payment


def start_refund(number: int = 1) -> Refund:
    payment = charged_payment()
    for _ in range(number - 1):
        payment = payment.start_refund(1, at=AT, due_at=AT)
    return Refund.start(payment, Money(500, "usd"), reason=None, at=AT)


@pytest.mark.proves("FR-212")
def test_a_refunds_id_follows_from_its_payment_and_its_number() -> None:
    assert start_refund().refund_id == "ref_1_001_01"
    assert start_refund(12).refund_id == "ref_1_001_12"


@pytest.mark.proves("FR-201")
def test_a_refund_ends_once() -> None:
    made = start_refund().succeed(gateway_reference="re_1", at=LATER)
    assert (made.status, made.has_succeeded, made.is_open) == ("succeeded", True, False)
    assert (made.created_at, made.updated_at, made.gateway_reference) == (AT, LATER, "re_1")
    with pytest.raises(ValueError, match="succeeded cannot become succeeded"):
        made.succeed(gateway_reference="re_2", at=LATER)
    sent_back = made.fail(reason="expired_or_canceled_card", gateway_reference="re_2", at=LATER)
    assert (sent_back.failure_reason, sent_back.gateway_reference) == ("expired_or_canceled_card", "re_2")
    with pytest.raises(ValueError, match="failed cannot become succeeded"):
        sent_back.succeed(gateway_reference="re_1", at=LATER)


@pytest.mark.proves("FR-213")
def test_a_refund_tells_when_it_was_asked_for_last() -> None:
    refund = start_refund()
    assert (refund.resumed_at, refund.asked_at) == (None, AT)
    resumed = refund.resume(at=LATER)
    assert resumed == replace(refund, resumed_at=LATER)
    assert (resumed.asked_at, resumed.resume(at=LAST).asked_at) == (LATER, LAST)


@pytest.mark.proves("FR-213")
def test_retries_ask_for_a_refund_for_ten_minutes() -> None:
    refund = start_refund().resume(at=LATER)
    end = datetime.fromisoformat(AT) + timedelta(minutes=10)
    assert refund.may_be_resumed(end - timedelta(milliseconds=1))
    assert not refund.may_be_resumed(end)


@pytest.mark.proves("FR-210")
def test_an_order_is_refunded_once_all_of_it_is() -> None:
    order = Order(
        order_id="ord_1",
        customer_id="alice",
        status="paid",  # type: ignore[arg-type]
        total=Money(2400, "usd"),
        items=(),
        metadata={},
        payment_id="pay_1_001",
        refunded_amount=0,
        version=2,
        created_at=AT,
        updated_at=AT,
    )
    part = order.refund(1000, at=LATER)
    assert (part.status, part.refunded_amount, part.version, part.updated_at) == ("paid", 1000, 3, LATER)
    whole = part.refund(1400, at=LAST)
    assert (whole.status, whole.refunded_amount, whole.version) == ("refunded", 2400, 4)
    assert whole.updated_at == LAST


@pytest.mark.proves("FR-210", "FR-212")
def test_a_refund_starts_with_all_that_its_request_said() -> None:
    payment = charged_payment()
    refund = Refund.start(
        payment, Money(500, "usd"), reason="damaged", at=LATER, idempotency_key_hash="key", request_hash="request"
    )
    assert refund == Refund(
        refund_id="ref_1_001_01",
        payment_id=payment.payment_id,
        order_id="ord_1",
        status=RefundStatus.PENDING,
        money=Money(500, "usd"),
        number=1,
        created_at=LATER,
        updated_at=LATER,
        reason="damaged",
        idempotency_key_hash="key",
        request_hash="request",
    )


@pytest.mark.proves("FR-012", "FR-212")
def test_a_refund_is_busy_until_its_time_is_over_or_it_is_left_or_ended() -> None:
    refund = replace(start_refund(), busy_until=LATER)
    assert (refund.is_busy(AT), refund.is_busy(LATER)) == (True, False)
    assert refund.leave() == start_refund()
    assert not refund.leave().is_busy(AT)
    assert refund.succeed(gateway_reference="re_1", at=LATER).busy_until is None
    assert refund.fail(reason="x", gateway_reference=None, at=LATER).busy_until is None
