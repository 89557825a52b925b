"""The catalogue's table: key product_id; name, unit_price in minor units, currency.

Access
    the products of an order    BatchGetItem, at most 100 keys
    all products                Scan: every item is wanted, so nothing is read in vain
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from checkout.clock import Deadline
from checkout.dynamodb import Item, ReadItems, from_wire, reading_faults, to_wire
from checkout.money import Money
from checkout.products import Product

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["ProductTable"]


class ProductTable:
    """Every method raises StoreUnavailable where DynamoDB does not serve it."""

    def __init__(self, client: "DynamoDBClient", read_batch: ReadItems, *, products: str) -> None:
        self._client = client
        self._read_batch = read_batch
        self._products = products

    def get_products(self, product_ids: Iterable[str], deadline: Deadline) -> dict[str, Product]:
        """The products of these ids that exist, by id; at most 100 ids."""
        keys = [{"product_id": product_id} for product_id in sorted(set(product_ids))]
        items = self._read_batch({self._products: keys}, deadline)[self._products]
        return {item["product_id"]: _to_product(item) for item in items}

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
