"""Our payments beside the gateway's charges: each planted difference is found, and nothing else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout import wiring
from checkout.clock import format_time
from checkout.reconciliation_service import Difference, Kind, Report
from tests.integration.conftest import Checkout
from tests.integration.test_pay import failing, is_claim
from tests.integration.test_settlement import charge_behind_our_back

GHOST = "pay_01KG9YS7G00000000000000000_001"


def compare(checkout: Checkout, *, after: timedelta = timedelta(hours=1)) -> Report:
    checkout.wait(after)
    now = checkout.read_clock()
    return wiring.reconciliation_service().compare(now - timedelta(days=2), now, lambda: 60)


def to_charge(payment_id: str) -> str:
    """The simulated gateway's reference of its charge."""
    return payment_id.replace("pay_", "ch_")


def live(checkout: Checkout) -> dict[str, dict[str, Any]]:
    """Everything that can become of a payment."""
    refunded, partly, declined, unpaid = (checkout.buy("mug", 2) for _ in range(4))
    checkout.refund(refunded)
    checkout.refund(partly, 100)
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined")
    checkout.pay(checkout.create_order(), "tok_unavailable")
    checkout.pay(checkout.create_order(), "tok_timeoutAfterCharge")
    checkout.pay(checkout.create_order(), "tok_timeoutBeforeCharge")
    checkout.settle()
    return {"refunded": refunded, "partly": partly, "other": declined, "unpaid": unpaid}


