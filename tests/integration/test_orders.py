"""What is written with an order, and how the history is read."""

from datetime import timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from checkout import wiring
from checkout.audit import hash_entry
from checkout.order_items import to_entry
from tests.integration.conftest import Checkout, forget_clients


@pytest.mark.proves("FR-101", "FR-102")
def test_an_order_and_its_first_audit_entry_are_written_in_one_transaction(
    checkout: Checkout, calls: list[str]
) -> None:
    order = checkout.create_order("mug", 2)
    assert calls == ["BatchGetItem", "TransactWriteItems"]
    item = checkout.order_item(order)
    [entry] = checkout.scan("AuditTable")
    assert (item["audit_sequence"], item["audit_hash"]) == (1, entry["hash"])
    assert entry["hash"] == hash_entry(to_entry(entry).to_document())
    assert entry["facts"] == {
        "total_amount": 3600,
        "currency": "usd",
        "items": [{"product_id": "mug", "quantity": 2, "unit_price": 1800}],
    }


def change_price(checkout: Checkout, product_id: str, price: int) -> None:
    checkout.database.update_item(
        TableName="ProductsTable",
        Key={"product_id": {"S": product_id}},
        UpdateExpression="SET unit_price = :price",
        ExpressionAttributeValues={":price": {"N": str(price)}},
    )


@pytest.mark.proves("FR-101")
def test_a_price_that_changes_afterwards_does_not_change_the_order(checkout: Checkout) -> None:
    order = checkout.create_order("mug", 2)
    change_price(checkout, "mug", 9900)
    assert checkout.get_order(order) == order
    forget_clients()
    assert checkout.create_order("mug", 2)["total_amount"] == 19800


@pytest.mark.proves("FR-104", "FR-121")
def test_the_price_that_a_client_has_just_seen_is_taken(checkout: Checkout) -> None:
    checkout.create_order("mug")
    change_price(checkout, "mug", 9900)
    seen = {"items": [{"product_id": "mug", "quantity": 1, "unit_price": 9900}]}
    assert checkout.call("create_order", seen, key="key").body["total_amount"] == 9900


@pytest.mark.proves("FR-121", "FR-701")
def test_an_order_of_products_that_are_known_takes_one_call(checkout: Checkout, calls: list[str]) -> None:
    checkout.create_order("mug")
    body = {"items": [{"product_id": "mug", "quantity": 2}]}
    assert checkout.call("create_order", body, key="key").status == 201
    assert calls == ["BatchGetItem", *["TransactWriteItems"] * 2]


@pytest.mark.proves("FR-714", "FR-119")
def test_a_process_that_has_met_the_key_reads_the_answer(checkout: Checkout, calls: list[str]) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 2}]}
    first = checkout.call("create_order", body, key="key")
    calls.clear()
    again = checkout.call("create_order", body, key="key")
    assert (again.text, again.headers["idempotent-replayed"]) == (first.text, "true")
    assert calls == ["GetItem"]
    other = checkout.call("create_order", {"items": [{"product_id": "mug", "quantity": 3}]}, key="key")
    assert other.body["code"] == "idempotency_key_reused"
    assert calls == ["GetItem"] * 2


@pytest.mark.proves("FR-714", "FR-119")
def test_another_process_that_knows_the_prices_learns_of_the_answer_when_it_would_write(
    checkout: Checkout, calls: list[str]
) -> None:
    checkout.create_order("mug")
    body = {"items": [{"product_id": "mug", "quantity": 2}]}
    first = checkout.call("create_order", body, key="key")
    wiring.order_service.cache_clear()
    checkout.create_order("mug")
    calls.clear()
    again = checkout.call("create_order", body, key="key")
    assert (again.text, again.headers["idempotent-replayed"]) == (first.text, "true")
    assert calls == ["TransactWriteItems"]
    assert checkout.call("create_order", body, key="key").text == first.text
    assert calls == ["TransactWriteItems", "GetItem"]


@pytest.mark.proves("FR-714", "FR-119")
def test_another_process_reads_the_answer_with_the_products(checkout: Checkout, calls: list[str]) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 2}]}
    first = checkout.call("create_order", body, key="key")
    before = checkout.read_tables()
    calls.clear()
    wiring.order_service.cache_clear()
    again = checkout.call("create_order", body, key="key")
    assert (again.text, again.headers["idempotent-replayed"]) == (first.text, "true")
    wiring.order_service.cache_clear()
    other = checkout.call("create_order", {"items": [{"product_id": "mug", "quantity": 3}]}, key="key")
    assert other.body["code"] == "idempotency_key_reused"
    assert calls == ["BatchGetItem"] * 2
    assert checkout.read_tables() == before


