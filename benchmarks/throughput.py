"""How many checkouts a second, for how much processor time; and how many double charges when equal requests meet?

Beside the course's design, in turns in the same run. Ours: worker processes that call the handlers, against DynamoDB
Local. The course's: one uvicorn worker, Redis, a mock gateway over HTTP, and as many shoppers as ours has workers.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from tqdm import tqdm

from benchmarks.metering import capture_log
from benchmarks.results import save_result
from checkout import wiring
from local.child_process import ChildProcess, find_free_port
from local.commands import CannotWork, how_to_install, run_command
from local.dynamodb_local import DynamoDBLocal
from local.tables import connect, create_tables, load_products
from local.template import ROOT
from tests.integration.conftest import Checkout, forget_clients, set_environment

__all__ = ["burst_ours"]

WORKERS = 2
EQUAL = 16
PEERS = ROOT / "benchmarks" / "peers" / "course"
PYTHON = ROOT / ".venv-benchmarks" / "bin" / "python"
TICKS = os.sysconf("SC_CLK_TCK")


def read_processor_seconds(process_id: int | None) -> float:
    """Processor time that a running process has taken; Linux only."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True)
class Course:
    address: str
    gateway: str
    processes: tuple[ChildProcess, ...]


@contextlib.contextmanager
def run_course() -> Iterator[Course]:
    ports = [find_free_port() for _ in range(3)]
    redis, gateway, shop = ports
    environment = {"REDIS": f"redis://127.0.0.1:{redis}", "GATEWAY": f"http://127.0.0.1:{gateway}"}
    uvicorn = [str(PYTHON), "-m", "uvicorn", "--log-level", "warning", "--app-dir", str(PEERS)]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        commands = [
            ["redis-server", "--port", str(redis), "--save", "", "--appendonly", "yes", "--dir", folder],
            [*uvicorn, "gateway:app", "--port", str(gateway)],
            [*uvicorn, "shop:app", "--port", str(shop)],
        ]
        processes = []
        for command, port in zip(commands, ports, strict=True):
            process = ChildProcess(command, environment=environment)
            stack.callback(process.stop)
            processes.append(process)
            if port != redis:
                process.wait_until_it_answers(port, 60)
        yield Course(f"http://127.0.0.1:{shop}", f"http://127.0.0.1:{gateway}", tuple(processes))


def shop_for(kind: str, address: str, seconds: float, server: Callable[[], float]) -> dict[str, float]:
    """Checkouts a second, and milliseconds of processor time per checkout of those who work for it and of the rest."""
    command = [sys.executable, "-m", "benchmarks.shoppers", kind, address, str(seconds)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'checkout'}"}
    before = server()
    workers = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)
    ]
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    done = sum(each["checkouts"] for each in told)
    return {
        "per_second": sum(each["checkouts"] / each["seconds"] for each in told),
        "worker_ms": sum(each["processor_seconds"] for each in told) / done * 1000,
        "server_ms": (server() - before) / done * 1000,
    }


def burst_ours(shop: Checkout, bursts: int) -> int:
    """Bursts of equal payments, at once, that were not charged once: twice, or not at all."""
    wrong = 0
    with ThreadPoolExecutor(EQUAL) as threads:
        for _ in tqdm(range(bursts), "bursts, ours"):
            order, key, start = shop.create_order(), shop.new_key(), threading.Barrier(EQUAL)

            def pay(order: dict[str, Any] = order, key: str = key, start: threading.Barrier = start) -> None:
                start.wait()
                shop.pay(order, key=key)

            list(threads.map(lambda pay: pay(), [pay] * EQUAL))
            wrong += len(shop.charges(order)) != 1
    return wrong


def burst_course(course: Course, bursts: int) -> int:
    orders = []
    with ThreadPoolExecutor(EQUAL) as threads, httpx.Client(base_url=course.address, trust_env=False) as client:
        for number in tqdm(range(bursts), "bursts, course"):
            items = {"items": [{"product_id": "mug", "quantity": 1}]}
            order = client.post("/orders", json=items, headers={"customer": "alice"}).json()
            orders.append(order["id"])
            payment = {"order_id": order["id"], "token": "tok_visa", "amount": 1800, "currency": "usd"}
            start = threading.Barrier(EQUAL)

            def pay(payment: Any = payment, number: int = number, start: threading.Barrier = start) -> None:
                start.wait()
                client.post("/pay", json=payment, headers={"idempotency-key": f"burst-{number}"}, timeout=30)

            list(threads.map(lambda pay: pay(), [pay] * EQUAL))
    charges = Counter(httpx.get(f"{course.gateway}/charges", trust_env=False).json())
    return sum(charges[order_id] != 1 for order_id in orders)


def measure(*, rounds: int, seconds: float, bursts: int) -> dict[str, Any]:
    if not shutil.which("redis-server"):
        raise CannotWork(f"It needs `redis-server`, which is not installed. {how_to_install('redis-server')}")
    if not PYTHON.exists():
        raise CannotWork(f"It needs {PYTHON.relative_to(ROOT)}, which `make bench` makes.")
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "course": []}
    with DynamoDBLocal() as database, run_course() as course:
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        emulator = database.process_id

        def read_emulator() -> float:
            return read_processor_seconds(emulator)

        def read_course() -> float:
            return sum(read_processor_seconds(process.process_id) for process in course.processes)

        shop_for("ours", database.endpoint, seconds / 2, read_emulator)  # the emulator compiles itself meanwhile
        for _ in tqdm(range(rounds), "throughput"):
            runs["ours"].append(shop_for("ours", database.endpoint, seconds, read_emulator))
            runs["course"].append(shop_for("course", course.address, seconds, read_course))
        with set_environment(database.endpoint), capture_log():
            forget_clients()
            wrong = {
                "ours": burst_ours(Checkout(wiring.dynamodb_client()), bursts),
                "course": burst_course(course, bursts),
            }
            forget_clients()
    return {
        "workers": WORKERS,
        "medians": {
            kind: {name: round(median(run[name] for run in each), 2) for name in each[0]} for kind, each in runs.items()
        },
        "bursts": bursts,
        "equal_requests": EQUAL,
        "bursts_wrong": {"how": "not charged once", **wrong},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    amounts: Any = {"rounds": 1, "seconds": 4, "bursts": 10} if quick else {"rounds": 3, "seconds": 10, "bursts": 100}
    save_result("throughput", measure(**amounts), quick=quick)


if __name__ == "__main__":
    run_command("bench: throughput", main)
