"""The documents of answers, as models: what web/openapi.json says of them, and tests hold real answers against.

They are no part of the functions, which would pay for them at each cold start.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from inspect import get_annotations
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import SkipJsonSchema

from checkout import errors
from checkout.errors import CheckoutError
from checkout.transitions import OrderStatus, RefundStatus

__all__ = [
    "PROBLEMS",
    "AuditTrail",
    "GatewayMessage",
    "Health",
    "InternalError",
    "Order",
    "OrderPage",
    "Payment",
    "PaymentPending",
    "PaymentResult",
    "Problem",
    "ProductList",
    "Received",
    "Refund",
    "StripeEvent",
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
    payment_transaction_id: Annotated[PaymentId | None, Field(description="null until the order is paid")]
    refunded_amount: MinorUnits
    metadata: Annotated[dict[str, str], Field(description="the client's own, as it was sent")]
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
    actor: Annotated[Literal["customer", "staff", "system"], Field(description="`system` is what was settled")]
    event: Annotated[str, Field(description="what happened, as `order_paid`; new ones may come")]
    from_: Annotated[str | None, Field(alias="from")]
    to: str
    facts: Annotated[dict[str, Any], Field(description="what is needed to follow the change")]
    request_id: str
    previous_hash: Hash
    hash: Hash


class AuditTrail(Answer):
    """Oldest first."""

    entries: list[AuditEntry]


Duplicate = Annotated[bool, Field(description="whether an earlier request with the same key got this answer")]


class Charge(Answer):
    transaction_id: PaymentId
    order_id: OrderId
    amount: MinorUnits
    currency: Currency


class PaymentResult(Charge):
    """The card was charged."""

    status: Literal["succeeded", "refunded", "failed"]
    duplicate: Duplicate
    created_at: datetime


class PaymentPending(Charge):
    """The outcome is not known yet, or waits for the customer: `next_action` is what the client needs for that."""

    status: Literal["pending"]
    duplicate: Duplicate
    created_at: datetime
    next_action: dict[str, Any] | None = None


class Payment(Charge):
    """A payment as it is now."""

    status: Literal["pending", "succeeded", "failed", "refunded"]
    refunded_amount: MinorUnits
    decline_code: Annotated[str | None, Field(description="null unless the card was declined")]
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


class StripeEvent(BaseModel):
    """An event as Stripe sends it; of its members only these are looked at."""

    id: str
    data: dict[str, Any]


class Problem(BaseModel):
    """A refusal, RFC 9457; the facts of a code are members beside these, and more may come."""

    type: Annotated[str, Field(description="a name of the code, as a relative reference")]
    title: str
    status: int
    detail: Annotated[str, Field(description="for people; may change")]
    code: Annotated[str, Field(description="for programs; stable")]
    request_id: Annotated[str, Field(description="under which the request is in the log")]


class FieldError(BaseModel):
    field: Annotated[str, Field(description="the path of the field, its steps parted by dots")]
    message: str


def _absent(schema: dict[str, Any]) -> None:
    """A member that may be missing, and is never null."""
    schema.pop("default")


Count = Annotated[int | SkipJsonSchema[None], Field(default=None, json_schema_extra=_absent)]
# Facts whose types the classes do not tell.
FACTS: Mapping[type[CheckoutError], Mapping[str, Any]] = {
    errors.ValidationFailed: {"errors": list[FieldError]},
    errors.TooManyAttempts: {"limit": int, "payments": Count, "declined_payments": Count, "hourly_declines": Count},
}


def _describe(refusal: type[CheckoutError]) -> type[Problem]:
    """A refusal's document: the members of all, its own status and code, and its facts, which its class takes."""
    own = refusal.__dict__.get("__init__")
    taken = {name: kind for name, kind in get_annotations(own).items() if name != "return"} if own else {}
    members: dict[str, Any] = {
        "status": (Literal[refusal.status], ...),
        "code": (Literal[refusal.code], ...),
        **{name: (kind, None if kind is Count else ...) for name, kind in FACTS.get(refusal, taken).items()},
    }
    return create_model(refusal.__name__, __base__=Problem, __doc__=_tell(refusal), **members)


def _tell(refusal: type[CheckoutError]) -> str:
    """Its own docstring; where it has none it has no facts, and its detail says all."""
    return refusal.__dict__.get("__doc__") or refusal().detail  # type: ignore[call-arg]


def _list_refusals(parent: type[CheckoutError]) -> Iterator[type[CheckoutError]]:
    for refusal in parent.__subclasses__():
        yield from [refusal] if hasattr(refusal, "code") else _list_refusals(refusal)


PROBLEMS: Mapping[type[CheckoutError], type[Problem]] = {
    refusal: _describe(refusal) for refusal in _list_refusals(CheckoutError)
}
"""The document of each refusal."""


class InternalError(Problem):
    """A fault of the checkout itself, which is in its log under the request id."""

    status: Literal[500]
    code: Literal["internal_error"]


class GatewayMessage(BaseModel):
    """What API Gateway answers by itself: no token, a bad one, too large a body, too many requests, no answer of a
    function."""

    message: str
