"""Makes the tables of template.yaml in a DynamoDB of one's own, and loads the products into it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from local.template import REGION, ROOT, read_template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["PRODUCTS", "connect", "create_tables", "load_products"]

PRODUCTS = ROOT / "local" / "products.json"
# What a table is, as against how AWS keeps it: emulators take only the first.
SHAPE = ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def connect(endpoint: str) -> "DynamoDBClient":
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106  a DynamoDB of one's own takes any
    )


def create_tables(endpoint: str, tables: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Makes the tables that are not there yet."""
    client = connect(endpoint)
    existing = {name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]}
    for name, properties in (tables or read_template().tables).items():
        if name not in existing:
            client.create_table(TableName=name, **{key: properties[key] for key in SHAPE if key in properties})


def load_products(endpoint: str, path: Path = PRODUCTS, table: str = "ProductsTable") -> int:
    """Puts each product of a JSON file; returns how many there are."""
    return put_products(connect(endpoint), json.loads(path.read_text(encoding="utf-8")), table)


def put_products(client: "DynamoDBClient", products: Iterable[Mapping[str, Any]], table: str) -> int:
    """Products have product_id, name, unit_price in minor units, and currency."""
    count = 0
    for product in products:
        client.put_item(
            TableName=table,
            Item={
                "product_id": {"S": product["product_id"]},
                "name": {"S": product["name"]},
                "unit_price": {"N": str(int(product["unit_price"]))},
                "currency": {"S": product["currency"].lower()},
            },
        )
        count += 1
    return count
