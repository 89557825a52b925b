"""What is read eventually consistently may be as it was before its last write; the exploration answers so too."""

from collections.abc import Callable
from typing import Any

import pytest

from checkout.dynamodb import from_wire, to_wire
from local.template import read_template
from tests.exploration.explore import Explorer, list_faults
from tests.exploration.memory_store import MemoryStore
from tests.exploration.scenarios import Bounds, Scenario
from tests.exploration.schedules import Call, Step
from tests.exploration.world import StoreFault, faults_of, open_world

pytestmark = pytest.mark.proves("FR-302")

TABLE, OTHER = "ProductsTable", "PaymentsTable"
KEY = to_wire({"product_id": "mug"})
SCENARIO = "created: create | create"
NAMED = {"TableName": TABLE, "Key": KEY}


def make_store() -> MemoryStore:
    return MemoryStore(read_template().tables)


def put(store: MemoryStore, price: int) -> None:
    store.answer("PutItem", {"TableName": TABLE, "Item": {**KEY, **to_wire({"price": price})}})


def update(price: int) -> dict[str, Any]:
    return {
        **NAMED,
        "UpdateExpression": "SET price = :price",
        "ExpressionAttributeValues": to_wire({":price": price}),
    }


def read_price(store: MemoryStore, *, consistent: bool = False, stale: bool = True) -> int | None:
    """None where there is no such product."""
    asked = {"RequestItems": {TABLE: {"Keys": [KEY], "ConsistentRead": consistent}}}
    _, answer = (store.respond_stale if stale else store.respond)("BatchGetItem", asked)
    prices = [from_wire(item)["price"] for item in answer["Responses"][TABLE]]
    return prices[0] if prices else None


# The store


@pytest.mark.parametrize(
    ("write", "price"),
    [
        (lambda store: put(store, 2), 2),
        (lambda store: store.answer("UpdateItem", update(2)), 2),
        (lambda store: store.answer("DeleteItem", NAMED), None),
        (lambda store: store.answer("TransactWriteItems", {"TransactItems": [{"Update": update(2)}]}), 2),
        (lambda store: store.answer("TransactWriteItems", {"TransactItems": [{"Delete": NAMED}]}), None),
    ],
)
def test_a_stale_answer_is_what_an_item_was_before_its_last_write(
    write: Callable[[MemoryStore], object], price: int | None
) -> None:
    store = make_store()
    put(store, 0)
    put(store, 1)
    write(store)
    assert (read_price(store), read_price(store, stale=False)) == (1, price)


def test_before_its_first_write_there_is_no_item() -> None:
    store = make_store()
    assert read_price(store) is None
    put(store, 1)
    assert (read_price(store), read_price(store, stale=False)) == (None, 1)


def test_an_item_that_comes_again_was_not_there_a_moment_ago() -> None:
    store = make_store()
    put(store, 1)
    store.answer("DeleteItem", NAMED)
    put(store, 2)
    assert read_price(store) is None


def test_what_is_read_consistently_is_never_stale() -> None:
    store = make_store()
    put(store, 1)
    put(store, 2)
    assert read_price(store, consistent=True) == 2
    assert from_wire(store.respond_stale("GetItem", NAMED)[1]["Item"])["price"] == 2
    both = {
        TABLE: {"Keys": [KEY], "ConsistentRead": False},
        OTHER: {"Keys": [to_wire({"payment_id": "pay_1"})], "ConsistentRead": True},
    }
    store.answer("PutItem", {"TableName": OTHER, "Item": to_wire({"payment_id": "pay_1"})})
    found = store.respond_stale("BatchGetItem", {"RequestItems": both})[1]["Responses"]
    assert [from_wire(item)["price"] for item in found[TABLE]] == [1]
    assert [from_wire(item) for item in found[OTHER]] == [{"payment_id": "pay_1"}]


