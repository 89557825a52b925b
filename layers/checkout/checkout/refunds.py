"""Refunds: money of a payment that goes back. Pure: no clock, no table, no gateway."""

from dataclasses import dataclass, replace
from datetime import datetime

from checkout.identifiers import refund_id_of
from checkout.money import Money
from checkout.payments import RESUMED_FOR, Payment
from checkout.transitions import RefundStatus, check_refund_transition

__all__ = ["Refund"]


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of a payment, whole or in part, and its outcome. Times are RFC 3339.

    `idempotency_key_hash` and `request_hash` tell a retry of the request that started it from another request; they are
    None where the checkout itself returns a charge. `busy_until` is how long a request may be at work on it.
    `resumed_at` is when the gateway was last asked for it by another than that request. One that failed has a
    `failure_reason`.
    """

    refund_id: str
    payment_id: str
    order_id: str
    status: RefundStatus
    money: Money
    number: int
    created_at: str
    updated_at: str
    reason: str | None = None
    idempotency_key_hash: str | None = None
    request_hash: str | None = None
    busy_until: str | None = None
    resumed_at: str | None = None
    gateway_reference: str | None = None
    failure_reason: str | None = None

    @classmethod
    def start(
        cls,
        payment: Payment,
        money: Money,
        *,
        reason: str | None,
        at: str,
        idempotency_key_hash: str | None = None,
        request_hash: str | None = None,
        busy_until: str | None = None,
    ) -> "Refund":
        """The payment's next refund."""
        number = payment.refund_count + 1
        return cls(
            refund_id=refund_id_of(payment.payment_id, number),
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            status=RefundStatus.PENDING,
            money=money,
            number=number,
            created_at=at,
            updated_at=at,
            reason=reason,
            idempotency_key_hash=idempotency_key_hash,
            request_hash=request_hash,
            busy_until=busy_until,
        )

    @property
    def asked_at(self) -> str:
        """When the gateway was asked for it last, or was about to be."""
        return self.resumed_at or self.created_at

    @property
    def is_open(self) -> bool:
        """Whether its outcome is not known yet."""
        return self.status is RefundStatus.PENDING

    def is_busy(self, now: str) -> bool:
        """Whether the request that started it is at work on it, and has time left."""
        return self.busy_until is not None and now < self.busy_until

    def may_be_resumed(self, now: datetime) -> bool:
        """Whether a retry asks the gateway again, for RESUMED_FOR; after that settling does alone (FR-213)."""
        return now < datetime.fromisoformat(self.created_at) + RESUMED_FOR

    @property
    def has_succeeded(self) -> bool:
        return self.status is RefundStatus.SUCCEEDED

    def resume(self, *, at: str) -> "Refund":
        """The gateway is asked for it again."""
        return replace(self, resumed_at=at)

    def leave(self) -> "Refund":
        """Nobody is at work on it any more."""
        return replace(self, busy_until=None)

    def succeed(self, *, gateway_reference: str, at: str) -> "Refund":
        return replace(self._go_to(RefundStatus.SUCCEEDED, at), gateway_reference=gateway_reference)

    def fail(self, *, reason: str, gateway_reference: str | None, at: str) -> "Refund":
        failed = self._go_to(RefundStatus.FAILED, at)
        return replace(failed, failure_reason=reason, gateway_reference=gateway_reference)

    def _go_to(self, status: RefundStatus, at: str) -> "Refund":
        check_refund_transition(self.status, status)
        return replace(self, status=status, updated_at=at, busy_until=None)
