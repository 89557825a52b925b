"""Builds the services from the environment that template.yaml declares, once for each process."""

import os
from datetime import timedelta
from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING

import boto3

from checkout.call_limit import CLIENT_CONFIG, limit_calls
from checkout.clock import read_utc_clock
from checkout.dynamodb import BatchRead, ReadItems, Transaction
from checkout.order_reader import TableNames
from checkout.order_table import OrderTable
from checkout.product_table import ProductTable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from checkout.charging_service import ChargingService
    from checkout.cursor import CursorSigner
    from checkout.gateway import Gateway
    from checkout.gateway_circuit import CircuitStates
    from checkout.order_service import OrderService
    from checkout.payment_recorder import PaymentRecorder
    from checkout.payment_service import PaymentService
    from checkout.reconciliation_service import ReconciliationService
    from checkout.refund_recorder import RefundRecorder
    from checkout.refund_service import RefundService
    from checkout.secret_parameters import SecretParameters
    from checkout.settlement_service import SettlementService

# What only some functions need is imported where it is built: each function pays for its own imports at cold start.


@cache
def dynamodb_client() -> "DynamoDBClient":
    client = boto3.Session().client(
        "dynamodb", config=CLIENT_CONFIG, endpoint_url=os.environ.get("DYNAMODB_ENDPOINT") or None
    )
    limit_calls(client)
    return client


@cache
def transaction() -> Transaction:
    return Transaction(dynamodb_client(), jitter=SystemRandom().random)


@cache
def read_batch() -> BatchRead:
    return BatchRead(dynamodb_client(), jitter=SystemRandom().random)


@cache
def order_table() -> OrderTable:
    return _make_order_table(read_batch())


def _make_order_table(read: ReadItems) -> OrderTable:
    names = TableNames(
        orders=os.environ["ORDERS_TABLE"],
        payments=os.environ["PAYMENTS_TABLE"],
        refunds=os.environ["REFUNDS_TABLE"],
        audit=os.environ["AUDIT_TABLE"],
        declines=os.environ["DECLINES_TABLE"],
        keys=os.environ["IDEMPOTENCY_TABLE"],
    )
    return OrderTable(dynamodb_client(), transaction(), read, names=names)


@cache
def product_table() -> ProductTable:
    return ProductTable(
        dynamodb_client(), read_batch(), products=os.environ["PRODUCTS_TABLE"], keys=os.environ["IDEMPOTENCY_TABLE"]
    )


@cache
def order_service() -> "OrderService":
    from checkout.catalogue import Catalogue
    from checkout.order_service import OrderService

    return OrderService(
        order_table(),
        product_table(),
        Catalogue(clock=read_utc_clock, kept=int(os.environ["CATALOGUE_SECONDS"])),
        clock=read_utc_clock,
        randomness=os.urandom,
        maximum_total=int(os.environ["MAX_ORDER_AMOUNT"]),
    )


@cache
def gateway() -> "Gateway":
    """The gateway that the template's parameter chose, behind its circuit (FR-219, FR-226)."""
    from checkout.gateway_circuit import CircuitGateway

    failures = int(os.environ["CIRCUIT_FAILURES"])
    return CircuitGateway(_chosen_gateway(), circuit_states(), failures=failures, clock=read_utc_clock)


@cache
def circuit_states() -> "CircuitStates":
    from checkout.gateway_circuit import CircuitStates

    return CircuitStates(table_name=os.environ["CIRCUIT_TABLE"], boto3_client=dynamodb_client())


def _chosen_gateway() -> "Gateway":
    if _has_stripe():
        from checkout.stripe_gateway import StripeGateway

        return StripeGateway(_read_stripe_key, clock=read_utc_clock, base_address=os.environ.get("STRIPE_ADDRESS", ""))
    from checkout.simulated_gateway import SimulatedGateway

    return SimulatedGateway(dynamodb_client(), table=os.environ["SIMULATED_GATEWAY_TABLE"], clock=read_utc_clock)


