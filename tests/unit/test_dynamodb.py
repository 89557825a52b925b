"""What a transaction makes of its cancellation reasons (FR-037)."""

import json
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from checkout.dynamodb import (
    LONGEST_PAUSE,
    MAX_TRIES,
    ConditionFailed,
    Transaction,
    change_item,
    from_wire,
    reading_faults,
    to_wire,
)
from checkout.errors import StoreUnavailable
from checkout.transitions import OrderStatus

pytestmark = pytest.mark.proves("FR-037")

CLIENT = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


class FakeClient:
    """Cancels a transaction for the reasons given, one list a call, then lets it pass."""

    exceptions = CLIENT.exceptions

    def __init__(self, *cancellations: list[str]) -> None:
        self.cancellations = list(cancellations)
        self.calls = 0

    def transact_write_items(self, **_: Any) -> None:
        self.calls += 1
        if self.cancellations:
            reasons = [{"Code": code} for code in self.cancellations.pop(0)]
            raise CLIENT.exceptions.TransactionCanceledException(
                {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons},  # type: ignore[typeddict-item]
                "TransactWriteItems",
            )


def write(client: FakeClient, *, seconds_left: float = 10) -> list[float]:
    """The pauses that were made."""
    pauses: list[float] = []
    transaction = Transaction(client, jitter=lambda: 1.0, sleep=pauses.append)  # type: ignore[arg-type]
    transaction([], lambda: seconds_left - sum(pauses))
    return pauses


def test_a_conflict_or_a_throttle_is_tried_again_with_growing_pauses() -> None:
    client = FakeClient(["None", "TransactionConflict"], ["ThrottlingError", "None"], ["ProvisionedThroughputExceeded"])
    assert write(client) == [0.05, 0.1, 0.2]
    assert client.calls == 4


@pytest.mark.parametrize(
    "reasons",
    [
        ["ConditionalCheckFailed"],
        ["None", "ConditionalCheckFailed", "None"],
        ["ConditionalCheckFailed", "TransactionConflict"],
        ["ThrottlingError", "ConditionalCheckFailed"],
    ],
)
def test_a_failed_condition_is_an_answer(reasons: list[str]) -> None:
    client = FakeClient(reasons)
    with pytest.raises(ConditionFailed):
        write(client)
    assert client.calls == 1


@pytest.mark.parametrize("reasons", [["ValidationError"], ["None", "ItemCollectionSizeLimitExceeded"]])
def test_other_reasons_are_faults(reasons: list[str]) -> None:
    with pytest.raises(CLIENT.exceptions.TransactionCanceledException):
        write(FakeClient(reasons))


@pytest.mark.parametrize("reasons", [["None", "None"], []])
def test_what_was_cancelled_for_no_reason_is_tried_again(reasons: list[str]) -> None:
    client = FakeClient(reasons)
    assert write(client) == [0.05]
    assert client.calls == 2


def test_conflicts_without_end_are_given_up() -> None:
    client = FakeClient(*[["TransactionConflict"]] * 100)
    with pytest.raises(StoreUnavailable):
        write(client)
    assert client.calls == MAX_TRIES


def test_no_pause_is_longer_than_the_time_left() -> None:
    client = FakeClient(*[["TransactionConflict"]] * 100)
    with pytest.raises(StoreUnavailable):
        write(client, seconds_left=0.1)
    assert client.calls == 2


