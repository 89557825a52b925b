"""Puts on record that money goes back, and what becomes of it: refunds by staff, and charges that pay for nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checkout.audit import AuditHead
from checkout.caller import Author
from checkout.clock import Clock, format_time
from checkout.errors import StoreUnavailable
from checkout.gateway import Charge, Gateway, GatewayRefund, RefundOutcome
from checkout.key_records import RequestKey
from checkout.money import Money
from checkout.order_reader import OrderChanged
from checkout.order_table import OrderTable, decide_on_latest
from checkout.orders import Order
from checkout.payments import Payment, grow_interval
from checkout.refunds import Refund

__all__ = ["RefundRecorder", "StartedRefund"]

LONGEST_BETWEEN_RETURNS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StartedRefund:
    """A refund with its order and payment, as they were when it was last looked at.

    `resumed` where an earlier request had started it; `has_key` where the record of its key is this refund's: after a
    day there may be none, or another's.
    """

    order: Order
    payment: Payment
    refund: Refund
    resumed: bool
    has_key: bool = True


class RefundRecorder:
    """Every method may raise StoreUnavailable; those that start a refund OrderChanged too: read and decide again."""

    def __init__(self, orders: OrderTable, *, clock: Clock, settle_after: timedelta) -> None:
        self._orders = orders
        self._clock = clock
        self._settle_after = settle_after

    def start_refund(
        self,
        author: Author,
        order: Order,
        payment: Payment,
        amount: int,
        *,
        reason: str | None,
        key: RequestKey[Refund],
        begun: list[AuditHead],
    ) -> StartedRefund:
        """Some of what an order was paid with is on its way back (FR-210). The trail's head that says so is in `begun`
        before it is written, for only the next try may be answered. Raises RefundExceedsPayment (FR-211)."""
        at, due_at = self._read_times()
        now = datetime.fromisoformat(at)
        refunding = payment.start_refund(amount, at=at, due_at=due_at)
        refund = Refund.start(
            payment,
            Money(amount, payment.money.currency),
            reason=reason,
            at=at,
            idempotency_key_hash=key.key_id,
            request_hash=key.payload_hash,
            busy_until=format_time(now + timedelta(seconds=author.deadline())),
        )
        entry = author.record(
            order,
            event="refund_started",
            from_status=payment.status,
            to_status=refunding.status,
            facts=_facts_of(refund),
            at=at,
        )
        record = key.start(refund.refund_id, now)
        begun.append(entry.head)
        try:
            self._orders.start_refund(
                (order, order), (payment, refunding), refund, entry, record, author.deadline, at=now
            )
        except StoreUnavailable:
            # It may have been written all the same.
            self.leave(author, refund)
            raise
        return StartedRefund(order.written_with(entry.head), refunding, refund, resumed=False)

    def make_refund(
        self, author: Author, started: StartedRefund, gateway: Gateway, *, key: RequestKey[Refund] | None = None
    ) -> tuple[Refund, bool]:
        """Asks the gateway for a refund, and puts on record what it says, with the answer under the key of the request
        that is answered; the refund as it then is, and whether this call wrote its end (FR-210, FR-213, FR-214).

        One that may have been asked for before is looked for first; asked for again, it is the same. Who is told that
        somebody else asks at this moment leaves it to them. Raises RequestNotTaken and OutcomeUnknown.
        """
        refund, payment, deadline = started.refund, started.payment, author.gateway_deadline
        found = gateway.find_refunds([refund], payment, deadline).get(refund.refund_id) if started.resumed else None
        if started.resumed and not found and not self._may_ask(author, refund):
            return self._orders.get_refunds_of(payment, author.deadline)[refund.number - 1], False
        # As it was before: what the gateway makes of it hangs on when it was asked for last.
        answer = found or gateway.refund(refund, payment, deadline)
        return self.record_refund(author, started, answer, key=key)

    def _may_ask(self, author: Author, refund: Refund) -> bool:
        """Once it is on record that the gateway is asked again; False where somebody else was faster."""
        resumed = refund.resume(at=format_time(self._clock()))
        if resumed == refund:
            return True
        try:
            self._orders.note_work_on_refund(refund, resumed, author.deadline)
        except OrderChanged:
            return False
        return True

    def leave(self, author: Author, refund: Refund) -> None:
        """A retry need not wait until this request's time is over (FR-212)."""
        if refund.busy_until is None:
            return
        try:
            self._orders.note_work_on_refund(refund, refund.leave(), author.deadline)
        except (OrderChanged, StoreUnavailable):
            # Settling was faster; or it is free once the time is over.
            return

    def start_return(self, author: Author, order: Order, payment: Payment, charge: Charge) -> Payment:
        """What is left of a charge that pays for no order is on its way back (FR-209); until then it holds the order.

        The payment as it then is: refunded where nothing is left, for somebody has refunded it at the gateway itself.
        """
        now = self._clock()
        at = format_time(now)
        charged = payment.take_charge(
            charge.money.amount, refunded_amount=charge.refunded_amount, gateway_reference=charge.reference
        )
        if not charged.refundable_amount:
            return self._end_returned(author, order, payment, charged.end_returned(at=at), at)
        refund = Refund.start(
            payment, Money(charged.refundable_amount, charge.money.currency), reason="charge_returned", at=at
        )
        # A gateway that will not return it is asked again, each time as a refund of its own.
        tries = payment.settle_attempts + 1 if payment.refund_count else 0
        due_at = format_time(now + grow_interval(self._settle_after, tries, LONGEST_BETWEEN_RETURNS))
        refunding = charged.start_refund(charged.refundable_amount, at=at, due_at=due_at, tries=tries)
        entry = author.record(
            order,
            event="refund_started",
            from_status=payment.status,
            to_status=refunding.status,
            facts={
                **_facts_of(refund),
                "gateway_reference": charge.reference,
                **({"refunded_amount": charge.refunded_amount} if charge.refunded_amount else {}),
            },
            at=at,
        )
        held = order.hold(payment.payment_id)
        self._orders.start_return((order, held), (payment, refunding), refund, entry, author.deadline)
        return refunding

    def _end_returned(self, author: Author, order: Order, payment: Payment, returned: Payment, at: str) -> Payment:
        entry = author.record(
            order,
            event="payment_refunded",
            from_status=payment.status,
            to_status=returned.status,
            facts={
                "payment_id": returned.payment_id,
                "refunded_amount": returned.refunded_amount,
                "gateway_reference": returned.gateway_reference,
            },
            at=at,
        )
        released = order.release(payment.payment_id)
        self._orders.end_returned((order, released), (payment, returned), entry, author.deadline)
        return returned

    def take_back(
        self, author: Author, order: Order, payment: Payment, refund: Refund, answer: GatewayRefund
    ) -> Payment:
        """A bank has sent back a charge that was returned: it holds the order again until it is returned (FR-233)."""
        at, due_at = self._read_times()
        failed = _fail_as_told(refund, answer, at)
        charged = payment.take_back_refund(refund.money.amount, at=at, due_at=due_at)
        entry = author.record(
            order,
            event="refund_failed",
            from_status=payment.status,
            to_status=charged.status,
            facts=_facts_of(failed),
            at=at,
        )
        held = order.hold(payment.payment_id)
        self._orders.finish_refund((order, held), (payment, charged), (refund, failed), [entry], author.deadline)
        return charged

    def lose_refund(
        self, author: Author, order: Order, payment: Payment, refund: Refund, answer: GatewayRefund
    ) -> Payment:
        """A bank has sent back what an order's customer was refunded: it may be refunded again (FR-233)."""
        at = format_time(self._clock())
        failed = _fail_as_told(refund, answer, at)
        charged = payment.lose_refund(refund.money.amount, at=at)
        entry = author.record(
            order,
            event="refund_failed",
            from_status=payment.status,
            to_status=charged.status,
            facts=_facts_of(failed),
            at=at,
        )
        owed = order.lose_refund(refund.money.amount, at=at)
        self._orders.finish_refund((order, owed), (payment, charged), (refund, failed), [entry], author.deadline)
        return charged

    def record_refund(
        self,
        author: Author,
        started: StartedRefund,
        answer: GatewayRefund,
        *,
        key: RequestKey[Refund] | None = None,
    ) -> tuple[Refund, bool]:
        """What the gateway says of a refund (FR-210, FR-214), kept with the answer to it under the key of the request
        that is answered; the refund as it then is, and whether this call wrote it."""
        if answer.outcome is RefundOutcome.PENDING:
            return started.refund, False

        def end(refund: Refund, at: str) -> Refund:
            if answer.outcome is RefundOutcome.SUCCEEDED:
                return refund.succeed(gateway_reference=str(answer.reference), at=at)
            return refund.fail(reason=answer.failure_reason or "unknown", gateway_reference=answer.reference, at=at)

        return self._finish(author, started, end, key)

    def _finish(
        self,
        author: Author,
        started: StartedRefund,
        end: Callable[[Refund, str], Refund],
        key: RequestKey[Refund] | None,
    ) -> tuple[Refund, bool]:
        known = [started]

        def finish() -> tuple[Refund, bool]:
            now = known.pop() if known else self._read_again(author, started)
            if not now.refund.is_open:
                return now.refund, False
            at = format_time(self._clock())
            ended = end(now.refund, at)
            amount = ended.money.amount
            order, payment = now.order, now.payment.fail_refund(amount, at=at)
            if ended.has_succeeded:
                payment = now.payment.finish_refund(amount, at=at)
                if order.payment_id == payment.payment_id:
                    order = order.refund(amount, at=at)
                else:
                    order = order.release(payment.payment_id)
            entries = [
                author.record(
                    now.order,
                    event=f"refund_{ended.status}",
                    from_status=now.payment.status,
                    to_status=payment.status,
                    facts=_facts_of(ended),
                    at=at,
                )
            ]
            if order.status is not now.order.status:
                entries.append(
                    author.record(
                        now.order.with_audit_head(entries[0].head),
                        event="order_refunded",
                        from_status=now.order.status,
                        to_status=order.status,
                        facts={"payment_id": payment.payment_id, "refunded_amount": order.refunded_amount},
                        at=at,
                    )
                )
            self._orders.finish_refund(
                (now.order, order),
                (now.payment, payment),
                (now.refund, ended),
                entries,
                author.deadline,
                key.complete(ended.refund_id, ended, datetime.fromisoformat(at)) if key else None,
            )
            return ended, True

        return decide_on_latest(finish)

    def _read_again(self, author: Author, started: StartedRefund) -> StartedRefund:
        order, payment = self._orders.get_order_of(started.payment)
        refunds = self._orders.get_refunds_of(payment, author.deadline)
        return StartedRefund(order, payment, refunds[started.refund.number - 1], resumed=True)

    def _read_times(self) -> tuple[str, str]:
        """Now, and when to look after what is started now."""
        now = self._clock()
        return format_time(now), format_time(now + self._settle_after)


def _fail_as_told(refund: Refund, answer: GatewayRefund, at: str) -> Refund:
    return refund.fail(
        reason=answer.failure_reason or "unknown",
        gateway_reference=answer.reference or refund.gateway_reference,
        at=at,
    )


def _facts_of(refund: Refund) -> dict[str, Any]:
    """What the audit trail says of a refund, without what has no value, and without its reason: it may say anything."""
    facts = {
        "payment_id": refund.payment_id,
        "refund_id": refund.refund_id,
        "amount": refund.money.amount,
        "currency": refund.money.currency,
        "gateway_reference": refund.gateway_reference,
        "failure_reason": refund.failure_reason,
    }
    return {name: value for name, value in facts.items() if value is not None}
