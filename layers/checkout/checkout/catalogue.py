"""The products that orders are priced by: remembered for some seconds, so that most orders need no read of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from checkout.clock import Clock, Deadline
from checkout.errors import CheckoutError
from checkout.orders import OrderItem, OrderLine, price_lines
from checkout.product_table import ProductTable
from checkout.products import Product

__all__ = ["Catalogue"]

MOST_PRODUCTS = 1_000


class Catalogue:
    """Of one process. `kept` is how old a price may be, in seconds; with 0 each order reads (FR-121)."""

    def __init__(self, products: ProductTable, *, clock: Clock, kept: int) -> None:
        self._products = products
        self._clock = clock
        self._kept = timedelta(seconds=kept)
        self._remembered: dict[str, tuple[datetime, Product]] = {}

    def price_lines(
        self, lines: Sequence[OrderLine], currency: str | None, deadline: Deadline
    ) -> tuple[str, list[OrderItem]]:
        """The order's currency and its items. What refuses is the catalogue as it is, never what is remembered of it.

        Raises what `orders.price_lines` does, and StoreUnavailable.
        """
        product_ids = sorted({line.product_id for line in lines})
        remembered = self._recall(product_ids)
        if len(remembered) == len(product_ids):
            try:
                return price_lines(lines, remembered, currency)
            except CheckoutError:
                # A client may know the new price already.
                pass
        return price_lines(lines, self._read(product_ids, deadline), currency)

    def _recall(self, product_ids: Sequence[str]) -> dict[str, Product]:
        now = self._clock()
        found = ((product_id, self._remembered.get(product_id)) for product_id in product_ids)
        return {product_id: entry[1] for product_id, entry in found if entry and now - entry[0] < self._kept}

    def _read(self, product_ids: Sequence[str], deadline: Deadline) -> dict[str, Product]:
        # From before the read: a price is as old as the moment at which it may have been changed.
        now = self._clock()
        products = self._products.get_products(product_ids, deadline)
        if self._kept:
            if len(self._remembered) + len(products) > MOST_PRODUCTS:
                self._remembered.clear()
            self._remembered.update({product_id: (now, product) for product_id, product in products.items()})
        return products
