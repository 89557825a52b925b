"""The store under the exploration answers as DynamoDB Local does: random sequences of the checkout's own calls on both.

The calls are taken from the functions as they run. In any order, on whatever is there by then, their conditions hold or
fail; some ask for the item of a failed condition, some for another page.
"""

import os
import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from checkout.caller import STAFF_SCOPE
from local.dynamodb_local import DynamoDBLocal
from local.tables import connect, create_tables
from local.template import read_template
from tests.exploration.explore import TRIPLES, Bounds, Explorer
from tests.exploration.memory_store import MemoryStore, Refusal
from tests.exploration.requests import STATES
from tests.exploration.world import World, open_world

pytestmark = [pytest.mark.dynamodb_local, pytest.mark.proves("FR-306")]

SEQUENCES = 60 if os.environ.get("REQUIRE_ALL") else 8
CALLS = 60

Asked = tuple[str, Mapping[str, Any]]
"""A call: its operation and its parameters."""


class RecordingStore(MemoryStore):
    """Remembers each call that is unlike those before it."""

    def __init__(self) -> None:
        super().__init__(read_template().tables)
        self.asked: dict[str, Asked] = {}

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        # With the SDK's token, a transaction that is made again would be no other.
        kept = {name: deepcopy(value) for name, value in params.items() if name != "ClientRequestToken"}
        self.asked.setdefault(f"{operation} {kept}", (operation, kept))
        return super().answer(operation, params)


def look_around(world: World) -> None:
    """The calls that nobody makes at once with others."""
    world.list_orders(limit="1")
    world.list_orders(status="created")
    for function in ("list_products", "health"):
        world.call(function)
    for function in ("get_order", "get_order_audit"):
        world.call(function, path={"order_id": world.order["id"]}, customer="sam", scope=STAFF_SCOPE)
    world.wait(timedelta(hours=1))
    world.run("reconcile_payments")


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    store = RecordingStore()
    with open_world(store) as world:
        explorer = Explorer(world)
        for scenario in TRIPLES[::15]:
            explorer.explore(scenario, Bounds(schedules=3, drawn=0, faults=5))
        for state in STATES:
            world.restore(explorer._prepare(state))
            look_around(world)
    return list(store.asked.values())


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    with DynamoDBLocal() as opened:
        client = connect(opened.endpoint)
        create_tables(client)
        yield client


def ask_local(database: Any, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        answer = database._make_api_call(operation, deepcopy(params))
    except ClientError as error:
        answer = dict(error.response)
    return normalize(operation, answer)


def ask_memory(store: MemoryStore, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        answer = store.answer(operation, params)
    except Refusal as refusal:
        answer = refusal.answer
    return normalize(operation, answer)


def normalize(operation: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Without messages, and without an order where there is none."""
    left_out = {"ResponseMetadata", "ConsumedCapacity", "Message", "message"}
    told = {name: value for name, value in answer.items() if name not in left_out}
    if "Error" in told:
        told["Error"] = told["Error"]["Code"]
    if "CancellationReasons" in told:
        told["CancellationReasons"] = [(reason["Code"], reason.get("Item")) for reason in told["CancellationReasons"]]
    if "Responses" in told:
        told["Responses"] = {table: sorted(items, key=str) for table, items in told["Responses"].items()}
    if operation == "Scan":
        told["Items"] = sorted(told["Items"], key=str)
    return told


def tell_items(params: Mapping[str, Any]) -> dict[str, Any]:
    """The same write, which also asks for the item of a condition that fails."""
    told = deepcopy(dict(params))
    for action in [each for item in told.get("TransactItems", []) for each in item.values()] or [told]:
        if "ConditionExpression" in action:
            action["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return told


def read_pages(params: Mapping[str, Any], limit: int, ask: Any) -> list[dict[str, Any]]:
    """All pages of a query of so many items each."""
    pages, start = [], {}
    while True:
        page = ask("Query", {**params, "Limit": limit, **start})
        pages.append(page)
        if "LastEvaluatedKey" not in page or len(pages) > CALLS:
            return pages
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def empty(database: Any) -> None:
    for name, properties in read_template().tables.items():
        keys = [key["AttributeName"] for key in properties["KeySchema"]]
        for item in database.scan(TableName=name, ConsistentRead=True)["Items"]:
            database.delete_item(TableName=name, Key={key: item[key] for key in keys})


def test_the_calls_are_those_of_the_functions(asked: list[Asked]) -> None:
    operations = {operation for operation, _ in asked}
    assert operations == {
        "GetItem",
        "BatchGetItem",
        "Query",
        "Scan",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "TransactWriteItems",
    }
    indexes = {params["IndexName"] for operation, params in asked if "IndexName" in params}
    assert indexes == {"by_status", "by_order_id", "by_day", "due"}


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_random_sequences_of_calls_are_answered_alike(asked: list[Asked], database: Any, seed: int) -> None:
    empty(database)
    store, chance = MemoryStore(read_template().tables), random.Random(seed)
    for operation, params in chance.choices(asked, k=CALLS):
        if operation == "Query" and chance.random() < 0.7:
            query = {name: value for name, value in params.items() if name not in {"Limit", "ExclusiveStartKey"}}
            limit = chance.randint(1, 3)
            expected = read_pages(query, limit, partial(ask_local, database))
            assert read_pages(query, limit, partial(ask_memory, store)) == expected, (query, limit)
            continue
        changed = tell_items(params) if chance.random() < 0.5 else params
        assert ask_memory(store, operation, changed) == ask_local(database, operation, changed), (operation, changed)
