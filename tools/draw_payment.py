"""Draws how a payment goes from the calls of a real run: `python -m tools.draw_payment`.

A local runtime is started, a customer pays, and each request, call of DynamoDB and call of the gateway is noted in its
order. So the diagram says what happens, not what was meant to.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
from aws_lambda_powertools.utilities.circuit_breaker.persistence import base as circuit_persistence

from local.database import open_database
from local.keys import issue_token, local_parameters
from local.progress import working
from local.runtime import Runtime
from local.shopper import Shopper, new_key, new_order, payment_of
from local.tables import connect, create_tables, load_products
from local.template import ROOT, read_template
from local.wsgi import serve_application
from tools.describe_template import name_of
from tools.generated import find_stale, write_generated

__all__ = ["LOG", "draw_payment"]

SETTLE_SECONDS = 1
LOG = ROOT / ".data" / "draw-payment.log"
WRITES = ("Put", "Update", "Delete", "Transact")
GATEWAY_TABLE = "SimulatedGatewayTable"


class Trace:
    """The lines of a sequence diagram, in the order in which they come."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._function = ""
        self._params: dict[str, Any] = {}

    def listen(self, client: Any) -> None:
        client.meta.events.register("provide-client-params.dynamodb", self._note)
        client.meta.events.register("before-call.dynamodb", self._add_call)

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self._params = params

    def _add_call(self, model: Any, **_: Any) -> None:
        if "TransactItems" in self._params:
            tables = [action["TableName"] for item in self._params["TransactItems"] for action in item.values()]
        else:
            tables = list(self._params.get("RequestItems", [self._params.get("TableName")]))
        if GATEWAY_TABLE in tables:
            return
        arrow = "->>" if model.name.startswith(WRITES) else "-->>"
        self.lines.append(f"{self._function}{arrow}DynamoDB: {model.name} {', '.join(map(name_of, tables))}")

    @contextmanager
    def running(self, function: str, caller: str, asked: str) -> Iterator[list[str]]:
        """A function at work; the block puts into the list what it answers."""
        self._function = function
        self.lines.append(f"{caller}->>+{function}: {asked}")
        said: list[str] = []
        yield said
        self.lines.append(f"{function}-->>-{caller}: {said[0]}")

    def watch_gateway(self, gateway: Any) -> Any:
        return _TracedGateway(gateway, self)

    def draw(self, *, database: bool = True) -> str:
        """A Mermaid sequence diagram, with the calls of the database or without; with repetitions once."""
        lines = [line for line in self.lines if database or ">>DynamoDB" not in line]
        callers = dict.fromkeys(line.split("->>+")[0] for line in lines if "->>+" in line)
        functions = dict.fromkeys(line.split("->>+")[1].split(":")[0] for line in lines if "->>+" in line)
        head = [f"actor {name}" for name in callers]
        head += [f"participant {name}" for name in [*functions, *(["DynamoDB"] if database else []), "Gateway"]]
        runs = [(line, len(list(group))) for line, group in groupby(lines)]
        drawn = [f"{line}, {times} times" if times > 1 else line for line, times in runs]
        return "\n".join(["```mermaid", "sequenceDiagram", *(f"    {line}" for line in [*head, *drawn]), "```"])

    def add_gateway_call(self, name: str, answer: Callable[[], Any]) -> Any:
        self.lines.append(f"{self._function}->>Gateway: {name}")
        try:
            found = answer()
        except Exception as error:
            self.lines.append(f"Gateway--x{self._function}: {_spell(type(error).__name__)}")
            raise
        self.lines.append(f"Gateway-->>{self._function}: {found.status if found else 'none'}")
        return found


class _TracedGateway:
    def __init__(self, gateway: Any, trace: Trace) -> None:
        self._gateway = gateway
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gateway, name)
        if name == "check_token":
            return method
        words = name.replace("_", " ")
        return lambda *arguments: self._trace.add_gateway_call(words, lambda: method(*arguments))


