"""What is written to DynamoDB: the table module alone, on moto."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checkout import wiring
from checkout.clock import format_time
from checkout.dynamodb import to_wire
from checkout.identifiers import payment_id_of
from checkout.key_records import KeyRecord
from checkout.order_reader import OrderChanged
from checkout.simulated_gateway import Call, Fault
from tests.integration.conftest import Checkout

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORDER_ID = "ord_01KG9YS7G00000000000000000"


def read_deadline() -> float:
    return 9.0


@pytest.mark.proves("FR-010")
@pytest.mark.parametrize(
    ("there", "kept"),
    [
        (KeyRecord("hash", "request", "pay_1", 1), True),
        (KeyRecord("hash", "request", "pay_1", 1, "the first answer"), False),
        (KeyRecord("hash", "request", "pay_2", 1), False),
        (None, False),
    ],
    ids=["its own", "answered", "another's", "none"],
)
def test_an_answer_is_kept_where_the_key_waits_for_it(checkout: Checkout, there: KeyRecord | None, kept: bool) -> None:
    if there:
        checkout.database.put_item(TableName="IdempotencyTable", Item=to_wire(there.to_item()))
    answered = KeyRecord("hash", "request", "pay_1", 2, "the answer")
    wiring.order_table().keep_answer(answered)
    now = datetime.fromtimestamp(0, UTC)
    assert wiring.order_table().get_key_record("hash", now) == (answered if kept else there)


@pytest.mark.proves("FR-207")
def test_how_often_a_payment_was_put_off_is_kept(checkout: Checkout) -> None:
    checkout.pay(checkout.create_order(), "tok_timeoutAfterCharge")
    table = wiring.order_table()
    for number in range(3):
        [due] = table.list_open()
        assert due.settle_attempts == number
        assert table.postpone_payment(due, due_at=format_time(NOW + timedelta(minutes=number)), attempts=number + 1)
        assert not table.postpone_payment(
            replace(due, payment_id=payment_id_of(ORDER_ID, 1)), due_at=format_time(NOW), attempts=1
        )


@pytest.mark.proves("FR-207")
def test_a_payment_that_others_put_off_is_still_to_be_settled_and_one_that_they_ended_is_not(
    checkout: Checkout,
) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_timeoutAfterCharge")
    table = wiring.order_table()
    [due] = table.list_open()
    assert table.postpone_payment(due, due_at=format_time(NOW), attempts=1)
    assert table.postpone_payment(due, due_at=format_time(NOW), attempts=1)
    checkout.settle()
    assert not table.postpone_payment(due, due_at=format_time(NOW), attempts=1)
    [payment] = checkout.payment_items(order)
    assert not {"due_at", "due_shard"} & payment.keys(), "it is in the index no more"


@pytest.mark.proves("FR-205", "FR-210")
def test_what_is_started_is_due_once_its_request_has_had_its_time(checkout: Checkout) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    checkout.refund(order, 500)
    [payment] = checkout.payment_items(order)
    waits = datetime.fromisoformat(payment["due_at"]) - datetime.fromisoformat(payment["updated_at"])
    assert waits == timedelta(minutes=1)


@pytest.mark.proves("FR-227")
def test_declines_are_counted_by_the_hour_and_forgotten_two_hours_later(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined")
    [count] = checkout.scan("DeclinesTable")
    [payment] = checkout.payment_items(order)
    assert (count["customer_id"], count["hour"]) == ("alice", payment["created_at"][:13])
    assert count["payments"] == {payment["payment_id"]}
    started = datetime.fromisoformat(payment["created_at"])
    assert count["expiration"] == int((started + timedelta(hours=2)).timestamp())


@pytest.mark.proves("FR-227")
def test_what_is_taken_out_of_an_hour_that_is_gone_begins_no_other(checkout: Checkout) -> None:
    with pytest.raises(OrderChanged):
        wiring.order_table().uncount_declines("alice", NOW, ["pay_1"], read_deadline)
    assert checkout.scan("DeclinesTable") == []
