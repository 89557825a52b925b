"""Many at the same time, on DynamoDB Local, with real threads."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from checkout.key_records import KeyRecord
from checkout.payments import Payment
from checkout.refunds import Refund
from tests.integration.conftest import Answer, Checkout, open_racing_checkout

pytestmark = pytest.mark.dynamodb_local

RACERS = 16
ROUNDS = 10


def race(*racers: Callable[[], Answer]) -> list[Answer]:
    """All start at once."""
    barrier = threading.Barrier(len(racers))

    def run(racer: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return racer()

    with ThreadPoolExecutor(len(racers)) as pool:
        return list(pool.map(run, racers))


def codes(answers: Sequence[Answer]) -> Counter[int | str]:
    return Counter(answer.status if answer.status < 400 else str(answer.code) for answer in answers)


@contextmanager
def all_at_work() -> Iterator[None]:
    """No request waits until another with its key is done."""

    def is_busy(*_: Any) -> bool:
        return False

    with patch.object(Payment, "is_busy", is_busy), patch.object(Refund, "is_busy", is_busy):
        yield


@contextmanager
def without_idempotency_records() -> Iterator[None]:
    """The outer ring taken away: nobody waits, and each record has run out once it is written."""
    to_item = KeyRecord.to_item
    with all_at_work(), patch.object(KeyRecord, "to_item", lambda record: {**to_item(record), "expiration": 1}):
        yield


@pytest.mark.proves("FR-014", "FR-037")
def test_16_payments_with_16_keys_charge_once(racing_checkout: Checkout) -> None:
    for _ in range(ROUNDS):
        order = racing_checkout.create_order()
        answers = race(*[lambda: racing_checkout.pay(order)] * RACERS)
        found = codes(answers)
        assert found.pop(201) == 1
        assert set(found) <= {"payment_in_progress", "payment_already_succeeded"}
        assert len(racing_checkout.charges(order)) == 1
        assert racing_checkout.audit_events(order) == ["order_created", "payment_started", "payment_succeeded"]


@pytest.mark.proves("FR-010", "FR-012", "FR-014")
def test_16_payments_with_one_key_charge_once(racing_checkout: Checkout) -> None:
    for _ in range(ROUNDS):
        order, key = racing_checkout.create_order(), racing_checkout.new_key()
        answers = race(*[lambda: racing_checkout.pay(order, key=key)] * RACERS)
        found = codes(answers)
        assert set(found) <= {201, "idempotency_in_progress"}
        assert found[201] >= 1
        assert len({answer.body["transaction_id"] for answer in answers if answer.status == 201}) == 1
        assert len(racing_checkout.charges(order)) == 1
        assert racing_checkout.audit_events(order) == ["order_created", "payment_started", "payment_succeeded"]


@pytest.mark.proves("FR-014", "FR-015", "FR-018")
def test_16_payments_with_one_key_charge_once_without_idempotency_records(racing_checkout: Checkout) -> None:
    for _ in range(ROUNDS):
        order, key = racing_checkout.create_order(), racing_checkout.new_key()
        with without_idempotency_records():
            answers = race(*[lambda: racing_checkout.pay(order, key=key)] * RACERS)
        assert set(codes(answers)) == {201}
        assert len({answer.body["transaction_id"] for answer in answers}) == 1
        assert len(racing_checkout.charges(order)) == 1
        assert racing_checkout.audit_events(order) == ["order_created", "payment_started", "payment_succeeded"]


@pytest.mark.proves("FR-026", "FR-029")
def test_16_mark_paid_write_one_audit_entry(racing_checkout: Checkout) -> None:
    for _ in range(ROUNDS):
        order = racing_checkout.create_order()
        transaction_id = racing_checkout.pay(order).body["transaction_id"]
        answers = race(*[lambda: racing_checkout.mark_paid(order, transaction_id)] * RACERS)
        assert codes(answers) == {200: RACERS}
        assert len({answer.text for answer in answers}) == 1
        assert racing_checkout.audit_events(order).count("order_paid") == 1


@pytest.mark.proves("FR-014", "FR-113")
def test_pay_against_cancel_never_charges_a_cancelled_order(racing_checkout: Checkout) -> None:
    winners: Counter[str] = Counter()
    head_start = 0.0

    def cancel(order: dict[str, Any]) -> Answer:
        time.sleep(head_start)
        return racing_checkout.cancel(order)

    for _ in range(4 * ROUNDS):
        order = racing_checkout.create_order()
        paid, cancelled = race(lambda: racing_checkout.pay(order), lambda: cancel(order))
        charges = len(racing_checkout.charges(order))
        status = racing_checkout.order_item(order)["status"]
        if cancelled.status == 200:
            assert (paid.code, charges, status) == ("order_not_payable", 0, "cancelled")
            winners["cancel"] += 1
        else:
            assert (paid.status, cancelled.code, charges, status) == (201, "payment_in_progress", 1, "created")
            winners["pay"] += 1
        # The winner has it harder next time, so that each round is close, however fast or busy the machine is.
        head_start = 1.5 * head_start + 0.001 if cancelled.status == 200 else head_start / 2
        racing_checkout.audit_events(order)
    print(f"pay against cancel: {dict(winners)}")
    assert len(winners) == 2


@pytest.mark.proves("FR-026", "FR-113")
def test_mark_paid_against_cancel_ends_paid(racing_checkout: Checkout) -> None:
    for _ in range(ROUNDS):
        order = racing_checkout.create_order()
        transaction_id = racing_checkout.pay(order).body["transaction_id"]
        marked, cancelled = race(
            lambda: racing_checkout.mark_paid(order, transaction_id), lambda: racing_checkout.cancel(order)
        )
        assert marked.status == 200
        assert cancelled.code in {"payment_in_progress", "invalid_transition"}
        assert racing_checkout.order_item(order)["status"] == "paid"
        assert racing_checkout.audit_events(order)[-1] == "order_paid"


@pytest.mark.proves("FR-022")
def test_declines_at_the_same_time_never_exceed_the_cap(racing_checkout: Checkout) -> None:
    order = racing_checkout.create_order()
    for _ in range(4):
        answers = race(*[lambda: racing_checkout.pay(order, "tok_chargeDeclined")] * RACERS)
        assert set(codes(answers)) <= {"card_declined", "payment_in_progress", "too_many_attempts"}
    while racing_checkout.pay(order, "tok_chargeDeclined").code == "card_declined":
        pass
    assert racing_checkout.order_item(order)["declined_payments"] == 10
    assert len(racing_checkout.payment_items(order)) == 10
    racing_checkout.audit_events(order)


@pytest.mark.proves("FR-227")
def test_declines_of_a_customer_at_the_same_time_never_exceed_the_hourly_cap(dynamodb_local: str) -> None:
    with open_racing_checkout(dynamodb_local, MaxHourlyDeclines="20") as checkout:
        checkout.begin_an_hour()
        customer = f"customer-{checkout.new_key()}"
        orders = [checkout.create_order(customer=customer) for _ in range(3 * RACERS)]
        answers = race(
            *[partial(checkout.pay, order, "tok_chargeDeclined", customer=customer) for order in orders],
        )
        assert set(codes(answers)) == {"card_declined", "too_many_attempts"}
        assert codes(answers)["card_declined"] == 20
        declined = [payment for order in orders for payment in checkout.payment_items(order)]
        assert len(declined) == 20


@pytest.mark.proves("FR-227")
def test_room_that_many_make_in_an_hour_at_the_same_time_is_no_more_than_there_is(dynamodb_local: str) -> None:
    with open_racing_checkout(dynamodb_local, MaxHourlyDeclines="20") as checkout:
        checkout.begin_an_hour()
        customer = f"customer-{checkout.new_key()}"
        for number in range(20):
            order = checkout.create_order(customer=customer)
            checkout.pay(order, "tok_chargeDeclined" if number % 4 else "tok_visa", customer=customer)
        orders = [checkout.create_order(customer=customer) for _ in range(RACERS)]
        answers = race(
            *[partial(checkout.pay, order, "tok_chargeDeclined", customer=customer) for order in orders],
        )
        assert set(codes(answers)) == {"card_declined", "too_many_attempts"}
        assert codes(answers)["card_declined"] == 5
        [item] = [item for item in checkout.scan("DeclinesTable") if item["customer_id"] == customer]
        declined = {payment["payment_id"] for order in orders for payment in checkout.payment_items(order)}
        assert len(declined) == 5
        assert len(item["payments"]) == 20
        assert declined < item["payments"]


@pytest.mark.proves("FR-011")
def test_one_key_at_two_orders_at_once_pays_one_of_them(racing_checkout: Checkout) -> None:
    with all_at_work():
        for _ in range(ROUNDS):
            orders, key = [racing_checkout.create_order() for _ in range(4)], racing_checkout.new_key()
            answers = race(*[partial(racing_checkout.pay, order, key=key) for order in orders])
            assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]
            assert sum(len(racing_checkout.charges(order)) for order in orders) == 1


@pytest.mark.proves("FR-010", "FR-012")
def test_16_orders_with_one_key_are_one_order(racing_checkout: Checkout) -> None:
    body = {"items": [{"product_id": "tea", "quantity": 1}]}
    for _ in range(ROUNDS):
        key, customer = racing_checkout.new_key(), f"customer-{racing_checkout.new_key()}"
        answers = race(*[lambda: racing_checkout.call("create_order", body, key=key, customer=customer)] * RACERS)
        assert codes(answers) == {201: RACERS}
        assert len({answer.text for answer in answers}) == 1
        assert len([item for item in racing_checkout.scan("OrdersTable") if item["customer_id"] == customer]) == 1
