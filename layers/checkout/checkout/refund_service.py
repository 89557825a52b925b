"""Refunding orders: by staff, in whole or in part, once for each request."""

from dataclasses import dataclass

from checkout.caller import Caller
from checkout.clock import Clock
from checkout.errors import IdempotencyKeyReused, StoreUnavailable
from checkout.gateway import Gateway, OutcomeUnknown, RequestNotTaken
from checkout.hashes import hash_values
from checkout.order_access import get_visible_order
from checkout.order_table import OrderTable, decide_on_latest
from checkout.refund_recorder import RefundRecorder, StartedRefund, ask_for_refund
from checkout.refunds import Refund

__all__ = ["RefundResult", "RefundService"]


@dataclass(frozen=True, slots=True)
class RefundResult:
    """A refund, and whether it had ended before."""

    refund: Refund
    had_ended: bool


class RefundService:
    """May raise StoreUnavailable besides what it says."""

    def __init__(self, orders: OrderTable, gateway: Gateway, recorder: RefundRecorder, *, clock: Clock) -> None:
        self._orders = orders
        self._gateway = gateway
        self._recorder = recorder
        self._clock = clock

    def refund_order(
        self, caller: Caller, *, order_id: str, amount: int | None, reason: str | None, idempotency_key: str
    ) -> RefundResult:
        """The refund of an amount in minor units, by default of all that is left; pending where it is not known yet.

        A retry with the key of any refund of the order gets that refund (FR-212); one that is still open is asked for
        again at the gateway, under the same refund id. Raises InsufficientScope, OrderNotFound, InvalidTransition,
        RefundExceedsPayment, IdempotencyKeyReused.
        """
        staff = caller.as_staff()
        key_hash = hash_values("refund_order", caller.customer_id, idempotency_key)
        request_hash = hash_values(key_hash, order_id, "all" if amount is None else amount, reason or "")

        def start() -> StartedRefund:
            # Before the refunds, so that one of theirs is among them.
            use = self._orders.get_key_use(key_hash, self._clock())
            order = get_visible_order(self._orders, staff, order_id)
            payment = self._orders.get_payment(order.payment_id) if order.payment_id else None
            refunds = self._orders.get_refunds_of(payment, staff.deadline) if payment else []
            for refund in refunds:
                if payment and refund.idempotency_key_hash == key_hash:
                    if refund.request_hash != request_hash:
                        raise IdempotencyKeyReused
                    return StartedRefund(order, payment, refund, resumed=True)
            if use:
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
                idempotency_key_hash=key_hash,
                request_hash=request_hash,
            )

        started = decide_on_latest(start)
        if not started.refund.is_open:
            return RefundResult(started.refund, had_ended=True)
        try:
            answer = ask_for_refund(self._gateway, started, staff)
            return RefundResult(self._recorder.record_refund(staff, started, answer), had_ended=False)
        except (OutcomeUnknown, RequestNotTaken, StoreUnavailable):
            # It is on record that it was started, so it will be made: settling asks again under the same refund id.
            return RefundResult(started.refund, had_ended=False)
