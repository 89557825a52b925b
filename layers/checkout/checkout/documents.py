"""What clients get: the documents of answers. Apart from the models of requests, which not every function needs."""

from collections.abc import Mapping
from typing import Any

from checkout.audit import AuditEntry
from checkout.orders import PublicOrder
from checkout.payments import Payment
from checkout.products import Product
from checkout.refunds import Refund
from checkout.transitions import PaymentStatus

__all__ = [
    "describe_audit_entry",
    "describe_order",
    "describe_payment",
    "describe_payment_result",
    "describe_product",
    "describe_refund",
]


def describe_order(order: PublicOrder) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "status": order.status,
        "total_amount": order.total.amount,
        "currency": order.total.currency,
        "items": [
            {
                "product_id": item.product_id,
                "name": item.name,
                "quantity": item.quantity,
                "unit_price": item.unit_price,
                "amount": item.amount,
            }
            for item in order.items
        ],
        "payment_transaction_id": order.payment_id,
        "refunded_amount": order.refunded_amount,
        "metadata": dict(order.metadata),
        "version": order.version,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }


def _describe_charge(payment: Payment) -> dict[str, Any]:
    return {
        "transaction_id": payment.payment_id,
        "order_id": payment.order_id,
        "status": payment.public_status,
        "amount": payment.money.amount,
        "currency": payment.money.currency,
    }


def describe_payment(payment: Payment) -> dict[str, Any]:
    return {
        **_describe_charge(payment),
        "refunded_amount": payment.refunded_amount,
        "decline_code": payment.decline_code,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
    }


def describe_payment_result(payment: Payment, next_action: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What paying came to; whatever was refunded later, the same again. Where the customer has to act, how."""
    paid = {"status": PaymentStatus.SUCCEEDED} if payment.status is PaymentStatus.REFUNDED else {}
    action = {"next_action": dict(next_action)} if next_action else {}
    return {**_describe_charge(payment), **paid, "duplicate": False, "created_at": payment.created_at, **action}


def describe_refund(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "transaction_id": refund.payment_id,
        "order_id": refund.order_id,
        "amount": refund.money.amount,
        "currency": refund.money.currency,
        "status": refund.status,
        "created_at": refund.created_at,
    }


def describe_product(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.product_id,
        "name": product.name,
        "unit_price": product.unit_price.amount,
        "currency": product.unit_price.currency,
    }


def describe_audit_entry(entry: AuditEntry) -> dict[str, Any]:
    document = entry.to_document()
    del document["order_id"]
    return document
