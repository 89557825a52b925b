"""What does a checkout cost? Calls, units and log bytes of every operation, and the price of a million checkouts."""

import argparse
import random
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from string import ascii_letters, ascii_lowercase
from typing import Any

from benchmarks.metering import MeteredCheckout, open_checkout, standing_clock
from benchmarks.results import load_result, save_result
from benchmarks.units import item_size
from checkout import wiring
from checkout.caller import STAFF_SCOPE
from checkout.dynamodb import to_wire
from local.template import ROOT, read_template
from tests.integration.conftest import Answer

__all__ = ["CHECKOUT", "PRICES", "PURPOSES", "measure_baskets", "measure_operations", "price_million"]

PRICES = ROOT / "benchmarks" / "prices.toml"
CHECKOUT = ("create_order", "pay", "mark_order_paid", "list_orders")
BASKETS = (2, 10, 20)
"""Lines of an order."""
MILLION = 1_000_000
BYTES_BESIDE = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
GB = 1 << 30
MOST_DECLINES = int(read_template().environment["MAX_HOURLY_DECLINES"])
CIRCUIT_KNOWN = timedelta(seconds=5)
"""How long a process goes by what it read of the gateway's circuit."""

TWO_LINES = {"items": [{"product_id": "mug", "quantity": 2}, {"product_id": "tea", "quantity": 1}]}

PURPOSES = {
    "OrdersTable": "the order: made, and marked paid; in between its payment tells how it is",
    "OrdersTable/by_status": "a customer's orders of one state, newest first, as fresh as the order",
    "AuditTable": "an entry of the trail, written with the change it tells of; whose an order is, for staff",
    "PaymentsTable": "the payment and its hold on the order: before the charge, after, and when they are linked",
    "PaymentsTable/by_day": "all payments of a day, to compare with the gateway's charges",
    "PaymentsTable/due": "what is left to be done, found though nobody calls again; twice, in and out",
    "RefundsTable": "a refund, on record before it is made and after",
    "DeclinesTable": "which payments of a customer may have been declined within the hour",
    "IdempotencyTable": "the same answer to the same request, and which order was made under which key",
    "CircuitTable": "whether the gateway answers, as others found",
    "ProductsTable": "prices that the client cannot set",
}
"""What the units of each place buy."""


def measure_operations() -> dict[str, Any]:
    """Each operation, its calls of DynamoDB in their order, units by place, and bytes logged."""
    with open_checkout() as shop, standing_clock(shop):
        bought = _buy_two_lines(shop)
        stored_before = _measure_stored(shop)
        _warm_up(shop, bought)
        measured: dict[str, Any] = {}

        def measure(name: str, work: Callable[[], Any]) -> Any:
            answer = work()
            measured[name] = _describe(shop)
            return answer

        body = TWO_LINES
        wiring.order_service.cache_clear()  # prices not known
        order = measure("create_order", lambda: shop.call("create_order", body, key="create")).body
        measure("create_order, again", lambda: shop.call("create_order", body, key="create"))
        wiring.order_service.cache_clear()  # another process, which has not met the key
        measure(
            "create_order, again elsewhere, prices not known", lambda: shop.call("create_order", body, key="create")
        )
        wiring.order_service.cache_clear()
        shop.call("create_order", body, key="warm elsewhere")
        measure("create_order, again elsewhere", lambda: shop.call("create_order", body, key="create"))
        paid = measure("pay", lambda: shop.pay(order, key="pay")).body
        measure("pay, again", lambda: shop.pay(order, key="pay"))
        measure("mark_order_paid", lambda: shop.mark_paid(order, paid["transaction_id"]))
        measure("list_orders", lambda: shop.call("list_orders", query={"limit": "10"}))
        path = {"order_id": order["id"]}
        measure("get_order", lambda: shop.call("get_order", path=path))
        measure("get_order, by staff", lambda: shop.call("get_order", path=path, customer="sam", scope=STAFF_SCOPE))
        measure("get_order_audit", lambda: shop.call("get_order_audit", path=path))
        payment = {"transaction_id": paid["transaction_id"]}
        measure("get_payment", lambda: shop.call("get_payment", path=payment))
        measure("list_products", lambda: shop.call("list_products"))
        measure("fulfil_order", lambda: shop.fulfil(order))
        measure("refund_order", lambda: shop.refund(order, 100, key="refund"))
        other = measure("create_order, prices known", lambda: shop.call("create_order", body, key="other")).body
        measure("cancel_order", lambda: shop.cancel(other))
        _measure_payments(shop, measure)
        measure("list_orders, a full page", lambda: shop.call("list_orders", query={"limit": "10"}))
    measured["stored_bytes"] = stored_before
    return measured


