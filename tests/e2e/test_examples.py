"""The OpenAPI document's examples: each is played again over HTTP, and no status and no code is without one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from checkout.audit import AuditEntry, AuditHead, find_misfit
from tests.e2e.conftest import BASE_URL
from tests.e2e.examples import Player
from tests.e2e.situations import SITUATIONS, Situation, find_situation
from tools.make_openapi import TARGET
from tools.openapi_examples import read_examples

pytestmark = pytest.mark.skipif(bool(BASE_URL), reason="examples are played in runtimes of the test's own")

DOCUMENT = json.loads(TARGET.read_text(encoding="utf-8"))
DOCUMENTED = {(example.operation, example.name): example for example in read_examples(DOCUMENT)}
SCHEMAS = {"components": DOCUMENT["components"]}


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    with Player(tmp_path_factory.mktemp("examples")) as opened:
        yield opened


@pytest.mark.proves("FR-503")
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: f"{each.operation}-{each.name}")
def test_an_example_is_what_happens(situation: Situation, player: Player) -> None:
    played = player.play(situation)
    assert played == DOCUMENTED.get((situation.operation, situation.name)), "run `make openapi`, and see what differs"


@pytest.mark.proves("FR-502")
def test_every_example_is_played() -> None:
    assert DOCUMENTED.keys() == {(each.operation, each.name) for each in SITUATIONS}


def list_promises() -> Iterator[tuple[str, int, str | None]]:
    """Each operation's statuses, and their codes where they have some."""
    for operation in list_operations():
        for status, response in operation["responses"].items():
            for content in response["content"].values():
                for code in list_codes(content["schema"]):
                    yield operation["operationId"], int(status), code


def list_operations() -> list[dict[str, Any]]:
    return [operation for path in DOCUMENT["paths"].values() for operation in path.values()]


def list_codes(schema: dict[str, Any]) -> list[str | None]:
    names = [choice["$ref"].rpartition("/")[2] for choice in schema.get("oneOf", [schema])]
    return [DOCUMENT["components"]["schemas"][name]["properties"].get("code", {}).get("const") for name in names]


@pytest.mark.proves("FR-502")
def test_every_status_and_every_code_has_an_example() -> None:
    shown = {(example.operation, example.status, example.code) for example in DOCUMENTED.values()}
    assert set(list_promises()) == shown


@pytest.mark.proves("FR-501", "FR-502")
@pytest.mark.parametrize(("operation", "name"), DOCUMENTED)
def test_an_example_is_what_its_schema_says(operation: str, name: str) -> None:
    example = DOCUMENTED[operation, name]
    [described] = [each for each in list_operations() if each["operationId"] == operation]
    schema = described["responses"][str(example.status)]["content"][example.response["type"]]["schema"]
    Draft202012Validator({**schema, **SCHEMAS}).validate(example.response["body"])
    if example.is_success and "requestBody" in described:
        schema = described["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, **SCHEMAS}).validate(example.request["body"])


@pytest.mark.proves("FR-501")
def test_facts_of_a_code_are_in_its_schema() -> None:
    for example in DOCUMENTED.values():
        if example.code:
            name = "".join(word.capitalize() for word in example.code.split("_"))
            name = {"ValidationError": "ValidationFailed"}.get(name, name)
            assert set(example.response["body"]) <= set(DOCUMENT["components"]["schemas"][name]["properties"])


@pytest.mark.proves("FR-501")
def test_the_document_is_openapi_that_reads_well() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in list_operations():
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags
        assert all(parameter["description"] for parameter in operation["parameters"])


@pytest.mark.proves("FR-501")
def test_headers_of_requests_and_answers_are_described() -> None:
    described = {operation["operationId"]: operation for operation in list_operations()}
    pay = described["pay"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in pay["parameters"]]
    assert set(pay["responses"]["202"]["headers"]) == {"Location", "Retry-After"}
    assert pay["responses"]["202"]["headers"]["Location"]["required"] is True
    assert pay["responses"]["201"]["headers"]["Idempotent-Replayed"]["required"] is False
    assert "headers" not in described["get_order"]["responses"]["200"]


@pytest.mark.proves("FR-502")
def test_the_trail_of_the_document_can_be_checked_as_the_document_says() -> None:
    example = DOCUMENTED["get_order_audit", "trail_found"]
    order_id = example.request["path"].split("/")[2]
    entries = [
        AuditEntry.from_document({**entry, "order_id": order_id}) for entry in example.response["body"]["entries"]
    ]
    assert find_misfit(order_id, entries, AuditHead(6, entries[-1].hash)) is None


@pytest.mark.proves("FR-503")
def test_another_answer_than_the_documented_one_is_noticed(player: Player) -> None:
    documented = DOCUMENTED["create_order", "price_changed"]
    other = player.play(find_situation("create_order", "product_not_found"))
    assert other.response != documented.response
