"""Each function's calls against its policy in template.yaml (FR-033)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from checkout import wiring
from checkout.jobs import JobFailed
from checkout.order_reader import OrderChanged
from checkout.order_table import OrderTable
from checkout.reconciliation_service import Difference, Kind, ReconciliationService, Report
from checkout.simulated_gateway import Call, Fault
from local.permissions import Permission
from tests.integration.conftest import FUNCTIONS, REFUSED, Answer, Checkout, set_environment
from tests.integration.test_pay import failing, is_claim
from tests.integration.test_settlement import charge_behind_our_back
from tests.stripe_stub import KEY, make_event, open_stripe_stub, sign
from tests.stripe_stub import Fault as StripeFault

pytestmark = pytest.mark.proves("FR-033", "FR-308")

SECRET = "whsec_1"

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
    declined = checkout.create_order()
    checkout.pay(declined, "tok_chargeDeclined")
    checkout.cancel(declined)
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
        payment_ids = [payment["payment_id"] for payment in checkout.payment_items(order)]
        if function == "receive_stripe_event":
            for payment_id in payment_ids:
                tell(checkout, payment_id)
            return
        # Whatever makes it differ; the comparison itself is in `used`.
        differing = [Difference(Kind.STATE, payment_id, None, "", "") for payment_id in payment_ids]
        compared = patch.object(ReconciliationService, "compare_last", lambda *_: Report(0, 0, differing))
        with compared, suppress(JobFailed):
            checkout.run(function)

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
    with outrun_once("keep_hold"):
        settle(settle_new())
    refunded = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    checkout.refund(refunded)
    settle(refunded)
    wrong = claim_alone()
    charge_behind_our_back(checkout, checkout.payment_items(wrong)[0]["payment_id"], 99)
    settle(wrong)
    trip_circuit(checkout, lambda: settle(claim_alone()), Call.PREVENT_CHARGE)


def tell(checkout: Checkout, payment_id: str) -> Answer:
    """Something happened to a payment."""
    payload = make_event(checkout.new_key(), "payment_intent.succeeded", {"metadata": {"payment_id": payment_id}})
    event = {
        "headers": {"stripe-signature": sign(payload, SECRET)},
        "requestContext": {"requestId": "request"},
        "body": payload.decode(),
    }
    # Where the gateway is the simulated one, there are none to be read.
    with nullcontext() if wiring._has_stripe() else patch.object(wiring, "stripe_webhook_secrets", lambda: [SECRET]):
        return checkout.invoke("receive_stripe_event", event)


def forget_gateway() -> None:
    services = (wiring.charging_service, wiring.refund_service, wiring.settlement_service)
    for built in (wiring.circuit_states, wiring.gateway, *services):
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
    with outrun_once("keep_hold"):
        checkout.pay(checkout.create_order())
    checkout.break_gateway(Call.CHARGE, Fault.REQUEST_LOST)
    checkout.pay(checkout.create_order())
    order = checkout.buy()
    with outrun_once("finish_refund"):
        checkout.refund(order, 1)
    # A payment that could not read the circuit's state with the order.
    forget_gateway()
    with failing(checkout, lambda _, parameters: "CircuitTable" in parameters.get("RequestItems", {})):
        checkout.pay(checkout.create_order())
    trip_circuit(checkout, lambda: checkout.refund(order, 1), Call.REFUND)
    trip_circuit(checkout, lambda: checkout.pay(checkout.create_order()), Call.CHARGE)
    for function in ("settle_payments", "receive_stripe_event", "reconcile_payments"):
        recover(checkout, function)
    checkout.wait(timedelta(hours=1))
    checkout.run("reconcile_payments")
    charge_by_stripe(checkout)
    return checkout.used


def charge_by_stripe(checkout: Checkout) -> None:
    """With Stripe, what calls the gateway reads its key, each in a process of its own; the webhook its secrets, too."""
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/checkout/stripe/key", Value=KEY, Type="SecureString")
    ssm.put_parameter(Name="/checkout/stripe/webhook-secrets", Value=SECRET, Type="SecureString")

    def begin() -> None:
        wiring.secret_parameters()._provider.store.clear()

    with open_stripe_stub() as stub, set_environment(PaymentGateway="stripe", StripeAddress=stub.address):
        forget_gateway()
        order = checkout.create_order()
        begin()
        paid = checkout.pay(order, "pm_card_visa")
        assert paid.status == 201
        assert checkout.mark_paid(order, paid.body["transaction_id"]).status == 200
        begin()
        assert checkout.refund(order, 1).status == 201
        for function in ("settle_payments", "receive_stripe_event"):
            left = checkout.create_order()
            with failing(checkout, is_claim, after=True):
                checkout.pay(left, "pm_card_visa")
            checkout.wait(timedelta(minutes=2))
            begin()
            if function == "settle_payments":
                checkout.run(function)
            else:
                [payment] = checkout.payment_items(left)
                stub.load_fault("POST /v1/payment_intents", StripeFault.ERROR_BEFORE, 9)
                assert tell(checkout, payment["payment_id"]).status == 503
                stub.forget_faults()
                assert tell(checkout, paid.body["transaction_id"]).status == 200
        begin()
        checkout.run("reconcile_payments")
    forget_gateway()


# Powertools reads the record of an event by itself only where the failed write did not bring it along.
NOT_SEEN = {"receive_stripe_event": {("dynamodb:GetItem", "IdempotencyTable.Arn")}}

# Whose roles would do for a function: they look at the same, and do more.
SETTLES = {"receive_stripe_event", "reconcile_payments", "settle_payments"}
WOULD_DO = {
    "cancel_order": {"pay"},
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


@dataclass(frozen=True)
class Shop:
    """Orders to act on: one that is new, one whose charge is not linked yet, one that is paid."""

    checkout: Checkout
    new: dict[str, Any]
    charged: dict[str, Any]
    transaction_id: str
    paid: dict[str, Any]

    def read(self, function: str) -> Answer:
        path = {"order_id": self.paid["id"], "transaction_id": self.transaction_id}
        return self.checkout.call(function, path=path)


# A call of each function, and another whose role is near to what it needs.
NOT_DONE_BY: dict[str, tuple[str, Callable[[Shop], Answer | dict[str, Any]]]] = {
    "cancel_order": ("fulfil_order", lambda shop: shop.checkout.cancel(shop.new)),
    "create_order": (
        "pay",
        lambda shop: shop.checkout.call("create_order", {"items": [{"product_id": "mug", "quantity": 1}]}, key="key"),
    ),
    "fulfil_order": ("cancel_order", lambda shop: shop.checkout.fulfil(shop.paid)),
    "get_order": ("list_orders", lambda shop: shop.read("get_order")),
    "get_order_audit": ("get_order", lambda shop: shop.read("get_order_audit")),
    "get_payment": ("pay", lambda shop: shop.read("get_payment")),
    "health": ("settle_payments", lambda shop: shop.checkout.call("health")),
    "list_orders": ("get_order", lambda shop: shop.checkout.call("list_orders", query={"limit": "1"})),
    "list_products": ("create_order", lambda shop: shop.checkout.call("list_products")),
    "mark_order_paid": ("refund_order", lambda shop: shop.checkout.mark_paid(shop.charged, shop.transaction_id)),
    "pay": ("settle_payments", lambda shop: shop.checkout.pay(shop.new, key="key")),
    "receive_stripe_event": ("settle_payments", lambda shop: tell(shop.checkout, shop.transaction_id)),
    "reconcile_payments": ("settle_payments", lambda shop: shop.checkout.run("reconcile_payments")),
    "refund_order": ("fulfil_order", lambda shop: shop.checkout.refund(shop.paid, key="key")),
    "settle_payments": ("reconcile_payments", lambda shop: shop.checkout.run("settle_payments")),
}
REFUSALS = {
    "health": "503 unhealthy",
    "receive_stripe_event": "503 store_unavailable",  # the event comes again
    "settle_payments": "ClientError",
    "reconcile_payments": "OutcomeUnknown",  # the charges of the simulated gateway are in a table of ours
}
"""How it is told that a call was refused, where it is not as a fault of an endpoint is."""


def try_asking(name: str, shop: Shop) -> str:
    """Status and code of the answer, or the fault that ended the run; empty where all is well."""
    try:
        answer = NOT_DONE_BY[name][1](shop)
    except JobFailed as failed:
        return str(failed)
    return "" if not isinstance(answer, Answer) or answer.status in {200, 201} else f"{answer.status} {answer.code}"


def test_each_function_is_tried_with_another_s_role() -> None:
    assert NOT_DONE_BY.keys() == {name for name, function in FUNCTIONS.items() if function.permissions}


@pytest.mark.parametrize("name", NOT_DONE_BY)
def test_a_function_with_another_s_role_fails(checkout: Checkout, name: str) -> None:
    role, _ = NOT_DONE_BY[name]
    charged = checkout.create_order()
    transaction_id = checkout.pay(charged).body["transaction_id"]
    shop = Shop(checkout, checkout.create_order(), charged, transaction_id, checkout.buy())
    before = checkout.read_tables()

    with patch.object(checkout, "acting_as", partial(checkout.acting_as, role=role)):
        assert try_asking(name, shop) == REFUSALS.get(name, "500 internal_error")

    lacking = {(name, permission) for permission in FUNCTIONS[name].permissions - FUNCTIONS[role].permissions}
    assert set() < REFUSED <= lacking
    REFUSED.clear()
    assert checkout.read_tables() == before

    assert try_asking(name, shop) == "", "its own role will do"
