"""Partitions in the simulation are split where they are hot, as far as their keys can be parted."""

import pytest

from benchmarks.cost import CHECKOUT, measure_operations
from benchmarks.heat import KEYS, Key, find_limits, run, simulate

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


def test_at_its_limit_a_key_takes_all_and_beyond_it_not() -> None:
    rows = [row for row in run(measure_operations()) if (row["rate"], row["share"]) == (100, 0.5)]
    limits = find_limits(rows)
    assert limits.keys() == {row["place"] for row in rows if not KEYS[row["place"]].splits}
    for place, limit in limits.items():
        key = KEYS[place]

        def refuse(rate: float, key: Key = key, place: str = place) -> float:
            of_all = {"rate": rate * 2 if key.kind == "customer" else rate, "share": 0.5}
            capacities = {"write": 1000.0, "read": 3000.0}
            found = [row for row in rows if row["place"] == place]
            simulated = [simulate(row["units"], key, **of_all, capacity=capacities[row["kind"]]) for row in found]
            return max(each["refused_last"] for each in simulated)

        assert refuse(limit) == 0 < refuse(limit * 1.01), place
