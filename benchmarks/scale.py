"""Does a call take longer when there is more? Orders of one customer, items in all, and pages of the list.

DynamoDB Local is loaded past its client, with copies of what the checkout itself wrote once.
"""

import argparse
import http.client
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from statistics import median
from typing import Any

from tqdm import tqdm
from ulid import ULID

from benchmarks.metering import capture_log
from benchmarks.results import save_result
from checkout import wiring
from checkout.dynamodb import to_wire
from local.commands import run_command
from local.dynamodb_local import DynamoDBLocal
from local.tables import connect, create_tables, load_products
from tests.integration.conftest import Checkout, forget_clients, set_environment

LOADERS = 4
BATCH = 25
PAGE = 5  # half of what the smallest customer has: every page is full
FIRST_ORDER = 1_700_000_000_000  # in milliseconds
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    # DynamoDB Local looks at whose it is, and no further.
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, Signature=0",
}


def order_id_of(number: int) -> str:
    """Of a customer's order, by its place in time."""
    return f"ord_{ULID.from_bytes((FIRST_ORDER + number).to_bytes(6, 'big') + bytes(10))}"


class Loader:
    """Copies of an order and of its first audit entry, as text in which the ids are put in place."""

    def __init__(self, shop: Checkout, port: int) -> None:
        order = shop.buy()
        self._order = json.dumps(to_wire(shop.order_item(order))).replace(order["id"], "ORDER_ID")
        [entry, *_] = [item for item in shop.scan("AuditTable") if item["order_id"] == order["id"]]
        [payment] = [item for item in shop.scan("PaymentsTable") if item["order_id"] == order["id"]]
        [record, *_] = [item for item in shop.scan("IdempotencyTable") if item["made_id"] == order["id"]]
        self._others = {
            "AuditTable": json.dumps(to_wire(entry)).replace(order["id"], "ITEM_ID"),
            "PaymentsTable": json.dumps(to_wire(payment)).replace(payment["payment_id"], "ITEM_ID"),
            "IdempotencyTable": json.dumps(to_wire(record)).replace(record["id"], "ITEM_ID"),
        }
        self._port = port
        self._connections = threading.local()

    def load_orders(self, customer: str, count: int) -> None:
        template = self._order.replace('"alice"', f'"{customer}"')
        items = (template.replace("ORDER_ID", order_id_of(number)) for number in range(count))
        self._load("OrdersTable", items, count, f"orders of {customer}")

    def load_others(self, count: int) -> None:
        """In equal parts in the trail's table, the payments' and that of keys."""
        share = count // len(self._others)
        for table, template in self._others.items():
            items = (template.replace("ITEM_ID", f"item_{number:026}") for number in range(share))
            self._load(table, items, share, f"items in {table}")

    def _load(self, table: str, items: Iterator[str], count: int, what: str) -> None:
        puts = (f'{{"PutRequest":{{"Item":{item}}}}}' for item in items)
        bodies = iter(lambda: ",".join(islice(puts, BATCH)), "")
        with ThreadPoolExecutor(LOADERS) as threads, tqdm(total=count, desc=what, unit="items") as bar:
            while batch := list(islice(bodies, 40)):
                for _ in threads.map(self._send, (f'{{"RequestItems":{{"{table}":[{body}]}}}}' for body in batch)):
                    bar.update(BATCH)

    def _send(self, body: str) -> None:
        connection = getattr(self._connections, "own", None)
        if connection is None:
            connection = self._connections.own = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", "/", body, HEADERS)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 200 or json.loads(told).get("UnprocessedItems"):
            raise ValueError(f"not loaded: {told[:500]!r}")