def _has_stripe() -> bool:
    return os.environ["PAYMENT_GATEWAY"] == "stripe"


def _read_stripe_key() -> str:
    """Raises RequestNotTaken: without a key nothing is asked of Stripe."""
    from checkout.gateway import RequestNotTaken
    from checkout.secret_parameters import SecretsUnavailable

    try:
        return secret_parameters().read(os.environ["STRIPE_KEY_PARAMETER"])[0]
    except SecretsUnavailable as error:
        raise RequestNotTaken from error


@cache
def secret_parameters() -> "SecretParameters":
    from checkout.secret_parameters import SecretParameters

    client = boto3.Session().client("ssm", config=CLIENT_CONFIG, endpoint_url=os.environ.get("SSM_ENDPOINT") or None)
    limit_calls(client)
    return SecretParameters(client)


def stripe_webhook_secrets() -> list[str]:
    """One or two, so that a secret can be replaced (FR-224); none where Stripe is not the gateway.

    Raises StoreUnavailable where they cannot be read.
    """
    from checkout.errors import StoreUnavailable
    from checkout.secret_parameters import SecretsUnavailable

    try:
        return secret_parameters().read(os.environ["STRIPE_WEBHOOK_SECRETS_PARAMETER"]) if _has_stripe() else []
    except SecretsUnavailable as error:
        raise StoreUnavailable from error


@cache
def payment_recorder() -> "PaymentRecorder":
    from checkout.payment_recorder import PaymentRecorder

    return PaymentRecorder(order_table(), clock=read_utc_clock)


@cache
def payment_service() -> "PaymentService":
    from checkout.payment_service import PaymentService

    return PaymentService(order_table(), payment_recorder())


@cache
def charging_service() -> "ChargingService":
    from checkout.charging_service import ChargingService
    from checkout.orders import Limits

    limits = Limits(
        payments=int(os.environ["MAX_PAYMENTS"]),
        declines=int(os.environ["MAX_DECLINES"]),
        hourly_declines=int(os.environ["MAX_HOURLY_DECLINES"]),
    )
    return ChargingService(
        _make_order_table(circuit_states().read_along(read_batch())),
        gateway(),
        payment_recorder(),
        clock=read_utc_clock,
        limits=limits,
        settle_after=_settle_after(),
    )


@cache
def refund_recorder() -> "RefundRecorder":
    from checkout.refund_recorder import RefundRecorder

    return RefundRecorder(order_table(), clock=read_utc_clock, settle_after=_settle_after())


@cache
def refund_service() -> "RefundService":
    from checkout.refund_service import RefundService

    return RefundService(order_table(), gateway(), refund_recorder(), clock=read_utc_clock)


@cache
def settlement_service() -> "SettlementService":
    from checkout.settlement_service import SettlementService

    return SettlementService(
        order_table(),
        gateway(),
        payment_recorder(),
        refund_recorder(),
        clock=read_utc_clock,
        jitter=SystemRandom().random,
        settle_after=_settle_after(),
    )


@cache
def reconciliation_service() -> "ReconciliationService":
    from checkout.reconciliation_service import ReconciliationService

    return ReconciliationService(order_table(), gateway(), clock=read_utc_clock, in_flight=2 * _settle_after())


def _settle_after() -> timedelta:
    return timedelta(seconds=int(os.environ["SETTLE_AFTER_SECONDS"]))


@cache
def cursor_signer() -> "CursorSigner":
    from checkout.cursor import CursorSigner

    return CursorSigner(os.environ["CURSOR_SECRET"], clock=read_utc_clock)


@cache
def idempotency_persistence() -> "DynamoDBPersistenceLayer":
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return DynamoDBPersistenceLayer(
        table_name=os.environ["IDEMPOTENCY_TABLE"], boto3_client=dynamodb_client(), key_attr="id"
    )


# While a function starts it has a whole processor; while it answers, less than a third of one at 512 MB.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    dynamodb_client()
