import pytest

from checkout.money import Money
from checkout.orders import Order
from checkout.refunds import Refund
from tests.unit.test_payments import AT, LATER, charged_payment


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
    assert (made.created_at, made.updated_at) == (AT, LATER)
    with pytest.raises(ValueError, match="succeeded cannot become succeeded"):
        made.succeed(gateway_reference="re_2", at=LATER)
    sent_back = made.fail(reason="expired_or_canceled_card", gateway_reference="re_2", at=LATER)
    assert (sent_back.failure_reason, sent_back.gateway_reference) == ("expired_or_canceled_card", "re_2")
    with pytest.raises(ValueError, match="failed cannot become succeeded"):
        sent_back.succeed(gateway_reference="re_1", at=LATER)


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
    whole = part.refund(1400, at=LATER)
    assert (whole.status, whole.refunded_amount, whole.version) == ("refunded", 2400, 4)
