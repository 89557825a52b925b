"""Answers a request that carries an idempotency key: once by working, afterwards by repeating itself."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from checkout.api import Request, Response
from checkout.errors import StoreUnavailable
from checkout.idempotency import Result, agree_on_key, run_once
from checkout.key_records import KeyTaken, RequestKey
from checkout.transactional_idempotency import TransactionalPersistence

__all__ = ["answer_once", "repeat"]

WINDOW_BITS, MEMORY_LEVEL = 13, 5
"""To get zlib's usual window and memory took four fifths of a short answer's time, and made it no smaller."""

REPLAYED: Mapping[str, str] = MappingProxyType({"idempotent-replayed": "true"})

Made = TypeVar("Made")


class KeyedBody(Protocol):
    """A request body that may carry the idempotency key itself."""

    @property
    def idempotency_key(self) -> str | None: ...

    def model_dump(self, *, mode: str, exclude: set[str]) -> dict[str, Any]: ...


def answer_once(
    request: Request,
    body: KeyedBody,
    work: Callable[[RequestKey[Made]], Response],
    answer: Callable[[Made], Response],
    *,
    operation: str,
    parameters: Mapping[str, str] = MappingProxyType({}),
    replayed_members: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """The answer that `work` gives for the request's idempotency key, or gave before (FR-010, FR-013).

    `work` keeps the `answer` to what it makes with its own writes, or can tell it from what it has made (FR-119).
    `parameters` belong to the request besides its body. A success that is repeated has the `replayed_members` in its
    body.
    """
    key = agree_on_key(request.header("idempotency-key"), body.idempotency_key)
    persistence = TransactionalPersistence()

    done: list[Response] = []

    def work_with_key() -> Result:
        done.append(work(RequestKey(persistence.key_id, persistence.payload_hash, lambda made: _pack(answer(made)))))
        # What is to be kept is kept.
        return {}

    def run() -> tuple[Result, bool]:
        return run_once(
            work_with_key,
            operation=operation,
            customer_id=request.caller.customer_id,
            key=key,
            payload={**body.model_dump(mode="json", exclude={"idempotency_key"}), **parameters},
            persistence=persistence,
            lambda_context=request.context,
        )

    try:
        result, replayed = run()
    except KeyTaken as taken:
        persistence.find(taken.record)
        try:
            result, replayed = run()
        except KeyTaken as again:
            # It ran out this moment, and the key has been used again since.
            raise StoreUnavailable from again
    if not replayed:
        return done[-1]
    return repeat(Response(result["status"], _unpack(result["body"]), result["headers"]), replayed_members)


def repeat(response: Response, members: Mapping[str, Any] = MappingProxyType({})) -> Response:
    """The same answer, marked as given before; a success with these members in its body."""
    body = {**response.body, **members} if response.status < HTTPStatus.BAD_REQUEST else response.body
    return Response(response.status, body, {**response.headers, **REPLAYED})


def _pack(response: Response) -> str:
    """As JSON. The body is compressed, so that the largest order's answer fits an item (400 KB), with its members in
    their order."""
    packed = base64.b64encode(_compress(json.dumps(response.body, ensure_ascii=False).encode())).decode()
    return json.dumps({"status": response.status, "body": packed, "headers": dict(response.headers)})


def _compress(body: bytes) -> bytes:
    if len(body) > 1 << WINDOW_BITS:
        return zlib.compress(body)
    compressor = zlib.compressobj(wbits=WINDOW_BITS, memLevel=MEMORY_LEVEL)
    return compressor.compress(body) + compressor.flush()


def _unpack(packed: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return document
