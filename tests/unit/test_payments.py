from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from checkout.errors import RefundExceedsPayment
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
        payment_id = f"pay_1_{number + 1:03}"
        order = order.claim(payment_id, order.audit_head).release(payment_id, declined=True)
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


def charged_payment() -> Payment:
    return start_payment().succeed(gateway_reference="ch_1", at=LATER)


@pytest.mark.proves("FR-201", "FR-203")
def test_an_unknown_outcome_is_pending_for_clients_until_it_is_known() -> None:
    unknown = start_payment().leave_open(gateway_reference="pi_1", act_until=None, at=LATER)
    assert (unknown.status, unknown.public_status, unknown.is_open) == ("unknown", "pending", True)
    assert (unknown.gateway_reference, unknown.act_until) == ("pi_1", None)
    assert unknown.leave_open(gateway_reference="pi_1", act_until=None, at=LATER) == unknown
    assert unknown.leave_open(gateway_reference="pi_1", act_until=LAST, at=LATER).act_until == LAST
    assert unknown.succeed(gateway_reference="pi_1", at=LATER).status == "succeeded"
    assert unknown.fail(reason="not_charged", at=LATER).due_at is None


@pytest.mark.proves("FR-201", "FR-210")
def test_a_refund_takes_its_part_and_comes_to_an_end_of_its_own() -> None:
    part = charged_payment().start_refund(1000, at=LATER, due_at=LATER)
    assert (part.status, part.refundable_amount, part.amount_in_refunds) == ("refunding", 1400, 1000)
    assert part.public_status == "succeeded"
    both = part.start_refund(1400, at=LATER, due_at=LATER)
    assert (both.refundable_amount, both.amount_in_refunds, both.refund_count) == (0, 2400, 2)
    first = both.finish_refund(1000, at=LATER)
    assert (first.status, first.refunded_amount, first.amount_in_refunds) == ("refunding", 1000, 1400)
    assert first.finish_refund(1400, at=LATER).status == "refunded"
    back = first.fail_refund(1400, at=LATER)
    assert (back.status, back.refundable_amount, back.refunded_amount) == ("succeeded", 1400, 1000)


@pytest.mark.proves("FR-211")
@pytest.mark.parametrize("amount", [0, -1, 2401])
def test_no_refund_is_more_than_what_is_left(amount: int) -> None:
    with pytest.raises(RefundExceedsPayment) as refused:
        charged_payment().start_refund(amount, at=LATER, due_at=LATER)
    assert refused.value.facts == {"requested_amount": amount, "refundable_amount": 2400, "currency": "usd"}


@pytest.mark.proves("FR-207")
def test_a_refund_is_looked_after_anew() -> None:
    assert replace(charged_payment(), settle_attempts=3).start_refund(1, at=AT, due_at=AT).settle_attempts == 0


def refunding_payment() -> Payment:
    return charged_payment().start_refund(1000, at=LATER, due_at=LATER).start_refund(400, at=LATER, due_at=LATER)


LAST = "2026-01-31T12:00:02.000Z"
CHANGES: list[Callable[[], Payment]] = [
    lambda: start_payment().leave_open(gateway_reference=None, act_until=None, at=LAST),
    lambda: start_payment().succeed(gateway_reference="ch_1", at=LAST),
    lambda: start_payment().decline(decline_code="x", gateway_reference=None, at=LAST),
    lambda: start_payment().fail(reason="x", at=LAST),
    lambda: start_payment().refuse_charge(reason="x", gateway_reference="ch_1", at=LAST),
    lambda: charged_payment().link(at=LAST),
    lambda: charged_payment().start_refund(1, at=LAST, due_at=LATER),
    lambda: refunding_payment().start_refund(1, at=LAST, due_at=LATER),
    lambda: refunding_payment().finish_refund(1000, at=LAST),
    lambda: charged_payment().start_refund(2400, at=LATER, due_at=LATER).finish_refund(2400, at=LAST),
    lambda: refunding_payment().fail_refund(400, at=LAST),
    lambda: refunding_payment().fail_refund(400, at=LAST).fail_refund(1000, at=LAST),
    lambda: charged_payment().end_returned(at=LAST),
    lambda: charged_payment().end_returned(at=LATER).take_back_refund(1, at=LAST, due_at=LATER),
]


@pytest.mark.proves("FR-024")
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_has_its_time(change: Callable[[], Payment]) -> None:
    changed = change()
    assert (changed.created_at, changed.updated_at) == (AT, LAST)


