"""Builds the services from the environment that template.yaml declares, once for each process."""

import os
from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from checkout.clock import read_utc_clock
from checkout.dynamodb import Transaction
from checkout.order_table import OrderTable
from checkout.product_table import ProductTable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from checkout.cursor import CursorSigner
    from checkout.order_service import OrderService
    from checkout.payment_service import PaymentService

# What only some functions need is imported where it is built: each function pays for its own imports at cold start.


@cache
def dynamodb_client() -> "DynamoDBClient":
    """Within a function's time: a call that hangs is given up after 2 s and tried once more."""
    config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    endpoint = os.environ.get("DYNAMODB_ENDPOINT") or None
    return boto3.Session().client("dynamodb", config=config, endpoint_url=endpoint)


@cache
def order_table() -> OrderTable:
    return OrderTable(
        dynamodb_client(),
        Transaction(dynamodb_client(), jitter=SystemRandom().random),
        orders=os.environ["ORDERS_TABLE"],
        payments=os.environ["PAYMENTS_TABLE"],
        audit=os.environ["AUDIT_TABLE"],
    )


@cache
def product_table() -> ProductTable:
    return ProductTable(dynamodb_client(), products=os.environ["PRODUCTS_TABLE"], jitter=SystemRandom().random)


@cache
def order_service() -> "OrderService":
    from checkout.order_service import OrderService

    return OrderService(
        order_table(),
        product_table(),
        clock=read_utc_clock,
        randomness=os.urandom,
        maximum_total=int(os.environ["MAX_ORDER_AMOUNT"]),
    )


@cache
def payment_service() -> "PaymentService":
    from checkout.payment_service import PaymentService
    from checkout.simulated_gateway import SimulatedGateway

    gateway = SimulatedGateway(dynamodb_client(), table=os.environ["SIMULATED_GATEWAY_TABLE"], clock=read_utc_clock)
    return PaymentService(order_table(), gateway, clock=read_utc_clock, max_declines=int(os.environ["MAX_DECLINES"]))


@cache
def cursor_signer() -> "CursorSigner":
    from checkout.cursor import CursorSigner

    return CursorSigner(os.environ["CURSOR_SECRET"], clock=read_utc_clock)


@cache
def idempotency_persistence(operation: str) -> "DynamoDBPersistenceLayer":
    """One for each operation: it remembers the operation that it is used for."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    del operation
    return DynamoDBPersistenceLayer(
        table_name=os.environ["IDEMPOTENCY_TABLE"], boto3_client=dynamodb_client(), key_attr="id"
    )
