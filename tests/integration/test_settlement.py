"""Payments that nobody comes back for: what settle_payments makes of them."""

import itertools
import json
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from checkout import wiring
from checkout.audit import Actor
from checkout.caller import Author
from checkout.dynamodb import to_wire
from checkout.errors import StoreUnavailable
from checkout.gateway import OutcomeUnknown, RequestNotTaken
from checkout.jobs import JobFailed
from checkout.money import Money
from checkout.order_reader import OrderChanged, OrderReader
from checkout.order_table import OrderTable
from checkout.payments import Payment
from checkout.settlement_service import Settlement
from checkout.simulated_gateway import Call, Fault, SimulatedGateway
from tests.integration.conftest import Checkout
from tests.integration.test_pay import failing, is_claim, is_outcome

PAID = ["order_created", "payment_started", "payment_unknown", "payment_succeeded", "order_paid"]


def is_open(checkout: Checkout, order: dict[str, Any]) -> bool:
    return any("due_at" in payment for payment in checkout.payment_items(order))


@pytest.mark.proves("FR-201", "FR-202", "FR-203")
def test_an_outcome_that_the_gateway_did_not_tell_is_on_record_as_unknown(checkout: Checkout) -> None:
    order = checkout.create_order()
    answer = checkout.pay(order, "tok_timeoutAfterCharge")
    assert (answer.status, answer.body["status"]) == (202, "pending")
    assert answer.headers["location"] == f"/payments/{answer.body['transaction_id']}"
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["unknown"]
    assert checkout.audit_events(order) == PAID[:3]
    shown = checkout.call("get_payment", path={"transaction_id": answer.body["transaction_id"]})
    assert shown.body["status"] == "pending"


@pytest.mark.proves("FR-205", "FR-206", "FR-208", "FR-218")
def test_a_charge_whose_answer_was_lost_ends_with_its_order_paid(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_timeoutAfterCharge")
    done = checkout.settle()
    assert (done["settled"], done["waiting"], done["orders_paid"], done["faults"]) == (1, 0, 1, [])
    assert checkout.get_order(order)["status"] == "paid"
    assert checkout.audit_events(order) == PAID
    assert [entry.actor for entry in checkout.audit_trail(order)] == ["customer"] * 3 + ["system"] * 2
    assert not is_open(checkout, order)
    assert len(checkout.charges(order)) == 1
    assert checkout.settle()["settled"] == 0


@pytest.mark.proves("FR-206")
@pytest.mark.parametrize(
    "claim_alone", [False, True], ids=["the request was lost", "the process ended after the claim"]
)
def test_a_charge_that_was_never_made_is_made_impossible_and_fails(checkout: Checkout, claim_alone: bool) -> None:
    order = checkout.create_order()
    if claim_alone:
        with failing(checkout, is_claim, after=True):
            checkout.pay(order, key="key")
    else:
        checkout.pay(order, "tok_timeoutBeforeCharge", key="key")
    [item] = checkout.payment_items(order)
    done = checkout.settle()
    assert (done["settled"], done["orders_paid"], done["faults"]) == (1, 0, [])
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["failure_reason"]) == ("failed", "not_charged")
    assert "live_payment_id" not in checkout.order_item(order)
    assert checkout.order_item(order)["declined_payments"] == 0
    # The request that was lost arrives after all.
    late = Payment(money=MONEY, **{name: item[name] for name in NEEDED if name in item})
    gateway = SimulatedGateway(checkout.database, table="SimulatedGatewayTable", clock=checkout.read_clock)
    with pytest.raises(RequestNotTaken):
        gateway.charge(late, "tok_visa", lambda: 10)
    assert checkout.charges(order) == []
    # Its key may be tried again, and the order paid.
    answer = checkout.pay(order, "tok_visa" if claim_alone else "tok_timeoutBeforeCharge", key="key")
    assert answer.status in {201, 202}
    assert len(checkout.payment_items(order)) == 2


