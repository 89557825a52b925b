"""What can be done with orders, but for paying them."""

import json
from collections.abc import Mapping, Sequence

from checkout.audit import AuditEntry
from checkout.caller import Caller
from checkout.clock import Clock, format_time
from checkout.errors import IdempotencyKeyReused, OrderNotFound
from checkout.hashes import hash_values
from checkout.identifiers import Randomness, new_order_id
from checkout.order_access import get_visible_order
from checkout.order_table import KeyUse, OrderTable, decide_on_latest
from checkout.orders import Order, OrderLine, price_lines
from checkout.product_table import ProductTable
from checkout.products import Product
from checkout.transitions import OrderStatus

__all__ = ["OrderService"]


class OrderService:
    """One method an operation. Each may raise StoreUnavailable besides what it says."""

    def __init__(
        self,
        orders: OrderTable,
        products: ProductTable,
        *,
        clock: Clock,
        randomness: Randomness,
        maximum_total: int,
    ) -> None:
        self._orders = orders
        self._products = products
        self._clock = clock
        self._randomness = randomness
        self._maximum_total = maximum_total

    def create_order(
        self,
        caller: Caller,
        *,
        lines: Sequence[OrderLine],
        currency: str | None,
        metadata: Mapping[str, str],
        idempotency_key: str,
    ) -> tuple[Order, bool]:
        """The order, and whether this call made it: a retry with the key gets the order that is there (FR-119).

        FR-101, FR-102. Raises ProductNotFound, PriceChanged, ValidationFailed, AmountOutOfRange, IdempotencyKeyReused.
        """
        key_hash = hash_values("create_order", caller.customer_id, idempotency_key)
        asked = [[line.product_id, line.quantity, line.unit_price] for line in lines]
        request = json.dumps([asked, currency, sorted(metadata.items())])
        request_hash = hash_values(key_hash, request)
        products = self._products.get_products((line.product_id for line in lines), caller.deadline)
        currency, items = price_lines(lines, products, currency)
        tried: list[bool] = []

        def create() -> tuple[Order, bool]:
            now = self._clock()
            # Where the first try was refused, the key has an order, or another order has the id.
            use = self._orders.get_key_use(key_hash, now) if tried else None
            known = self._orders.get_order(caller.customer_id, use.made_id) if use else None
            if use and known:
                if use.request_hash != request_hash:
                    raise IdempotencyKeyReused
                return known, False
            tried.append(True)
            order = Order.create(
                order_id=new_order_id(now, self._randomness),
                customer_id=caller.customer_id,
                items=items,
                currency=currency,
                metadata=metadata,
                maximum_total=self._maximum_total,
                at=format_time(now),
            )
            facts = {
                "total_amount": order.total.amount,
                "currency": order.total.currency,
                "items": [
                    {"product_id": item.product_id, "quantity": item.quantity, "unit_price": item.unit_price}
                    for item in items
                ],
            }
            entry = caller.record(
                order, event="order_created", from_status=None, to_status=order.status, facts=facts, at=order.created_at
            )
            made = KeyUse(key_hash, request_hash, order.order_id)
            self._orders.create_order(order, entry, made, caller.deadline, at=now)
            return order, True

        return decide_on_latest(create)

    def get_order(self, caller: Caller, order_id: str) -> Order:
        """FR-110, FR-216. Raises OrderNotFound, also where the order is another customer's (FR-003)."""
        return get_visible_order(self._orders, caller, order_id)

    def list_orders(
        self, caller: Caller, *, limit: int, status: OrderStatus | None, before: str | None
    ) -> tuple[list[Order], bool]:
        """FR-107, FR-108: the caller's orders, newest first, older than the order `before`; whether there are more."""
        return self._orders.list_orders(caller.customer_id, limit=limit, status=status, before=before)

    def get_order_audit(self, caller: Caller, order_id: str) -> list[AuditEntry]:
        """FR-111, oldest first. Raises OrderNotFound."""
        return self._orders.list_audit_entries(self.get_order(caller, order_id).order_id)

    def cancel_order(self, caller: Caller, order_id: str) -> Order:
        """FR-112, FR-113. Raises OrderNotFound, InvalidTransition, PaymentInProgress."""

        def cancel() -> Order:
            order = self._orders.get_order(caller.customer_id, order_id)
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