def _measure_payments(shop: MeteredCheckout, measure: Callable[[str, Callable[[], Any]], Any]) -> None:
    """What else becomes of payments: refusals, declines and what follows one, a circuit not known, busy hours."""
    order, other = shop.create_order(), shop.create_order()
    measure("pay, refused", lambda: shop.pay({**order, "total_amount": 1}))
    measure("pay, the key of another order's payment", lambda: shop.pay(order, key="pay"))
    measure("pay, declined", lambda: shop.pay(other, "tok_chargeDeclined"))
    measure("pay, after a decline", lambda: shop.pay(other, key="later"))
    measure("pay, after a decline, again", lambda: shop.pay(other, key="later"))
    wiring.charging_service.cache_clear()  # another process, which has not met the key
    shop.pay(shop.create_order())
    measure("pay, after a decline, again elsewhere", lambda: shop.pay(other, key="later"))
    late = shop.create_order()
    shop.wait(CIRCUIT_KNOWN)
    measure("pay, circuit not known", lambda: shop.pay(late))
    late = _fill_hour(shop, "tok_visa", MOST_DECLINES // 2)
    measure("pay, in an hour that is half full", lambda: shop.pay(late))
    late = _fill_hour(shop, "tok_chargeDeclined", MOST_DECLINES)
    measure("pay, in an hour that is full", lambda: shop.pay(late))


def measure_baskets() -> dict[str, dict[str, float]]:
    """Units of a whole checkout by the number of its order's lines."""
    return {str(lines): _measure_basket(lines) for lines in BASKETS}


def _measure_basket(lines: int) -> dict[str, float]:
    """Each line is of another product, with an id of 12 letters and a name of 24, drawn so that nothing of them is to
    be compressed. The process has worked before, but
    knows none of their prices."""
    units = {"write_units": 0.0, "read_units": 0.0}
    with open_checkout() as shop, standing_clock(shop):
        _warm_up(shop, shop.buy())
        names = random.Random(lines)
        products = ["".join(names.choices(ascii_lowercase, k=12)) for _ in range(lines)]
        for product_id in products:
            name = "".join(names.choices(ascii_letters, k=24))
            item = {"product_id": product_id, "name": name, "unit_price": names.randint(100, 9999), "currency": "usd"}
            shop.store.answer("PutItem", {"TableName": "ProductsTable", "Item": to_wire(item)})

        def add(answer: Answer) -> Any:
            described = _describe(shop)
            for kind in units:
                units[kind] += sum(described[kind].values())
            return answer.body

        body = {"items": [{"product_id": product_id, "quantity": 1} for product_id in products]}
        order = add(shop.call("create_order", body, key="create"))
        paid = add(shop.pay(order))
        add(shop.mark_paid(order, paid["transaction_id"]))
        add(shop.call("list_orders", query={"limit": "10"}))
    return units


def _buy_two_lines(shop: MeteredCheckout) -> dict[str, Any]:
    order = shop.call("create_order", TWO_LINES, key="bought").body
    bought: dict[str, Any] = shop.mark_paid(order, shop.pay(order).body["transaction_id"]).body
    return bought


def _fill_hour(shop: MeteredCheckout, token: str, payments: int) -> Any:
    """An order to pay once so many of its customer's payments count in the hour; raises ValueError where they do not
    come to."""
    for _ in range(2 * payments):
        if max(len(hour["payments"]["SS"]) for hour in shop.store.scan("DeclinesTable")) >= payments:
            return shop.create_order()
        shop.pay(shop.create_order(), token)
    raise ValueError(f"{payments} payments do not stay in their hour")


def _warm_up(shop: MeteredCheckout, bought: dict[str, Any]) -> None:
    """What is measured is not the first call of its process, which reads the circuit's state and logs its start."""
    path = {"order_id": bought["id"]}
    shop.call("list_orders")
    shop.call("list_products")
    shop.call("get_order", path=path)
    shop.call("get_order_audit", path=path)
    shop.call("get_payment", path={"transaction_id": bought["payment_transaction_id"]})
    shop.fulfil(bought)
    shop.refund(bought, 100, key="warm")
    shop.cancel(shop.create_order())


def _measure_stored(shop: MeteredCheckout) -> dict[str, int]:
    """What one checkout leaves in the tables and their indexes, results that run out by themselves with it."""
    return {
        name: sum(map(_stored_size, shop.store.list_stored(name)))
        for name in shop.store.tables
        if name in PURPOSES and name != "ProductsTable"
    }


def _stored_size(item: Any) -> int:
    """Of an item, or of an entry of an index."""
    return item_size(item) + BYTES_BESIDE


def _describe(shop: MeteredCheckout) -> dict[str, Any]:
    calls = [call for call in shop.store.calls if not call.is_gateways]
    return {
        "calls": [
            f"{call.operation} {' '.join(sorted({place.partition('/')[0] for place in [*call.writes, *call.reads]}))}"
            + (", refused" if call.refused else "")
            for call in calls
        ],
        "write_units": _sum(call.writes for call in calls),
        "read_units": _sum(call.reads for call in calls),
        "gateway_calls": sum(call.is_gateways for call in shop.store.calls),
        "log_bytes": len(shop.log.encode()),
    }


def _sum(all_units: Iterable[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for units in all_units:
        for place, count in units.items():
            total[place] += count
    return dict(sorted(total.items()))


def price_million(measured: dict[str, Any], processor_ms: dict[str, float]) -> dict[str, Any]:
    """Dollars for a million checkouts on x86_64, by part. `processor_ms` is of a warm call of each function."""
    prices = tomllib.loads(PRICES.read_text(encoding="utf-8"))
    assumed, database, functions = prices["assumed"], prices["dynamodb"], prices["lambda"]
    steps = [measured[name] for name in CHECKOUT]
    stretch = assumed["mb_of_one_processor"] / assumed["lambda_mb"]
    seconds = sum(
        processor_ms[name] * stretch
        + len(measured[name]["calls"]) * assumed["dynamodb_call_ms"]
        + (assumed["gateway_call_ms"] if name == "pay" else 0)
        for name in CHECKOUT
    )
    authorizing = len(CHECKOUT) * processor_ms["authorize"] * stretch
    logged = sum(step["log_bytes"] + 2 * assumed["platform_log_bytes"] + assumed["access_log_bytes"] for step in steps)
    stored = sum(measured["stored_bytes"].values())
    gb = MILLION / GB
    writes, reads = (sum(sum(step[kind].values()) for step in steps) for kind in ("write_units", "read_units"))
    parts = {
        "DynamoDB writes": writes * database["million_write_units"],
        "DynamoDB reads": reads * database["million_read_units"],
        "DynamoDB storage, the first month": stored
        * gb
        * (database["storage_gb_month"] + database["point_in_time_recovery_gb_month"]),
        "API Gateway": len(steps) * prices["api_gateway"]["million_requests"],
        "Lambda requests": 2 * len(steps) * functions["million_requests"],
        "Lambda time, operations": seconds * assumed["lambda_mb"] / 1024 * functions["million_gb_seconds_x86"] / 1000,
        "Lambda time, authorizer": authorizing
        * assumed["lambda_mb"]
        / 1024
        * functions["million_gb_seconds_x86"]
        / 1000,
        # The authorizer's invocation is traced as the operation's is.
        "X-Ray traces": 2 * len(steps) * assumed["traced"] * prices["xray"]["million_traces"],
        "Logs": logged * gb * (prices["logs"]["gb_taken_in"] + prices["logs"]["gb_month_stored"]),
    }
    return {
        "region": prices["region"],
        "date": prices["date"],
        "source": prices["source"],
        "parts": {name: round(dollars, 2) for name, dollars in parts.items()},
        "total": round(sum(parts.values()), 2),
        "largest": max(parts, key=lambda name: parts[name]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    measured = measure_operations()
    million = price_million(measured, load_result("latency")["processor_ms"])
    save_result("cost", {"operations": measured, "baskets": measure_baskets(), "million": million}, quick=quick)


if __name__ == "__main__":
    main()
