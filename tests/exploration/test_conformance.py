"""The store under the exploration answers as DynamoDB Local does: random sequences of the checkout's own calls on both.

The calls are taken from the functions as they run, on tables with orders of several states. A sequence begins with such
tables and takes the calls of one run in order, some left out and some of other runs between, so that their conditions
hold or fail; some ask for the item of a failed condition, and queries are read page by page. Besides, each kind of
call is made once more after what came before it, and a write with other numbers in its conditions, so that caps are
reached.
"""

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from types import FrameType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from checkout.caller import STAFF_SCOPE
from checkout.order_reader import OrderReader
from checkout.order_table import OrderTable
from checkout.simulated_gateway import Call as Gateway
from checkout.simulated_gateway import Fault
from local.dynamodb_local import DynamoDBLocal
from local.tables import connect, create_tables
from local.template import read_template
from tests.conftest import REQUIRE_ALL
from tests.exploration.explore import Explorer
from tests.exploration.memory_store import MemoryStore, Refusal, Snapshot, Table
from tests.exploration.requests import STATES, WRONG
from tests.exploration.scenarios import TRIPLES, Bounds, Scenario
from tests.exploration.world import World, open_world

pytestmark = [pytest.mark.dynamodb_local, pytest.mark.proves("FR-306")]

SEQUENCES = 60 if REQUIRE_ALL else 8
CALLS = 60
MAX_WRITES = 25
LEFT_OUT = BETWEEN = 0.2
OWNERS = {kind.__name__: kind for kind in (OrderReader, OrderTable)}
OTHER_NUMBERS = ("0", "1", "9", "10", "100", "9999999999")

Asked = tuple[str, Mapping[str, Any]]
"""A call: its operation and its parameters."""

Sequence = tuple[Snapshot, list[tuple[Asked, dict[str, Any]]]]
"""What it begins with, and each call with DynamoDB Local's answer."""


@dataclass
class Run:
    """Calls, one after the other, and the tables that they began with."""

    start: Snapshot
    calls: list[Asked] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    """Of the table modules: what made the calls."""

    @property
    def changes(self) -> int:
        return sum(operation == "TransactWriteItems" for operation, _ in self.calls[:CALLS])


class RecordingStore(MemoryStore):
    """Remembers each run since it was put back."""

    def __init__(self) -> None:
        super().__init__(read_template().tables)
        self.runs = [Run(Snapshot({}, {}))]

    def restore(self, snapshot: Snapshot) -> None:
        super().restore(snapshot)
        self.runs.append(Run(snapshot))

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        run = self.runs[-1]
        run.calls.append((operation, deepcopy(dict(params))))
        run.methods.update(find_methods())
        return super().answer(operation, params)


def find_methods() -> Iterator[str]:
    """The public methods of the table modules that are at work."""
    frame: FrameType | None = sys._getframe()
    while frame:
        owner, _, name = frame.f_code.co_qualname.rpartition(".")
        if owner in OWNERS and not name.startswith("_"):
            yield name
        frame = frame.f_back


def fill(world: World) -> None:
    """Orders of one customer, with payments due and not, one with a long trail; and another's."""
    world.create_order(customer="bob")
    for _ in range(3):
        for token in ["tok_visa", "tok_timeoutAfterCharge", "tok_timeoutBeforeCharge", "tok_chargeDeclined"]:
            world.pay(world.create_order(), token, key=world.new_key())
            world.wait(timedelta(seconds=1))
        # As many as may be declined within one.
        world.wait(timedelta(hours=1))
    for _ in range(3):
        world.buy()
    paid = world.buy()
    for _ in range(5):
        assert world.refund(paid, 100, key=world.new_key()).status == 201


def pay_in_vain(world: World) -> None:
    """One payment is declined; one is not taken, and its key goes on to the next."""
    assert world.pay(world.order, "tok_chargeDeclined", key="declined").status == 402
    world.break_gateway(Gateway.CHARGE, Fault.REFUSED)
    assert world.pay(world.order, key="refused").status == 503
    assert world.pay(world.order, key="refused").status == 201


def resume(world: World) -> None:
    """Whoever paid, and was told nothing of it, comes again."""
    assert world.pay(world.order, key="setup").status == 201


def pay_in_a_full_hour(world: World) -> None:
    """One makes room and is declined; then there is none."""
    assert world.pay(world.order, "tok_chargeDeclined", key="declined").status == 402
    assert world.pay(world.order, key="refused").status == 429