def _spell(name: str) -> str:
    """`OutcomeUnknown` in words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


class Play:
    """A customer at a runtime whose calls are traced."""

    def __init__(self, trace: Trace, runtime: Runtime, shopper: Shopper) -> None:
        self._trace = trace
        self._runtime = runtime
        self._shopper = shopper

    def ask(
        self, function: str, method: str, path: str, shown: str, body: object = None, key: str | None = None
    ) -> Any:
        with self._trace.running(function, "Customer", shown) as said:
            answer = self._shopper.ask(method, path, body, key=key)
            document = answer.json()
            said.append(f"{answer.status_code} {document.get('status', '')}".strip())
        return document

    def order(self) -> Any:
        return self.ask("create_order", "POST", "/orders", "POST /orders", new_order(("mug", 2)), new_key())

    def pay(self, order: Mapping[str, Any], token: str) -> Any:
        return self.ask("pay", "POST", "/pay", "POST /pay", payment_of(dict(order), token), new_key())

    def settle(self) -> None:
        time.sleep(SETTLE_SECONDS + 0.1)
        [schedule] = [found for found in self._runtime.schedules if found.function.name == "settle_payments"]
        with self._trace.running("settle_payments", "EventBridge", "a minute is over") as said:
            said.append(f"{self._runtime.run(schedule)['orders_paid']} order paid")


@contextmanager
def open_play() -> Iterator[tuple[Trace, Play]]:
    """A run that failed would have another diagram."""
    with open_database() as endpoint:
        create_tables(connect(endpoint))
        load_products(connect(endpoint))
        runtime = Runtime(read_template({**local_parameters(endpoint), "SettleAfterSeconds": str(SETTLE_SECONDS)}))
        trace, wiring = Trace(), importlib.import_module("checkout.wiring")
        trace.listen(wiring.dynamodb_client())
        chosen, now = wiring._chosen_gateway, datetime.now(UTC)
        # What a process remembers of the circuit does not run out because the machine is slow.
        standing = SimpleNamespace(datetime=SimpleNamespace(now=lambda: now))
        with (
            patch.object(circuit_persistence, "dt", standing),
            patch.object(wiring, "_chosen_gateway", lambda: trace.watch_gateway(chosen())),
            serve_application(runtime, threaded=False) as address,
            httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
        ):
            yield trace, Play(trace, runtime, Shopper(http, issue_token("alice")))


def play_paid() -> Trace:
    """An order that is paid at once."""
    with open_play() as (trace, play):
        order = play.order()
        payment = play.pay(order, "tok_visa")
        body = {"transaction_id": payment["transaction_id"]}
        play.ask("mark_order_paid", "PATCH", f"/orders/{order['id']}/pay", "PATCH /orders/{id}/pay", body)
        play.ask("list_orders", "GET", "/orders", "GET /orders")
    return trace


def play_settled() -> Trace:
    """A charge whose answer is lost, and a customer who does not come back."""
    with open_play() as (trace, play):
        order = play.order()
        trace.lines.clear()
        play.pay(order, "tok_timeoutAfterCharge")
        play.settle()
        play.ask("get_order", "GET", f"/orders/{order['id']}", "GET /orders/{id}")
    return trace


def draw_payment() -> Mapping[Path, Mapping[str, str]]:
    """What each document shows, by the mark where it stands; what functions log is in LOG."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w", encoding="utf-8") as log, redirect_stdout(log):
        paid, settled = play_paid(), play_settled()
    return {
        ROOT / "README.md": {"tools/draw_payment.py: flow": paid.draw(database=False)},
        ROOT / "docs" / "explanation" / "payment.md": {
            "tools/draw_payment.py: paid": paid.draw(),
            "tools/draw_payment.py: settled": settled.draw(),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw how a payment goes, from the calls of a real run.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where a document holds another diagram"
    )
    check = parser.parse_args().check
    with working("drawing how a payment goes: a run of the local runtime"):
        diagrams = draw_payment()
    if not check:
        write_generated(diagrams)
        return 0
    stale = find_stale(diagrams)
    for maker in stale:
        print(f"{maker} is not what the calls are now: make diagrams")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