@pytest.mark.proves("FR-208")
def test_a_payment_that_nobody_links_is_linked(checkout: Checkout) -> None:
    order = checkout.create_order()
    transaction_id = checkout.pay(order).body["transaction_id"]
    assert checkout.settle()["orders_paid"] == 1
    paid = checkout.get_order(order)
    assert (paid["status"], paid["payment_transaction_id"]) == ("paid", transaction_id)
    again = checkout.mark_paid(order, transaction_id)
    assert (again.status, again.body) == (200, paid)
    assert checkout.audit_events(order).count("order_paid") == 1


@pytest.mark.proves("FR-208")
def test_a_link_by_the_client_just_before_is_what_settling_finds(checkout: Checkout) -> None:
    order = checkout.create_order()
    transaction_id = checkout.pay(order).body["transaction_id"]
    link = OrderTable.mark_order_paid

    def be_late(table: OrderTable, *arguments: Any) -> None:
        with patch.object(OrderTable, "mark_order_paid", link):
            assert checkout.mark_paid(order, transaction_id).status == 200
        link(table, *arguments)

    with patch.object(OrderTable, "mark_order_paid", be_late):
        done = checkout.settle()
    assert (done["settled"], done["orders_paid"], done["faults"]) == (1, 0, [])
    assert checkout.audit_events(order).count("order_paid") == 1


@pytest.mark.proves("FR-203", "FR-206")
@pytest.mark.parametrize(
    ("is_wrong", "is_returned", "code"),
    [
        (False, False, "gateway_unavailable"),
        (True, False, "payment_in_progress"),
        (True, True, "payment_not_succeeded"),
    ],
    ids=["prevented", "charged wrongly", "charged wrongly and returned"],
)
def test_a_payment_that_is_settled_as_failed_while_it_is_made_is_not_told_as_made(
    checkout: Checkout, is_wrong: bool, is_returned: bool, code: str
) -> None:
    order = checkout.create_order()

    def meet(_gateway: SimulatedGateway, payment: Payment, *_: Any) -> None:
        if is_wrong:
            charge_behind_our_back(checkout, payment.payment_id, 99)
            checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
        checkout.settle()
        if is_returned:
            checkout.settle(after=timedelta(hours=1))
        raise OutcomeUnknown

    with patch.object(SimulatedGateway, "charge", meet):
        answer = checkout.pay(order)
    assert answer.code == code
    assert answer.body.get("transaction_id") == (checkout.payment_items(order)[0]["payment_id"] if is_wrong else None)
    checkout.settle()
    assert checkout.pay(order).status == 201


