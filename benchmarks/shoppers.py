"""Those who check out, for throughput: `python -m benchmarks.shoppers KIND ADDRESS SECONDS`.

A process that makes whole checkouts one after another: `ours` calls the handlers in this process, with DynamoDB at
ADDRESS, as Lambda would; `course` asks the course's design at ADDRESS over HTTP. Prints how many, in which time, and
the processor time of this process.
"""

import json
import sys
import time
import uuid
from collections.abc import Callable

BODY = {"items": [{"product_id": "mug", "quantity": 2}]}


def make_ours(endpoint: str) -> Callable[[], None]:
    from benchmarks.metering import capture_log
    from checkout import wiring
    from tests.integration.conftest import Checkout, set_environment

    set_environment(endpoint).start()
    shop = Checkout(wiring.dynamodb_client())

    def check_out() -> None:
        customer = uuid.uuid4().hex
        with capture_log():
            order = shop.call("create_order", BODY, key=shop.new_key(), customer=customer).body
            paid = shop.pay(order, customer=customer).body
            marked = shop.mark_paid(order, paid["transaction_id"], customer=customer).body
            listed = shop.list_orders(customer=customer)
        if not marked["status"] == listed["orders"][0]["status"] == "paid":
            raise ValueError(f"no checkout: {marked}")

    return check_out


def make_course(address: str) -> Callable[[], None]:
    import httpx

    client = httpx.Client(base_url=address, trust_env=False, timeout=30)

    def check_out() -> None:
        customer = {"customer": uuid.uuid4().hex}
        order = client.post("/orders", json=BODY, headers=customer).json()
        payment = {"order_id": order["id"], "token": "tok_visa", "amount": order["total_amount"], "currency": "usd"}
        paid = client.post("/pay", json=payment, headers={"idempotency-key": uuid.uuid4().hex}).json()
        link = {"transaction_id": paid["transaction_id"]}
        marked = client.patch(f"/orders/{order['id']}/pay", json=link).json()
        listed = client.get("/orders", headers=customer).json()
        if not marked["status"] == listed["orders"][0]["status"] == "paid":
            raise ValueError(f"no checkout: {marked}")

    return check_out


def main() -> None:
    kind, address, seconds = sys.argv[1:]
    check_out = {"ours": make_ours, "course": make_course}[kind](address)
    check_out()
    began, began_cpu, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < float(seconds):
        check_out()
        done += 1
    elapsed, elapsed_cpu = time.perf_counter() - began, time.process_time() - began_cpu
    print(json.dumps({"checkouts": done, "seconds": elapsed, "processor_seconds": elapsed_cpu}))


if __name__ == "__main__":
    main()
