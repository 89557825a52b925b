"""Random requests, well-formed and not, held against web/openapi.json over HTTP by schemathesis: no fault of ours, no
status, no document that the contract does not have, and nothing in an answer that is another customer's.

They are made by two customers and by staff, with ids of both, and with ids of nobody. Some ask for what can be done, so
that no operation is seen to refuse only.
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from checkout.caller import STAFF_SCOPE
from local.keys import issue_token
from local.template import read_template
from tests.conftest import REQUIRE_ALL
from tests.e2e.conftest import Customer, new_key, new_order
from tools.make_openapi import TARGET, render_openapi
from tools.openapi_operations import NO_OPERATIONS, OPERATIONS

# Neither the circuit nor a cap, which all requests would share.
PARAMETERS = {"CircuitFailures": "1000000", "MaxHourlyDeclines": "1000000", "MaxDeclines": "1000000"}
EXAMPLES = 50 if REQUIRE_ALL else 6
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = json.loads(TARGET.read_text(encoding="utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
REQUESTS = [
    pytest.param(path, method, mode, id=f"{method.upper()} {path}, {mode.value}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    # Where nothing is asked for, nothing can be wrong.
    if mode is GenerationMode.POSITIVE or operation["parameters"] or "requestBody" in operation
]
KNOWN = {
    "product_id": ["mug", "tea"],
    "unit_price": [None, 1800],
    "currency": ["usd", "USD"],
    "amount": [1800, 600],
    # Not the one that makes the gateway unavailable: its 503 is right, and a 5xx here is a fault.
    "token": ["tok_visa", "tok_chargeDeclined", "tok_timeoutAfterCharge"],
}
CALLERS = st.sampled_from(["alice", "bob", "staff"])
FOR_STAFF = {"/orders/{order_id}/fulfil", "/orders/{order_id}/refunds"}
# What fuzzing cannot sign.
NEVER_DONE = {"/webhooks/stripe"}


@pytest.mark.proves("FR-309")
def test_the_document_is_what_the_models_and_the_template_say() -> None:
    described = {route.function.name for route in read_template().routes} - NO_OPERATIONS
    assert described == OPERATIONS.keys()
    assert TARGET.read_text(encoding="utf-8") == render_openapi(), "run `make openapi`"


@dataclass(frozen=True)
class People:
    """Who asks, by name: their tokens, and the ids and the mark that only they may see."""

    tokens: dict[str, str]
    order_ids: dict[str, list[str]]
    payment_ids: dict[str, list[str]]
    marks: dict[str, str]

    def list_all(self, name: str) -> list[str]:
        """Ids of everybody."""
        by_name: dict[str, list[str]] = getattr(self, name)
        return [each for ids in by_name.values() for each in ids]

    def list_secrets(self, caller: str) -> Iterator[str]:
        """What is another customer's."""
        for name in self.marks.keys() - {caller}:
            yield from (self.marks[name], *self.order_ids[name], *self.payment_ids[name])


@pytest.fixture(scope="module")
def people(http: httpx.Client) -> People:
    run = str(uuid.uuid4())
    tokens = {name: issue_token(f"{name}-{run}") for name in ("alice", "bob")}
    tokens["staff"] = issue_token(f"sam-{run}", scope=STAFF_SCOPE)
    made = People(tokens, {"alice": [], "bob": []}, {"alice": [], "bob": []}, {})
    for name in ("alice", "bob"):
        made.marks[name] = f"mark-{uuid.uuid4()}"
        customer = Customer(http, tokens[name])
        for token in (*[""] * 8, "tok_visa", "tok_chargeDeclined", "tok_timeoutAfterCharge"):
            body = new_order(("mug", 1), metadata={"mark": made.marks[name]})
            order = customer.ask("POST", "/orders", body, key=new_key()).json()
            made.order_ids[name].append(order["id"])
            if token:
                answer = customer.pay(order, token).json()
                made.payment_ids[name].append(answer["transaction_id"])
        customer.mark_paid({"id": made.order_ids[name][-3]}, made.payment_ids[name][0])
    return made


def put_known(data: st.DataObject, place: Any, people: People) -> None:
    """Often, ids that somebody has, and values that mean something."""
    if isinstance(place, list):
        for each in place:
            put_known(data, each, people)
    if not isinstance(place, dict):
        return
    known = KNOWN | {"order_id": people.list_all("order_ids"), "transaction_id": people.list_all("payment_ids")}
    for name, value in place.items():
        if name in known and data.draw(st.sampled_from([True, True, True, False])):
            place[name] = data.draw(st.sampled_from(known[name]))
        else:
            put_known(data, value, people)


def put_possible(path: str, case: Any, people: People, http: httpx.Client) -> str:
    """Asks for what can be done, with an order that is there for it, and says who may ask."""
    alice = Customer(http, people.tokens["alice"])
    order = alice.create_order(("mug", 1))
    possible: dict[str, Any] = {"items": [{"product_id": "mug", "quantity": 1}], "amount": 1800, "currency": "usd"}
    possible |= {"order_id": order["id"], "token": "tok_visa"}
    if path not in {"/pay", "/orders/{order_id}/cancel"}:
        possible["transaction_id"] = alice.pay(order).json()["transaction_id"]
    if path in FOR_STAFF:
        alice.mark_paid(order, possible["transaction_id"])
    for place in (case.path_parameters, case.body):
        if isinstance(place, dict):
            # The key is in the header, and another one in the body would be refused.
            place.pop("idempotency_key", None)
            place.update({name: possible[name] for name in place.keys() & possible.keys()})
    return "staff" if path in FOR_STAFF else "alice"


@pytest.mark.proves("FR-309", "FR-003", "FR-006")
@pytest.mark.parametrize(("path", "method", "mode"), REQUESTS)
def test_no_request_gets_what_the_contract_does_not_have(
    path: str, method: str, mode: GenerationMode, people: People, http: httpx.Client, say: Callable[[str], None]
) -> None:
    operation = SCHEMA[path][method.upper()]
    cases = operation.as_strategy(generation_mode=mode)
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        caller, case = data.draw(CALLERS), data.draw(cases)
        for place in (case.path_parameters, case.body):
            put_known(data, place, people)
        is_possible = mode is GenerationMode.POSITIVE and path not in NEVER_DONE and data.draw(st.booleans())
        if is_possible:
            caller = put_possible(path, case, people, http)
        headers = {"authorization": f"Bearer {people.tokens[caller]}"}
        if is_possible or data.draw(st.sampled_from([True, True, True, False])):
            headers["idempotency-key"] = str(uuid.UUID(int=data.draw(st.integers(0, 2**128 - 1))))
        answer = case.call(base_url=str(http.base_url), headers=headers)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        if caller == "staff":
            return
        asked = json.dumps([case.path_parameters, str(case.body), str(case.query)])
        for secret in people.list_secrets(caller):
            assert secret in asked or secret not in answer.text, f"{caller} was told of {secret}"

    ask()
    say(f"fuzzed {method.upper()} {path}, {mode.value}: {dict(sorted(statuses.items()))}")
    if mode is GenerationMode.POSITIVE and path not in NEVER_DONE:
        done = sum(times for status, times in statuses.items() if status < 300)
        assert done >= EXAMPLES / 10, f"hardly any request was answered with what it asked for: {dict(statuses)}"
