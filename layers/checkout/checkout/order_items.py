"""Orders and payments as items of their tables, and back."""

from typing import Any

from checkout.audit import AuditHead
from checkout.dynamodb import Item
from checkout.money import Money
from checkout.orders import Order, OrderItem
from checkout.payments import Payment
from checkout.transitions import OrderStatus, PaymentStatus

__all__ = ["from_order", "from_payment", "to_order", "to_payment"]


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
            "payment_attempts": order.payment_attempts,
            "declined_payments": order.declined_payments,
            "audit_sequence": head.sequence,
            "audit_hash": head.hash,
        }
    )


def to_order(item: Item) -> Order:
    return Order(
        order_id=item["order_id"],
        customer_id=item["customer_id"],
        status=OrderStatus(item["status"]),
        total=Money(item["total_amount"], item["currency"]),
        items=tuple(OrderItem(**fields) for fields in item["items"]),
        metadata=item["metadata"],
        payment_id=item.get("payment_id"),
        refunded_amount=item["refunded_amount"],
        version=item["version"],
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        live_payment_id=item.get("live_payment_id"),
        payment_attempts=item["payment_attempts"],
        declined_payments=item["declined_payments"],
        audit_head=AuditHead(item["audit_sequence"], item["audit_hash"]),
    )


def from_payment(payment: Payment) -> dict[str, Any]:
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
            "refunded_amount": payment.refunded_amount,
            "gateway_reference": payment.gateway_reference,
            "decline_code": payment.decline_code,
            "failure_reason": payment.failure_reason,
            "resumed_at": payment.resumed_at,
            "linked_at": payment.linked_at,
        }
    )


def to_payment(item: Item) -> Payment:
    fields = {name: value for name, value in item.items() if name not in {"amount", "currency"}}
    fields["status"] = PaymentStatus(item["status"])
    return Payment(money=Money(item["amount"], item["currency"]), **fields)


def _present(item: Item) -> dict[str, Any]:
    """Without the attributes that have no value: conditions ask whether an attribute exists."""
    return {name: value for name, value in item.items() if value is not None}
