"""The state machines, as data: conditions, refusals, diagrams and tests come from these tables (FR-114, FR-201)."""

from collections.abc import Mapping
from enum import StrEnum

from checkout.errors import InvalidTransition

__all__ = [
    "ORDER_TRANSITIONS",
    "PAYMENT_TRANSITIONS",
    "REFUND_TRANSITIONS",
    "OrderStatus",
    "PaymentStatus",
    "RefundStatus",
    "check_order_transition",
    "check_payment_transition",
    "check_refund_transition",
    "origins_of",
]


class OrderStatus(StrEnum):
    CREATED = "created"
    PAID = "paid"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    ARCHIVED = "archived"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


ORDER_TRANSITIONS: Mapping[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.CREATED: (OrderStatus.PAID, OrderStatus.CANCELLED),
    OrderStatus.PAID: (OrderStatus.FULFILLED, OrderStatus.REFUNDED),
    OrderStatus.FULFILLED: (OrderStatus.ARCHIVED, OrderStatus.REFUNDED),
    OrderStatus.CANCELLED: (),
    OrderStatus.REFUNDED: (),
    OrderStatus.ARCHIVED: (),
}
"""States that an order may go on to, by the state that it is in; the first state is where it starts."""

PAYMENT_TRANSITIONS: Mapping[PaymentStatus, tuple[PaymentStatus, ...]] = {
    PaymentStatus.PENDING: (PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.UNKNOWN),
    PaymentStatus.UNKNOWN: (PaymentStatus.SUCCEEDED, PaymentStatus.FAILED),
    # Refunded at once where somebody has refunded it at the gateway itself.
    PaymentStatus.SUCCEEDED: (PaymentStatus.REFUNDING, PaymentStatus.REFUNDED),
    # A charge that comes to light after its payment had failed is returned.
    PaymentStatus.FAILED: (PaymentStatus.REFUNDING, PaymentStatus.REFUNDED),
    # Back to where it came from after a refund of a part, or one that failed.
    PaymentStatus.REFUNDING: (PaymentStatus.REFUNDED, PaymentStatus.SUCCEEDED, PaymentStatus.FAILED),
    # Back to where it came from where a bank sends back what was returned.
    PaymentStatus.REFUNDED: (PaymentStatus.SUCCEEDED, PaymentStatus.FAILED),
}
"""States that a payment may go on to, by the state that it is in; the first state is where it starts."""

REFUND_TRANSITIONS: Mapping[RefundStatus, tuple[RefundStatus, ...]] = {
    RefundStatus.PENDING: (RefundStatus.SUCCEEDED, RefundStatus.FAILED),
    # A bank may send it back days later.
    RefundStatus.SUCCEEDED: (RefundStatus.FAILED,),
    RefundStatus.FAILED: (),
}
"""States that a refund may go on to, by the state that it is in; the first state is where it starts."""


def origins_of(status: OrderStatus) -> list[OrderStatus]:
    """The states from which an order may go on to this one."""
    return [origin for origin, targets in ORDER_TRANSITIONS.items() if status in targets]


def check_order_transition(current: OrderStatus, requested: OrderStatus) -> None:
    """Raises InvalidTransition, with the transitions that are allowed, where the table has no such transition."""
    allowed = ORDER_TRANSITIONS[current]
    if requested not in allowed:
        raise InvalidTransition(
            current_status=current, requested_status=requested, allowed_transitions=[str(state) for state in allowed]
        )


def check_payment_transition(current: PaymentStatus, requested: PaymentStatus) -> None:
    """Raises ValueError where the table has no such transition: no request can ask for one, so it is a fault."""
    if requested not in PAYMENT_TRANSITIONS[current]:
        raise ValueError(f"a payment that is {current} cannot become {requested}")


def check_refund_transition(current: RefundStatus, requested: RefundStatus) -> None:
    """Raises ValueError where the table has no such transition: no request can ask for one, so it is a fault."""
    if requested not in REFUND_TRANSITIONS[current]:
        raise ValueError(f"a refund that is {current} cannot become {requested}")
