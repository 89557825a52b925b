"""The floor with Powertools' own idempotency: its layer for DynamoDB writes before the work and after it."""

import json
import uuid
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from floor_transaction import IDEMPOTENCY_TABLE, client, make_actions

persistence = DynamoDBPersistenceLayer(table_name=IDEMPOTENCY_TABLE, boto3_client=client)
config = IdempotencyConfig(event_key_jmespath="key", payload_validation_jmespath="body")


@idempotent_function(data_keyword_argument="request", persistence_store=persistence, config=config)  # type: ignore[untyped-decorator]
def make_order(*, request: dict[str, Any]) -> dict[str, Any]:
    order_id = uuid.uuid4().hex
    client.transact_write_items(TransactItems=make_actions(order_id))
    return {"id": order_id, **request["body"]}


def create_order(event: dict[str, Any], context: Any) -> dict[str, Any]:
    config.register_lambda_context(context)
    order = make_order(request={"key": event["headers"]["idempotency-key"], "body": json.loads(event["body"])})
    return {"statusCode": 201, "headers": {}, "body": json.dumps(order)}
