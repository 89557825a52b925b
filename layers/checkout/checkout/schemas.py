"""What clients send and get: request models, which refuse what they do not know, and the documents of answers."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from checkout.audit import AuditEntry
from checkout.errors import ValidationFailed
from checkout.money import is_currency
from checkout.orders import Order, OrderLine
from checkout.payments import Payment
from checkout.products import Product
from checkout.refunds import Refund
from checkout.transitions import OrderStatus, PaymentStatus

__all__ = [
    "CreateOrderBody",
    "ListOrdersQuery",
    "MarkOrderPaidBody",
    "PayBody",
    "RefundOrderBody",
    "describe_audit_entry",
    "describe_order",
    "describe_payment",
    "describe_payment_result",
    "describe_product",
    "describe_refund",
    "validate",
]

MAX_ERRORS = 50
MAX_FIELD_NAME = 100
# Beyond any amount an order can have, and within what JSON readers hold exactly (RFC 8259, section 6).
MAX_AMOUNT = 2**53 - 1


def _read_currency(code: str) -> str:
    if not is_currency(code.lower()):
        raise ValueError("is not an ISO 4217 currency")
    return code.lower()


def _read_number(text: object) -> object:
    """Query parameters are text; only plain digits are a number."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10 else text


Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
Currency = Annotated[
    str,
    StringConstraints(min_length=3, max_length=3),
    AfterValidator(_read_currency),
    Field(json_schema_extra={"pattern": "^[A-Za-z]{3}$"}),
]
IdempotencyKey = Annotated[str, StringConstraints(min_length=1, max_length=255)]
# Other control characters take six times their place in JSON: a page of orders would outgrow a function's answer.
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=TEXT)]
MetadataValue = Annotated[str, StringConstraints(max_length=500, pattern=TEXT)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=50)]


class RequestModel(BaseModel):
    """Strict, and without unknown fields: a client's mistake is told, not guessed at."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OrderLineBody(RequestModel):
    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=999)]
    unit_price: Amount | None = None


class CreateOrderBody(RequestModel):
    """POST /orders (FR-106)."""

    items: Annotated[list[OrderLineBody], Field(min_length=1, max_length=100)]
    currency: Currency | None = None
    metadata: Metadata = {}
    idempotency_key: IdempotencyKey | None = None

    @property
    def lines(self) -> list[OrderLine]:
        return [OrderLine(line.product_id, line.quantity, line.unit_price) for line in self.items]


class PayBody(RequestModel):
    """POST /pay. The amount may be any: one that is not the order's is a mismatch, not a mistake of form."""

    order_id: Id
    token: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    amount: Amount
    currency: Currency
    idempotency_key: IdempotencyKey | None = None


class MarkOrderPaidBody(RequestModel):
    """PATCH /orders/{order_id}/pay."""

    transaction_id: Id


class RefundOrderBody(RequestModel):
    """POST /orders/{order_id}/refunds: all that is left, where no amount is sent."""

    amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT)] | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT)] | None = None
    idempotency_key: IdempotencyKey | None = None


class ListOrdersQuery(BaseModel):
    """GET /orders: parameters that it does not know are left alone, as links carry them."""

    limit: Annotated[int, Field(strict=True, ge=1, le=100), BeforeValidator(_read_number)] = 10
    status: OrderStatus | None = None
    cursor: str | None = None


Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], document: object) -> Model:
    """Raises ValidationFailed with each field and what is wrong with it, never its value (FR-006)."""
    try:
        return model.model_validate(document)
    except ValidationError as failure:
        errors = failure.errors(include_url=False, include_context=False, include_input=False)[:MAX_ERRORS]
        raise ValidationFailed(
            [
                {"field": ".".join(map(str, error["loc"]))[:MAX_FIELD_NAME] or "body", "message": error["msg"]}
                for error in errors
            ]
        ) from None


def describe_order(order: Order) -> dict[str, Any]:
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


def describe_payment_result(payment: Payment, *, duplicate: bool) -> dict[str, Any]:
    """What paying came to; whatever was refunded later, the same again."""
    paid = {"status": PaymentStatus.SUCCEEDED} if payment.status is PaymentStatus.REFUNDED else {}
    return {**_describe_charge(payment), **paid, "duplicate": duplicate, "created_at": payment.created_at}


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
