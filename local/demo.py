"""Plays the checkout over HTTP against the local runtime with an embedded database: `python -m local.demo`.

Exit status 0 only if every answer was as it should be.
"""

import io
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import httpx

from checkout.money import Money
from local.database import open_database
from local.keys import issue_token, local_parameters
from local.runtime import Runtime
from local.tables import connect, create_tables, load_products
from local.template import ROOT, read_template
from local.wsgi import serve_application

LOG = ROOT / ".data" / "demo.log"

Check = tuple[str, object, object]
"""What is looked at, what it should be, what it is."""


class WrongAnswer(Exception):
    """An answer was not as it should be; what it is has been shown."""


class Demo:
    """Shows one call after the other, until one is wrong."""

    def __init__(self, http: httpx.Client, tokens: Mapping[str, str]) -> None:
        self._http = http
        self._tokens = tokens
        self._colours = sys.__stdout__ is not None and sys.__stdout__.isatty()

    def ask(
        self, method: str, path: str, body: object = None, *, customer: str = "alice", key: str | None = None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._tokens[customer]}"}
        if key:
            headers["idempotency-key"] = key
        return self._http.request(method, path, json=body, headers=headers)

    def step(self, title: str, call: Callable[[], httpx.Response], *checks: Callable[[Any], Check]) -> Any:
        """Makes a call and shows it: what was asked, what came, how long it took. The body of the answer.

        Raises WrongAnswer.
        """
        started = time.perf_counter()
        answer = call()
        milliseconds = (time.perf_counter() - started) * 1000
        wrong = [check for check in (make(answer) for make in checks) if check[1] != check[2]]
        self.show(title, f"{answer.request.method} {answer.request.url.path}", answer, milliseconds, wrong)
        return read(answer)

    def create_order(self, *lines: tuple[str, int]) -> dict[str, Any]:
        """An order that a step needs; shown only where it is wrong. Raises WrongAnswer."""
        answer = self.ask("POST", "/orders", new_order(*lines), key=new_key())
        order = read(answer)
        if (answer.status_code, order.get("status")) != (201, "created"):
            check = ("status", (201, "created"), (answer.status_code, order.get("status")))
            self.show("Alice orders once more", "POST /orders", answer, answer.elapsed.total_seconds() * 1000, [check])
        return order

    def show(self, title: str, asked: str, answer: httpx.Response, milliseconds: float, wrong: Sequence[Check]) -> None:
        mark = self._paint("31", "✗") if wrong else self._paint("32", "✓")
        say(f"{mark} {self._paint('1', title)}")
        say(f"    {asked}  →  {answer.status_code}  ({milliseconds:.0f} ms)")
        say(f"    {describe(read(answer))}")
        for what, expected, got in wrong:
            say(self._paint("31", f"    {what}: expected {expected}, got {got}"))
        say("")
        if wrong:
            raise WrongAnswer

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colours else text


def say(line: str) -> None:
    """To the terminal: standard output goes to a file, for the functions log there."""
    print(line, file=sys.__stdout__, flush=True)


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
    if "orders" in body:
        return "; ".join(f"{order['id']} {order['status']} {amount_of(order)}" for order in body["orders"])
    if "items" in body:
        items = ", ".join(f"{item['quantity']} {item['name']}" for item in body["items"])
        return f"{body['id']}  {body['status']}  {amount_of(body)}  ({items})"
    if "transaction_id" in body:
        again = "  the same answer again" if body["duplicate"] else ""
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


def play(demo: Demo, count_charges: Callable[[str], int]) -> None:
    order = demo.step(
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
    double_click(demo, count_charges)
    declined = demo.create_order(("teapot", 1))
    demo.step(
        "A card is declined",
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


def double_click(demo: Demo, count_charges: Callable[[str], int]) -> None:
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

    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(click), pool.submit(click)]]
    milliseconds = (time.perf_counter() - started) * 1000
    first, again = sorted(answers, key=lambda answer: bool(read(answer).get("duplicate")))
    checks: list[Check] = [
        ("statuses", [201, 201], [first.status_code, again.status_code]),
        ("second transaction", read(first).get("transaction_id"), read(again).get("transaction_id")),
        ("charges", 1, count_charges(order["id"])),
        ("duplicates", [False, True], [read(first).get("duplicate"), read(again).get("duplicate")]),
    ]
    wrong = [check for check in checks if check[1] != check[2]]
    demo.show("She clicks twice: one charge", "POST /pay, twice with one key", again, milliseconds, wrong)


def new_order(*lines: tuple[str, int]) -> dict[str, Any]:
    return {"items": [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]}


def payment_of(order: dict[str, Any], token: str = "tok_visa") -> dict[str, Any]:  # noqa: S107  a test token
    return {
        "order_id": order["id"],
        "token": token,
        "amount": order["total_amount"],
        "currency": order["currency"],
    }


def first_of(answer: httpx.Response) -> tuple[str, str] | None:
    orders = read(answer).get("orders")
    return (orders[0]["id"], orders[0]["status"]) if orders else None


def new_key() -> str:
    return str(uuid.uuid4())


def main() -> int:
    started = time.perf_counter()
    if isinstance(sys.__stdout__, io.TextIOWrapper):
        sys.__stdout__.reconfigure(errors="replace")  # a terminal that has no ticks gets question marks
    LOG.parent.mkdir(exist_ok=True)
    with (
        LOG.open("w", encoding="utf-8") as log,
        redirect_stdout(log),
        redirect_stderr(log),
        open_database() as endpoint,
    ):
        database = connect(endpoint)
        create_tables(database)
        load_products(database)

        def count_charges(order_id: str) -> int:
            items = database.scan(TableName="SimulatedGatewayTable")["Items"]
            return sum(item["order_id"]["S"] == order_id for item in items if item["outcome"]["S"] == "succeeded")

        runtime = Runtime(read_template(local_parameters(endpoint)))
        tokens = {customer: issue_token(customer) for customer in ("alice", "mallory")}
        with (
            serve_application(runtime, threaded=True) as address,
            httpx.Client(base_url=address, timeout=10, trust_env=False) as http,
        ):
            say(f"The checkout runs at {address}, its database is embedded.\n")
            try:
                play(Demo(http, tokens), count_charges)
            except WrongAnswer:
                say(f"That answer was wrong. The functions' log is {LOG.relative_to(ROOT)}.")
                return 1
            except httpx.HTTPError as error:
                say(f"There was no answer: {error}. The functions' log is {LOG.relative_to(ROOT)}.")
                return 1
    say(f"Every answer was as it should be. Started and played in {time.perf_counter() - started:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
