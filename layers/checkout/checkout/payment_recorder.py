"""Puts on record what becomes of a payment: its outcome, and its link to the order.

Whoever learns it first writes it: the request that pays, a retry, the client that links, the settling that nobody asked
for, an event of the gateway. All of them write it here, so that they agree.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from checkout.audit import AuditEntry
from checkout.caller import Author
from checkout.clock import Clock, format_time
from checkout.errors import OrderAlreadyPaid, PaymentNotSucceeded
from checkout.gateway import Charge, ChargeStatus
from checkout.order_table import OrderTable, decide_on_latest
from checkout.orders import Order
from checkout.payments import Payment
from checkout.transitions import OrderStatus, check_order_transition

__all__ = ["CHARGE_REFUNDED", "WRONG_CHARGE", "PaymentRecorder", "facts_of", "is_as_asked"]

TIME_TO_ACT = timedelta(minutes=15)
"""How long a charge waits for its customer, where the gateway asks them to act."""

WRONG_CHARGE = "wrong_charge"
"""Why a payment failed whose card was charged another amount."""

CHARGE_REFUNDED = "charge_refunded"
"""Why a payment failed whose charge was refunded at the gateway itself before the checkout knew of it."""


def is_as_asked(charge: Charge, payment: Payment) -> bool:
    """Whether a charge that was made is one that can pay for the payment's order: all of the amount is there."""
    return charge.money == payment.money and not charge.refunded_amount


