"""Answers a request that carries an idempotency key: once by working, afterwards by repeating itself."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol

from checkout import wiring
from checkout.api import Request, Response
from checkout.idempotency import Result, agree_on_key, run_once

__all__ = ["REPLAYED", "answer_once"]

REPLAYED: Mapping[str, str] = MappingProxyType({"idempotent-replayed": "true"})


class KeyedBody(Protocol):
    """A request body that may carry the idempotency key itself."""

    @property
    def idempotency_key(self) -> str | None: ...

    def model_dump(self, *, mode: str, exclude: set[str]) -> dict[str, Any]: ...


def answer_once(
    request: Request,
    body: KeyedBody,
    work: Callable[[str], Response],
    *,
    operation: str,
    parameters: Mapping[str, str] = MappingProxyType({}),
    replayed_members: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """The answer that `work` gives for the request's idempotency key, or gave before (FR-010, FR-013).

    `parameters` belong to the request besides its body. An answer that is accepted only, 202, is not a result and is
    not kept. A success that is repeated has the `replayed_members` in its body.
    """
    key = agree_on_key(request.header("idempotency-key"), body.idempotency_key)

    def work_on_result() -> tuple[Result, bool]:
        response = work(key)
        result = {"status": response.status, "body": _pack(response.body), "headers": dict(response.headers)}
        return result, response.status != HTTPStatus.ACCEPTED

    result, replayed = run_once(
        work_on_result,
        operation=operation,
        customer_id=request.caller.customer_id,
        key=key,
        payload={**body.model_dump(mode="json", exclude={"idempotency_key"}), **parameters},
        persistence=wiring.idempotency_persistence(operation),
        lambda_context=request.context,
    )
    status, document, headers = result["status"], _unpack(result["body"]), result["headers"]
    if not replayed:
        return Response(status, document, headers)
    if status < HTTPStatus.BAD_REQUEST:
        document |= replayed_members
    return Response(status, document, {**headers, **REPLAYED})


def _pack(document: Mapping[str, Any]) -> str:
    """Compressed, so that the largest order's answer fits an item (400 KB), with its members in their order."""
    return base64.b64encode(zlib.compress(json.dumps(document, ensure_ascii=False).encode())).decode()


def _unpack(packed: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return document
