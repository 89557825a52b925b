"""DynamoDB in memory, as far as the checkout uses it: fast, for one thread at a time, and put back at once to how it
was.

That it answers as DynamoDB Local does is proved by test_conformance.py. Like DynamoDB Local, and other than DynamoDB,
its indexes are up to date at once. So is what it reads, unless it is asked for what else a read that is not consistent
may be answered: what was so before the last write.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, TypeVar

from tests.exploration.expressions import Value, WireItem, parse_condition, parse_update

__all__ = ["MemoryStore", "Refusal", "Snapshot", "Table"]

Key = tuple[str, ...]

Item = TypeVar("Item")

NO_NAMES: Mapping[str, str] = {}
NO_VALUES: Mapping[str, Value] = {}


class Refusal(Exception):
    """An error that DynamoDB answers with: its code, and what else is in the answer."""

    def __init__(self, code: str, message: str = "", *, status: int = HTTPStatus.BAD_REQUEST, **answer: Any) -> None:
        super().__init__(code)
        self.status = status
        self.answer = {"Error": {"Code": code, "Message": message}, **answer}


@dataclass(frozen=True)
class Index:
    """Its partition key and, where it has one, its sort key; None for `attributes` where it has them all."""

    keys: Sequence[str]
    attributes: frozenset[str] | None


@dataclass(frozen=True)
class Table:
    """A table's key and its indexes, by name."""

    keys: Sequence[str]
    indexes: Mapping[str, Index]

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> "Table":
        """From its properties in the template."""
        keys = read_keys(properties["KeySchema"])
        indexes = {}
        for index in [
            *properties.get("GlobalSecondaryIndexes", []),
            *properties.get("LocalSecondaryIndexes", []),
        ]:
            of_index, projection = read_keys(index["KeySchema"]), index["Projection"]
            attributes = {*keys, *of_index, *projection.get("NonKeyAttributes", [])}
            is_whole = projection["ProjectionType"] == "ALL"
            indexes[index["IndexName"]] = Index(of_index, None if is_whole else frozenset(attributes))
        return cls(keys, indexes)

    def key_of(self, item: WireItem) -> Key:
        return tuple(str(item[name].get("S", item[name].get("N"))) for name in self.keys)


def read_keys(schema: Sequence[Mapping[str, str]]) -> list[str]:
    """The partition key first."""
    return [key["AttributeName"] for key in sorted(schema, key=lambda key: key["KeyType"])]


@dataclass(frozen=True)
class Snapshot:
    """The items of each table; and what each that was ever written was before its last write, None where there was
    none."""

    items: Mapping[str, Mapping[Key, WireItem]]
    before: Mapping[str, Mapping[Key, WireItem | None]]


@dataclass(frozen=True)
class Written:
    """What a write does to one item: None where it only checks, or where the item is gone."""

    table: str
    key: Key
    item: WireItem | None