@pytest.mark.proves("FR-714", "FR-010")
def test_an_answer_that_has_run_out_is_not_read_with_the_products(checkout: Checkout, calls: list[str]) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 2}]}
    first = checkout.call("create_order", body, key="key")
    wiring.order_service.cache_clear()
    checkout.wait(timedelta(hours=24, seconds=1))
    calls.clear()
    made = checkout.call("create_order", body, key="key")
    assert (made.status, made.body["id"] != first.body["id"]) == (201, True)
    assert calls == ["BatchGetItem", "TransactWriteItems"]


@pytest.mark.proves("FR-714", "FR-119")
def test_an_answer_that_the_read_does_not_know_yet_comes_with_the_refused_transaction(
    checkout: Checkout, calls: list[str]
) -> None:
    """What is read eventually consistently may be from before the order."""
    body = {"items": [{"product_id": "mug", "quantity": 2}]}
    first = checkout.call("create_order", body, key="key")
    wiring.order_service.cache_clear()
    read = wiring.dynamodb_client().batch_get_item

    def read_earlier(**request: Any) -> Any:
        answer = read(**request)
        return {**answer, "Responses": {**answer["Responses"], "IdempotencyTable": []}}

    calls.clear()
    with patch.object(wiring.dynamodb_client(), "batch_get_item", read_earlier):
        again = checkout.call("create_order", body, key="key")
    assert (again.text, again.headers["idempotent-replayed"]) == (first.text, "true")
    assert calls == ["BatchGetItem", "TransactWriteItems"]


@pytest.mark.proves("FR-121")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"product_id": "nothing"}, "product_not_found"),
        ({"product_id": "mug", "unit_price": 1}, "price_changed"),
        ({"product_id": "mug", "quantity": 999}, "amount_out_of_range"),
    ],
)
def test_what_refuses_is_read_consistently(checkout: Checkout, line: dict[str, Any], code: str) -> None:
    read: list[dict[str, bool]] = []
    checkout.database.meta.events.register(
        "provide-client-params.dynamodb.BatchGetItem",
        lambda params, **_: read.append(
            {table: asked["ConsistentRead"] for table, asked in params["RequestItems"].items()}
        ),
    )
    refused = checkout.call("create_order", {"items": [{"quantity": 1, **line}]}, key="key")
    assert refused.body["code"] == code
    assert read == [{"ProductsTable": consistent, "IdempotencyTable": False} for consistent in (False, True)]


@pytest.mark.proves("FR-714", "FR-010")
def test_a_key_that_was_met_and_has_no_answer_is_worked_for(checkout: Checkout, calls: list[str]) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 2, "unit_price": 1}]}
    assert checkout.call("create_order", body, key="key").body["code"] == "price_changed"
    change_price(checkout, "mug", 1)
    calls.clear()
    made = checkout.call("create_order", body, key="key")
    assert (made.status, "idempotent-replayed" in made.headers) == (201, False)
    assert calls == ["GetItem", "BatchGetItem", "TransactWriteItems"]


@pytest.mark.proves("FR-010", "FR-106")
def test_the_largest_order_is_kept_and_answered_again(checkout: Checkout) -> None:
    random = Random(1)

    def wide(length: int) -> str:
        """Of characters outside the basic plane: four bytes each, twelve where JSON escapes them."""
        return "".join(chr(random.randrange(0x1F300, 0x1FAFF)) for _ in range(length))

    products = [wide(100) for _ in range(100)]
    for product_id in products:
        checkout.database.put_item(
            TableName="ProductsTable",
            Item={
                "product_id": {"S": product_id},
                "name": {"S": wide(50)},
                "unit_price": {"N": "1"},
                "currency": {"S": "usd"},
            },
        )
    body = {
        "items": [{"product_id": product_id, "quantity": 1} for product_id in products],
        "metadata": {wide(40): wide(500) for _ in range(50)},
    }
    asked: list[int] = []
    checkout.database.meta.events.register(
        "provide-client-params.dynamodb.BatchGetItem",
        lambda params, **_: asked.append(sum(len(table["Keys"]) for table in params["RequestItems"].values())),
    )
    first, again = (checkout.call("create_order", body, key="key") for _ in range(2))
    wiring.order_service.cache_clear()
    elsewhere = checkout.call("create_order", body, key="key")
    assert first.status == 201
    for repeated in (again, elsewhere):
        assert (repeated.status, repeated.text) == (201, first.text)
        assert repeated.headers.get("idempotent-replayed") == "true"
    assert asked == [100, 100], "as many keys as a call takes"
    [record] = checkout.results()
    assert len(str(record).encode()) < 400_000


