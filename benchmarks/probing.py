"""Starts probes: functions in processes of their own, on the package as it is deployed, and the floor beside them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

from benchmarks.metering import open_checkout
from benchmarks.package import FOLDER, make_package
from checkout.call_limit import CLIENT_CONFIG
from checkout.dynamodb import to_wire
from local.keys import issue_token, local_parameters
from local.tables import PRODUCTS
from local.template import ROOT, read_template
from tests.secrets_in_logs import look_through

__all__ = [
    "FLOOR",
    "FLOOR_LIKE_OURS",
    "FLOOR_PRUNED",
    "FLOOR_WITH_KEY",
    "FUNCTIONS",
    "ORDER",
    "STOCK_LAYER",
    "TRANSACTIONAL_LAYER",
    "count_instructions",
    "make_event",
    "open_probe",
    "probe",
    "write_events",
    "write_floor_items",
]

FLOOR, FLOOR_PRUNED, FLOOR_LIKE_OURS = "floor", "floor, pruned", "floor, pruned, with our client's settings"
FLOOR_WITH_KEY = "floor, with the record of the key"
STOCK_LAYER, TRANSACTIONAL_LAYER = "floor, once by the stock layer", "floor, once by ours"
PEERS = {
    FLOOR: ("stock", "floor"),
    FLOOR_WITH_KEY: ("stock", "floor"),
    FLOOR_PRUNED: ("pruned", "floor"),
    FLOOR_LIKE_OURS: ("pruned", "floor"),
    STOCK_LAYER: ("pruned", "stock_layer"),
    TRANSACTIONAL_LAYER: ("pruned", "transactional_layer"),
}
"""Handlers to compare with: the package that each runs on, and its module."""
OUR_SETTINGS = {name: getattr(CLIENT_CONFIG, name) for name in ("parameter_validation", "user_agent", "retries")}
FUNCTIONS = tuple(function.name for function in read_template().functions.values())
PROBE = ROOT / "benchmarks" / "probe.py"
ORDER = {"items": [{"product_id": "mug", "quantity": 2}, {"product_id": "tea", "quantity": 1}]}
REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")


def make_event(
    body: object = None,
    *,
    key: str | None = None,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "version": "2.0",
        "headers": {"idempotency-key": key} if key else {},
        "identitySource": [f"Bearer {issue_token('alice')}"],
        "requestContext": {"requestId": "r", "authorizer": {"lambda": {"customer_id": "alice", "scope": ""}}},
        "pathParameters": path,
        "queryStringParameters": query,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def write_events(
    name: str,
    first: Sequence[Any],
    warm: Sequence[Any] = (),
    replay: Sequence[Any] = (),
    answered: Sequence[Any] = (),
) -> Path:
    """`replay` is of calls that the process has answered, `answered` of calls that another one has."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name.replace(', ', '_')}.events.json"
    events = {"first": first, "warm": warm, "replay": replay, "answered": answered}
    path.write_text(json.dumps(events), encoding="utf-8")
    return path


def probe(
    name: str, events: Path, endpoint: str = "", *, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs one; with no endpoint DynamoDB is in its memory. Raises CalledProcessError."""
    command, environment = _prepare(name, events, endpoint, *([] if endpoint else ["memory"]))
    probed = subprocess.run([*before, *command], env=environment, capture_output=True, text=True, check=True)
    look_through(probed.stderr)
    return probed


@contextmanager
def open_probe(name: str, events: Path, endpoint: str) -> Iterator[Callable[[], float]]:
    """Starts one, and gives its next call: milliseconds. A call fails where the probe has ended."""
    command, environment = _prepare(name, events, endpoint, "turns")
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        into, out = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

        def call() -> float:
            into.write("\n")
            return float(out.readline())

        yield call
        into.close()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command)


def _prepare(name: str, events: Path, endpoint: str, *mode: str) -> tuple[list[str], dict[str, str]]:
    """The command that probes a function, and its environment."""
    kind, peer = PEERS.get(name, ("pruned", None))
    module = [peer, "create_order"] if peer else [f"functions.{name}.app", name]
    path = os.pathsep.join([str(make_package(kind)), *([str(ROOT / "benchmarks" / "peers")] if peer else [])])
    environment = {
        **read_template(local_parameters(endpoint)).environment,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "ITEMS": str(write_floor_items()[name == FLOOR_WITH_KEY]),
        **({"CLIENT": json.dumps(OUR_SETTINGS)} if name == FLOOR_LIKE_OURS else {}),
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",
        "PATH": os.environ["PATH"],
        "no_proxy": "*",
    }
    python = str(Path(sys.executable).resolve())
    return [python, "-S", str(PROBE), *module, str(events), *mode], environment


@cache
def write_floor_items() -> tuple[Path, Path]:
    """The items that create_order writes in its transaction, for the floor to write: the order and its audit entry; and
    these with the record of the key.

    Written anew in each process: what create_order writes may have changed since another one did.
    """
    with open_checkout() as shop:
        order = shop.call("create_order", ORDER, key="floor").body
        [actions] = [params["TransactItems"] for name, params in shop.store.asked if name == "TransactWriteItems"]
    items = {action["Put"]["TableName"]: action["Put"]["Item"] for action in actions}
    key_id = items["IdempotencyTable"]["id"]["S"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    tables = {"tables": dict(read_template().tables), "products": list(map(to_wire, json.loads(PRODUCTS.read_text())))}
    (FOLDER / "tables.json").write_text(json.dumps(tables), encoding="utf-8")

    def write(name: str, *wanted: str) -> Path:
        path = FOLDER / name
        puts = [{"Put": {"TableName": table, "Item": items[table]}} for table in wanted]
        text = json.dumps(puts).replace(order["id"], "ORDER_ID").replace(key_id, f"{key_id[:-32]}ORDER_ID")
        path.write_text(text, encoding="utf-8")
        return path

    return (
        write("items.json", "OrdersTable", "AuditTable"),
        write("items-with-key.json", "OrdersTable", "AuditTable", "IdempotencyTable"),
    )


def count_instructions(name: str, events: Path) -> int:
    """Millions of instructions of a start and what is called, Python's own start with them; needs valgrind."""
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    told = probe(name, events, before=tool).stderr
    found = REFERENCES.search(told)
    if not found:
        raise ValueError(f"valgrind did not count: {told[-500:]}")
    return round(int(found[1].replace(",", "")) / 1e6)
