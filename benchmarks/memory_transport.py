"""Answers a client's requests from a store in memory, in place of the network: all but the network is really done."""

import io
import json
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse, HeadersDict

from tests.exploration.memory_store import MemoryStore, Refusal

__all__ = ["answer_from_memory"]


class Body(io.BytesIO):
    """As botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def answer_from_memory(client: Any, store: MemoryStore) -> None:
    def answer(request: Any, **_: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        try:
            status, document = 200, store.answer(operation, json.loads(request.body))
        except Refusal as refusal:
            error = refusal.answer.pop("Error")
            status = int(refusal.status)
            document = {"__type": f"com.amazonaws.dynamodb.v20120810#{error['Code']}", **refusal.answer}
        body = json.dumps(document).encode()
        headers: Any = HeadersDict({"content-type": "application/x-amz-json-1.0"})
        return AWSResponse(request.url, status, headers, Body(body))

    client.meta.events.register("before-send.dynamodb", answer)
