"""DynamoDB's rules for units, by its own examples, and what the metered store makes of calls."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.metering import MeteredCheckout, open_checkout
from benchmarks.units import count_read, count_write, item_size
from checkout import wiring
from functions.list_products import app as list_products

pytestmark = pytest.mark.proves("FR-703")


@pytest.fixture
def shop() -> Iterator[MeteredCheckout]:
    with open_checkout() as opened:
        yield opened


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"id": {"S": "abc"}}, 5),
        ({"é": {"S": "é"}}, 4),
        ({"n": {"N": "0"}}, 3),
        ({"n": {"N": "1234"}}, 4),
        ({"n": {"N": "-12345"}}, 6),
        ({"n": {"N": "12000"}}, 3),
        ({"t": {"BOOL": True}}, 2),
        ({"t": {"NULL": True}}, 2),
        ({"l": {"L": [{"S": "ab"}]}}, 1 + 3 + 1 + 2),
        ({"s": {"SS": ["ab", "é"]}}, 1 + 3 + 1 + 2 + 1 + 2),
        ({"m": {"M": {"k": {"S": "ab"}}}}, 1 + 3 + 1 + 1 + 2),
    ],
)
def test_an_item_is_as_large_as_its_names_and_values(item: dict[str, dict[str, object]], size: int) -> None:
    assert item_size(item) == size


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (3072, 3)])
def test_a_write_takes_one_for_each_kilobyte_and_two_in_a_transaction(size: int, units: int) -> None:
    assert count_write(size) == units
    assert count_write(size, transactional=True) == 2 * units


def test_a_change_is_as_large_as_the_larger_of_before_and_after() -> None:
    assert count_write(3000, 100) == count_write(100, 3000) == 3


@pytest.mark.parametrize(("size", "units"), [(0, 1), (4096, 1), (4097, 2), (8192, 2)])
def test_a_read_takes_one_for_each_four_kilobytes_and_half_where_it_may_be_old(size: int, units: int) -> None:
    assert count_read(size, consistent=True) == units
    assert count_read(size, consistent=False) == units / 2


def test_a_part_of_an_item_is_read_as_the_whole(shop: MeteredCheckout) -> None:
    key = {"order_id": {"S": "ord_1"}, "sequence": {"N": "1"}}
    shop.store.answer("PutItem", {"TableName": "AuditTable", "Item": {**key, "event": {"S": "x" * 5000}}})
    asked = {"TableName": "AuditTable", "Key": key, "ConsistentRead": True, "ProjectionExpression": "order_id"}
    assert shop.store.answer("GetItem", asked) == {"Item": {"order_id": {"S": "ord_1"}}}
    assert shop.store.calls[-1].reads == {"AuditTable": 2}


def test_an_order_is_written_with_its_indexes(shop: MeteredCheckout) -> None:
    shop.create_order()
    transaction = next(call for call in shop.store.calls if call.operation == "TransactWriteItems")
    assert transaction.writes["OrdersTable"] == 2
    assert transaction.writes["OrdersTable/by_status"] == 1, "twice for the transaction is the table alone"
    assert transaction.writes["AuditTable"] == 2, "whose it is stands beside the first entry, within its kilobyte"


def test_the_first_entry_of_an_order_of_two_lines_fits_into_a_kilobyte(shop: MeteredCheckout) -> None:
    """With whose it is beside it, by an id as long as a UUID."""
    body = {"items": [{"product_id": product_id, "quantity": 100} for product_id in ("mug", "whisk")]}
    shop.call("create_order", body, key="key", customer="0b9f4c1e-6a52-4f0e-9d3b-8f1f5d1f2a77")
    [entry] = shop.store.scan("AuditTable")
    assert "customer_id" in entry
    assert item_size(entry) <= 1024


def test_an_entry_that_moves_in_an_index_is_written_twice(shop: MeteredCheckout) -> None:
    order = shop.create_order()
    shop.cancel(order)
    transaction = next(call for call in shop.store.calls if call.operation == "TransactWriteItems")
    assert transaction.writes["OrdersTable/by_status"] == 2


def test_what_a_condition_refuses_is_counted_too(shop: MeteredCheckout) -> None:
    for _ in range(2):
        wiring.order_service.cache_clear()  # a process that knows the price, and has not met the key
        shop.create_order("mug")
        shop.call("create_order", {"items": [{"product_id": "mug", "quantity": 1}]}, key="same")
    [call] = [call for call in shop.store.calls if call.refused]
    assert call.writes == {"OrdersTable": 2, "AuditTable": 2, "IdempotencyTable": 2}


@pytest.mark.proves("FR-310")
def test_a_function_that_logs_a_secret_is_not_measured(shop: MeteredCheckout, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = list_products.list_products

    def tell(event: Any, context: Any) -> Any:
        print("paid with tok_visa")
        return answer(event, context)

    monkeypatch.setattr(list_products, "list_products", tell)
    with pytest.raises(AssertionError, match="tok_visa"):
        shop.call("list_products")


@pytest.mark.proves("FR-706")
def test_a_page_of_the_list_costs_the_same_wherever_it_is(shop: MeteredCheckout) -> None:
    for _ in range(60):
        shop.create_order()
    cursor, costs = None, []
    while True:
        page = shop.list_orders(limit="10", **({"cursor": cursor} if cursor else {}))
        costs.append((len(shop.store.calls), sum(sum(call.reads.values()) for call in shop.store.calls)))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(costs) == 6
    assert len(set(costs)) == 1
