"""The documents of answers, as models: what specs/openapi.json says of them, and tests hold real answers against.

They are no part of the functions, which would pay for them at each cold start.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from checkout.transitions import OrderStatus, RefundStatus

__all__ = [
    "AuditTrail",
    "GatewayMessage",
    "Health",
    "Order",
    "OrderPage",
    "Payment",
    "PaymentPending",
    "PaymentResult",
    "Problem",
    "ProductList",
    "Received",
    "Refund",
]

OrderId = Annotated[str, Field(pattern=r"^ord_[0-9A-HJKMNP-TV-Z]{26}$")]
PaymentId = Annotated[str, Field(pattern=r"^pay_[0-9A-HJKMNP-TV-Z]{26}_[0-9]{3}$")]
RefundId = Annotated[str, Field(pattern=r"^ref_[0-9A-HJKMNP-TV-Z]{26}_[0-9]{3}_[0-9]{2,}$")]
Currency = Annotated[str, Field(pattern="^[a-z]{3}$", description="ISO 4217, in lower case")]
MinorUnits = Annotated[int, Field(ge=0, description="in minor units of the currency")]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 in hexadecimal")]


class Answer(BaseModel):
    """Nothing more and nothing less than it says."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class OrderItem(Answer):
    product_id: str
    name: str
    quantity: Annotated[int, Field(ge=1, le=999)]
    unit_price: MinorUnits
    amount: MinorUnits


class Order(Answer):
    """An order as its customer sees it."""

    id: OrderId
    status: OrderStatus
    total_amount: MinorUnits
    currency: Currency
    items: list[OrderItem]
    payment_transaction_id: PaymentId | None
    refunded_amount: MinorUnits
    metadata: dict[str, str]
    version: Annotated[int, Field(ge=1, description="counts the changes that clients see")]
    created_at: datetime
    updated_at: datetime


class OrderPage(Answer):
    """Newest first; `next_cursor` leads to the next page, and is null on the last."""

    orders: list[Order]
    next_cursor: str | None


class AuditEntry(Answer):
    """`from` and `to` are states of the order, or of the payment that `facts` names."""

    sequence: Annotated[int, Field(ge=1)]
    at: datetime
    actor: Literal["customer", "staff", "system"]
    event: str
    from_: Annotated[str | None, Field(alias="from")]
    to: str
    facts: dict[str, Any]
    request_id: str
    previous_hash: Hash
    hash: Hash


class AuditTrail(Answer):
    """Oldest first."""

    entries: list[AuditEntry]


class Charge(Answer):
    transaction_id: PaymentId
    order_id: OrderId
    amount: MinorUnits
    currency: Currency


class PaymentResult(Charge):
    """The card was charged."""

    status: Literal["succeeded", "refunded", "failed"]
    duplicate: bool
    created_at: datetime


class PaymentPending(Charge):
    """The outcome is not known yet, or waits for the customer: `next_action` is what the client needs for that."""

    status: Literal["pending"]
    duplicate: bool
    created_at: datetime
    next_action: dict[str, Any] | None = None


class Payment(Charge):
    """A payment as it is now."""

    status: Literal["pending", "succeeded", "failed", "refunded"]
    refunded_amount: MinorUnits
    decline_code: str | None
    created_at: datetime
    updated_at: datetime


class Refund(Answer):
    """A refund of an order's payment."""

    refund_id: RefundId
    order_id: OrderId
    transaction_id: PaymentId
    status: RefundStatus
    amount: MinorUnits
    currency: Currency
    created_at: datetime


class Product(Answer):
    product_id: str
    name: str
    unit_price: MinorUnits
    currency: Currency


class ProductList(Answer):
    """The whole catalogue."""

    products: list[Product]


class Health(Answer):
    """Each part that was looked at."""

    status: Literal["healthy"]
    version: str
    checks: dict[str, str]


class Received(Answer):
    """The event was handled, now or before."""

    received: Literal[True]


class Problem(BaseModel):
    """A refusal, RFC 9457; the facts of a code are members beside these."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


class GatewayMessage(BaseModel):
    """What API Gateway answers by itself: no token, a bad one, no such route."""

    message: str
