"""Comparing our payments with the gateway's charges: what differs is listed, never mended in silence (FR-229)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from checkout.clock import Clock, Deadline, format_time
from checkout.gateway import Charge, ChargeStatus, Gateway
from checkout.money import Money
from checkout.order_reader import OrderReader
from checkout.payments import Payment

__all__ = ["Difference", "Kind", "ReconciliationService", "Report"]


class Kind(StrEnum):
    """How the sides differ. A double charge is one of a payment that has another one on record here."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    STATE = "state"
    DOUBLE_CHARGE = "double_charge"


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs: by our payment id and the gateway's reference, as far as there are any, and what each side says."""

    kind: Kind
    payment_id: str | None
    reference: str | None
    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Report:
    """How many payments and charges were compared, and what differs."""

    payments: int
    charges: int
    differences: list[Difference]


class ReconciliationService:
    """What is younger than `in_flight`, or has changed since, is left out: both sides may not have heard of it yet."""

    def __init__(self, orders: OrderReader, gateway: Gateway, *, clock: Clock, in_flight: timedelta) -> None:
        self._orders = orders
        self._gateway = gateway
        self._clock = clock
        self._in_flight = in_flight

    def compare_last(self, period: timedelta, deadline: Deadline) -> Report:
        """Compares what was started, or charged, within the last hours or days; as `compare` does."""
        now = self._clock()
        return self.compare(now - period, now, deadline)

    def compare(self, since: datetime, until: datetime, deadline: Deadline) -> Report:
        """Compares what was started, or charged, from `since` up to `until`; what is in flight is left for later.

        Raises StoreUnavailable and OutcomeUnknown where either side does not answer.
        """
        at_rest = self._clock() - self._in_flight
        until = min(until, at_rest)
        if since >= until:
            return Report(0, 0, [])
        charges = list(self._gateway.list_charges(since, until, deadline))
        ours = self._read_payments(since, until, charges, deadline)
        moving = {payment.payment_id for payment in ours.values() if payment.updated_at >= format_time(at_rest)}
        differences = [
            difference
            for charge in charges
            if charge.payment_id not in moving
            for difference in _compare(ours.get(charge.payment_id or ""), charge)
        ]
        known = {charge.reference for charge in charges}
        for payment in ours.values():
            is_unseen = payment.charged_amount and payment.gateway_reference not in known
            if is_unseen and payment.payment_id not in moving:
                # A charge that was made just outside of the time compared is found by itself.
                found = self._gateway.find_charge(payment, deadline)
                is_own = found and found.reference == payment.gateway_reference
                differences += _compare(payment, found if is_own else None)
        return Report(len(ours), len(charges), differences)

    def _read_payments(
        self, since: datetime, until: datetime, charges: list[Charge], deadline: Deadline
    ) -> dict[str, Payment]:
        """Those that were started in this time, and those that the charges name."""
        wanted = {charge.payment_id for charge in charges if charge.payment_id}
        for day in _list_days(since, until):
            wanted.update(self._orders.list_payment_ids(day))
        first, last = format_time(since), format_time(until)
        named = {charge.payment_id for charge in charges}
        return {
            payment.payment_id: payment
            for payment in self._orders.get_payments(sorted(wanted), deadline)
            if first <= payment.created_at < last or payment.payment_id in named
        }


def _compare(payment: Payment | None, charge: Charge | None) -> Iterator[Difference]:
    if payment is None and charge is not None:
        if charge.status is not ChargeStatus.DECLINED:
            yield Difference(Kind.MISSING_HERE, charge.payment_id, charge.reference, "none", _describe_charge(charge))
        return
    if payment is None:
        return
    here = f"{payment.status} {Money(payment.charged_amount, payment.money.currency)}"
    if charge is None:
        yield Difference(Kind.MISSING_THERE, payment.payment_id, payment.gateway_reference, here, "none")
        return
    there = _describe_charge(charge)
    if charge.status is not _expect_status(payment):
        yield Difference(Kind.STATE, payment.payment_id, charge.reference, here, there)
    elif charge.status is ChargeStatus.SUCCEEDED and charge.reference != payment.gateway_reference:
        if charge.refunded_amount < charge.money.amount:
            yield Difference(Kind.DOUBLE_CHARGE, payment.payment_id, charge.reference, here, there)
    elif charge.status is ChargeStatus.SUCCEEDED:
        charged = Money(payment.charged_amount, charge.money.currency)
        if charge.money != charged or (charge.money.currency != payment.money.currency and not payment.failure_reason):
            yield Difference(Kind.AMOUNT, payment.payment_id, charge.reference, here, there)
        elif charge.refunded_amount != payment.refunded_amount:
            refunded_here = f"refunded {Money(payment.refunded_amount, charge.money.currency)}"
            if payment.amount_in_refunds:
                refunded_here += f", {Money(payment.amount_in_refunds, charge.money.currency)} under way"
            refunded_there = f"refunded {Money(charge.refunded_amount, charge.money.currency)}"
            yield Difference(Kind.AMOUNT, payment.payment_id, charge.reference, refunded_here, refunded_there)


def _expect_status(payment: Payment) -> ChargeStatus:
    """What the gateway says of a payment's charge where both agree; one that never came to be counts as declined."""
    if payment.charged_amount:
        return ChargeStatus.SUCCEEDED
    return ChargeStatus.PENDING if payment.is_open else ChargeStatus.DECLINED


def _describe_charge(charge: Charge) -> str:
    return f"{charge.status} {charge.money}"


def _list_days(since: datetime, until: datetime) -> Iterator[str]:
    """The days, as `2026-01-31` in UTC, that a time touches."""
    day = since
    while day.date() <= until.date():
        yield day.date().isoformat()
        day += timedelta(days=1)