def test_pauses_are_bounded() -> None:
    assert max(write(FakeClient(*[["TransactionConflict"]] * (MAX_TRIES - 1)))) == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("fault", "passing"),
    [
        (EndpointConnectionError(endpoint_url="x"), True),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem"), True),
        (ClientError({"Error": {"Code": "TransactionConflictException"}}, "GetItem"), True),
        (ClientError({"Error": {"Code": "502"}, "ResponseMetadata": {"HTTPStatusCode": 502}}, "GetItem"), True),  # type: ignore[typeddict-item]
        (ClientError({"Error": {"Code": "InternalFailure"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "Get"), True),  # type: ignore[typeddict-item]
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetItem"), False),
        (ClientError({"Error": {"Code": "ValidationException"}}, "GetItem"), False),
    ],
)
def test_only_faults_that_pass_are_unavailability(fault: Exception, passing: bool) -> None:
    with pytest.raises(StoreUnavailable if passing else type(fault)), reading_faults():
        raise fault


@pytest.mark.proves("FR-008")
def test_numbers_stay_whole_on_their_way_to_the_table_and_back() -> None:
    item = {"amount": 2**53 - 1, "items": [{"quantity": 3}], "name": "é", "none": None, "yes": True}
    assert from_wire(to_wire(item)) == item
    assert isinstance(from_wire(to_wire(item))["amount"], int)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.proves("FR-715")
@given(st.dictionaries(st.text(), DOCUMENTS))
def test_values_are_written_as_boto3_writes_them(item: dict[str, Any]) -> None:
    theirs = TypeSerializer()
    assert to_wire(item) == {name: theirs.serialize(value) for name, value in item.items()}
    assert from_wire(to_wire(item)) == item


@pytest.mark.proves("FR-715")
def test_states_and_read_only_maps_are_written_as_what_they_hold() -> None:
    item = {"status": OrderStatus.PAID, "facts": MappingProxyType({"lines": ({"quantity": 1},)})}
    wire = to_wire(item)
    assert wire == {"status": {"S": "paid"}, "facts": {"M": {"lines": {"L": [{"M": {"quantity": {"N": "1"}}}]}}}}
    assert json.dumps(wire["status"]) == '{"S": "paid"}'


@pytest.mark.proves("FR-008")
@pytest.mark.parametrize("value", [0.1, Decimal("0.1"), {"inner": [1.0]}, {1, 2}, {"x", 1}, b"x"])
def test_what_is_no_value_here_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        to_wire({"amount": value})


@pytest.mark.proves("FR-008")
def test_a_number_that_is_not_whole_is_not_read() -> None:
    with pytest.raises(ValueError, match=r"0\.5"):
        from_wire({"amount": {"N": "0.5"}})


@pytest.mark.proves("FR-715")
def test_what_others_keep_in_an_item_stands_in_nobody_s_way() -> None:
    item = {"name": {"S": "mug"}, "tags": {"SS": ["new", "blue"]}, "picture": {"B": b"x"}}
    assert from_wire(item) == {"name": "mug", "tags": {"new", "blue"}, "picture": b"x"}


@pytest.mark.proves("FR-227")
@pytest.mark.parametrize("kind", [set, frozenset])
def test_a_set_of_text_is_written_as_boto3_writes_it_in_order(kind: type[set[str]]) -> None:
    item = {"payments": kind(["pay_2", "pay_1", "pay_3"])}
    assert to_wire(item) == {"payments": {"SS": ["pay_1", "pay_2", "pay_3"]}}
    assert TypeSerializer().serialize(item["payments"]).keys() == {"SS"}
    assert from_wire(to_wire(item)) == item


@pytest.mark.proves("FR-227")
def test_an_empty_set_is_not_written() -> None:
    with pytest.raises(ValueError, match="empty"):
        to_wire({"payments": set()})


def test_a_change_writes_what_differs_under_all_conditions() -> None:
    change = change_item(
        "Table",
        {"id": "1"},
        {"id": "1", "status": "created", "same": 1, "gone": "x"},
        {"id": "1", "status": "paid", "same": 1},
        conditions=["#status = :created", "version = :seen"],
        values={":created": "created", ":seen": 3},
    )["Update"]
    assert change["UpdateExpression"] == "SET #status = :new_status REMOVE #gone"
    assert change["ConditionExpression"] == "#status = :created AND version = :seen"
    assert change["ExpressionAttributeNames"] == {"#status": "status", "#gone": "gone"}
    assert change["ExpressionAttributeValues"] == {
        ":new_status": {"S": "paid"},
        ":created": {"S": "created"},
        ":seen": {"N": "3"},
    }
