"""Each condition of each write, alone: one attribute is changed after it was read, and the write does not happen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from checkout.dynamodb import to_wire
from tests.integration.conftest import Answer, Checkout
from tests.integration.test_pay import failing, is_claim
from tests.integration.test_settlement import cancel_behind_our_back, charge_behind_our_back

Write = list[dict[str, Any]]
Spoil = Callable[[Checkout, Write], None]


@contextmanager
def spoiling(checkout: Checkout, spoil: Spoil, *, number: int) -> Iterator[list[list[str]]]:
    """Spoils what a transaction, by its number from 0, rests on, when it is about to be sent.

    Gives for each transaction the tables whose item refused it.
    """
    sent: list[Write] = []
    refused_by: list[list[str]] = []

    def intrude(params: dict[str, Any], **_: Any) -> None:
        sent.append(params["TransactItems"])
        if len(sent) == number + 1:
            spoil(checkout, sent[-1])

    def note(parsed: dict[str, Any], **_: Any) -> None:
        reasons = parsed.get("CancellationReasons", [{"Code": "None"}] * len(sent[-1]))
        pairs = zip(sent[-1], reasons, strict=True)
        refused_by.append([table_of(item) for item, reason in pairs if reason["Code"] != "None"])

    events = checkout.database.meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", intrude, unique_id="intrude")
    events.register("after-call.dynamodb.TransactWriteItems", note, unique_id="note-reasons")
    yield refused_by
    events.unregister("provide-client-params.dynamodb.TransactWriteItems", unique_id="intrude")
    events.unregister("after-call.dynamodb.TransactWriteItems", unique_id="note-reasons")


def table_of(item: dict[str, Any]) -> str:
    [action] = item.values()
    return str(action["TableName"])


def find(write: Write, table: str) -> dict[str, Any]:
    [item] = [item for item in write if table_of(item) == table]
    [action] = item.values()
    return dict(action)


def change(table: str, **attributes: object) -> Spoil:
    def spoil(checkout: Checkout, write: Write) -> None:
        checkout.database.update_item(
            TableName=table,
            Key=find(write, table)["Key"],
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            ExpressionAttributeValues=to_wire({f":{name}": value for name, value in attributes.items()}),
        )

    return spoil


def pay_by_this(checkout: Checkout, write: Write) -> None:
    """The order is paid by the very payment that the write is about."""
    payment_id = find(write, "PaymentsTable")["Key"]["payment_id"]["S"]
    change("OrdersTable", payment_id=payment_id)(checkout, write)


def take_the_key(table: str) -> Spoil:
    """Another item is where the write puts one."""

    def spoil(checkout: Checkout, write: Write) -> None:
        checkout.database.put_item(TableName=table, Item=find(write, table)["Item"])

    return spoil


def create(checkout: Checkout, _: dict[str, Any]) -> Answer:
    body = {"items": [{"product_id": "mug", "quantity": 1}]}
    return checkout.call("create_order", body, key=checkout.new_key())


def pay(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order)


def pay_in_vain(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order, "tok_unavailable")


def pay_in_doubt(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order, "tok_timeoutAfterCharge")


def mark_paid(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.mark_paid(order, checkout.payment_items(order)[0]["payment_id"])


def cancel(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.cancel(order)


def refund(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.refund(order, 500)


def fulfil(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.fulfil(order)


def settle_late_charge(checkout: Checkout, order: dict[str, Any]) -> Answer:
    """A charge of another amount is found, when its payment is settled."""
    [payment] = checkout.payment_items(order)
    charge_behind_our_back(checkout, payment["payment_id"], 99)
    checkout.settle()
    return Answer(200, {}, "")


def settle_late_charge_refunded_elsewhere(checkout: Checkout, order: dict[str, Any]) -> Answer:
    [payment] = checkout.payment_items(order)
    charge_behind_our_back(checkout, payment["payment_id"], 99, refundable=0)
    checkout.settle()
    return Answer(200, {}, "")


def claim_alone(checkout: Checkout) -> dict[str, Any]:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        checkout.pay(order)
    return order


def charge(checkout: Checkout) -> dict[str, Any]:
    order = checkout.create_order()
    checkout.pay(order)
    return order


ANOTHER = "pay_01KG9YS7G00000000000000000_001"
OTHERS = {f"pay_{number:026}_001" for number in range(1000)}
ORDERS, PAYMENTS, AUDIT, REFUNDS = "OrdersTable", "PaymentsTable", "AuditTable", "RefundsTable"
KEYS, DECLINES = "IdempotencyTable", "DeclinesTable"

CREATE = [
    ("its id is taken", take_the_key(ORDERS), ORDERS),
    ("its first entry is taken", take_the_key(AUDIT), AUDIT),
    ("its key has an order", take_the_key(KEYS), KEYS),
]
# What else became of the order, or of a payment of it, has taken the next entry.
CLAIM = [
    ("the payment is there", take_the_key(PAYMENTS), PAYMENTS),
    ("its key has a payment", take_the_key(KEYS), KEYS),
    ("as many declines as there may be within the hour", change(DECLINES, payments=OTHERS), DECLINES),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
FINISH = [
    ("the payment has succeeded", change(PAYMENTS, status="succeeded"), PAYMENTS),
    ("the payment has failed", change(PAYMENTS, status="failed"), PAYMENTS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
FAIL = [
    ("another payment holds the order", change(ORDERS, live_payment_id=ANOTHER), ORDERS),
    ("the order was written", change(ORDERS, audit_sequence=3), ORDERS),
    *FINISH,
    # A request that was refused fails the payment only if no later one has asked the gateway.
    ("a later request has taken it up", change(PAYMENTS, resumed_at="2026-01-31T12:00:00.000Z"), PAYMENTS),
]
LINK = [
    ("the order is cancelled", change(ORDERS, status="cancelled"), ORDERS),
    ("another payment holds the order", change(ORDERS, live_payment_id=ANOTHER), ORDERS),
    ("the order was written", change(ORDERS, audit_sequence=4), ORDERS),
    ("the payment has not succeeded", change(PAYMENTS, status="pending"), PAYMENTS),
    ("the payment is another order's", change(PAYMENTS, order_id="ord_01KG9YS7G00000000000000000"), PAYMENTS),
    ("the payment is linked", change(PAYMENTS, linked_at="2026-01-31T12:00:00.000Z"), PAYMENTS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
CANCEL = [
    ("the order is paid", change(ORDERS, status="paid"), ORDERS),
    ("a payment holds the order", change(ORDERS, live_payment_id=ANOTHER), ORDERS),
    ("the order was written", change(ORDERS, audit_sequence=2), ORDERS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
UNKNOWN = [
    ("the payment has succeeded", change(PAYMENTS, status="succeeded"), PAYMENTS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
REFUND = [
    ("the order is cancelled", change(ORDERS, status="cancelled"), ORDERS),
    ("another payment paid for it", change(ORDERS, payment_id=ANOTHER), ORDERS),
    ("the order was written", change(ORDERS, audit_sequence=5), ORDERS),
    ("less is left than is asked for", change(PAYMENTS, refundable_amount=499), PAYMENTS),
    ("the payment is refunded", change(PAYMENTS, status="refunded"), PAYMENTS),
    ("the refund is there", take_the_key(REFUNDS), REFUNDS),
    ("its key has a refund", take_the_key(KEYS), KEYS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
FINISH_REFUND = [
    ("the order was written", change(ORDERS, audit_sequence=6), ORDERS),
    ("the payment is no longer refunding", change(PAYMENTS, status="succeeded"), PAYMENTS),
    ("the refund has ended", change(REFUNDS, status="failed"), REFUNDS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
RETURN = [
    ("the order is paid by the payment", pay_by_this, ORDERS),
    ("the order was written", change(ORDERS, audit_sequence=4), ORDERS),
    ("the payment is linked", change(PAYMENTS, linked_at="2026-01-31T12:00:00.000Z"), PAYMENTS),
    ("some of it is on its way already", change(PAYMENTS, refundable_amount=1), PAYMENTS),
    ("some of it was returned", change(PAYMENTS, refunded_amount=1), PAYMENTS),
    ("it has not failed", change(PAYMENTS, status="pending"), PAYMENTS),
    ("the refund is there", take_the_key(REFUNDS), REFUNDS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
END_RETURNED = [
    ("the order is paid by the payment", pay_by_this, ORDERS),
    ("the order was written", change(ORDERS, audit_sequence=4), ORDERS),
    ("the payment is linked", change(PAYMENTS, linked_at="2026-01-31T12:00:00.000Z"), PAYMENTS),
    ("it has not failed", change(PAYMENTS, status="pending"), PAYMENTS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
FULFIL = [
    ("the order is refunded", change(ORDERS, status="refunded"), ORDERS),
    ("the order was written", change(ORDERS, audit_sequence=5), ORDERS),
    ("the entry is there", take_the_key(AUDIT), AUDIT),
]
# Operation, the order before it, which of its transactions is spoiled, and what it rests on.
WRITES = [
    ("create", create, Checkout.create_order, 0, CREATE),
    ("claim", pay, Checkout.create_order, 0, CLAIM),
    ("finish", pay, Checkout.create_order, 1, FINISH),
    ("fail", pay_in_vain, Checkout.create_order, 1, FAIL),
    ("unknown", pay_in_doubt, Checkout.create_order, 1, UNKNOWN),
    ("link", mark_paid, charge, 0, LINK),
    ("cancel", cancel, Checkout.create_order, 0, CANCEL),
    ("refund", refund, Checkout.buy, 0, REFUND),
    # The second transaction is the simulated gateway's own.
    ("finish refund", refund, Checkout.buy, 2, FINISH_REFUND),
    ("return", settle_late_charge, claim_alone, 1, RETURN),
    ("end returned", settle_late_charge_refunded_elsewhere, claim_alone, 1, END_RETURNED),
    ("fulfil", fulfil, Checkout.buy, 0, FULFIL),
]


@pytest.mark.proves("FR-014", "FR-016", "FR-022", "FR-025", "FR-029", "FR-102", "FR-113", "FR-119")
@pytest.mark.proves("FR-202", "FR-209", "FR-211", "FR-217", "FR-227")
@pytest.mark.parametrize(
    ("operate", "prepare", "number", "spoil", "table"),
    [
        pytest.param(operate, prepare, number, spoil, table, id=f"{name}: {why}")
        for name, operate, prepare, number, conditions in WRITES
        for why, spoil, table in conditions
    ],
)
def test_a_write_does_not_happen_once(
    checkout: Checkout,
    operate: Callable[[Checkout, dict[str, Any]], Answer],
    prepare: Callable[[Checkout], dict[str, Any]],
    number: int,
    spoil: Spoil,
    table: str,
) -> None:
    order = prepare(checkout)
    with spoiling(checkout, spoil, number=number) as refused_by:
        operate(checkout, order)
    assert refused_by[:number] == [[]] * number, "what comes before it is written"
    assert refused_by[number] == [table], "nothing else stands against it"


@pytest.mark.proves("FR-227")
def test_what_else_stands_against_a_claim_is_told_before_the_hour_that_is_full(checkout: Checkout) -> None:
    order = checkout.create_order()

    def cancel_in_a_full_hour(checkout: Checkout, write: Write) -> None:
        change(DECLINES, payments=OTHERS)(checkout, write)
        take_the_key(AUDIT)(checkout, write)
        cancel_behind_our_back(checkout, order)

    with spoiling(checkout, cancel_in_a_full_hour, number=0) as refused_by:
        assert pay(checkout, order).code == "order_not_payable"
    assert refused_by == [[AUDIT, DECLINES]]
