"""Loads products into the table of a stack, or of a DynamoDB of one's own.

    python -m tools.load_products --stack checkout --file products.json

The file holds a list of objects with product_id, name, unit_price in minor units, and currency; a product that is
there already is replaced.
"""

import argparse
from functools import partial
from pathlib import Path

import boto3

from local.commands import run_command
from local.progress import show_bar
from local.tables import PRODUCTS, connect, load_products, read_endpoint
from tools.stack import read_outputs


def main() -> None:
    parser = argparse.ArgumentParser(description="Load products.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", help="the CloudFormation stack whose table is loaded")
    where.add_argument("--endpoint", type=read_endpoint, help="a DynamoDB of your own, such as the local runtime's")
    parser.add_argument("--file", type=Path, default=PRODUCTS, help="a JSON file of products")
    arguments = parser.parse_args()
    watch = partial(show_bar, desc="products", unit="")
    if arguments.endpoint:
        count = load_products(connect(arguments.endpoint), arguments.file, watch=watch)
    else:
        [table] = read_outputs(arguments.stack, ["ProductsTableName"])
        count = load_products(boto3.client("dynamodb"), arguments.file, table, watch)
    print(f"{count} products loaded")


if __name__ == "__main__":
    run_command("load-products", main)
