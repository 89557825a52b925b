"""The catalogue's table: key product_id; name, unit_price in minor units, currency.

Access
    the products of an order    BatchGetItem, at most 100 keys
    all products                Scan: every item is wanted, so nothing is read in vain
"""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from checkout.clock import Deadline
from checkout.dynamodb import Item, from_wire, reading_faults, to_wire
from checkout.errors import StoreUnavailable
from checkout.money import Money
from checkout.products import Product

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["ProductTable"]

MAX_TRIES = 5
FIRST_PAUSE = 0.05


class ProductTable:
    """Every method raises StoreUnavailable where DynamoDB does not serve it."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        products: str,
        jitter: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._products = products
        self._jitter = jitter
        self._sleep = sleep

    def get_products(self, product_ids: Iterable[str], deadline: Deadline) -> dict[str, Product]:
        """The products of these ids that exist, by id; at most 100 ids."""
        keys = [to_wire({"product_id": product_id}) for product_id in sorted(set(product_ids))]
        wanted: dict[str, Any] = {self._products: {"Keys": keys, "ConsistentRead": True}}
        found: dict[str, Product] = {}
        for tries in range(1, MAX_TRIES + 1):
            with reading_faults():
                answer = self._client.batch_get_item(RequestItems=wanted)
            found |= {item["product_id"]["S"]: _to_product(item) for item in answer["Responses"][self._products]}
            wanted = answer.get("UnprocessedKeys", {})
            if not wanted:
                return found
            pause = self._jitter() * FIRST_PAUSE * 2**tries
            if pause >= deadline():
                break
            self._sleep(pause)
        raise StoreUnavailable

    def list_products(self) -> list[Product]:
        """The whole catalogue, by id."""
        scan: dict[str, Any] = {"TableName": self._products}
        products: list[Product] = []
        while True:
            with reading_faults():
                page = self._client.scan(**scan)
            products += map(_to_product, page["Items"])
            if "LastEvaluatedKey" not in page:
                return sorted(products, key=lambda product: product.product_id)
            scan["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def check_products(self) -> None:
        """Reads a product that does not exist, to see whether the table answers."""
        with reading_faults():
            self._client.get_item(TableName=self._products, Key=to_wire({"product_id": "health"}))


def _to_product(item: Item) -> Product:
    product = from_wire(item)
    return Product(product["product_id"], product["name"], Money(product["unit_price"], product["currency"]))
