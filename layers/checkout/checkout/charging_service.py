"""Paying an order: the claim, the charge, and its outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checkout.audit import AuditHead
from checkout.caller import Caller
from checkout.clock import Clock, format_time
from checkout.errors import (
    CheckoutError,
    GatewayUnavailable,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidToken,
    OrderNotFound,
    PaymentAlreadySucceeded,
    PaymentInProgress,
    PaymentNotSucceeded,
    StoreUnavailable,
    TooManyAttempts,
)
from checkout.gateway import Charge, ChargeStatus, Gateway, OutcomeUnknown, RequestNotTaken, RequestRefused
from checkout.key_records import KeyRecord, KeyTaken, RequestKey
from checkout.money import Money
from checkout.order_table import OrderChanged, OrderTable, OrderToPay, decide_on_latest
from checkout.orders import Limits, Order
from checkout.payment_recorder import PaymentRecorder, facts_of, is_as_asked
from checkout.payments import NOT_TAKEN, REFUSED, Payment

__all__ = ["Attempt", "ChargingService", "PaymentResult"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An order and a payment of it. `resumed` where it is open and an earlier request had started it; `has_key`
    where the record of its key is this payment's: after a day there may be none, or another's."""

    order: Order
    payment: Payment
    resumed: bool = False
    has_key: bool = True


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """A payment; whether it had ended before; and where the gateway waits for the customer, what the client needs."""

    payment: Payment
    had_ended: bool = False
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

    def pay(
        self, caller: Caller, *, order_id: str, token: str, money: Money, key: RequestKey[Payment]
    ) -> PaymentResult:
        """The payment, succeeded, declined, or pending where the outcome is not known. An outcome is kept, with the
        answer to it, under the request's key.

        A retry with the key of any payment of the order gets that payment: its outcome, or where it is still open the
        gateway is asked again under the same payment id, for a while (FR-018, FR-204). Raises KeyTaken where the key
        has an answer, OrderNotFound, OrderNotPayable, AmountMismatch, InvalidToken, PaymentInProgress,
        PaymentAlreadySucceeded, PaymentNotSucceeded where its charge went back, TooManyAttempts, IdempotencyKeyReused,
        IdempotencyInProgress, GatewayUnavailable.
        """

        # The trail's heads that this request has tried to write: a try may have taken effect, and only the next have
        # been answered. An entry says in which request it was made, so nobody else writes the same one.
        begun: list[AuditHead] = []

        def claim() -> Attempt:
            order, to_pay = self._read_order(caller, order_id, key)
            if to_pay.key_record and to_pay.key_record.answers(key.payload_hash):
                raise KeyTaken(to_pay.key_record)
            payments = self._orders.get_payments_of(order, caller.deadline)
            # The latest first: where one was surely not charged, its key went on to the next.
            for payment in reversed(payments):
                if payment.idempotency_key_hash == key.key_id and payment.holds_key:
                    if payment.request_hash != key.payload_hash:
                        raise IdempotencyKeyReused
                    if order.audit_head in begun:
                        return Attempt(order, payment)
                    return self._resume(caller, order, payment, to_pay.key_record)
            self._check_key(order, to_pay.key_record, payments)
            order.check_payable(money, self._limits)
            for payment in payments:
                if payment.is_open or payment.is_being_returned:
                    raise PaymentInProgress(transaction_id=payment.payment_id)
                if payment.has_succeeded:
                    raise PaymentAlreadySucceeded(transaction_id=payment.payment_id)
            if to_pay.declines >= self._limits.hourly_declines:
                raise self._refuse_for_now(to_pay.declines)
            self._gateway.check_token(token)
            return self._claim_order(caller, order, key, to_pay.key_record, begun)

        def give_up() -> CheckoutError:
            # Whoever was faster, each time, is a payment of this order.
            order, _ = self._read_order(caller, order_id, key)
            payments = self._orders.get_payments_of(order, caller.deadline)
            return PaymentInProgress(transaction_id=payments[-1].payment_id) if payments else StoreUnavailable()

        attempt = decide_on_latest(claim, give_up=give_up)
        payment = attempt.payment
        if not payment.is_open:
            self._keep_answer(payment, key)
            return PaymentResult(payment, had_ended=True)
        if not payment.may_be_resumed(self._clock()):
            return PaymentResult(payment)
        return self._charge(caller, attempt, token, key)

    def _read_order(self, caller: Caller, order_id: str, key: RequestKey[Payment]) -> tuple[Order, OrderToPay]:
        to_pay = self._orders.get_order_to_pay(caller.customer_id, order_id, key.key_id, self._clock(), caller.deadline)
        if to_pay.order is None:
            raise OrderNotFound
        return to_pay.order, to_pay

    def _check_key(self, order: Order, record: KeyRecord | None, payments: Sequence[Payment]) -> None:
        """Raises IdempotencyKeyReused where another order has a payment under the key that may have been charged."""
        if record is None or record.made_id in {payment.payment_id for payment in payments}:
            return
        payment = self._orders.get_payment(record.made_id)
        if payment and payment.order_id == order.order_id:
            # It was started after the order was read.
            raise OrderChanged
        if payment is None or payment.holds_key:
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
        self,
        caller: Caller,
        order: Order,
        key: RequestKey[Payment],
        replaced: KeyRecord | None,
        begun: list[AuditHead],
    ) -> Attempt:
        now = self._clock()
        payment = Payment.start(
            order,
            idempotency_key_hash=key.key_id,
            request_hash=key.payload_hash,
            at=format_time(now),
            due_at=format_time(now + self._settle_after),
            busy_until=_busy_until(caller, now),
        )
        entry = caller.record(
            order,
            event="payment_started",
            from_status=None,
            to_status=payment.status,
            facts={**facts_of(payment), "attempt": payment.attempt},
            at=payment.created_at,
        )
        claimed = order.claim(payment.payment_id)
        begun.append(entry.head)
        try:
            self._orders.claim_order(
                order,
                claimed,
                payment,
                entry,
                key.start(payment.payment_id, now),
                replaced=replaced,
                limits=self._limits,
                at=now,
                deadline=caller.deadline,
            )
        except StoreUnavailable:
            # It may have been written all the same.
            self._leave(caller, payment)
            raise
        return Attempt(claimed.with_audit_head(entry.head), payment)

    def _resume(self, caller: Caller, order: Order, payment: Payment, record: KeyRecord | None) -> Attempt:
        _check_kept(payment)
        now = self._clock()
        if payment.is_open and payment.is_busy(format_time(now)):
            raise IdempotencyInProgress
        if not (payment.is_open and payment.may_be_resumed(now)):
            return Attempt(order, payment)
        has_key = record is not None and record.holds(payment.payment_id, now)
        resumed = payment.resume(at=format_time(now), busy_until=_busy_until(caller, now))
        self._orders.note_work_on_payment(payment, resumed, caller.deadline)
        return Attempt(order, resumed, resumed=True, has_key=has_key)

    def _keep_answer(self, payment: Payment, key: RequestKey[Payment]) -> None:
        """To a payment that somebody else has ended."""
        try:
            self._orders.keep_answer(key.complete(payment.payment_id, payment, self._clock()))
        except StoreUnavailable:
            # It follows from the payment, each time that it is asked for.
            return

    def _charge(self, caller: Caller, attempt: Attempt, token: str, key: RequestKey[Payment]) -> PaymentResult:
        """Asks the gateway, and puts on record what it says.

        The payment as it is, still pending, where that cannot be written: nobody is told what is not on record.
        Raises what `pay` does where it was ended otherwise meanwhile.
        """
        try:
            charge = self._gateway.charge(attempt.payment, token, caller.gateway_deadline)
        except OutcomeUnknown:
            return self._record(caller, attempt, None, key)
        except RequestRefused:
            return self._fail(caller, attempt, key, REFUSED, GatewayUnavailable())
        except RequestNotTaken:
            return self._fail(caller, attempt, key, NOT_TAKEN, GatewayUnavailable())
        except InvalidToken as refusal:
            return self._fail(caller, attempt, key, "invalid_token", refusal)
        return self._record(caller, attempt, charge, key)

    def _record(
        self, caller: Caller, attempt: Attempt, charge: Charge | None, key: RequestKey[Payment]
    ) -> PaymentResult:
        order, payment = attempt.order, attempt.payment
        try:
            if charge is None or _is_doubtful(charge, payment):
                recorded, is_ours = self._recorder.record_unknown(caller, order, payment)
            else:
                recorded, is_ours = self._recorder.record_charge(
                    caller, order, payment, charge, key=key if attempt.has_key else None
                )
        except StoreUnavailable:
            recorded, is_ours = self._leave(caller, payment), False
        return self._tell(recorded, is_ours, key, charge)

    def _fail(
        self, caller: Caller, attempt: Attempt, key: RequestKey[Payment], reason: str, refusal: CheckoutError
    ) -> PaymentResult:
        """Raises the refusal once it is on record that nobody was charged; else the payment as it is."""
        if attempt.resumed:
            # This request was not taken; the one that started the payment may have been.
            return self._record(caller, attempt, None, key)
        try:
            ended, is_ours = self._recorder.record_failure(
                caller, attempt.order, attempt.payment, reason=reason, by_sole_request=True
            )
        except StoreUnavailable:
            ended, is_ours = self._leave(caller, attempt.payment), False
        if is_ours:
            try:
                raise refusal
            finally:
                # Else a frame and its error keep each other, and the request.
                del refusal
        return self._tell(ended, is_ours, key)

    def _tell(
        self, payment: Payment, is_ours: bool, key: RequestKey[Payment], charge: Charge | None = None
    ) -> PaymentResult:
        """What becomes of a payment, by this request or by a faster one."""
        _check_kept(payment)
        if payment.failure_reason:
            # Settling was faster, and made the charge impossible.
            raise GatewayUnavailable
        if not (payment.is_open or is_ours):
            self._keep_answer(payment, key)
        next_action = charge.next_action if charge and payment.is_open else None
        return PaymentResult(payment, next_action=next_action)

    def _leave(self, caller: Caller, payment: Payment) -> Payment:
        """The payment as it is; a retry need not wait until this request's time is over (FR-018)."""
        try:
            self._orders.note_work_on_payment(payment, payment.leave(), caller.deadline)
        except (OrderChanged, StoreUnavailable):
            # Somebody is at work on it; or it is free once the time is over.
            return payment
        return payment.leave()


def _busy_until(caller: Caller, now: datetime) -> str:
    """Until then another request with the key is told that this one is at work (FR-012)."""
    return format_time(now + timedelta(seconds=caller.deadline()))


def _check_kept(payment: Payment) -> None:
    """Raises PaymentInProgress while a charge that pays for no order goes back, PaymentNotSucceeded once it has."""
    if payment.is_being_returned:
        raise PaymentInProgress(transaction_id=payment.payment_id)
    if payment.was_returned:
        raise PaymentNotSucceeded(transaction_id=payment.payment_id, payment_status=payment.public_status)


def _is_doubtful(charge: Charge, payment: Payment) -> bool:
    """A charge that is not as asked is no answer to the request; what it is, is found out when it is settled."""
    return charge.status is ChargeStatus.SUCCEEDED and not is_as_asked(charge, payment)