class PaymentRecorder:
    """Every method takes a payment, and its order where that is known, as they were read last; where they have changed,
    it reads them again.

    Each that records an outcome returns the payment as it then is, and whether this call wrote it. All may raise
    StoreUnavailable.
    """

    def __init__(self, orders: OrderTable, *, clock: Clock) -> None:
        self._orders = orders
        self._clock = clock

    def record_charge(
        self, author: Author, order: Order | None, payment: Payment, charge: Charge
    ) -> tuple[Payment, bool]:
        """What the gateway says of the charge (FR-016, FR-017). It is left open where that is no outcome (FR-203)."""
        if charge.status is ChargeStatus.PENDING:
            return self.record_unknown(author, order, payment, charge)
        if charge.status is ChargeStatus.DECLINED:
            declined = charge.decline_code or "generic_decline"
            return self._finish(
                author,
                order,
                payment,
                lambda open_, at: open_.decline(
                    decline_code=declined,
                    gateway_reference=charge.reference or None,
                    at=at,
                    request_id=author.request_id,
                ),
            )
        if not is_as_asked(charge, payment):
            # What is left of it goes back where it came from; the order is let go once it has (FR-209).
            reason = CHARGE_REFUNDED if charge.money == payment.money else WRONG_CHARGE
            return self._finish(
                author,
                order,
                payment,
                lambda open_, at: open_.refuse_charge(reason=reason, gateway_reference=charge.reference, at=at),
            )
        return self._finish(
            author, order, payment, lambda open_, at: open_.succeed(gateway_reference=charge.reference, at=at)
        )

    def record_failure(
        self, author: Author, order: Order | None, payment: Payment, *, reason: str, by_sole_request: bool = False
    ) -> tuple[Payment, bool]:
        """Surely not charged (FR-019). `by_sole_request` where that is so only if no other request asked the gateway;
        the payment then stays open where one did."""
        return self._finish(
            author, order, payment, lambda open_, at: open_.fail(reason=reason, at=at), by_sole_request=by_sole_request
        )

    def record_unknown(
        self, author: Author, order: Order | None, payment: Payment, charge: Charge | None = None
    ) -> tuple[Payment, bool]:
        """What became of it is not known, or waits for the customer (FR-203)."""
        reference = charge.reference if charge else None

        def leave_open(order: Order, payment: Payment, at: datetime) -> tuple[Payment, bool]:
            act_until = payment.act_until
            if charge and charge.next_action and not act_until:
                act_until = format_time(at + TIME_TO_ACT)
            open_ = payment.leave_open(
                gateway_reference=reference or payment.gateway_reference, act_until=act_until, at=format_time(at)
            )
            if open_ == payment.leave():
                # Nothing new is known of it.
                if payment.busy_until:
                    self._orders.note_work_on_payment(payment, open_, author.deadline)
                return open_, False
            entry = self._make_entry(author, order, payment, open_, at)
            self._orders.keep_hold((payment, open_), entry, author.deadline, at=at)
            return open_, True

        return self._decide(order, payment, leave_open)

    def link(self, author: Author, order: Order, payment: Payment) -> tuple[Order, bool]:
        """The order, paid by the payment, and whether this call made it so (FR-025, FR-026, FR-208).

        Raises OrderAlreadyPaid, InvalidTransition, PaymentNotSucceeded, and OrderChanged: read both again.
        """
        if order.payment_id == payment.payment_id:
            return order, False
        if order.payment_id is not None:
            raise OrderAlreadyPaid(payment_transaction_id=order.payment_id)
        check_order_transition(order.status, OrderStatus.PAID)
        if not payment.has_succeeded:
            raise PaymentNotSucceeded(transaction_id=payment.payment_id, payment_status=payment.public_status)
        at = format_time(self._clock())
        paid = order.mark_paid(payment.payment_id, at=at)
        entry = author.record(
            order,
            event="order_paid",
            from_status=order.status,
            to_status=paid.status,
            facts=facts_of(payment),
            at=at,
        )
        self._orders.mark_order_paid((order, paid), (payment, payment.link(at=at)), entry, author.deadline)
        return paid, True

    def _finish(
        self,
        author: Author,
        order: Order | None,
        payment: Payment,
        end: Callable[[Payment, str], Payment],
        *,
        by_sole_request: bool = False,
    ) -> tuple[Payment, bool]:
        def finish(order: Order, payment: Payment, at: datetime) -> tuple[Payment, bool]:
            if by_sole_request and payment.resumed_at:
                return payment, False
            ended = end(payment, format_time(at))
            entry = self._make_entry(author, order, payment, ended, at)
            if ended.holds_order:
                # As long as there is a charge: also one that is to be returned.
                self._orders.keep_hold((payment, ended), entry, author.deadline, at=at)
                return ended, True
            released = order.release(payment.payment_id, declined=ended.was_declined, refused=ended.was_refused)
            self._orders.let_go(
                (order, released),
                (payment, ended),
                entry,
                author.deadline,
                at=at,
                by_sole_request=by_sole_request,
            )
            return ended, True

        return self._decide(order, payment, finish)

    def _decide(
        self, order: Order | None, payment: Payment, decide: Callable[[Order, Payment, datetime], tuple[Payment, bool]]
    ) -> tuple[Payment, bool]:
        """What is decided of an open payment; the payment as it is where another has ended it."""
        known = [(order, payment)] if order else []

        def decide_on_known() -> tuple[Payment, bool]:
            order_now, payment_now = known.pop() if known else self._orders.get_order_of(payment)
            return decide(order_now, payment_now, self._clock()) if payment_now.is_open else (payment_now, False)

        return decide_on_latest(decide_on_known)

    def _make_entry(self, author: Author, order: Order, before: Payment, after: Payment, at: datetime) -> AuditEntry:
        return author.record(
            order,
            event=f"payment_{after.status}",
            from_status=before.status,
            to_status=after.status,
            facts=facts_of(after),
            at=format_time(at),
        )


def facts_of(payment: Payment) -> dict[str, Any]:
    """What the audit trail says of a payment; without what has no value."""
    facts = {
        "payment_id": payment.payment_id,
        "amount": payment.money.amount,
        "currency": payment.money.currency,
        "gateway_reference": payment.gateway_reference,
        "decline_code": payment.decline_code,
        "failure_reason": payment.failure_reason,
    }
    return {name: value for name, value in facts.items() if value is not None}
