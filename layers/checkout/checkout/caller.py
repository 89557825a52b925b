"""Who asks, or acts without being asked, and for how long it is worth working on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from checkout.audit import Actor, AuditEntry, append_entry
from checkout.clock import Deadline
from checkout.errors import InsufficientScope
from checkout.orders import Order

__all__ = ["STAFF_SCOPE", "Author", "Caller"]

STAFF_SCOPE = "orders:manage"

SECONDS_TO_FINISH = 5.0
"""Kept back from the gateway's time, so that its answer can still be put on record."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, in which request. `deadline` gives the seconds left for the work."""

    actor: Actor
    request_id: str
    deadline: Deadline

    def gateway_deadline(self) -> float:
        """The seconds left for a call of the gateway."""
        return self.deadline() - SECONDS_TO_FINISH

    def record(
        self, order: Order, *, event: str, from_status: str | None, to_status: str, facts: Mapping[str, Any], at: str
    ) -> AuditEntry:
        """The next entry of the order's audit trail: this actor did this, in this request (FR-218)."""
        return append_entry(
            order.audit_head,
            order_id=order.order_id,
            at=at,
            actor=self.actor,
            event=event,
            from_status=from_status,
            to_status=to_status,
            facts=facts,
            request_id=self.request_id,
        )


@dataclass(frozen=True, slots=True)
class Caller(Author):
    """A customer and their request; staff by the scopes of their token."""

    customer_id: str
    scopes: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        return STAFF_SCOPE in self.scopes

    def as_staff(self) -> "Caller":
        """The caller in the role of staff. Raises InsufficientScope (FR-215)."""
        if not self.is_staff:
            raise InsufficientScope(required_scope=STAFF_SCOPE)
        return replace(self, actor=Actor.STAFF)
