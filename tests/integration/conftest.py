"""The real handlers on tables made from template.yaml: in moto for one thread, in DynamoDB Local for races."""

import functools
import importlib
import itertools
import json
import os
import re
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

import botocore.session
import pytest
from aws_lambda_powertools.utilities.circuit_breaker import base as circuit_breaker_base
from moto import mock_aws

from checkout import api, wiring
from checkout.audit import AuditEntry, AuditHead, find_misfit
from checkout.caller import STAFF_SCOPE
from checkout.clock import Deadline
from checkout.dynamodb import BatchRead, Transaction, from_wire, to_wire
from checkout.order_items import to_entry
from checkout.simulated_gateway import Call, Fault, make_fault
from local.dynamodb_local import DynamoDBLocal
from local.permissions import Invocation, Permission, invoking
from local.tables import connect, create_tables, load_products
from local.template import REGION, ROOT, read_template
from tests.secrets_in_logs import look_through

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}


@dataclass
class Context:
    """A Lambda context whose time runs."""

    seconds: float = 20
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "invocation"
    read_seconds: Callable[[], float] = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.read_seconds()

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.started + self.seconds - self.read_seconds()) * 1000))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str | None:
        code: str | None = self.body.get("code")
        return code


FUNCTIONS = read_template().functions

REFUSED: set[tuple[str, Permission]] = set()
"""What functions wanted to do in a test, and may not."""