class MemoryStore:
    """Answers a call by its name and parameters, as a client of botocore takes and gives them. Items are never changed,
    only replaced, so that a snapshot is as cheap as a list of them."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self.tables = {name: Table.read(properties) for name, properties in tables.items()}
        self._items: dict[str, dict[Key, WireItem]] = {name: {} for name in tables}
        self._before: dict[str, dict[Key, WireItem | None]] = {name: {} for name in tables}

    def take_snapshot(self) -> Snapshot:
        return Snapshot(copy_tables(self._items), copy_tables(self._before))

    def restore(self, snapshot: Snapshot) -> None:
        self._items, self._before = copy_tables(snapshot.items), copy_tables(snapshot.before)

    def scan(self, table: str) -> list[WireItem]:
        return list(self._items[table].values())

    def respond(self, operation: str, params: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """As botocore has an answer once it is parsed: with its status, an error too."""
        try:
            return make_answer(HTTPStatus.OK, self.answer(operation, params))
        except Refusal as refusal:
            return make_answer(refusal.status, refusal.answer)

    def respond_stale(
        self, operation: str, params: Mapping[str, Any], *, tables: Collection[str] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """As `respond`; but what a BatchGetItem does not read consistently, of these tables or of all, is as it was
        before its last write."""
        if operation != "BatchGetItem":
            return self.respond(operation, params)
        stale = self.tables if tables is None else tables
        return make_answer(HTTPStatus.OK, self._batch_get_item(params, stale))

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Raises Refusal, and NotImplementedError where something else is asked than it knows."""
        if unknown := params.keys() - UNDERSTOOD:
            raise NotImplementedError(f"{operation} with {', '.join(sorted(unknown))}")
        answer: dict[str, Any] = getattr(self, OPERATIONS[operation])(params)
        return answer

    # Reads

    def _get_item(self, params: Mapping[str, Any]) -> dict[str, Any]:
        item = self._find(params["TableName"], params["Key"])
        if item is None:
            return {}
        wanted = params["ProjectionExpression"].split(", ") if "ProjectionExpression" in params else item
        return {"Item": {name: value for name, value in item.items() if name in wanted}}

    def _batch_get_item(self, params: Mapping[str, Any], stale: Collection[str] = ()) -> dict[str, Any]:
        found = {}
        for name, wanted in params["RequestItems"].items():
            find = self._find_before if name in stale and not wanted.get("ConsistentRead") else self._find
            items = [find(name, key) for key in wanted["Keys"]]
            found[name] = [dict(item) for item in items if item is not None]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _scan(self, params: Mapping[str, Any]) -> dict[str, Any]:
        items = [dict(item) for item in self.scan(params["TableName"])]
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}

    def _query(self, params: Mapping[str, Any]) -> dict[str, Any]:
        table = self.tables[params["TableName"]]
        index = table.indexes[params["IndexName"]] if "IndexName" in params else Index(table.keys, None)
        is_wanted = parse_condition(params["KeyConditionExpression"])
        names, values = params.get("ExpressionAttributeNames", NO_NAMES), params["ExpressionAttributeValues"]
        order = [*index.keys[1:], *table.keys]

        def place(item: WireItem) -> list[Any]:
            return [Decimal(item[name]["N"]) if "N" in item[name] else item[name]["S"].encode() for name in order]

        items = [
            item
            for item in self._items[params["TableName"]].values()
            if all(name in item for name in index.keys) and is_wanted(item, names, values)
        ]
        forward = params.get("ScanIndexForward", True)
        items.sort(key=place, reverse=not forward)
        if "ExclusiveStartKey" in params:
            start = place(params["ExclusiveStartKey"])
            items = [item for item in items if (place(item) > start if forward else place(item) < start)]
        page = items[: params.get("Limit")]
        is_told = parse_condition(params["FilterExpression"]) if "FilterExpression" in params else lambda *_: True
        told = [
            {name: value for name, value in item.items() if index.attributes is None or name in index.attributes}
            for item in page
            if is_told(item, names, values)
        ]
        answer: dict[str, Any] = {"Items": told, "Count": len(told), "ScannedCount": len(page)}
        # Where the partition key is the whole key, there is no second item, and no page after the first.
        if "Limit" in params and len(page) == params["Limit"] and len(index.keys) > 1:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in {*table.keys, *index.keys}}
        return answer

    # Writes

    def _put_item(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_one("Put", params)

    def _update_item(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_one("Update", params)

    def _delete_item(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._write_one("Delete", params)

    def _write_one(self, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
        written, failure = self._prepare(kind, params)
        if failure is not None:
            raise Refusal("ConditionalCheckFailedException", "The conditional request failed", **failure)
        before = self._items[written.table].get(written.key)
        self._keep([written])
        wanted = params.get("ReturnValues", "NONE")
        if wanted == "ALL_NEW":
            return {"Attributes": dict(written.item or {})}
        return {"Attributes": dict(before)} if wanted == "ALL_OLD" and before else {}

    def _transact_write_items(self, params: Mapping[str, Any]) -> dict[str, Any]:
        prepared = [self._prepare(*next(iter(action.items()))) for action in params["TransactItems"]]
        places = [(written.table, written.key) for written, _ in prepared]
        if len(set(places)) < len(places):
            raise Refusal("ValidationException", "Transaction request cannot include multiple operations on one item")
        if any(failure is not None for _, failure in prepared):
            raise Refusal(
                "TransactionCanceledException",
                "Transaction cancelled",
                CancellationReasons=[
                    {"Code": "None"}
                    if failure is None
                    else {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", **failure}
                    for _, failure in prepared
                ],
            )
        self._keep(written for written, _ in prepared)
        return {}

    def _prepare(self, kind: str, params: Mapping[str, Any]) -> tuple[Written, dict[str, Any] | None]:
        """What a write would do; and where its condition fails, what the answer says of the item."""
        name = params["TableName"]
        key = self.tables[name].key_of(params["Item"] if kind == "Put" else params["Key"])
        before = self._items[name].get(key)
        names = params.get("ExpressionAttributeNames", NO_NAMES)
        values = params.get("ExpressionAttributeValues", NO_VALUES)
        condition = params.get("ConditionExpression")
        if condition and not parse_condition(condition)(before or {}, names, values):
            tells = params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and before
            return Written(name, key, before), {"Item": dict(before)} if tells and before else {}
        if kind == "Put":
            return Written(name, key, dict(params["Item"])), None
        if kind == "Update":
            try:
                after = parse_update(params["UpdateExpression"])(before or params["Key"], names, values)
            except LookupError as error:
                raise Refusal("ValidationException", str(error)) from None
            return Written(name, key, after), None
        return Written(name, key, None if kind == "Delete" else before), None

    def _keep(self, all_written: Iterator[Written] | Sequence[Written]) -> None:
        for written in all_written:
            items = self._items[written.table]
            before = items.get(written.key)
            if written.item is before:
                # It was only checked.
                continue
            self._before[written.table][written.key] = before
            if written.item is None:
                del items[written.key]
            else:
                items[written.key] = written.item

    def _find(self, name: str, key: WireItem) -> WireItem | None:
        return self._items[name].get(self.tables[name].key_of(key))

    def _find_before(self, name: str, key: WireItem) -> WireItem | None:
        return self._before[name].get(self.tables[name].key_of(key), self._find(name, key))


def copy_tables(tables: Mapping[str, Mapping[Key, Item]]) -> dict[str, dict[Key, Item]]:
    return {name: dict(items) for name, items in tables.items()}


UNDERSTOOD = {
    *("TableName", "IndexName", "Key", "Item", "RequestItems", "TransactItems", "ConsistentRead", "ClientRequestToken"),
    *("KeyConditionExpression", "FilterExpression", "ConditionExpression", "UpdateExpression", "ProjectionExpression"),
    *("ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnValues", "ReturnValuesOnConditionCheckFailure"),
    *("Limit", "ScanIndexForward", "ExclusiveStartKey"),
}
"""What a call may say; reads are consistent anyway, but for `respond_stale`."""

OPERATIONS = {
    "GetItem": "_get_item",
    "BatchGetItem": "_batch_get_item",
    "Scan": "_scan",
    "Query": "_query",
    "PutItem": "_put_item",
    "UpdateItem": "_update_item",
    "DeleteItem": "_delete_item",
    "TransactWriteItems": "_transact_write_items",
}


def make_answer(status: int, answer: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    metadata = {"HTTPStatusCode": int(status), "HTTPHeaders": {}, "RequestId": "memory", "RetryAttempts": 0}
    return SimpleNamespace(status_code=int(status)), {**answer, "ResponseMetadata": metadata}
