"""When a payment is looked after, to the millisecond, and what is left alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout.audit import Actor
from checkout.caller import Author
from checkout.clock import Deadline, format_time
from checkout.errors import StoreUnavailable
from checkout.gateway import Charge, ChargeStatus, GatewayRefund, OutcomeUnknown, RefundOutcome
from checkout.money import Money
from checkout.order_reader import Due
from checkout.orders import Order
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.settlement_service import Settled, Settlement, SettlementService
from checkout.transitions import OrderStatus
from tests.unit.test_orders import make_order
from tests.unit.test_payments import start_payment

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Table:
    """`payments` are what each read of a payment gives, one after the other, the last one for ever."""

    payments: list[Payment] = field(default_factory=list)
    order: Order = field(default_factory=make_order)
    due: list[Due] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    postpone: Callable[[], bool] = lambda: True

    def list_due(self, *, before: str, limit: int) -> list[Due]:
        assert before == format_time(NOW)
        return self.due[:limit]

    def postpone_payment(self, _due: Due, *, due_at: str, attempts: int) -> bool:
        self.postponed.append(due_at)
        self.attempts.append(attempts)
        return self.postpone()

    def get_payment(self, _payment_id: str) -> Payment | None:
        if not self.payments:
            return None
        return self.payments.pop(0) if len(self.payments) > 1 else self.payments[0]

    def get_order_of(self, payment: Payment) -> tuple[Order, Payment]:
        return self.order, self.get_payment(payment.payment_id) or payment

    def get_refunds_of(self, _payment: Payment, _deadline: Deadline) -> list[Refund]:
        return self.refunds

    def list_open(self) -> list[Due]:
        return self.due


@dataclass
class Gateway:
    charge: Charge | None = None
    calls: list[str] = field(default_factory=list)
    refunds: list[GatewayRefund | None] = field(default_factory=list)

    def find_charge(self, _payment: Payment, _deadline: Deadline) -> Charge | None:
        self.calls.append("find_charge")
        return self.charge

    def find_refunds(
        self, refunds: Sequence[Refund], _payment: Payment, _deadline: Deadline
    ) -> Mapping[str, GatewayRefund]:
        self.calls.append("find_refunds")
        return {
            refund.refund_id: found for refund, found in zip(refunds, self.refunds, strict=True) if found is not None
        }

    def prevent_charge(self, _payment: Payment, _deadline: Deadline) -> Charge | None:
        self.calls.append("prevent_charge")
        raise OutcomeUnknown


def make_service(table: Table, gateway: Gateway | None = None, *, jitter: float = 0.0) -> SettlementService:
    """Its recorders write nothing: none of these tests comes so far."""
    nothing: Any = None
    made: Any = gateway or Gateway()
    orders: Any = table
    return SettlementService(
        orders, made, nothing, nothing, clock=lambda: NOW, jitter=lambda: jitter, settle_after=MINUTE
    )


def author(seconds: float = 60.0) -> Author:
    return Author(Actor.SYSTEM, "request", lambda: seconds)


def make_due(*, attempts: int = 0, act_until: datetime | None = None) -> Due:
    at = format_time(NOW - MINUTE)
    return Due("pay_1_001", at, at, attempts, format_time(act_until) if act_until else None, is_linked=False)


@pytest.mark.proves("FR-207")
@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 1), (1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (20, 60), (1_000, 60)]
)
def test_intervals_double_up_to_an_hour_and_are_cut_by_up_to_half(attempts: int, minutes: int, jitter: float) -> None:
    table = Table(due=[make_due(attempts=attempts)])
    make_service(table, jitter=jitter).settle_due(author(), limit=1)
    assert table.postponed == [format_time(NOW + minutes * MINUTE * (1 + jitter) / 2)]


@pytest.mark.proves("FR-207")
@pytest.mark.parametrize(("left", "minutes", "attempts"), [(MILLISECOND, 1, 0), (timedelta(), 60, 10)])
def test_a_customer_at_work_is_looked_after_each_time_as_at_first(left: timedelta, minutes: int, attempts: int) -> None:
    table = Table(due=[make_due(attempts=9, act_until=NOW + left)])
    make_service(table, jitter=1.0).settle_due(author(), limit=1)
    assert table.postponed == [format_time(NOW + minutes * MINUTE)]
    assert table.attempts == [attempts]


def refuse() -> bool:
    raise StoreUnavailable


@pytest.mark.proves("FR-207")
@pytest.mark.parametrize(
    ("postpone", "told"),
    [
        (lambda: True, Settled(waiting=3)),
        (lambda: False, Settled(settled=3)),
        (refuse, Settled(waiting=3)),
    ],
)
def test_what_a_run_did_is_counted(postpone: Callable[[], bool], told: Settled) -> None:
    table = Table(due=[make_due()] * 4, postpone=postpone)
    assert make_service(table).settle_due(author(), limit=3) == told


@pytest.mark.proves("FR-207")
@pytest.mark.parametrize(("seconds", "begun"), [(10.0, 2), (9.999, 0)])
def test_one_is_begun_where_there_is_time_for_it(seconds: float, begun: int) -> None:
    table = Table(due=[make_due()] * 2)
    assert make_service(table).settle_due(author(seconds), limit=2) == Settled(waiting=begun)
    assert len(table.postponed) == begun


@pytest.mark.proves("FR-233")
def test_rejected_refunds_of_each_payment_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    settlements = iter([Settlement(True, 2), Settlement(False, 0), Settlement(True, 1)])
    monkeypatch.setattr(SettlementService, "settle_payment", lambda *_: next(settlements))
    done = make_service(Table()).settle_payments(author(), ["pay_1_001", "pay_2_001", "pay_3_001"])
    assert (done.orders_paid, done.refunds_rejected) == (2, 3)


@pytest.mark.proves("FR-205")
def test_where_there_is_no_payment_nothing_happens() -> None:
    gateway = Gateway()
    assert make_service(Table(), gateway).settle_payment(author(), "pay_1_001") == Settlement(False, 0)
    assert gateway.calls == []


@pytest.mark.proves("FR-205", "FR-206")
@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({"created_at": format_time(NOW - MINUTE)}, False),
        ({"created_at": format_time(NOW - MINUTE + MILLISECOND)}, True),
        ({"created_at": format_time(NOW)}, True),
        ({"resumed_at": format_time(NOW - MINUTE)}, False),
        ({"resumed_at": format_time(NOW - MINUTE + MILLISECOND)}, True),
        ({"act_until": format_time(NOW)}, False),
        ({"act_until": format_time(NOW + MILLISECOND)}, True),
    ],
)
def test_a_request_and_a_customer_have_their_time(changes: dict[str, str], waits: bool) -> None:
    """Until then nothing is made impossible."""
    gateway = Gateway()
    times: dict[str, Any] = {"created_at": "2026-01-31T11:00:00.000Z", **changes}
    service = make_service(Table([replace(start_payment(), **times)]), gateway)
    if waits:
        assert service.settle_payment(author(), "pay_1_001") == Settlement(False, 0)
        assert gateway.calls == ["find_charge"]
        return
    with pytest.raises(OutcomeUnknown):
        service.settle_payment(author(), "pay_1_001")
    assert gateway.calls == ["find_charge", "prevent_charge"]


CHARGED = start_payment().succeed(gateway_reference="ch_1", at=format_time(NOW))
LINKED = CHARGED.link(at=format_time(NOW))
RETURNED = CHARGED.end_returned(at=format_time(NOW))
FAILED = start_payment().refuse_charge(reason="wrong_charge", gateway_reference="ch_1", at=format_time(NOW))
CHARGE = Charge("pay_1_001", "ch_1", ChargeStatus.SUCCEEDED, Money(2400, "usd"))


@pytest.mark.proves("FR-209")
def test_a_charge_that_pays_for_its_order_is_not_even_looked_for() -> None:
    gateway = Gateway(CHARGE)
    assert make_service(Table([LINKED]), gateway).settle_payment(author(), "pay_1_001") == Settlement(False, 0)
    assert gateway.calls == []


@pytest.mark.proves("FR-208")
def test_a_charge_that_is_on_its_way_back_meanwhile_is_not_linked() -> None:
    """Its order could still be paid; the payment is no longer what pays."""
    table = Table([CHARGED, RETURNED], replace(make_order(), live_payment_id=CHARGED.payment_id))
    assert make_service(table).settle_payment(author(), "pay_1_001") == Settlement(False, 0)


@pytest.mark.proves("FR-209")
def test_a_charge_that_is_linked_meanwhile_is_not_returned() -> None:
    table = Table([CHARGED, CHARGED, LINKED], replace(make_order(), status=OrderStatus.CANCELLED))
    gateway = Gateway(CHARGE)
    assert make_service(table, gateway).settle_payment(author(), "pay_1_001") == Settlement(False, 0)
    assert gateway.calls == ["find_charge"]


@pytest.mark.proves("FR-208")
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": OrderStatus.CANCELLED, "live_payment_id": CHARGED.payment_id}, id="it is cancelled"),
        pytest.param({"live_payment_id": "pay_1_002"}, id="another payment holds it"),
        pytest.param({"live_payment_id": None}, id="no payment holds it"),
    ],
)
def test_an_order_that_the_payment_cannot_pay_is_left_alone(changes: dict[str, Any]) -> None:
    gateway = Gateway()
    table = Table([CHARGED], replace(make_order(), **changes))
    assert make_service(table, gateway).settle_payment(author(), CHARGED.payment_id) == Settlement(False, 0)
    assert gateway.calls == ["find_charge"], "what is returned is the gateway's to say"


REFUNDED = replace(LINKED, charged_amount=2400, refundable_amount=2100, refunded_amount=300, refund_count=4)
START = Refund.start(CHARGED, Money(100, "usd"), reason=None, at=format_time(NOW))
MADE = START.succeed(gateway_reference="re_1", at=format_time(NOW))
OTHER = replace(MADE, refund_id=f"{MADE.refund_id}_other")
NOT_MADE = START.fail(reason="declined", gateway_reference="re_1", at=format_time(NOW))
ARRIVED = GatewayRefund("re_1", RefundOutcome.SUCCEEDED)
SENT_BACK = GatewayRefund("re_1", RefundOutcome.FAILED, "expired_or_canceled_card")


@pytest.mark.proves("FR-233")
@pytest.mark.parametrize(
    ("refunds", "answers", "rejected"),
    [
        pytest.param([MADE, OTHER], [SENT_BACK, SENT_BACK], 2, id="each counts"),
        pytest.param([MADE, OTHER], [ARRIVED, SENT_BACK], 1, id="one that arrived ends nothing"),
        pytest.param([MADE, OTHER], [None, SENT_BACK], 1, id="nor one that the gateway does not find"),
        pytest.param([NOT_MADE, MADE], [SENT_BACK], 1, id="one that never was made is not asked for"),
    ],
)
def test_refunds_that_a_bank_sent_back_are_counted(
    refunds: list[Refund], answers: list[GatewayRefund | None], rejected: int
) -> None:
    gateway = Gateway(refunds=list(answers))
    settlement = make_service(Table([REFUNDED], refunds=refunds), gateway).settle_payment(author(), "pay_1_001")
    assert settlement == Settlement(False, rejected)
    assert gateway.calls == ["find_refunds"]


@pytest.mark.proves("FR-230")
@pytest.mark.parametrize(
    ("started", "seconds"),
    [
        ([], 0.0),
        ([(NOW - MINUTE, False)], 60.0),
        ([(NOW - MINUTE, False), (NOW - 2 * MINUTE, False), (NOW, False)], 120.0),
        ([(NOW - MINUTE, False), (NOW - 2 * MINUTE, True)], 60.0),
        ([(NOW - MINUTE, True)], 0.0),
    ],
)
def test_the_oldest_charge_without_a_paid_order_has_its_age(
    started: list[tuple[datetime, bool]], seconds: float
) -> None:
    due = [replace(make_due(), created_at=format_time(at), is_linked=linked) for at, linked in started]
    assert make_service(Table(due=due)).read_oldest_age() == seconds
