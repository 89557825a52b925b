"""What is asked of DynamoDB, and what is read of what it holds: the reader alone, on moto."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout import wiring
from checkout.clock import Deadline, format_time
from checkout.dynamodb import Item, to_wire
from checkout.identifiers import payment_id_of, refund_id_of
from checkout.key_records import KeyRecord
from checkout.order_items import from_payment
from checkout.order_reader import Due, OrderReader, TableNames
from checkout.payments import Payment
from checkout.simulated_gateway import Call, Fault
from tests.integration.conftest import Checkout
from tests.unit.test_payments import start_payment

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORDER_ID = "ord_01KG9YS7G00000000000000000"
NAMES = TableNames("OrdersTable", "PaymentsTable", "RefundsTable", "AuditTable", "DeclinesTable", "IdempotencyTable")


class Asked:
    """Reads nothing, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.keys: list[dict[str, list[Item]]] = []

    def __call__(self, keys: Mapping[str, Sequence[Item]], _deadline: Deadline) -> dict[str, list[dict[str, Any]]]:
        self.keys.append({table: list(wanted) for table, wanted in keys.items()})
        return {table: [] for table in keys}


def read_deadline() -> float:
    return 9.0


def ask(checkout: Checkout) -> tuple[OrderReader, Asked]:
    asked = Asked()
    return OrderReader(checkout.database, asked, names=NAMES), asked  # type: ignore[arg-type]


@pytest.mark.proves("FR-113")
@pytest.mark.parametrize(
    ("declines", "reads"), [(0, ["BatchGetItem"]), (1, ["BatchGetItem", "GetItem"])], ids=["the first", "a later one"]
)
def test_an_order_is_read_with_the_payment_that_holds_it(
    checkout: Checkout, calls: list[str], declines: int, reads: list[str]
) -> None:
    order = checkout.create_order()
    for _ in range(declines):
        checkout.pay(order, "tok_chargeDeclined")
    payment_id = checkout.pay(order).body["transaction_id"]
    calls.clear()
    held = wiring.order_table().get_held_order("alice", order["id"], read_deadline)
    assert calls == reads
    assert held
    assert (held.live_payment_id, held.payment_attempts) == (payment_id, declines + 1)
    assert held.audit_head == checkout.audit_trail(order)[-1].head


@pytest.mark.proves("FR-202")
@pytest.mark.parametrize("paid", [False, True], ids=["while it is held", "once it is paid"])
def test_an_order_is_read_before_its_payment(checkout: Checkout, paid: bool) -> None:
    """Else a write could put back what another did to the payment in between: that has written the order too, or the
    payment's state."""
    order = checkout.create_order()
    payment_id = checkout.pay(order).body["transaction_id"]
    if paid:
        checkout.mark_paid(order, payment_id)
    payment = wiring.order_table().get_payment(payment_id)
    assert payment
    read: list[str] = []
    checkout.database.meta.events.register(
        "provide-client-params.dynamodb.GetItem", lambda params, **_: read.append(params["TableName"])
    )
    found, now = wiring.order_table().get_order_of(payment)
    assert read == ["OrdersTable", "PaymentsTable"]
    assert (found.live_payment_id, now) == (payment_id, payment)


@pytest.mark.proves("FR-209")
def test_an_order_is_as_another_payment_holds_it(checkout: Checkout) -> None:
    order = checkout.create_order()
    first = checkout.pay(order, "tok_chargeDeclined").body["transaction_id"]
    second = checkout.pay(order).body["transaction_id"]
    payment = wiring.order_table().get_payment(first)
    assert payment
    found, _ = wiring.order_table().get_order_of(payment)
    assert (found.live_payment_id, found.audit_head) == (second, checkout.audit_trail(order)[-1].head)


@pytest.mark.proves("FR-212")
@pytest.mark.parametrize("counts", [[], [1], [2], [100], [100, 1]])
def test_of_a_payment_just_its_refunds_are_asked_for_a_hundred_at_once(checkout: Checkout, counts: list[int]) -> None:
    table, asked = ask(checkout)
    payment: Payment = replace(start_payment(), refund_count=sum(counts))
    table.get_refunds_of(payment, read_deadline)
    numbers = iter(range(1, sum(counts) + 1))
    assert asked.keys == [
        {"RefundsTable": [{"refund_id": refund_id_of("pay_1_001", next(numbers))} for _ in range(count)]}
        for count in counts
    ]


@pytest.mark.proves("FR-229")
def test_more_payments_than_one_call_reads_are_read_in_several(checkout: Checkout, calls: list[str]) -> None:
    wanted = [payment_id_of(ORDER_ID, number) for number in range(1, 252)]
    for payment_id in (wanted[0], wanted[100], wanted[250]):
        payment = replace(start_payment(), payment_id=payment_id)
        checkout.database.put_item(TableName="PaymentsTable", Item=to_wire(from_payment(payment)))
    calls.clear()
    found = wiring.order_table().get_payments(wanted, read_deadline)
    assert calls == ["BatchGetItem"] * 3
    assert sorted(payment.payment_id for payment in found) == [wanted[0], wanted[100], wanted[250]]


@pytest.mark.proves("FR-205")
def test_no_more_is_read_than_may_be_settled(checkout: Checkout) -> None:
    limits: list[int] = []
    checkout.database.meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: limits.append(params["Limit"])
    )
    wiring.order_table().list_due(before=format_time(NOW), limit=7)
    assert set(limits) == {7}


@pytest.mark.proves("FR-119")
def test_a_key_is_used_for_a_day_to_the_second(checkout: Checkout) -> None:
    record = KeyRecord("hash", "request", ORDER_ID, int(NOW.timestamp()))
    table = wiring.order_table()
    checkout.database.put_item(TableName="IdempotencyTable", Item=to_wire(record.to_item()))
    assert table.get_key_record("hash", NOW) == record
    assert table.get_key_record("hash", NOW + timedelta(seconds=1)) is None
    assert table.get_key_record("another", NOW) is None


@pytest.mark.proves("FR-230")
def test_a_payment_whose_refund_is_under_way_is_open_and_linked(checkout: Checkout) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    checkout.refund(order, 500)
    checkout.pay(checkout.create_order(), "tok_timeoutAfterCharge")
    found: list[Due] = sorted(wiring.order_table().list_open(), key=lambda due: due.created_at)
    assert [due.is_linked for due in found] == [True, False]
