"""What can be done with orders, but for paying them."""

from collections.abc import Mapping, Sequence

from checkout.audit import AuditEntry
from checkout.caller import Caller
from checkout.catalogue import Catalogue
from checkout.clock import Clock, format_time
from checkout.errors import CheckoutError, OrderNotFound
from checkout.identifiers import Randomness, new_order_id
from checkout.key_records import KeyTaken, RequestKey
from checkout.order_access import get_visible_order
from checkout.order_table import OrderTable, decide_on_latest
from checkout.orders import Order, OrderLine, PublicOrder, price_lines
from checkout.product_table import ProductTable
from checkout.products import Product
from checkout.seen_keys import SeenKeys
from checkout.transitions import OrderStatus

__all__ = ["OrderService"]


class OrderService:
    """One method an operation. Each may raise StoreUnavailable besides what it says."""

    def __init__(
        self,
        orders: OrderTable,
        products: ProductTable,
        catalogue: Catalogue,
        *,
        clock: Clock,
        randomness: Randomness,
        maximum_total: int,
    ) -> None:
        self._orders = orders
        self._products = products
        self._catalogue = catalogue
        self._clock = clock
        self._randomness = randomness
        self._maximum_total = maximum_total
        self._seen = SeenKeys()

    def create_order(
        self,
        caller: Caller,
        *,
        lines: Sequence[OrderLine],
        currency: str | None,
        metadata: Mapping[str, str],
        key: RequestKey[Order],
    ) -> Order:
        """The order, kept with the answer to it under the request's key (FR-119).

        FR-101, FR-102. Raises ProductNotFound, PriceChanged, ValidationFailed, AmountOutOfRange, and KeyTaken where
        there is an order under the key.
        """
        if self._seen.find(key.key_id) is not None:
            # Cheaper than to learn of it from a transaction that is refused (FR-714).
            self._find_taken(key)
        self._seen.note(key.key_id)
        try:
            return decide_on_latest(lambda: self._create_order(caller, lines, currency, metadata, key))
        except CheckoutError:
            # What was made under the key stays made, whatever the catalogue says now.
            self._find_taken(key)
            raise

    def _find_taken(self, key: RequestKey[Order]) -> None:
        """Raises KeyTaken where something is kept under the key."""
        record = self._orders.get_key_record(key.key_id, self._clock())
        if record:
            raise KeyTaken(record)

    def _create_order(
        self,
        caller: Caller,
        lines: Sequence[OrderLine],
        asked_currency: str | None,
        metadata: Mapping[str, str],
        key: RequestKey[Order],
    ) -> Order:
        now = self._clock()

        def read_products(product_ids: Sequence[str], *, consistent: bool) -> dict[str, Product]:
            products, record = self._products.get_products_to_order(
                product_ids, key.key_id, now, caller.deadline, consistent=consistent
            )
            if record:
                raise KeyTaken(record)
            return products

        def draw_up(products: Mapping[str, Product]) -> Order:
            currency, items = price_lines(lines, products, asked_currency)
            return Order.create(
                order_id=new_order_id(now, self._randomness),
                customer_id=caller.customer_id,
                items=items,
                currency=currency,
                metadata=metadata,
                maximum_total=self._maximum_total,
                at=format_time(now),
            )

        order = self._catalogue.decide({line.product_id for line in lines}, draw_up, read_products)
        facts = {
            "total_amount": order.total.amount,
            "currency": order.total.currency,
            "items": [
                {"product_id": item.product_id, "quantity": item.quantity, "unit_price": item.unit_price}
                for item in order.items
            ],
        }
        entry = caller.record(
            order, event="order_created", from_status=None, to_status=order.status, facts=facts, at=order.created_at
        )
        record = key.complete(order.order_id, order, now)
        self._orders.create_order(order, entry, record, caller.deadline, at=now)
        return order

    def get_order(self, caller: Caller, order_id: str) -> Order:
        """FR-110, FR-216. Raises OrderNotFound, also where the order is another customer's (FR-003)."""
        return get_visible_order(self._orders, caller, order_id)

    def list_orders(
        self, caller: Caller, *, limit: int, status: OrderStatus | None, start: str | None
    ) -> tuple[list[PublicOrder], str | None]:
        """FR-107, FR-108: the caller's orders, newest first, from the order `start` on; and which one follows."""
        return self._orders.list_orders(caller.customer_id, limit=limit, status=status, start=start)

    def get_order_audit(self, caller: Caller, order_id: str) -> list[AuditEntry]:
        """FR-111, oldest first. Raises OrderNotFound."""
        return self._orders.list_audit_entries(self.get_order(caller, order_id).order_id)

    def cancel_order(self, caller: Caller, order_id: str) -> Order:
        """FR-112, FR-113. Raises OrderNotFound, InvalidTransition, PaymentInProgress."""

        def cancel() -> Order:
            order = self._orders.get_held_order(caller.customer_id, order_id, caller.deadline)
            if order is None:
                raise OrderNotFound
            if order.status is OrderStatus.CANCELLED:
                return order
            at = format_time(self._clock())
            cancelled = order.cancel(at=at)
            entry = caller.record(
                order,
                event="order_cancelled",
                from_status=order.status,
                to_status=cancelled.status,
                facts={},
                at=at,
            )
            self._orders.cancel_order(order, cancelled, entry, caller.deadline)
            return cancelled

        return decide_on_latest(cancel)

    def fulfil_order(self, caller: Caller, order_id: str) -> Order:
        """FR-217. Raises InsufficientScope (FR-215), OrderNotFound, InvalidTransition."""
        staff = caller.as_staff()

        def fulfil() -> Order:
            order = get_visible_order(self._orders, staff, order_id)
            if order.status is OrderStatus.FULFILLED:
                return order
            at = format_time(self._clock())
            fulfilled = order.fulfil(at=at)
            entry = staff.record(
                order,
                event="order_fulfilled",
                from_status=order.status,
                to_status=fulfilled.status,
                facts={},
                at=at,
            )
            self._orders.fulfil_order(order, fulfilled, entry, staff.deadline)
            return fulfilled

        return decide_on_latest(fulfil)

    def list_products(self) -> list[Product]:
        """FR-115."""
        return self._products.list_products()
