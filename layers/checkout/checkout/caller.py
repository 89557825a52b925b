"""Who asks, in which request, and for how long an answer is worth working on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checkout.audit import Actor, AuditEntry, append_entry
from checkout.clock import Deadline
from checkout.orders import Order

__all__ = ["Caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A customer and their request. `deadline` gives the seconds left to answer it."""

    customer_id: str
    request_id: str
    deadline: Deadline

    def record(
        self, order: Order, *, event: str, from_status: str | None, to_status: str, facts: Mapping[str, Any], at: str
    ) -> AuditEntry:
        """The next entry of the order's audit trail: this caller did this, in this request."""
        return append_entry(
            order.audit_head,
            order_id=order.order_id,
            at=at,
            actor=Actor.CUSTOMER,
            event=event,
            from_status=from_status,
            to_status=to_status,
            facts=facts,
            request_id=self.request_id,
        )