def return_at_gateway(world: World) -> None:
    """Somebody returns a wrong charge at the gateway itself."""
    world.change_charge(amount=WRONG, refundable=0)
    world.run("settle_payments")
    [payment] = world.payment_items(world.order)
    assert payment["status"] == "refunded"


def look_around(world: World) -> None:
    """The calls that nobody makes at once with others."""
    for _ in range(3):
        world.create_order()
    world.list_orders(limit="1")
    for status in ("created", "paid"):
        world.list_orders(status=status)
    for order in world.scan("OrdersTable"):
        world.call("get_order_audit", path={"order_id": order["order_id"]}, customer="sam", scope=STAFF_SCOPE)
    for customer in ("alice", "bob"):
        world.call("get_payment", path={"transaction_id": world.payment_id}, customer=customer)
    for function in ("list_products", "health"):
        world.call(function)
    for function in ("get_order", "get_order_audit"):
        world.call(function, path={"order_id": world.order["id"]}, customer="sam", scope=STAFF_SCOPE)
    world.wait(timedelta(hours=1))
    world.run("reconcile_payments")


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    store = RecordingStore()
    with open_world(store) as world:
        fill(world)
        explorer = Explorer(world)
        for scenario in [*TRIPLES[::40], Scenario("created", ("cancel",))]:
            explorer.explore(scenario, Bounds(schedules=1, drawn=0, faults=2))
        for state in STATES:
            world.restore(explorer._prepare(state))
            look_around(world)
        acts = {
            "created": pay_in_vain,
            "full": pay_in_a_full_hour,
            "unknown": resume,
            "wrong": return_at_gateway,
        }
        for state, act in acts.items():
            world.restore(explorer._prepare(state))
            act(world)
    return [run for run in store.runs[1:] if run.calls]


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
    """Without messages, and without an order where there is none: of what a Scan finds, and in a set."""
    left_out = {"ResponseMetadata", "ConsumedCapacity", "Message", "message"}
    told = {name: sort_sets(value) for name, value in answer.items() if name not in left_out}
    if "Error" in told:
        told["Error"] = told["Error"]["Code"]
    if "CancellationReasons" in told:
        told["CancellationReasons"] = [(reason["Code"], reason.get("Item")) for reason in told["CancellationReasons"]]
    if "Responses" in told:
        told["Responses"] = {table: sorted(items, key=to_text) for table, items in told["Responses"].items()}
    if operation == "Scan":
        told["Items"] = sorted(told["Items"], key=to_text)
    return told


def sort_sets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {kind: sorted(part) if kind == "SS" else sort_sets(part) for kind, part in value.items()}
    return [sort_sets(part) for part in value] if isinstance(value, list) else value


def to_text(item: Mapping[str, Any]) -> str:
    return json.dumps(item, sort_keys=True)


