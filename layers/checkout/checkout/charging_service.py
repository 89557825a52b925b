"""Paying an order: the claim, the charge, and its outcome."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
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
from checkout.identifiers import is_payment_of, payment_id_of
from checkout.key_records import KeyRecord, KeyTaken, RequestKey
from checkout.money import Money
from checkout.order_reader import OrderChanged, OrderToPay, hold_order
from checkout.order_table import OrderTable, decide_on_latest
from checkout.orders import Limits, Order
from checkout.payment_recorder import PaymentRecorder, facts_of, is_as_asked
from checkout.payments import NOT_TAKEN, REFUSED, Payment
from checkout.seen_keys import SeenKeys

__all__ = ["Attempt", "ChargingService", "PaymentResult"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An order and a payment of it. `resumed` where it is open and an earlier request had started it."""

    order: Order
    payment: Payment
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """A payment; and where the gateway waits for the customer, what the client needs."""

    payment: Payment
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
        self._seen = SeenKeys()

    def pay(
        self, caller: Caller, *, order_id: str, token: str, money: Money, key: RequestKey[Payment]
    ) -> PaymentResult:
        """The payment, succeeded, declined, or pending where the outcome is not known.

        A retry with the key of a payment of the order gets that payment: its outcome, or where it is still open the
        gateway is asked again under the same payment id, for a while (FR-018, FR-204). Raises KeyTaken where that
        payment has ended, OrderNotFound, OrderNotPayable, AmountMismatch, InvalidToken, PaymentInProgress,
        PaymentAlreadySucceeded, PaymentNotSucceeded where its charge went back, TooManyAttempts, IdempotencyKeyReused,
        IdempotencyInProgress, GatewayUnavailable.
        """

        # The trail's heads that this request has tried to write: a try may have taken effect, and only the next have
        # been answered. An entry says in which request it was made, so nobody else writes the same one.
        begun: list[AuditHead] = []

        def claim(*, consistent: bool) -> Attempt:
            now = self._clock()
            payment_id = self._guess_payment_id(order_id, key)
            to_pay = self._orders.get_order_to_pay(
                caller.customer_id,
                order_id,
                key.key_id,
                now,
                caller.deadline,
                payment_id=payment_id,
                consistent=consistent,
            )
            if to_pay.order is None:
                raise OrderNotFound
            holder = self._find_holder(to_pay.order, payment_id, to_pay.payment, consistent=consistent)
            order = hold_order(to_pay.order, holder)
            kept = self._find_kept(order, [holder, to_pay.payment], to_pay.key_record, key)
            if kept:
                if order.audit_head in begun:
                    return Attempt(order, kept)
                if kept.is_open and not consistent:
                    # It may have ended since.
                    raise OrderChanged
                return self._resume(caller, hold_order(order, kept), kept)
            order.check_payable(money, self._limits)
            _check_free(holder)
            self._gateway.check_token(token)
            self._make_room(caller, to_pay.hour, now)
            return self._claim_order(caller, order, key, to_pay, begun)

        try:
            attempt = claim(consistent=False)
        except StoreUnavailable:
            raise
        except (OrderChanged, CheckoutError):
            # What stands against it may be of a moment ago (FR-716).
            attempt = decide_on_latest(partial(claim, consistent=True))
        payment = attempt.payment
        if not payment.is_open:
            raise KeyTaken(key.complete(payment.payment_id, payment, self._clock()))
        if not payment.may_be_resumed(self._clock()):
            return PaymentResult(payment)
        return self._charge(caller, attempt, token)

    def _guess_payment_id(self, order_id: str, key: RequestKey[Payment]) -> str:
        """The payment that the process has made under the key (FR-714), or the order's first."""
        made_id = self._seen.find(key.key_id)
        return made_id if made_id and is_payment_of(made_id, order_id) else payment_id_of(order_id, 1)

    def _find_holder(self, order: Order, read_id: str, read: Payment | None, *, consistent: bool) -> Payment | None:
        """The payment that holds an order. One that was not read with the order is looked for where the order names it,
        or where all is read as it is: a claim is refused where there is one, and told of it before of anything else."""
        was_read = order.holder_id == read_id
        if was_read and read:
            return read
        if order.payment_id is None and (order.live_payment_id or (consistent and not was_read)):
            return self._orders.get_payment(order.holder_id)
        return None

    def _find_kept(
        self, order: Order, known: Sequence[Payment | None], record: KeyRecord | None, key: RequestKey[Payment]
    ) -> Payment | None:
        """The payment that the key is used up by: the order's latest, for one that was surely not charged leaves it to
        the next (FR-204).

        Raises IdempotencyKeyReused where that is of another request, also of another order (FR-011).
        """
        payments = [payment for payment in known if payment]
        if record and record.made_id not in {payment.payment_id for payment in payments}:
            made = self._orders.get_payment(record.made_id)
            if made is None:
                raise IdempotencyKeyReused
            payments.append(made)
        # Those of another order, which the key may have been used for after a day, come last.
        payments.sort(key=lambda payment: (payment.order_id == order.order_id, payment.attempt), reverse=True)
        for payment in payments:
            if payment.idempotency_key_hash != key.key_id:
                continue
            # One that was not charged may have been before the order was read: after that, nothing is claimed.
            latest = payment if payment.holds_key else self._orders.get_payment(payment.payment_id)
            if latest and latest.holds_key:
                if latest.request_hash != key.payload_hash:
                    raise IdempotencyKeyReused
                return latest
        return None

    def _refuse_for_now(self, declines: int, at: datetime) -> TooManyAttempts:
        return TooManyAttempts(
            "Too many payments of this customer were declined within the hour.",
            hourly_declines=declines,
            limit=self._limits.hourly_declines,
            retry_after=3600 - at.minute * 60 - at.second,
        )

    def _claim_order(
        self,
        caller: Caller,
        order: Order,
        key: RequestKey[Payment],
        to_pay: OrderToPay,
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
            in_busy_hour=2 * len(to_pay.hour) >= self._limits.hourly_declines,
        )
        entry = caller.record(
            order,
            event="payment_started",
            from_status=None,
            to_status=payment.status,
            facts={**facts_of(payment), "attempt": payment.attempt},
            at=payment.created_at,
        )
        begun.append(entry.head)
        try:
            self._orders.claim_order(
                payment,
                entry,
                key.start(payment.payment_id, now),
                replaced=to_pay.key_record,
                hourly_declines=self._limits.hourly_declines,
                at=now,
                deadline=caller.deadline,
            )
        except StoreUnavailable:
            # It may have been written all the same.
            self._leave(caller, payment)
            raise
        self._seen.note(key.key_id, payment.payment_id)
        return Attempt(order.claim(payment.payment_id, entry.head), payment)

    def _make_room(self, caller: Caller, hour: Collection[str], at: datetime) -> None:
        """Where the hour is full: takes those that were no declines out; raises TooManyAttempts where as many as may be
        are left (FR-227). What does not exist is not known to be none."""
        if len(hour) < self._limits.hourly_declines:
            return
        payments = self._orders.get_payments(sorted(hour), caller.deadline)
        ended = {payment.payment_id for payment in payments if not payment.counts_as_declined}
        declines = len(hour) - len(ended)
        if declines >= self._limits.hourly_declines:
            raise self._refuse_for_now(declines, at)
        self._orders.uncount_declines(caller.customer_id, at, ended, caller.deadline)

    def _resume(self, caller: Caller, order: Order, payment: Payment) -> Attempt:
        _check_kept(payment)
        now = self._clock()
        if payment.is_open and payment.is_busy(format_time(now)):
            raise IdempotencyInProgress
        if not (payment.is_open and payment.may_be_resumed(now)):
            return Attempt(order, payment)
        resumed = payment.resume(at=format_time(now), busy_until=_busy_until(caller, now))
        self._orders.note_work_on_payment(payment, resumed, caller.deadline)
        return Attempt(order, resumed, resumed=True)

    def _charge(self, caller: Caller, attempt: Attempt, token: str) -> PaymentResult:
        """Asks the gateway, and puts on record what it says.

        The payment as it is, still pending, where that cannot be written: nobody is told what is not on record.
        Raises what `pay` does where it was ended otherwise meanwhile.
        """
        try:
            charge = self._gateway.charge(attempt.payment, token, caller.gateway_deadline)
        except OutcomeUnknown:
            return self._record(caller, attempt, None)
        except RequestRefused:
            return self._fail(caller, attempt, REFUSED, GatewayUnavailable())
        except RequestNotTaken:
            return self._fail(caller, attempt, NOT_TAKEN, GatewayUnavailable())
        except InvalidToken as refusal:
            return self._fail(caller, attempt, "invalid_token", refusal)
        return self._record(caller, attempt, charge)

    def _record(self, caller: Caller, attempt: Attempt, charge: Charge | None) -> PaymentResult:
        order, payment = attempt.order, attempt.payment
        try:
            if charge is None or _is_doubtful(charge, payment):
                recorded, _ = self._recorder.record_unknown(caller, order, payment)
            else:
                recorded, _ = self._recorder.record_charge(caller, order, payment, charge)
        except StoreUnavailable:
            recorded = self._leave(caller, payment)
        return self._tell(recorded, charge)

    def _fail(self, caller: Caller, attempt: Attempt, reason: str, refusal: CheckoutError) -> PaymentResult:
        """Raises the refusal once it is on record that nobody was charged; else the payment as it is."""
        if attempt.resumed:
            # This request was not taken; the one that started the payment may have been.
            return self._record(caller, attempt, None)
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
        return self._tell(ended)

    def _tell(self, payment: Payment, charge: Charge | None = None) -> PaymentResult:
        """What becomes of a payment, by this request or by a faster one."""
        _check_kept(payment)
        if payment.failure_reason:
            # Settling was faster, and made the charge impossible.
            raise GatewayUnavailable
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


def _check_free(holder: Payment | None) -> None:
    """Raises PaymentAlreadySucceeded or PaymentInProgress where a payment holds the order (FR-023)."""
    if holder and holder.has_succeeded:
        raise PaymentAlreadySucceeded(transaction_id=holder.payment_id)
    if holder and holder.holds_order:
        raise PaymentInProgress(transaction_id=holder.payment_id)


def _check_kept(payment: Payment) -> None:
    """Raises PaymentInProgress while a charge that pays for no order goes back, PaymentNotSucceeded once it has. A
    decline that was told stays the answer (FR-017)."""
    if payment.was_declined:
        return
    if payment.is_being_returned:
        raise PaymentInProgress(transaction_id=payment.payment_id)
    if payment.was_returned:
        raise PaymentNotSucceeded(transaction_id=payment.payment_id, payment_status=payment.public_status)


def _is_doubtful(charge: Charge, payment: Payment) -> bool:
    """A charge that is not as asked is no answer to the request; what it is, is found out when it is settled."""
    return charge.status is ChargeStatus.SUCCEEDED and not is_as_asked(charge, payment)