def make_calls(shop: Checkout, customer: str, count: int) -> dict[str, Callable[[], Any]]:
    signer = wiring.cursor_signer()

    def list_by(**query: str) -> Any:
        return shop.call("list_orders", query={"limit": str(PAGE), **query}, customer=customer)

    def list_from(number: int) -> Any:
        return list_by(cursor=signer.sign(order_id_of(number), customer, None))

    state: dict[str, Any] = {}
    path = {"order_id": order_id_of(0)}

    def create() -> Any:
        items = {"items": [{"product_id": "mug", "quantity": 2}]}
        answer = shop.call("create_order", items, key=shop.new_key(), customer=customer)
        state["order"] = answer.body
        return answer

    def pay() -> Any:
        answer = shop.pay(state["order"], customer=customer)
        state["payment"] = answer.body["transaction_id"]
        return answer

    def get_audit() -> Any:
        return shop.call("get_order_audit", path={"order_id": state["order"]["id"]}, customer=customer)

    def get_payment() -> Any:
        return shop.call("get_payment", path={"transaction_id": state["payment"]}, customer=customer)

    return {
        "create_order": create,
        "pay": pay,
        "mark_order_paid": lambda: shop.mark_paid(state["order"], state["payment"], customer=customer),
        "refund_order": lambda: shop.refund(state["order"], 100, key=shop.new_key()),
        "get_order": lambda: shop.call("get_order", path=path, customer=customer),
        "get_order_audit": get_audit,
        "get_payment": get_payment,
        "list_products": lambda: shop.call("list_products", customer=customer),
        "list_orders, first page": list_by,
        "list_orders, by status": lambda: list_by(status="paid"),
        "list_orders, middle": lambda: list_from(count // 2),
        "list_orders, last page": lambda: list_from(PAGE),
    }


def time_calls(
    shop: Checkout, customers: dict[str, int], rounds: int, chance: random.Random
) -> dict[str, dict[str, float]]:
    """Median milliseconds of each call for each customer, in a drawn order: who comes first pays for what another call
    has left in caches. Each round leaves each customer an order more."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    calls = {customer: make_calls(shop, customer, count) for customer, count in customers.items()}
    for _ in tqdm(range(rounds), "calls"):
        for name in next(iter(calls.values())):
            for customer in chance.sample(list(calls), len(calls)):
                began = time.perf_counter()
                answer = calls[customer][name]()
                took = (time.perf_counter() - began) * 1000
                if answer.status not in {200, 201}:
                    raise ValueError(f"{name} answered {answer.text}")
                times[name, customer].append(took)
    return {
        name: {customer: round(median(times[name, customer]), 2) for customer in calls}
        for name in next(iter(calls.values()))
    }


def measure(*, orders: tuple[int, ...], items: int, rounds: int, chance: random.Random) -> dict[str, Any]:
    customers = {f"with {count:,} orders": count for count in orders}
    alone = {"alone": orders[0]}
    with DynamoDBLocal() as database, set_environment(database.endpoint), capture_log():
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        forget_clients()
        shop = Checkout(wiring.dynamodb_client())
        loader = Loader(shop, database.port)
        loader.load_orders("alone", orders[0])
        time_calls(shop, alone, 3 * rounds, chance)  # while DynamoDB Local compiles what it does often
        empty = time_calls(shop, alone, rounds, chance)
        for customer, count in customers.items():
            loader.load_orders(customer, count)
        loader.load_others(items - sum(orders) - orders[0])
        full = time_calls(shop, customers, rounds, chance)
        forget_clients()
    smallest, *_, largest = customers
    return {
        "items": items,
        "orders": list(orders),
        "rounds": rounds,
        "empty_ms": {name: times["alone"] for name, times in empty.items()},
        "full_ms": full,
        "largest_times_smallest": {name: round(times[largest] / times[smallest], 2) for name, times in full.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    amounts: Any = (
        {"orders": (10, 100, 1_000), "items": 5_000, "rounds": 10}
        if quick
        else {"orders": (10, 1_000, 100_000), "items": 1_000_000, "rounds": 60}
    )
    save_result("scale", measure(**amounts, chance=random.Random(1)), quick=quick)


if __name__ == "__main__":
    run_command("bench: scale", main)
