"""Orders, payments, refunds and audit entries as items of their tables, and back; and the key of an hour."""

from datetime import datetime
from typing import Any
from zlib import crc32

from checkout.audit import EMPTY_TRAIL, AuditEntry, AuditHead
from checkout.clock import format_time
from checkout.dynamodb import Item
from checkout.money import Money
from checkout.orders import Order, OrderItem, PublicOrder
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.transitions import OrderStatus, PaymentStatus, RefundStatus

__all__ = [
    "DUE_SHARDS",
    "from_entry",
    "from_order",
    "from_payment",
    "from_refund",
    "hour_key_of",
    "to_entry",
    "to_order",
    "to_payment",
    "to_public_order",
    "to_refund",
]

DUE_SHARDS = 4
"""Parts of the index of payments that are due: no part takes all the writes."""


def from_order(order: Order, head: AuditHead) -> dict[str, Any]:
    """With the head of the audit trail that it is written with."""
    return _present(
        {
            "customer_id": order.customer_id,
            "order_id": order.order_id,
            "status": order.status,
            "status_order_id": f"{order.status}#{order.order_id}",
            "total_amount": order.total.amount,
            "currency": order.total.currency,
            "items": [
                {"product_id": i.product_id, "name": i.name, "quantity": i.quantity, "unit_price": i.unit_price}
                for i in order.items
            ],
            "metadata": dict(order.metadata),
            "payment_id": order.payment_id,
            "refunded_amount": order.refunded_amount,
            "version": order.version,
            "created_at": order.created_at,
            "updated_at": order.updated_at,
            "live_payment_id": order.live_payment_id,
            "returning_payment_ids": list(order.returning_payment_ids) or None,
            "payment_attempts": order.payment_attempts,
            "declined_payments": order.declined_payments,
            "refused_payments": order.refused_payments,
            "audit_sequence": head.sequence,
            "audit_hash": head.hash,
        }
    )


def to_public_order(item: Item) -> PublicOrder:
    """Also of an item of the index by status, which holds no more."""
    return PublicOrder(**_read_public_fields(item))


def to_order(item: Item) -> Order:
    return Order(
        **_read_public_fields(item),
        live_payment_id=item.get("live_payment_id"),
        returning_payment_ids=tuple(item.get("returning_payment_ids", ())),
        payment_attempts=item["payment_attempts"],
        declined_payments=item["declined_payments"],
        refused_payments=item["refused_payments"],
        audit_head=AuditHead(item["audit_sequence"], item["audit_hash"]),
        written_at_entry=item["audit_sequence"],
    )


def _read_public_fields(item: Item) -> dict[str, Any]:
    return {
        "order_id": item["order_id"],
        "customer_id": item["customer_id"],
        "status": OrderStatus(item["status"]),
        "total": Money(item["total_amount"], item["currency"]),
        "items": tuple(OrderItem(**fields) for fields in item["items"]),
        "metadata": item["metadata"],
        "payment_id": item.get("payment_id"),
        "refunded_amount": item["refunded_amount"],
        "version": item["version"],
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
    }


def from_entry(entry: AuditEntry, **beside: str) -> dict[str, Any]:
    """What stands beside an entry is no part of it: beside an order's first, its `customer_id` (FR-031, FR-216)."""
    return {**entry.to_document(), **beside}


def to_entry(item: Item) -> AuditEntry:
    return AuditEntry.from_document({name: value for name, value in item.items() if name != "customer_id"})


def from_payment(payment: Payment) -> dict[str, Any]:
    """With its places in the indexes: `started_on` by day, and `due_shard` while something is left to be done."""
    return _present(
        {
            "payment_id": payment.payment_id,
            "order_id": payment.order_id,
            "customer_id": payment.customer_id,
            "status": payment.status,
            "amount": payment.money.amount,
            "currency": payment.money.currency,
            "attempt": payment.attempt,
            "idempotency_key_hash": payment.idempotency_key_hash,
            "request_hash": payment.request_hash,
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
            "charged_amount": payment.charged_amount,
            "refundable_amount": payment.refundable_amount,
            "refunded_amount": payment.refunded_amount,
            "refund_count": payment.refund_count,
            "gateway_reference": payment.gateway_reference,
            "decline_code": payment.decline_code,
            "failure_reason": payment.failure_reason,
            "resumed_at": payment.resumed_at,
            "busy_until": payment.busy_until,
            "act_until": payment.act_until,
            "linked_at": payment.linked_at,
            "due_at": payment.due_at,
            "settle_attempts": payment.settle_attempts,
            "declined_in": payment.declined_in,
            "in_busy_hour": payment.in_busy_hour or None,
            "audit_sequence": payment.audit_head.sequence or None,
            "audit_hash": payment.audit_head.hash if payment.audit_head.sequence else None,
            "started_on": payment.created_at[:10],
            "due_shard": _shard_of(payment.payment_id) if payment.due_at else None,
        }
    )


def to_payment(item: Item) -> Payment:
    other = {"amount", "currency", "audit_sequence", "audit_hash", "started_on", "due_shard"}
    fields = {name: value for name, value in item.items() if name not in other}
    fields["status"] = PaymentStatus(item["status"])
    return Payment(
        money=Money(item["amount"], item["currency"]),
        audit_head=AuditHead(item["audit_sequence"], item["audit_hash"]) if "audit_hash" in item else EMPTY_TRAIL,
        **fields,
    )


def from_refund(refund: Refund) -> dict[str, Any]:
    return _present(
        {
            "refund_id": refund.refund_id,
            "payment_id": refund.payment_id,
            "order_id": refund.order_id,
            "status": refund.status,
            "amount": refund.money.amount,
            "currency": refund.money.currency,
            "number": refund.number,
            "created_at": refund.created_at,
            "updated_at": refund.updated_at,
            "reason": refund.reason,
            "idempotency_key_hash": refund.idempotency_key_hash,
            "request_hash": refund.request_hash,
            "busy_until": refund.busy_until,
            "resumed_at": refund.resumed_at,
            "gateway_reference": refund.gateway_reference,
            "failure_reason": refund.failure_reason,
        }
    )


def to_refund(item: Item) -> Refund:
    fields = {name: value for name, value in item.items() if name not in {"amount", "currency"}}
    fields["status"] = RefundStatus(item["status"])
    return Refund(money=Money(item["amount"], item["currency"]), **fields)


def hour_key_of(customer_id: str, at: datetime) -> dict[str, str]:
    """Of the item with a customer's declines of an hour."""
    return {"customer_id": customer_id, "hour": format_time(at)[:13]}


def _shard_of(payment_id: str) -> str:
    return str(crc32(payment_id.encode()) % DUE_SHARDS)


def _present(item: Item) -> dict[str, Any]:
    """Without the attributes that have no value: conditions ask whether an attribute exists."""
    return {name: value for name, value in item.items() if value is not None}
