"""Paying an order: the claim, the charge, and its outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checkout.caller import Caller
from checkout.clock import Clock, format_time
from checkout.errors import (
    CheckoutError,
    GatewayUnavailable,
    IdempotencyKeyReused,
    InvalidToken,
    OrderNotFound,
    PaymentAlreadySucceeded,
    PaymentInProgress,
    StoreUnavailable,
    TooManyAttempts,
)
from checkout.gateway import KEYS_KEPT, Charge, ChargeStatus, Gateway, OutcomeUnknown, RequestNotTaken
from checkout.hashes import hash_values
from checkout.money import Money
from checkout.order_table import KeyUse, OrderChanged, OrderTable, OrderToPay, decide_on_latest
from checkout.orders import Limits, Order
from checkout.payment_recorder import PaymentRecorder, facts_of
from checkout.payments import NOT_TAKEN, Payment

__all__ = ["Attempt", "ChargingService", "PaymentResult"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An order and a payment that holds it. `resumed` where an earlier request had started the payment."""

    order: Order
    payment: Payment
    resumed: bool


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """A payment; whether it had ended before; and where the gateway waits for the customer, what the client needs."""

    payment: Payment
    had_ended: bool
    next_action: Mapping[str, Any] | None = None


class ChargingService:
    """May raise StoreUnavailable besides what it says."""

    def __init__(
        self,
        orders: OrderTable,
        gateway: Gateway,
        recorder: PaymentRecorder,
        *,
        clock: Clock,
        limits: Limits,
        settle_after: timedelta,
    ) -> None:
        self._orders = orders
        self._gateway = gateway
        self._recorder = recorder
        self._clock = clock
        self._limits = limits
        self._settle_after = settle_after

    def pay(self, caller: Caller, *, order_id: str, token: str, money: Money, idempotency_key: str) -> PaymentResult:
        """The payment, succeeded, declined, or pending where the outcome is not known.

        A retry with the key of any payment of the order gets that payment: its outcome, or where it is still open the
        gateway is asked again under the same payment id (FR-018, FR-204). Raises OrderNotFound, OrderNotPayable,
        AmountMismatch, InvalidToken, PaymentInProgress, PaymentAlreadySucceeded, TooManyAttempts,
        IdempotencyKeyReused, GatewayUnavailable.
        """
        key_hash = hash_values("pay", caller.customer_id, idempotency_key)
        request_hash = hash_values(key_hash, order_id, token, money.amount, money.currency)

        def claim() -> Attempt:
            order, to_pay = self._read_order(caller, order_id, key_hash)
            payments = self._orders.get_payments_of(order, caller.deadline)
            for payment in payments:
                if payment.idempotency_key_hash == key_hash and not payment.failure_reason:
                    if payment.request_hash != request_hash:
                        raise IdempotencyKeyReused
                    return self._resume(caller, order, payment)
            self._check_key(order, to_pay.key_use, payments)
            order.check_payable(money, self._limits)
            for payment in payments:
                if payment.is_open or payment.is_being_returned:
                    raise PaymentInProgress(transaction_id=payment.payment_id)
                if payment.has_succeeded:
                    raise PaymentAlreadySucceeded(transaction_id=payment.payment_id)
            if to_pay.declines >= self._limits.hourly_declines:
                raise self._refuse_for_now(to_pay.declines)
            self._gateway.check_token(token)
            return self._claim_order(caller, order, to_pay.key_use, key_hash=key_hash, request_hash=request_hash)

        def give_up() -> CheckoutError:
            # Whoever was faster, each time, is a payment of this order.
            order, _ = self._read_order(caller, order_id, key_hash)
            payments = self._orders.get_payments_of(order, caller.deadline)
            return PaymentInProgress(transaction_id=payments[-1].payment_id) if payments else StoreUnavailable()

        attempt = decide_on_latest(claim, give_up=give_up)
        if not attempt.payment.is_open:
            return PaymentResult(attempt.payment, had_ended=True)
        return self._charge(caller, attempt, token)

    def _read_order(self, caller: Caller, order_id: str, key_hash: str) -> tuple[Order, OrderToPay]:
        to_pay = self._orders.get_order_to_pay(caller.customer_id, order_id, key_hash, self._clock(), caller.deadline)
        if to_pay.order is None:
            raise OrderNotFound
        return to_pay.order, to_pay

    def _check_key(self, order: Order, use: KeyUse | None, payments: Sequence[Payment]) -> None:
        """Raises IdempotencyKeyReused where another order has a payment under the key that may have been charged."""
        if use is None or use.made_id in {payment.payment_id for payment in payments}:
            return
        payment = self._orders.get_payment(use.made_id)
        if payment and payment.order_id == order.order_id:
            # It was started after the order was read.
            raise OrderChanged
        if payment is None or not payment.failure_reason:
            raise IdempotencyKeyReused

    def _refuse_for_now(self, declines: int) -> TooManyAttempts:
        now = self._clock()
        return TooManyAttempts(
            "Too many payments of this customer were declined within the hour.",
            hourly_declines=declines,
            limit=self._limits.hourly_declines,
            retry_after=3600 - now.minute * 60 - now.second,
        )

    def _claim_order(
        self, caller: Caller, order: Order, replaced_use: KeyUse | None, *, key_hash: str, request_hash: str
    ) -> Attempt:
        now = self._clock()
        at, due_at = format_time(now), format_time(now + self._settle_after)
        payment = Payment.start(order, idempotency_key_hash=key_hash, request_hash=request_hash, at=at, due_at=due_at)
        entry = caller.record(
            order,
            event="payment_started",
            from_status=None,
            to_status=payment.status,
            facts={**facts_of(payment), "attempt": payment.attempt},
            at=at,
        )
        claimed = order.claim(payment.payment_id)
        self._orders.claim_order(
            order,
            claimed,
            payment,
            entry,
            KeyUse(key_hash, request_hash, payment.payment_id),
            replaced_use=replaced_use,
            limits=self._limits,
            at=now,
            deadline=caller.deadline,
        )
        return Attempt(claimed.with_audit_head(entry.head), payment, resumed=False)

    def _resume(self, caller: Caller, order: Order, payment: Payment) -> Attempt:
        if not payment.is_open:
            return Attempt(order, payment, resumed=True)
        resumed = payment.resume(at=format_time(self._clock()))
        self._orders.resume_payment(payment, resumed, caller.deadline)
        return Attempt(order, resumed, resumed=True)

    def _charge(self, caller: Caller, attempt: Attempt, token: str) -> PaymentResult:
        """Asks the gateway, and puts on record what it says.

        The payment as it is, still pending, where that cannot be written: nobody is told what is not on record.
        Raises what `pay` does where it was ended otherwise meanwhile.
        """
        if attempt.resumed and self._clock() - datetime.fromisoformat(attempt.payment.created_at) > KEYS_KEPT:
            # The gateway may have forgotten the payment's id, and would charge anew.
            return self._record(caller, attempt, None)
        try:
            charge = self._gateway.charge(attempt.payment, token, caller.gateway_deadline)
        except OutcomeUnknown:
            return self._record(caller, attempt, None)
        except RequestNotTaken as refusal:
            return self._fail(caller, attempt, NOT_TAKEN, GatewayUnavailable(), refusal)
        except InvalidToken as refusal:
            return self._fail(caller, attempt, "invalid_token", refusal, refusal)
        return self._record(caller, attempt, charge)

    def _record(self, caller: Caller, attempt: Attempt, charge: Charge | None) -> PaymentResult:
        order, payment = attempt.order, attempt.payment
        try:
            if charge is None or _is_doubtful(charge, payment):
                recorded = self._recorder.record_unknown(caller, order, payment)
            else:
                recorded = self._recorder.record_charge(caller, order, payment, charge)
        except StoreUnavailable:
            recorded = payment
        if recorded.is_being_returned:
            raise PaymentInProgress(transaction_id=recorded.payment_id)
        if recorded.failure_reason:
            # Settling was faster, and made the charge impossible.
            raise GatewayUnavailable
        next_action = charge.next_action if charge and recorded.is_open else None
        return PaymentResult(recorded, had_ended=False, next_action=next_action)

    def _fail(
        self, caller: Caller, attempt: Attempt, reason: str, refusal: CheckoutError, cause: Exception
    ) -> PaymentResult:
        """Raises the refusal once it is on record that nobody was charged; else the payment as it is."""
        if attempt.resumed:
            # This request was not taken; the one that started the payment may have been.
            return self._record(caller, attempt, None)
        try:
            ended = self._recorder.record_failure(
                caller, attempt.order, attempt.payment, reason=reason, by_sole_request=True
            )
        except StoreUnavailable:
            ended = attempt.payment
        if ended.failure_reason:
            raise refusal from cause
        return PaymentResult(ended, had_ended=False)


def _is_doubtful(charge: Charge, payment: Payment) -> bool:
    """A charge of another amount is no answer to the request; what it is, is found out when the payment is settled."""
    return charge.status is ChargeStatus.SUCCEEDED and charge.money != payment.money
