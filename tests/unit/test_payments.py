import pytest

from checkout.money import Money
from checkout.orders import Order, OrderItem
from checkout.payments import Payment
from checkout.transitions import PaymentStatus

AT = "2026-01-31T12:00:00.000Z"
LATER = "2026-01-31T12:00:01.000Z"


def start_payment(*, earlier_attempts: int = 0) -> Payment:
    order = Order.create(
        order_id="ord_1",
        customer_id="alice",
        items=[OrderItem("mug", "Mug", 2, 1200)],
        currency="usd",
        metadata={},
        maximum_total=1_000_000,
        at=AT,
    )
    for number in range(earlier_attempts):
        order = order.claim(f"pay_1_{number + 1:03}").release(declined=True)
    return Payment.start(order, idempotency_key_hash="key", request_hash="request", at=AT, due_at=LATER)


@pytest.mark.proves("FR-015")
def test_each_attempt_is_a_payment_of_its_own_for_the_orders_total() -> None:
    first, third = start_payment(), start_payment(earlier_attempts=2)
    assert (first.payment_id, first.attempt, first.money) == ("pay_1_001", 1, Money(2400, "usd"))
    assert (third.payment_id, third.attempt) == ("pay_1_003", 3)
    assert first.is_open


@pytest.mark.proves("FR-016")
def test_a_charge_that_succeeded_ends_the_payment() -> None:
    payment = start_payment().succeed(gateway_reference="ch_1", at=LATER)
    assert (payment.status, payment.gateway_reference, payment.updated_at) == (PaymentStatus.SUCCEEDED, "ch_1", LATER)
    assert payment.has_succeeded
    assert not payment.is_open


@pytest.mark.proves("FR-017")
def test_a_decline_ends_the_payment_with_its_code() -> None:
    payment = start_payment().decline(decline_code="expired_card", gateway_reference="ch_1", at=LATER)
    assert (payment.status, payment.decline_code) == (PaymentStatus.FAILED, "expired_card")
    assert payment.was_declined


@pytest.mark.proves("FR-019")
def test_a_payment_that_was_never_charged_fails_without_a_decline() -> None:
    payment = start_payment().fail(reason="gateway_unavailable", at=LATER)
    assert (payment.status, payment.failure_reason) == (PaymentStatus.FAILED, "gateway_unavailable")
    assert not payment.was_declined


@pytest.mark.proves("FR-114")
def test_an_outcome_is_set_once() -> None:
    with pytest.raises(ValueError, match="succeeded cannot become failed"):
        start_payment().succeed(gateway_reference="ch_1", at=LATER).fail(reason="late", at=LATER)
