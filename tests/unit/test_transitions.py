from itertools import product

import pytest

from checkout.errors import InvalidTransition
from checkout.transitions import ORDER_TRANSITIONS, PAYMENT_TRANSITIONS, OrderStatus, check_order_transition

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


def test_every_state_has_its_transitions() -> None:
    assert set(ORDER_TRANSITIONS) == set(OrderStatus)
    assert {target for targets in PAYMENT_TRANSITIONS.values() for target in targets} <= set(PAYMENT_TRANSITIONS)
