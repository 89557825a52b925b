"""The exploration can fail: each of these bugs, planted alone, is found."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from checkout.charging_service import Attempt, ChargingService
from checkout.dynamodb import Item
from checkout.order_table import OrderTable
from checkout.orders import Order
from checkout.transitions import OrderStatus
from tests.exploration.explore import Bounds, Explorer, Scenario, Violation
from tests.exploration.world import open_world

BOUNDS = Bounds(schedules=300, drawn=50, faults=2000)


@contextmanager
def without_conditions(*methods: str) -> Iterator[None]:
    """These writes of the order table happen, whatever is there."""
    write = OrderTable._write

    def unconditional(actions: Sequence[Item]) -> list[Item]:
        return [
            {kind: {name: value for name, value in action.items() if name != "ConditionExpression"}}
            for each in actions
            for kind, action in each.items()
        ]

    def make(method: Callable[..., None]) -> Callable[..., None]:
        def call(table: OrderTable, *arguments: Any, **keywords: Any) -> None:
            def write_anyway(actions: Sequence[Item], deadline: Any) -> None:
                write(table, unconditional(actions), deadline)

            with patch.object(table, "_write", write_anyway):
                method(table, *arguments, **keywords)

        return call

    with patch.multiple(OrderTable, **{name: make(getattr(OrderTable, name)) for name in methods}):
        yield


@contextmanager
def without_claim() -> Iterator[None]:
    """The gateway is called before anything is on record."""
    with patch.object(OrderTable, "claim_order", lambda *_, **__: None):
        yield


@contextmanager
def with_a_new_payment_for_a_retry() -> Iterator[None]:
    resume = ChargingService._resume

    def start_another(*arguments: Any) -> Attempt:
        attempt = resume(*arguments)
        return replace(attempt, payment=replace(attempt.payment, payment_id=f"{attempt.payment.payment_id}1"))

    with patch.object(ChargingService, "_resume", start_another):
        yield


@contextmanager
def with_the_trail_apart() -> Iterator[None]:
    """Each audit entry is written after what it tells of."""
    write = OrderTable._write

    def write_apart(table: OrderTable, actions: Sequence[Item], deadline: Any) -> None:
        entries = [action for action in actions if action.get("Put", {}).get("TableName") == "AuditTable"]
        write(table, [action for action in actions if action not in entries], deadline)
        write(table, entries, deadline)

    with patch.object(OrderTable, "_write", write_apart):
        yield


@contextmanager
def with_orders_cancelled_under_a_payment() -> Iterator[None]:
    def cancel(order: Order, *, at: str) -> Order:
        return order._go_to(OrderStatus.CANCELLED, at)

    change = OrderTable._change_order

    def change_anyway(table: OrderTable, before: Order, after: Order, entry: Any, conditions: Any, values: Any) -> Item:
        unheld = [condition for condition in conditions if condition != "attribute_not_exists(live_payment_id)"]
        is_cancel = after.status is OrderStatus.CANCELLED
        return change(table, before, after, entry, unheld if is_cancel else conditions, values)

    with patch.object(Order, "cancel", cancel), patch.object(OrderTable, "_change_order", change_anyway):
        yield


# What is planted, where it shows, and which rule it breaks.
BUGS = {
    "the claim before the charge left out": (without_claim, "created: pay | pay other key", "rule 1"),
    "no condition on the claim": (
        lambda: without_conditions("claim_order"),
        "created: pay | pay other key",
        "rule 1",
    ),
    "read, then write in mark paid": (
        lambda: without_conditions("mark_order_paid"),
        "charged: mark paid | settle | fulfil",
        "rule 4",
    ),
    "a retry that makes a new payment id": (with_a_new_payment_for_a_retry, "unknown: pay again | mark paid", "rule 1"),
    "a refund without its cap": (
        lambda: without_conditions("start_refund"),
        "paid: refund | refund other",
        "rule",
    ),
    "the audit entry outside the transaction": (with_the_trail_apart, "created: pay | cancel", "rule 4"),
    "a new order's audit entry outside the transaction": (with_the_trail_apart, "created: create | cancel", "rule 4"),
    "a new order without a condition on its key": (
        lambda: without_conditions("create_order"),
        "created: create | create",
        "rule 5",
    ),
    "an order cancelled while its payment is unknown": (
        with_orders_cancelled_under_a_payment,
        "unknown: cancel | pay again",
        "rule 2",
    ),
}


def find(scenario: str) -> list[Violation]:
    with open_world() as world:
        return Explorer(world).explore(Scenario.parse(scenario), BOUNDS, stop_at_first=True).violations


@pytest.mark.proves("FR-305")
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    plant, scenario, rule = BUGS[bug]
    with plant():
        found = find(scenario)
    assert any(violation.rule.startswith(rule) for violation in found), found
