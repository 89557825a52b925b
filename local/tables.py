"""Makes the tables of template.yaml in a DynamoDB of one's own, and loads the products into it."""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.utils import is_valid_uri

from local.commands import CannotWork
from local.template import REGION, ROOT, read_template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["PRODUCTS", "connect", "create_tables", "load_products", "read_endpoint"]

PRODUCTS = ROOT / "local" / "products.json"
# What a table is, as against how AWS keeps it: emulators take only the first.
SHAPE = ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def read_endpoint(text: str) -> str:
    """The address of a DynamoDB, as botocore takes it; raises ArgumentTypeError."""
    try:
        url = urlsplit(text)
        known = url.scheme in {"http", "https"} and url.port != 0 and is_valid_uri(text)
    except ValueError:
        known = False
    if not known:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address of a DynamoDB; one is DYNAMODB_ENDPOINT=http://127.0.0.1:8000"
        )
    return text


def connect(endpoint: str) -> "DynamoDBClient":
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106  a DynamoDB of one's own takes any
        config=Config(proxies={}),
    )


def create_tables(database: "DynamoDBClient") -> None:
    """Makes the tables of the template that are not there yet."""
    existing = {name for page in database.get_paginator("list_tables").paginate() for name in page["TableNames"]}
    for name, properties in read_template().tables.items():
        if name not in existing:
            database.create_table(TableName=name, **{key: properties[key] for key in SHAPE if key in properties})


def load_products(
    database: "DynamoDBClient",
    path: Path = PRODUCTS,
    table: str = "ProductsTable",
    watch: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> int:
    """Puts each product of a JSON file, a list of {product_id, name, unit_price, currency}; returns how many.

    `watch` sees them go by. Raises CannotWork, and has put none, where that is not what the file holds.
    """
    items = read_products(path)
    for item in watch(items):
        database.put_item(TableName=table, Item=item)
    return len(items)


def read_products(path: Path) -> list[Any]:
    try:
        return [
            {
                "product_id": {"S": product["product_id"]},
                "name": {"S": product["name"]},
                "unit_price": {"N": str(int(product["unit_price"]))},
                "currency": {"S": product["currency"].lower()},
            }
            for product in json.loads(path.read_text(encoding="utf-8"))
        ]
    except OSError as error:
        raise CannotWork(f"{path} cannot be read ({error.strerror}). FILE=… names a file of products.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise CannotWork(f"{path} is no list of products ({what}). {PRODUCTS.relative_to(ROOT)} is one.") from None
