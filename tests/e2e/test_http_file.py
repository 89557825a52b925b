"""docs/checkout.http, sent request by request: each is answered with the status that its title says."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from checkout.caller import STAFF_SCOPE
from local.keys import issue_token
from local.template import ROOT, read_template
from tests.e2e.conftest import Checkout
from tools.openapi_operations import NO_OPERATIONS

FILE = ROOT / "docs" / "checkout.http"
VARIABLE = re.compile(r"@(\w+) = (.+)")
NAME = re.compile(r"# @name (\w+)")
PLACEHOLDER = re.compile(r"\{\{(.+?)\}\}")


@dataclass(frozen=True)
class Step:
    """A request as the file has it, with its placeholders."""

    status: int
    title: str
    name: str
    method: str
    url: str
    headers: dict[str, str]
    body: str


def read_variables(text: str) -> dict[str, str]:
    return dict(VARIABLE.findall(text.partition("\n###")[0]))


def read_steps(text: str) -> Iterator[Step]:
    for part in re.split(r"(?m)^### ", text)[1:]:
        title, _, rest = part.partition("\n")
        status, _, words = title.partition(" ")
        lines = [line for line in rest.splitlines() if not line.startswith("#")]
        head, _, body = "\n".join(lines).strip().partition("\n\n")
        request, *headers = head.splitlines()
        method, _, url = request.partition(" ")
        name = NAME.search(rest)
        pairs = dict(header.split(": ", 1) for header in headers)
        yield Step(int(status), words, name[1] if name else "", method, url, pairs, body.strip())


class Sender:
    """Fills placeholders in, as editors do: variables, the environment, new ids, and what earlier requests got."""

    def __init__(self, variables: dict[str, str], environment: dict[str, str]) -> None:
        self._variables = variables
        self._environment = environment
        self._answers: dict[str, httpx.Response] = {}

    def send(self, step: Step, http: httpx.Client) -> httpx.Response:
        headers = {name: self.fill(value) for name, value in step.headers.items()}
        answer = http.request(step.method, self.fill(step.url), headers=headers, content=self.fill(step.body) or None)
        if step.name:
            self._answers[step.name] = answer
        return answer

    def fill(self, text: str) -> str:
        return PLACEHOLDER.sub(lambda match: self._look_up(match[1]), text)

    def _look_up(self, what: str) -> str:
        if what == "$guid":
            return str(uuid.uuid4())
        if what.startswith("$processEnv "):
            return self._environment[what.removeprefix("$processEnv ")]
        if what in self._variables:
            return self.fill(self._variables[what])
        name, side, part, place = what.split(".", 3)
        message: Any = self._answers[name].request if side == "request" else self._answers[name]
        return str(message.headers[place]) if part == "headers" else str(message.json()[place.removeprefix("$.")])


@pytest.mark.proves("FR-510")
def test_the_http_file_goes_through_the_whole_flow(http: httpx.Client, checkout: Checkout) -> None:
    text = FILE.read_text(encoding="utf-8")
    environment = {
        "TOKEN": issue_token(f"alice-{uuid.uuid4()}"),
        "STAFF": issue_token("sam", scope=STAFF_SCOPE),
    }
    sender = Sender(read_variables(text) | {"checkout": checkout.base_url}, environment)
    answers = [(step, sender.send(step, http)) for step in read_steps(text)]
    assert [(step.title, answer.status_code) for step, answer in answers] == [
        (step.title, step.status) for step, _ in answers
    ]
    [first, second] = [answer for step, answer in answers if "click" in step.title or step.name == "payment"]
    assert second.headers["idempotent-replayed"] == "true"
    assert first.json()["transaction_id"] == second.json()["transaction_id"]


@pytest.mark.proves("FR-510")
def test_the_http_file_leaves_out_no_operation_but_the_gateways() -> None:
    asked = {(step.method, re.sub(r"\{\{(order|other|payment)\..*?\}\}", "*", step.url)) for step in steps()}
    paths = {(method, url.removeprefix("{{checkout}}").partition("?")[0]) for method, url in asked}
    operations = {
        (route.method, re.sub(r"\{.*?\}", "*", route.path)): route.function.name
        for route in read_template().routes
        if route.function.name not in NO_OPERATIONS
    }
    assert {name for place, name in operations.items() if place not in paths} == {"receive_stripe_event"}


def steps() -> list[Step]:
    return list(read_steps(FILE.read_text(encoding="utf-8")))
