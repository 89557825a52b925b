"""What clients send: request models, which refuse what they do not know."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from checkout.money import is_currency
from checkout.orders import OrderLine
from checkout.validation_failures import describe_failure

__all__ = ["CreateOrderBody", "MarkOrderPaidBody", "PayBody", "RefundOrderBody", "validate"]

# Beyond any amount an order can have, and within what JSON readers hold exactly (RFC 8259, section 6).
MAX_AMOUNT = 2**53 - 1


def _read_currency(code: str) -> str:
    if not is_currency(code.lower()):
        raise ValueError("is not an ISO 4217 currency")
    return code.lower()


Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
RefundAmount = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
Currency = Annotated[
    str,
    StringConstraints(min_length=3, max_length=3),
    AfterValidator(_read_currency),
    Field(json_schema_extra={"pattern": "^[A-Za-z]{3}$"}),
]
IdempotencyKey = Annotated[str, StringConstraints(min_length=1, max_length=255)]
KeyInBody = Annotated[IdempotencyKey | None, Field(description="in place of the header Idempotency-Key")]
# Other control characters take six times their place in JSON: a page of orders would outgrow a function's answer.
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=TEXT)]
MetadataValue = Annotated[str, StringConstraints(max_length=500, pattern=TEXT)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=50)]


class RequestModel(BaseModel):
    """Strict, and without unknown fields: a client's mistake is told, not guessed at."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OrderLineBody(RequestModel):
    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=999)]
    unit_price: Annotated[Amount | None, Field(description="the price that the customer saw, in minor units")] = None


class CreateOrderBody(RequestModel):
    """POST /orders (FR-106)."""

    items: Annotated[list[OrderLineBody], Field(min_length=1, max_length=100)]
    currency: Annotated[Currency | None, Field(description="ISO 4217; the products' by default")] = None
    metadata: Annotated[Metadata, Field(description="the client's own; kept with the order and given back")] = {}
    idempotency_key: KeyInBody = None

    @property
    def lines(self) -> list[OrderLine]:
        return [OrderLine(line.product_id, line.quantity, line.unit_price) for line in self.items]


class PayBody(RequestModel):
    """POST /pay. The amount may be any: one that is not the order's is a mismatch, not a mistake of form."""

    order_id: Id
    token: Annotated[str, StringConstraints(min_length=1, max_length=255), Field(description="the gateway's")]
    amount: Annotated[Amount, Field(description="the order's total, in minor units")]
    currency: Annotated[Currency, Field(description="the order's, ISO 4217")]
    idempotency_key: KeyInBody = None


class MarkOrderPaidBody(RequestModel):
    """PATCH /orders/{order_id}/pay."""

    transaction_id: Annotated[Id, Field(description="of a payment of the order that succeeded")]


class RefundOrderBody(RequestModel):
    """POST /orders/{order_id}/refunds: all that is left, where no amount is sent."""

    amount: Annotated[RefundAmount | None, Field(description="in minor units; all that is left by default")] = None
    reason: Annotated[Reason | None, Field(description="kept with the refund, not in the trail")] = None
    idempotency_key: KeyInBody = None


Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], document: object) -> Model:
    """Raises ValidationFailed with each field and what is wrong with it, never its value (FR-006)."""
    try:
        return model.model_validate(document)
    except ValidationError as failure:
        raise describe_failure(failure) from None