@pytest.mark.proves("FR-205")
def test_what_is_not_due_yet_is_left_to_those_who_make_it(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_timeoutBeforeCharge", key="key")
    assert checkout.settle(after=timedelta(seconds=50)) == {
        "settled": 0,
        "waiting": 0,
        "orders_paid": 0,
        "faults": [],
    }
    assert checkout.pay(order, "tok_timeoutBeforeCharge", key="key").status == 201


@pytest.mark.proves("FR-205")
def test_a_run_takes_a_bounded_number_those_due_longest_first(checkout: Checkout) -> None:
    orders = []
    for _ in range(6):
        orders.append(checkout.create_order())
        checkout.pay(orders[-1])
        checkout.wait(timedelta(seconds=1))
    with patch("functions.settle_payments.app.LIMIT", 4):
        assert checkout.settle()["orders_paid"] == 4
        assert [checkout.get_order(order)["status"] for order in orders] == ["paid"] * 4 + ["created"] * 2
        assert checkout.settle()["orders_paid"] == 2


@pytest.mark.proves("FR-205")
def test_settling_never_scans_and_reads_only_what_is_due(checkout: Checkout, calls: list[str]) -> None:
    for _ in range(3):
        checkout.buy()
    calls.clear()
    checkout.settle()
    assert set(calls) == {"Query"}
    assert len(calls) == 8, "four shards for what is due, four for the oldest"


@pytest.mark.proves("FR-207")
def test_a_gateway_that_does_not_answer_is_asked_at_growing_intervals(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_timeoutAfterCharge")
    asked: list[timedelta] = []

    def be_silent(*_: Any) -> None:
        asked.append(checkout.waited)
        raise OutcomeUnknown

    with patch.object(SimulatedGateway, "find_charge", be_silent):
        for _ in range(200):
            done = checkout.settle(after=timedelta(seconds=60))
            assert done["settled"] == 0
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert 5 <= len(asked) <= 16
    assert pauses[0] <= timedelta(minutes=2)
    assert max(pauses) > timedelta(minutes=25)
    assert max(pauses) <= timedelta(minutes=61)
    assert checkout.settle(after=timedelta(hours=1))["orders_paid"] == 1


@pytest.mark.proves("FR-207")
def test_what_fails_does_not_stop_the_rest(checkout: Checkout, read_log: Callable[[], str]) -> None:
    orders = [checkout.create_order() for _ in range(3)]
    for order in orders:
        checkout.pay(order)
    broken = checkout.payment_items(orders[0])[0]["payment_id"]
    get_payment = OrderReader.get_payment
    read_log()

    def be_broken(table: OrderReader, payment_id: str) -> Payment | None:
        if payment_id == broken:
            raise ZeroDivisionError("a secret")
        return get_payment(table, payment_id)

    with patch.object(OrderReader, "get_payment", be_broken):
        done = checkout.settle()
    assert done["orders_paid"] == 2
    assert done["faults"] == [f"{broken} ZeroDivisionError"]
    assert "a secret" not in read_log()
    assert checkout.settle()["orders_paid"] == 1


@pytest.mark.proves("FR-207")
def test_a_run_ends_before_its_time_does(checkout: Checkout) -> None:
    orders = [checkout.create_order() for _ in range(3)]
    for order in orders:
        checkout.pay(order, "tok_timeoutAfterCharge")
    left: list[float] = []

    def look(gateway: SimulatedGateway, payment: Payment, deadline: Callable[[], float]) -> None:
        left.append(deadline())
        raise OutcomeUnknown

    with patch.object(SimulatedGateway, "find_charge", look):
        done = checkout.settle(seconds=10)
        assert (done["settled"], done["waiting"], left) == (0, 0, []), "nothing is begun without the time to end it"
        checkout.settle(seconds=30)
    assert len(left) == 3
    assert all(seconds <= 25 for seconds in left), "the gateway is not given the time to write the outcome"


@pytest.mark.proves("FR-204")
@pytest.mark.parametrize("kept", [True, False])
def test_a_key_gets_its_own_payment_after_later_ones(checkout: Checkout, kept: bool) -> None:
    """Without its record the payment does that holds the order."""
    order = checkout.create_order()
    first = checkout.pay(order, "tok_chargeDeclined", key="first")
    second = checkout.pay(order, "tok_chargeDeclinedExpiredCard", key="second")
    third = checkout.pay(order, key="third")
    if not kept:
        checkout.forget_idempotency()
        wiring.charging_service.cache_clear()
    declined = [("first", "tok_chargeDeclined", first), ("second", "tok_chargeDeclinedExpiredCard", second)]
    for key, token, answer in [*(declined if kept else []), ("third", "tok_visa", third)]:
        again = checkout.pay(order, token, key=key)
        assert (again.status, again.headers["idempotent-replayed"]) == (answer.status, "true")
        assert again.body["transaction_id"] == answer.body["transaction_id"]
    other = checkout.pay(order, "tok_visa", key="second")
    assert other.code == ("idempotency_key_reused" if kept else "payment_already_succeeded")
    assert len(checkout.payment_items(order)) == 3


@pytest.mark.proves("FR-204")
def test_a_key_gets_what_settling_found(checkout: Checkout) -> None:
    order = checkout.create_order()
    pending = checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    checkout.settle()
    answer = checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    assert (answer.status, answer.body["status"]) == (201, "succeeded")
    assert answer.body["transaction_id"] == pending.body["transaction_id"]


@pytest.mark.proves("FR-204", "FR-012")
def test_a_payment_left_in_progress_by_a_crash_does_not_start_a_second_one(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_outcome), failing(checkout, is_note_of_work):
        assert checkout.pay(order, key="key", seconds=6).status == 202
    assert checkout.pay(order, key="key").code == "idempotency_in_progress"
    checkout.wait(timedelta(seconds=6))
    assert checkout.pay(order, key="key").status == 201
    assert len(checkout.charges(order)) == len(checkout.payment_items(order)) == 1


def is_note_of_work(name: str, parameters: dict[str, Any]) -> bool:
    return name == "TransactWriteItems" and len(parameters["TransactItems"]) == 1


def charge_behind_our_back(
    checkout: Checkout, payment_id: str, amount: int, currency: str = "usd", *, refundable: int | None = None
) -> None:
    """The gateway has a charge that it never told us of."""
    item = {
        "payment_id": {"S": payment_id},
        "outcome": {"S": "succeeded"},
        "reference": {"S": "ch_late"},
        "order_id": {"S": "ord_" + payment_id[4:30]},
        "amount": {"N": str(amount)},
        "refundable": {"N": str(amount if refundable is None else refundable)},
        "currency": {"S": currency},
        "charged_at": {"S": "2026-01-31T12:00:00.000Z"},
    }
    checkout.database.put_item(TableName="SimulatedGatewayTable", Item=item)


def cancel_behind_our_back(checkout: Checkout, order: dict[str, Any]) -> None:
    item = checkout.order_item(order)
    checkout.database.update_item(
        TableName="OrdersTable",
        Key={name: {"S": item[name]} for name in ("customer_id", "order_id")},
        UpdateExpression="SET #status = :cancelled",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":cancelled": {"S": "cancelled"}},
    )


@pytest.mark.proves("FR-209", "FR-201")
def test_a_charge_of_another_amount_is_returned_and_its_order_let_go(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        checkout.pay(order)
    payment_id = checkout.payment_items(order)[0]["payment_id"]
    charge_behind_our_back(checkout, payment_id, 99)
    done = checkout.settle()
    assert (done["settled"], done["orders_paid"], done["faults"]) == (1, 0, [])
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["failure_reason"]) == ("refunded", "wrong_charge")
    assert (payment["charged_amount"], payment["refunded_amount"]) == (99, 99)
    assert [refund["reason"] for refund in checkout.refund_items(order)] == ["charge_returned"]
    assert sum(refund["amount"] for refund in checkout.refunds(order)) == 99
    assert checkout.audit_events(order)[1:] == [
        "payment_started",
        "payment_failed",
        "refund_started",
        "refund_succeeded",
    ]
    failed, started = checkout.audit_trail(order)[2:4]
    assert failed.facts["gateway_reference"] == started.facts["gateway_reference"] == "ch_late"
    assert "refunded_amount" not in started.facts
    assert checkout.order_item(order)["refunded_amount"] == 0
    assert checkout.pay(order).status == 201


@pytest.mark.proves("FR-205", "FR-209")
def test_a_return_is_looked_after_soon_however_long_it_took_to_know_of_the_charge(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        checkout.pay(order)
    charge_behind_our_back(checkout, checkout.payment_items(order)[0]["payment_id"], 99)
    checkout.break_gateway(Call.FIND_CHARGE, Fault.REFUSED, 4)
    for _ in range(4):
        checkout.settle(after=timedelta(hours=1))
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    checkout.settle(after=timedelta(hours=1))
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["settle_attempts"]) == ("refunding", 0)
    assert datetime.fromisoformat(payment["due_at"]) - checkout.read_clock() < timedelta(minutes=3)


@pytest.mark.proves("FR-209", "FR-014")
@pytest.mark.parametrize("late", [False, True], ids=["of another amount", "of a payment that had failed"])
def test_while_a_charge_is_being_returned_there_is_no_second_one(checkout: Checkout, late: bool) -> None:
    order = checkout.create_order()
    if late:
        checkout.pay(order, "tok_unavailable")
    else:
        with failing(checkout, is_claim, after=True):
            checkout.pay(order)
    payment_id = checkout.payment_items(order)[0]["payment_id"]
    charge_behind_our_back(checkout, payment_id, 99)
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    if late:
        author = Author(Actor.SYSTEM, "request", lambda: 60)
        with pytest.raises(OutcomeUnknown):
            wiring.settlement_service().settle_payment(author, payment_id)
    else:
        checkout.settle()
    for answer in (checkout.pay(order), checkout.cancel(order)):
        assert (answer.code, answer.body["transaction_id"]) == ("payment_in_progress", payment_id)
    checkout.settle(after=timedelta(hours=1))
    assert sum(refund["amount"] for refund in checkout.refunds(order)) == 99
    assert checkout.pay(order).status == 201
    checkout.audit_events(order)


@pytest.mark.proves("FR-209", "FR-204")
@pytest.mark.parametrize("kept", [True, False])
def test_a_key_whose_charge_goes_back_is_not_told_that_it_was_made_and_charges_no_more(
    checkout: Checkout, kept: bool
) -> None:
    order = checkout.create_order()
    answer = checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    cancel_behind_our_back(checkout, order)
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    assert checkout.settle()["waiting"] == 1
    if not kept:
        checkout.forget_idempotency()
    told = checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    assert (told.status, told.code) == (409, "payment_in_progress")
    checkout.settle(after=timedelta(hours=1))
    told = checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    assert (told.status, told.code) == (409, "payment_not_succeeded")
    assert (told.body["transaction_id"], told.body["payment_status"]) == (answer.body["transaction_id"], "refunded")
    other = checkout.create_order()
    body = {"order_id": other["id"], "token": "tok_visa", "amount": other["total_amount"], "currency": "usd"}
    assert checkout.call("pay", body, key="key").code == (None if not kept else "idempotency_key_reused")
    assert len(checkout.payment_items(order)) == 1


@pytest.mark.proves("FR-204")
@pytest.mark.parametrize("ended", [True, False])
def test_a_key_is_its_latest_payments_also_where_an_earlier_charge_comes_to_light(
    checkout: Checkout, ended: bool
) -> None:
    order = checkout.create_order()
    assert checkout.pay(order, "tok_timeoutBeforeCharge", key="key").status == 202
    checkout.settle()
    assert checkout.pay(order, "tok_timeoutBeforeCharge", key="key").status == 202
    first, second = (payment["payment_id"] for payment in checkout.payment_items(order))
    if ended:
        assert checkout.pay(order, "tok_timeoutBeforeCharge", key="key").status == 201
    charge_behind_our_back(checkout, first, 1800)
    author = Author(Actor.SYSTEM, "request", lambda: 60)
    wiring.settlement_service().settle_payment(author, first)
    checkout.forget_idempotency()
    answer = checkout.pay(order, "tok_timeoutBeforeCharge", key="key")
    assert (answer.status, answer.body["transaction_id"]) == (201, second)


@pytest.mark.proves("FR-204")
def test_a_key_is_its_latest_payments_also_where_that_holds_no_order(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.break_gateway(Call.CHARGE, Fault.REQUEST_LOST)
    assert checkout.pay(order, "tok_chargeDeclined", key="key").status == 202
    checkout.settle()
    declined = checkout.pay(order, "tok_chargeDeclined", key="key")
    first, second = (payment["payment_id"] for payment in checkout.payment_items(order))
    assert (declined.code, declined.body["transaction_id"]) == ("card_declined", second)
    charge_behind_our_back(checkout, first, 1800)
    wiring.settlement_service().settle_payment(Author(Actor.SYSTEM, "request", lambda: 60), first)
    again = checkout.pay(order, "tok_chargeDeclined", key="key")
    assert (again.status, again.body) == (402, declined.body)


@pytest.mark.proves("FR-010", "FR-204")
def test_a_key_is_its_latest_payments_also_once_that_is_linked(checkout: Checkout) -> None:
    order = checkout.create_order()
    assert checkout.pay(order, "tok_timeoutBeforeCharge", key="key").status == 202
    checkout.settle()
    assert checkout.pay(order, "tok_timeoutBeforeCharge", key="key").status == 202
    paid = checkout.pay(order, "tok_timeoutBeforeCharge", key="key")
    checkout.mark_paid(order, paid.body["transaction_id"])
    first = checkout.payment_items(order)[0]["payment_id"]
    charge_behind_our_back(checkout, first, 1800)
    wiring.settlement_service().settle_payment(Author(Actor.SYSTEM, "request", lambda: 60), first)
    again = checkout.pay(order, "tok_timeoutBeforeCharge", key="key")
    assert (again.status, again.body) == (201, {**paid.body, "duplicate": True})


@pytest.mark.proves("FR-010", "FR-017")
def test_a_decline_that_was_told_stays_the_answer_whatever_comes_to_light(checkout: Checkout) -> None:
    order = checkout.create_order()
    declined = checkout.pay(order, "tok_chargeDeclined", key="key")
    charge_behind_our_back(checkout, declined.body["transaction_id"], 1800)
    author = Author(Actor.SYSTEM, "request", lambda: 60)
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    with pytest.raises(OutcomeUnknown):
        wiring.settlement_service().settle_payment(author, declined.body["transaction_id"])
    for _ in range(2):
        again = checkout.pay(order, "tok_chargeDeclined", key="key")
        assert (again.status, again.body) == (402, declined.body)
        checkout.settle(after=timedelta(hours=1))
    assert checkout.pay(order).status == 201


@pytest.mark.proves("FR-209", "FR-019")
def test_a_request_that_was_not_taken_is_told_of_the_charge_that_went_back(checkout: Checkout) -> None:
    order = checkout.create_order()

    def meet(_gateway: SimulatedGateway, payment: Payment, *_: Any) -> None:
        charge_behind_our_back(checkout, payment.payment_id, 1800, refundable=0)
        checkout.settle()
        raise RequestNotTaken

    with patch.object(SimulatedGateway, "charge", meet):
        assert checkout.pay(order, key="key").code == "payment_not_succeeded"


@pytest.mark.proves("FR-209")
def test_a_charge_in_another_currency_is_returned(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        checkout.pay(order)
    charge_behind_our_back(checkout, checkout.payment_items(order)[0]["payment_id"], order["total_amount"], "eur")
    checkout.settle()
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["refunded"]
    assert len(checkout.refunds(order)) == 1


@pytest.mark.proves("FR-209")
def test_a_charge_of_another_amount_is_not_told_as_an_outcome(checkout: Checkout) -> None:
    order = checkout.create_order()
    charge_behind_our_back(checkout, f"pay_{order['id'][4:]}_001", 99)
    answer = checkout.pay(order)
    assert (answer.status, answer.body["status"]) == (202, "pending")
    checkout.settle()
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["refunded"]


@pytest.mark.proves("FR-209")
def test_a_charge_of_an_order_that_cannot_be_paid_any_more_is_returned(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order)
    cancel_behind_our_back(checkout, order)
    done = checkout.settle()
    assert (done["settled"], done["orders_paid"]) == (1, 0)
    [payment] = checkout.payment_items(order)
    assert payment["status"] == "refunded"
    assert sum(refund["amount"] for refund in checkout.refunds(order)) == order["total_amount"]


@pytest.mark.proves("FR-209")
@pytest.mark.parametrize("left", [98, 1, 0])
@pytest.mark.parametrize("is_wrong", [True, False], ids=["a wrong charge", "of an order that cannot be paid"])
def test_a_charge_that_was_refunded_at_the_gateway_itself_is_returned_as_far_as_it_is_left(
    checkout: Checkout, left: int, is_wrong: bool
) -> None:
    order = checkout.create_order()
    if is_wrong:
        with failing(checkout, is_claim, after=True):
            checkout.pay(order)
        charge_behind_our_back(checkout, checkout.payment_items(order)[0]["payment_id"], 99)
    else:
        checkout.pay(order)
        cancel_behind_our_back(checkout, order)
    [payment] = checkout.payment_items(order)
    checkout.database.update_item(
        TableName="SimulatedGatewayTable",
        Key={"payment_id": {"S": payment["payment_id"]}},
        UpdateExpression="SET refundable = :left",
        ExpressionAttributeValues={":left": {"N": str(left)}},
    )
    done = checkout.settle()
    assert (done["settled"], done["faults"]) == (1, [])
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refunded_amount"]) == ("refunded", payment["charged_amount"])
    assert [charge["refundable"] for charge in checkout.charges(order)] == [0]
    assert sum(refund["amount"] for refund in checkout.refunds(order)) == left
    assert checkout.audit_events(order)[-1] == ("refund_succeeded" if left else "payment_refunded")
    assert checkout.pay(order).status == (201 if is_wrong else 409)


@pytest.mark.proves("FR-209", "FR-014")
def test_a_late_charge_that_was_refunded_elsewhere_lets_no_order_go_that_another_payment_holds(
    checkout: Checkout,
) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_unavailable")
    pending = checkout.pay(order, "tok_timeoutAfterCharge").body["transaction_id"]
    failed = checkout.payment_items(order)[0]["payment_id"]
    checkout.database.delete_item(TableName="SimulatedGatewayTable", Key={"payment_id": {"S": failed}})
    charge_behind_our_back(checkout, failed, 99, refundable=0)
    author = Author(Actor.SYSTEM, "request", lambda: 60)
    with checkout.acting_as("settle_payments"):
        wiring.settlement_service().settle_payment(author, failed)
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["refunded", "unknown"]
    assert checkout.order_item(order)["live_payment_id"] == pending
    assert checkout.settle()["orders_paid"] == 1
    checkout.audit_events(order)


@pytest.mark.proves("FR-209", "FR-014", "FR-113")
def test_a_charge_on_its_way_back_holds_its_order_after_the_payment_that_held_it(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_unavailable")
    failed = checkout.payment_items(order)[0]["payment_id"]
    checkout.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
    holder = checkout.pay(order, "tok_chargeDeclined", key="key").body["transaction_id"]
    charge_behind_our_back(checkout, failed, 99)
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    author = Author(Actor.SYSTEM, "request", lambda: 60)
    with checkout.acting_as("settle_payments"), pytest.raises(OutcomeUnknown):
        wiring.settlement_service().settle_payment(author, failed)
    assert checkout.order_item(order)["live_payment_id"] == holder
    assert checkout.pay(order, "tok_chargeDeclined", key="key").code == "card_declined"
    for answer in (checkout.pay(order), checkout.cancel(order)):
        assert (answer.code, answer.body["transaction_id"]) == ("payment_in_progress", failed)
    checkout.settle(after=timedelta(hours=1))
    assert sum(refund["amount"] for refund in checkout.refunds(order)) == 99
    assert checkout.pay(order).status == 201
    assert checkout.audit_events(order)[-1] == "payment_succeeded"


@pytest.mark.proves("FR-207")
def test_payments_that_are_named_are_settled_one_after_the_other_while_there_is_time(checkout: Checkout) -> None:
    orders = [checkout.create_order() for _ in range(3)]
    names = [checkout.pay(order).body["transaction_id"] for order in orders]
    service, settled = wiring.settlement_service(), []
    settle_payment = service.settle_payment

    def settle(author: Author, payment_id: str) -> Settlement:
        settlement = settle_payment(author, payment_id)
        settled.append(payment_id)
        return settlement

    author = Author(Actor.SYSTEM, "request", lambda: 60.0 if len(settled) < 2 else 0.0)
    with checkout.acting_as("settle_payments"), patch.object(service, "settle_payment", settle):
        done = service.settle_payments(author, names)
    assert settled == names[:2]
    assert (done.orders_paid, done.faults) == (2, [])


@pytest.mark.proves("FR-209")
def test_a_return_that_the_gateway_does_not_make_is_tried_again(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        checkout.pay(order)
    charge_behind_our_back(checkout, checkout.payment_items(order)[0]["payment_id"], 99)
    checkout.break_gateway(Call.REFUND, Fault.REFUND_FAILED)
    assert checkout.settle()["waiting"] == 1
    assert [refund["status"] for refund in checkout.refund_items(order)] == ["failed"]
    assert checkout.settle(after=timedelta(hours=1))["settled"] == 1
    assert [refund["status"] for refund in checkout.refund_items(order)] == ["failed", "succeeded"]
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["refunded"]


@pytest.mark.proves("FR-209", "FR-207")
def test_a_gateway_that_will_not_return_a_charge_is_asked_ever_more_seldom_and_at_last_does(
    checkout: Checkout,
) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        checkout.pay(order)
    charge_behind_our_back(checkout, checkout.payment_items(order)[0]["payment_id"], 99)
    checkout.break_gateway(Call.REFUND, Fault.REFUND_FAILED, 1000)
    tried = []
    for _ in range(4 * 24):
        assert checkout.settle(after=timedelta(hours=1))["faults"] == []
        tried.append(len(checkout.refund_items(order)))
    assert 6 <= tried[23] <= 12, "on the first day"
    assert 2 <= tried[-1] - tried[23] <= 4, "once a day from then on"
    assert checkout.pay(order).code == "payment_in_progress", "it holds the order until it is returned"
    checkout.break_gateway(Call.REFUND, Fault.REFUND_FAILED, 0)
    checkout.settle(after=timedelta(days=1))
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["refunded"]


@pytest.mark.proves("FR-207")
def test_a_gateway_that_hangs_for_one_payment_leaves_time_for_the_others(checkout: Checkout) -> None:
    orders = [checkout.create_order() for _ in range(4)]
    for order in orders:
        checkout.pay(order, "tok_timeoutAfterCharge")
        checkout.wait(timedelta(seconds=1))
    find_charge, spent = SimulatedGateway.find_charge, [0.0]

    def hang_once(gateway: SimulatedGateway, payment: Payment, deadline: Callable[[], float]) -> Any:
        if payment.order_id == orders[0]["id"]:
            spent[0] += deadline()
            raise OutcomeUnknown
        return find_charge(gateway, payment, deadline)

    checkout.wait(timedelta(minutes=2))
    author = Author(Actor.SYSTEM, "request", lambda: 60 - spent[0])
    with patch.object(SimulatedGateway, "find_charge", hang_once), checkout.acting_as("settle_payments"):
        done = wiring.settlement_service().settle_due(author, limit=4)
    assert [name for _, name in done.faults] == ["OutcomeUnknown"]
    assert done.orders_paid == 3
    assert spent[0] <= 10


@pytest.mark.proves("FR-207")
def test_a_payment_that_others_change_again_and_again_comes_up_again(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order)
    with patch.object(OrderTable, "mark_order_paid", side_effect=OrderChanged):
        done = checkout.settle()
    assert (done["waiting"], [fault.split()[1] for fault in done["faults"]]) == (1, ["StoreUnavailable"])
    assert checkout.settle()["orders_paid"] == 1


@pytest.mark.proves("FR-230")
def test_the_age_of_the_oldest_unsettled_charge_is_a_metric(checkout: Checkout, read_log: Callable[[], str]) -> None:
    def read_ages() -> list[float]:
        lines = [json.loads(line) for line in read_log().splitlines()]
        return [line["OldestUnsettledChargeAge"][0] for line in lines if "OldestUnsettledChargeAge" in line]

    checkout.buy()
    read_log()
    checkout.settle()
    assert read_ages() == []
    checkout.pay(checkout.create_order(), "tok_timeoutAfterCharge")
    checkout.wait(timedelta(minutes=10))
    checkout.pay(checkout.create_order(), "tok_timeoutAfterCharge")
    with patch.object(SimulatedGateway, "find_charge", side_effect=OutcomeUnknown):
        checkout.settle(after=timedelta(minutes=5))
    [age] = read_ages()
    assert 900 <= age <= 960
    with patch.object(OrderReader, "list_due", side_effect=StoreUnavailable), pytest.raises(JobFailed):
        checkout.settle(after=timedelta(minutes=5))
    [age] = read_ages()
    assert 1200 <= age <= 1260, "also where nothing can be settled"


MONEY = Money(1800, "usd")
NEEDED = {field.name for field in fields(Payment)} - {"money"}


@pytest.mark.proves("FR-207")
def test_an_item_with_nothing_but_its_place_in_the_index_stops_no_other(checkout: Checkout) -> None:
    order = checkout.create_order()
    assert checkout.pay(order, "tok_timeoutAfterCharge").status == 202
    broken = {
        "payment_id": "pay_01K0000000000000000000000Z_001",
        "due_shard": "0",
        "due_at": "2020-01-01T00:00:00.000Z",
    }
    checkout.database.put_item(TableName="PaymentsTable", Item=to_wire(broken))
    done = checkout.settle()
    assert len(done["faults"]) == 1
    assert checkout.get_order(order)["status"] == "paid"
