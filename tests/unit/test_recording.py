"""What is recorded of a local runtime, as CloudWatch would have it."""

from types import SimpleNamespace

import pytest

from checkout.dynamodb import to_wire
from local.recording import LogReader, Metric, Recording, UnitCounter, size_of, watch_api

pytestmark = pytest.mark.proves("FR-606")

EMBEDDED = (
    '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "Checkout", "Dimensions": [["outcome", "service"]],'
    ' "Metrics": [{"Name": "Payments", "Unit": "Count"}]}]}, "outcome": "declined", "service": "checkout",'
    ' "Payments": [1.0]}'
)


def values(recording: Recording) -> list[tuple[Metric, float]]:
    return [(sample.metric, sample.value) for sample in recording.samples]


def test_metrics_in_log_lines_are_read_and_bytes_counted() -> None:
    recording = Recording()
    log = LogReader(recording, "Group")
    log.write(EMBEDDED[:50])
    log.write(EMBEDDED[50:] + '\n{"message": "answered"}\n')
    logged = Metric.of("AWS/Logs", "IncomingBytes", LogGroupName="Group")
    assert values(recording) == [
        (logged, len(EMBEDDED)),
        (Metric.of("Checkout", "Payments", outcome="declined", service="checkout"), 1.0),
        (logged, 23),
    ]


def test_an_invocation_is_measured_as_lambda_does() -> None:
    recording = Recording()
    recording.add_invocation("PayFunction", 12.5, True)
    measured = {metric.name: value for metric, value in values(recording)}
    assert measured == {"Invocations": 1, "Duration": 12.5, "Errors": 1, "Throttles": 0}
    assert {metric.dimensions for metric, _ in values(recording)} == {frozenset({("FunctionName", "PayFunction")})}


@pytest.mark.parametrize(
    ("status", "counted"), [("200 OK", [1, 0, 0]), ("409 Conflict", [1, 1, 0]), ("503 X", [1, 0, 1])]
)
def test_requests_are_counted_by_what_was_answered(status: str, counted: list[int]) -> None:
    recording = Recording()

    def application(environ: object, start_response: object) -> list[bytes]:
        start_response(status, [])  # type: ignore[operator]
        return []

    watch_api(application, recording, "Api")({}, lambda *_: None)
    assert [(metric.name, value) for metric, value in values(recording)] == list(
        zip(["Count", "4xx", "5xx"], counted, strict=True)
    )


class FakeClient:
    """A client whose calls are made by hand."""

    def __init__(self) -> None:
        self.listeners: dict[str, object] = {}
        self.meta = SimpleNamespace(events=SimpleNamespace(register=self.listeners.__setitem__))

    def call(self, operation: str, params: dict[str, object], answer: dict[str, object], status: int = 200) -> None:
        self.listeners["provide-client-params.dynamodb"](params=params, model=None)  # type: ignore[operator]
        self.listeners["after-call.dynamodb"](  # type: ignore[operator]
            model=SimpleNamespace(name=operation), parsed=answer, http_response=SimpleNamespace(status_code=status)
        )

    def get_paginator(self, _: str) -> SimpleNamespace:
        def paginate(TableName: str) -> list[dict[str, object]]:  # noqa: N803  as in boto3
            return [{"Items": [LONG] if TableName == "T" else []}]

        return SimpleNamespace(paginate=paginate)


LONG = to_wire({"id": "1", "text": "x" * 1500})


def units_of(operation: str, params: dict[str, object], answer: dict[str, object], status: int = 200) -> list[float]:
    recording = Recording()
    counter, client = UnitCounter(recording, {"T": ("id",), "U": ("id",)}), FakeClient()
    counter.listen(client)
    client.call(operation, params, answer, status)
    counter.count_writes(client)  # type: ignore[arg-type]
    return [value for _, value in values(recording)]


KEY = to_wire({"id": "1"})


def test_writes_count_by_the_kilobyte_and_twice_in_a_transaction() -> None:
    assert units_of("PutItem", {"TableName": "T", "Item": LONG}, {}) == [2]
    assert units_of("UpdateItem", {"TableName": "U", "Key": KEY}, {}) == [1]
    actions = [{"Update": {"TableName": "T", "Key": KEY}}, {"Put": {"TableName": "U", "Item": KEY}}]
    assert units_of("TransactWriteItems", {"TransactItems": actions}, {}) == [4, 2]
    assert units_of("PutItem", {"TableName": "T", "Item": LONG}, {}, status=400) == []


def test_reads_count_by_four_kilobytes_and_half_where_they_may_be_stale() -> None:
    assert units_of("GetItem", {"TableName": "T", "ConsistentRead": True}, {"Item": LONG}) == [1]
    assert units_of("GetItem", {"TableName": "T"}, {}) == [0.5]
    assert units_of("Query", {"TableName": "T", "ConsistentRead": True}, {"Items": [LONG] * 3}) == [2]
    asked = {"RequestItems": {"T": {"ConsistentRead": True}, "U": {"ConsistentRead": False}}}
    assert units_of("BatchGetItem", asked, {"Responses": {"T": [LONG, LONG], "U": [KEY]}}) == [1, 1, 0.5]


def test_the_size_of_an_item_is_that_of_names_and_values() -> None:
    assert size_of(to_wire({"id": "äb", "n": 1234})) == 2 + 3 + 1 + 3
    assert size_of(to_wire({"l": ["ab", True], "m": {"k": None}})) == 1 + 3 + 2 + 2 + 1 + 1 + 3 + 1 + 1 + 1
