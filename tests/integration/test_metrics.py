"""Every metric that the dashboard and the alarms name is written by a function, as it is named there."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from checkout import metrics
from checkout.clock import format_time
from checkout.order_reader import OrderChanged
from checkout.order_table import OrderTable
from checkout.settlement_service import Settled, SettlementService
from checkout.simulated_gateway import Call, Fault
from functions.authorize import app as authorizer
from local.keys import read_jwks
from local.recording import Metric, read_embedded
from local.template import ROOT, read_template
from tests.integration.conftest import Checkout
from tests.integration.test_authorize import environment
from tests.integration.test_reconciliation import change
from tests.integration.test_settlement import charge_behind_our_back
from tests.unit.test_dashboard import GRAPHS, TEMPLATE, metric_of, metrics_of

ReadLog = Callable[[], str]


def written(log: str) -> set[Metric]:
    return {metric for line in log.splitlines() for metric, _ in read_embedded(line)}


def sell(checkout: Checkout) -> None:
    """With every outcome of a payment and of a refund that a request can have."""
    for token in ("tok_chargeDeclined", "tok_timeoutAfterCharge", "tok_unavailable"):
        checkout.pay(checkout.create_order(), token)
    checkout.refund(checkout.buy())
    for fault in (Fault.ANSWER_LOST, Fault.REFUND_FAILED):
        order = checkout.buy()
        checkout.break_gateway(Call.REFUND, fault)
        checkout.refund(order)


def fall_behind(checkout: Checkout) -> None:
    """An unsettled charge, a payment that cannot be settled, a refund that a bank sent back, books that differ."""
    checkout.pay(checkout.create_order())
    with patch.object(OrderTable, "mark_order_paid", side_effect=OrderChanged):
        checkout.settle()
    with patch.object(SettlementService, "settle_due", return_value=Settled(refunds_rejected=1)):
        checkout.settle()
    order = checkout.create_order()
    checkout.pay(order, "tok_unavailable")
    payment_id = checkout.payment_items(order)[0]["payment_id"]
    charge_behind_our_back(checkout, payment_id, order["total_amount"])
    change(checkout, "SimulatedGatewayTable", payment_id, charged_at=format_time(datetime.now(UTC)))
    checkout.wait(timedelta(minutes=10))
    checkout.run("reconcile_payments")


@pytest.mark.proves("FR-602")
def test_what_is_watched_is_written(checkout: Checkout, read_log: ReadLog) -> None:
    sell(checkout)
    fall_behind(checkout)
    found = written(read_log())
    named = {metric for graph in GRAPHS.values() for metric in metrics_of(graph)}
    named |= {metric_of(alarm) for alarm in TEMPLATE.alarms.values()}
    ours = {metric for metric in named if metric.namespace == "Checkout" and metric.name != "ColdStarts"}
    assert ours <= found, ours - found
    conflicts = {metric for metric in found if metric.name == "Conflicts"}
    cold_starts = {metric for metric in found if metric.name == "ColdStarts"}
    unwatched = found - ours - conflicts - cold_starts
    assert unwatched == set(), "nothing is paid for that nobody looks at"


@pytest.mark.proves("FR-602", "FR-603")
@pytest.mark.parametrize("function", read_template().functions)
def test_each_function_counts_its_cold_start_once_for_each_process(
    checkout: Checkout, read_log: ReadLog, function: str, tmp_path: Path
) -> None:
    metrics.count_cold_start.cache_clear()
    for _ in range(2):
        if function == "authorize":
            with environment(Jwks=read_jwks(tmp_path)):
                authorizer.authorize({"identitySource": [""], "requestContext": {"requestId": "1"}}, None)
        elif function == "get_web_file":
            checkout.invoke(function, json.loads((ROOT / "events" / "get_web_file.json").read_text()))
        elif function in {"settle_payments", "reconcile_payments"}:
            checkout.run(function)
        else:
            checkout.call(function, path={"order_id": "ord_1", "transaction_id": "pay_1"})
    lines = [
        found for line in read_log().splitlines() for found in read_embedded(line) if found[0].name == "ColdStarts"
    ]
    expected = Metric.of("Checkout", "ColdStarts", service="checkout", operation=function)
    assert lines == [(expected, 1.0)]
    assert expected in metrics_of(GRAPHS["Cold starts by function"])
