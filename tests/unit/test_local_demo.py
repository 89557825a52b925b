"""The demo shows whatever is wrong, and ends there (FR-036)."""

import json
from typing import Any

import httpx
import pytest

from local.demo import Demo, WrongAnswer, play

pytestmark = pytest.mark.proves("FR-036")

ORDER = {"id": "ord_1", "status": "created", "total_amount": 4850, "currency": "usd", "items": []}
PAYMENT = {"transaction_id": "pay_1", "status": "succeeded", "amount": 4850, "currency": "usd", "duplicate": False}
PAID = ORDER | {"status": "paid", "payment_transaction_id": "pay_1"}
TRANSITION = {
    "current_status": "paid",
    "requested_status": "cancelled",
    "allowed_transitions": ["fulfilled", "refunded"],
}

Answer = tuple[int, Any]


def refuse(status: int, code: str, **facts: Any) -> Answer:
    return status, {"code": code, "detail": "No.", **facts}


class FakeCheckout:
    """Answers as the checkout does, but for one call."""

    def __init__(self, broken: str = "", answer: Answer = (500, {"message": "Internal Server Error"})) -> None:
        self._broken = broken
        self._answer = answer
        self._keys: set[str] = set()

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
            "GET /orders/ord_1": (200, ORDER),
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


def make_demo(checkout: FakeCheckout) -> Demo:
    http = httpx.Client(base_url="http://checkout", transport=httpx.MockTransport(checkout))
    return Demo(http, {"alice": "alice", "mallory": "mallory"})


def test_right_answers_are_shown_to_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    play(make_demo(FakeCheckout()), lambda _: 1)


CALLS = [
    "POST /orders",
    "POST /pay",
    "PATCH /orders/ord_1/pay",
    "GET /orders",
    "GET /orders/ord_1",
    "POST /orders/ord_1/cancel",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "answer",
    [(500, {"message": "Internal Server Error"}), (200, "<html>"), (201, {}), (200, {"orders": []}), (404, [])],
    ids=["fault", "HTML", "nothing", "an empty list", "an array"],
)
def test_an_answer_of_any_other_form_is_a_wrong_answer(call: str, answer: Answer) -> None:
    with pytest.raises(WrongAnswer):
        play(make_demo(FakeCheckout(call, answer)), lambda _: 1)


def test_two_charges_for_a_double_click_are_a_wrong_answer() -> None:
    with pytest.raises(WrongAnswer):
        play(make_demo(FakeCheckout()), lambda _: 2)
