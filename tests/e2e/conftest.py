"""The checkout over HTTP, wherever it runs.

BASE_URL chooses a checkout that is up: the local runtime, `sam local`, or a stage that was deployed with the local key
set (`make -s jwks`); tokens are signed with the local key. DYNAMODB_ENDPOINT is its database, where it can be reached.
Without BASE_URL each file of tests has a local runtime of its own, with the database that DB names.
"""

import json
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from checkout.caller import STAFF_SCOPE
from checkout.dynamodb import to_wire
from checkout.simulated_gateway import Call, Fault, make_fault
from local.keys import issue_token
from local.tables import connect
from local.template import read_template
from tests.programs import run_beside

SERVE = """
import json, sys, threading
from contextlib import nullcontext
from pathlib import Path
from local.database import open_database
from local.keys import local_parameters
from local.runtime import Runtime
from local.schedules import run_schedules
from local.serve import announce
from local.sign_in import SignIn
from local.tables import connect, create_tables, load_products
from local.template import read_template
from local.wsgi import serve_application

database = sys.argv[1]
with open_database(endpoint=database) if "://" in database else open_database(database) as endpoint:
    create_tables(connect(endpoint))
    load_products(connect(endpoint))
    runtime = Runtime(read_template(local_parameters(endpoint) | json.loads(sys.argv[4])))
    with (
        serve_application(SignIn(runtime), threaded=True) as address,
        run_schedules(runtime) if sys.argv[3] == "schedules" else nullcontext(),
        announce(address, endpoint, Path(sys.argv[2])),
    ):
        threading.Event().wait()
"""
START_SECONDS = 60
BASE_URL = os.environ.get("BASE_URL", "")

Tables = dict[str, list[str]]


class Customer:
    """Somebody who calls the checkout; without a token where that is empty."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http = http
        self._token = token

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, **request: Any
    ) -> httpx.Response:
        """Sends a request; `body` as JSON, or as it is where it is bytes."""
        headers = {"content-type": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        if key is not None:
            headers["idempotency-key"] = key
        headers |= request.pop("headers", {})
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return self._http.request(method, path, content=content, headers=headers, **request)

    def create_order(self, *lines: tuple[str, int]) -> dict[str, Any]:
        answer = self.ask("POST", "/orders", new_order(*(lines or [("mug", 2), ("tea", 1)])), key=new_key())
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        return order

    def pay(self, order: dict[str, Any], token: str = "tok_visa", *, key: str | None = None) -> httpx.Response:
        return self.ask("POST", "/pay", payment_of(order, token), key=key or new_key())

    def mark_paid(self, order: dict[str, Any], transaction_id: str) -> httpx.Response:
        return self.ask("PATCH", f"/orders/{order['id']}/pay", {"transaction_id": transaction_id})

    def refund(self, order: dict[str, Any], *, key: str | None = None, **body: Any) -> httpx.Response:
        return self.ask("POST", f"/orders/{order['id']}/refunds", body, key=key or new_key())

    def fulfil(self, order: dict[str, Any]) -> httpx.Response:
        return self.ask("POST", f"/orders/{order['id']}/fulfil")

    def buy(self, *lines: tuple[str, int]) -> tuple[dict[str, Any], str]:
        """A paid order, and its transaction."""
        order = self.create_order(*lines)
        transaction_id = self.pay(order).json()["transaction_id"]
        return self.mark_paid(order, transaction_id).json(), transaction_id


def new_order(*lines: tuple[str, int], **members: Any) -> dict[str, Any]:
    return {"items": [{"product_id": product, "quantity": quantity} for product, quantity in lines], **members}


def payment_of(order: dict[str, Any], token: str = "tok_visa", **members: Any) -> dict[str, Any]:
    payment = {"order_id": order["id"], "token": token, "amount": order["total_amount"], "currency": order["currency"]}
    return payment | members


def new_key() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Checkout:
    """The checkout that is tested; `database` is where its tables can be read, empty where they cannot."""

    base_url: str
    database: str

    def read_tables(self) -> Tables:
        """Every item of every table: what a refusal must leave as it was."""
        client = connect(self.database)
        return {
            name: sorted(
                json.dumps(item, sort_keys=True)
                for page in client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
                for item in page["Items"]
            )
            for name in read_template().tables
        }

    def put_charge(self, payment_id: str, order: dict[str, Any], *, refundable: int) -> None:
        """The simulated gateway has a charge of which so much can still be refunded."""
        item = {
            "payment_id": payment_id,
            "order_id": order["id"],
            "outcome": "succeeded",
            "reference": f"ch_{payment_id[4:30]}",
            "amount": order["total_amount"],
            "refundable": refundable,
            "currency": order["currency"],
            "charged_at": order["created_at"],
        }
        connect(self.database).put_item(TableName="SimulatedGatewayTable", Item=to_wire(item))

    def break_gateway(self, call: Call, fault: Fault, times: int = 1) -> None:
        """The simulated gateway's next calls of a kind go wrong (FR-228)."""
        item = to_wire(make_fault(call, fault, times))
        connect(self.database).put_item(TableName="SimulatedGatewayTable", Item=item)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Checkout]:
    """A module whose SCHEDULES is true has the scheduled functions at work; in others nothing happens by itself. One
    with PARAMETERS of the template needs a runtime of its own."""
    parameters = getattr(request.module, "PARAMETERS", {})
    if parameters and BASE_URL:
        pytest.skip("it needs a runtime with other parameters")
    if base_url := BASE_URL:
        look_for_answer(base_url)
        yield Checkout(base_url, os.environ.get("DYNAMODB_ENDPOINT", ""))
        return
    running = tmp_path_factory.mktemp("checkout") / "running.json"
    schedules = getattr(request.module, "SCHEDULES", False)
    with open_runtime(running, os.environ.get("DB", "embedded"), schedules=schedules, parameters=parameters) as opened:
        yield opened


