"""Which key gets hot first? Checkouts laid over partitions, as DynamoDB splits them.

A partition takes 1,000 write units and 3,000 read units a second. One that is beyond that for a while is split: between
keys, or within a key where its items are many, its table has no local index, and its writes do not all come to the end
of its range. A key that cannot be split is throttled for as long as it is hot.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-partitioning.html
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.cost import measure_operations
from benchmarks.results import save_result

__all__ = ["KEYS", "Key", "find_limits", "run", "simulate"]

WRITE_UNITS = 1000.0
READ_UNITS = 3000.0
FIRST_PARTITIONS = 4  # of an on-demand table that is new
SPLIT_AFTER_SECONDS = 60  # not published: minutes, as seen
SECONDS = 900
RATES = (100, 1_000, 10_000)
SHARES = (0.01, 0.5)
CHECKOUT = ("create_order", "pay, in an hour that is half full", "mark_order_paid", "list_orders")
"""Of who pays often: of one customer at a checkout a second, all but the first ten of an hour."""


@dataclass(frozen=True)
class Key:
    """How the partition key of a table or an index spreads the load.

    `kind` is whose key it is: one of `customer`, of the `order`, or of `count` values that all share. `splits` says
    whether the items of one key can be parted.
    """

    kind: str
    splits: bool
    what: str
    count: int = 0


KEYS: Mapping[str, Key] = {
    "OrdersTable": Key("customer", False, "a customer's orders: their local index keeps them in one partition"),
    "AuditTable": Key("order", True, "an order's trail"),
    "PaymentsTable": Key("order", True, "a payment"),
    "PaymentsTable/by_day": Key("shared", False, "the payments of a day, in the order of time", count=1),
    "PaymentsTable/due": Key("shared", False, "a quarter of what is open, in the order of time", count=4),
    "IdempotencyTable": Key("order", True, "a request"),
    "DeclinesTable": Key("customer", False, "a customer's hour: one item"),
    "ProductsTable": Key("shared", False, "a product", count=4),
    "CircuitTable": Key("shared", False, "the one circuit", count=1),
}


@dataclass
class Partition:
    """Load a second: of one key that is hot, and of all the others in its range."""

    hot: float = 0
    others: float = 0
    seconds_beyond: int = 0

    @property
    def load(self) -> float:
        return self.hot + self.others


def simulate(units: float, key: Key, *, rate: float, share: float, capacity: float) -> dict[str, float | int]:
    """`units` of each checkout, on one table or index: what its hottest key gets, and what is refused at first and in
    the end, in parts of the load."""
    total = units * rate
    hottest = {"customer": total * share, "order": units, "shared": total / max(1, key.count)}[key.kind]
    keys = key.count or 1
    hot_keys = {"customer": 1, "order": 0, "shared": keys}[key.kind]
    others = max(0.0, total - hottest * hot_keys)
    partitions = [Partition(others=others / FIRST_PARTITIONS) for _ in range(FIRST_PARTITIONS)]
    for number in range(hot_keys):
        partitions[number % FIRST_PARTITIONS].hot += hottest
    if key.kind == "shared" and keys > FIRST_PARTITIONS:
        raise ValueError("more shared keys than partitions are not simulated")
    refused = []
    for _ in range(SECONDS):
        refused.append(sum(max(0.0, partition.load - capacity) for partition in partitions) / total if total else 0.0)
        partitions = [part for partition in partitions for part in _split(partition, key, capacity)]
    return {
        "hottest_key": round(hottest, 1),
        "refused_first": round(refused[0], 4),
        "refused_last": round(refused[-1], 4),
        "partitions": len(partitions),
    }


def _split(partition: Partition, key: Key, capacity: float) -> list[Partition]:
    partition.seconds_beyond = partition.seconds_beyond + 1 if partition.load > capacity else 0
    if partition.seconds_beyond < SPLIT_AFTER_SECONDS:
        return [partition]
    partition.seconds_beyond = 0
    if partition.hot and partition.others > 1e-9:
        return [Partition(hot=partition.hot), Partition(others=partition.others)]
    if partition.others > 1e-9:
        return [Partition(others=partition.others / 2), Partition(others=partition.others / 2)]
    if key.splits:
        return [Partition(partition.hot / 2), Partition(partition.hot / 2)]
    return [partition]


def run(operations: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each rate, share, kind of unit and place."""
    rows = []
    for kind, capacity in (("write", WRITE_UNITS), ("read", READ_UNITS)):
        units: dict[str, float] = defaultdict(float)
        for name in CHECKOUT:
            for place, count in operations[name][f"{kind}_units"].items():
                units[place if place in KEYS else place.partition("/")[0]] += count
        for rate in RATES:
            for share in SHARES:
                for place, key in KEYS.items():
                    if not units[place]:
                        continue
                    found = simulate(units[place], key, rate=rate, share=share, capacity=capacity)
                    about = {"rate": rate, "share": share, "kind": kind, "place": place, "units": units[place]}
                    rows.append({**about, **found})
    return rows


def find_limits(rows: list[dict[str, Any]]) -> dict[str, float]:
    """By key: the checkouts a second from which a key that cannot be parted is throttled, of one customer or in all."""
    limits: dict[str, float] = {}
    for row in rows:
        key, capacity = KEYS[row["place"]], WRITE_UNITS if row["kind"] == "write" else READ_UNITS
        if not key.splits:
            limit = capacity / row["units"] * max(1, key.count)
            limits[row["place"]] = min(limit, limits.get(row["place"], limit))
    return limits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows = run(measure_operations())
    save_result("heat", {"rows": rows, "keys": {place: key.what for place, key in KEYS.items()}}, quick=quick)


if __name__ == "__main__":
    main()
