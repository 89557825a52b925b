"""`make reconcile` against a database over HTTP, as an operator runs it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from checkout.caller import STAFF_SCOPE
from checkout.dynamodb import to_wire
from local.keys import issue_token
from local.tables import connect
from local.template import ROOT
from tests.e2e.conftest import Customer, open_runtime

pytestmark = pytest.mark.proves("FR-229")


def stay_within_a_day() -> None:
    """What is compared is of one day: two minutes are enough to make it and to compare it."""
    now = datetime.now(UTC)
    left = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now
    if left < timedelta(minutes=2):
        time.sleep(left.total_seconds())


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Of a runtime in which an order was paid, another half refunded, and a third declined."""
    stay_within_a_day()
    running = tmp_path_factory.mktemp("reconcile") / "running.json"
    with open_runtime(running, "embedded") as opened:
        with httpx.Client(base_url=opened.base_url, timeout=30, trust_env=False) as http:
            alice, staff = Customer(http, issue_token("alice")), Customer(http, issue_token("sam", scope=STAFF_SCOPE))
            alice.buy(("mug", 1))
            order, _ = alice.buy(("tea", 1))
            assert staff.refund(order, amount=600).status_code == 201
            assert alice.pay(alice.create_order(), "tok_chargeDeclined").status_code == 402
        yield connect(opened.database)


def reconcile(database: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.reconcile", "--endpoint", database.meta.endpoint_url, *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'checkout'}"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_books_that_agree_are_told_to_and_the_exit_is_0(database: Any) -> None:
    deadline = time.monotonic() + 90
    # What is some seconds old only is left for later.
    while "3 payments, 3 charges" not in (run := reconcile(database)).stdout:
        assert (run.returncode, run.stderr) == (
            0,
            f"reconcile: comparing the payments of {datetime.now(UTC):%Y-%m-%d}\n",
        )
        assert time.monotonic() < deadline, run.stdout
        time.sleep(1)
    assert (run.returncode, run.stdout) == (0, f"{datetime.now(UTC):%Y-%m-%d}: 3 payments, 3 charges, 0 differences\n")
    other = reconcile(database, "--day", "2026-01-31")
    assert (other.returncode, other.stdout) == (0, "2026-01-31: 0 payments, 0 charges, 0 differences\n")


def test_what_differs_is_listed_and_the_exit_is_1(database: Any) -> None:
    ghost = {
        "payment_id": "pay_01KG9YS7G00000000000000000_001",
        "outcome": "succeeded",
        "reference": "ch_ghost",
        "order_id": "ord_01KG9YS7G00000000000000000",
        "amount": 999,
        "refundable": 999,
        "currency": "usd",
        "charged_at": "2026-02-01T12:00:00.000Z",
    }
    database.put_item(TableName="SimulatedGatewayTable", Item=to_wire(ghost))
    run = reconcile(database, "--day", "2026-02-01")
    assert run.returncode == 1
    assert run.stdout.splitlines() == [
        "missing_here: pay_01KG9YS7G00000000000000000_001 / ch_ghost",
        "    here: none; at the gateway: succeeded 9.99 USD",
        "2026-02-01: 0 payments, 1 charges, 1 differences",
    ]


def test_a_database_that_does_not_answer_is_told_and_the_exit_is_2() -> None:
    nobody = connect("http://127.0.0.1:9")
    run = reconcile(nobody)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.splitlines()[1].startswith("reconcile: The database or the gateway does not answer. ")
    assert "`make serve` starts one here" in run.stderr
