"""Does a process grow? Its memory over 10,000 calls, with a store that is put back after each."""

import argparse
import re
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.metering import open_checkout
from benchmarks.probing import ORDER
from benchmarks.results import save_result

__all__ = ["measure_growth"]

WARM = 1_000


def measure_growth(calls: int, warm: int = WARM) -> dict[str, Any]:
    """MB of the process after the first calls, at ten moments from there, and what it grew by."""
    sizes: list[float] = []
    with open_checkout() as shop:
        order, unpaid, charged = shop.buy(), shop.create_order(), shop.create_order()
        payment_id = shop.pay(charged).body["transaction_id"]
        start = shop.store.take_snapshot()
        works = [
            lambda: shop.call("create_order", ORDER, key=shop.new_key()),
            lambda: shop.call("get_order", path={"order_id": order["id"]}),
            lambda: shop.call("list_orders", query={"limit": "10"}),
            lambda: shop.pay(unpaid),
            lambda: shop.pay(unpaid, "tok_chargeDeclined"),
            lambda: shop.mark_paid(charged, payment_id),
            lambda: shop.call("create_order", {"items": []}, key="refused"),
            lambda: shop.call("list_orders", query={"cursor": "refused"}),
        ]
        for number in tqdm(range(warm + calls), "calls"):
            if number >= warm and (number - warm) % max(1, calls // 10) == 0:
                sizes.append(_read_resident_mb())
            works[number % len(works)]()
            shop.store.restore(start)
    sizes.append(_read_resident_mb())
    return {"calls": calls, "mb": [round(size, 1) for size in sizes], "grown_mb": round(sizes[-1] - sizes[0], 2)}


def _read_resident_mb() -> float:
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(kilobytes) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    save_result("memory", measure_growth(1_000 if quick else 10_000), quick=quick)


if __name__ == "__main__":
    main()
