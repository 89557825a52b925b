"""What does a function do when it starts? Modules, instructions and size: counts that no other load changes."""

import argparse
import io
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.package import make_package
from benchmarks.probing import (
    FLOOR,
    FLOOR_PRUNED,
    FUNCTIONS,
    ORDER,
    count_instructions,
    make_event,
    probe,
    write_events,
    write_floor_items,
)
from benchmarks.results import save_result
from local.sam_local import BUILT_TEMPLATE

__all__ = ["COUNTED", "count_starts", "list_modules", "measure_sizes"]

COUNTED = ("create_order", "list_orders")
"""Functions whose first call needs nothing in the tables but products."""

LAYERS = {"authorize": ("TokensLayer", "CheckoutLayer")}
USUAL_LAYERS = ("DependenciesLayer", "CheckoutLayer")
FIRST = {
    "create_order": lambda: make_event(ORDER, key="first"),
    "list_orders": lambda: make_event(query={"limit": "10"}),
}


@cache
def list_modules(functions: Sequence[str] = FUNCTIONS) -> Mapping[str, frozenset[str]]:
    """The modules of packages, Python's own left out, that each function has when it is ready to be called."""
    nothing = write_events("nothing", [])
    make_package("pruned")

    def list_own(name: str) -> frozenset[str]:
        modules = json.loads(probe(name, nothing).stdout)["modules"]
        return frozenset(module for module in modules if module.partition(".")[0] not in sys.stdlib_module_names)

    write_floor_items()  # once, before there are threads
    with ThreadPoolExecutor(2) as threads:
        return dict(zip(functions, threads.map(list_own, functions), strict=True))


def count_starts(functions: Sequence[str] = COUNTED) -> dict[str, dict[str, float]]:
    """Millions of instructions of import and first call, and how many times those of the floor that is."""
    make_package("stock")
    make_package("pruned")
    first = {name: FIRST.get(name, FIRST["create_order"])() for name in (FLOOR, FLOOR_PRUNED, *functions)}
    tasks = [(name, write_events(f"{name} start", [event])) for name, event in first.items()]
    write_floor_items()  # once, before there are threads
    with ThreadPoolExecutor(2) as threads:
        counted = list(tqdm(threads.map(lambda task: count_instructions(*task), tasks), "starts", len(tasks)))
    millions = dict(zip(first, counted, strict=True))
    return {
        name: {"millions": count, "times_floor": round(count / millions[FLOOR], 3)} for name, count in millions.items()
    }


def measure_sizes(build: Path = BUILT_TEMPLATE.parent) -> dict[str, dict[str, float]]:
    """Of what `sam build` made: MB that a function loads, with its layers, unzipped and zipped."""
    layers = {
        name: _measure_folder(build / name)
        for name in ("DependenciesLayer", "TokensLayer", "CheckoutLayer", "StripeLayer")
    }
    functions = {
        "authorizer": LAYERS["authorize"],
        "other functions": USUAL_LAYERS,
        "with Stripe's SDK": (*USUAL_LAYERS, "StripeLayer"),
    }
    sizes = {name: _add(layers[layer] for layer in used) for name, used in functions.items()}
    return {name: {"unzipped_mb": unzipped, "zipped_mb": zipped} for name, (unzipped, zipped) in sizes.items()}


def _measure_folder(folder: Path) -> tuple[float, float]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    return sum(path.stat().st_size for path in files) / 1e6, len(packed.getvalue()) / 1e6


def _add(pairs: Iterator[tuple[float, float]]) -> tuple[float, float]:
    unzipped, zipped = zip(*pairs, strict=True)
    return round(sum(unzipped), 1), round(sum(zipped), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    measured: dict[str, Any] = {
        "modules": {name: len(loaded) for name, loaded in list_modules().items()},
        "sizes": measure_sizes(),
        "compiled": any(BUILT_TEMPLATE.parent.rglob("*.pyc")),
    }
    if not quick:
        measured["instructions"] = count_starts()
    save_result("start", measured, quick=quick)


if __name__ == "__main__":
    main()
