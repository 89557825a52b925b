"""The events under events/ are what API Gateway sends, and what the handlers take."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from checkout import token_verifier
from local.keys import issue_token, read_jwks
from local.template import ROOT, read_template
from tests.integration.conftest import Checkout, Context

EVENTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "events").glob("*.json")}

# With empty tables: an order that is not there is told as such, and that is an answer of the handler's own.
EXPECTED = {
    "create_order": 201,
    "list_orders": 200,
    "get_order": 404,
    "get_order_audit": 404,
    "cancel_order": 404,
    "fulfil_order": 404,
    "refund_order": 404,
    "mark_order_paid": 404,
    "pay": 404,
    "get_payment": 404,
    "list_products": 200,
    "health": 200,
    "get_web_file": 200,
    "receive_stripe_event": 400,
}
JOBS = ("settle_payments", "reconcile_payments")


@pytest.mark.proves("FR-035")
def test_there_is_an_event_for_each_function() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(EVENTS) == functions == {*EXPECTED, *JOBS, "authorize"}


@pytest.mark.proves("FR-035")
@pytest.mark.parametrize("function", EXPECTED)
def test_an_event_is_of_a_route_of_its_functions_and_is_answered(checkout: Checkout, function: str) -> None:
    event: dict[str, Any] = EVENTS[function]
    keys = {f"{route.method} {route.path}" for route in read_template().routes if route.function.code.name == function}
    assert event["routeKey"] == event["requestContext"]["routeKey"]
    assert event["routeKey"] in keys
    answer = getattr(importlib.import_module(f"functions.{function}.app"), function)(event, Context())
    assert answer["statusCode"] == EXPECTED[function], answer["body"]


@pytest.mark.proves("FR-232")
@pytest.mark.parametrize("function", JOBS)
def test_a_schedules_event_is_taken(checkout: Checkout, function: str) -> None:
    schedules = {schedule.function.code.name for schedule in read_template().schedules}
    assert function in schedules
    done = getattr(importlib.import_module(f"functions.{function}.app"), function)(EVENTS[function], Context(60))
    assert set(map(str, done.values())) <= {"0", "[]"}


@pytest.mark.proves("FR-001", "FR-035")
def test_the_authorizers_event_is_answered(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authorize = importlib.import_module("functions.authorize.app").authorize
    monkeypatch.setenv("JWKS", read_jwks(tmp_path))
    token_verifier.from_environment.cache_clear()
    event = EVENTS["authorize"]
    assert authorize(event, Context()) == {"isAuthorized": False}
    event = {**event, "identitySource": [f"Bearer {issue_token('alice', data=tmp_path)}"]}
    assert authorize(event, Context())["isAuthorized"]
    token_verifier.from_environment.cache_clear()
