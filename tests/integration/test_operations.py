"""What those who run the checkout see: health, logs, metrics, the check of audit trails."""

import json
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from checkout.audit import Misfit
from local.commands import CannotWork
from tests.integration.conftest import Checkout
from tools.verify_audit import Tables, main, verify_orders


def lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]


@pytest.mark.proves("FR-038")
def test_health_names_each_check(checkout: Checkout) -> None:
    answer = checkout.call("health")
    assert (answer.status, answer.body["status"]) == (200, "healthy")
    assert answer.body["checks"] == {"orders": "ok", "payments": "ok", "products": "ok"}


@pytest.mark.proves("FR-038")
@pytest.mark.parametrize(
    ("table", "check"), [("OrdersTable", "orders"), ("PaymentsTable", "payments"), ("ProductsTable", "products")]
)
def test_health_names_the_check_that_fails(checkout: Checkout, table: str, check: str) -> None:
    checkout.database.delete_table(TableName=table)
    answer = checkout.call("health")
    assert (answer.status, answer.code) == (503, "unhealthy")
    assert [name for name, result in answer.body["checks"].items() if result != "ok"] == [check]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.proves("FR-031", "FR-032")
def test_each_request_has_one_log_line_with_its_ids_and_nothing_secret(
    checkout: Checkout, read_log: Callable[[], str]
) -> None:
    order = checkout.create_order(customer="alice@example.com")
    secret = {"customer": "alice@example.com"}
    checkout.pay(order, "tok_chargeDeclined", key="a-key-of-their-own", **secret)
    checkout.pay(order, "4242424242424242", **secret)
    checkout.pay(order, "tok_unheard", **secret)
    checkout.call("get_order", path={"order_id": "4242424242424242"}, **secret)
    checkout.mark_paid(order, checkout.pay(order, **secret).body["transaction_id"], **secret)
    log = read_log()
    answered = [line for line in lines(log) if line.get("message") == "answered"]
    assert [(line["operation"], line["status"], line.get("code")) for line in answered] == [
        ("create_order", 201, None),
        ("pay", 402, "card_declined"),
        ("pay", 422, "card_number_refused"),
        ("pay", 422, "invalid_token"),
        ("get_order", 404, "order_not_found"),
        ("pay", 201, None),
        ("mark_order_paid", 200, None),
    ]
    assert len({line["request_id"] for line in answered}) == len(answered)
    knows_order = [line["operation"] for line in answered if line.get("order_id") == order["id"]]
    assert knows_order == ["create_order", "pay", "pay", "pay", "mark_order_paid"]
    for word in ("alice@example.com", "tok_", "4242424242424242", "of-their-own"):
        assert word not in log


@pytest.mark.proves("FR-032")
def test_what_happens_is_counted(checkout: Checkout, read_log: Callable[[], str]) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined")
    checkout.pay(order, "tok_unavailable")
    checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    checkout.pay(order)
    payment = checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    checkout.mark_paid(order, payment.body["transaction_id"])
    checkout.mark_paid(order, payment.body["transaction_id"])
    counted = []
    for line in lines(read_log()):
        if "_aws" in line:
            [definition] = line["_aws"]["CloudWatchMetrics"]
            assert definition["Namespace"] == "Checkout"
            names = [metric["Name"] for metric in definition["Metrics"]]
            counted.append((*names, line.get("outcome") or line.get("code")))
    assert counted == [
        ("OrdersCreated", None),
        ("Payments", "declined"),
        ("Payments", "unavailable"),
        ("Payments", "pending"),
        ("Conflicts", "payment_in_progress"),
        ("Payments", "succeeded"),
        ("OrdersMarkedPaid", None),
    ]


@pytest.mark.proves("FR-004", "FR-031")
def test_a_fault_is_a_500_that_tells_nothing(checkout: Checkout, read_log: Callable[[], str]) -> None:
    checkout.database.delete_table(TableName="OrdersTable")
    answer = checkout.call("get_order", path={"order_id": "ord_01KG9YS7G00000000000000000"})
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "Table" not in answer.text
    [fault] = [line for line in lines(read_log()) if line.get("message") == "fault"]
    assert fault["request_id"] == answer.body["request_id"]


@pytest.fixture
def tables(checkout: Checkout) -> Tables:
    return Tables(checkout.database, "OrdersTable", "PaymentsTable", "AuditTable")


def make_paid_order(checkout: Checkout) -> dict[str, Any]:
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order).body["transaction_id"])
    return order


def key_of(order: dict[str, Any], sequence: int) -> dict[str, Any]:
    return {"order_id": {"S": order["id"]}, "sequence": {"N": str(sequence)}}


