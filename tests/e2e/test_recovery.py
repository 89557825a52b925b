"""What happens when nobody calls again: over HTTP, with the scheduled functions at work."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from checkout.simulated_gateway import Call, Fault
from tests.e2e.conftest import Checkout, Customer, new_key, payment_of

SCHEDULES = True
PATIENCE_SECONDS = 180
"""A stage settles each minute what is a minute old."""


def wait_for(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, "it was not settled"
        time.sleep(0.5)


def read_order(customer: Customer, order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = customer.ask("GET", f"/orders/{order['id']}").json()
    return found


def read_events(customer: Customer, order: dict[str, Any]) -> list[tuple[str, str]]:
    entries = customer.ask("GET", f"/orders/{order['id']}/audit").json()["entries"]
    return [(entry["event"], entry["actor"]) for entry in entries]


@pytest.mark.proves("FR-203", "FR-205", "FR-206", "FR-208", "FR-218", "FR-232")
def test_a_payment_that_nobody_comes_back_for_is_settled(alice: Customer) -> None:
    """One that was charged, one that was not, and one that was never linked."""
    charged, lost, linked = (alice.create_order() for _ in range(3))
    key = new_key()
    assert alice.pay(charged, "tok_timeoutAfterCharge").status_code == 202
    assert alice.pay(lost, "tok_timeoutBeforeCharge", key=key).status_code == 202
    transaction_id = alice.pay(linked).json()["transaction_id"]
    wait_for(lambda: read_order(alice, charged)["status"] == read_order(alice, linked)["status"] == "paid")
    assert read_events(alice, charged)[-2:] == [("payment_succeeded", "system"), ("order_paid", "system")]
    assert read_order(alice, linked)["payment_transaction_id"] == transaction_id
    wait_for(lambda: read_events(alice, lost)[-1] == ("payment_failed", "system"))
    assert read_order(alice, lost)["status"] == "created"
    assert alice.pay(lost).status_code == 201


@pytest.mark.proves("FR-210", "FR-212", "FR-216", "FR-217")
def test_staff_look_at_an_order_fulfil_it_and_give_its_money_back(alice: Customer, staff: Customer) -> None:
    order, transaction_id = alice.buy(("mug", 2))
    for path in (f"/orders/{order['id']}", f"/orders/{order['id']}/audit", f"/payments/{transaction_id}"):
        # Found by an index, which a stage writes a moment later.
        wait_for(lambda path=path: staff.ask("GET", path).status_code == 200)  # type: ignore[misc]
        assert staff.ask("GET", path).json() == alice.ask("GET", path).json()
    assert staff.fulfil(order).json()["status"] == "fulfilled"
    key = new_key()
    part = staff.refund(order, amount=600, key=key, reason="one handle was off")
    assert (part.status_code, part.json()["status"], part.json()["amount"]) == (201, "succeeded", 600)
    again = staff.refund(order, amount=600, key=key, reason="one handle was off")
    assert (again.status_code, again.headers["idempotent-replayed"], again.json()) == (201, "true", part.json())
    assert read_order(alice, order)["refunded_amount"] == 600
    assert staff.refund(order).json()["amount"] == 3000
    refunded = read_order(alice, order)
    assert (refunded["status"], refunded["refunded_amount"]) == ("refunded", 3600)
    payment = alice.ask("GET", f"/payments/{transaction_id}").json()
    assert (payment["status"], payment["refunded_amount"]) == ("refunded", 3600)


@pytest.mark.proves("FR-213", "FR-214", "FR-228")
def test_refunds_that_go_wrong(alice: Customer, staff: Customer, checkout: Checkout) -> None:
    if not checkout.database:
        pytest.skip("the gateway's table cannot be reached")
    order, _ = alice.buy(("mug", 1))
    checkout.break_gateway(Call.REFUND, Fault.REFUND_FAILED)
    failed = staff.refund(order)
    assert (failed.status_code, failed.json()["code"]) == (409, "refund_failed")
    checkout.break_gateway(Call.REFUND, Fault.ANSWER_LOST)
    pending = staff.refund(order)
    assert (pending.status_code, pending.json()["status"]) == (202, "pending")
    wait_for(lambda: bool(read_order(alice, order)["status"] == "refunded"))


@pytest.mark.proves("FR-204")
def test_a_key_gets_what_was_settled_meanwhile(alice: Customer) -> None:
    order, key = alice.create_order(), new_key()
    body = payment_of(order, "tok_errorAfterCharge")
    pending = alice.ask("POST", "/pay", body, key=key)
    assert pending.status_code == 202
    wait_for(lambda: read_order(alice, order)["status"] == "paid")
    answer = alice.ask("POST", "/pay", body, key=key)
    assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")
    assert answer.json()["transaction_id"] == pending.json()["transaction_id"]
