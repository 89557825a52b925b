from itertools import product

import pytest

from checkout.errors import InvalidTransition
from checkout.transitions import (
    ORDER_TRANSITIONS,
    PAYMENT_TRANSITIONS,
    REFUND_TRANSITIONS,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
    check_order_transition,
    check_payment_transition,
    check_refund_transition,
)

pytestmark = pytest.mark.proves("FR-114")

# Written out here once more, by hand: the table is what the contract says.
ALLOWED = {
    ("created", "paid"),
    ("created", "cancelled"),
    ("paid", "fulfilled"),
    ("paid", "refunded"),
    ("fulfilled", "archived"),
    ("fulfilled", "refunded"),
}


@pytest.mark.proves("FR-116")
@pytest.mark.parametrize(("current", "requested"), list(product(OrderStatus, OrderStatus)))
def test_only_transitions_of_the_table_are_allowed(current: OrderStatus, requested: OrderStatus) -> None:
    if (current, requested) in ALLOWED:
        check_order_transition(current, requested)
        return
    with pytest.raises(InvalidTransition) as refusal:
        check_order_transition(current, requested)
    assert refusal.value.facts == {
        "current_status": current,
        "requested_status": requested,
        "allowed_transitions": [to for to in ORDER_TRANSITIONS[current] if (current, to) in ALLOWED],
    }


ALLOWED_FOR_PAYMENTS = {
    ("pending", "succeeded"),
    ("pending", "failed"),
    ("pending", "unknown"),
    ("unknown", "succeeded"),
    ("unknown", "failed"),
    ("succeeded", "refunding"),
    ("succeeded", "refunded"),
    ("failed", "refunding"),
    ("failed", "refunded"),
    ("refunding", "refunded"),
    ("refunding", "succeeded"),
    ("refunding", "failed"),
    ("refunded", "succeeded"),
    ("refunded", "failed"),
}
ALLOWED_FOR_REFUNDS = {("pending", "succeeded"), ("pending", "failed"), ("succeeded", "failed")}


@pytest.mark.proves("FR-201")
@pytest.mark.parametrize(("current", "requested"), list(product(PaymentStatus, PaymentStatus)))
def test_payments_go_the_ways_of_the_table(current: PaymentStatus, requested: PaymentStatus) -> None:
    if (current, requested) in ALLOWED_FOR_PAYMENTS:
        check_payment_transition(current, requested)
        return
    with pytest.raises(ValueError, match=f"{current} cannot become {requested}"):
        check_payment_transition(current, requested)


@pytest.mark.proves("FR-201")
@pytest.mark.parametrize(("current", "requested"), list(product(RefundStatus, RefundStatus)))
def test_refunds_go_the_ways_of_the_table(current: RefundStatus, requested: RefundStatus) -> None:
    if (current, requested) in ALLOWED_FOR_REFUNDS:
        check_refund_transition(current, requested)
        return
    with pytest.raises(ValueError, match=f"{current} cannot become {requested}"):
        check_refund_transition(current, requested)


def test_every_state_has_its_transitions() -> None:
    assert set(ORDER_TRANSITIONS) == set(OrderStatus)
    assert set(PAYMENT_TRANSITIONS) == set(PaymentStatus)
    assert set(REFUND_TRANSITIONS) == set(RefundStatus)
