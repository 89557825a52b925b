"""Partitions in the simulation are split where they are hot, as far as their keys can be parted."""

import pytest

from benchmarks.cost import CHECKOUT, measure_operations
from benchmarks.heat import KEYS, Key, run, simulate

pytestmark = pytest.mark.proves("FR-707")


def test_many_keys_spread_until_nothing_is_refused() -> None:
    found = simulate(8, Key("order", splits=True, what=""), rate=1_000, share=0.01, capacity=1000)
    assert found["refused_first"] == 0.5
    assert found["refused_last"] == 0
    assert found["partitions"] == 8


def test_a_key_that_cannot_be_parted_stays_hot() -> None:
    found = simulate(4, Key("customer", splits=False, what=""), rate=1_000, share=0.5, capacity=1000)
    assert found["hottest_key"] == 2_000
    assert found["refused_last"] == 0.25


def test_one_that_can_be_parted_cools_down() -> None:
    found = simulate(4, Key("customer", splits=True, what=""), rate=1_000, share=0.5, capacity=1000)
    assert found["refused_last"] == 0


def test_within_its_capacity_a_key_is_never_refused() -> None:
    found = simulate(1, Key("shared", splits=False, what="", count=1), rate=1_000, share=0.01, capacity=1000)
    assert found["refused_first"] == found["refused_last"] == 0


def test_every_place_that_a_checkout_writes_is_laid_out() -> None:
    operations = measure_operations()
    places = {place for name in CHECKOUT for place in operations[name]["write_units"]} - {"OrdersTable/by_status"}
    assert places <= KEYS.keys()
    assert places <= {row["place"] for row in run(operations)}
