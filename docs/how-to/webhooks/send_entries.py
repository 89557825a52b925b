"""Sends the entries of the audit trail to a receiver: a Lambda function behind the stream of the audit table.

Each entry is a message of its own, signed as Standard Webhooks has it. Where the receiver does not take one, Lambda is
told which, and comes again with it and those after it: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.request
from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

SECONDS_TO_ANSWER = 5
KEPT_TO_OURSELVES = {"hash", "previous_hash", "request_id", "customer_id"}


def send_entries(event: dict[str, Any], _context: object) -> dict[str, Any]:
    for record in event["Records"]:
        if record["eventName"] != "INSERT":
            continue
        try:
            send(make_message(record["dynamodb"]["NewImage"]))
        except OSError as fault:
            # Not its words: they may name the receiver.
            print(json.dumps({"level": "ERROR", "message": "not taken", "fault": type(fault).__name__}))
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def make_message(image: dict[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer().deserialize
    entry = {name: read(value) for name, value in image.items() if name not in KEPT_TO_OURSELVES}
    return {"type": f"checkout.{entry['event']}", "timestamp": entry["at"], "data": entry}


def send(message: dict[str, Any]) -> None:
    """Raises OSError where there is no answer in time, or another than 2xx."""
    body = json.dumps(message, default=int).encode()
    data = message["data"]
    # The same entry has the same id, however often it comes.
    message_id, now = f"{data['order_id']}.{data['sequence']}", str(int(time.time()))
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{sign(f'{message_id}.{now}.'.encode() + body, read_secret())}",
    }
    request = urllib.request.Request(os.environ["RECEIVER"], body, headers)  # noqa: S310 - the address is the stack's
    with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER):  # noqa: S310  # nosec B310
        pass


def sign(content: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


@cache
def read_secret() -> str:
    found = boto3.client("ssm").get_parameter(Name=os.environ["SECRET_PARAMETER"], WithDecryption=True)
    return str(found["Parameter"]["Value"])
