"""Plays the checkout over HTTP against the local runtime with an embedded database: `python -m local.demo [--step]`.

Exit status 0 only if every answer was as it should be.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from checkout.audit import AuditEntry, find_misfit
from checkout.money import Money
from local.child_process import ChildProcess, ChildProcessFailed
from local.database import open_database
from local.keys import issue_token, local_parameters
from local.runtime import Runtime
from local.shopper import Shopper, new_key, new_order, payment_of
from local.tables import connect, create_tables, load_products
from local.template import ROOT, read_template
from local.wsgi import serve_application

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

LOG = ROOT / ".data" / "demo.log"
SETTLE_AFTER_SECONDS = 2
"""On AWS it is a minute; nobody waits that long for a demonstration."""
PATIENCE_SECONDS = 60
WIDTH = 110
PROMPT = "press a key"

Check = tuple[str, object, object]
"""What is looked at, what it should be, what it is."""


class WrongAnswer(Exception):
    """An answer was not as it should be; what it is has been shown."""


class Stage(Protocol):
    """What is behind the checkout, where a customer sees nothing of it."""

    def count_charges(self, order_id: str, /) -> int:
        """Charges at the gateway that took money for an order."""

    def die_while_paying(self, order: Mapping[str, Any], /) -> int:
        """Pays in a process that dies once the gateway has charged; its exit status."""

    def settle(self, until: Callable[[], bool]) -> None:
        """Lets settle_payments run until something is so, or patience ends."""


class Demo:
    """Shows one call after the other, until one is wrong; `wait` is called before each but the first."""

    def __init__(
        self, shoppers: Mapping[str, Shopper], console: Console, wait: Callable[[], None] = lambda: None
    ) -> None:
        self._shoppers = shoppers
        self._console = console
        self._wait = wait
        self.steps = 0
        self.waited_seconds = 0.0

    def ask(
        self, method: str, path: str, body: object = None, *, customer: str = "alice", key: str | None = None
    ) -> httpx.Response:
        return self._shoppers[customer].ask(method, path, body, key=key)

    def say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), soft_wrap=True)

    def working(self, what: str) -> AbstractContextManager[object]:
        """Shows on a terminal that it goes on, for as long as the block lasts."""
        # As a status of the console, but that would take standard output for itself.
        return Live(Spinner("dots", what), console=self._console, transient=True, redirect_stdout=False)

    def step(self, title: str, call: Callable[[], httpx.Response], *checks: Callable[[Any], Check]) -> Any:
        """Makes a call and shows it: what was asked, what came, how long it took. The body of the answer.

        Raises WrongAnswer.
        """
        self.begin(title)
        started = time.perf_counter()
        answer = call()
        milliseconds = (time.perf_counter() - started) * 1000
        asked = f"{answer.request.method} {answer.request.url.path}"
        checks_made = [make(answer) for make in checks]
        self.show(f"{asked}  →  {answer.status_code}", milliseconds, checks_made, [describe(read(answer))])
        return read(answer)

    def begin(self, title: str) -> None:
        if self.steps:
            stopped = time.perf_counter()
            self._wait()
            self.waited_seconds += time.perf_counter() - stopped
        self.steps += 1
        self.say(f"{self.steps:2}  {title}", "bold")

    def show(
        self,
        what: str,
        milliseconds: float,
        checks: Sequence[Check],
        lines: Sequence[str] = (),
        tree: Tree | None = None,
    ) -> None:
        """What was done, and whether it is as it should be. Raises WrongAnswer."""
        wrong = [check for check in checks if check[1] != check[2]]
        mark = ("✗", "red") if wrong else ("✓", "green")
        timed = (f"  ({milliseconds:.0f} ms)", "dim")
        self._console.print(Text.assemble("  ", mark, f" {what}", timed), soft_wrap=True)
        for line in lines:
            self.say(f"    {line}", "dim")
        if tree:
            self._console.print(Padding(tree, (0, 0, 0, 4)))
        for name, expected, got in wrong:
            self.say(f"    {name}: expected {expected}, got {got}", "red")
        self.say("")
        if wrong:
            raise WrongAnswer

    def create_order(self, *lines: tuple[str, int]) -> dict[str, Any]:
        """An order that a step needs; shown only where it is wrong. Raises WrongAnswer."""
        answer = self.ask("POST", "/orders", new_order(*lines), key=new_key())
        order = read(answer)
        got = (answer.status_code, order.get("status"))
        if got != (201, "created"):
            milliseconds = answer.elapsed.total_seconds() * 1000
            self.show("POST /orders", milliseconds, [("a further order", (201, "created"), got)], [describe(order)])
        return order


def read(answer: httpx.Response) -> dict[str, Any]:
    """The body; one that is no JSON object, which is wrong but must be shown, as its text."""
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    return body if isinstance(body, dict) else {"body": body}


def describe(body: dict[str, Any]) -> str:
    """What of an answer a person wants to see; all of one that has another form."""
    try:
        return _describe(body)
    except (KeyError, TypeError, ValueError):
        return str(body)


def _describe(body: dict[str, Any]) -> str:
    if "code" in body:
        facts = [f"{name.replace('_', ' ')}: {spell(body[name])}" for name in SHOWN_FACTS if name in body]
        return "; ".join([body["detail"].rstrip("."), *facts])
    if "products" in body:
        return ", ".join(f"{one['name']} {Money(one['unit_price'], one['currency'])}" for one in body["products"][:4])
    if "orders" in body:
        return "; ".join(f"{order['id']} {order['status']} {amount_of(order)}" for order in body["orders"])
    if "items" in body:
        items = ", ".join(f"{item['quantity']} {item['name']}" for item in body["items"])
        return f"{body['id']}  {body['status']}  {amount_of(body)}  ({items})"
    if "transaction_id" in body:
        again = "  the same answer again" if body.get("duplicate") else ""
        return f"{body['transaction_id']}  {body['status']}  {Money(body['amount'], body['currency'])}{again}"
    return str(body)


def spell(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


SHOWN_FACTS = ("code", "decline_code", "current_status", "requested_status", "allowed_transitions")


def amount_of(order: dict[str, Any]) -> str:
    return str(Money(order["total_amount"], order["currency"]))


def status_is(expected: int) -> Callable[[httpx.Response], Check]:
    return lambda answer: ("status", expected, answer.status_code)


def member_is(name: str, expected: object) -> Callable[[httpx.Response], Check]:
    return lambda answer: (name, expected, read(answer).get(name))


def play(demo: Demo, stage: Stage) -> None:
    """The whole demonstration. Raises WrongAnswer."""
    order = pay_for_an_order(demo)
    click_twice(demo, stage)
    be_refused(demo, order)
    survive_a_crash(demo, stage)


def pay_for_an_order(demo: Demo) -> dict[str, Any]:
    demo.step(
        "What there is to buy",
        lambda: demo.ask("GET", "/products"),
        status_is(200),
        lambda answer: ("four products or more", True, len(read(answer).get("products", [])) >= 4),
    )
    order: dict[str, Any] = demo.step(
        "Alice orders two mugs and some tea",
        lambda: demo.ask("POST", "/orders", new_order(("mug", 2), ("tea", 1)), key=new_key()),
        status_is(201),
        member_is("status", "created"),
        member_is("total_amount", 4850),
    )
    payment = demo.step(
        "She pays",
        lambda: demo.ask("POST", "/pay", payment_of(order), key=new_key()),
        status_is(201),
        member_is("status", "succeeded"),
        member_is("amount", 4850),
    )
    demo.step(
        "The payment is linked: the order is paid",
        lambda: demo.ask("PATCH", f"/orders/{order['id']}/pay", {"transaction_id": payment["transaction_id"]}),
        status_is(200),
        member_is("status", "paid"),
        member_is("payment_transaction_id", payment["transaction_id"]),
    )
    demo.step(
        "It is at the top of her history",
        lambda: demo.ask("GET", "/orders"),
        status_is(200),
        lambda answer: ("first order", (order["id"], "paid"), first_of(answer)),
    )
    return order


def be_refused(demo: Demo, order: Mapping[str, Any]) -> None:
    declined = demo.create_order(("teapot", 1))
    demo.step(
        "A card is declined; the order can still be paid",
        lambda: demo.ask("POST", "/pay", payment_of(declined, "tok_chargeDeclinedInsufficientFunds"), key=new_key()),
        status_is(402),
        member_is("code", "card_declined"),
        member_is("decline_code", "insufficient_funds"),
        lambda _: ("order", "created", read(demo.ask("GET", f"/orders/{declined['id']}")).get("status")),
    )
    demo.step(
        "A paid order cannot be cancelled",
        lambda: demo.ask("POST", f"/orders/{order['id']}/cancel"),
        status_is(409),
        member_is("code", "invalid_transition"),
        member_is("current_status", "paid"),
        member_is("allowed_transitions", ["fulfilled", "refunded"]),
    )
    demo.step(
        "Mallory asks for Alice's order",
        lambda: demo.ask("GET", f"/orders/{order['id']}", customer="mallory"),
        status_is(404),
        member_is("code", "order_not_found"),
    )


def click_twice(demo: Demo, stage: Stage) -> None:
    """Two equal requests with one key at the same time. The slower is told to wait, asks again, and gets the answer."""
    order = demo.create_order(("whisk", 1))
    key = new_key()

    def click() -> httpx.Response:
        for _ in range(50):
            answer = demo.ask("POST", "/pay", payment_of(order), key=key)
            if answer.status_code != httpx.codes.CONFLICT:
                break
            time.sleep(0.05)
        return answer

    demo.begin("She clicks twice: one charge")
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(click), pool.submit(click)]]
    milliseconds = (time.perf_counter() - started) * 1000
    first, again = sorted(answers, key=lambda answer: bool(read(answer).get("duplicate")))
    charges = stage.count_charges(order["id"])
    demo.show(
        f"POST /pay, twice at once with one key  →  {first.status_code} and {again.status_code}",
        milliseconds,
        [
            ("statuses", [201, 201], [first.status_code, again.status_code]),
            ("second transaction", read(first).get("transaction_id"), read(again).get("transaction_id")),
            ("charges", 1, charges),
            ("duplicates", [False, True], [read(first).get("duplicate"), read(again).get("duplicate")]),
        ],
        [*(describe(read(answer)) for answer in (first, again)), f"charges at the gateway: {charges}"],
    )


def survive_a_crash(demo: Demo, stage: Stage) -> None:
    """The worst moment for a process to die: money was taken, and nothing of it is on record."""
    order = demo.create_order(("teapot", 1), ("tea", 2))
    path = f"/orders/{order['id']}"
    demo.begin("She pays once more, and the process dies once the card was charged")
    started = time.perf_counter()
    with demo.working("until it dies"):
        status = stage.die_while_paying(order)
    milliseconds = (time.perf_counter() - started) * 1000
    left, charges = read(demo.ask("GET", path)), stage.count_charges(order["id"])
    demo.show(
        f"POST /pay  →  no answer; the process ended by signal {-status}",
        milliseconds,
        [("exit status", -9, status), ("charges", 1, charges), ("order", "created", left.get("status"))],
        [describe(left), f"charges at the gateway: {charges}"],
    )
    demo.begin("Nobody calls again. settle_payments asks the gateway, and the order is paid")
    started = time.perf_counter()
    with demo.working("until the payment is old enough to be settled"):
        stage.settle(until=lambda: read(demo.ask("GET", path)).get("status") != "created")
    milliseconds = (time.perf_counter() - started) * 1000
    settled, charges = read(demo.ask("GET", path)), stage.count_charges(order["id"])
    demo.show(
        f"settle_payments, once the payment is {SETTLE_AFTER_SECONDS} s old",
        milliseconds,
        [("order", "paid", settled.get("status")), ("charges", 1, charges)],
        [describe(settled), f"charges at the gateway: {charges}"],
    )
    show_trail(demo, order["id"])


def show_trail(demo: Demo, order_id: str) -> None:
    """The trail, with its hashes worked out again here; and what a changed entry would look like."""
    demo.begin("All of it is on record: each entry holds the hash of the one before")
    started = time.perf_counter()
    answer = demo.ask("GET", f"/orders/{order_id}/audit")
    milliseconds = (time.perf_counter() - started) * 1000
    what = f"GET /orders/{{id}}/audit  →  {answer.status_code}"
    try:
        entries = [AuditEntry.from_document({**entry, "order_id": order_id}) for entry in read(answer)["entries"]]
        misfit = find_misfit(order_id, entries, entries[-1].head)
        changed = AuditEntry.from_document({**entries[0].to_document(), "facts": {"total_amount": 1}})
        found = find_misfit(order_id, [changed, *entries[1:]], entries[-1].head)
    except (KeyError, TypeError, IndexError, AttributeError):
        demo.show(what, milliseconds, [("an audit trail", True, False)], [str(read(answer))])
        return
    demo.show(
        what,
        milliseconds,
        [
            ("status", 200, answer.status_code),
            ("first entry that does not fit", None, misfit),
            ("last event", "order_paid", entries[-1].event),
            ("the entry that does not fit, were the amount in entry 1 another", 1, found.sequence if found else None),
        ],
        [
            "Every hash was worked out again here, and fits.",
            f"Were the amount in entry 1 another, the check would say that it {found.reason if found else 'fits'}.",
        ],
        draw_trail(order_id, entries),
    )


def draw_trail(order_id: str, entries: Sequence[AuditEntry]) -> Tree:
    """A branch for each entry, with its hashes below it."""
    tree = Tree(order_id, guide_style="dim")
    for entry in entries:
        states = f"{entry.from_status or 'new'} → {entry.to_status}"
        branch = tree.add(Text(f"{entry.sequence}  {entry.event}  {states}  by the {entry.actor}, {entry.at}"))
        branch.add(Text(f"before {entry.previous_hash[:16]}…", "dim"))
        branch.add(Text(f"hash   {entry.hash[:16]}…", "cyan"))
    return tree


def first_of(answer: httpx.Response) -> tuple[str, str] | None:
    orders = read(answer).get("orders")
    return (orders[0]["id"], orders[0]["status"]) if orders else None


@dataclass(frozen=True)
class LocalStage:
    """The local runtime, its database, and a second process that is about to die."""

    runtime: Runtime
    database: "DynamoDBClient"
    doomed: ChildProcess
    announcement: Path
    token: str

    def count_charges(self, order_id: str) -> int:
        items = self.database.scan(TableName="SimulatedGatewayTable")["Items"]
        charges = [item for item in items if item["outcome"]["S"] == "succeeded" and "order_id" in item]
        return sum(item["order_id"]["S"] == order_id for item in charges)

    def die_while_paying(self, order: Mapping[str, Any]) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (self.announcement.exists() and self.announcement.stat().st_size):
            if time.monotonic() > deadline:
                raise ChildProcessFailed("the process that is to die did not start")
            time.sleep(0.05)
        address = json.loads(self.announcement.read_text(encoding="utf-8"))["address"]
        with (
            httpx.Client(base_url=address, timeout=PATIENCE_SECONDS, trust_env=False) as http,
            contextlib.suppress(httpx.HTTPError),
        ):
            Shopper(http, self.token).ask("POST", "/pay", payment_of(dict(order)), key=new_key())
        return self.doomed.wait()

    def settle(self, until: Callable[[], bool]) -> None:
        [schedule] = [found for found in self.runtime.schedules if found.function.name == "settle_payments"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not until() and time.monotonic() < deadline:
            self.runtime.run(schedule)
            time.sleep(0.2)


@contextmanager
def open_stage(log: io.TextIOBase, console: Console) -> Iterator[tuple[str, LocalStage]]:
    """The address of a runtime, and what is behind it."""
    with ExitStack() as stack:
        with console.status("Making tables and starting the checkout"):
            endpoint = stack.enter_context(open_database())
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            database = connect(endpoint)
            create_tables(database)
            load_products(database)
            parameters = {**local_parameters(endpoint), "SettleAfterSeconds": str(SETTLE_AFTER_SECONDS)}
            announcement = Path(folder) / "doomed.json"
            command = [sys.executable, "-m", "local.dying_runtime", endpoint, str(announcement), json.dumps(parameters)]
            doomed = ChildProcess(command, folder=ROOT, output=log.buffer)  # type: ignore[attr-defined]
            stack.callback(doomed.stop)
            runtime = Runtime(read_template(parameters))
            address = stack.enter_context(serve_application(runtime, threaded=True))
        yield address, LocalStage(runtime, database, doomed, announcement, issue_token("alice"))


def wait_for_key(console: Console) -> None:
    """Says that it waits, until a key is pressed; not where nobody sits at a terminal."""
    if not sys.stdin.isatty():
        return
    import termios  # noqa: PLC0415  not on every system
    import tty  # noqa: PLC0415

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    console.print(Text(PROMPT, "dim"), end="\r")
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        os.read(descriptor, 1)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        console.print(" " * len(PROMPT), end="\r")


def make_console() -> Console:
    """On the terminal: standard output goes to a file, for the functions log there."""
    if isinstance(sys.__stdout__, io.TextIOWrapper):
        sys.__stdout__.reconfigure(errors="replace")  # a terminal that has no ticks gets question marks
    terminal = sys.__stdout__ is not None and sys.__stdout__.isatty()
    return Console(file=sys.__stdout__, highlight=False, width=None if terminal else WIDTH)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="Plays the checkout over HTTP, step by step.")
    parser.add_argument("--step", action="store_true", help="wait for a key before each step")
    step = parser.parse_args().step
    console, started = make_console(), time.perf_counter()
    tokens = {customer: issue_token(customer) for customer in ("alice", "mallory")}
    LOG.parent.mkdir(exist_ok=True)
    with (
        LOG.open("w", encoding="utf-8") as log,
        redirect_stdout(log),
        redirect_stderr(log),
        open_stage(log, console) as (address, stage),
        httpx.Client(base_url=address, timeout=PATIENCE_SECONDS, trust_env=False) as http,
    ):
        shoppers = {customer: Shopper(http, token) for customer, token in tokens.items()}
        demo = Demo(shoppers, console, (lambda: wait_for_key(console)) if step else lambda: None)
        demo.say(f"The checkout runs at {address}, its database is embedded.{' Press a key for each step.' * step}\n")
        try:
            play(demo, stage)
        except WrongAnswer:
            demo.say(f"That answer was wrong. The functions' log is {LOG.relative_to(ROOT)}.", "red")
            return 1
        except (httpx.HTTPError, ChildProcessFailed) as error:
            demo.say(f"There was no answer: {error}. The functions' log is {LOG.relative_to(ROOT)}.", "red")
            return 1
    seconds = time.perf_counter() - started - demo.waited_seconds
    demo.say(f"{demo.steps} steps, every answer as it should be. Started and played in {seconds:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
