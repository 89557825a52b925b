"""Each function's calls against its policy in template.yaml (FR-033)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError

from checkout import wiring
from checkout.audit import Actor
from checkout.caller import Author, Caller
from checkout.gateway import OutcomeUnknown, RequestNotTaken
from checkout.key_records import RequestKey
from checkout.money import Money
from checkout.order_table import OrderChanged, OrderTable
from checkout.settlement_service import SettlementService
from checkout.simulated_gateway import Call, Fault
from functions.receive_stripe_event import app
from local.permissions import Permission
from tests.integration.conftest import FUNCTIONS, REFUSED, Checkout, set_environment
from tests.integration.test_pay import failing, is_claim
from tests.integration.test_settlement import charge_behind_our_back
from tests.stripe_stub import make_event, sign

pytestmark = pytest.mark.proves("FR-033", "FR-308")

Used = dict[str, set[Permission]]
"""What each function did."""


@contextmanager
def outrun_once(method: str) -> Iterator[None]:
    """Another request writes first, so that what was read is read again."""
    real = getattr(OrderTable, method)
    outrun: list[bool] = []

    def write(*arguments: Any, **keywords: Any) -> Any:
        if not outrun:
            outrun.append(True)
            raise OrderChanged
        return real(*arguments, **keywords)

    with patch.object(OrderTable, method, write):
        yield


def journey(checkout: Checkout) -> None:
    """Through all functions, refusals and retries included."""
    order = checkout.create_order()
    checkout.create_order()
    checkout.call("create_order", {"items": [{"product_id": "ufo", "quantity": 1}]}, key="refused")
    for _ in range(2):
        checkout.call("create_order", {"items": [{"product_id": "mug", "quantity": 1}]}, key="key")
    checkout.pay(order, "tok_chargeDeclined", key="declined")
    checkout.pay(order, "tok_chargeDeclined", key="declined")
    checkout.pay(order, "tok_timeoutBeforeCharge", key="key")
    payment = checkout.pay(order, "tok_timeoutBeforeCharge", key="key")
    checkout.pay(order)
    checkout.mark_paid(order, payment.body["transaction_id"])
    checkout.cancel(checkout.create_order())
    checkout.get_order(order)
    checkout.list_orders(limit="1")
    checkout.list_orders(status="paid")
    checkout.call("get_order_audit", path={"order_id": order["id"]})
    checkout.call("get_payment", path={"transaction_id": payment.body["transaction_id"]})
    staff: dict[str, Any] = {"customer": "sam", "scope": "orders:manage"}
    for function in ("get_order", "get_order_audit"):
        checkout.call(function, path={"order_id": order["id"]}, **staff)
    checkout.fulfil(order)
    checkout.refund(order, 100, key="refund")
    checkout.refund(order, 100, key="refund")
    checkout.call("list_products")
    checkout.call("health")


def recover(checkout: Checkout, function: str) -> None:
    """All that can be left to be done, done by one function."""

    def settle(order: dict[str, Any]) -> None:
        checkout.wait(timedelta(minutes=2))
        if function == "settle_payments":
            checkout.run(function)
            return
        payments = checkout.payment_items(order)
        with checkout.acting_as(function):
            for payment in payments:
                author = Author(Actor.SYSTEM, "request", lambda: 60)
                with suppress(OutcomeUnknown, RequestNotTaken):
                    wiring.settlement_service().settle_payment(author, payment["payment_id"])

    def settle_new(token: str = "tok_timeoutAfterCharge") -> dict[str, Any]:
        order = checkout.create_order()
        checkout.pay(order, token)
        return order

    def claim_alone() -> dict[str, Any]:
        order = checkout.create_order()
        with failing(checkout, is_claim, after=True):
            checkout.pay(order)
        return order

    fresh = settle_new()
    # In a process of its own, which has not read the circuit's state.
    forget_gateway()
    settle(fresh)
    settle(settle_new("tok_timeoutBeforeCharge"))
    checkout.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
    settle(settle_new("tok_chargeDeclined"))
    with outrun_once("finish_payment"):
        settle(settle_new())
    refunded = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    checkout.refund(refunded)
    settle(refunded)
    wrong = claim_alone()
    charge_behind_our_back(checkout, checkout.payment_items(wrong)[0]["payment_id"], 99)
    settle(wrong)
    trip_circuit(checkout, lambda: settle(claim_alone()), Call.PREVENT_CHARGE)


def forget_gateway() -> None:
    for built in (wiring.gateway, wiring.charging_service, wiring.refund_service, wiring.settlement_service):
        built.cache_clear()


def trip_circuit(checkout: Checkout, act: Callable[[], object], call: Call) -> None:
    """The gateway fails so often that it is left alone; after a while it is tried again."""
    forget_gateway()
    with set_environment(CircuitFailures="1"):
        wiring.gateway()
    checkout.break_gateway(call, Fault.REQUEST_LOST)
    act()
    circuit = {"id": {"S": "payment_gateway"}}
    checkout.database.update_item(
        TableName="CircuitTable",
        Key=circuit,
        UpdateExpression="SET opened_at = opened_at - :while",
        ExpressionAttributeValues={":while": {"N": "60"}},
    )
    forget_gateway()
    act()
    checkout.database.delete_item(TableName="CircuitTable", Key=circuit)
    forget_gateway()


@pytest.fixture
def used(checkout: Checkout) -> Used:
    journey(checkout)
    with outrun_once("finish_payment"):
        checkout.pay(checkout.create_order())
    checkout.break_gateway(Call.CHARGE, Fault.REQUEST_LOST)
    checkout.pay(checkout.create_order())
    order = checkout.buy()
    with outrun_once("finish_refund"):
        checkout.refund(order, 1)
    trip_circuit(checkout, lambda: checkout.refund(order, 1), Call.REFUND)
    trip_circuit(checkout, lambda: checkout.pay(checkout.create_order()), Call.CHARGE)
    for function in ("settle_payments", "receive_stripe_event", "reconcile_payments"):
        recover(checkout, function)
    checkout.wait(timedelta(hours=1))
    checkout.run("reconcile_payments")
    receive_event(checkout)
    read_key(checkout)
    return checkout.used


def receive_event(checkout: Checkout) -> None:
    """The rest of what the webhook does: its secrets, and the records of events."""
    boto3.client("ssm").put_parameter(Name="/checkout/stripe/webhook-secrets", Value="whsec_1", Type="SecureString")
    payload = make_event(1, "customer.created", {"id": "cus_1"})
    event = {
        "headers": {"stripe-signature": sign(payload, "whsec_1")},
        "requestContext": {"requestId": "request"},
        "body": payload.decode(),
    }
    with set_environment(PaymentGateway="stripe"):
        assert checkout.invoke("receive_stripe_event", event).status == 200
        with patch.object(app, "run_once", side_effect=OutcomeUnknown):
            checkout.invoke("receive_stripe_event", event)
        payload = make_event(2, "x", {"metadata": {"payment_id": "pay_01KG9YS7G00000000000000000_001"}})
        event |= {"body": payload.decode(), "headers": {"stripe-signature": sign(payload, "whsec_1")}}
        with patch.object(SettlementService, "settle_payment", side_effect=OutcomeUnknown):
            checkout.invoke("receive_stripe_event", event)


def read_key(checkout: Checkout) -> None:
    """With Stripe, what calls the gateway reads its key."""
    boto3.client("ssm").put_parameter(Name="/checkout/stripe/key", Value="sk_1", Type="SecureString")
    for function in ("pay", "refund_order", "settle_payments", "reconcile_payments", "receive_stripe_event"):
        wiring.secret_parameters()._provider.store.clear()
        with checkout.acting_as(function):
            wiring._read_stripe_key()


# Powertools reads the record of an event by itself only where the failed write did not bring it along.
NOT_SEEN = {"receive_stripe_event": {("dynamodb:GetItem", "IdempotencyTable.Arn")}}

# Whose roles would do for a function: they look at the same, and do more.
SETTLES = {"receive_stripe_event", "reconcile_payments", "settle_payments"}
WOULD_DO = {
    "cancel_order": {"fulfil_order", "pay", "refund_order", *SETTLES},
    "fulfil_order": {"refund_order"},
    "get_order": {"fulfil_order", "get_order_audit", "refund_order"},
    "mark_order_paid": {"pay"},
}


def test_functions_may_do_what_they_do_and_no_more(used: Used) -> None:
    """That they do no more is checked in every test: see `nothing_refused`."""
    for name, function in FUNCTIONS.items():
        assert used[name] <= function.permissions, f"{name} is not allowed to"
        assert function.permissions - used[name] - NOT_SEEN.get(name, set()) == set(), f"{name} need not"


def test_no_role_would_do_for_another_function(used: Used) -> None:
    names = {name for name, function in FUNCTIONS.items() if function.permissions}
    assert set(FUNCTIONS) - names == {"authorize", "get_web_file"}
    for name in names:
        would_do = {other for other in names - {name} if used[name] <= FUNCTIONS[other].permissions}
        assert would_do == WOULD_DO.get(name, set()), name


def test_a_function_with_another_s_role_fails(checkout: Checkout) -> None:
    order = checkout.create_order()
    with checkout.acting_as("pay", role="get_payment"), pytest.raises(ClientError, match="AccessDenied"):
        wiring.charging_service().pay(
            Caller(Actor.CUSTOMER, "request", lambda: 20, "alice", frozenset()),
            order_id=order["id"],
            token="tok_visa",
            money=Money(order["total_amount"], "usd"),
            key=RequestKey("pay#key", "payload", str),
        )
    assert ("pay", ("dynamodb:BatchGetItem", "OrdersTable.Arn")) in REFUSED
    REFUSED.clear()