class Checkout:
    """Calls handlers as API Gateway does, with no more than the template allows them, and reads the tables behind them.

    `used` is what each function did.
    """

    def __init__(self, database: "DynamoDBClient") -> None:
        self.database = database
        self.used: dict[str, set[Permission]] = defaultdict(set)
        self.waited = timedelta()
        self._numbers = itertools.count(1)

    def call(
        self,
        function: str,
        body: object = None,
        *,
        customer: str = "alice",
        key: str | None = None,
        path: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        scope: str = "",
        seconds: float = 20,
    ) -> Answer:
        number = next(self._numbers)
        event = {
            "version": "2.0",
            "headers": {"idempotency-key": key} if key else {},
            "requestContext": {
                "requestId": f"request-{number}",
                "authorizer": {"lambda": {"customer_id": customer, "scope": scope}},
            },
            "pathParameters": path,
            "queryStringParameters": query,
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        return self.invoke(function, event, seconds=seconds)

    def invoke(self, function: str, event: dict[str, Any], *, seconds: float = 20) -> Answer:
        """The answer to an event as it is."""
        handler = getattr(importlib.import_module(f"functions.{function}.app"), function)
        with self.acting_as(function):
            answer = handler(event, self.make_context(seconds))
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def make_context(self, seconds: float) -> Context:
        return Context(seconds)

    @contextmanager
    def acting_as(self, function: str, *, role: str | None = None) -> Iterator[None]:
        """What is called within is called by a function, with its own role or with another's."""
        invocation = Invocation(function, FUNCTIONS[role or function].permissions)
        with invoking(invocation):
            try:
                yield
            finally:
                self.used[function] |= invocation.used
                REFUSED.update((function, permission) for permission in invocation.refused)

    def new_key(self) -> str:
        return str(uuid.uuid4())

    # The operations, in short

    def create_order(self, product: str = "mug", quantity: int = 1, *, customer: str = "alice") -> dict[str, Any]:
        body = {"items": [{"product_id": product, "quantity": quantity}]}
        answer = self.call("create_order", body, key=self.new_key(), customer=customer)
        assert answer.status == 201, answer.text
        order: dict[str, Any] = answer.body
        return order

    def pay(self, order: dict[str, Any], token: str = "tok_visa", *, key: str | None = None, **call: Any) -> Answer:
        body = {"order_id": order["id"], "token": token, "amount": order["total_amount"], "currency": "usd"}
        return self.call("pay", body, key=key or self.new_key(), **call)

    def mark_paid(self, order: dict[str, Any], transaction_id: str, **call: Any) -> Answer:
        return self.call("mark_order_paid", {"transaction_id": transaction_id}, path={"order_id": order["id"]}, **call)

    def cancel(self, order: dict[str, Any], **call: Any) -> Answer:
        return self.call("cancel_order", path={"order_id": order["id"]}, **call)

    def refund(
        self, order: dict[str, Any], amount: int | None = None, *, key: str | None = None, **call: Any
    ) -> Answer:
        call = {"customer": "sam", "scope": STAFF_SCOPE, **call}
        body = {} if amount is None else {"amount": amount}
        return self.call("refund_order", body, path={"order_id": order["id"]}, key=key or self.new_key(), **call)

    def fulfil(self, order: dict[str, Any], **call: Any) -> Answer:
        call = {"customer": "sam", "scope": STAFF_SCOPE, **call}
        return self.call("fulfil_order", path={"order_id": order["id"]}, **call)

    def buy(self, product: str = "mug", quantity: int = 1) -> dict[str, Any]:
        """A paid order."""
        order = self.create_order(product, quantity)
        paid = self.mark_paid(order, self.pay(order).body["transaction_id"])
        assert paid.status == 200, paid.text
        bought: dict[str, Any] = paid.body
        return bought

    def settle(self, *, after: timedelta = timedelta(minutes=2), seconds: float = 60) -> dict[str, Any]:
        """What settle_payments says of its run, so long from now."""
        self.wait(after)
        return self.run("settle_payments", seconds=seconds)

    def run(self, function: str, *, seconds: float = 60) -> dict[str, Any]:
        """A scheduled function."""
        handler = getattr(importlib.import_module(f"functions.{function}.app"), function)
        with self.acting_as(function):
            done: dict[str, Any] = handler({}, self.make_context(seconds))
        return done

    def wait(self, time: timedelta) -> None:
        """The checkout's clock goes on so far at once."""
        self.waited += time

    def read_clock(self) -> datetime:
        return datetime.now(UTC) + self.waited

    def begin_an_hour(self) -> None:
        """What is counted by the hour is not cut in two."""
        now = self.read_clock()
        self.wait(timedelta(hours=1) - (now - now.replace(minute=0, second=0, microsecond=0)))

    def break_gateway(self, call: Call, fault: Fault, times: int = 1) -> None:
        self.database.put_item(TableName="SimulatedGatewayTable", Item=to_wire(make_fault(call, fault, times)))

    def get_order(self, order: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.call("get_order", path={"order_id": order["id"]}).body
        return found

    def list_orders(self, *, customer: str = "alice", **query: str) -> Any:
        return self.call("list_orders", query=query, customer=customer).body

    # What is in the tables

    def scan(self, table: str) -> list[dict[str, Any]]:
        with invoking(None):
            pages = self.database.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
            return [from_wire(item) for page in pages for item in page["Items"]]

    def read_tables(self) -> dict[str, list[str]]:
        return {
            name: sorted(json.dumps(item, sort_keys=True, default=sorted) for item in self.scan(name))
            for name in TABLES
        }

    def charges(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """The charges at the gateway that took money for an order."""
        items = self.scan("SimulatedGatewayTable")
        return [item for item in items if item.get("order_id") == order["id"] and item["outcome"] == "succeeded"]

    def refunds(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """The refunds at the gateway that returned money of an order."""
        items = self.scan("SimulatedGatewayTable")
        ulid = order["id"].removeprefix("ord_")
        return [
            item for item in items if item["payment_id"].startswith(f"ref_{ulid}") and item["outcome"] == "succeeded"
        ]

    def refund_items(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        items = [item for item in self.scan("RefundsTable") if item["order_id"] == order["id"]]
        return sorted(items, key=lambda item: int(item["number"]))

    def audit_trail(self, order: dict[str, Any]) -> list[AuditEntry]:
        entries = map(to_entry, self.scan("AuditTable"))
        return sorted((e for e in entries if e.order_id == order["id"]), key=lambda entry: entry.sequence)

    def order_item(self, order: dict[str, Any]) -> dict[str, Any]:
        """As it is with the payment that holds it, which starts, and may end, without it."""
        [item] = [item for item in self.scan("OrdersTable") if item["order_id"] == order["id"]]
        if item["status"] != "created":
            return item
        known, next_ = item.get("live_payment_id"), item["payment_attempts"] + 1
        for payment in self.payment_items(order):
            if known == payment["payment_id"] or (known is None and payment["attempt"] == next_):
                item |= {"live_payment_id": payment["payment_id"], "payment_attempts": payment["attempt"]}
                if payment["audit_sequence"] > item["audit_sequence"]:
                    item |= {name: payment[name] for name in ("audit_sequence", "audit_hash")}
        return item

    def payment_items(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        items = [item for item in self.scan("PaymentsTable") if item["order_id"] == order["id"]]
        return sorted(items, key=lambda item: int(item["attempt"]))

    def audit_events(self, order: dict[str, Any]) -> list[str]:
        """The events of an order's trail, after a check that the trail fits the order."""
        item = self.order_item(order)
        trail = self.audit_trail(order)
        assert find_misfit(order["id"], trail, AuditHead(item["audit_sequence"], item["audit_hash"])) is None
        check_entries(trail)
        return [entry.event for entry in trail]

    def results(self) -> list[dict[str, Any]]:
        """The answers by idempotency key."""
        return [item for item in self.scan("IdempotencyTable") if item["status"] == "COMPLETED"]

    def forget_results(self) -> None:
        """Of payments and refunds, as when somebody else ended them; the answer to an order is there with the order."""
        for record in self.results():
            if not record["id"].startswith("create_order#"):
                started = {name: value for name, value in record.items() if name != "data"} | {"status": "INPROGRESS"}
                self.database.put_item(TableName="IdempotencyTable", Item=to_wire(started))

    def forget_idempotency(self) -> None:
        """As when the records have run out, or a crash left none."""
        for item in self.scan("IdempotencyTable"):
            self.database.delete_item(TableName="IdempotencyTable", Key={"id": {"S": item["id"]}})


OF_PAYMENT = {"payment_id", "amount", "currency"}
FACTS: dict[str, tuple[set[str], set[str]]] = {
    "order_created": ({"total_amount", "currency", "items"}, set()),
    "order_paid": (OF_PAYMENT | {"gateway_reference"}, set()),
    "order_cancelled": (set(), set()),
    "order_fulfilled": (set(), set()),
    "order_refunded": ({"payment_id", "refunded_amount"}, set()),
    "payment_started": (OF_PAYMENT | {"attempt"}, set()),
    "payment_unknown": (OF_PAYMENT, {"gateway_reference"}),
    "payment_succeeded": (OF_PAYMENT | {"gateway_reference"}, set()),
    "payment_failed": (OF_PAYMENT, {"gateway_reference", "decline_code", "failure_reason"}),
    "payment_refunded": ({"payment_id", "refunded_amount", "gateway_reference"}, set()),
    "refund_started": (OF_PAYMENT | {"refund_id"}, {"gateway_reference", "refunded_amount"}),
    "refund_succeeded": (OF_PAYMENT | {"refund_id", "gateway_reference"}, set()),
    "refund_failed": (OF_PAYMENT | {"refund_id", "failure_reason"}, {"gateway_reference"}),
}
"""What each event tells, and what it may tell besides."""


def check_entries(trail: list[AuditEntry]) -> None:
    """Each entry leaves the state that the last one of its subject led to, and tells what there is to tell."""
    replayed: dict[str, str] = {}
    for entry in trail:
        needed, possible = FACTS[entry.event]
        assert needed <= entry.facts.keys() <= needed | possible, entry
        subject = "order" if entry.event.startswith("order_") else entry.facts["payment_id"]
        assert entry.from_status == replayed.get(subject), entry
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.at), entry
        assert isinstance(entry.to_status, str), entry
        replayed[subject] = entry.to_status


# What botocore knows of AWS is read once, not for each client that a test makes.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

TABLES = tuple(read_template().tables)

Made = TypeVar("Made", bound=Checkout)


def forget_clients() -> None:
    """As in a process that has just started."""
    for built in vars(wiring).values():
        if hasattr(built, "cache_clear"):
            built.cache_clear()
    circuit_breaker_base._LOCAL_FAILURES.clear()


@contextmanager
def its_clock(checkout: Checkout) -> Iterator[None]:
    with patch.object(wiring, "read_utc_clock", checkout.read_clock):
        yield


@contextmanager
def wanting_deadlines() -> Iterator[None]:
    """Whoever writes or reads together says how long, also where nothing stands in the way (FR-037)."""

    def ask(call: Callable[..., Any]) -> Callable[..., Any]:
        def asked(self: object, actions: Any, deadline: Deadline, **how: Any) -> Any:
            assert isinstance(deadline(), int | float)
            return call(self, actions, deadline, **how)

        return asked

    with (
        patch.object(Transaction, "__call__", ask(Transaction.__call__)),
        patch.object(BatchRead, "__call__", ask(BatchRead.__call__)),
    ):
        yield


def set_environment(endpoint: str = "", **parameters: str) -> Any:
    generous = {"CircuitFailures": "1000", "MaxHourlyDeclines": "1000"}
    here = {"DynamoDBEndpoint": endpoint, "CursorSecret": "s" * 32, "WebFolder": str(ROOT / "web")}
    parameters = {**here, **generous, **parameters}
    return patch.dict(os.environ, {**AWS, **read_template(parameters).environment})


@contextmanager
def open_checkout(make: Callable[["DynamoDBClient"], Made], **parameters: str) -> Iterator[Made]:
    """On moto: one thread at a time. The template's parameters are the default ones, but for these."""
    with set_environment(**parameters), mock_aws(), wanting_deadlines():
        forget_clients()
        database = wiring.dynamodb_client()
        create_tables(database)
        load_products(database)
        made = make(database)
        with its_clock(made):
            yield made
    forget_clients()


@pytest.fixture(autouse=True)
def nothing_refused() -> Iterator[None]:
    """In no test does a function do what its policies in the template do not allow (FR-033)."""
    REFUSED.clear()
    yield
    assert not REFUSED


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    with open_checkout(Checkout) as opened:
        yield opened


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[str]:
    with DynamoDBLocal() as database:
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        yield database.endpoint


@contextmanager
def open_racing_checkout(dynamodb_local: str, **parameters: str) -> Iterator[Checkout]:
    """On DynamoDB Local: any number of threads."""
    with set_environment(dynamodb_local, **parameters):
        forget_clients()
        # Imported before the threads start, as a function's code is before its first request.
        for function in ("create_order", "pay", "mark_order_paid", "cancel_order", "refund_order", "settle_payments"):
            importlib.import_module(f"functions.{function}.app")
        made = Checkout(connect(dynamodb_local))
        with its_clock(made):
            yield made
    forget_clients()


@pytest.fixture
def racing_checkout(dynamodb_local: str) -> Iterator[Checkout]:
    with open_racing_checkout(dynamodb_local) as opened:
        yield opened


@pytest.fixture
def calls(checkout: Checkout) -> Iterator[list[str]]:
    """The names of the calls that go to DynamoDB from here on."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    events = checkout.database.meta.events
    events.register("before-call.dynamodb", note, unique_id="note")
    yield made
    events.unregister("before-call.dynamodb", unique_id="note")


class Output:
    """Standard output as it is at each write: pytest changes it between the phases of a test."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture
def read_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Reads what the functions wrote since the last time: log lines and metrics.

    What is read is in no report, so it is looked through here: no line tells what is not for logs (FR-031).
    """
    monkeypatch.setattr(api.logger.registered_handler, "stream", Output())

    def read() -> str:
        log = capsys.readouterr().out
        look_through(log)
        return log

    return read
