"""How long does a caller wait? Import, first call, warm and replayed calls, beside the floor, in interleaved runs.

Each run is a process of its own, as Lambda starts them, on DynamoDB Local; in each round all of them in a drawn order.
What a machine does in a second goes up and down by a tenth and more from one to the next, so that what is compared is
measured besides in turns with the floor: starts one after the other, and calls by processes that are there at once.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from subprocess import CompletedProcess
from typing import Any

from tqdm import tqdm

from benchmarks.metering import capture_log
from benchmarks.probing import (
    FLOOR,
    FLOOR_LIKE_OURS,
    FLOOR_PRUNED,
    FLOOR_WITH_KEY,
    ORDER,
    STOCK_LAYER,
    TRANSACTIONAL_LAYER,
    make_event,
    open_probe,
    probe,
    write_events,
    write_floor_items,
)
from benchmarks.results import save_result
from checkout import wiring
from local.commands import run_command
from local.dynamodb_local import DynamoDBLocal
from local.tables import connect, create_tables, load_products
from tests.integration.conftest import Checkout, forget_clients, set_environment

MEASURED = (
    FLOOR,
    FLOOR_WITH_KEY,
    FLOOR_PRUNED,
    FLOOR_LIKE_OURS,
    STOCK_LAYER,
    TRANSACTIONAL_LAYER,
    "create_order",
    "pay",
    "mark_order_paid",
    "list_orders",
    "get_order",
    "get_order_audit",
    "cancel_order",
    "get_payment",
    "list_products",
    "authorize",
)
CLOSELY = (FLOOR, FLOOR_WITH_KEY, "create_order")
COOKBOOK = {
    "import_ms": 664,
    "first_ms": 102,
    "import_and_first_call": 664 + 102,
    "warm_ms": 11.3,
    "replay_ms": 5.4,
    "warm_cpu_ms": 8.0,
    "peak_mb": 85,
}
ITS_FLOOR = {
    "import_ms": 266,
    "first_ms": 10,
    "import_and_first_call": 266 + 10,
    "warm_ms": 2.85,
    "replay_ms": 3.0,
    "warm_cpu_ms": 1.8,
    "peak_mb": 44,
}
"""aws-lambda-handler-cookbook's create_order and this floor, in one run on another day: only their ratios count."""

KINDS = ("warm_ms", "replay_ms", "answered_ms")
STARTS = ("import_and_first_call", "import_ms", "import_cpu_ms")
STARTED_OFTEN = ("create_order", "pay", "mark_order_paid")
"""What imports most, and comes near to its limit."""

SOME = (*CLOSELY, "list_orders")
WHOLE = {"rounds": 9, "starts": 24, "sets": 8, "warm": 40, "unmeasured": 200}
QUICK = {"rounds": 2, "starts": 2, "sets": 2, "warm": 5, "unmeasured": 5}

Figures = dict[str, float]
Ratios = dict[str, list[float]]


class Events:
    """What is asked of a function: each payment has an order of its own, and each link a payment."""

    def __init__(self, shop: Checkout) -> None:
        self._shop = shop
        self._order = shop.buy()

    def write(self, name: str, warm: int, *, alike: bool = False) -> Path:
        """`alike`: what knows no keys makes as many calls where others have what another process answered."""
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            "pay": self._make_payment,
            "mark_order_paid": self._make_link,
            "list_orders": lambda: make_event(query={"limit": "10"}),
            "get_order": lambda: make_event(path={"order_id": self._order["id"]}),
            "get_order_audit": lambda: make_event(path={"order_id": self._order["id"]}),
            "cancel_order": lambda: make_event(path={"order_id": self._shop.create_order()["id"]}),
            "get_payment": lambda: make_event(path={"transaction_id": self._order["payment_transaction_id"]}),
            "list_products": make_event,
            "authorize": make_event,
        }
        make = makers.get(name, self._make_order)
        first, *others = [make() for _ in range(warm + 1)]
        answered = [self._make_answered_order() for _ in range(warm)] if name == "create_order" else others * alike
        return write_events(name, [first], others, [first] * warm, answered)

    def _make_order(self) -> dict[str, Any]:
        return make_event(ORDER, key=self._shop.new_key())

    def _make_answered_order(self) -> dict[str, Any]:
        """Another process has answered it."""
        key = self._shop.new_key()
        self._shop.call("create_order", ORDER, key=key)
        return make_event(ORDER, key=key)

    def _make_payment(self) -> dict[str, Any]:
        order = self._shop.create_order()
        body = {"order_id": order["id"], "token": "tok_visa", "amount": order["total_amount"], "currency": "usd"}
        return make_event(body, key=self._shop.new_key())

    def _make_link(self) -> dict[str, Any]:
        order = self._shop.create_order()
        paid = self._shop.pay(order).body
        return make_event({"transaction_id": paid["transaction_id"]}, path={"order_id": order["id"]})


