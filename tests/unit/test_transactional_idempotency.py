"""The persistence layer under Powertools' own decorator: its rules are Powertools', its writes the work's."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)

from checkout.key_records import KeyRecord, KeyTaken, RequestKey
from checkout.transactional_idempotency import TransactionalPersistence
from tests.keys import hash_key

pytestmark = pytest.mark.proves("FR-010", "FR-011", "FR-013")

NOW = datetime.now(UTC)


class Records:
    """What a transaction wrote, by key."""

    def __init__(self) -> None:
        self.kept: dict[str, KeyRecord] = {}

    def put(self, record: KeyRecord) -> None:
        """On the condition that there is none."""
        if record.key_id in self.kept:
            raise KeyTaken(self.kept[record.key_id])
        self.kept[record.key_id] = record


def ask(records: Records, work: Callable[[RequestKey[str]], str], *, key: str = "key", payload: str = "a") -> Any:
    """The answer, as Powertools gives it."""
    layer = TransactionalPersistence()

    @idempotent_function(
        data_keyword_argument="request",
        persistence_store=layer,
        config=IdempotencyConfig(
            event_key_jmespath="[customer, key]", payload_validation_jmespath="payload", hash_function="sha256"
        ),
        key_prefix="make",
    )
    def run(*, request: Mapping[str, str]) -> Any:
        return {"made": work(RequestKey(layer.key_id, layer.payload_hash, lambda made: f'{{"made": "{made}"}}'))}

    request = {"customer": "alice", "key": key, "payload": payload}
    try:
        return run(request=request)
    except KeyTaken as taken:
        layer.find(taken.record)
        return run(request=request)


def make(records: Records, thing: str, at: datetime = NOW) -> Callable[[RequestKey[str]], str]:
    def work(key: RequestKey[str]) -> str:
        records.put(key.complete("id", thing, at))
        return thing

    return work


def test_work_is_done_once_for_a_key() -> None:
    records = Records()
    assert ask(records, make(records, "one")) == {"made": "one"}
    assert ask(records, make(records, "two")) == {"made": "one"}
    assert ask(records, make(records, "two"), key="another") == {"made": "two"}
    assert records.kept.keys() == {hash_key("make", "alice", "key"), hash_key("make", "alice", "another")}


def test_another_request_with_the_key_is_refused() -> None:
    records = Records()
    ask(records, make(records, "one"))
    with pytest.raises(IdempotencyValidationError):
        ask(records, make(records, "two"), payload="b")


def test_a_record_without_a_response_is_work_in_progress() -> None:
    records = Records()

    def start(key: RequestKey[str]) -> str:
        records.put(key.start("id", NOW))
        return "one"

    ask(records, start)
    with pytest.raises(IdempotencyAlreadyInProgressError):
        ask(records, start)


def test_work_that_fails_leaves_nothing() -> None:
    records = Records()

    def fail(_: RequestKey[str]) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(records, fail)
    assert records.kept == {}
    assert ask(records, make(records, "one")) == {"made": "one"}


def test_a_record_that_has_run_out_is_none() -> None:
    """Whoever hands it over may have looked at it a moment ago."""
    layer = TransactionalPersistence()
    layer.find(KeyRecord("key", "other payload", "id", int((NOW - timedelta(seconds=2)).timestamp()), "{}"))

    @idempotent_function(
        data_keyword_argument="request", persistence_store=layer, config=IdempotencyConfig(), key_prefix="make"
    )
    def run(*, request: str) -> str:
        return request

    assert run(request="again") == "again"


def test_nothing_is_known_of_a_key_before_the_work_begins() -> None:
    with pytest.raises(LookupError):
        TransactionalPersistence().key_id  # noqa: B018 - that it raises is the point


@pytest.mark.parametrize("response", [None, "{}"])
def test_a_record_is_read_as_it_was_written(response: str | None) -> None:
    record = KeyRecord("make#1", "payload", "id", 1, response)
    item = record.to_item()
    assert KeyRecord.from_item(item) == record
    assert item["status"] == ("INPROGRESS" if response is None else "COMPLETED")


@pytest.mark.proves("FR-119")
def test_a_record_is_kept_for_a_day_to_the_second() -> None:
    at = NOW.replace(microsecond=0)
    key: RequestKey[str] = RequestKey("make#1", "payload", str)
    record = key.complete("id", "made", at)
    assert not record.has_run_out(at + timedelta(hours=24))
    assert record.has_run_out(at + timedelta(hours=24, seconds=1))
