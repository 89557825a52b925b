"""The products that orders are priced by: remembered for some seconds, so that most orders need no read of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from checkout.clock import Clock
from checkout.errors import CheckoutError
from checkout.products import Product

__all__ = ["Catalogue"]

MOST_PRODUCTS = 1_000

Decision = TypeVar("Decision")


class ReadProducts(Protocol):
    """The products of these ids that exist, by id; unless `consistent`, as they are or were a moment ago."""

    def __call__(self, product_ids: Sequence[str], *, consistent: bool) -> Mapping[str, Product]: ...


class Catalogue:
    """Of one process. `kept` is how old a price may be, in seconds; with 0 each order reads (FR-121)."""

    def __init__(self, *, clock: Clock, kept: int) -> None:
        self._clock = clock
        self._kept = timedelta(seconds=kept)
        self._remembered: dict[str, tuple[datetime, Product]] = {}

    def decide(
        self,
        product_ids: Iterable[str],
        decide: Callable[[Mapping[str, Product]], Decision],
        read: ReadProducts,
    ) -> Decision:
        """What is decided on the products of these ids. What refuses is the catalogue as it is, never what is
        remembered of it, nor what it was a moment ago.

        Raises what `decide` and `read` do.
        """
        wanted = sorted(set(product_ids))
        known = self._recall(wanted)
        if self._kept and len(known) < len(wanted):
            known = self._read(wanted, read, consistent=False)
        if len(known) == len(wanted):
            try:
                return decide(known)
            except CheckoutError:
                # A client may know the new price already.
                pass
        return decide(self._read(wanted, read, consistent=True))

    def _recall(self, product_ids: Sequence[str]) -> Mapping[str, Product]:
        now = self._clock()
        found = ((product_id, self._remembered.get(product_id)) for product_id in product_ids)
        return {product_id: entry[1] for product_id, entry in found if entry and now - entry[0] < self._kept}

    def _read(self, product_ids: Sequence[str], read: ReadProducts, *, consistent: bool) -> Mapping[str, Product]:
        # From before the read: a price is as old as the moment at which it may have been changed.
        now = self._clock()
        products = read(product_ids, consistent=consistent)
        if self._kept:
            if len(self._remembered) + len(products) > MOST_PRODUCTS:
                self._remembered.clear()
            self._remembered.update({product_id: (now, product) for product_id, product in products.items()})
        return products
