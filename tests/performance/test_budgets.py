"""Counts that no other load changes stay within their budgets; a budget is lowered by whoever makes one smaller."""

import json
import subprocess
import sys
import tomllib
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from aws_lambda_powertools.utilities.circuit_breaker.persistence import base as circuit_persistence

from benchmarks.cost import CHECKOUT, PRICES, PURPOSES, measure_baskets, measure_operations, price_million
from benchmarks.metering import open_checkout
from benchmarks.probing import FUNCTIONS
from benchmarks.start import COUNTED, count_starts, list_modules, measure_sizes
from checkout import clock
from local.sam_local import BUILT_TEMPLATE, build_checkout
from local.template import ROOT, read_document

BUDGETS = tomllib.loads((ROOT / "benchmarks" / "budgets.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    return measure_operations()


@pytest.mark.proves("FR-702", "FR-703")
@pytest.mark.parametrize("name", BUDGETS["operations"])
def test_an_operation_calls_and_takes_no_more_than_it_did(operations: dict[str, Any], name: str) -> None:
    measured, budget = operations[name], BUDGETS["operations"][name]
    assert len(measured["calls"]) <= budget["calls"], measured["calls"]
    assert sum(measured["write_units"].values()) <= budget["write_units"], measured["write_units"]
    assert sum(measured["read_units"].values()) <= budget["read_units"], measured["read_units"]


@pytest.mark.proves("FR-702")
def test_how_long_a_measurement_takes_changes_no_count(operations: dict[str, Any]) -> None:
    class SlowMachine(datetime):
        """Each look at the clock is six seconds after the one before: longer than a process remembers the circuit."""

        looks = 0

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            cls.looks += 1
            return datetime.now(tz) + timedelta(seconds=6 * cls.looks)

    with (
        patch.object(clock, "datetime", SlowMachine),
        patch.object(circuit_persistence, "dt", SimpleNamespace(datetime=SlowMachine)),
    ):
        slow = measure_operations()
    assert SlowMachine.looks == 0
    assert {name: each.get("calls") for name, each in slow.items()} == {
        name: each.get("calls") for name, each in operations.items()
    }


@pytest.mark.proves("FR-703")
def test_every_operation_has_a_budget_and_every_unit_a_purpose(operations: dict[str, Any]) -> None:
    described = {name: measured for name, measured in operations.items() if name != "stored_bytes"}
    assert described.keys() == BUDGETS["operations"].keys()
    for measured in described.values():
        assert {*measured["write_units"], *measured["read_units"]} <= PURPOSES.keys()


@pytest.mark.proves("FR-703")
def test_a_whole_checkout_takes_no_more_than_it_did(operations: dict[str, Any]) -> None:
    baskets = measure_baskets()
    assert baskets.keys() == BUDGETS["checkout"].keys()
    for lines, units in baskets.items():
        for kind in ("write_units", "read_units"):
            assert units[kind] <= BUDGETS["checkout"][lines][kind], f"{lines} lines"
    for kind in ("write_units", "read_units"):
        assert sum(sum(operations[name][kind].values()) for name in CHECKOUT) == baskets["2"][kind]


@pytest.mark.proves("FR-705")
def test_a_request_logs_little(operations: dict[str, Any]) -> None:
    logged = {name: measured["log_bytes"] for name, measured in operations.items() if name != "stored_bytes"}
    assert max(logged.values()) <= 600, logged
    assert min(logged.values()) > 0, "nothing was captured"


@pytest.mark.proves("FR-705")
@pytest.mark.parametrize("operation", ["create_order", "get_order"])
def test_so_does_one_that_ends_in_a_fault(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(depth: int = 40) -> None:
        raise KeyError("x") if not depth else fail(depth - 1)

    with open_checkout() as shop:
        order = shop.create_order()
        monkeypatch.setattr(shop.store, "answer", lambda *_: fail())
        body = {"items": [{"product_id": "tea", "quantity": 1}]} if operation == "create_order" else None
        answer = shop.call(operation, body, key=shop.new_key(), path={"order_id": order["id"]})
    assert answer.status == 500
    assert '"message":"fault"' in shop.log
    assert "test_budgets.py" in shop.log, "the place of the fault"
    assert len(shop.log.encode()) <= 1000, shop.log


@pytest.mark.proves("FR-704")
def test_the_price_follows_the_units(operations: dict[str, Any]) -> None:
    processor_ms = dict.fromkeys((*CHECKOUT, "authorize"), 5.0)
    price = price_million(operations, processor_ms)
    writes = sum(sum(operations[name]["write_units"].values()) for name in CHECKOUT)
    assert price["parts"]["DynamoDB writes"] == round(writes * 0.625, 2)
    assert price["parts"]["API Gateway"] == 4.0
    assert price["parts"]["X-Ray traces"] == round(8 * 0.05 * 5, 2), "each function and its authorizer"
    assert price["total"] == pytest.approx(sum(price["parts"].values()), abs=0.05)
    assert price["largest"] == max(price["parts"], key=price["parts"].__getitem__)
    assert price_million(operations, dict.fromkeys(processor_ms, 10.0))["total"] > price["total"]


@pytest.mark.proves("FR-704")
def test_the_dashboard_reckons_with_the_same_prices() -> None:
    prices = tomllib.loads(PRICES.read_text(encoding="utf-8"))
    declared = {
        service: {name: float(price) for name, price in of.items()}
        for service, of in read_document()["Mappings"]["Prices"].items()
    }
    assert declared == {
        "DynamoDB": {
            "WriteUnits": prices["dynamodb"]["million_write_units"],
            "ReadUnits": prices["dynamodb"]["million_read_units"],
        },
        "Lambda": {
            "GBSecondsX86": prices["lambda"]["million_gb_seconds_x86"],
            "GBSecondsArm": prices["lambda"]["million_gb_seconds_arm"],
            "Requests": prices["lambda"]["million_requests"],
        },
        "ApiGateway": {"Requests": prices["api_gateway"]["million_requests"]},
        "Logs": {"GB": prices["logs"]["gb_taken_in"]},
    }


@pytest.mark.proves("FR-706")
def test_a_process_does_not_grow() -> None:
    # In a process of its own: pytest keeps what is logged.
    command = [sys.executable, "-m", "benchmarks.memory", "--quick"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["grown_mb"] < 1


@pytest.mark.proves("FR-709")
def test_a_function_imports_no_more_than_it_did() -> None:
    modules = {name: len(loaded) for name, loaded in list_modules().items()}
    assert modules.keys() == set(FUNCTIONS) == BUDGETS["modules"].keys()
    assert {name: count for name, count in modules.items() if count > BUDGETS["modules"][name]} == {}


@pytest.mark.proves("FR-709")
@pytest.mark.parametrize(("package", "needed"), sorted(BUDGETS["needed"].items()))
def test_what_is_large_is_loaded_by_those_who_need_it(package: str, needed: list[str]) -> None:
    loading = {name for name, modules in list_modules().items() if package in modules}
    assert loading == set(needed)


@pytest.mark.valgrind
@pytest.mark.proves("FR-701")
def test_a_start_executes_no_more_than_it_did_beside_the_floor() -> None:
    starts = count_starts()
    for name in COUNTED:
        assert starts[name]["times_floor"] <= BUDGETS["starts_times_floor"][name], starts


@pytest.mark.containers
@pytest.mark.proves("FR-708", "FR-711")
def test_a_function_loads_thirty_megabytes_at_most() -> None:
    build_checkout()
    sizes = measure_sizes()
    for name in ("authorizer", "other functions"):
        assert sizes[name]["unzipped_mb"] <= 30, sizes
        assert sizes[name]["zipped_mb"] <= 10, sizes
    compiled = list((BUILT_TEMPLATE.parent / "DependenciesLayer").rglob("*.cpython-313.pyc"))
    assert compiled, "the layer holds no compiled code"
    # PEP 552: 1 says that the file's hash counts, and not that it is looked at.
    assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {1}
