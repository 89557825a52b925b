"""The real handlers on a store in memory that counts what DynamoDB would: calls, units, and the bytes of the log."""

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools.utilities.circuit_breaker.persistence import base as circuit_persistence

from benchmarks.units import count_read, count_write, item_size
from checkout import api, wiring
from checkout.dynamodb import to_wire
from local.tables import PRODUCTS
from local.template import read_template
from tests.exploration.memory_store import Index, MemoryStore, Refusal, Table
from tests.integration.conftest import Answer, Checkout, forget_clients, its_clock, set_environment
from tests.secrets_in_logs import look_through

__all__ = ["GATEWAY", "Call", "MeteredCheckout", "MeteredStore", "capture_log", "open_checkout", "standing_clock"]

TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0"
GATEWAY = "SimulatedGatewayTable"
"""Of the simulated gateway: where a real one charges, nobody calls it."""


@dataclass
class Call:
    """A call of DynamoDB: units by place, a table or `table/index`; and whether a condition refused it."""

    operation: str
    writes: dict[str, float] = field(default_factory=dict)
    reads: dict[str, float] = field(default_factory=dict)
    refused: bool = False

    @property
    def is_gateways(self) -> bool:
        return {*self.writes, *self.reads} == {GATEWAY}


class MeteredStore(MemoryStore):
    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(tables)
        self.calls: list[Call] = []
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        before, call = self.take_snapshot(), Call(operation)
        self.calls.append(call)
        self.asked.append((operation, params))
        try:
            answer = super().answer(operation, params)
        except Refusal:
            call.refused = True
            raise
        finally:
            after = self.take_snapshot()
            for name, key, transactional in _find_written(self.tables, operation, params):
                self._count_writes(call, name, before.items[name].get(key), after.items[name].get(key), transactional)
        self._count_reads(call, operation, params, answer)
        return answer

    def list_stored(self, name: str) -> list[Any]:
        """The items of a table, and the entries of its indexes."""
        items = list(self.take_snapshot().items[name].values())
        entries = [_project(index, item) for index in self.tables[name].indexes.values() for item in items]
        return [*items, *(entry for entry in entries if entry)]

    def _count_writes(self, call: Call, name: str, before: Any, after: Any, transactional: bool) -> None:
        sizes = [item_size(item) for item in (before, after) if item]
        _add(call.writes, name, count_write(*sizes, transactional=transactional))
        for index_name, index in self.tables[name].indexes.items():
            units = _count_index(_project(index, before), _project(index, after), index)
            _add(call.writes, f"{name}/{index_name}", units)

    def _count_reads(self, call: Call, operation: str, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if operation == "GetItem":
            # As large as the item is, whatever part of it is answered.
            item = self._find(params["TableName"], params["Key"]) or {}
            units = count_read(item_size(item), consistent=params.get("ConsistentRead", False))
            _add(call.reads, params["TableName"], units)
        elif operation == "BatchGetItem":
            for name, wanted in params["RequestItems"].items():
                found = [self._find(name, key) or {} for key in wanted["Keys"]]
                for item in found:
                    _add(call.reads, name, count_read(item_size(item), consistent=wanted["ConsistentRead"]))
        elif operation in {"Query", "Scan"}:
            place = f"{params['TableName']}/{params['IndexName']}" if "IndexName" in params else params["TableName"]
            size = sum(map(item_size, answer["Items"]))
            _add(call.reads, place, count_read(size, consistent=params.get("ConsistentRead", False)))


def _find_written(
    tables: Mapping[str, Table], operation: str, params: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Table and key of each item that a call writes, and whether it does so in a transaction."""
    if operation == "TransactWriteItems":
        for action in params["TransactItems"]:
            [parameters] = action.values()
            name = parameters["TableName"]
            yield name, tables[name].key_of(parameters.get("Item") or parameters["Key"]), True
    elif operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        name = params["TableName"]
        yield name, tables[name].key_of(params.get("Item") or params["Key"]), False


def _project(index: Index, item: Any) -> Any:
    """What an index holds of an item; None where the item is not in it."""
    if not item or any(name not in item for name in index.keys):
        return None
    return {name: value for name, value in item.items() if index.attributes is None or name in index.attributes}


def _count_index(before: Any, after: Any, index: Index) -> float:
    """One write to put an entry, to change one or to remove one; two where it moves. In a transaction no more than
    outside of one, in local indexes too: DynamoDB's documents do not say so, but its own figures do, as captured in
    https://github.com/nubo-db/dynoxide/blob/main/tests/transactional_index_consumed_capacity.rs."""
    if before == after:
        return 0
    entries = [entry for entry in (before, after) if entry]
    if len(entries) == 2 and any(before[name] != after[name] for name in index.keys):
        return sum(count_write(item_size(entry)) for entry in entries)
    return count_write(*map(item_size, entries))


def _add(units: dict[str, float], place: str, more: float) -> None:
    if more:
        units[place] = units.get(place, 0) + more


class MeteredCheckout(Checkout):
    """A checkout whose calls are counted. `log` is what the last function wrote, as CloudWatch would take it."""

    def __init__(self, store: MeteredStore) -> None:
        super().__init__(wiring.dynamodb_client())
        self.store = store
        self.log = ""

    def invoke(self, function: str, event: dict[str, Any], *, seconds: float = 20) -> Answer:
        self.store.calls.clear()
        self.store.asked.clear()
        # Lambda names the trace that a request belongs to, and Powertools writes that into each line.
        with patch.dict(os.environ, {"_X_AMZN_TRACE_ID": TRACE}), capture_log() as written:
            answer = super().invoke(function, event, seconds=seconds)
        self.log = written.getvalue()
        look_through(self.log)
        return answer


@contextlib.contextmanager
def standing_clock(shop: MeteredCheckout) -> Iterator[None]:
    """Time goes on by `shop.wait` alone: what a process remembers does not run out because the machine is slow."""
    now = datetime.now(UTC)

    def read_clock() -> datetime:
        return now + shop.waited

    powertools = SimpleNamespace(datetime=SimpleNamespace(now=read_clock))
    with (
        patch.object(shop, "read_clock", read_clock),
        its_clock(shop),
        patch.object(circuit_persistence, "dt", powertools),
    ):
        yield


@contextlib.contextmanager
def capture_log() -> Iterator[io.StringIO]:
    """What functions write, log lines and metrics, is in it and nowhere else."""
    handler: Any = api.logger.registered_handler
    written = io.StringIO()
    usual = handler.setStream(written)
    try:
        with contextlib.redirect_stdout(written):
            yield written
    finally:
        handler.setStream(usual)


@contextlib.contextmanager
def open_checkout() -> Iterator[MeteredCheckout]:
    with set_environment(MaxHourlyDeclines="20"):
        forget_clients()
        store, client = MeteredStore(read_template().tables), wiring.dynamodb_client()
        asked: dict[str, Any] = {}
        events: Any = client.meta.events
        events.register("provide-client-params.dynamodb", lambda params, **_: asked.update(params=params))
        events.register("before-call.dynamodb", lambda model, **_: store.respond(model.name, asked["params"]))
        for product in json.loads(PRODUCTS.read_text(encoding="utf-8")):
            store.answer("PutItem", {"TableName": "ProductsTable", "Item": to_wire(product)})
        try:
            yield MeteredCheckout(store)
        finally:
            forget_clients()
