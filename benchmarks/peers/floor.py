"""The floor: a bare botocore handler that writes in one transaction the same two items as create_order, and no more.

No validation, no idempotency, no prices, no log. ITEMS names a file with the transaction as create_order made it once.
Its client is as botocore makes one, or with the settings of CLIENT, as JSON.
"""

import json
import os
import uuid
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

client = botocore.session.get_session().create_client(
    "dynamodb",
    endpoint_url=os.environ.get("DYNAMODB_ENDPOINT") or None,
    config=Config(**json.loads(os.environ.get("CLIENT", "{}"))),
)
template = Path(os.environ["ITEMS"]).read_text(encoding="utf-8")


def create_order(event: dict[str, Any], _context: object) -> dict[str, Any]:
    body = json.loads(event["body"])
    order_id = uuid.uuid4().hex
    client.transact_write_items(TransactItems=json.loads(template.replace("ORDER_ID", order_id)))
    return {"statusCode": 201, "headers": {}, "body": json.dumps({"id": order_id, **body})}
