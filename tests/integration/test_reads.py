"""How the tables are read: consistently where it decides, and to the end however the answers are cut."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from checkout import wiring
from local.template import read_template
from tests.integration.conftest import Checkout


@contextmanager
def asking(checkout: Checkout, operation: str, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Looks at the parameters of an operation's calls, or changes them, before they are sent."""
    event = f"provide-client-params.dynamodb.{operation}"
    checkout.database.meta.events.register(event, lambda params, **_: change(params), unique_id=f"ask-{operation}")
    yield
    checkout.database.meta.events.unregister(event, unique_id=f"ask-{operation}")


@pytest.mark.proves("FR-025", "FR-107", "FR-110", "FR-111")
def test_whatever_an_answer_rests_on_is_read_consistently(checkout: Checkout) -> None:
    eventual: list[str] = []

    def look(params: dict[str, Any]) -> None:
        for table, asked in params.get("RequestItems", {params.get("TableName"): params}).items():
            # Whether the gateway is left alone may be some seconds old; and so may prices, and what a payment begins
            # from: nobody is refused for them.
            together = params.get("RequestItems", {})
            is_to_begin = "ProductsTable" in together or "DeclinesTable" in together
            if not asked.get("ConsistentRead") and table != "CircuitTable" and not is_to_begin:
                eventual.append(str(params))

    with asking(checkout, "GetItem", look), asking(checkout, "Query", look), asking(checkout, "BatchGetItem", look):
        order = checkout.create_order()
        transaction_id = checkout.pay(order, "tok_timeoutAfterCharge", key="key").body["transaction_id"]
        checkout.pay(order, "tok_timeoutAfterCharge", key="key")
        checkout.mark_paid(order, transaction_id)
        checkout.cancel(checkout.create_order())
        checkout.get_order(order)
        checkout.list_orders()
        checkout.list_orders(status="paid")
        checkout.call("get_order_audit", path={"order_id": order["id"]})
        checkout.call("get_payment", path={"transaction_id": transaction_id})
    assert eventual == []


@pytest.mark.proves("FR-716")
@pytest.mark.parametrize(
    ("before", "token", "key", "status", "reads"),
    [
        ((), "tok_visa", "key", 201, [False]),
        (("tok_visa",), "tok_visa", "key", 201, [False]),
        (("tok_chargeDeclined",), "tok_chargeDeclined", "key", 402, [False]),
        (("tok_chargeDeclined",), "tok_visa", "later", 201, [False]),
        (("tok_visa",), "tok_visa", "other", 409, [False, True]),
        (("tok_visa",), "tok_amex", "key", 422, [False, True]),
        (("tok_timeoutAfterCharge",), "tok_timeoutAfterCharge", "key", 201, [False, True]),
        ((), "tok_nobody_knows", "key", 422, [False, True]),
    ],
    ids=["new", "again", "declined, again", "after a decline", "paid", "key reused", "open, again", "refused"],
)
def test_what_a_payment_begins_from_may_be_a_moment_old_and_what_refuses_it_may_not(
    checkout: Checkout, before: tuple[str, ...], token: str, key: str, status: int, reads: list[bool]
) -> None:
    order = checkout.create_order()
    for earlier in before:
        checkout.pay(order, earlier, key="key")
    consistent: list[bool] = []

    def look(params: dict[str, Any]) -> None:
        asked = {table: keys["ConsistentRead"] for table, keys in params["RequestItems"].items()}
        assert not asked.pop("CircuitTable", False)
        assert asked.keys() == {"OrdersTable", "PaymentsTable", "IdempotencyTable", "DeclinesTable"}
        assert len(set(asked.values())) == 1
        consistent.extend(set(asked.values()))

    with asking(checkout, "BatchGetItem", look):
        assert checkout.pay(order, token, key=key).status == status
    assert consistent == reads


@pytest.mark.proves("FR-003")
@pytest.mark.parametrize("function", ["get_order", "mark_order_paid", "pay", "cancel_order"])
def test_what_is_no_order_s_id_is_no_key(checkout: Checkout, function: str) -> None:
    """It may be longer than DynamoDB takes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Limits.html"""
    order, none = checkout.create_order(), "x" * 90
    asked: list[str] = []

    def look(params: dict[str, Any]) -> None:
        asked.append(str(params))

    with asking(checkout, "GetItem", look), asking(checkout, "Query", look), asking(checkout, "BatchGetItem", look):
        if function == "pay":
            refused = checkout.pay({**order, "id": none})
        elif function == "mark_order_paid":
            refused = checkout.mark_paid({**order, "id": none}, "pay_01KG9YS7G00000000000000000_001")
        else:
            refused = checkout.call(function, path={"order_id": none})
    assert (refused.status, refused.code) == (404, "order_not_found")
    assert none not in str(asked)


