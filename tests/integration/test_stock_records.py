"""Powertools' own layer for DynamoDB and ours, on one table: each knows the other's records."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from aws_lambda_powertools.utilities.idempotency import (
    BasePersistenceLayer,
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)

from checkout.dynamodb import from_wire, to_wire
from checkout.key_records import KeyRecord
from checkout.transactional_idempotency import TransactionalPersistence
from tests.integration.conftest import Checkout, Context

pytestmark = pytest.mark.proves("FR-010", "FR-011", "FR-013")

TABLE = "IdempotencyTable"
CONTEXT = Context(seconds=20, read_seconds=lambda: 0.0)
DONE = {"made": "one"}


def run(layer: BasePersistenceLayer, work: Callable[[], Any], *, payload: str = "a", validated: str = "") -> Any:
    config = IdempotencyConfig(event_key_jmespath="key", payload_validation_jmespath=validated, lambda_context=CONTEXT)

    @idempotent_function(data_keyword_argument="request", persistence_store=layer, config=config, key_prefix="make")
    def make(*, request: dict[str, str]) -> Any:
        return work()

    return make(request={"key": "a", "payload": payload})


def stock(checkout: Checkout) -> DynamoDBPersistenceLayer:
    return DynamoDBPersistenceLayer(TABLE, boto3_client=checkout.database)


def find(checkout: Checkout) -> TransactionalPersistence:
    """Our layer, once the work has come upon the record in the table."""
    [item] = checkout.database.scan(TableName=TABLE)["Items"]
    layer = TransactionalPersistence()
    layer.find(KeyRecord.from_item(from_wire(item)))
    return layer


def put_record(checkout: Checkout, layer: TransactionalPersistence, answer: Any) -> Any:
    record = layer.make_record(json.dumps(answer) if answer else None)
    assert record
    now = time.time()
    checkout.database.put_item(
        TableName=TABLE,
        Item=to_wire(record.to_item()),
        ConditionExpression="attribute_not_exists(id) OR expiration < :now"
        " OR (#status = :inprogress AND in_progress_expiration < :now_in_millis)",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues=to_wire(
            {":now": int(now), ":now_in_millis": int(now * 1000), ":inprogress": "INPROGRESS"}
        ),
    )
    return answer


def work_again() -> Any:
    return "again"


def die() -> Any:
    raise SystemExit


@pytest.mark.parametrize("validated", ["", "payload"])
def test_what_the_stock_layer_keeps_is_answered_again(checkout: Checkout, validated: str) -> None:
    assert run(stock(checkout), lambda: DONE, validated=validated) == DONE
    assert run(find(checkout), work_again, validated=validated) == DONE


def test_another_request_with_the_key_of_a_stock_record_is_refused(checkout: Checkout) -> None:
    run(stock(checkout), lambda: DONE, validated="payload")
    with pytest.raises(IdempotencyValidationError):
        run(find(checkout), work_again, payload="b", validated="payload")


def test_work_that_the_stock_layer_has_begun_is_in_progress_for_the_time_of_its_function(checkout: Checkout) -> None:
    with time_machine.travel(0, tick=False) as clock:
        with pytest.raises(SystemExit):
            run(stock(checkout), die, validated="payload")
        clock.shift(timedelta(seconds=20))
        with pytest.raises(IdempotencyAlreadyInProgressError):
            run(find(checkout), work_again, validated="payload")
        clock.shift(timedelta(milliseconds=1))
        layer = find(checkout)
        assert run(layer, lambda: put_record(checkout, layer, DONE), payload="b", validated="payload") == DONE
        assert run(find(checkout), work_again, payload="b", validated="payload") == DONE


@pytest.mark.parametrize("validated", ["", "payload"])
@pytest.mark.parametrize("answer", [DONE, None])
def test_the_stock_layer_knows_our_records(checkout: Checkout, answer: Any, validated: str) -> None:
    layer = TransactionalPersistence()
    with time_machine.travel(0, tick=False) as clock:
        run(layer, lambda: put_record(checkout, layer, answer), validated=validated)
        clock.shift(timedelta(seconds=20))
        if answer:
            assert run(stock(checkout), work_again, validated=validated) == answer
        else:
            with pytest.raises(IdempotencyAlreadyInProgressError):
                run(stock(checkout), work_again, validated=validated)
            clock.shift(timedelta(milliseconds=1))
            assert run(stock(checkout), work_again, validated=validated) == "again"