def measure(
    names: Sequence[str],
    *,
    rounds: int,
    starts: int,
    sets: int,
    warm: int,
    unmeasured: int,
    chance: random.Random,
) -> dict[str, Any]:
    """`warm` calls a round of each function, beside a start of the floor, and so many starts more of some; after so
    many calls that are not measured: DynamoDB Local compiles what it does often, and is slower until then."""
    pairs: dict[str, list[tuple[Figures, Figures]]] = defaultdict(list)
    write_floor_items()  # once, before there is a database
    with DynamoDBLocal() as database:
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        with set_environment(database.endpoint), capture_log():
            forget_clients()
            events = Events(Checkout(wiring.dynamodb_client()))
            for name in tqdm(names, "not measured yet"):
                probe(name, events.write(name, unmeasured), database.endpoint)
            for _ in tqdm(range(rounds), "rounds"):
                for name in chance.sample(names, len(names)):
                    pairs[name].append(start_in_turns(events, database.endpoint, name, warm=warm, chance=chance))
            runs = {name: [ours for ours, _ in pairs[name]] for name in names}
            often = [name for name in STARTED_OFTEN if name in names]
            for _ in tqdm(range(starts), "starts in turns"):
                for name in chance.sample(often, len(often)):
                    pairs[name].append(start_in_turns(events, database.endpoint, name, warm=0, chance=chance))
            calls = call_in_turns(events, database.endpoint, sets=sets, calls=3 * warm, chance=chance)
            forget_clients()
    medians = {name: take_medians(runs[name]) for name in names}
    return {
        "rounds": rounds,
        "medians": medians,
        "starts": {name: len(pairs[name]) for name in names},
        "starts_times_floor": {name: compare(pairs[name], STARTS) for name in names if name != FLOOR},
        "peak_times_floor": round(medians["create_order"]["peak_mb"] / medians[FLOOR]["peak_mb"], 2),
        "calls_times_floor": {
            floor: compare(list(zip(calls["create_order"], calls[floor], strict=True)), KINDS)
            for floor in (FLOOR, FLOOR_WITH_KEY)
        },
        "cookbook_times_floor": {name: round(figure / ITS_FLOOR[name], 2) for name, figure in COOKBOOK.items()},
        "processor_ms": {name: medians[name]["warm_cpu_ms"] for name in names},
    }


def start_in_turns(
    events: Events, endpoint: str, name: str, *, warm: int, chance: random.Random
) -> tuple[Figures, Figures]:
    """A process of a function, which makes so many calls, and right before or after it a start of the floor."""
    figures: dict[bool, Figures] = {}
    for is_ours, probed, called in chance.sample([(True, name, warm), (False, FLOOR, 0)], 2):
        figures[is_ours] = read_figures(probe(probed, events.write(probed, called), endpoint))
    return figures[True], figures[False]


def call_in_turns(
    events: Events, endpoint: str, *, sets: int, calls: int, chance: random.Random
) -> dict[str, list[Figures]]:
    """So many sets of processes, each of which makes so many calls of each kind. What another process has answered is
    compared with what the floor takes for another order."""
    figures: dict[str, list[Figures]] = defaultdict(list)
    for _ in tqdm(range(sets), "calls in turns"):
        times: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in KINDS} for name in CLOSELY}
        with ExitStack() as stack:
            opened = {
                name: stack.enter_context(open_probe(name, events.write(name, calls, alike=True), endpoint))
                for name in CLOSELY
            }
            for kind in KINDS:
                for _ in range(calls):
                    for name in chance.sample(CLOSELY, len(CLOSELY)):
                        times[name][kind].append(opened[name]())
        for name in CLOSELY:
            figures[name].append({kind: median(times[name][kind]) for kind in KINDS})
    return figures


def read_figures(probed: CompletedProcess[str]) -> Figures:
    """Of a process: its median, where it was called often."""
    run = json.loads(probed.stdout)
    figures = {name: run[name] for name in ("import_ms", "import_cpu_ms", "first_ms", "warm_cpu_ms", "peak_mb")}
    figures |= {kind: median(run[kind]) for kind in KINDS if run[kind]}
    return {**figures, "import_and_first_call": run["import_ms"] + run["first_ms"]}


def take_medians(runs: Sequence[Figures]) -> Figures:
    return {name: round(median(run[name] for run in runs), 2) for name in runs[0]}


def compare(pairs: Sequence[tuple[Figures, Figures]], names: Sequence[str]) -> Ratios:
    """How many times the floor's each figure is, pair by pair: the lower quartile, the median and the upper."""
    return {name: _cut(ours[name] / floor[name] for ours, floor in pairs) for name in names}


def _cut(ratios: Iterable[float]) -> list[float]:
    return [round(ratio, 2) for ratio in quantiles(ratios, n=4, method="inclusive")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    names, amounts = (SOME, QUICK) if quick else (MEASURED, WHOLE)
    save_result("latency", measure(names, **amounts, chance=random.Random(1)), quick=quick)


if __name__ == "__main__":
    run_command("bench: latency", main)