@pytest.mark.proves("FR-003", "FR-024", "FR-310")
def test_another_s_payment_does_not_leave_the_table(checkout: Checkout) -> None:
    """Else the time of the refusal tells that there is one."""
    transaction_id = checkout.pay(checkout.create_order()).body["transaction_id"]
    answers: list[dict[str, Any]] = []
    checkout.database.meta.events.register("after-call.dynamodb", lambda parsed, **_: answers.append(parsed))

    refused = checkout.call("get_payment", path={"transaction_id": transaction_id}, customer="bob")

    assert refused.status == 404
    assert [answer["Items"] for answer in answers] == [[]]


def cut(params: dict[str, Any]) -> None:
    """DynamoDB ends a page at 1 MB, wherever that is."""
    params["Limit"] = 2


@pytest.mark.proves("FR-111")
def test_a_trail_longer_than_a_page_is_answered_whole(checkout: Checkout) -> None:
    order = checkout.create_order()
    for _ in range(3):
        checkout.pay(order, "tok_chargeDeclined")
    with asking(checkout, "Query", cut):
        entries = checkout.call("get_order_audit", path={"order_id": order["id"]}).body["entries"]
    assert [entry["sequence"] for entry in entries] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.proves("FR-115")
def test_a_catalogue_longer_than_a_page_is_answered_whole(checkout: Checkout) -> None:
    whole = checkout.call("list_products").body
    with asking(checkout, "Scan", cut):
        assert checkout.call("list_products").body == whole


@pytest.mark.proves("FR-107", "FR-108")
@pytest.mark.parametrize("query", [{}, {"status": "created"}], ids=["all", "by status"])
@pytest.mark.parametrize("limit", ["2", "4"])
def test_a_history_whose_orders_fill_a_page_early_goes_on_with_its_cursor(
    checkout: Checkout, query: dict[str, str], limit: str
) -> None:
    ids = [checkout.create_order()["id"] for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    with asking(checkout, "Query", cut):
        while True:
            page = checkout.list_orders(limit=limit, **query, **cursor)
            found += [order["id"] for order in page["orders"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
    assert found == sorted(ids, reverse=True)


@pytest.mark.proves("FR-101", "FR-103")
def test_products_that_are_throttled_are_asked_for_again_and_are_not_unknown(checkout: Checkout) -> None:
    read = wiring.dynamodb_client().batch_get_item
    asked: list[int] = []

    def leave_one(**request: Any) -> Any:
        """Serves one product a call, as DynamoDB does where it is throttled."""
        wanted = request["RequestItems"].pop("ProductsTable")
        asked.append(len(wanted["Keys"]))
        first, *rest = wanted["Keys"]
        served: Any = {**request["RequestItems"], "ProductsTable": {**wanted, "Keys": [first]}}
        left = {"ProductsTable": {**wanted, "Keys": rest}} if rest else {}
        return {**read(RequestItems=served), "UnprocessedKeys": left}

    body = {"items": [{"product_id": product, "quantity": 1} for product in ("mug", "tea", "whisk")]}
    with (
        patch.object(wiring.dynamodb_client(), "batch_get_item", leave_one),
        patch.object(wiring.read_batch(), "_sleep", lambda _: None),
    ):
        answer = checkout.call("create_order", body, key="key")
    assert (answer.status, answer.body["total_amount"]) == (201, 1800 + 1250 + 2200)
    assert asked == [3, 2, 1]


@pytest.mark.proves("FR-037")
def test_products_that_stay_throttled_are_no_answer(checkout: Checkout) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 1}]}
    before = checkout.read_tables()

    def serve_none(**request: Any) -> Any:
        return {"Responses": {"ProductsTable": []}, "UnprocessedKeys": request["RequestItems"]}

    with (
        patch.object(wiring.dynamodb_client(), "batch_get_item", serve_none),
        patch.object(wiring.read_batch(), "_sleep", lambda _: None),
    ):
        answer = checkout.call("create_order", body, key="key")
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert checkout.read_tables() == before


@pytest.mark.proves("FR-037", "FR-038")
def test_a_table_that_hangs_is_given_up_within_the_time_of_every_function(checkout: Checkout) -> None:
    config: Any = checkout.database.meta.config
    longest = (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"]
    assert longest < min(route.function.timeout_seconds for route in read_template().routes)