def tell_items(params: Mapping[str, Any]) -> dict[str, Any]:
    """The same write, which also asks for the item of a condition that fails."""
    told = deepcopy(dict(params))
    for action in actions_of(told):
        if "ConditionExpression" in action:
            action["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return told


def change_numbers(params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The same write with another number in a condition, for each number that one compares."""
    for at, action in enumerate(actions_of(dict(params))):
        for name in re.findall(r"[<>=] (:\w+)", action.get("ConditionExpression", "")):
            if "N" in action["ExpressionAttributeValues"][name]:
                for number in OTHER_NUMBERS:
                    changed = deepcopy(dict(params))
                    actions_of(changed)[at]["ExpressionAttributeValues"][name] = {"N": number}
                    yield changed


def actions_of(params: dict[str, Any]) -> list[dict[str, Any]]:
    """What a call writes, one by one."""
    return [each for item in params.get("TransactItems", []) for each in item.values()] or [params]


def read_pages(params: Mapping[str, Any], limit: int, ask: Any) -> list[dict[str, Any]]:
    """All pages of a query of so many items each."""
    pages, start = [], {}
    while True:
        page = ask("Query", {**params, "Limit": limit, **start})
        pages.append(page)
        if "LastEvaluatedKey" not in page or len(pages) > CALLS:
            return pages
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def put_back(database: Any, snapshot: Snapshot) -> None:
    """As a store in memory is put back."""
    for name, properties in read_template().tables.items():
        table, wanted = Table.read(properties), snapshot.items[name]
        there = {table.key_of(item): item for item in database.scan(TableName=name, ConsistentRead=True)["Items"]}
        gone = [
            {"DeleteRequest": {"Key": {k: there[at][k] for k in table.keys}}} for at in there.keys() - wanted.keys()
        ]
        put = [{"PutRequest": {"Item": item}} for at, item in wanted.items() if there.get(at) != item]
        writes = gone + put
        for first in range(0, len(writes), MAX_WRITES):
            database.batch_write_item(RequestItems={name: writes[first : first + MAX_WRITES]})


def mix(runs: list[Run], run: Run, chance: random.Random) -> Iterator[Asked]:
    for call in run.calls[:CALLS]:
        if chance.random() < BETWEEN:
            yield chance.choice(chance.choice(runs).calls)
        if chance.random() >= LEFT_OUT:
            yield call


def play(runs: list[Run], seed: int, database: Any) -> Sequence:
    chance = random.Random(seed)
    run = chance.choice([run for run in runs if run.changes > 2])
    put_back(database, run.start)
    played: list[tuple[Asked, dict[str, Any]]] = []

    def ask(operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        answer = ask_local(database, operation, params)
        played.append(((operation, params), answer))
        return answer

    for operation, params in mix(runs, run, chance):
        if operation == "Query":
            left_out = {"Limit", "ExclusiveStartKey"}
            query = {name: value for name, value in params.items() if name not in left_out}
            limit = chance.randint(1, 3)
            if not has_ties(query, ask(operation, query)):
                read_pages(query, limit, ask)
        ask(operation, tell_items(params) if chance.random() < 0.5 else params)
    return run.start, played


def kind_of(call: Asked) -> Any:
    """What it reads or writes, and on which conditions."""
    operation, params = call
    if operation == "BatchGetItem":
        return operation, tuple(sorted(params["RequestItems"]))
    said = ("TableName", "IndexName", "KeyConditionExpression", "FilterExpression", "ConditionExpression")
    return operation, tuple(tuple(map(each.get, said)) for each in actions_of(dict(params)))


def find_kinds(runs: list[Run]) -> Iterator[Run]:
    """For each kind of call the run, up to the first of it."""
    found = set()
    for run in runs:
        for at, call in enumerate(run.calls):
            if (kind := kind_of(call)) not in found:
                found.add(kind)
                yield Run(run.start, run.calls[: at + 1])


def play_kind(run: Run, database: Any) -> Sequence:
    """A run, and its last call with other numbers in its conditions, then as it is, then again."""
    put_back(database, run.start)
    *before, (operation, params) = run.calls
    varied = [(operation, tell_items(each)) for each in [*change_numbers(params), params, params]]
    return run.start, [(call, ask_local(database, *call)) for call in [*before, *varied]]


def has_ties(params: Mapping[str, Any], answer: dict[str, Any]) -> bool:
    """Nothing says which of two such items a page ends with."""
    times = [item["due_at"]["S"] for item in answer["Items"]] if params.get("IndexName") == "due" else []
    return len(set(times)) < len(times)


def order_ties(params: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """In a global index nothing says which of two items with the same key comes first."""
    if params.get("IndexName") != "due" or "Items" not in answer:
        return answer
    items = sorted(answer["Items"], key=lambda item: (item["due_at"]["S"], item["payment_id"]["S"]))
    in_order = [item["due_at"]["S"] for item in answer["Items"]]
    return answer | {"Items": items, "order": in_order}


def find_difference(store: MemoryStore, start: Snapshot, played: list[tuple[Asked, dict[str, Any]]]) -> Any:
    """The first call that the store answers otherwise, with both answers."""
    store.restore(start)
    for (operation, params), expected in played:
        answer = ask_memory(store, operation, params)
        if order_ties(params, answer) != order_ties(params, expected):
            return operation, params, answer, expected
    return None


@pytest.fixture(scope="module")
def sequence(runs: list[Run], database: Any) -> Any:
    """By its number; each is played once."""
    return cache(lambda seed: play(runs, seed, database))


@pytest.fixture(scope="module")
def kinds(runs: list[Run], database: Any) -> list[Sequence]:
    return [play_kind(run, database) for run in find_kinds(runs)]


def test_the_calls_are_those_of_the_functions(runs: list[Run]) -> None:
    asked = [call for run in runs for call in run.calls]
    assert {operation for operation, _ in asked} == {
        "GetItem",
        "BatchGetItem",
        "Query",
        "Scan",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "TransactWriteItems",
    }
    indexes = {params["IndexName"] for _, params in asked if "IndexName" in params}
    assert indexes == {"by_status", "by_day", "due"}
    assert any("FilterExpression" in params for _, params in asked)
    assert any("ProjectionExpression" in params for _, params in asked)


def test_all_that_the_table_modules_ask_of_dynamodb_is_among_them(runs: list[Run]) -> None:
    methods = {
        name
        for kind in OWNERS.values()
        for name, method in vars(kind).items()
        if callable(method) and not name.startswith("_")
    }
    assert {"list_due", "note_work_on_payment", "end_returned"} < methods
    assert methods - set().union(*(run.methods for run in runs)) == set()


def test_random_sequences_of_calls_are_answered_alike(sequence: Any, say: Callable[[str], None]) -> None:
    seen: Counter[str] = Counter()
    for seed in range(SEQUENCES):
        start, played = sequence(seed)
        assert find_difference(MemoryStore(read_template().tables), start, played) is None, seed
        seen.update(kind for call, answer in played for kind in classify(call, answer))
    say(f"conformance: {SEQUENCES} sequences; {dict(sorted(seen.items()))}")
    assert seen["transactions made"] > 2 * SEQUENCES
    assert seen["transactions cancelled"] > SEQUENCES / 3
    assert seen["later pages forwards"] > SEQUENCES
    assert seen["later pages backwards"] > SEQUENCES / 10


def ignore_order(store: MemoryStore) -> None:
    """Queries come in the wrong direction."""
    query = store._query
    store._query = lambda params: query({**params, "ScanIndexForward": not params.get("ScanIndexForward", True)})  # type: ignore[method-assign]


def ignore_start(store: MemoryStore) -> None:
    """Every page is the first one."""
    query = store._query
    store._query = lambda params: query({k: v for k, v in params.items() if k != "ExclusiveStartKey"})  # type: ignore[method-assign]


def tell_no_items(store: MemoryStore) -> None:
    prepare = store._prepare

    def prepare_untold(kind: str, params: Mapping[str, Any]) -> Any:
        return prepare(kind, {k: v for k, v in params.items() if k != "ReturnValuesOnConditionCheckFailure"})

    store._prepare = prepare_untold  # type: ignore[method-assign]


def ignore_conditions(store: MemoryStore, table: str) -> None:
    """What is written to one table is written whatever is there."""
    prepare = store._prepare

    def prepare_all(kind: str, params: Mapping[str, Any]) -> Any:
        if params["TableName"] == table:
            params = {name: value for name, value in params.items() if name != "ConditionExpression"}
        return prepare(kind, params)

    store._prepare = prepare_all  # type: ignore[method-assign]


def test_each_kind_of_call_is_answered_alike(kinds: list[Sequence], say: Callable[[str], None]) -> None:
    for start, played in kinds:
        assert find_difference(MemoryStore(read_template().tables), start, played) is None
    say(f"conformance: {len(kinds)} kinds of call, {sum(len(played) for _, played in kinds)} calls")


@pytest.mark.parametrize(
    "table", ["OrdersTable", "PaymentsTable", "RefundsTable", "AuditTable", "DeclinesTable", "IdempotencyTable"]
)
def test_a_condition_that_is_not_looked_at_is_found(kinds: list[Sequence], table: str) -> None:
    store = MemoryStore(read_template().tables)
    ignore_conditions(store, table)
    assert any(find_difference(store, *kind) for kind in kinds)


def test_numbers_that_are_ordered_as_text_are_found(kinds: list[Sequence], monkeypatch: pytest.MonkeyPatch) -> None:
    def is_ordered_as_text(one: Any, other: Any, compare: Any) -> bool:
        if one is None or other is None or one.keys() != other.keys():
            return False
        return bool(compare(str(*one.values()), str(*other.values())))

    monkeypatch.setattr("tests.exploration.expressions.is_ordered", is_ordered_as_text)
    assert any(find_difference(MemoryStore(read_template().tables), *kind) for kind in kinds)


@pytest.mark.parametrize("plant", [ignore_order, ignore_start, tell_no_items])
def test_a_store_that_answers_otherwise_is_found(sequence: Any, plant: Callable[[MemoryStore], None]) -> None:
    store = MemoryStore(read_template().tables)
    plant(store)
    assert any(find_difference(store, *sequence(seed)) for seed in range(SEQUENCES))


def classify(call: Asked, answer: Mapping[str, Any]) -> Iterator[str]:
    operation, params = call
    yield "calls"
    if operation == "TransactWriteItems":
        yield "transactions cancelled" if "Error" in answer else "transactions made"
    if operation == "Query" and "ExclusiveStartKey" in params and answer["Items"]:
        yield f"later pages {'forwards' if params.get('ScanIndexForward', True) else 'backwards'}"
