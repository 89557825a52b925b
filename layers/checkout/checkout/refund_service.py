"""Refunding orders: by staff, in whole or in part, once for each request."""

from dataclasses import dataclass

from checkout.audit import AuditHead
from checkout.caller import Caller
from checkout.clock import Clock, format_time
from checkout.errors import IdempotencyInProgress, IdempotencyKeyReused, StoreUnavailable
from checkout.gateway import Gateway, OutcomeUnknown, RequestNotTaken
from checkout.key_records import KeyTaken, RequestKey
from checkout.order_access import get_visible_order
from checkout.order_table import OrderTable, decide_on_latest
from checkout.refund_recorder import RefundRecorder, StartedRefund
from checkout.refunds import Refund

__all__ = ["RefundResult", "RefundService"]


@dataclass(frozen=True, slots=True)
class RefundResult:
    """A refund, and whether it had ended before."""

    refund: Refund
    had_ended: bool = False


class RefundService:
    """May raise StoreUnavailable besides what it says."""

    def __init__(self, orders: OrderTable, gateway: Gateway, recorder: RefundRecorder, *, clock: Clock) -> None:
        self._orders = orders
        self._gateway = gateway
        self._recorder = recorder
        self._clock = clock

    def refund_order(
        self, caller: Caller, *, order_id: str, amount: int | None, reason: str | None, key: RequestKey[Refund]
    ) -> RefundResult:
        """The refund of an amount in minor units, by default of all that is left; pending where it is not known yet. An
        outcome is kept, with the answer to it, under the request's key.

        A retry with the key of any refund of the order gets that refund (FR-212); one that is still open is asked for
        again at the gateway, under the same refund id, for a while (FR-213). Raises KeyTaken where the key has an
        answer, InsufficientScope, OrderNotFound, InvalidTransition, RefundExceedsPayment, IdempotencyKeyReused,
        IdempotencyInProgress.
        """
        staff = caller.as_staff()
        # The trail's heads that this request has tried to write: a try may have taken effect, and only the next have
        # been answered. An entry says in which request it was made, so nobody else writes the same one.
        begun: list[AuditHead] = []

        def start() -> StartedRefund:
            # Before the refunds, so that one of theirs is among them.
            record = self._orders.get_key_record(key.key_id, self._clock())
            if record and record.answers(key.payload_hash):
                raise KeyTaken(record)
            order = get_visible_order(self._orders, staff, order_id)
            payment = self._orders.get_payment(order.payment_id) if order.payment_id else None
            refunds = self._orders.get_refunds_of(payment, staff.deadline) if payment else []
            for refund in refunds:
                if payment and refund.idempotency_key_hash == key.key_id:
                    if refund.request_hash != key.payload_hash:
                        raise IdempotencyKeyReused
                    if order.audit_head in begun:
                        return StartedRefund(order, payment, refund, resumed=False)
                    now = self._clock()
                    if refund.is_open and refund.is_busy(format_time(now)):
                        raise IdempotencyInProgress
                    has_key = record is not None and record.holds(refund.refund_id, now)
                    return StartedRefund(order, payment, refund, resumed=True, has_key=has_key)
            if record:
                # Another order has a refund under the key.
                raise IdempotencyKeyReused
            order.check_refundable()
            if payment is None:
                raise LookupError("the payment of an order is gone")
            return self._recorder.start_refund(
                staff,
                order,
                payment,
                payment.refundable_amount if amount is None else amount,
                reason=reason,
                key=key,
                begun=begun,
            )

        started = decide_on_latest(start)
        if not started.refund.is_open:
            self._keep_answer(started.refund, key)
            return RefundResult(started.refund, had_ended=True)
        if not started.refund.may_be_resumed(self._clock()):
            return RefundResult(started.refund)
        try:
            refund, is_ours = self._recorder.make_refund(
                staff, started, self._gateway, key=key if started.has_key else None
            )
        except (OutcomeUnknown, RequestNotTaken, StoreUnavailable):
            # It is on record that it was started, so it will be made: settling asks again under the same refund id.
            refund, is_ours = started.refund, False
        if refund.is_open:
            self._recorder.leave(staff, refund)
        elif not is_ours:
            self._keep_answer(refund, key)
        return RefundResult(refund)

    def _keep_answer(self, refund: Refund, key: RequestKey[Refund]) -> None:
        """To a refund that somebody else has ended."""
        try:
            self._orders.keep_answer(key.complete(refund.refund_id, refund, self._clock()))
        except StoreUnavailable:
            # It follows from the refund, each time that it is asked for.
            return
