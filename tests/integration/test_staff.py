"""Staff: what the scope `orders:manage` allows, and nobody else."""

from typing import Any

import pytest

from checkout.audit import hash_entry
from tests.integration.conftest import Checkout
from tests.integration.test_reads import asking

STAFF = {"customer": "sam", "scope": "openid orders:manage"}


@pytest.mark.proves("FR-217", "FR-218")
def test_a_paid_order_is_fulfilled_once(checkout: Checkout) -> None:
    order = checkout.buy()
    first, again = checkout.fulfil(order), checkout.fulfil(order)
    assert (first.status, first.body["status"], first.body["version"]) == (200, "fulfilled", 3)
    assert (again.status, again.body) == (200, first.body)
    assert checkout.audit_events(order)[-2:] == ["order_paid", "order_fulfilled"]
    assert checkout.audit_trail(order)[-1].actor == "staff"


@pytest.mark.proves("FR-217", "FR-116")
@pytest.mark.parametrize("status", ["created", "cancelled", "refunded"])
def test_an_order_that_is_not_paid_is_not_fulfilled(checkout: Checkout, status: str) -> None:
    order = checkout.buy() if status == "refunded" else checkout.create_order()
    if status == "refunded":
        checkout.refund(order)
    elif status == "cancelled":
        checkout.cancel(order)
    answer = checkout.fulfil(order)
    assert (answer.status, answer.code) == (409, "invalid_transition")
    assert (answer.body["current_status"], answer.body["requested_status"]) == (status, "fulfilled")


@pytest.mark.proves("FR-215")
@pytest.mark.parametrize("scope", ["", "orders:read", "orders:manager", "xorders:manage"])
@pytest.mark.parametrize("function", ["fulfil_order", "refund_order"])
def test_customers_neither_fulfil_nor_refund(checkout: Checkout, calls: list[str], function: str, scope: str) -> None:
    order = checkout.buy()
    calls.clear()
    answers = [
        checkout.call(function, {}, path={"order_id": order_id}, scope=scope, key="key")
        for order_id in (order["id"], "ord_01KG9YS7G00000000000000000")
    ]
    for answer in answers:
        assert (answer.status, answer.code, answer.body["required_scope"]) == (
            403,
            "insufficient_scope",
            "orders:manage",
        )
    assert {**answers[0].body, "request_id": ""} == {**answers[1].body, "request_id": ""}
    assert calls == [], "nothing is read"


@pytest.mark.proves("FR-216")
def test_staff_read_any_order_payment_and_trail(checkout: Checkout, calls: list[str]) -> None:
    order = checkout.buy()
    mine = {
        function: checkout.call(function, path=path).body
        for function, path in (
            ("get_order", {"order_id": order["id"]}),
            ("get_order_audit", {"order_id": order["id"]}),
            ("get_payment", {"transaction_id": order["payment_transaction_id"]}),
        )
    }
    calls.clear()
    for function, body in mine.items():
        path: Any = {"order_id": order["id"], "transaction_id": order["payment_transaction_id"]}
        theirs = checkout.call(function, path=path, **STAFF)
        assert (theirs.status, theirs.body) == (200, body)
    assert "Scan" not in calls


@pytest.mark.proves("FR-216")
@pytest.mark.parametrize("whose", ["alice", "sam"])
def test_staff_find_an_order_at_once_by_the_first_entry_of_its_trail(
    checkout: Checkout, calls: list[str], whose: str
) -> None:
    order = checkout.create_order(customer=whose)
    asked: list[dict[str, Any]] = []
    calls.clear()
    with asking(checkout, "GetItem", asked.append):
        answer = checkout.call("get_order", path={"order_id": order["id"]}, **STAFF)
    assert (answer.status, answer.body) == (200, order)
    assert calls == ["GetItem"] * 2
    assert [(each["TableName"], each["ConsistentRead"]) for each in asked] == [
        ("AuditTable", True),
        ("OrdersTable", True),
    ]
    assert asked[0]["ProjectionExpression"] == "customer_id"


@pytest.mark.proves("FR-003", "FR-310")
def test_customers_ask_for_their_own_alone(checkout: Checkout, calls: list[str]) -> None:
    order = checkout.create_order()
    calls.clear()
    assert checkout.get_order(order) == order
    assert calls == ["GetItem"]
    assert checkout.call("get_order", path={"order_id": order["id"]}, customer="bob").status == 404
    assert calls == ["GetItem"] * 2


@pytest.mark.proves("FR-031", "FR-216")
def test_whose_an_order_is_stands_beside_the_first_entry_of_its_trail_and_in_no_answer(checkout: Checkout) -> None:
    order = checkout.buy()
    items = sorted(checkout.scan("AuditTable"), key=lambda item: int(item["sequence"]))
    assert [item.get("customer_id") for item in items] == ["alice", None, None, None]
    for caller in ({}, STAFF):
        entries = checkout.call("get_order_audit", path={"order_id": order["id"]}, **caller).body["entries"]
        assert "customer_id" not in str(entries)
        assert entries[0]["hash"] == hash_entry({**entries[0], "order_id": order["id"]})


@pytest.mark.proves("FR-216")
@pytest.mark.parametrize("left", ["no entry", "an entry alone", "another's"])
def test_an_order_whose_first_entry_does_not_tell_whose_it_is_is_not_there_for_staff(
    checkout: Checkout, left: str
) -> None:
    order = checkout.create_order()
    [entry] = checkout.database.scan(TableName="AuditTable")["Items"]
    owner = entry.pop("customer_id")
    checkout.database.delete_item(TableName="AuditTable", Key={name: entry[name] for name in ("order_id", "sequence")})
    if left != "no entry":
        beside = {} if left == "an entry alone" else {"customer_id": {"S": "bob"}}
        checkout.database.put_item(TableName="AuditTable", Item={**entry, **beside})
    assert owner == {"S": "alice"}
    for function in ("get_order", "get_order_audit", "fulfil_order"):
        answer = checkout.call(function, path={"order_id": order["id"]}, **STAFF)
        assert (answer.status, answer.code) == (404, "order_not_found")
    assert checkout.get_order(order) == order


@pytest.mark.proves("FR-003", "FR-216")
@pytest.mark.parametrize("function", ["get_order", "get_order_audit", "get_payment"])
def test_what_is_not_there_is_not_there_for_staff_either(checkout: Checkout, function: str) -> None:
    order = checkout.buy()
    none: Any = {"order_id": "ord_01KG9YS7G00000000000000000", "transaction_id": "pay_01KG9YS7G00000000000000000_001"}
    assert checkout.call(function, path=none, **STAFF).status == 404
    theirs: Any = {"order_id": order["id"], "transaction_id": order["payment_transaction_id"]}
    assert checkout.call(function, path=theirs, customer="bob").status == 404
    bad: Any = {"order_id": "x" * 5000, "transaction_id": "x" * 5000}
    assert checkout.call(function, path=bad, **STAFF).status == 404


@pytest.mark.proves("FR-216")
def test_staff_do_not_act_for_customers(checkout: Checkout) -> None:
    order = checkout.create_order()
    assert checkout.cancel(order, **STAFF).code == "order_not_found"
    assert checkout.pay(order, **STAFF).code == "order_not_found"
    transaction_id = checkout.pay(order).body["transaction_id"]
    assert checkout.mark_paid(order, transaction_id, **STAFF).code == "order_not_found"
