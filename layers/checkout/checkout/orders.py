"""Orders: what they hold, how they are priced, and what may happen to them. Pure: no clock, no table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from checkout.audit import EMPTY_TRAIL, AuditHead
from checkout.errors import (
    AmountMismatch,
    AmountOutOfRange,
    OrderNotPayable,
    PaymentInProgress,
    PriceChanged,
    ProductNotFound,
    TooManyAttempts,
    ValidationFailed,
)
from checkout.identifiers import payment_id_of
from checkout.money import Money
from checkout.products import Product
from checkout.transitions import OrderStatus, check_order_transition, origins_of

__all__ = ["Limits", "Order", "OrderItem", "OrderLine", "PublicOrder", "price_lines"]

MINIMUM_TOTAL = 1


@dataclass(frozen=True, slots=True)
class OrderLine:
    """What a customer asks for: a product, how many, and the price seen, in minor units, if the client says it."""

    product_id: str
    quantity: int
    unit_price: int | None = None


@dataclass(frozen=True, slots=True)
class OrderItem:
    """An order line at the catalogue's price: unit_price and amount in minor units of the order's currency."""

    product_id: str
    name: str
    quantity: int
    unit_price: int

    @property
    def amount(self) -> int:
        return self.unit_price * self.quantity


def price_lines(
    lines: Sequence[OrderLine], products: Mapping[str, Product], currency: str | None
) -> tuple[str, list[OrderItem]]:
    """The order's currency and its items at the catalogue's prices, never the client's (FR-101).

    Raises ProductNotFound (FR-103), PriceChanged (FR-104) and ValidationFailed where the products are not all priced
    in one currency, or not in the one asked for (FR-118).
    """
    items = []
    for position, line in enumerate(lines):
        product = products.get(line.product_id)
        if product is None:
            raise ProductNotFound(line.product_id)
        price = product.unit_price
        currency = currency or price.currency
        if price.currency != currency:
            raise ValidationFailed.of_field(
                f"items.{position}.product_id", f"is priced in {price.currency}, the order is in {currency}"
            )
        if line.unit_price is not None and line.unit_price != price.amount:
            raise PriceChanged(product_id=line.product_id, expected=line.unit_price, current=price.amount)
        items.append(OrderItem(line.product_id, product.name, line.quantity, price.amount))
    if currency is None:
        raise ValidationFailed.of_field("items", "must not be empty")
    return currency, items


@dataclass(frozen=True, slots=True)
class Limits:
    """How often may be tried (FR-020, FR-227): payments and declines of an order, declines of a customer in an hour."""

    payments: int
    declines: int
    hourly_declines: int


@dataclass(frozen=True, slots=True)
class PublicOrder:
    """What clients see of an order. Times are RFC 3339."""

    order_id: str
    customer_id: str
    status: OrderStatus
    total: Money
    items: tuple[OrderItem, ...]
    metadata: Mapping[str, str]
    payment_id: str | None
    refunded_amount: int
    version: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Order(PublicOrder):
    """An order, and the bookkeeping that guards it.

    `live_payment_id` is the one payment that is pending or succeeded: it holds the order, so that there is at most one
    live charge. `returning_payment_ids` are those whose charges go back meanwhile: the next to hold it.
    `refused_payments` never reached the gateway. `audit_head` moves with every change of the order or of
    a payment; `written_at_entry` is the number of the entry that the order itself was written with last.
    """

    live_payment_id: str | None = None
    returning_payment_ids: tuple[str, ...] = ()
    payment_attempts: int = 0
    declined_payments: int = 0
    refused_payments: int = 0
    audit_head: AuditHead = EMPTY_TRAIL
    written_at_entry: int = 0

    @classmethod
    def create(
        cls,
        *,
        order_id: str,
        customer_id: str,
        items: Sequence[OrderItem],
        currency: str,
        metadata: Mapping[str, str],
        maximum_total: int,
        at: str,
    ) -> "Order":
        """A new order of priced items; raises AmountOutOfRange (FR-105)."""
        total = sum(item.amount for item in items)
        if not MINIMUM_TOTAL <= total <= maximum_total:
            raise AmountOutOfRange(total_amount=total, minimum=MINIMUM_TOTAL, maximum=maximum_total, currency=currency)
        return cls(
            order_id=order_id,
            customer_id=customer_id,
            status=OrderStatus.CREATED,
            total=Money(total, currency),
            items=tuple(items),
            metadata=metadata,
            payment_id=None,
            refunded_amount=0,
            version=1,
            created_at=at,
            updated_at=at,
        )

    def check_payable(self, money: Money, limits: Limits) -> None:
        """Raises OrderNotPayable, AmountMismatch or TooManyAttempts where these stand against a new payment."""
        if self.status not in origins_of(OrderStatus.PAID):
            raise OrderNotPayable(current_status=self.status)
        if money != self.total:
            raise AmountMismatch(expected_amount=self.total.amount, expected_currency=self.total.currency)
        if self.declined_payments >= limits.declines:
            raise TooManyAttempts(
                "This order was declined too often.",
                declined_payments=self.declined_payments,
                limit=limits.declines,
            )
        if self.counted_payments >= limits.payments:
            raise TooManyAttempts(
                "This order was tried too often.",
                payments=self.counted_payments,
                limit=limits.payments,
            )

    @property
    def counted_payments(self) -> int:
        """Attempts to pay it; what never reached the gateway does not count."""
        return self.payment_attempts - self.refused_payments

    @property
    def holder_id(self) -> str:
        """The payment that holds it, or the one that does if it exists."""
        return self.live_payment_id or payment_id_of(self.order_id, self.payment_attempts + 1)

    def claim(self, payment_id: str, head: AuditHead) -> "Order":
        """Held by a payment that was started with the entry of this head; the order is not written (FR-014)."""
        return replace(self, live_payment_id=payment_id, payment_attempts=self.payment_attempts + 1, audit_head=head)

    def hold(self, payment_id: str) -> "Order":
        """Held by a charge that is to be returned, as soon as no other payment holds it: no second charge meanwhile."""
        if self.live_payment_id is None:
            return replace(self, live_payment_id=payment_id)
        if payment_id in {self.live_payment_id, *self.returning_payment_ids}:
            return self
        return replace(self, returning_payment_ids=(*self.returning_payment_ids, payment_id))

    def release(self, payment_id: str, *, declined: bool = False, refused: bool = False) -> "Order":
        """Let go by a payment that failed, declined or never taken by the gateway, or whose charge went back: payable
        again, unless another charge is on its way back (FR-017, FR-019, FR-209)."""
        returning = tuple(waiting for waiting in self.returning_payment_ids if waiting != payment_id)
        live = self.live_payment_id
        if live == payment_id:
            live, returning = next(iter(returning), None), returning[1:]
        return replace(
            self,
            live_payment_id=live,
            returning_payment_ids=returning,
            declined_payments=self.declined_payments + declined,
            refused_payments=self.refused_payments + refused,
        )

    def mark_paid(self, payment_id: str, *, at: str) -> "Order":
        """Raises InvalidTransition."""
        return replace(self._go_to(OrderStatus.PAID, at), payment_id=payment_id)

    def cancel(self, *, at: str) -> "Order":
        """Raises InvalidTransition, and PaymentInProgress while a payment holds the order (FR-113)."""
        cancelled = self._go_to(OrderStatus.CANCELLED, at)
        if self.live_payment_id is not None:
            raise PaymentInProgress(transaction_id=self.live_payment_id)
        return cancelled

    def fulfil(self, *, at: str) -> "Order":
        """Raises InvalidTransition."""
        return self._go_to(OrderStatus.FULFILLED, at)

    @property
    def is_owed(self) -> bool:
        """Whether it was refunded wholly, and a bank has sent some of that back (FR-233)."""
        return self.status is OrderStatus.REFUNDED and self.refunded_amount < self.total.amount

    def check_refundable(self) -> None:
        """Raises InvalidTransition."""
        if not self.is_owed:
            check_order_transition(self.status, OrderStatus.REFUNDED)

    def refund(self, amount: int, *, at: str) -> "Order":
        """So much of it was refunded, in minor units; once that is all, it is refunded. Raises InvalidTransition."""
        refunded = replace(self, refunded_amount=self.refunded_amount + amount)
        if refunded.refunded_amount == self.total.amount and not self.is_owed:
            return refunded._go_to(OrderStatus.REFUNDED, at)
        return replace(refunded, version=self.version + 1, updated_at=at)

    def lose_refund(self, amount: int, *, at: str) -> "Order":
        """So much of what was refunded was sent back by a bank (FR-233); an order that was refunded wholly stays so."""
        return replace(self, refunded_amount=self.refunded_amount - amount, version=self.version + 1, updated_at=at)

    def with_audit_head(self, head: AuditHead) -> "Order":
        """As it stands once the entry with this head is written, with a payment or with itself."""
        return replace(self, audit_head=head)

    def written_with(self, head: AuditHead) -> "Order":
        """As it stands once it is written with the entry that has this head."""
        return replace(self, audit_head=head, written_at_entry=head.sequence)

    def _go_to(self, status: OrderStatus, at: str) -> "Order":
        check_order_transition(self.status, status)
        return replace(self, status=status, version=self.version + 1, updated_at=at)