@pytest.mark.proves("FR-031")
@pytest.mark.parametrize("customer", ["alice@example.com"])
def test_the_audit_trail_names_a_role_and_no_person(checkout: Checkout, customer: str) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 1}], "metadata": {"phone": "555-0100"}}
    order = checkout.call("create_order", body, key="key", customer=customer).body
    checkout.mark_paid(order, checkout.pay(order, customer=customer).body["transaction_id"], customer=customer)
    entries = [to_entry(item).to_document() for item in checkout.scan("AuditTable")]
    assert {entry["actor"] for entry in entries} == {"customer"}
    assert not any(personal in str(entries) for personal in (customer, "555-0100", "phone"))


@pytest.mark.proves("FR-107", "FR-108")
@pytest.mark.parametrize("query", [{}, {"status": "created"}, {"status": "paid"}])
def test_a_list_is_one_consistent_query_and_never_a_scan(
    checkout: Checkout, calls: list[str], query: dict[str, str]
) -> None:
    for _ in range(12):
        checkout.create_order()
    consistent: list[bool] = []
    checkout.database.meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: consistent.append(params.get("ConsistentRead"))
    )
    calls.clear()
    page = checkout.list_orders(limit="5", **query)
    assert calls == ["Query"]
    assert consistent == [True]
    assert len(page["orders"]) == (0 if query.get("status") == "paid" else 5)


@pytest.mark.proves("FR-107")
def test_a_new_order_is_in_the_very_next_list(checkout: Checkout) -> None:
    for _ in range(5):
        order = checkout.create_order()
        assert checkout.list_orders()["orders"][0] == order


def read_pages(checkout: Checkout, **query: str) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = checkout.list_orders(**query, **({"cursor": cursor} if cursor else {}))
        pages.append([order["id"] for order in page["orders"]])
        cursor = page["next_cursor"]
    return pages


@pytest.mark.proves("FR-107", "FR-108", "FR-109")
def test_pages_are_full_and_hold_every_order_once_newest_first(checkout: Checkout) -> None:
    orders = [checkout.create_order() for _ in range(26)]
    for order in orders[::3]:
        checkout.mark_paid(order, checkout.pay(order).body["transaction_id"])
    checkout.create_order(customer="bob")
    ids = [order["id"] for order in orders]
    paid = ids[::3]
    assert read_pages(checkout, limit="10") == split(sorted(ids, reverse=True), 10)
    assert read_pages(checkout, limit="13") == split(sorted(ids, reverse=True), 13), "no empty page at the end"
    assert read_pages(checkout, limit="4", status="paid") == split(sorted(paid, reverse=True), 4)
    assert read_pages(checkout, limit="100", status="created") == [sorted(set(ids) - set(paid), reverse=True)]
    assert read_pages(checkout, status="cancelled") == [[]]


def split(ids: list[str], size: int) -> list[list[str]]:
    return [ids[at : at + size] for at in range(0, len(ids), size)]


