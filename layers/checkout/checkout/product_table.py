"""The catalogue's table: key product_id; name, unit_price in minor units, currency.

Access
    the products of an order,   BatchGetItem, at most 100 keys; eventually consistent where that is enough
    and the record of its key
    all products                Scan: every item is wanted, so nothing is read in vain
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from checkout.clock import Deadline
from checkout.dynamodb import MAX_BATCH, Item, ReadItems, from_wire, reading_faults, to_wire
from checkout.key_records import KeyRecord
from checkout.money import Money
from checkout.products import Product

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["ProductTable"]


class ProductTable:
    """Every method raises StoreUnavailable where DynamoDB does not serve it."""

    def __init__(self, client: "DynamoDBClient", read_batch: ReadItems, *, products: str, keys: str) -> None:
        self._client = client
        self._read_batch = read_batch
        self._products = products
        self._keys = keys

    def get_products_to_order(
        self, product_ids: Sequence[str], key_id: str, now: datetime, deadline: Deadline, *, consistent: bool
    ) -> tuple[dict[str, Product], KeyRecord | None]:
        """The products of these ids that exist, by id, at most 100; and what was made under the order's key within a
        day, as far as is known.

        Unless `consistent`, the products are as they are or were a moment ago. The record always is, and is not read
        beside 100 products, which fill a call: that there is none is decided by the transaction alone (FR-714).
        """
        keys: dict[str, list[Item]] = {
            self._products: [{"product_id": product_id} for product_id in product_ids],
            self._keys: [{"id": key_id}] if len(product_ids) < MAX_BATCH else [],
        }
        eventual = [self._keys] if consistent else [self._keys, self._products]
        found = self._read_batch(keys, deadline, eventual=eventual)
        records = map(KeyRecord.from_item, found[self._keys])
        return (
            {item["product_id"]: _to_product(item) for item in found[self._products]},
            next((record for record in records if not record.has_run_out(now)), None),
        )

    def list_products(self) -> list[Product]:
        """The whole catalogue, by id."""
        scan: dict[str, Any] = {"TableName": self._products}
        products: list[Product] = []
        while True:
            with reading_faults():
                page = self._client.scan(**scan)
            products += [_to_product(from_wire(item)) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return sorted(products, key=lambda product: product.product_id)
            scan["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def check_products(self) -> None:
        """Reads a product that does not exist, to see whether the table answers."""
        with reading_faults():
            self._client.get_item(TableName=self._products, Key=to_wire({"product_id": "health"}))


def _to_product(item: Item) -> Product:
    return Product(item["product_id"], item["name"], Money(item["unit_price"], item["currency"]))
