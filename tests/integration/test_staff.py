"""Staff: what the scope `orders:manage` allows, and nobody else."""

from typing import Any

import pytest

from tests.integration.conftest import Checkout

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
