"""Each function's calls against its policy in template.yaml (FR-033)."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from checkout import wiring
from checkout.audit import Actor
from checkout.caller import Author
from checkout.gateway import OutcomeUnknown, RequestNotTaken
from checkout.order_table import OrderChanged, OrderTable
from checkout.settlement_service import SettlementService
from checkout.simulated_gateway import Call, Fault
from functions.receive_stripe_event import app
from functions.receive_stripe_event.app import receive_stripe_event
from local.template import read_document
from tests.integration.conftest import Answer, Checkout, Context, set_environment
from tests.integration.test_pay import failing, is_claim
from tests.integration.test_settlement import charge_behind_our_back
from tests.stripe_stub import make_event, sign

pytestmark = pytest.mark.proves("FR-033")

Permissions = dict[str, set[tuple[str, str]]]
"""IAM actions with the resource, by function."""


class RecordingCheckout(Checkout):
    """Remembers what each function did to which table, or which parameter it read."""

    def __init__(self, checkout: Checkout) -> None:
        super().__init__(checkout.database)
        self.used: Permissions = defaultdict(set)
        self._checkout = checkout
        self._function = ""
        self.listen()

    def listen(self) -> None:
        """To the clients that functions have from here on."""
        wiring.dynamodb_client().meta.events.register("provide-client-params.dynamodb", self._record)
        parameters = wiring.secret_parameters()._provider.client
        parameters.meta.events.register("provide-client-params.ssm", self._record_parameter)

    def wait(self, time: timedelta) -> None:
        self._checkout.wait(time)

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Answer:
        with self.acting(function):
            return super().call(function, *arguments, **keywords)

    def run(self, function: str, **keywords: Any) -> dict[str, Any]:
        with self.acting(function):
            return super().run(function, **keywords)

    @contextmanager
    def acting(self, function: str) -> Iterator[None]:
        self._function = function
        try:
            yield
        finally:
            self._function = ""

    def _record(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if not self._function:
            return
        used = self.used[self._function]
        if model.name == "TransactWriteItems":
            for action in params["TransactItems"]:
                [(kind, parameters)] = action.items()
                name = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
                used.add((f"dynamodb:{name}", parameters["TableName"]))
        elif model.name == "BatchGetItem":
            used.update(("dynamodb:BatchGetItem", table) for table in params["RequestItems"])
        else:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            used.add((f"dynamodb:{model.name}", params["TableName"] + index))

    def _record_parameter(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self._function:
            self.used[self._function].add((f"ssm:{model.name}", params["Name"]))


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


def journey(recording: RecordingCheckout) -> None:
    """Through all functions, refusals and retries included."""
    order = recording.create_order()
    recording.create_order()
    recording.call("create_order", {"items": [{"product_id": "ufo", "quantity": 1}]}, key="refused")
    recording.pay(order, "tok_chargeDeclined", key="declined")
    recording.pay(order, "tok_chargeDeclined", key="declined")
    recording.pay(order, "tok_timeoutBeforeCharge", key="key")
    payment = recording.pay(order, "tok_timeoutBeforeCharge", key="key")
    recording.pay(order)
    recording.mark_paid(order, payment.body["transaction_id"])
    recording.cancel(recording.create_order())
    recording.get_order(order)
    recording.list_orders(limit="1")
    recording.list_orders(status="paid")
    recording.call("get_order_audit", path={"order_id": order["id"]})
    recording.call("get_payment", path={"transaction_id": payment.body["transaction_id"]})
    staff: dict[str, Any] = {"customer": "sam", "scope": "orders:manage"}
    for function in ("get_order", "get_order_audit"):
        recording.call(function, path={"order_id": order["id"]}, **staff)
    recording.fulfil(order)
    recording.refund(order, 100, key="refund")
    recording.refund(order, 100, key="refund")
    recording.call("list_products")
    recording.call("health")


def recover(recording: RecordingCheckout, function: str) -> None:
    """All that can be left to be done, done by one function."""

    def settle(order: dict[str, Any]) -> None:
        recording.wait(timedelta(minutes=2))
        if function == "settle_payments":
            recording.run(function)
            return
        payments = recording.payment_items(order)
        with recording.acting(function):
            for payment in payments:
                author = Author(Actor.SYSTEM, "request", lambda: 60)
                with suppress(OutcomeUnknown, RequestNotTaken):
                    wiring.settlement_service().settle_payment(author, payment["payment_id"])

    def settle_new(token: str = "tok_timeoutAfterCharge") -> dict[str, Any]:
        order = recording.create_order()
        recording.pay(order, token)
        return order

    def claim_alone() -> dict[str, Any]:
        order = recording.create_order()
        with failing(recording, is_claim, after=True):
            recording.pay(order)
        return order

    fresh = settle_new()
    # In a process of its own, which has not read the circuit's state.
    forget_gateway()
    settle(fresh)
    settle(settle_new("tok_timeoutBeforeCharge"))
    recording.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
    settle(settle_new("tok_chargeDeclined"))
    with outrun_once("finish_payment"):
        settle(settle_new())
    refunded = recording.buy()
    recording.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    recording.refund(refunded)
    settle(refunded)
    wrong = claim_alone()
    charge_behind_our_back(recording, recording.payment_items(wrong)[0]["payment_id"], 99)
    settle(wrong)
    trip_circuit(recording, lambda: settle(claim_alone()), Call.PREVENT_CHARGE)


def forget_gateway() -> None:
    for built in (wiring.gateway, wiring.charging_service, wiring.refund_service, wiring.settlement_service):
        built.cache_clear()


def trip_circuit(recording: RecordingCheckout, act: Callable[[], object], call: Call) -> None:
    """The gateway fails so often that it is left alone; after a while it is tried again."""
    forget_gateway()
    with set_environment(CircuitFailures="1"):
        wiring.gateway()
    recording.break_gateway(call, Fault.REQUEST_LOST)
    act()
    circuit = {"id": {"S": "payment_gateway"}}
    recording.database.update_item(
        TableName="CircuitTable",
        Key=circuit,
        UpdateExpression="SET opened_at = opened_at - :while",
        ExpressionAttributeValues={":while": {"N": "60"}},
    )
    forget_gateway()
    act()
    recording.database.delete_item(TableName="CircuitTable", Key=circuit)
    forget_gateway()


@pytest.fixture
def used(checkout: Checkout) -> Permissions:
    recording = RecordingCheckout(checkout)
    journey(recording)
    with outrun_once("finish_payment"):
        recording.pay(recording.create_order())
    recording.break_gateway(Call.CHARGE, Fault.REQUEST_LOST)
    recording.pay(recording.create_order())
    order = recording.buy()
    with outrun_once("finish_refund"):
        recording.refund(order, 1)
    trip_circuit(recording, lambda: recording.refund(order, 1), Call.REFUND)
    trip_circuit(recording, lambda: recording.pay(recording.create_order()), Call.CHARGE)
    for function in ("settle_payments", "receive_stripe_event", "reconcile_payments"):
        recover(recording, function)
    recording.wait(timedelta(hours=1))
    recording.run("reconcile_payments")
    receive_event(recording)
    read_key(recording)
    return recording.used


def receive_event(recording: RecordingCheckout) -> None:
    """The rest of what the webhook does: its secrets, and the records of events."""
    boto3.client("ssm").put_parameter(Name="/checkout/stripe/webhook-secrets", Value="whsec_1", Type="SecureString")
    payload = make_event(1, "customer.created", {"id": "cus_1"})
    event = {
        "headers": {"stripe-signature": sign(payload, "whsec_1")},
        "requestContext": {"requestId": "request"},
        "body": payload.decode(),
    }
    with set_environment(PaymentGateway="stripe"), recording.acting("receive_stripe_event"):
        assert receive_stripe_event(event, Context())["statusCode"] == 200
        with patch.object(app, "run_once", side_effect=OutcomeUnknown):
            receive_stripe_event(event, Context())
        payload = make_event(2, "x", {"metadata": {"payment_id": "pay_01KG9YS7G00000000000000000_001"}})
        event |= {"body": payload.decode(), "headers": {"stripe-signature": sign(payload, "whsec_1")}}
        with patch.object(SettlementService, "settle_payment", side_effect=OutcomeUnknown):
            receive_stripe_event(event, Context())


def read_key(recording: RecordingCheckout) -> None:
    """With Stripe, what calls the gateway reads its key."""
    boto3.client("ssm").put_parameter(Name="/checkout/stripe/key", Value="sk_1", Type="SecureString")
    for function in ("pay", "refund_order", "settle_payments", "reconcile_payments", "receive_stripe_event"):
        wiring.secret_parameters()._provider.store.clear()
        with recording.acting(function):
            wiring._read_stripe_key()


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read_resource(resource: dict[str, Any]) -> str:
    """`Table`, `Table/index/name`, or the name of a parameter."""
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    named = str(resource["Fn::Sub"])
    if ":ssm:" in named:
        name = named.split(":parameter${")[1].rstrip("}")
        return str(read_document()["Parameters"][name]["Default"])
    return named.replace("${", "").replace(".Arn}", "")


def read_allowed() -> Permissions:
    document = read_document()
    allowed: Permissions = {}
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            allowed[properties["Handler"].removeprefix("app.")] = {
                (action, read_resource(target))
                for policy in properties.get("Policies", [])
                for statement in policy["Statement"]
                for action in as_list(statement["Action"])
                for target in as_list(statement["Resource"])
            }
    return allowed


# Powertools reads a record by itself only where the failed write did not bring it along.
NOT_SEEN = {("dynamodb:GetItem", "IdempotencyTable")}


def test_functions_may_do_what_they_do_and_no_more(used: Permissions) -> None:
    allowed = read_allowed()
    assert allowed.pop("authorize") == set()
    for function, permissions in allowed.items():
        assert used[function] - permissions == set(), f"{function} is not allowed to"
        assert permissions - used[function] - NOT_SEEN == set(), f"{function} need not"
    # Another's role would not do, but for those that do the same: the check can fail.
    assert not used["pay"] <= allowed["create_order"]
    assert not used["mark_order_paid"] <= allowed["cancel_order"]
    assert not used["list_orders"] <= allowed["get_order"]
    assert not used["get_order_audit"] <= allowed["get_order"]
    assert not used["list_products"] <= allowed["health"]
    assert not used["settle_payments"] <= allowed["receive_stripe_event"]
    assert not used["receive_stripe_event"] <= allowed["settle_payments"]
    assert not used["refund_order"] <= allowed["pay"]
