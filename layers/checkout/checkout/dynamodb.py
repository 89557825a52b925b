"""Reading and writing DynamoDB with its own client: items, faults, and transactions with their cancellation reasons.

A transaction that is cancelled says why for each of its items. A condition that failed is an answer; a conflict or a
throttle is not, and is tried again, with jitter, within the time that is left (FR-037).
"""

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from checkout.clock import Deadline
from checkout.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = [
    "MAX_BATCH",
    "BatchRead",
    "ConditionFailed",
    "Found",
    "Item",
    "ReadItems",
    "Transaction",
    "change_item",
    "from_wire",
    "reading_faults",
    "to_wire",
]

Item = Mapping[str, Any]

MAX_BATCH = 100
"""Keys of one BatchGetItem."""

MAX_TRIES = 8
FIRST_PAUSE = 0.025
LONGEST_PAUSE = 0.4

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
PASSING_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
PASSING_ERRORS = {
    "TransactionConflictException",
    "TransactionInProgressException",
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
}


class ConditionFailed(Exception):
    """What a write takes for granted is not so; nothing was written.

    `items` has a place for each action: the item that was there, where its condition failed and it asks for that.
    """

    def __init__(self, items: Sequence[Item | None]) -> None:
        super().__init__()
        self.items = items


def to_wire(item: Item) -> dict[str, Any]:
    """Text, whole numbers, truth, None, maps, lists and sets of text, as DynamoDB takes them. Raises TypeError for
    anything else: no float comes into a table (FR-008); and ValueError for an empty set, which DynamoDB does not keep.
    As boto3's TypeSerializer, in a quarter of its time (FR-715)."""
    return {name: _encode(value) for name, value in item.items()}


def from_wire(item: Item) -> dict[str, Any]:
    """What `to_wire` took; values of other types stay as they are. Raises ValueError for a number that is not whole."""
    return {name: _decode(value) for name, value in item.items()}


def _encode(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Mapping):
        return {"M": to_wire(value)}
    if isinstance(value, list | tuple):
        return {"L": [_encode(element) for element in value]}
    if isinstance(value, set | frozenset) and all(isinstance(element, str) for element in value):
        if not value:
            raise ValueError("an empty set is not kept")
        return {"SS": sorted(value)}
    raise TypeError(f"{type(value).__name__} is not kept")


def _decode(value: Mapping[str, Any]) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return int(content)
        case "NULL":
            return None
        case "M":
            return from_wire(content)
        case "L":
            return [_decode(element) for element in content]
        case "SS":
            return frozenset(content)
        case _:
            return content


def change_item(table: str, key: Item, before: Item, after: Item, *, conditions: Sequence[str], values: Item) -> Item:
    """The Update action that writes what differs between two states of an item, under all the conditions.

    A name with a # in a condition is that attribute; values are by placeholder.
    """
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    removed = [name for name in before if name not in after]
    sets, removes = [f"#{name} = :new_{name}" for name in changed], [f"#{name}" for name in removed]
    clauses = {"SET": sets, "REMOVE": removes}
    expression = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)
    condition = " AND ".join(conditions)
    names = re.findall(r"#(\w+)", f"{expression} {condition}")
    return {
        "Update": {
            "TableName": table,
            "Key": to_wire(key),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ExpressionAttributeValues": to_wire(
                {**{f":new_{name}": value for name, value in changed.items()}, **values}
            ),
        }
    }


@contextmanager
def reading_faults() -> Iterator[None]:
    """Turns faults that pass by themselves into StoreUnavailable, once the client's own retries are used up."""
    try:
        yield
    except BotoCoreError as error:
        raise StoreUnavailable from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if _code_of(error) in PASSING_ERRORS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise StoreUnavailable from error
        raise


def _make_pause(tries: int, jitter: Callable[[], float]) -> float:
    """Seconds to wait after so many tries, with full jitter.

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    return jitter() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**tries)


class Transaction:
    """Writes several items or none: call it with the actions.

    Raises ConditionFailed, and StoreUnavailable where conflicts or throttling outlast the tries or the time left.
    """

    def __init__(
        self, client: "DynamoDBClient", *, jitter: Callable[[], float], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._jitter = jitter
        self._sleep = sleep

    def __call__(self, actions: Sequence[Any], deadline: Deadline) -> None:
        for tries in range(1, MAX_TRIES + 1):
            try:
                with reading_faults():
                    self._client.transact_write_items(TransactItems=actions)
            except self._client.exceptions.TransactionCanceledException as error:
                if not _is_passing(error):
                    raise ConditionFailed(_read_items(error)) from error
                pause = _make_pause(tries, self._jitter)
                if tries == MAX_TRIES or pause >= deadline():
                    raise StoreUnavailable from error
                self._sleep(pause)
            else:
                return


Found = dict[str, list[dict[str, Any]]]
"""Items by their table."""


class ReadItems(Protocol):
    """By the keys of each table, consistently but for the `eventual` tables; such as a BatchRead."""

    def __call__(
        self, keys: Mapping[str, Sequence[Item]], deadline: Deadline, *, eventual: Collection[str] = ()
    ) -> Found: ...


class BatchRead:
    """Reads up to 100 items by their keys: call it with the keys of each table.

    Raises StoreUnavailable where DynamoDB leaves some out for longer than the tries or the time left.
    """

    def __init__(
        self, client: "DynamoDBClient", *, jitter: Callable[[], float], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._jitter = jitter
        self._sleep = sleep

    def __call__(
        self, keys: Mapping[str, Sequence[Item]], deadline: Deadline, *, eventual: Collection[str] = ()
    ) -> Found:
        """The items that exist, by table, in any order; read consistently, but for those of the `eventual` tables: they
        are as they are or were a moment ago, for half the units."""
        found: Found = {table: [] for table in keys}
        wanted: dict[str, Any] = {
            table: {"Keys": [to_wire(key) for key in wanted_keys], "ConsistentRead": table not in eventual}
            for table, wanted_keys in keys.items()
            if wanted_keys
        }
        for tries in range(1, MAX_TRIES + 1):
            if not wanted:
                return found
            with reading_faults():
                answer = self._client.batch_get_item(RequestItems=wanted)
            for table, items in answer["Responses"].items():
                found[table] += map(from_wire, items)
            wanted = answer.get("UnprocessedKeys", {})
            pause = _make_pause(tries, self._jitter)
            if wanted and pause >= deadline():
                break
            if wanted:
                self._sleep(pause)
        raise StoreUnavailable


def _is_passing(error: ClientError) -> bool:
    """Whether what stopped a transaction passes by itself; False where a condition failed; else raises the error.

    Where no reason is told, nothing was written and nothing is wrong with the request: it may be tried again.
    """
    codes = _read_codes(error)
    if "ConditionalCheckFailed" in codes:
        return False
    if PASSING_REASONS.issuperset(codes):
        return True
    raise error


def _read_codes(error: ClientError) -> list[str]:
    """Of the actions that stood in the way."""
    codes = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
    return [code for code in codes if code != "None"]


def _read_items(error: ClientError) -> list[Item | None]:
    reasons = error.response.get("CancellationReasons", [])
    return [from_wire(reason["Item"]) if "Item" in reason else None for reason in reasons]


def _code_of(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
