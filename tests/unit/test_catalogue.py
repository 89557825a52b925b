"""Prices are remembered for some seconds, and refusals are not made from memory."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from checkout import catalogue as module
from checkout.catalogue import Catalogue
from checkout.clock import Deadline
from checkout.errors import PriceChanged, ProductNotFound, ValidationFailed
from checkout.money import Money
from checkout.orders import OrderLine
from checkout.products import Product

pytestmark = pytest.mark.proves("FR-121")

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Products:
    """The table: what it is asked for, and what it has."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.prices = {"mug": 1800, "tea": 650}

    def get_products(self, product_ids: Iterable[str], deadline: Deadline) -> dict[str, Product]:
        assert deadline() == 20
        self.asked.append(list(product_ids))
        return {
            product_id: Product(product_id, product_id.title(), Money(self.prices[product_id], "usd"))
            for product_id in self.asked[-1]
            if product_id in self.prices
        }


class Shop:
    def __init__(self, kept: int = 10) -> None:
        self.now = NOON
        self.products = Products()
        self.catalogue = Catalogue(self.products, clock=lambda: self.now, kept=kept)  # type: ignore[arg-type]

    def price(self, *product_ids: str, expected: int | None = None, currency: str | None = None) -> list[int]:
        lines = [OrderLine(product_id, 1, expected) for product_id in product_ids]
        return [item.unit_price for item in self.catalogue.price_lines(lines, currency, lambda: 20)[1]]


def test_a_price_is_read_once_in_ten_seconds() -> None:
    shop = Shop()
    assert shop.price("mug") == [1800]
    shop.products.prices["mug"] = 1900
    shop.now += timedelta(seconds=9.999)
    assert shop.price("mug") == [1800]
    shop.now += timedelta(seconds=0.001)
    assert shop.price("mug") == [1900]
    assert shop.products.asked == [["mug"], ["mug"]]


def test_each_product_is_asked_for_once() -> None:
    shop = Shop()
    assert shop.price("tea", "mug", "tea") == [650, 1800, 650]
    assert shop.products.asked == [["mug", "tea"]]


def test_where_one_is_not_remembered_all_are_read() -> None:
    shop = Shop()
    shop.price("mug")
    assert shop.price("mug", "tea") == [1800, 650]
    assert shop.products.asked == [["mug"], ["mug", "tea"]]
    assert shop.price("tea", "mug") == [650, 1800]
    assert len(shop.products.asked) == 2


def test_a_price_ages_from_before_it_was_read() -> None:
    shop = Shop()
    read = shop.products.get_products

    def read_slowly(product_ids: Iterable[str], deadline: Deadline) -> dict[str, Product]:
        found = read(product_ids, deadline)
        shop.now += timedelta(seconds=4)
        return found

    shop.products.get_products = read_slowly  # type: ignore[method-assign]
    shop.price("mug")
    shop.now += timedelta(seconds=6)
    shop.price("mug")
    assert len(shop.products.asked) == 2


def test_a_client_that_knows_the_new_price_gets_it() -> None:
    shop = Shop()
    shop.price("mug")
    shop.products.prices["mug"] = 1900
    assert shop.price("mug", expected=1900) == [1900]
    assert shop.price("mug") == [1900]


def test_refusals_tell_the_catalogue_as_it_is() -> None:
    shop = Shop()
    shop.price("mug")
    shop.products.prices["mug"] = 1900
    with pytest.raises(PriceChanged) as refused:
        shop.price("mug", expected=1700)
    assert refused.value.facts == {"product_id": "mug", "expected": 1700, "current": 1900}
    with pytest.raises(ValidationFailed):
        shop.price("mug", currency="eur")


def test_what_does_not_exist_is_not_remembered() -> None:
    shop = Shop()
    with pytest.raises(ProductNotFound):
        shop.price("mug", "book")
    assert len(shop.products.asked) == 1
    shop.products.prices["book"] = 2000
    assert shop.price("mug", "book") == [1800, 2000]


def test_with_no_seconds_each_order_reads() -> None:
    shop = Shop(kept=0)
    shop.price("mug")
    shop.price("mug")
    assert len(shop.products.asked) == 2


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PRODUCTS", 2)
    shop = Shop()
    shop.products.prices["book"] = 2000
    shop.price("mug", "tea")
    shop.price("book")
    assert shop.price("book") == [2000]
    assert len(shop.products.asked) == 2
    shop.price("mug")
    assert len(shop.products.asked) == 3
