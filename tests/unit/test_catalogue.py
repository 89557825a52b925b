"""Prices are remembered for some seconds, and refusals are not made from memory."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from checkout import catalogue as module
from checkout.catalogue import Catalogue
from checkout.errors import PriceChanged, ProductNotFound, ValidationFailed
from checkout.money import Money
from checkout.orders import OrderLine, price_lines
from checkout.products import Product

pytestmark = pytest.mark.proves("FR-121")

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Products:
    """The table: what it is asked for, and what it has. What was changed is there for consistent reads alone, until the
    change has gone round."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.consistent: list[bool] = []
        self.prices = {"mug": 1800, "tea": 650}
        self.before: dict[str, int] | None = None

    def change(self, product_id: str, price: int) -> None:
        self.before = dict(self.prices)
        self.prices[product_id] = price

    def read(self, product_ids: Sequence[str], *, consistent: bool) -> dict[str, Product]:
        self.asked.append(list(product_ids))
        self.consistent.append(consistent)
        prices = self.prices if consistent or self.before is None else self.before
        return {
            product_id: Product(product_id, product_id.title(), Money(prices[product_id], "usd"))
            for product_id in product_ids
            if product_id in prices
        }


class Shop:
    def __init__(self, kept: int = 10) -> None:
        self.now = NOON
        self.products = Products()
        self.catalogue = Catalogue(clock=lambda: self.now, kept=kept)

    def price(self, *product_ids: str, expected: int | None = None, currency: str | None = None) -> list[int]:
        lines = [OrderLine(product_id, 1, expected) for product_id in product_ids]
        _, items = self.catalogue.decide(
            product_ids, lambda products: price_lines(lines, products, currency), self.products.read
        )
        return [item.unit_price for item in items]


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
    read = shop.products.read

    def read_slowly(product_ids: Sequence[str], *, consistent: bool) -> dict[str, Product]:
        found = read(product_ids, consistent=consistent)
        shop.now += timedelta(seconds=4)
        return found

    shop.products.read = read_slowly  # type: ignore[method-assign]
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
    assert shop.products.consistent == [False, True]
    shop.products.prices["book"] = 2000
    assert shop.price("mug", "book") == [1800, 2000]


def test_with_no_seconds_each_order_reads() -> None:
    shop = Shop(kept=0)
    shop.price("mug")
    shop.price("mug")
    assert len(shop.products.asked) == 2


def test_with_no_seconds_no_price_is_of_a_moment_ago() -> None:
    shop = Shop(kept=0)
    shop.products.change("mug", 1900)
    assert shop.price("mug") == [1900]
    with pytest.raises(PriceChanged):
        shop.price("mug", expected=1800)
    assert shop.products.consistent == [True, True], "and a refusal is not looked at twice"


def test_prices_are_read_as_of_a_moment_ago() -> None:
    shop = Shop()
    shop.products.change("mug", 1900)
    assert shop.price("mug") == [1800]
    assert shop.products.consistent == [False]


def test_what_a_read_of_a_moment_ago_would_refuse_is_taken_where_the_catalogue_takes_it() -> None:
    """A new product, a new price, another currency."""
    shop = Shop()
    shop.products.change("book", 2000)
    assert shop.price("book") == [2000]
    shop = Shop()
    shop.products.change("mug", 1900)
    assert shop.price("mug", expected=1900) == [1900]
    assert shop.products.consistent == [False, True]
    assert shop.price("mug") == [1900], "which is remembered"
    assert len(shop.products.asked) == 2


def test_a_refusal_that_rests_on_a_moment_ago_tells_the_catalogue_as_it_is() -> None:
    shop = Shop()
    shop.products.change("mug", 1900)
    with pytest.raises(PriceChanged) as refused:
        shop.price("mug", expected=1700)
    assert refused.value.facts == {"product_id": "mug", "expected": 1700, "current": 1900}
    with pytest.raises(ValidationFailed):
        shop.price("tea", currency="eur")
    assert shop.products.consistent == [False, True] * 2


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
