"""The persistence layer under Powertools' own decorator: its rules are Powertools', its writes the work's."""

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemNotFoundError,
    IdempotencyKeyError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from aws_lambda_powertools.warnings import PowertoolsUserWarning

from checkout.idempotency import run_once
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
        """On the condition that there is none, or one that has run out."""
        kept = self.kept.get(record.key_id)
        if kept and not kept.has_run_out(datetime.now(UTC)):
            raise KeyTaken(kept)
        self.kept[record.key_id] = record


def ask(
    work: Callable[[RequestKey[str]], str],
    *,
    key: str = "key",
    payload: str = "a",
    validated: str = "payload",
    layer: TransactionalPersistence | None = None,
) -> Any:
    """The answer, as Powertools gives it."""
    layer = layer or TransactionalPersistence()

    @idempotent_function(
        data_keyword_argument="request",
        persistence_store=layer,
        config=IdempotencyConfig(
            event_key_jmespath="[customer, key]", payload_validation_jmespath=validated, hash_function="sha256"
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
    assert ask(make(records, "one")) == {"made": "one"}
    assert ask(make(records, "two")) == {"made": "one"}
    assert ask(make(records, "two"), key="another") == {"made": "two"}
    assert records.kept.keys() == {hash_key("make", "alice", "key"), hash_key("make", "alice", "another")}


@pytest.mark.parametrize("validated", ["", "payload"])
def test_one_layer_answers_each_key_with_its_own(validated: str) -> None:
    """As one instance of Powertools' own layers does for every invocation."""
    records, layer = Records(), TransactionalPersistence()

    def call(key: str, thing: str) -> Any:
        return ask(make(records, thing), key=key, payload=key, validated=validated, layer=layer)

    assert call("a", "one") == {"made": "one"}
    assert call("a", "two") == {"made": "one"}
    assert call("b", "two") == {"made": "two"}
    assert call("b", "three") == {"made": "two"}
    assert call("a", "three") == {"made": "one"}


def test_one_layer_refuses_another_request_with_a_key_and_does_that_with_another_key() -> None:
    records, layer = Records(), TransactionalPersistence()
    ask(make(records, "one"), key="a", payload="x", layer=layer)
    with pytest.raises(IdempotencyValidationError):
        ask(make(records, "two"), key="a", payload="y", layer=layer)
    assert ask(make(records, "two"), key="b", payload="y", layer=layer) == {"made": "two"}


def test_what_was_found_once_is_looked_for_again() -> None:
    """It may have its answer by now."""
    records, layer = Records(), TransactionalPersistence()

    def start(key: RequestKey[str]) -> str:
        records.put(key.start("id", NOW))
        return "one"

    ask(start, layer=layer)
    with pytest.raises(IdempotencyAlreadyInProgressError):
        ask(start, layer=layer)
    [begun] = records.kept.values()
    records.kept[begun.key_id] = replace(begun, response='{"made": "one"}')
    assert ask(start, layer=layer) == {"made": "one"}


def test_what_is_found_is_no_answer_to_another_key() -> None:
    records, layer = Records(), TransactionalPersistence()
    layer.find(KeyRecord("make#of another", "", "id", int((NOW + timedelta(days=1)).timestamp()), '{"made": "none"}'))
    assert ask(make(records, "one"), validated="", layer=layer) == {"made": "one"}


@pytest.mark.parametrize("fault", [None, ZeroDivisionError, SystemExit])
def test_a_key_is_forgotten_when_its_work_ends(fault: type[BaseException] | None) -> None:
    """The next request may have none."""
    layer = TransactionalPersistence()

    @idempotent_function(
        data_keyword_argument="request",
        persistence_store=layer,
        config=IdempotencyConfig(event_key_jmespath="key"),
    )
    def run(*, request: Mapping[str, str]) -> None:
        if request and fault:
            raise fault
        if not request:
            with pytest.raises(LookupError):
                layer.key_id  # noqa: B018 - that it raises is the point

    with pytest.raises(fault) if fault else nullcontext():
        run(request={"key": "a"})
    with pytest.warns(UserWarning, match="No idempotency key"):
        run(request={})


def test_another_request_with_the_key_is_refused() -> None:
    records = Records()
    ask(make(records, "one"))
    with pytest.raises(IdempotencyValidationError):
        ask(make(records, "two"), payload="b")


def test_a_record_without_a_response_is_work_in_progress() -> None:
    records = Records()

    def start(key: RequestKey[str]) -> str:
        records.put(key.start("id", NOW))
        return "one"

    ask(start)
    with pytest.raises(IdempotencyAlreadyInProgressError):
        ask(start)


def test_work_that_fails_leaves_nothing() -> None:
    records = Records()

    def fail(_: RequestKey[str]) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(fail)
    assert records.kept == {}
    assert ask(make(records, "one")) == {"made": "one"}


def test_a_record_that_has_run_out_is_none() -> None:
    """Whoever hands it over may have looked at it a moment ago."""
    records, layer = Records(), TransactionalPersistence()
    run_out = int((NOW - timedelta(seconds=2)).timestamp())
    layer.find(KeyRecord(hash_key("make", "alice", "key"), "other payload", "id", run_out, "{}"))
    assert ask(make(records, "again"), layer=layer) == {"made": "again"}


def test_nothing_is_known_of_a_key_before_the_work_begins() -> None:
    with pytest.raises(LookupError):
        TransactionalPersistence().key_id  # noqa: B018 - that it raises is the point


@pytest.mark.parametrize(
    ("record", "item"),
    [
        (
            KeyRecord("make#1", "payload", "id", 1),
            {"id": "make#1", "validation": "payload", "made_id": "id", "expiration": 1, "status": "INPROGRESS"},
        ),
        (
            KeyRecord("make#1", "", "", 1, "{}"),
            {"id": "make#1", "expiration": 1, "status": "COMPLETED", "data": "{}"},
        ),
        (
            KeyRecord("make#1", "", "", 1, None, 2),
            {"id": "make#1", "expiration": 1, "status": "INPROGRESS", "in_progress_expiration": 2},
        ),
    ],
)
def test_a_record_is_read_as_it_was_written(record: KeyRecord, item: Mapping[str, Any]) -> None:
    assert record.to_item() == item
    assert KeyRecord.from_item(item) == record


@pytest.mark.parametrize(
    ("response", "given_up", "seconds", "has_run_out"),
    [
        (None, None, 60, False),
        (None, None, 61, True),
        (None, 20_000, 20, False),
        (None, 20_000, 20.001, True),
        (None, 90_000, 61, True),
        ("{}", 20_000, 60, False),
        ("{}", 20_000, 61, True),
    ],
)
def test_work_in_progress_runs_out_with_its_function(
    response: str | None, given_up: int | None, seconds: float, has_run_out: bool
) -> None:
    record = KeyRecord("make#1", "", "", 60, response, given_up)
    assert record.has_run_out(datetime.fromtimestamp(seconds, UTC)) is has_run_out


@pytest.mark.proves("FR-119")
def test_a_record_is_kept_for_a_day_to_the_second() -> None:
    at = NOW.replace(microsecond=0)
    key: RequestKey[str] = RequestKey("make#1", "payload", str)
    record = key.complete("id", "made", at)
    assert not record.has_run_out(at + timedelta(hours=24))
    assert record.has_run_out(at + timedelta(hours=24, seconds=1))


@pytest.mark.proves("FR-212")
def test_a_key_is_a_refund_s_as_long_as_no_request_of_now_may_outlive_its_record() -> None:
    at = NOW.replace(microsecond=0)
    key: RequestKey[str] = RequestKey("make#1", "payload", str)
    record = key.start("ref_1", at)
    last = at + timedelta(hours=24) - timedelta(minutes=1)
    assert record.holds("ref_1", at)
    assert record.holds("ref_1", last)
    assert not record.holds("ref_1", last + timedelta(seconds=1))
    assert not record.holds("ref_2", at)


class Context:
    """A function that has twenty seconds left."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 20_000


class Stall:
    """Another project's use of the layer: an instance for all requests, and records as Powertools is configured."""

    def __init__(self, **config: Any) -> None:
        self.layer = TransactionalPersistence()
        self.records = Records()
        self.asked = 0
        self.dies = False

        @idempotent_function(
            data_keyword_argument="request",
            persistence_store=self.layer,
            config=IdempotencyConfig(event_key_jmespath="key", lambda_context=Context(), **config),
            key_prefix="sell",
        )
        def sell(*, request: Mapping[str, str]) -> Any:
            self.asked += 1
            sold = {"sold": self.asked}
            if self.dies:
                self._put(self.layer.make_record())
                raise SystemExit
            self._put(self.layer.make_record(json.dumps(sold), made_id=request.get("made_id", "")))
            return sold

        self._sell = sell

    def _put(self, record: KeyRecord | None) -> None:
        if record:
            self.records.put(record)

    def ask(self, **request: str) -> Any:
        try:
            return self._sell(request=request)
        except KeyTaken as taken:
            self.layer.find(taken.record)
            return self._sell(request=request)


def test_a_request_without_a_key_is_worked_on_and_nothing_is_kept() -> None:
    stall = Stall()
    with pytest.warns(UserWarning, match="No idempotency key value found"):
        assert [stall.ask(), stall.ask()] == [{"sold": 1}, {"sold": 2}]
    assert stall.records.kept == {}


def test_a_request_without_a_key_is_refused_where_it_must_have_one() -> None:
    stall = Stall(raise_on_no_idempotency_key=True)
    with pytest.raises(IdempotencyKeyError):
        stall.ask()
    assert stall.asked == 0


def test_where_idempotency_is_disabled_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    stall = Stall()
    stall.ask(key="a")
    monkeypatch.setenv("POWERTOOLS_IDEMPOTENCY_DISABLED", "true")
    with pytest.warns(PowertoolsUserWarning):
        assert [stall.ask(key="a"), stall.ask(key="b")] == [{"sold": 2}, {"sold": 3}]
    assert len(stall.records.kept) == 1


def test_where_idempotency_is_disabled_after_work_that_failed_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = TransactionalPersistence()

    @idempotent_function(data_keyword_argument="request", persistence_store=layer)
    def run(*, request: str) -> None:
        if request == "bad":
            raise ZeroDivisionError
        assert layer.make_record() is None

    with pytest.raises(ZeroDivisionError):
        run(request="bad")
    monkeypatch.setenv("POWERTOOLS_IDEMPOTENCY_DISABLED", "true")
    with pytest.warns(PowertoolsUserWarning):
        run(request="good")


def test_a_record_is_kept_for_as_long_as_is_configured() -> None:
    stall = Stall(expires_after_seconds=60, payload_validation_jmespath="what")
    with time_machine.travel(0, tick=False) as clock:
        stall.ask(key="a", what="tea", made_id="sale_1")
        [record] = stall.records.kept.values()
        assert (record.made_id, record.expiration, record.in_progress_expiration) == ("sale_1", 60, None)
        assert record.payload_hash
        clock.shift(60)
        assert stall.ask(key="a", what="tea") == {"sold": 1}
        clock.shift(1)
        assert stall.ask(key="a", what="coffee") == {"sold": 3}


def test_work_that_died_is_in_progress_for_the_time_that_its_function_had() -> None:
    stall = Stall()
    with time_machine.travel(0, tick=False) as clock:
        stall.dies = True
        with pytest.raises(SystemExit):
            stall.ask(key="a")
        stall.dies = False
        [record] = stall.records.kept.values()
        assert (record.made_id, record.response, record.in_progress_expiration) == ("", None, 20_000)
        clock.shift(20)
        with pytest.raises(IdempotencyAlreadyInProgressError):
            stall.ask(key="a")
        clock.shift(0.001)
        assert stall.ask(key="a") == {"sold": 3}


def test_what_is_in_the_local_cache_is_answered_without_the_work() -> None:
    stall = Stall(use_local_cache=True, payload_validation_jmespath="what", expires_after_seconds=60)
    with time_machine.travel(0, tick=False) as clock:
        assert stall.ask(key="a", what="tea") == {"sold": 1}
        assert stall.ask(key="a", what="tea") == {"sold": 1}
        assert stall.ask(key="b", what="tea") == {"sold": 2}
        with pytest.raises(IdempotencyValidationError):
            stall.ask(key="a", what="coffee")
        assert stall.asked == 2
        clock.shift(61)
        assert stall.ask(key="a", what="coffee") == {"sold": 3}


def test_what_was_found_is_in_the_local_cache() -> None:
    stall, other = Stall(use_local_cache=True), Stall()
    other.records = stall.records
    assert other.ask(key="a") == {"sold": 1}
    assert [stall.ask(key="a") for _ in range(3)] == [{"sold": 1}] * 3
    assert stall.asked == 1


def test_key_and_request_are_hashed_once() -> None:
    """Powertools hashes both again for the record that it would write after the work."""
    hashed: list[Any] = []

    class Counting(TransactionalPersistence):
        def _generate_hash(self, data: Any) -> str:
            hashed.append(data)
            return super()._generate_hash(data)

    assert ask(make(Records(), "one"), layer=Counting()) == {"made": "one"}
    assert hashed == [["alice", "key"], "a"]


@pytest.mark.parametrize("fault", [None, ConnectionError])
def test_a_result_is_the_work_s_own_also_where_it_could_not_be_kept(fault: type[Exception] | None) -> None:
    layer = TransactionalPersistence()
    with patch.object(layer, "save_success", side_effect=fault):
        result = run_once(
            lambda: {"made": "one"},
            operation="make",
            customer_id="alice",
            key="key",
            payload={},
            persistence=layer,
            lambda_context=Context(),
        )
    assert result == ({"made": "one"}, False)


def test_nothing_is_read_before_the_work() -> None:
    with pytest.raises(IdempotencyItemNotFoundError):
        TransactionalPersistence().get_record({"key": "a"})


def test_the_response_hook_has_the_answer_and_its_record() -> None:
    given: list[DataRecord] = []

    def hook(response: Any, record: DataRecord) -> Any:
        given.append(record)
        return {**response, "again": True}

    stall = Stall(response_hook=hook, payload_validation_jmespath="what")
    assert stall.ask(key="a") == {"sold": 1}
    [kept] = stall.records.kept.values()
    # As the stock layer leaves it there.
    stall.records.kept[kept.key_id] = replace(kept, in_progress_expiration=1)
    assert stall.ask(key="a") == {"sold": 1, "again": True}
    [record] = given
    assert (record.idempotency_key, record.status, record.payload_hash) == (
        kept.key_id,
        "COMPLETED",
        kept.payload_hash,
    )
    assert (record.expiry_timestamp, record.in_progress_expiry_timestamp) == (kept.expiration, 1)
    assert record.response_data == kept.response
