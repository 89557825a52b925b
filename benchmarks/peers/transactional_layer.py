"""The floor with `checkout.transactional_idempotency`: the record is one of the items that the work writes."""

import json
import time
import uuid
from typing import Any

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from floor_transaction import IDEMPOTENCY_TABLE, client, make_actions

from checkout.dynamodb import from_wire, to_wire
from checkout.garbage import search_as_usual
from checkout.key_records import KeyRecord, KeyTaken
from checkout.transactional_idempotency import TransactionalPersistence

search_as_usual()

persistence = TransactionalPersistence()
config = IdempotencyConfig(
    event_key_jmespath="key", payload_validation_jmespath="body", expires_after_seconds=24 * 60 * 60
)


@idempotent_function(data_keyword_argument="request", persistence_store=persistence, config=config)  # type: ignore[untyped-decorator]
def make_order(*, request: dict[str, Any]) -> dict[str, Any]:
    order_id = uuid.uuid4().hex
    order = {"id": order_id, **request["body"]}
    actions = make_actions(order_id)
    record = persistence.make_record(json.dumps(order))
    if record:
        actions.append(put_record(record))
    try:
        client.transact_write_items(TransactItems=actions)
    except client.exceptions.TransactionCanceledException as cancelled:
        reason = cancelled.response["CancellationReasons"][-1]
        if "Item" not in reason:
            raise
        raise KeyTaken(KeyRecord.from_item(from_wire(reason["Item"]))) from cancelled
    return order


def put_record(record: KeyRecord) -> dict[str, Any]:
    put = {
        "TableName": IDEMPOTENCY_TABLE,
        "Item": to_wire(record.to_item()),
        "ConditionExpression": "attribute_not_exists(id) OR expiration < :now",
        "ExpressionAttributeValues": to_wire({":now": int(time.time())}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return {"Put": put}


def create_order(event: dict[str, Any], context: Any) -> dict[str, Any]:
    config.register_lambda_context(context)
    request = {"key": event["headers"]["idempotency-key"], "body": json.loads(event["body"])}
    try:
        order = make_order(request=request)
    except KeyTaken as taken:
        persistence.find(taken.record)
        order = make_order(request=request)
    return {"statusCode": 201, "headers": {}, "body": json.dumps(order)}
