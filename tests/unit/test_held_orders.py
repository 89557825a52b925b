"""What an order is with a payment of it, each as it was read."""

from dataclasses import replace
from typing import Any

import pytest

from checkout.audit import EMPTY_TRAIL, AuditHead
from checkout.order_reader import OrderChanged, hold_order
from checkout.orders import Order
from checkout.transitions import OrderStatus
from tests.unit.test_orders import make_order
from tests.unit.test_payments import start_payment

AT = "2026-01-31T12:00:00.000Z"
FIRST, SECOND, THIRD = (AuditHead(number, str(number) * 64) for number in (1, 2, 3))
STARTED = start_payment().with_audit_head(SECOND)
CHARGED = STARTED.succeed(gateway_reference="ch_1", at=AT).with_audit_head(THIRD)
DECLINED = STARTED.decline(decline_code="lost_card", gateway_reference=None, at=AT)
PAID = {
    "status": OrderStatus.PAID,
    "payment_id": "pay_1_001",
    "live_payment_id": "pay_1_001",
    "payment_attempts": 1,
}


def order_as_written(**changes: Any) -> Order:
    return replace(make_order().written_with(FIRST), **changes)


@pytest.mark.proves("FR-014", "FR-016")
@pytest.mark.parametrize("payment", [STARTED, CHARGED], ids=["started", "succeeded"])
def test_a_payment_that_was_started_since_holds_it(payment: Any) -> None:
    held = hold_order(order_as_written(), payment)
    assert (held.live_payment_id, held.payment_attempts) == ("pay_1_001", 1)
    assert (held.audit_head, held.written_at_entry) == (payment.audit_head, 1)


@pytest.mark.proves("FR-209")
@pytest.mark.parametrize(("written", "head"), [(SECOND, THIRD), (AuditHead(4, "4" * 64), AuditHead(4, "4" * 64))])
def test_the_later_head_counts_where_the_order_knows_of_the_payment(written: AuditHead, head: AuditHead) -> None:
    """It was written for another payment of it meanwhile."""
    order = replace(make_order(), live_payment_id="pay_1_001", payment_attempts=1).written_with(written)
    assert hold_order(order, CHARGED) == order.with_audit_head(head)


@pytest.mark.proves("FR-014", "FR-017")
@pytest.mark.parametrize(
    ("changes", "payment"),
    [
        pytest.param({}, None, id="there is none"),
        pytest.param({"payment_attempts": 1}, DECLINED, id="it has let go"),
        pytest.param(PAID, CHARGED.link(at=AT), id="it is paid by it"),
        pytest.param(PAID, CHARGED.link(at=AT).end_returned(at=AT), id="and refunded"),
    ],
)
def test_an_order_is_as_it_was_written(changes: dict[str, Any], payment: Any) -> None:
    order = order_as_written(**changes)
    assert hold_order(order, payment) is order


@pytest.mark.proves("FR-029")
@pytest.mark.parametrize(
    ("changes", "payment"),
    [
        pytest.param({}, DECLINED, id="declined"),
        pytest.param({"live_payment_id": "pay_1_001", "payment_attempts": 1}, DECLINED, id="declined, and known"),
        pytest.param({}, CHARGED.link(at=AT), id="linked"),
        pytest.param({}, CHARGED.end_returned(at=AT), id="returned"),
    ],
)
def test_an_order_that_was_read_before_its_payment_let_go_is_read_again(changes: dict[str, Any], payment: Any) -> None:
    with pytest.raises(OrderChanged):
        hold_order(order_as_written(**changes), payment)


@pytest.mark.proves("FR-029")
def test_a_payment_without_a_head_moves_none() -> None:
    """It was written before heads were on payments, with its order."""
    order = order_as_written(live_payment_id="pay_1_001", payment_attempts=1)
    assert hold_order(order, replace(STARTED, audit_head=EMPTY_TRAIL)) == order