def change(checkout: Checkout, order: dict[str, Any]) -> None:
    checkout.database.update_item(
        TableName="AuditTable",
        Key=key_of(order, 3),
        UpdateExpression="SET facts.amount = :amount",
        ExpressionAttributeValues={":amount": {"N": "1"}},
    )


def remove(checkout: Checkout, order: dict[str, Any]) -> None:
    checkout.database.delete_item(TableName="AuditTable", Key=key_of(order, 3))


def remove_last(checkout: Checkout, order: dict[str, Any]) -> None:
    checkout.database.delete_item(TableName="AuditTable", Key=key_of(order, 4))


def read_entry(checkout: Checkout, order: dict[str, Any], sequence: int) -> dict[str, Any]:
    item: dict[str, Any] = checkout.database.get_item(TableName="AuditTable", Key=key_of(order, sequence))["Item"]
    return item


def insert(checkout: Checkout, order: dict[str, Any]) -> None:
    entry = read_entry(checkout, order, 4) | {"sequence": {"N": "5"}}
    checkout.database.put_item(TableName="AuditTable", Item=entry)


def swap(checkout: Checkout, order: dict[str, Any]) -> None:
    second, third = read_entry(checkout, order, 2), read_entry(checkout, order, 3)
    for entry, sequence in ((second, "3"), (third, "2")):
        checkout.database.put_item(TableName="AuditTable", Item=entry | {"sequence": {"N": sequence}})


@pytest.mark.proves("FR-030")
def test_trails_as_written_fit(checkout: Checkout, tables: Tables) -> None:
    for _ in range(3):
        make_paid_order(checkout)
    declined = checkout.create_order()
    checkout.pay(declined, "tok_chargeDeclined")
    advanced: list[bool] = []
    assert verify_orders(tables, advance=lambda: advanced.append(True)) == (4, {})
    assert len(advanced) == 4
    for token in ("tok_chargeDeclined", "tok_timeoutAfterCharge"):
        checkout.pay(declined, token)
        assert verify_orders(tables) == (4, {}), "while a payment holds the order, too"


@pytest.mark.proves("FR-030")
@pytest.mark.parametrize(("tamper", "sequence"), [(change, 3), (remove, 3), (remove_last, 4), (insert, 5), (swap, 2)])
def test_a_trail_that_was_tampered_with_is_named_with_its_first_misfit(
    checkout: Checkout, tables: Tables, tamper: Any, sequence: int
) -> None:
    orders = [make_paid_order(checkout) for _ in range(3)]
    tamper(checkout, orders[1])
    checked, misfits = verify_orders(tables)
    assert checked == 3
    assert {order_id: misfit.sequence for order_id, misfit in misfits.items()} == {orders[1]["id"]: sequence}
    assert verify_orders(tables, order_id=orders[0]["id"]) == (1, {})
    assert list(verify_orders(tables, order_id=orders[1]["id"])[1]) == [orders[1]["id"]]


@pytest.mark.proves("FR-030")
def test_a_trail_that_was_cut_off_while_a_payment_holds_its_order_is_named(checkout: Checkout, tables: Tables) -> None:
    order = checkout.create_order()
    checkout.pay(order)
    remove(checkout, order)
    assert verify_orders(tables) == (1, {order["id"]: Misfit(3, "is missing: the order has 3 entries")})


@pytest.mark.proves("FR-030", "FR-039")
def test_a_trail_whose_order_is_gone_is_named(checkout: Checkout, tables: Tables) -> None:
    order = make_paid_order(checkout)
    checkout.database.delete_item(
        TableName="OrdersTable", Key={"customer_id": {"S": "alice"}, "order_id": {"S": order["id"]}}
    )
    assert list(verify_orders(tables)[1]) == [order["id"]]


@pytest.mark.proves("FR-030")
def test_audit_verify_says_which_entry_does_not_fit(
    checkout: Checkout, tables: Tables, read_log: Callable[[], str]
) -> None:
    arguments = ["verify_audit", "--endpoint", "http://unused"]
    with patch("tools.verify_audit.find_tables", return_value=tables), patch.object(sys, "argv", arguments):
        assert main() == 0, "nothing to check"
        order = make_paid_order(checkout)
        assert main() == 0
        change(checkout, order)
        assert main() == 1
        arguments += ["--order", "ord_01KG9YS7G00000000000000000"]
        with pytest.raises(CannotWork, match="no order ord_01KG9YS7G00000000000000000 here"):
            main()
    assert f"{order['id']}: entry 3 was changed" in read_log()
