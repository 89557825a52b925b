"""Which payments and charges are compared, to the millisecond, and what is said of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from checkout.clock import Deadline, format_time
from checkout.gateway import Charge, ChargeStatus
from checkout.money import Money
from checkout.payments import Payment
from checkout.reconciliation_service import Difference, Kind, ReconciliationService, Report
from tests.unit.test_payments import start_payment

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
IN_FLIGHT = timedelta(minutes=5)
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
STARTED = format_time(NOW - HOUR)


def read_deadline() -> float:
    return 9.0


@dataclass
class Table:
    payments: list[Payment]
    days: list[str] = field(default_factory=list)

    def list_payment_ids(self, day: str) -> list[str]:
        self.days.append(day)
        return [payment.payment_id for payment in self.payments if payment.created_at.startswith(day)]

    def get_payments(self, payment_ids: Sequence[str], deadline: Deadline) -> list[Payment]:
        assert deadline is read_deadline
        return [payment for payment in self.payments if payment.payment_id in payment_ids]


@dataclass
class Gateway:
    """It has no charge but those listed, and one that it finds where it is asked for that."""

    listed: list[Charge]
    found: Charge | None = None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        assert deadline is read_deadline
        self.asked.append((since, until))
        yield from self.listed

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        assert deadline is read_deadline
        assert payment.gateway_reference not in {charge.reference for charge in self.listed}
        return self.found


def compare(table: Table, gateway: Gateway, since: datetime, until: datetime = NOW) -> Report:
    service = ReconciliationService(table, gateway, clock=lambda: NOW, in_flight=IN_FLIGHT)  # type: ignore[arg-type]
    return service.compare(since, until, read_deadline)


def charge(payment: Payment, amount: int, **changes: object) -> Charge:
    made = Charge(payment.payment_id, "ch_1", ChargeStatus.SUCCEEDED, Money(amount, "usd"))
    return replace(made, **changes)  # type: ignore[arg-type]


def charged_at(at: datetime) -> Payment:
    made = start_payment().succeed(gateway_reference="ch_1", at=format_time(at))
    return replace(made, created_at=format_time(at))


@pytest.mark.proves("FR-229")
@pytest.mark.parametrize(
    ("before_now", "counted"),
    [(HOUR + MILLISECOND, 0), (HOUR, 1), (IN_FLIGHT + MILLISECOND, 1), (IN_FLIGHT, 0), (timedelta(), 0)],
)
def test_the_time_compared_has_its_first_moment_and_not_its_last(before_now: timedelta, counted: int) -> None:
    table, gateway = Table([charged_at(NOW - before_now)]), Gateway([])
    report = compare(table, gateway, NOW - HOUR)
    assert (report.payments, len(report.differences)) == (counted, counted)
    assert gateway.asked == [(NOW - HOUR, NOW - IN_FLIGHT)]
    until = NOW - HOUR / 2
    assert compare(table, gateway, NOW - HOUR, until).payments == (counted if before_now == HOUR else 0)
    assert gateway.asked[1:] == [(NOW - HOUR, until)]


@pytest.mark.proves("FR-229")
@pytest.mark.parametrize("since", [NOW - IN_FLIGHT, NOW])
def test_a_time_that_is_all_in_flight_asks_nobody(since: datetime) -> None:
    table, gateway = Table([charged_at(since)]), Gateway([])
    assert compare(table, gateway, since) == Report(0, 0, [])
    assert (table.days, gateway.asked) == ([], [])


@pytest.mark.proves("FR-229")
@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (NOW - HOUR, NOW, ["2026-01-31"]),
        (NOW - 25 * HOUR, NOW - 24 * HOUR, ["2026-01-30"]),
        (NOW - 13 * HOUR, NOW - 11 * HOUR, ["2026-01-30", "2026-01-31"]),
        (NOW - timedelta(days=3), NOW, ["2026-01-28", "2026-01-29", "2026-01-30", "2026-01-31"]),
    ],
)
def test_the_days_that_it_touches_are_read_once_each(since: datetime, until: datetime, days: list[str]) -> None:
    table = Table([])
    compare(table, Gateway([]), since, until)
    assert table.days == days


@pytest.mark.proves("FR-229")
def test_a_charge_names_its_payment_whenever_that_was_started() -> None:
    early = charged_at(NOW - 2 * HOUR)
    assert compare(Table([early]), Gateway([charge(early, 2400)]), NOW - HOUR) == Report(1, 1, [])
    nobodys = charge(early, 2400, payment_id=None)
    report = compare(Table([early]), Gateway([nobodys]), NOW - HOUR)
    assert report == Report(0, 1, [Difference(Kind.MISSING_HERE, None, "ch_1", "none", "succeeded 24.00 USD")])


OPEN = replace(start_payment(), created_at=STARTED, updated_at=STARTED)


@pytest.mark.proves("FR-229")
@pytest.mark.parametrize(
    ("here", "there", "differs"),
    [
        (OPEN, ChargeStatus.PENDING, False),
        (OPEN, ChargeStatus.DECLINED, True),
        (OPEN, ChargeStatus.SUCCEEDED, True),
        (OPEN.leave_open(gateway_reference="ch_1", act_until=None, at=STARTED), ChargeStatus.PENDING, False),
        (OPEN.leave_open(gateway_reference="ch_1", act_until=None, at=STARTED), ChargeStatus.DECLINED, True),
        (OPEN.fail(reason="not_charged", at=STARTED), ChargeStatus.DECLINED, False),
        (OPEN.fail(reason="not_charged", at=STARTED), ChargeStatus.PENDING, True),
        (OPEN.fail(reason="not_charged", at=STARTED), ChargeStatus.SUCCEEDED, True),
        (OPEN.decline(decline_code="x", gateway_reference="ch_1", at=STARTED), ChargeStatus.DECLINED, False),
        (OPEN.decline(decline_code="x", gateway_reference="ch_1", at=STARTED), ChargeStatus.PENDING, True),
        (OPEN.succeed(gateway_reference="ch_1", at=STARTED), ChargeStatus.SUCCEEDED, False),
        (OPEN.succeed(gateway_reference="ch_1", at=STARTED), ChargeStatus.PENDING, True),
        (OPEN.succeed(gateway_reference="ch_1", at=STARTED), ChargeStatus.DECLINED, True),
    ],
    ids=lambda value: value.status if isinstance(value, Payment) else str(value),
)
def test_each_state_that_the_sides_do_not_share_is_listed(here: Payment, there: ChargeStatus, differs: bool) -> None:
    found = compare(Table([here]), Gateway([charge(here, 2400, status=there)]), NOW - HOUR).differences
    assert [difference.kind for difference in found] == [Kind.STATE] * differs


@pytest.mark.proves("FR-229")
def test_a_second_charge_of_a_payment_is_a_double_charge() -> None:
    payment = charged_at(NOW - HOUR)
    own, second = charge(payment, 2400), charge(payment, 2400, reference="ch_2")
    twice = Difference(Kind.DOUBLE_CHARGE, payment.payment_id, "ch_2", "succeeded 24.00 USD", "succeeded 24.00 USD")
    for listed in ([own, second], [second, own]):
        assert compare(Table([payment]), Gateway(listed), NOW - HOUR) == Report(1, 2, [twice])
    # A day after the first, of which the list has nothing.
    assert compare(Table([payment]), Gateway([second], found=own), NOW - HOUR).differences == [twice]
    gone = Difference(Kind.MISSING_THERE, payment.payment_id, "ch_1", "succeeded 24.00 USD", "none")
    for found in (None, second):
        assert compare(Table([payment]), Gateway([second], found=found), NOW - HOUR).differences == [twice, gone]


@pytest.mark.proves("FR-229")
def test_a_second_charge_that_was_wholly_returned_is_none() -> None:
    payment = charged_at(NOW - HOUR)
    own = charge(payment, 2400)
    for returned, differs in ((2399, True), (2400, False)):
        second = charge(payment, 2400, reference="ch_2", refunded_amount=returned)
        found = compare(Table([payment]), Gateway([own, second]), NOW - HOUR).differences
        assert [difference.kind for difference in found] == [Kind.DOUBLE_CHARGE] * differs


@pytest.mark.proves("FR-229")
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (IN_FLIGHT + MILLISECOND, ["refunded 0.00 USD, 5.00 USD under way", "refunded 5.00 USD"]),
        (IN_FLIGHT, []),
        (timedelta(), []),
    ],
)
def test_a_refund_that_was_made_there_differs_once_it_has_been_under_way_for_longer_than_that_takes(
    changed: timedelta, told: list[str]
) -> None:
    payment = charged_at(NOW - HOUR)
    refunding = payment.start_refund(500, at=format_time(NOW - changed), due_at=format_time(NOW))
    found = compare(Table([refunding]), Gateway([charge(payment, 2400, refunded_amount=500)]), NOW - HOUR).differences
    assert [side for difference in found for side in (difference.here, difference.there)] == told
    assert compare(Table([refunding]), Gateway([charge(payment, 2400)]), NOW - HOUR).differences == []


@pytest.mark.proves("FR-229")
def test_a_payment_that_has_just_changed_is_left_for_later() -> None:
    """Its charges were listed before it was read."""
    payment = replace(charged_at(NOW - HOUR), updated_at=format_time(NOW - IN_FLIGHT))
    for listed in ([], [charge(payment, 99)], [charge(payment, 2400, reference="ch_2")]):
        assert compare(Table([payment]), Gateway(listed), NOW - HOUR).differences == []


@pytest.mark.proves("FR-229")
def test_the_smallest_amount_is_an_amount() -> None:
    payment = replace(charged_at(NOW - HOUR), money=Money(1, "usd"), charged_amount=1)
    assert compare(Table([payment]), Gateway([charge(payment, 1)]), NOW - HOUR).differences == []
    declined = charge(payment, 1, status=ChargeStatus.DECLINED)
    [found] = compare(Table([payment]), Gateway([declined]), NOW - HOUR).differences
    assert found == Difference(Kind.STATE, payment.payment_id, "ch_1", "succeeded 0.01 USD", "declined 0.01 USD")
    [found] = compare(Table([payment]), Gateway([]), NOW - HOUR).differences
    assert found == Difference(Kind.MISSING_THERE, payment.payment_id, "ch_1", "succeeded 0.01 USD", "none")
