"""Mixed traffic of many clients on DynamoDB Local, while processes are killed and calls fail: `make soak`.

Then everything is settled, and every order is held against the rules of specs/004-proof. The last line says what was
done, what was injected, and what was doubled or lost.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from checkout.caller import STAFF_SCOPE
from checkout.dynamodb import from_wire
from local.child_process import ChildProcess, find_free_port
from local.commands import run_command
from local.dynamodb_local import DynamoDBLocal
from local.keys import issue_token
from local.progress import show_bar, working
from local.tables import connect, create_tables, load_products
from tests.e2e.conftest import Customer, new_key, new_order, payment_of
from tests.exploration.rules import check_books, check_order, check_rest, check_trail
from tests.integration.conftest import Checkout
from tests.secrets_in_logs import find_secrets
from tests.soak.answers import Heard, find_untruth

RUNTIMES = 2
CLIENTS = 12
TRIES = 5
STAFF = "sam"
KILL_EACH_SECONDS = 4.0
START_SECONDS = 60
SETTLE_SECONDS = 240
TOKENS = ["tok_visa"] * 6 + ["tok_chargeDeclined", "tok_timeoutAfterCharge", "tok_timeoutBeforeCharge"]
TABLES = ("OrdersTable", "PaymentsTable", "RefundsTable", "AuditTable", "SimulatedGatewayTable")


@dataclass
class Told:
    """What clients were told; by many threads."""

    heard: list[Heard] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)


class Runtimes:
    """Processes that answer at ports of their own; one of them, in turn, is killed and started again."""

    def __init__(self, endpoint: str, log: Path) -> None:
        self._endpoint = endpoint
        self._log = log
        self.lines = 0
        """How many lines the functions wrote."""
        self.leaks: list[str] = []
        """Those that tell what is not for logs."""
        self._ports = [find_free_port() for _ in range(RUNTIMES + 1)]
        self._running = [self._start(number) for number in range(RUNTIMES + 1)]
        for runtime, port in zip(self._running, self._ports, strict=True):
            runtime.wait_until_it_answers(port, START_SECONDS)

    def _start(self, number: int) -> ChildProcess:
        # The last one serves nobody: the schedule is at work in it.
        schedules = "schedules" if number == RUNTIMES else "none"
        command = [sys.executable, "-m", "tests.soak.runtime", str(self._ports[number]), self._endpoint]
        return ChildProcess([*command, str(self._log), schedules])

    def address(self, number: int) -> str:
        return f"http://127.0.0.1:{self._ports[number]}"

    def kill(self, number: int) -> None:
        self._running[number].kill()
        self._look_through(self._running[number])
        self._running[number] = self._start(number)
        self._running[number].wait_until_it_answers(self._ports[number], START_SECONDS)

    def stop(self) -> None:
        for runtime in self._running:
            runtime.stop()
            self._look_through(runtime)

    def _look_through(self, runtime: ChildProcess) -> None:
        output = runtime.read_output()
        self.lines += output.count('"operation"')
        self.leaks += find_secrets(output, whole=True)


class Client:
    """A customer after another, each with an order, until it is over."""

    def __init__(self, runtimes: Runtimes, told: Told, number: int, over: threading.Event) -> None:
        self._runtimes = runtimes
        self._told = told
        self._chance = random.Random(number)
        self._over = over
        self._staff: list[Customer] = []
        self._people: list[Customer] = []
        self._name = ""

    def run(self) -> None:
        with ExitStack() as stack:
            clients = [
                stack.enter_context(httpx.Client(base_url=self._runtimes.address(at), timeout=30, trust_env=False))
                for at in range(RUNTIMES)
            ]
            self._staff = [Customer(client, issue_token(STAFF, scope=STAFF_SCOPE)) for client in clients]
            while not self._over.is_set():
                self._name = f"alice-{uuid.uuid4()}"
                self._people = [Customer(client, issue_token(self._name)) for client in clients]
                self._shop()

    def _shop(self) -> None:
        created = self._ask("create_order", "POST", "/orders", new_order(("mug", self._chance.randint(1, 3))))
        if created is None or created.status_code != 201:
            return
        order = created.json()
        path = f"/orders/{order['id']}"
        for _ in range(self._chance.randint(1, 3)):
            body = payment_of(order, self._chance.choice(TOKENS))
            paid = self._ask("pay", "POST", "/pay", body, order_id=order["id"])
            if paid is not None and paid.status_code == 201:
                if self._chance.random() < 0.7:
                    link = {"transaction_id": paid.json()["transaction_id"]}
                    self._ask("mark_order_paid", "PATCH", f"{path}/pay", link, order_id=order["id"])
                break
        last = self._chance.choice(["cancel", "fulfil", "refund", "refund", "", "", ""])
        if last == "cancel":
            self._ask("cancel_order", "POST", f"{path}/cancel", order_id=order["id"])
        elif last == "fulfil":
            self._ask("fulfil_order", "POST", f"{path}/fulfil", order_id=order["id"], by_staff=True)
        elif last:
            self._ask("refund_order", "POST", f"{path}/refunds", {"amount": 700}, order_id=order["id"], by_staff=True)

    def _ask(
        self,
        operation: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        order_id: str = "",
        by_staff: bool = False,
    ) -> httpx.Response | None:
        """The answer, after some tries with the same key; None for a client that has lost patience."""
        answer, key = None, new_key()
        caller, people = (STAFF, self._staff) if by_staff else (self._name, self._people)
        for _ in range(self._chance.randint(1, TRIES)):
            try:
                answer = self._chance.choice(people).ask(method, path, body, key=key)
            except httpx.HTTPError:
                self._told.answers[0] += 1
                self._over.wait(0.5)
                continue
            self._told.answers[answer.status_code] += 1
            if answer.status_code < 500:
                transaction_id = (body or {}).get("transaction_id", "")
                heard = Heard(operation, order_id, caller, key, answer.status_code, answer.json(), transaction_id)
                self._told.heard.append(heard)
                if answer.status_code != 202:
                    return answer
            self._over.wait(0.2)
        return answer


class Books(Checkout):
    """All that is in the tables, read once; one order at a time is looked at."""

    def __init__(self, endpoint: str) -> None:
        database = connect(endpoint)
        super().__init__(database)
        self.order: dict[str, Any] = {}
        self._items: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self._by_customer: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for table in TABLES:
            by_order = self._items[table] = defaultdict(list)
            for page in database.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
                for item in map(from_wire, page["Items"]):
                    by_order[item.get("order_id", "")].append(item)
                    if table == "OrdersTable":
                        self._by_customer[item["customer_id"]].append(item)

    @property
    def order_ids(self) -> list[str]:
        return list(self._items["OrdersTable"])

    def scan(self, table: str) -> list[dict[str, Any]]:
        return self._items[table].get(self.order["id"], [])

    def orders_of(self, customer_id: str) -> list[dict[str, Any]]:
        return self._by_customer.get(customer_id, [])

    def find_violations(self, order_id: str) -> Iterator[str]:
        self.order = {"id": order_id}
        for check in (check_books, check_order, check_rest, check_trail):
            yield from (f"{order_id}: {violation}" for violation in check(self, self.order))

    def find_untruth(self, heard: Heard) -> str | None:
        self.order = {"id": heard.order_id}
        return find_untruth(self, heard)


def is_at_rest(endpoint: str) -> bool:
    page = connect(endpoint).scan(TableName="PaymentsTable", IndexName="due", Select="COUNT")
    return page["Count"] == 0


@contextmanager
def run_clients(runtimes: Runtimes, told: Told) -> Iterator[None]:
    over = threading.Event()
    threads = [threading.Thread(target=Client(runtimes, told, at, over).run) for at in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    seconds = parser.parse_args().seconds
    told, kills = Told(), 0
    with tempfile.TemporaryDirectory() as folder, DynamoDBLocal() as database:
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        log = Path(folder) / "faults"
        runtimes = Runtimes(database.endpoint, log)
        try:
            with run_clients(runtimes, told):
                end = time.monotonic() + seconds
                with show_bar(total=round(seconds), desc="traffic", unit="s") as bar:
                    while time.monotonic() < end:
                        time.sleep(KILL_EACH_SECONDS)
                        runtimes.kill(kills % (RUNTIMES + 1))
                        kills += 1
                        bar.update(min(KILL_EACH_SECONDS, bar.total - bar.n))
            patience = time.monotonic() + SETTLE_SECONDS
            with working("settling what is left"):
                while not is_at_rest(database.endpoint) and time.monotonic() < patience:
                    time.sleep(1)
        finally:
            runtimes.stop()
        return report(Books(database.endpoint), told, runtimes, faults=log.stat().st_size, kills=kills)


def report(books: Books, told: Told, runtimes: Runtimes, *, faults: int, kills: int) -> int:
    doubled = done = 0
    violations = [f"a secret in the log: {leak}" for leak in runtimes.leaks]
    for order_id in show_bar(books.order_ids, desc="checking", unit="order"):
        violations += books.find_violations(order_id)
        done += books.order_item(books.order)["status"] in {"paid", "fulfilled", "refunded"}
        doubled += len([charge for charge in books.charges(books.order) if charge["refundable"]]) > 1
    known = set(books.order_ids)
    created = {heard.body["id"] for heard in told.heard if (heard.operation, heard.status) == ("create_order", 201)}
    lost = created - known
    judged = [heard for heard in told.heard if heard.order_id in known | {""}]
    violations += [wrong for heard in judged if (wrong := books.find_untruth(heard))]
    for violation in violations[:20]:
        print(violation)
    print(f"{runtimes.lines} lines logged, {len(judged)} answers held against the books")
    print(f"answers by status, 0 for none: {dict(sorted(told.answers.items()))}")
    print(
        f"{done} checkouts done of {len(books.order_ids)} orders, {faults} faults injected, {kills} processes killed, "
        f"{doubled} charges doubled, {len(lost)} orders lost, {len(violations)} violations",
        flush=True,
    )
    return 1 if doubled or lost or violations or not done or not runtimes.lines else 0


if __name__ == "__main__":
    run_command("soak", main)
