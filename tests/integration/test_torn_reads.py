"""A read of several items is not of one moment: whatever happens in between, what is decided from them holds."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from checkout import wiring
from checkout.audit import Actor
from checkout.caller import Author
from checkout.dynamodb import BatchRead, Found, Item, to_wire
from checkout.gateway import OutcomeUnknown
from checkout.payments import RESUMED_FOR
from checkout.simulated_gateway import Call, Fault
from tests.exploration.rules import (
    check_books,
    check_cancelled,
    check_order,
    check_rest,
    check_trail,
    find_wrong_money,
)
from tests.integration.conftest import Answer, Checkout

pytestmark = pytest.mark.proves("FR-014", "FR-025", "FR-029", "FR-113", "FR-202", "FR-716")

Act = Callable[[Checkout, dict[str, Any]], object]
CHECKS = (check_books, check_order, check_rest, check_trail)


@contextmanager
def tearing(first: Collection[str], act: Callable[[], object]) -> Iterator[list[str]]:
    """Of the next read of several tables, these are read first; then somebody acts, and the others are read."""
    read, torn = BatchRead.__call__, []

    def read_torn(batch: BatchRead, keys: Mapping[str, Sequence[Item]], *arguments: Any, **named: Any) -> Found:
        earlier = {table: wanted for table, wanted in keys.items() if table in first}
        if torn or len(keys) < 2 or not earlier:
            return read(batch, keys, *arguments, **named)
        torn.extend(earlier)
        found = read(batch, earlier, *arguments, **named)
        act()
        later = {table: wanted for table, wanted in keys.items() if table not in first}
        return found | read(batch, later, *arguments, **named)

    with patch.object(BatchRead, "__call__", read_torn):
        yield torn


def pay(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order)


def pay_again(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order, key="key")


def be_declined(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order, "tok_chargeDeclined")


def be_left_in_doubt(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order, "tok_timeoutAfterCharge")


def mark_paid(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.mark_paid(order, checkout.payment_items(order)[-1]["payment_id"])


def cancel(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.cancel(order)


def be_declined_and_pay(checkout: Checkout, order: dict[str, Any]) -> Answer:
    be_declined(checkout, order)
    return pay(checkout, order)


def pay_and_mark_paid(checkout: Checkout, order: dict[str, Any]) -> Answer:
    pay_again(checkout, order)
    return mark_paid(checkout, order)


def be_charged_wrongly(checkout: Checkout, order: dict[str, Any]) -> None:
    """The charge is on its way back, and may have to be asked for again."""
    with checkout.acting_as("settle_payments"):
        checkout.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
    payment_id = checkout.pay(order).body["transaction_id"]
    author = Author(Actor.SYSTEM, "request", lambda: 60)
    with checkout.acting_as("settle_payments"):
        checkout.database.update_item(
            TableName="SimulatedGatewayTable",
            Key={"payment_id": {"S": payment_id}},
            UpdateExpression="SET amount = :amount, refundable = :amount",
            ExpressionAttributeValues={":amount": {"N": "99"}},
        )
        checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
        with pytest.raises(OutcomeUnknown):
            wiring.settlement_service().settle_payment(author, payment_id)


def settle(checkout: Checkout, _: dict[str, Any]) -> object:
    return checkout.settle()


def use_key_for_another(checkout: Checkout, _: dict[str, Any]) -> Answer:
    return checkout.pay(checkout.create_order(), key="key")


def be_declined_again(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order, "tok_chargeDeclined", key="key")


def ask_again(checkout: Checkout, order: dict[str, Any]) -> Answer:
    return checkout.pay(order, "tok_timeoutAfterCharge", key="key")


def be_left_in_doubt_for_long(checkout: Checkout, order: dict[str, Any]) -> None:
    """So that no retry asks the gateway any more."""
    ask_again(checkout, order)
    checkout.wait(RESUMED_FOR)


def nothing(*_: Any) -> None:
    return None


CASES: list[tuple[Act, Sequence[Act], Sequence[Act]]] = [
    (
        nothing,
        (pay, be_declined, be_left_in_doubt, cancel, be_declined_and_pay, pay_and_mark_paid, be_charged_wrongly),
        (pay, pay_again, cancel),
    ),
    (
        be_declined,
        (pay, be_declined, be_left_in_doubt, cancel, be_declined_and_pay, be_charged_wrongly),
        (pay, pay_again, cancel),
    ),
    (pay_again, (mark_paid, settle), (pay, pay_again, mark_paid, cancel)),
    (be_left_in_doubt, (settle,), (pay, mark_paid, cancel)),
]
"""What was done before, what is done in between, and what has read."""


ALL = {"OrdersTable", "PaymentsTable", "IdempotencyTable", "DeclinesTable"}


@pytest.mark.parametrize(
    "first",
    [{"OrdersTable"}, {"PaymentsTable"}, {"OrdersTable", "PaymentsTable"}, ALL],
    ids=["the order", "its payment", "both", "all"],
)
@pytest.mark.parametrize(
    ("before", "meanwhile", "operation"),
    [
        pytest.param(*acts, id=": ".join(act.__name__ for act in acts))
        for before, meanwhiles, operations in CASES
        for acts in itertools.product([before], meanwhiles, operations)
    ],
)
def test_what_is_decided_from_a_torn_read_holds(
    checkout: Checkout, before: Act, meanwhile: Act, operation: Act, first: Collection[str]
) -> None:
    order = checkout.create_order()
    before(checkout, order)
    with tearing(first, lambda: meanwhile(checkout, order)) as torn:
        answer = operation(checkout, order)
    assert torn, "it reads order and payment at once"
    assert isinstance(answer, Answer)
    assert answer.status < 500, answer.text
    assert list(find_wrong_money(checkout, order)) == []
    for _ in range(2):
        checkout.settle(after=timedelta(hours=1))
    assert [wrong for check in CHECKS for wrong in check(checkout, order)] == []
    assert list(check_cancelled(checkout.audit_trail(order))) == []


@pytest.mark.parametrize("first", [ALL, ALL - {"OrdersTable"}], ids=["all", "all but the order"])
@pytest.mark.parametrize(
    ("before", "meanwhile", "operation", "told"),
    [
        (nothing, pay_again, pay_again, (201, None)),
        (nothing, pay, pay_again, (409, "payment_already_succeeded")),
        (nothing, be_declined, pay_again, (201, None)),
        (nothing, be_declined_again, be_declined_again, (402, "card_declined")),
        (nothing, be_declined_again, pay_again, (422, "idempotency_key_reused")),
        (nothing, be_left_in_doubt, pay_again, (409, "payment_in_progress")),
        (nothing, use_key_for_another, pay_again, (422, "idempotency_key_reused")),
        (be_declined, pay_again, pay_again, (201, None)),
        (be_declined, pay, pay_again, (409, "payment_already_succeeded")),
        (be_left_in_doubt, settle, pay, (409, "order_not_payable")),
        (pay_again, mark_paid, pay_again, (201, None)),
        (nothing, pay_and_mark_paid, pay_again, (201, None)),
        (be_declined, pay_and_mark_paid, pay_again, (201, None)),
        (be_left_in_doubt_for_long, settle, ask_again, (201, None)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_who_saw_what_was_so_a_moment_ago_is_told_what_is(
    checkout: Checkout,
    before: Act,
    meanwhile: Act,
    operation: Act,
    told: tuple[int, str | None],
    first: Collection[str],
) -> None:
    order = checkout.create_order()
    before(checkout, order)
    made: list[object] = []
    with tearing(first, lambda: made.append(meanwhile(checkout, order))):
        answer = operation(checkout, order)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.code) == told
    if operation is meanwhile:
        assert isinstance(made[0], Answer)
        assert answer.body["transaction_id"] == made[0].body["transaction_id"]


@contextmanager
def seeing(table: str, items: Sequence[Item]) -> Iterator[None]:
    """What is read eventually consistently of a table are these older items."""
    read = BatchRead.__call__

    def read_stale(batch: BatchRead, keys: Mapping[str, Sequence[Item]], *arguments: Any, **named: Any) -> Found:
        found = read(batch, keys, *arguments, **named)
        return {**found, table: list(map(dict, items))} if table in named.get("eventual", ()) else found

    with patch.object(BatchRead, "__call__", read_stale):
        yield


def find_late_charge(checkout: Checkout, payment: Mapping[str, Any], *, refundable: int) -> None:
    """It comes to light after the payment had failed, and goes back; or has gone."""
    charge = {
        "payment_id": payment["payment_id"],
        "order_id": payment["order_id"],
        "outcome": "succeeded",
        "reference": "ch_late",
        "amount": payment["amount"],
        "currency": payment["currency"],
        "refundable": refundable,
        "charged_at": payment["created_at"],
    }
    checkout.database.put_item(TableName="SimulatedGatewayTable", Item=to_wire(charge))
    with checkout.acting_as("settle_payments"):
        author = Author(Actor.SYSTEM, "request", lambda: 60)
        wiring.settlement_service().settle_payment(author, payment["payment_id"])


@pytest.mark.proves("FR-204", "FR-716")
@pytest.mark.parametrize("refundable", [0, 1800], ids=["gone back", "to go back"])
@pytest.mark.parametrize("read", ["now", "a moment ago", "before the order"])
def test_a_key_is_not_used_again_once_its_payment_turns_out_to_be_charged(
    checkout: Checkout, read: str, refundable: int
) -> None:
    order = checkout.create_order()
    checkout.break_gateway(Call.CHARGE, Fault.REFUSED)
    assert checkout.pay(order, key="key").code == "gateway_unavailable"
    [failed] = checkout.payment_items(order)

    def come_to_light() -> None:
        find_late_charge(checkout, failed, refundable=refundable)

    if read == "before the order":
        with tearing({"PaymentsTable"}, come_to_light):
            answer = checkout.pay(order, key="key")
    else:
        come_to_light()
        with seeing("PaymentsTable", [failed] if read == "a moment ago" else checkout.payment_items(order)):
            answer = checkout.pay(order, key="key")
    assert (answer.status, answer.code) == (409, "payment_not_succeeded")
    assert len(checkout.payment_items(order)) == 1