def change(checkout: Checkout, table: str, payment_id: str, **attributes: object) -> None:
    checkout.database.update_item(
        TableName=table,
        Key={"payment_id": {"S": payment_id}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        ExpressionAttributeNames={f"#{name}": name for name in attributes},
        ExpressionAttributeValues={
            f":{name}": {"N": str(value)} if isinstance(value, int) else {"S": str(value)}
            for name, value in attributes.items()
        },
    )


@pytest.mark.proves("FR-229")
def test_what_agrees_is_no_difference(checkout: Checkout) -> None:
    live(checkout)
    report = compare(checkout)
    assert report.differences == []
    assert (report.payments, report.charges) == (8, 6)


@pytest.mark.proves("FR-229")
def test_a_charge_that_we_do_not_know_is_missing_here(checkout: Checkout) -> None:
    live(checkout)
    charge_behind_our_back(checkout, GHOST, 500)
    change(checkout, "SimulatedGatewayTable", GHOST, charged_at=format_time(datetime.now(UTC)))
    [found] = compare(checkout).differences
    assert (found.kind, found.payment_id, found.reference) == (Kind.MISSING_HERE, GHOST, "ch_late")
    assert (found.here, found.there) == ("none", "succeeded 5.00 USD")


@pytest.mark.proves("FR-229")
def test_a_payment_that_the_gateway_does_not_have_is_missing_there(checkout: Checkout) -> None:
    payment_id = live(checkout)["other"]["payment_transaction_id"]
    checkout.database.delete_item(TableName="SimulatedGatewayTable", Key={"payment_id": {"S": payment_id}})
    [found] = compare(checkout).differences
    assert found == Difference(Kind.MISSING_THERE, payment_id, to_charge(payment_id), "succeeded 36.00 USD", "none")


@pytest.mark.proves("FR-229")
@pytest.mark.parametrize(
    ("attributes", "here", "there"),
    [
        ({"amount": 3599, "refundable": 3599}, "succeeded 36.00 USD", "succeeded 35.99 USD"),
        ({"currency": "eur"}, "succeeded 36.00 USD", "succeeded 36.00 EUR"),
        ({"refundable": 3500}, "refunded 0.00 USD", "refunded 1.00 USD"),
    ],
)
def test_another_amount_is_a_difference(
    checkout: Checkout, attributes: dict[str, object], here: str, there: str
) -> None:
    payment_id = live(checkout)["other"]["payment_transaction_id"]
    change(checkout, "SimulatedGatewayTable", payment_id, **attributes)
    [found] = compare(checkout).differences
    assert found == Difference(Kind.AMOUNT, payment_id, to_charge(payment_id), here, there)


@pytest.mark.proves("FR-229")
def test_another_state_is_a_difference(checkout: Checkout) -> None:
    payment_id = live(checkout)["other"]["payment_transaction_id"]
    change(checkout, "SimulatedGatewayTable", payment_id, outcome="declined", decline_code="stolen_card")
    [found] = compare(checkout).differences
    here, there = "succeeded 36.00 USD", "declined 36.00 USD"
    assert found == Difference(Kind.STATE, payment_id, to_charge(payment_id), here, there)


@pytest.mark.proves("FR-229")
def test_what_is_under_way_is_no_difference(checkout: Checkout) -> None:
    with failing(checkout, is_claim, after=True):
        checkout.pay(checkout.create_order())
    checkout.pay(checkout.create_order(), "tok_timeoutAfterCharge")
    assert compare(checkout, after=timedelta()).differences == []
    [found] = compare(checkout).differences
    assert found.kind == Kind.STATE, "and later, when it should have been settled, it is one"


@pytest.mark.proves("FR-229")
@pytest.mark.parametrize("days", [1, 2, 3])
def test_each_day_of_the_time_compared_is_looked_at(checkout: Checkout, days: int) -> None:
    payment_id = checkout.buy()["payment_transaction_id"]
    checkout.database.delete_item(TableName="SimulatedGatewayTable", Key={"payment_id": {"S": payment_id}})
    checkout.wait(timedelta(days=days, hours=1))
    now = checkout.read_clock()
    report = wiring.reconciliation_service().compare(now - timedelta(days=4), now, lambda: 60)
    assert [found.payment_id for found in report.differences] == [payment_id]


@pytest.mark.proves("FR-229")
def test_what_was_started_outside_of_the_time_compared_is_left_out(checkout: Checkout) -> None:
    checkout.buy()
    checkout.wait(timedelta(hours=2))
    now = checkout.read_clock()
    service = wiring.reconciliation_service()
    assert service.compare(now - timedelta(hours=1), now, lambda: 60).payments == 0
    assert service.compare(now - timedelta(hours=3), now - timedelta(hours=2, minutes=1), lambda: 60).payments == 0
    assert service.compare(now - timedelta(hours=3), now, lambda: 60).payments == 1


@pytest.mark.proves("FR-229")
def test_a_charge_around_midnight_is_found_on_either_day(checkout: Checkout) -> None:
    order = checkout.buy()
    [payment] = checkout.payment_items(order)
    change(checkout, "SimulatedGatewayTable", payment["payment_id"], charged_at="2031-01-31T00:00:00.000Z")
    assert compare(checkout).differences == []


@pytest.mark.proves("FR-209", "FR-229")
def test_the_scheduled_report_returns_a_charge_of_a_payment_that_had_failed(
    checkout: Checkout, read_log: Callable[[], str]
) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_unavailable")
    payment_id = checkout.payment_items(order)[0]["payment_id"]
    charge_behind_our_back(checkout, payment_id, order["total_amount"])
    change(checkout, "SimulatedGatewayTable", payment_id, charged_at=format_time(datetime.now(UTC)))
    checkout.wait(timedelta(minutes=10))
    read_log()
    done = checkout.run("reconcile_payments")
    assert done["differences"] == [f"state {payment_id}"]
    lines = [json.loads(line) for line in read_log().splitlines()]
    assert [line["ReconciliationDifferences"] for line in lines if "ReconciliationDifferences" in line] == [[1.0]]
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refunded_amount"]) == ("refunded", order["total_amount"])
    assert sum(refund["amount"] for refund in checkout.refunds(order)) == order["total_amount"]
    assert checkout.audit_events(order)[-2:] == ["refund_started", "refund_succeeded"]
    assert checkout.run("reconcile_payments")["differences"] == []