@pytest.mark.proves("FR-209")
def test_a_late_charge_is_returned_whole_and_its_payment_stays_failed_until_then() -> None:
    failed = start_payment().fail(reason="gateway_unavailable", at=LATER)
    charged = failed.take_charge(99, refunded_amount=0, gateway_reference="ch_9")
    assert charged.gateway_reference == "ch_9"
    late = charged.start_refund(99, at=LATER, due_at=LATER)
    assert (late.status, late.public_status) == ("refunding", "failed")
    assert late.finish_refund(99, at=LATER).status == "refunded"
    again = late.fail_refund(99, at=LATER)
    assert (again.status, again.due_at) == ("failed", LATER), "it is tried again"


@pytest.mark.proves("FR-017")
def test_a_decline_names_what_the_gateway_has_of_it() -> None:
    declined = start_payment().decline(decline_code="expired_card", gateway_reference="ch_9", at=LATER)
    assert (declined.decline_code, declined.gateway_reference) == ("expired_card", "ch_9")


@pytest.mark.proves("FR-209")
def test_what_was_refunded_at_the_gateway_itself_is_not_returned_again() -> None:
    failed = start_payment().refuse_charge(reason="wrong_charge", gateway_reference="ch_9", at=LATER)
    partly = failed.take_charge(99, refunded_amount=9, gateway_reference="ch_9")
    assert partly.refundable_amount == 90
    returned = partly.start_refund(90, at=LATER, due_at=LATER).finish_refund(90, at=LATER)
    assert (returned.status, returned.refunded_amount, returned.due_at) == ("refunded", 99, None)
    wholly = failed.take_charge(99, refunded_amount=99, gateway_reference="ch_9").end_returned(at=LATER)
    assert (wholly.status, wholly.refundable_amount, wholly.due_at) == ("refunded", 0, None)


@pytest.mark.proves("FR-233")
@pytest.mark.parametrize("failed", [True, False])
def test_what_a_bank_sends_back_is_there_to_be_returned_again(failed: bool) -> None:
    payment = start_payment().fail(reason="not_charged", at=LATER) if failed else charged_payment()
    charged = payment.take_charge(99, refunded_amount=0, gateway_reference="ch_9")
    returned = charged.start_refund(99, at=LATER, due_at=LATER).finish_refund(99, at=LATER)
    again = replace(returned, settle_attempts=3).take_back_refund(99, at=LATER, due_at=LATER)
    assert again.status == ("failed" if failed else "succeeded")
    assert (again.refundable_amount, again.refunded_amount, again.due_at) == (99, 0, LATER)
    assert again.settle_attempts == 0


@pytest.mark.proves("FR-233")
def test_a_part_that_a_bank_sends_back_may_be_refunded_again() -> None:
    paid = charged_payment().link(at=LATER)
    partly = paid.start_refund(500, at=LATER, due_at=LATER).finish_refund(500, at=LATER)
    assert partly.lose_refund(500, at=LAST) == replace(paid, refund_count=1, updated_at=LAST)
    under_way = partly.start_refund(300, at=LATER, due_at=LATER).lose_refund(500, at=LAST)
    assert (under_way.status, under_way.amount_in_refunds, under_way.due_at) == ("refunding", 300, LATER)


@pytest.mark.proves("FR-204", "FR-209")
def test_a_key_is_free_again_only_where_its_payment_was_surely_never_charged() -> None:
    assert start_payment().holds_key
    assert charged_payment().holds_key
    assert start_payment().decline(decline_code="x", gateway_reference=None, at=LATER).holds_key
    assert not start_payment().fail(reason="not_charged", at=LATER).holds_key
    wrong = start_payment().refuse_charge(reason="wrong_charge", gateway_reference="ch_9", at=LATER)
    assert wrong.holds_key
    returned = wrong.take_charge(99, refunded_amount=99, gateway_reference="ch_9").end_returned(at=LATER)
    assert (returned.holds_key, returned.was_returned) == (True, True)
    refunded = charged_payment().link(at=LATER).start_refund(2400, at=LATER, due_at=LATER).finish_refund(2400, at=LATER)
    assert (refunded.status, refunded.was_returned) == ("refunded", False)


@pytest.mark.proves("FR-209")
def test_a_wrong_charge_fails_its_payment_and_is_left_to_be_returned() -> None:
    wrong = start_payment().refuse_charge(reason="wrong_charge", gateway_reference="ch_9", at=LATER)
    assert (wrong.status, wrong.failure_reason, wrong.gateway_reference) == ("failed", "wrong_charge", "ch_9")
    assert wrong.is_being_returned
    assert not start_payment().fail(reason="not_charged", at=LATER).is_being_returned