@pytest.mark.proves("FR-108")
def test_an_order_moves_to_the_list_of_its_new_state(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.cancel(order)
    assert checkout.list_orders(status="created")["orders"] == []
    assert [found["id"] for found in checkout.list_orders(status="cancelled")["orders"]] == [order["id"]]


@pytest.mark.proves("FR-025", "FR-029")
def test_mark_paid_links_both_sides_in_one_transaction(checkout: Checkout, calls: list[str]) -> None:
    order = checkout.create_order()
    transaction_id = checkout.pay(order).body["transaction_id"]
    calls.clear()
    checkout.mark_paid(order, transaction_id)
    assert calls == ["BatchGetItem", "TransactWriteItems"]
    [payment] = checkout.payment_items(order)
    item = checkout.order_item(order)
    assert item["payment_id"] == transaction_id
    assert (item["status"], item["status_order_id"]) == ("paid", f"paid#{order['id']}")
    assert payment["linked_at"] == item["updated_at"]
    assert checkout.audit_events(order)[-1] == "order_paid"


@pytest.mark.proves("FR-026")
def test_marking_paid_again_writes_nothing(checkout: Checkout, calls: list[str]) -> None:
    order = checkout.create_order()
    transaction_id = checkout.pay(order).body["transaction_id"]
    first = checkout.mark_paid(order, transaction_id)
    before = checkout.read_tables()
    calls.clear()
    assert checkout.mark_paid(order, transaction_id).text == first.text
    assert "TransactWriteItems" not in calls
    assert checkout.read_tables() == before


@pytest.mark.proves("FR-027", "FR-003")
def test_what_does_not_pay_for_the_order_does_not_mark_it_paid(checkout: Checkout) -> None:
    order = checkout.create_order()
    theirs = checkout.pay(checkout.create_order(customer="bob"), customer="bob").body["transaction_id"]
    for nobodys in (theirs, "pay_01KG9YS7G00000000000000000_001", "nonsense"):
        answer = checkout.mark_paid(order, nobodys)
        assert (answer.status, answer.code) == (404, "payment_not_found")
    others = checkout.pay(checkout.create_order()).body["transaction_id"]
    answer = checkout.mark_paid(order, others)
    assert (answer.code, answer.body["transaction_id"]) == ("payment_mismatch", others)
    pending = checkout.pay(order, "tok_timeoutAfterCharge").body["transaction_id"]
    answer = checkout.mark_paid(order, pending)
    assert (answer.code, answer.body["transaction_id"]) == ("payment_not_succeeded", pending)
    assert answer.body["payment_status"] == "pending"
    checkout.settle()
    declined = checkout.create_order()
    failed = checkout.pay(declined, "tok_chargeDeclined").body["transaction_id"]
    paid = checkout.pay(declined).body["transaction_id"]
    assert checkout.pay(declined).body["transaction_id"] == paid, "payment_already_succeeded"
    assert checkout.mark_paid(declined, paid).status == 200
    answer = checkout.mark_paid(declined, failed)
    assert (answer.code, answer.body["payment_transaction_id"]) == ("order_already_paid", paid)


@pytest.mark.proves("FR-118")
def test_an_order_in_another_currency_than_its_products_is_refused(checkout: Checkout) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 1}], "currency": "eur"}
    answer = checkout.call("create_order", body, key="key")
    assert (answer.status, answer.code) == (422, "validation_error")
    assert [error["field"] for error in answer.body["errors"]] == ["items.0.product_id"]


@pytest.mark.proves("FR-112")
def test_cancelling_again_writes_nothing(checkout: Checkout) -> None:
    order = checkout.create_order()
    first = checkout.cancel(order)
    before = checkout.read_tables()
    assert checkout.cancel(order).text == first.text
    assert checkout.read_tables() == before
    assert checkout.audit_events(order) == ["order_created", "order_cancelled"]


@pytest.mark.proves("FR-025")
@pytest.mark.parametrize(
    ("side", "change", "code"),
    [
        ("the order", "SET #status = :value REMOVE live_payment_id", "invalid_transition"),
        ("the payment", "SET #status = :value", "payment_not_succeeded"),
    ],
)
def test_what_changes_between_reading_and_writing_is_seen(
    checkout: Checkout, side: str, change: str, code: str
) -> None:
    """Another writer comes between the reads and the transaction: it fails, and the answer tells what is so now."""
    order = checkout.create_order()
    transaction_id = checkout.pay(order).body["transaction_id"]
    table, key = {
        "the order": ("OrdersTable", {"customer_id": {"S": "alice"}, "order_id": {"S": order["id"]}}),
        "the payment": ("PaymentsTable", {"payment_id": {"S": transaction_id}}),
    }[side]
    came: list[bool] = []

    def come_between(model: Any, **_: Any) -> None:
        if model.name == "TransactWriteItems" and not came:
            came.append(True)
            checkout.database.update_item(
                TableName=table,
                Key=key,  # type: ignore[arg-type]
                UpdateExpression=change,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":value": {"S": "cancelled" if side == "the order" else "failed"}},
            )

    checkout.database.meta.events.register("before-call.dynamodb", come_between, unique_id="between")
    answer = checkout.mark_paid(order, transaction_id)
    checkout.database.meta.events.unregister("before-call.dynamodb", unique_id="between")
    assert came
    assert answer.code == code
    assert "order_paid" not in {entry["event"] for entry in checkout.scan("AuditTable")}
