"""What a request leaves in its process: nothing that holds the request, however it is answered."""

import gc
import json
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from checkout.gateway import Charge, OutcomeUndecided
from checkout.simulated_gateway import SimulatedGateway
from tests.integration.conftest import Answer, Checkout

pytestmark = pytest.mark.proves("FR-715")


class Event(dict[str, Any]):
    """An event of which one can tell whether it is still there."""


@pytest.fixture(autouse=True)
def nobody_searches() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def ask(checkout: Checkout, function: str, **members: Any) -> tuple[Answer, "weakref.ref[Event]"]:
    event = Event(
        {
            "headers": {"idempotency-key": checkout.new_key()},
            "requestContext": {
                "requestId": "request",
                "authorizer": {"lambda": {"customer_id": "alice", "scope": ""}},
            },
            **members,
        }
    )
    return checkout.invoke(function, event), weakref.ref(event)


def pay(checkout: Checkout, token: str) -> tuple[Answer, "weakref.ref[Event]"]:
    order = checkout.create_order()
    body = {"order_id": order["id"], "token": token, "amount": order["total_amount"], "currency": order["currency"]}
    return ask(checkout, "pay", body=json.dumps(body))


Asking = Callable[[Checkout], tuple[Answer, "weakref.ref[Event]"]]

ASKED: Mapping[str, tuple[int, Asking]] = {
    "a page": (200, lambda checkout: ask(checkout, "list_orders")),
    "a cursor that is none": (
        400,
        lambda checkout: ask(checkout, "list_orders", queryStringParameters={"cursor": "z"}),
    ),
    "a body that is no JSON": (400, lambda checkout: ask(checkout, "create_order", body="{")),
    "an order of nothing": (422, lambda checkout: ask(checkout, "create_order", body='{"items": []}')),
    "an order that is nobody's": (404, lambda checkout: ask(checkout, "get_order", pathParameters={"order_id": "x"})),
    "a payment": (201, lambda checkout: pay(checkout, "tok_visa")),
    "a declined card": (402, lambda checkout: pay(checkout, "tok_chargeDeclined")),
    "a token that is none": (422, lambda checkout: pay(checkout, "tok_none")),
    "a gateway that is not there": (503, lambda checkout: pay(checkout, "tok_unavailable")),
    "a gateway that does not answer": (202, lambda checkout: pay(checkout, "tok_timeoutBeforeCharge")),
}


@pytest.mark.parametrize(("status", "asking"), ASKED.values(), ids=ASKED)
def test_nothing_keeps_a_request_that_was_answered(checkout: Checkout, status: int, asking: Asking) -> None:
    answer, event = asking(checkout)
    assert answer.status == status
    assert event() is None


def test_nor_does_a_gateway_that_has_not_decided(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(*_: object) -> Charge:
        raise OutcomeUndecided

    monkeypatch.setattr(SimulatedGateway, "charge", wait)
    answer, event = pay(checkout, "tok_visa")
    assert answer.status == 202
    assert event() is None
