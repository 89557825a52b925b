"""The floor's transaction, by boto3's client, for the peers that do it once for each idempotency key."""

import json
import os
from pathlib import Path
from typing import Any

import boto3

__all__ = ["IDEMPOTENCY_TABLE", "client", "make_actions"]

IDEMPOTENCY_TABLE = os.environ["IDEMPOTENCY_TABLE"]

client = boto3.Session().client("dynamodb", endpoint_url=os.environ.get("DYNAMODB_ENDPOINT") or None)
template = Path(os.environ["ITEMS"]).read_text(encoding="utf-8")


def make_actions(order_id: str) -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = json.loads(template.replace("ORDER_ID", order_id))
    return actions
