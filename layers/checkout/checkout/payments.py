"""Payments: one attempt each to pay an order. Pure: no clock, no table, no gateway."""

from dataclasses import dataclass, replace

from checkout.identifiers import payment_id_of
from checkout.money import Money
from checkout.orders import Order
from checkout.transitions import PAYMENT_TRANSITIONS, PaymentStatus

__all__ = ["Payment"]


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay an order, and its outcome. Times are RFC 3339.

    `idempotency_key_hash` and `request_hash` tell a retry of the request that started it from another request. A
    payment that failed has a `decline_code` where the card was declined, and a `failure_reason` where it was never
    charged. `resumed_at` is set once a later request has taken it up; from then on, what the first request was refused
    says nothing of the payment. `linked_at` is set once the order is paid by it.
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
    refunded_amount: int = 0
    gateway_reference: str | None = None
    decline_code: str | None = None
    failure_reason: str | None = None
    resumed_at: str | None = None
    linked_at: str | None = None

    @classmethod
    def start(cls, order: Order, *, idempotency_key_hash: str, request_hash: str, at: str) -> "Payment":
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
        )

    @property
    def is_open(self) -> bool:
        """Whether its outcome is not known yet."""
        return self.status is PaymentStatus.PENDING

    @property
    def has_succeeded(self) -> bool:
        return self.status is PaymentStatus.SUCCEEDED

    @property
    def was_declined(self) -> bool:
        return self.decline_code is not None

    def succeed(self, *, gateway_reference: str, at: str) -> "Payment":
        return replace(self._go_to(PaymentStatus.SUCCEEDED, at), gateway_reference=gateway_reference)

    def decline(self, *, decline_code: str, gateway_reference: str, at: str) -> "Payment":
        return replace(
            self._go_to(PaymentStatus.FAILED, at), decline_code=decline_code, gateway_reference=gateway_reference
        )

    def fail(self, *, reason: str, at: str) -> "Payment":
        """Failed without a charge and without a decline."""
        return replace(self._go_to(PaymentStatus.FAILED, at), failure_reason=reason)

    def resume(self, *, at: str) -> "Payment":
        """Taken up by a later request, which asks the gateway again."""
        return replace(self, resumed_at=at)

    def link(self, *, at: str) -> "Payment":
        """The payment by which its order is paid."""
        return replace(self, linked_at=at, updated_at=at)

    def _go_to(self, status: PaymentStatus, at: str) -> "Payment":
        if status not in PAYMENT_TRANSITIONS[self.status]:
            raise ValueError(f"a payment that is {self.status} cannot become {status}")
        return replace(self, status=status, updated_at=at)