@pytest.mark.proves("FR-205")
def test_a_payment_is_due_as_long_as_something_is_left_to_be_done() -> None:
    assert start_payment().due_at
    assert charged_payment().due_at
    assert charged_payment().link(at=LATER).due_at is None
    assert start_payment().decline(decline_code="x", gateway_reference=None, at=LATER).due_at is None
    refunding = charged_payment().link(at=LATER).start_refund(1, at=LATER, due_at=LATER)
    assert refunding.due_at
    assert refunding.finish_refund(1, at=LATER).due_at is None


@pytest.mark.proves("FR-018")
def test_a_payment_that_is_taken_up_again_has_been_asked_for_then() -> None:
    payment = start_payment()
    assert payment.asked_at == AT
    resumed = payment.resume(at=LATER, busy_until=LAST)
    assert resumed == replace(payment, resumed_at=LATER, busy_until=LAST)
    assert resumed.asked_at == LATER


@pytest.mark.proves("FR-012")
def test_a_payment_is_busy_until_its_time_is_over_or_it_is_left() -> None:
    payment = start_payment().resume(at=AT, busy_until=LATER)
    assert (payment.is_busy(AT), payment.is_busy(LATER)) == (True, False)
    assert payment.leave() == replace(payment, busy_until=None)
    assert not payment.leave().is_busy(AT)


@pytest.mark.proves("FR-227")
@pytest.mark.parametrize(
    ("end", "counts"),
    [
        (lambda payment: payment, True),
        (lambda payment: payment.leave_open(gateway_reference=None, act_until=None, at=LATER), True),
        (lambda payment: payment.decline(decline_code="generic_decline", gateway_reference=None, at=LATER), True),
        (lambda payment: payment.succeed(gateway_reference="ch_1", at=LATER), False),
        (lambda payment: payment.fail(reason="x", at=LATER), False),
        (lambda payment: payment.refuse_charge(reason="x", gateway_reference="ch_1", at=LATER), False),
    ],
    ids=["pending", "unknown", "declined", "succeeded", "failed", "refused"],
)
def test_a_payment_counts_as_declined_until_it_is_known_not_to_be(
    end: Callable[[Payment], Payment], counts: bool
) -> None:
    assert end(start_payment()).counts_as_declined is counts


@pytest.mark.proves("FR-012")
@pytest.mark.parametrize(
    "end",
    [
        lambda payment: payment.succeed(gateway_reference="ch_1", at=LATER),
        lambda payment: payment.decline(decline_code="generic_decline", gateway_reference=None, at=LATER),
        lambda payment: payment.fail(reason="x", at=LATER),
        lambda payment: payment.refuse_charge(reason="x", gateway_reference="ch_1", at=LATER),
        lambda payment: payment.leave_open(gateway_reference=None, act_until=None, at=LATER),
    ],
    ids=["succeeded", "declined", "failed", "refused", "unknown"],
)
def test_nobody_is_at_work_on_a_payment_whose_outcome_is_on_record(end: Callable[[Payment], Payment]) -> None:
    assert end(replace(start_payment(), busy_until=LAST)).busy_until is None


@pytest.mark.proves("FR-204")
@pytest.mark.parametrize(
    ("act_until", "may"), [(None, "12:09:59.999"), ("2026-01-31T12:20:00.000Z", "12:19:59.999"), (AT, "12:09:59.999")]
)
def test_a_retry_asks_again_for_ten_minutes_or_as_long_as_the_customer_has(act_until: str | None, may: str) -> None:
    payment = replace(start_payment(), created_at="2026-01-31T12:00:00.000Z", act_until=act_until)
    last = datetime.fromisoformat(f"2026-01-31T{may}Z")
    assert payment.may_be_resumed(last)
    assert not payment.may_be_resumed(last + timedelta(milliseconds=1))


HELD = start_payment()
CHARGED = HELD.succeed(gateway_reference="ch_1", at=AT)
WRONG = HELD.refuse_charge(reason="wrong_charge", gateway_reference="ch_1", at=AT)


@pytest.mark.proves("FR-014", "FR-209")
@pytest.mark.parametrize(
    ("payment", "holds"),
    [
        pytest.param(HELD, True, id="pending"),
        pytest.param(HELD.leave_open(gateway_reference=None, act_until=None, at=AT), True, id="unknown"),
        pytest.param(CHARGED, True, id="succeeded"),
        pytest.param(WRONG, True, id="charged wrongly"),
        pytest.param(HELD.decline(decline_code="lost_card", gateway_reference=None, at=AT), False, id="declined"),
        pytest.param(HELD.fail(reason="gateway_unavailable", at=AT), False, id="not charged"),
        pytest.param(CHARGED.end_returned(at=AT), False, id="returned"),
    ],
)
def test_a_payment_holds_its_order_while_it_may_have_been_charged(payment: Payment, holds: bool) -> None:
    assert payment.holds_order is holds
