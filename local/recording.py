"""What CloudWatch would have of a local runtime: metrics that functions write, and those that AWS measures by itself.

Write and read units follow DynamoDB's rules from the sizes of items: a KB written is a unit, two in a transaction; four
KB read consistently are one. The units of indexes, and of calls that fail, are not counted here.
"""

import io
import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["LogReader", "Metric", "Recording", "Sample", "UnitCounter", "watch_api"]

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Metric:
    """As CloudWatch knows it."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, **dimensions: str) -> "Metric":
        return cls(namespace, name, frozenset(dimensions.items()))


@dataclass(frozen=True, slots=True)
class Sample:
    """A value at so many seconds after the recording began."""

    metric: Metric
    at: float
    value: float


class Recording:
    """Samples, added by any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self.samples: list[Sample] = []

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self._clock() - self._started

    def add(self, metric: Metric, value: float) -> None:
        self.samples.append(Sample(metric, self.seconds, value))

    def add_invocation(self, function: str, milliseconds: float, failed: bool) -> None:
        """What Lambda measures of an invocation; nothing is throttled here."""
        for name, value in (("Invocations", 1), ("Duration", milliseconds), ("Errors", int(failed)), ("Throttles", 0)):
            self.add(Metric.of("AWS/Lambda", name, FunctionName=function), value)

    def add_log_line(self, line: str, log_group: str) -> None:
        """Its length, and the metrics in it where it is of CloudWatch's embedded format."""
        self.add(Metric.of("AWS/Logs", "IncomingBytes", LogGroupName=log_group), len(line.encode()))
        for metric, value in read_embedded(line):
            self.add(metric, value)


def read_embedded(line: str) -> list[tuple[Metric, float]]:
    """The metrics of a log line; none where it is another line.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if '"_aws"' not in line:
        return []
    document = json.loads(line)
    return [
        (
            Metric(
                directive["Namespace"],
                declared["Name"],
                frozenset((dimension, str(document[dimension])) for dimension in dimensions),
            ),
            value,
        )
        for directive in document["_aws"]["CloudWatchMetrics"]
        for declared in directive["Metrics"]
        for dimensions in directive["Dimensions"]
        for value in document[declared["Name"]]
    ]


class LogReader(io.TextIOBase):
    """Takes the place of standard output, where functions log; whole lines go to the recording."""

    def __init__(self, recording: Recording, log_group: str) -> None:
        self._recording = recording
        self._log_group = log_group
        self._written = ""
        self._writing = threading.Lock()

    def write(self, text: str) -> int:
        with self._writing:
            *lines, self._written = (self._written + text).split("\n")
            for line in lines:
                self._recording.add_log_line(line, self._log_group)
        return len(text)


def watch_api(application: WSGI, recording: Recording, api: str) -> WSGI:
    """The application, with what API Gateway counts."""

    def watched(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: Any, *rest: Any) -> Any:
            for name, counts in (("Count", True), ("4xx", status[0] == "4"), ("5xx", status[0] == "5")):
                recording.add(Metric.of("AWS/ApiGateway", name, ApiId=api), int(counts))
            return start_response(status, headers, *rest)

        return application(environ, start)

    return watched


class UnitCounter:
    """Listens to a client's calls, and counts the units that they take once the sizes of items are known."""

    def __init__(self, recording: Recording, keys: Mapping[str, tuple[str, ...]]) -> None:
        """`keys` are the names of the key attributes of each table."""
        self._recording = recording
        self._keys = keys
        self._asked = threading.local()
        self._written: list[tuple[float, str, tuple[str, ...], int]] = []

    def listen(self, client: Any) -> None:
        client.meta.events.register("provide-client-params.dynamodb", self._note)
        client.meta.events.register("after-call.dynamodb", self._count)

    def count_writes(self, database: "DynamoDBClient") -> None:
        """Adds the units of what was written, by the size that each item has now; of one that is gone, one KB."""
        sizes = {
            (table, self._key_of(table, item)): size_of(item)
            for table in self._keys
            for page in database.get_paginator("scan").paginate(TableName=table)
            for item in page["Items"]
        }
        for at, table, key, units_of_kb in self._written:
            units = units_of_kb * max(1, math.ceil(sizes.get((table, key), 1) / 1024))
            metric = Metric.of("AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName=table)
            self._recording.samples.append(Sample(metric, at, units))

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self._asked.params = params

    def _count(self, model: Any, parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        if http_response.status_code != 200:
            return
        params = self._asked.params
        if model.name == "TransactWriteItems":
            for [(_, action)] in (action.items() for action in params["TransactItems"]):
                self._note_write(action, units_of_kb=2)
        elif model.name in {"PutItem", "UpdateItem", "DeleteItem"}:
            self._note_write(params, units_of_kb=1)
        elif model.name == "BatchGetItem":
            for table, items in parsed["Responses"].items():
                consistent = params["RequestItems"][table].get("ConsistentRead", False)
                for item in items:
                    self._add_read(table, [item], consistent=consistent)
        else:
            items = parsed.get("Items", [parsed["Item"]] if "Item" in parsed else [])
            self._add_read(params["TableName"], items, consistent=params.get("ConsistentRead", False))

    def _note_write(self, action: Mapping[str, Any], units_of_kb: int) -> None:
        table = action["TableName"]
        key = self._key_of(table, action.get("Item") or action["Key"])
        self._written.append((self._recording.seconds, table, key, units_of_kb))

    def _add_read(self, table: str, items: list[Any], *, consistent: bool) -> None:
        units = max(1, math.ceil(sum(map(size_of, items)) / 4096)) * (1 if consistent else 0.5)
        self._recording.add(Metric.of("AWS/DynamoDB", "ConsumedReadCapacityUnits", TableName=table), units)

    def _key_of(self, table: str, item: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(next(iter(item[name].values()))) for name in self._keys[table])


def size_of(item: Mapping[str, Any]) -> int:
    """Bytes of an item: names and values, and a little for each list and map.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _size_of_value(value) for name, value in item.items())


def _size_of_value(wire: Mapping[str, Any]) -> int:
    [(kind, value)] = wire.items()
    if kind == "M":
        return 3 + len(value) + size_of(value)
    if kind == "L":
        return 3 + len(value) + sum(map(_size_of_value, value))
    if kind == "N":
        return math.ceil(len(value.lstrip("-").replace(".", "")) / 2) + 1
    return len(value.encode()) if kind == "S" else 1
