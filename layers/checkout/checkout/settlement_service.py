"""Settling payments that something is left to be done about, without anybody asking.

Each payment is taken one step after the other, by the state that it is in, to where nothing is left: its outcome is
asked of the gateway, its order is marked paid, or its charge is returned. It is the same whether the schedule, an event
of the gateway or the report of differences came upon it.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from checkout.caller import Author
from checkout.clock import Clock, format_time
from checkout.errors import StoreUnavailable
from checkout.gateway import (
    Charge,
    ChargeStatus,
    Gateway,
    GatewayRefund,
    OutcomeUnknown,
    RefundOutcome,
    RequestNotTaken,
)
from checkout.order_reader import Due
from checkout.order_table import OrderTable, decide_on_latest
from checkout.payment_recorder import PaymentRecorder
from checkout.payments import Payment, grow_interval
from checkout.refund_recorder import RefundRecorder, StartedRefund
from checkout.refunds import Refund
from checkout.transitions import OrderStatus, PaymentStatus, origins_of

__all__ = ["Settled", "Settlement", "SettlementService"]

SECONDS_FOR_ONE = 10.0
"""Time left below which no further payment is begun: what is begun is brought to its end."""

MOST_SECONDS_FOR_ONE = 15.0
"""Of a run: a gateway that hangs for one payment leaves time for the others."""

LONGEST_INTERVAL = timedelta(hours=1)

PAYS_FOR_NOTHING = {PaymentStatus.FAILED, PaymentStatus.SUCCEEDED}
"""What a payment is, unless it is linked, whose charge must go back."""


@dataclass(slots=True)
class Settled:
    """What a run did: payments with nothing left to be done, those that must wait, orders that it marked paid, refunds
    that it found rejected.

    `faults` has the payments that could not be looked after, with the kind of fault.
    """

    settled: int = 0
    waiting: int = 0
    orders_paid: int = 0
    refunds_rejected: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Settlement:
    """Whether an order became paid by it, and how many refunds of a payment were rejected after they had been made."""

    order_paid: bool
    refunds_rejected: int


class SettlementService:
    """`settle_after` is how long a request has for its payment before it is looked after."""

    def __init__(
        self,
        orders: OrderTable,
        gateway: Gateway,
        payment_recorder: PaymentRecorder,
        refund_recorder: RefundRecorder,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        settle_after: timedelta,
    ) -> None:
        self._orders = orders
        self._gateway = gateway
        self._payment_recorder = payment_recorder
        self._refund_recorder = refund_recorder
        self._clock = clock
        self._jitter = jitter
        self._settle_after = settle_after

    def settle_due(self, author: Author, *, limit: int) -> Settled:
        """Settles at most so many payments, those due longest first, for as long as there is time (FR-205, FR-207).

        What fails is told, and does not stop the rest. Raises StoreUnavailable where it cannot know what is due.
        """
        done = Settled()
        for due in self._orders.list_due(before=format_time(self._clock()), limit=limit):
            if not self._try_to_settle(author, due.payment_id, done):
                break
            if self._postpone(due):
                done.waiting += 1
            else:
                done.settled += 1
        return done

    def settle_payments(self, author: Author, payment_ids: Iterable[str]) -> Settled:
        """Settles these, for as long as there is time; what fails is told, and does not stop the rest."""
        done = Settled()
        for payment_id in payment_ids:
            if not self._try_to_settle(author, payment_id, done):
                break
        return done

    def settle_payment(self, author: Author, payment_id: str) -> Settlement:
        """Takes a payment as far as it goes now.

        Nothing happens where there is no such payment. Raises RequestNotTaken, OutcomeUnknown, StoreUnavailable: it is
        worth doing again.
        """
        payment = self._orders.get_payment(payment_id)
        if payment and payment.is_open:
            payment = self._settle_outcome(author, payment)
        refunds_rejected = 0
        # Before the refunds under way have their end: with the last of them the order might be refunded wholly.
        if payment and payment.refunded_amount and (payment.linked_at or payment.status is not PaymentStatus.REFUNDING):
            payment, refunds_rejected = self._look_for_rejections(author, payment)
        order_paid = False
        if payment and payment.has_succeeded and not payment.linked_at:
            payment, order_paid = self._try_to_link(author, payment)
        if payment and payment.status in PAYS_FOR_NOTHING and not (payment.linked_at or order_paid):
            payment = self._return_charge(author, payment)
        if payment and payment.status is PaymentStatus.REFUNDING:
            self._settle_refunds(author, payment)
        return Settlement(order_paid, refunds_rejected)

    def read_oldest_age(self) -> float:
        """The age in seconds of the oldest charge that may have been made and whose order is neither paid nor refunded;
        0 where there is none (FR-230)."""
        started = [due.created_at for due in self._orders.list_open() if not due.is_linked]
        return (self._clock() - datetime.fromisoformat(min(started))).total_seconds() if started else 0.0

    def _try_to_settle(self, author: Author, payment_id: str, done: Settled) -> bool:
        """False where there is no time left to begin it."""
        if author.deadline() < SECONDS_FOR_ONE:
            return False
        try:
            settlement = self.settle_payment(_give_its_share(author), payment_id)
            done.orders_paid += settlement.order_paid
            done.refunds_rejected += settlement.refunds_rejected
        except Exception as fault:
            # Whatever it is, the others have a right to be settled; it is told, and comes up again.
            done.faults.append((payment_id, type(fault).__name__))
        return True

    def _settle_outcome(self, author: Author, payment: Payment) -> Payment:
        charge = self._gateway.find_charge(payment, author.gateway_deadline)
        must_wait = self._must_wait(payment, charge)
        if charge is None and must_wait:
            return payment
        is_open = charge is None or (charge.status is ChargeStatus.PENDING and not must_wait)
        if is_open or (charge and charge.status is ChargeStatus.DECLINED):
            # Nothing was charged so far; that is an outcome once nothing can be any more (FR-206).
            charge = self._gateway.prevent_charge(payment, author.gateway_deadline)
        if charge is None:
            return self._payment_recorder.record_failure(author, None, payment, reason="not_charged")[0]
        return self._payment_recorder.record_charge(author, None, payment, charge)[0]

    def _must_wait(self, payment: Payment, charge: Charge | None) -> bool:
        """Whether a request, or the customer, still has time to bring it to its end."""
        now = self._clock()
        if charge and charge.next_action and not payment.act_until:
            # It is news that the customer is to act.
            return True
        if payment.act_until:
            # However often the client asks meanwhile.
            return payment.act_until > format_time(now)
        return payment.asked_at > format_time(now - self._settle_after)

    def _look_for_rejections(self, author: Author, payment: Payment) -> tuple[Payment, int]:
        """The payment, and how many of its refunds a bank has sent back after they had been made (FR-233).

        A charge that pays for no order is there to be returned again, and what an order's customer was refunded to be
        refunded again, by staff: the bank that sent it back would do so again.
        """
        rejected = 0
        made = [refund for refund in self._orders.get_refunds_of(payment, author.deadline) if refund.has_succeeded]
        # At once: a payment may have more refunds than there is time for requests.
        there = self._gateway.find_refunds(made, payment, author.gateway_deadline)
        for refund in made:
            found = there.get(refund.refund_id)
            if found is None or found.outcome is not RefundOutcome.FAILED:
                continue
            payment, is_news = decide_on_latest(functools.partial(self._take_back, author, payment, refund, found))
            rejected += is_news
        return payment, rejected

    def _take_back(
        self, author: Author, payment: Payment, refund: Refund, answer: GatewayRefund
    ) -> tuple[Payment, bool]:
        """The payment as it then is, and whether it is news that the refund was sent back. Raises OrderChanged."""
        order, now = self._orders.get_order_of(payment)
        if refund not in self._orders.get_refunds_of(now, author.deadline):
            # Another event of it was faster.
            return now, False
        if now.was_returned:
            return self._refund_recorder.take_back(author, order, now, refund, answer), True
        if order.payment_id == now.payment_id:
            return self._refund_recorder.lose_refund(author, order, now, refund, answer), True
        return now, True

    def _try_to_link(self, author: Author, payment: Payment) -> tuple[Payment, bool]:
        """The payment as it then is, and whether its order became paid by it."""

        def link() -> tuple[Payment, bool]:
            order, now = self._orders.get_order_of(payment)
            may_pay = order.status in origins_of(OrderStatus.PAID) and order.live_payment_id == now.payment_id
            if not now.has_succeeded or now.linked_at or not may_pay:
                return now, False
            return now, self._payment_recorder.link(author, order, now)[1]

        return decide_on_latest(link)

    def _return_charge(self, author: Author, payment: Payment) -> Payment:
        """Of a payment that pays for no order: what is left of its charge goes back, if there is one (FR-209)."""
        charge = self._gateway.find_charge(payment, author.gateway_deadline)
        if charge is None or charge.status is not ChargeStatus.SUCCEEDED:
            return payment

        def start() -> Payment:
            order, now = self._orders.get_order_of(payment)
            if now.status not in PAYS_FOR_NOTHING or now.linked_at:
                # It is on its way back already, or pays for its order.
                return now
            return self._refund_recorder.start_return(author, order, now, charge)

        return decide_on_latest(start)

    def _settle_refunds(self, author: Author, payment: Payment) -> None:
        """Of several, one that fails does not stop the rest."""
        faults: list[Exception] = []
        for refund in self._orders.get_refunds_of(payment, author.deadline):
            if refund.is_open:
                # All that the request had is on record.
                read = functools.partial(self._orders.get_order_of, payment)
                started = StartedRefund(*decide_on_latest(read), refund, resumed=True)
                try:
                    self._refund_recorder.make_refund(author, started, self._gateway)
                except (RequestNotTaken, OutcomeUnknown, StoreUnavailable) as fault:
                    faults.append(fault)
        if faults:
            raise faults[0]

    def _postpone(self, due: Due) -> bool:
        """Puts a payment that is still due off, for longer each time; whether something is left to be done about it."""
        now = self._clock()
        interval = grow_interval(self._settle_after, due.settle_attempts, LONGEST_INTERVAL)
        attempts = due.settle_attempts + 1
        if (due.act_until or "") > format_time(now):
            # A customer at work is no fault, nor does it count as one later: whoever has acted shall not wait.
            interval, attempts = self._settle_after, 0
        due_at = format_time(now + interval * (0.5 + self._jitter() / 2))
        try:
            return self._orders.postpone_payment(due, due_at=due_at, attempts=attempts)
        except StoreUnavailable:
            # It comes up again sooner than it need.
            return True


def _give_its_share(author: Author) -> Author:
    """The same, with as much time as one payment may take of a run."""
    kept = max(0.0, author.deadline() - MOST_SECONDS_FOR_ONE)
    return replace(author, deadline=lambda: author.deadline() - kept)