def look_for_answer(base_url: str) -> None:
    """Ends all tests where nobody is there to be tested."""
    try:
        httpx.get(f"{base_url}/health", timeout=START_SECONDS, trust_env=not is_here(base_url))
    except (httpx.TransportError, httpx.InvalidURL) as error:
        pytest.exit(
            f"Nothing answers at BASE_URL={base_url} ({error}). Name one that is up: `make serve` starts one here, "
            "and without BASE_URL the tests start their own.",
            returncode=2,
        )


@contextmanager
def open_runtime(
    running: Path,
    database: str,
    *,
    schedules: bool = False,
    parameters: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Checkout]:
    """A local runtime of its own, which announces itself in a file; with a database of a kind, or at an endpoint."""
    arguments = [database, str(running), "schedules" if schedules else "none", json.dumps(dict(parameters))]
    with run_beside([sys.executable, "-c", SERVE, *arguments]) as runtime:
        found = read_announcement(running)
        runtime.wait_until_it_answers(httpx.URL(found["address"]).port or 80, START_SECONDS)
        yield Checkout(found["address"], found["database"])
    assert '"operation"' in runtime.read_output(), "what the functions log is in it"


@contextmanager
def open_faulty_runtime(
    running: Path, gateway: str, parameters: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Checkout]:
    """A runtime whose calls can be made to fail (faulty_runtime.py), one request at a time."""
    command = [sys.executable, "-m", "tests.e2e.faulty_runtime", str(running), gateway, json.dumps(dict(parameters))]
    with run_beside(command) as runtime:
        found = read_announcement(running)
        runtime.wait_until_it_answers(httpx.URL(found["address"]).port or 80, START_SECONDS)
        yield Checkout(found["address"], found["database"])


def read_announcement(path: Path) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline, "the local runtime did not start"
        time.sleep(0.05)
    announcement: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return announcement


@pytest.fixture(scope="module")
def http(checkout: Checkout) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=checkout.base_url, timeout=60, trust_env=not is_here(checkout.base_url)) as client:
        yield client


def is_here(base_url: str) -> bool:
    """A proxy may be between here and a stage, never between here and what runs here."""
    return httpx.URL(base_url).host in {"127.0.0.1", "localhost"}


def make_customer(http: httpx.Client, name: str, *, scope: str = "") -> Customer:
    """A customer that nobody has seen before."""
    return Customer(http, issue_token(f"{name}-{uuid.uuid4()}", scope=scope))


@pytest.fixture
def alice(http: httpx.Client) -> Customer:
    return make_customer(http, "alice")


@pytest.fixture
def staff(http: httpx.Client) -> Customer:
    return Customer(http, issue_token(f"sam-{uuid.uuid4()}", scope=STAFF_SCOPE))


@pytest.fixture
def bob(http: httpx.Client) -> Customer:
    return make_customer(http, "bob")
