"""Paying an order: the claim, the charge, its outcome, and the link between payment and order."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rfc8785

from checkout.caller import Caller
from checkout.clock import Clock, format_time
from checkout.errors import (
    CheckoutError,
    GatewayUnavailable,
    IdempotencyKeyReused,
    InvalidToken,
    OrderAlreadyPaid,
    OrderNotFound,
    PaymentAlreadySucceeded,
    PaymentInProgress,
    PaymentMismatch,
    PaymentNotFound,
    PaymentNotSucceeded,
    StoreUnavailable,
)
from checkout.gateway import Charge, ChargeUnknown, Gateway, NotCharged
from checkout.identifiers import payment_id_of
from checkout.money import Money
from checkout.order_table import OrderTable, decide_on_latest
from checkout.orders import Order
from checkout.payments import Payment
from checkout.transitions import OrderStatus, check_order_transition

__all__ = ["Attempt", "PaymentService"]

SECONDS_TO_FINISH = 5.0
"""Kept back from the gateway's time, so that the outcome of a charge can still be written."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An order and a payment that holds it. `resumed` where an earlier request had started the payment."""

    order: Order
    payment: Payment
    resumed: bool


class PaymentService:
    """One method an operation. Each may raise StoreUnavailable besides what it says."""

    def __init__(self, orders: OrderTable, gateway: Gateway, *, clock: Clock, max_declines: int) -> None:
        self._orders = orders
        self._gateway = gateway
        self._clock = clock
        self._max_declines = max_declines

    def pay(
        self, caller: Caller, *, order_id: str, token: str, money: Money, idempotency_key: str
    ) -> tuple[Payment, bool]:
        """The payment, succeeded, declined, or pending where the outcome is not known; whether it had ended before.

        A retry with the key of the order's last payment gets that payment: its outcome, or where it is still open the
        gateway is asked again under the same payment id (FR-018). Raises OrderNotFound, OrderNotPayable,
        AmountMismatch, InvalidToken, PaymentInProgress, PaymentAlreadySucceeded, TooManyAttempts,
        IdempotencyKeyReused, GatewayUnavailable.
        """
        key_hash = _hash([caller.customer_id, idempotency_key])
        request_hash = _hash([key_hash, order_id, token, money.amount, money.currency])

        def claim() -> Attempt:
            order = self._get_order(caller, order_id)
            last = self._get_last_payment(order)
            if last and last.idempotency_key_hash == key_hash and not last.failure_reason:
                if last.request_hash != request_hash:
                    raise IdempotencyKeyReused
                return self._resume(caller, order, last)
            order.check_payable(money, max_declines=self._max_declines)
            if last and last.is_open:
                raise PaymentInProgress(transaction_id=last.payment_id)
            if last and last.has_succeeded:
                raise PaymentAlreadySucceeded(transaction_id=last.payment_id)
            self._gateway.check_token(token)
            return self._claim_order(caller, order, key_hash=key_hash, request_hash=request_hash)

        def give_up() -> PaymentInProgress:
            # Whoever was faster, each time, is a payment of this order.
            order = self._get_order(caller, order_id)
            return PaymentInProgress(transaction_id=payment_id_of(order_id, order.payment_attempts))

        attempt = decide_on_latest(claim, give_up=give_up)
        if not attempt.payment.is_open:
            return attempt.payment, True
        return self._charge(caller, attempt, token), False

    def get_payment(self, caller: Caller, transaction_id: str) -> Payment:
        """FR-024. Raises PaymentNotFound, also where the payment is another customer's (FR-003)."""
        payment = self._orders.get_payment(transaction_id)
        if payment is None or payment.customer_id != caller.customer_id:
            raise PaymentNotFound
        return payment

    def mark_order_paid(self, caller: Caller, order_id: str, transaction_id: str) -> tuple[Order, bool]:
        """The order, paid by the payment, and whether this call made it so (FR-025, FR-026).

        Raises OrderNotFound, PaymentNotFound, PaymentMismatch, OrderAlreadyPaid, InvalidTransition,
        PaymentNotSucceeded (FR-027).
        """

        def link() -> tuple[Order, bool]:
            order = self._get_order(caller, order_id)
            payment = self.get_payment(caller, transaction_id)
            if payment.order_id != order.order_id:
                raise PaymentMismatch(transaction_id=payment.payment_id)
            if order.payment_id == payment.payment_id:
                return order, False
            if order.payment_id is not None:
                raise OrderAlreadyPaid(payment_transaction_id=order.payment_id)
            check_order_transition(order.status, OrderStatus.PAID)
            if not payment.has_succeeded:
                raise PaymentNotSucceeded(transaction_id=payment.payment_id, payment_status=payment.status)
            at = format_time(self._clock())
            paid = order.mark_paid(payment.payment_id, at=at)
            entry = caller.record(
                order,
                event="order_paid",
                from_status=order.status,
                to_status=paid.status,
                facts=_facts_of(payment),
                at=at,
            )
            self._orders.mark_order_paid((order, paid), (payment, payment.link(at=at)), entry, caller.deadline)
            return paid, True

        return decide_on_latest(link)

    def _get_order(self, caller: Caller, order_id: str) -> Order:
        order = self._orders.get_order(caller.customer_id, order_id)
        if order is None:
            raise OrderNotFound
        return order

    def _get_last_payment(self, order: Order) -> Payment | None:
        """The payment of the order's last attempt; its id follows from the order, so nothing points to it."""
        if not order.payment_attempts:
            return None
        return self._orders.get_payment(payment_id_of(order.order_id, order.payment_attempts))

    def _claim_order(self, caller: Caller, order: Order, *, key_hash: str, request_hash: str) -> Attempt:
        at = format_time(self._clock())
        payment = Payment.start(order, idempotency_key_hash=key_hash, request_hash=request_hash, at=at)
        entry = caller.record(
            order,
            event="payment_started",
            from_status=None,
            to_status=payment.status,
            facts={**_facts_of(payment), "attempt": payment.attempt},
            at=at,
        )
        claimed = order.claim(payment.payment_id)
        self._orders.claim_order(
            order, claimed, payment, entry, max_declines=self._max_declines, deadline=caller.deadline
        )
        return Attempt(claimed.with_audit_head(entry.head), payment, resumed=False)

    def _resume(self, caller: Caller, order: Order, payment: Payment) -> Attempt:
        if not payment.is_open or payment.resumed_at:
            return Attempt(order, payment, resumed=True)
        resumed = payment.resume(at=format_time(self._clock()))
        self._orders.resume_payment(payment, resumed, caller.deadline)
        return Attempt(order, resumed, resumed=True)

    def _charge(self, caller: Caller, attempt: Attempt, token: str) -> Payment:
        payment = attempt.payment
        try:
            charge = self._gateway.charge(
                payment.payment_id,
                payment.order_id,
                payment.money,
                token,
                lambda: caller.deadline() - SECONDS_TO_FINISH,
            )
        except ChargeUnknown:
            return payment
        except NotCharged as refusal:
            return self._fail(caller, attempt, "gateway_unavailable", GatewayUnavailable(), refusal)
        except InvalidToken as refusal:
            return self._fail(caller, attempt, "invalid_token", refusal, refusal)
        return self._finish(caller, attempt, lambda open_, at: _end_payment(open_, charge, at))

    def _fail(self, caller: Caller, attempt: Attempt, reason: str, refusal: CheckoutError, cause: Exception) -> Payment:
        """Raises the refusal once it is on record that nobody was charged; else the payment as it is."""
        if attempt.resumed:
            # This request was not taken; the one that started the payment may have been.
            return attempt.payment
        ended = self._finish(caller, attempt, lambda payment, at: payment.fail(reason=reason, at=at))
        if ended.failure_reason:
            raise refusal from cause
        return ended

    def _finish(self, caller: Caller, attempt: Attempt, end: Callable[[Payment, str], Payment]) -> Payment:
        """The payment with its outcome written, by this request or by another that was faster.

        The payment as it is, still pending, where the outcome cannot be written: nobody is told what is not on
        record, and a retry resumes it.
        """
        known: list[tuple[Order, Payment]] = [(attempt.order, attempt.payment)]

        def finish() -> Payment:
            order, payment = known.pop() if known else self._read_again(caller, attempt)
            if not payment.is_open:
                return payment
            at = format_time(self._clock())
            ended = end(payment, at)
            if ended.failure_reason and payment.resumed_at:
                return payment
            released = order if ended.has_succeeded else order.release(declined=ended.was_declined)
            entry = caller.record(
                order,
                event=f"payment_{ended.status}",
                from_status=payment.status,
                to_status=ended.status,
                facts=_facts_of(ended),
                at=at,
            )
            self._orders.finish_payment((order, released), (payment, ended), entry, caller.deadline)
            return ended

        try:
            return decide_on_latest(finish)
        except StoreUnavailable:
            return attempt.payment

    def _read_again(self, caller: Caller, attempt: Attempt) -> tuple[Order, Payment]:
        order = self._get_order(caller, attempt.order.order_id)
        return order, self.get_payment(caller, attempt.payment.payment_id)


def _end_payment(payment: Payment, charge: Charge, at: str) -> Payment:
    if charge.decline_code:
        return payment.decline(decline_code=charge.decline_code, gateway_reference=charge.reference, at=at)
    return payment.succeed(gateway_reference=charge.reference, at=at)


def _facts_of(payment: Payment) -> dict[str, Any]:
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


def _hash(values: list[str | int]) -> str:
    return hashlib.sha256(rfc8785.dumps(values)).hexdigest()
