"""Many clients, staff and the schedule at one order, while DynamoDB fails every now and then; with real threads.

Each round draws from its own seed, which a failure names. `make test` plays some rounds, `make verify` more.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from checkout import wiring
from checkout.jobs import JobFailed
from checkout.payments import Payment
from checkout.simulated_gateway import SimulatedGateway
from tests.conftest import REQUIRE_ALL
from tests.integration.conftest import Checkout
from tests.integration.test_races import without_idempotency_records

pytestmark = [
    pytest.mark.dynamodb_local,
    pytest.mark.proves("FR-014", "FR-029", "FR-202", "FR-207", "FR-209", "FR-211", "FR-212"),
]

ROUNDS = 60 if REQUIRE_ALL else 8
CLIENTS = 6
STEPS = 5
FAULT_RATE = 0.08
HOURS = 14
PAID = {"paid", "fulfilled", "refunded"}


def pay(checkout: Checkout, order: dict[str, Any], chance: random.Random) -> None:
    token = chance.choice(
        ["tok_visa"] * 4
        + ["tok_chargeDeclined", "tok_unavailable", "tok_timeoutBeforeCharge", "tok_timeoutAfterCharge"]
    )
    # A few keys, so that requests are repeated by others; some of them with another token.
    checkout.pay(order, token, key=f"{order['id']}-{chance.randint(0, 4)}")


def mark_paid(checkout: Checkout, order: dict[str, Any], chance: random.Random) -> None:
    for payment in checkout.payment_items(order)[-1:]:
        checkout.mark_paid(order, payment["payment_id"])


def cancel(checkout: Checkout, order: dict[str, Any], chance: random.Random) -> None:
    if chance.random() < 0.3:
        checkout.cancel(order)


def settle(checkout: Checkout, order: dict[str, Any], chance: random.Random) -> None:
    if chance.random() < 0.5:
        checkout.wait(timedelta(seconds=61))
    with suppress(JobFailed):
        checkout.run("settle_payments")


def refund(checkout: Checkout, order: dict[str, Any], chance: random.Random) -> None:
    checkout.refund(order, chance.choice([None, 300, 700]), key=f"{order['id']}-r{chance.randint(0, 3)}")


def fulfil(checkout: Checkout, order: dict[str, Any], chance: random.Random) -> None:
    checkout.fulfil(order)


STEPS_TAKEN = [pay, pay, pay, mark_paid, settle, settle, refund, cancel, fulfil]


@contextmanager
def failing_at_random(checkout: Checkout, chance: random.Random) -> Iterator[Counter[str]]:
    """Calls of the functions' client time out: half of them before they take effect, half of them after."""
    client = type(wiring.dynamodb_client())
    make_call = client._make_api_call  # type: ignore[attr-defined]
    drawing = threading.Lock()
    failed: Counter[str] = Counter()

    def call(self: Any, name: str, parameters: dict[str, Any]) -> Any:
        with drawing:
            drawn = chance.random()
        if drawn < FAULT_RATE / 2:
            failed["before"] += 1
            raise ConnectTimeoutError(endpoint_url="dynamodb")
        answer = make_call(self, name, parameters)
        if drawn < FAULT_RATE:
            failed["after"] += 1
            raise ReadTimeoutError(endpoint_url="dynamodb")
        return answer

    with patch.object(client, "_make_api_call", call):
        yield failed


@contextmanager
def watching_charges(checkout: Checkout) -> Iterator[list[list[str]]]:
    """After each charge: were there two at that moment?"""
    charge = SimulatedGateway._charge
    doubled: list[list[str]] = []

    def look(gateway: SimulatedGateway, payment: Payment, *arguments: Any) -> Any:
        charged = charge(gateway, payment, *arguments)
        live = [item["reference"] for item in checkout.charges({"id": payment.order_id}) if item["refundable"]]
        if len(live) > 1:
            doubled.append(live)
        return charged

    with patch.object(SimulatedGateway, "_charge", look):
        yield doubled


def check_rules(checkout: Checkout, order: dict[str, Any]) -> None:
    stored, payments, charges = checkout.order_item(order), checkout.payment_items(order), checkout.charges(order)
    live = [charge for charge in charges if charge["refundable"]]
    assert len(live) <= 1
    assert bool(live) == (stored["status"] in {"paid", "fulfilled"})
    assert {payment["status"] for payment in payments} <= {"succeeded", "failed", "refunded"}
    assert not any("due_at" in payment for payment in payments)
    assert sum(payment["charged_amount"] for payment in payments) == sum(charge["amount"] for charge in charges)
    returned = sum(charge["amount"] - charge["refundable"] for charge in charges)
    assert sum(payment["refunded_amount"] for payment in payments) == returned
    checkout.audit_events(order)
    replayed: dict[str, str] = {}
    for entry in checkout.audit_trail(order):
        subject = "order" if entry.event.startswith("order_") else entry.facts["payment_id"]
        assert replayed.get(subject) == entry.from_status
        replayed[subject] = entry.to_status
    assert replayed == {"order": stored["status"], **{p["payment_id"]: p["status"] for p in payments}}


def play(checkout: Checkout, seed: int) -> tuple[str, int]:
    """One round: the state that its order ends in, and how many calls failed."""
    order = checkout.create_order(customer="alice")

    def act(client: int) -> None:
        chance = random.Random(seed * 1000 + client)
        for _ in range(STEPS):
            # What a client of DynamoDB of the test's own meets is no answer of the checkout's.
            with suppress(ConnectTimeoutError, ReadTimeoutError):
                chance.choice(STEPS_TAKEN)(checkout, order, chance)

    threads = [threading.Thread(target=act, args=[client]) for client in range(CLIENTS)]
    records = without_idempotency_records() if seed % 2 else nullcontext()
    with failing_at_random(checkout, random.Random(seed)) as failed, records:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for _ in range(HOURS):
        checkout.settle(after=timedelta(hours=2))
    try:
        check_rules(checkout, order)
    except AssertionError as violation:
        # Threads meet as they like: the seed alone does not show it again.
        seen = [checkout.order_item(order), *checkout.payment_items(order), *checkout.refund_items(order)]
        there = checkout.scan("SimulatedGatewayTable")
        trail = [entry.to_document() for entry in checkout.audit_trail(order)]
        raise AssertionError("\n".join([str(violation), *map(str, [*seen, *there, *trail])])) from violation
    return checkout.order_item(order)["status"], failed.total()


def test_whatever_happens_at_once_money_is_taken_once_and_never_lost(
    racing_checkout: Checkout, say: Callable[[str], None]
) -> None:
    ends: Counter[str] = Counter()
    faults = 0
    with watching_charges(racing_checkout) as doubled:
        # And on, until one was paid: about every second is.
        for seed in range(10 * ROUNDS):
            if seed >= ROUNDS and ends.keys() & PAID:
                break
            try:
                end, failed = play(racing_checkout, seed)
            except AssertionError as violation:
                raise AssertionError(f"seed {seed}: {violation}") from violation
            assert doubled == [], f"seed {seed}"
            ends[end] += 1
            faults += failed
    say(f"storm: {ends.total()} rounds of {CLIENTS} clients, {faults} calls failed, orders ended {dict(ends)}")
    assert faults
    assert ends.keys() & PAID, "some were paid"
