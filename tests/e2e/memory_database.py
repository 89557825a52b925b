"""The store in memory (tests/exploration) behind DynamoDB's own protocol, JSON over HTTP."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from local.template import read_template
from tests.exploration.expressions import WireItem
from tests.exploration.memory_store import MemoryStore, Refusal

__all__ = ["MemoryDatabase"]


class MemoryDatabase:
    """Answers one request at a time: as a WSGI application, or at once within the process."""

    def __init__(self) -> None:
        self._store = MemoryStore(read_template().tables)
        self._start = self._store.take_snapshot()
        self._done: dict[str, dict[str, Any]] = {}

    def mark_start(self) -> None:
        """What is there now is what it goes back to."""
        self._start = self._store.take_snapshot()

    def go_back_to_start(self) -> None:
        self._store.restore(self._start)
        self._done.clear()

    def read_tables(self) -> dict[str, list[WireItem]]:
        """All that is there."""
        return {table: self._store.scan(table) for table in self._store.tables}

    def put(self, table: str, item: WireItem) -> None:
        self._store.answer("PutItem", {"TableName": table, "Item": item})

    def respond(self, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The status and the document that answer a request, by its header X-Amz-Target and its body."""
        params = json.loads(body)
        token = params.pop("ClientRequestToken", "")
        if token in self._done:
            # The SDK asks again: DynamoDB knows a transaction by its token.
            return HTTPStatus.OK, self._done[token]
        try:
            answer = self._store.answer(target.rpartition(".")[2], params)
        except Refusal as refusal:
            error = refusal.answer.pop("Error")
            return refusal.status, {"__type": error["Code"], "message": error["Message"], **refusal.answer}
        if token:
            self._done[token] = answer
        return HTTPStatus.OK, answer

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        status, answer = self.respond(request.headers["X-Amz-Target"], request.get_data())
        response = Response(json.dumps(answer), status, content_type="application/x-amz-json-1.0")
        return response(environ, start_response)
