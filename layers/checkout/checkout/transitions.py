"""The state machines, as data: conditions, refusals, diagrams and tests come from these tables (FR-114)."""

from collections.abc import Mapping
from enum import StrEnum

from checkout.errors import InvalidTransition

__all__ = [
    "ORDER_TRANSITIONS",
    "PAYMENT_TRANSITIONS",
    "OrderStatus",
    "PaymentStatus",
    "check_order_transition",
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
    PaymentStatus.PENDING: (PaymentStatus.SUCCEEDED, PaymentStatus.FAILED),
    PaymentStatus.SUCCEEDED: (),
    PaymentStatus.FAILED: (),
}
"""States that a payment may go on to, by the state that it is in; the first state is where it starts."""


def origins_of(status: OrderStatus | PaymentStatus) -> list[OrderStatus] | list[PaymentStatus]:
    """The states from which an order, or a payment, may go on to this one."""
    if isinstance(status, OrderStatus):
        return [origin for origin, targets in ORDER_TRANSITIONS.items() if status in targets]
    return [origin for origin, targets in PAYMENT_TRANSITIONS.items() if status in targets]


def check_order_transition(current: OrderStatus, requested: OrderStatus) -> None:
    """Raises InvalidTransition, with the transitions that are allowed, where the table has no such transition."""
    allowed = ORDER_TRANSITIONS[current]
    if requested not in allowed:
        raise InvalidTransition(
            current_status=current, requested_status=requested, allowed_transitions=[str(state) for state in allowed]
        )