def test_of_one_read_one_table_may_be_stale_alone() -> None:
    store = make_store()
    for price in (1, 2):
        put(store, price)
        store.answer("PutItem", {"TableName": OTHER, "Item": to_wire({"payment_id": "pay_1", "price": price})})
    asked = {
        TABLE: {"Keys": [KEY], "ConsistentRead": False},
        OTHER: {"Keys": [to_wire({"payment_id": "pay_1"})], "ConsistentRead": False},
    }
    found = store.respond_stale("BatchGetItem", {"RequestItems": asked}, tables=[OTHER])[1]["Responses"]
    assert {table: [from_wire(item)["price"] for item in items] for table, items in found.items()} == {
        TABLE: [2],
        OTHER: [1],
    }


def test_what_is_only_checked_or_refused_is_no_write() -> None:
    store = make_store()
    put(store, 1)
    put(store, 2)
    check = {**NAMED, "ConditionExpression": "attribute_exists(price)"}
    store.answer("TransactWriteItems", {"TransactItems": [{"ConditionCheck": check}]})
    store.respond("UpdateItem", {**update(3), "ConditionExpression": "attribute_not_exists(price)"})
    assert (read_price(store), read_price(store, stale=False)) == (1, 2)


def test_a_store_that_is_put_back_knows_what_was_before() -> None:
    store = make_store()
    put(store, 1)
    put(store, 2)
    snapshot = store.take_snapshot()
    put(store, 3)
    store.restore(snapshot)
    assert (read_price(store), read_price(store, stale=False)) == (1, 2)
    put(store, 4)
    store.restore(snapshot)
    assert read_price(store) == 1, "a snapshot stays as it was taken"


# The exploration


def test_a_stale_answer_goes_wrong_with_a_read_that_may_have_it_alone() -> None:
    call = Call("BatchGetItem T", reads=frozenset({("T", "1")}))
    write = Call("PutItem T", writes=frozenset({("T", "1")}))
    assert StoreFault.STALE in faults_of(Step(0, call, {}, stale={StoreFault.STALE: "{}"}))
    assert StoreFault.STALE not in faults_of(Step(0, call, {}))
    assert StoreFault.STALE not in faults_of(Step(0, write, {}))


def test_each_stale_answer_is_a_fault_of_its_own() -> None:
    call = Call("BatchGetItem T", reads=frozenset({("T", "1")}))
    answers = [{}, {"stale": "none"}, {"stale": "begun", "stale_T": "none"}, {"stale_U": "mixed"}]
    walked = [[Step(0, call, {}, answer="ok", stale=stale)] for stale in answers]
    places = [places for places in list_faults(walked).values() if places[0][2].startswith("stale")]
    assert [[fault for _, _, fault in each] for each in places] == [["stale", "stale_T"], ["stale"], ["stale_U"]]


def test_who_comes_second_may_not_see_yet_what_the_first_has_made() -> None:
    """The record of its key: then the transaction's condition tells, and the answer is the same."""
    with open_world() as world:
        explorer = Explorer(world)
        seen, violations = explorer.replay(f"{SCENARIO} @ 0 0 1")
        assert [step.call.name.split()[0] for step in seen] == ["BatchGetItem", "TransactWriteItems", "BatchGetItem"]
        assert [StoreFault.STALE in faults_of(step) for step in seen] == [False, False, True]
        assert violations == []
        unseen, violations = explorer.replay(f"{SCENARIO} @ 0 0 1:stale")
        assert [(step.call.name.split()[0], step.fault) for step in unseen[2:]] == [
            ("BatchGetItem", "stale"),
            ("TransactWriteItems", None),
        ]
        assert unseen[3].answer == "TransactionCanceledException"
        assert violations == []


def test_stale_answers_are_among_what_is_tried() -> None:
    with open_world() as world:
        explorer = Explorer(world)
        scenario = Scenario.parse(SCENARIO)
        run, tried = explorer._run, []

        def note(*what: Any) -> Any:
            steps, violations = run(*what)
            tried.extend((step.task, step.call.name) for step in steps if step.fault == StoreFault.STALE)
            return steps, violations

        explorer._run = note  # type: ignore[method-assign]
        outcome = explorer.explore(scenario, Bounds(schedules=200, drawn=0, faults=250))
    assert sorted(tried) == [(task, "BatchGetItem ProductsTable IdempotencyTable") for task in (0, 1)]
    assert outcome.violations == []
