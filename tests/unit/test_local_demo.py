"""The demo shows whatever is wrong, and ends there (FR-036, FR-608)."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from checkout.audit import EMPTY_TRAIL, Actor, append_entry
from local.demo import LOG, Demo, WrongAnswer, play
from local.shopper import Shopper
from local.template import ROOT
from tests.programs import look_through_file, read_terminal

pytestmark = pytest.mark.proves("FR-036", "FR-608")

ORDER = {"id": "ord_1", "status": "created", "total_amount": 4850, "currency": "usd", "items": []}
PAYMENT = {"transaction_id": "pay_1", "status": "succeeded", "amount": 4850, "currency": "usd", "duplicate": False}
PAID = ORDER | {"status": "paid", "payment_transaction_id": "pay_1"}
TRANSITION = {
    "current_status": "paid",
    "requested_status": "cancelled",
    "allowed_transitions": ["fulfilled", "refunded"],
}

PRODUCTS = [{"product_id": name, "name": name, "unit_price": 1, "currency": "usd"} for name in ("a", "b", "c", "d")]

Answer = tuple[int, Any]


def make_trail() -> list[dict[str, Any]]:
    head, trail = EMPTY_TRAIL, []
    for event, before, after in (("order_created", None, "created"), ("order_paid", "created", "paid")):
        entry = append_entry(
            head,
            order_id="ord_1",
            at="2026-01-01T00:00:00.000Z",
            actor=Actor.SYSTEM,
            event=event,
            from_status=before,
            to_status=after,
            facts={"amount": 4850},
            request_id="r",
        )
        head = entry.head
        document = entry.to_document()
        del document["order_id"]
        trail.append(document)
    return trail


def refuse(status: int, code: str, **facts: Any) -> Answer:
    return status, {"code": code, "detail": "No.", **facts}


class FakeCheckout:
    """Answers as the checkout does, but for one call."""

    def __init__(self, broken: str = "", answer: Answer = (500, {"message": "Internal Server Error"})) -> None:
        self._broken = broken
        self._answer = answer
        self._keys: set[str] = set()
        self.settled = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.path}"
        status, body = self._answer if call == self._broken else self._answer_right(call, request)
        return httpx.Response(status, json=body) if not isinstance(body, str) else httpx.Response(status, text=body)

    def _answer_right(self, call: str, request: httpx.Request) -> Answer:
        if call == "POST /pay":
            return self._pay(request)
        if call == "GET /orders/ord_1" and "mallory" in request.headers["authorization"]:
            return refuse(404, "order_not_found")
        answers: dict[str, Answer] = {
            "POST /orders": (201, ORDER),
            "PATCH /orders/ord_1/pay": (200, PAID),
            "GET /orders": (200, {"orders": [PAID], "next_cursor": None}),
            "GET /products": (200, {"products": PRODUCTS}),
            "GET /orders/ord_1": (200, PAID if self.settled else ORDER),
            "GET /orders/ord_1/audit": (200, {"entries": make_trail()}),
            "POST /orders/ord_1/cancel": refuse(409, "invalid_transition", **TRANSITION),
        }
        return answers[call]

    def _pay(self, request: httpx.Request) -> Answer:
        if json.loads(request.content)["token"] != "tok_visa":
            return refuse(402, "card_declined", decline_code="insufficient_funds")
        key = request.headers["idempotency-key"]
        again = key in self._keys
        self._keys.add(key)
        return 201, PAYMENT | {"duplicate": again}


class FakeStage:
    """Behind the checkout nothing but what a test says."""

    def __init__(self, checkout: FakeCheckout, *, charges: int = 1, status: int = -9, settles: bool = True) -> None:
        self._checkout = checkout
        self._charges = charges
        self._status = status
        self._settles = settles

    def count_charges(self, _order_id: str) -> int:
        return self._charges

    def die_while_paying(self, _order: Mapping[str, Any]) -> int:
        return self._status

    def settle(self, until: Callable[[], bool]) -> None:
        assert not until()
        self._checkout.settled = self._settles


def play_on(checkout: FakeCheckout, **stage: Any) -> str:
    """What is shown."""
    http = httpx.Client(base_url="http://checkout", transport=httpx.MockTransport(checkout))
    shown = io.StringIO()
    console = Console(file=shown, width=110)
    play(Demo({name: Shopper(http, name) for name in ("alice", "mallory")}, console), FakeStage(checkout, **stage))
    return shown.getvalue()


def test_right_answers_are_shown_to_the_end() -> None:
    shown = play_on(FakeCheckout())
    assert shown.count("✓") == 12
    assert "✗" not in shown
    for entry in make_trail():
        assert entry["hash"][:16] in shown
    assert "\033" not in shown, "no colours where there is no terminal"


CALLS = [
    "GET /products",
    "POST /orders",
    "POST /pay",
    "PATCH /orders/ord_1/pay",
    "GET /orders",
    "GET /orders/ord_1",
    "POST /orders/ord_1/cancel",
    "GET /orders/ord_1/audit",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "answer",
    [(500, {"message": "Internal Server Error"}), (200, "<html>"), (201, {}), (200, {"orders": []}), (404, [])],
    ids=["fault", "HTML", "nothing", "an empty list", "an array"],
)
def test_an_answer_of_any_other_form_is_a_wrong_answer(call: str, answer: Answer) -> None:
    with pytest.raises(WrongAnswer):
        play_on(FakeCheckout(call, answer))


@pytest.mark.parametrize("stage", [{"charges": 2}, {"charges": 0}, {"status": 0}, {"settles": False}], ids=str)
def test_what_is_wrong_behind_the_checkout_is_a_wrong_answer(stage: dict[str, Any]) -> None:
    with pytest.raises(WrongAnswer):
        play_on(FakeCheckout(), **stage)


def test_a_trail_that_was_changed_is_a_wrong_answer() -> None:
    trail = make_trail()
    trail[0]["facts"]["amount"] = 1
    with pytest.raises(WrongAnswer):
        play_on(FakeCheckout("GET /orders/ord_1/audit", (200, {"entries": trail})))


PAUSE_SECONDS = 0.3
STEP = re.compile(rb"[\r\n]([ \d]\d)  ")
DEMO = [sys.executable, "-m", "local.demo", "--step"]


def test_each_step_waits_for_a_key_and_says_so() -> None:
    started = time.perf_counter()
    main, terminal = pty.openpty()
    played = subprocess.Popen(DEMO, cwd=ROOT, stdin=terminal, stdout=subprocess.PIPE)
    assert played.stdout
    shown = b""
    for step in range(1, 12):
        while shown.count(b"press a key\r") < step:
            more = os.read(played.stdout.fileno(), 4096)
            assert more, shown.decode()
            shown += more
        # At the beginning of a line: an order's id may end with any number.
        assert [int(number) for number in STEP.findall(shown)] == list(range(1, step + 1))
        time.sleep(PAUSE_SECONDS)
        os.write(main, b" ")
    shown += played.stdout.read()
    assert played.wait() == 0
    [told] = re.findall(r"played in ([\d.]+) s", shown.decode())
    assert float(told) + 11 * PAUSE_SECONDS <= time.perf_counter() - started, "what it waited is not counted"
    look_through_file(LOG)


WORKING = """
import sys, time
from contextlib import redirect_stdout
from local.demo import Demo, make_console

console = make_console()
with open(sys.argv[1], "w") as log, redirect_stdout(log), Demo({}, console).working("settling"):
    print("a line of the functions' log")
    time.sleep(0.3)
"""


def test_what_functions_log_does_not_come_between_the_steps(tmp_path: Path) -> None:
    main, terminal = pty.openpty()
    worked = subprocess.run(
        [sys.executable, "-c", WORKING, tmp_path / "log"],
        cwd=ROOT,
        stdout=terminal,
        env={**os.environ, "TERM": "xterm"},
        check=True,
    )
    shown = read_terminal(main, terminal)
    assert worked.returncode == 0
    assert b"settling" in shown
    assert b"functions' log" not in shown
    assert (tmp_path / "log").read_text() == "a line of the functions' log\n"
