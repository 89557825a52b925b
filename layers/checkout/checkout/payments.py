"""Payments: one attempt each to pay an order. Pure: no clock, no table, no gateway."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from checkout.audit import EMPTY_TRAIL, AuditHead
from checkout.clock import format_time
from checkout.errors import RefundExceedsPayment
from checkout.identifiers import payment_id_of
from checkout.money import Money
from checkout.orders import Order
from checkout.transitions import PaymentStatus, check_payment_transition

__all__ = ["NOT_TAKEN", "REFUSED", "RESUMED_FOR", "Payment", "grow_interval"]

NOT_TAKEN = "gateway_unavailable"
"""Why a payment failed that never reached the gateway."""

RESUMED_FOR = timedelta(minutes=10)
"""How long retries ask the gateway again. After that nobody does but settling, which has to wait for no other."""

REFUSED = "gateway_refused"
"""Why a payment failed that the gateway looked at and would not charge, without a decline."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay an order, and its outcome. Amounts are minor units of `money.currency`, times RFC 3339.

    `idempotency_key_hash` and `request_hash` tell a retry of the request that started it from another request. A
    payment that failed has a `decline_code` where the card was declined, and a `failure_reason` where it was never
    charged. `resumed_at` is when a later request took it up last; from the first time on, what the first request was
    refused says nothing of the payment. `busy_until` is how long a request may be at work on it. `act_until` is how
    long the customer has, where the gateway waits for them.
    `linked_at` is set once the order is paid by it. `declined_in` is the request that put its decline on record.
    `in_busy_hour` where half as many of its customer's payments were counted in its hour as may be declined.

    `charged_amount` is what was taken from the card. `refundable_amount` is what of it may still be refunded; less than
    `charged_amount - refunded_amount` while refunds are under way. `due_at` is when to look after it next: there as
    long as something is left to be done (FR-205). `audit_head` is the head of the trail that it was written with last,
    where its order was not written with it.
    """

    payment_id: str
    order_id: str
    customer_id: str
    status: PaymentStatus
    money: Money
    attempt: int
    idempotency_key_hash: str
    request_hash: str
    created_at: str
    updated_at: str
    charged_amount: int = 0
    refundable_amount: int = 0
    refunded_amount: int = 0
    refund_count: int = 0
    gateway_reference: str | None = None
    decline_code: str | None = None
    failure_reason: str | None = None
    resumed_at: str | None = None
    busy_until: str | None = None
    act_until: str | None = None
    linked_at: str | None = None
    due_at: str | None = None
    settle_attempts: int = 0
    declined_in: str | None = None
    in_busy_hour: bool = False
    audit_head: AuditHead = EMPTY_TRAIL

    @classmethod
    def start(
        cls,
        order: Order,
        *,
        idempotency_key_hash: str,
        request_hash: str,
        at: str,
        due_at: str,
        busy_until: str | None = None,
        in_busy_hour: bool = False,
    ) -> "Payment":
        """The next attempt to pay the order, for its total."""
        attempt = order.payment_attempts + 1
        return cls(
            payment_id=payment_id_of(order.order_id, attempt),
            order_id=order.order_id,
            customer_id=order.customer_id,
            status=PaymentStatus.PENDING,
            money=order.total,
            attempt=attempt,
            idempotency_key_hash=idempotency_key_hash,
            request_hash=request_hash,
            created_at=at,
            updated_at=at,
            due_at=due_at,
            busy_until=busy_until,
            in_busy_hour=in_busy_hour,
        )

    @property
    def asked_at(self) -> str:
        """When the gateway was asked to charge it last, or was about to be."""
        return self.resumed_at or self.created_at

    @property
    def is_open(self) -> bool:
        """Whether its outcome is not known yet."""
        return self.status in {PaymentStatus.PENDING, PaymentStatus.UNKNOWN}

    def may_be_resumed(self, now: datetime) -> bool:
        """Whether a retry asks the gateway again: for RESUMED_FOR, and while the customer has time to act (FR-204)."""
        until = format_time(datetime.fromisoformat(self.created_at) + RESUMED_FOR)
        return format_time(now) < max(until, self.act_until or "")

    def is_busy(self, now: str) -> bool:
        """Whether a request is at work on it, and has time left."""
        return self.busy_until is not None and now < self.busy_until

    @property
    def is_being_returned(self) -> bool:
        """Whether it is a charge that pays for no order and has not been returned yet (FR-209)."""
        return self.due_at is not None and not (self.is_open or self.has_succeeded or self.linked_at)

    @property
    def holds_key(self) -> bool:
        """Whether its key is used up by it; one that was surely never charged leaves it to another try (FR-204)."""
        return not self.failure_reason or self.charged_amount > 0 or self.is_being_returned

    @property
    def was_returned(self) -> bool:
        """Whether it is a charge that paid for no order and went back (FR-209)."""
        return self.status is PaymentStatus.REFUNDED and not self.linked_at

    @property
    def holds_order(self) -> bool:
        """Whether its order takes no other payment, for this one may have been charged and not be returned yet."""
        return self.is_open or self.has_succeeded or self.is_being_returned

    @property
    def has_succeeded(self) -> bool:
        return self.status is PaymentStatus.SUCCEEDED

    @property
    def was_declined(self) -> bool:
        return self.decline_code is not None

    @property
    def counts_as_declined(self) -> bool:
        """Whether it was declined, or may yet be (FR-227)."""
        return self.is_open or self.was_declined

    @property
    def leaves_hour(self) -> bool:
        """Whether it is taken out of its hour's payments with its outcome, which is no decline: one that succeeds costs
        no write for that where the hour has few (FR-227)."""
        return not (self.counts_as_declined or (self.has_succeeded and not self.in_busy_hour))

    @property
    def was_refused(self) -> bool:
        """Whether it never reached the gateway."""
        return self.failure_reason == NOT_TAKEN

    @property
    def public_status(self) -> PaymentStatus:
        """As clients see it: what is on its way is not there yet."""
        if self.is_open:
            return PaymentStatus.PENDING
        if self.status is PaymentStatus.REFUNDING:
            return self._status_before_refunds
        return self.status

    @property
    def amount_in_refunds(self) -> int:
        """What is on its way back."""
        return self.charged_amount - self.refundable_amount - self.refunded_amount

    def leave_open(self, *, gateway_reference: str | None, act_until: str | None, at: str) -> "Payment":
        """Its outcome is unknown, or waits for the customer until `act_until`."""
        unknown = self if self.status is PaymentStatus.UNKNOWN else self._go_to(PaymentStatus.UNKNOWN, at)
        return replace(unknown, gateway_reference=gateway_reference, act_until=act_until, busy_until=None)

    def succeed(self, *, gateway_reference: str, at: str) -> "Payment":
        return replace(
            self._go_to(PaymentStatus.SUCCEEDED, at),
            gateway_reference=gateway_reference,
            charged_amount=self.money.amount,
            refundable_amount=self.money.amount,
        )

    def decline(
        self, *, decline_code: str, gateway_reference: str | None, at: str, request_id: str | None = None
    ) -> "Payment":
        return replace(
            self._go_to(PaymentStatus.FAILED, at),
            decline_code=decline_code,
            declined_in=request_id,
            gateway_reference=gateway_reference,
            due_at=None,
        )

    def fail(self, *, reason: str, at: str) -> "Payment":
        """Failed without a charge and without a decline."""
        return replace(self._go_to(PaymentStatus.FAILED, at), failure_reason=reason, due_at=None)

    def refuse_charge(self, *, reason: str, gateway_reference: str, at: str) -> "Payment":
        """Failed, for its card was charged wrongly; it stays due until the charge is returned (FR-209)."""
        failed = self._go_to(PaymentStatus.FAILED, at)
        return replace(failed, failure_reason=reason, gateway_reference=gateway_reference)

    def resume(self, *, at: str, busy_until: str) -> "Payment":
        """Taken up by a later request, which asks the gateway again."""
        return replace(self, resumed_at=at, busy_until=busy_until)

    def leave(self) -> "Payment":
        """Nobody is at work on it any more."""
        return replace(self, busy_until=None)

    def with_audit_head(self, head: AuditHead) -> "Payment":
        """As it stands once it is written, without its order, with the entry that has this head."""
        return replace(self, audit_head=head)

    def link(self, *, at: str) -> "Payment":
        """The payment by which its order is paid."""
        return replace(self, linked_at=at, updated_at=at, due_at=None)

    def start_refund(self, amount: int, *, at: str, due_at: str, tries: int = 0) -> "Payment":
        """Some of its money goes back, which was tried so often before. Raises RefundExceedsPayment."""
        if not 0 < amount <= self.refundable_amount:
            raise RefundExceedsPayment(
                requested_amount=amount, refundable_amount=self.refundable_amount, currency=self.money.currency
            )
        refunding = self if self.status is PaymentStatus.REFUNDING else self._go_to(PaymentStatus.REFUNDING, at)
        return replace(
            refunding,
            refundable_amount=self.refundable_amount - amount,
            refund_count=self.refund_count + 1,
            due_at=due_at,
            settle_attempts=tries,
            updated_at=at,
        )

    def finish_refund(self, amount: int, *, at: str) -> "Payment":
        """Money that was on its way back has arrived."""
        return replace(self, refunded_amount=self.refunded_amount + amount)._leave_refunding(at)

    def fail_refund(self, amount: int, *, at: str) -> "Payment":
        """Money that was on its way back stays."""
        return replace(self, refundable_amount=self.refundable_amount + amount)._leave_refunding(at)

    def take_charge(self, amount: int, *, refunded_amount: int, gateway_reference: str) -> "Payment":
        """Its card was charged so much, for no order: the charge is there to be returned (FR-209).

        `refunded_amount` is what somebody has refunded at the gateway itself.
        """
        return replace(
            self,
            gateway_reference=gateway_reference,
            charged_amount=amount,
            refunded_amount=refunded_amount,
            refundable_amount=amount - refunded_amount,
        )

    def end_returned(self, *, at: str) -> "Payment":
        """Nothing of its charge is left to be returned."""
        return replace(self._go_to(PaymentStatus.REFUNDED, at), due_at=None)

    def take_back_refund(self, amount: int, *, at: str, due_at: str) -> "Payment":
        """Money that had arrived was sent back by a bank: it is there to be returned again (FR-233)."""
        return replace(
            self._go_to(self._status_before_refunds, at),
            refunded_amount=self.refunded_amount - amount,
            refundable_amount=self.refundable_amount + amount,
            due_at=due_at,
            settle_attempts=0,
        )

    def lose_refund(self, amount: int, *, at: str) -> "Payment":
        """What its order's customer was refunded was sent back by a bank: it may be refunded again (FR-233)."""
        charged = self._go_to(self._status_before_refunds, at) if self.status is PaymentStatus.REFUNDED else self
        return replace(
            charged,
            refunded_amount=self.refunded_amount - amount,
            refundable_amount=self.refundable_amount + amount,
            updated_at=at,
        )

    @property
    def _status_before_refunds(self) -> PaymentStatus:
        return PaymentStatus.FAILED if self.decline_code or self.failure_reason else PaymentStatus.SUCCEEDED

    def _leave_refunding(self, at: str) -> "Payment":
        if self.amount_in_refunds:
            return replace(self, updated_at=at)
        if self.refunded_amount == self.charged_amount:
            return self.end_returned(at=at)
        left = self._go_to(self._status_before_refunds, at)
        return replace(left, due_at=None if self.linked_at else self.due_at)

    def _go_to(self, status: PaymentStatus, at: str) -> "Payment":
        check_payment_transition(self.status, status)
        return replace(self, status=status, updated_at=at, busy_until=None)


def grow_interval(first: timedelta, tries: int, longest: timedelta) -> timedelta:
    """How long to wait after so many tries: twice as long each time."""
    return min(longest, first * (1 << min(tries, 20)))
