"""Between API Gateway and a route: a request comes in as an event, an answer goes out, a refusal as problem+json.

One function has one route, so there is no router: the route is a function from Request to Response, and @endpoint
makes a Lambda handler of it. Everything about a request is in its Request, nothing in the process.
"""

import base64
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger

from checkout.audit import Actor
from checkout.call_limit import working_until
from checkout.caller import Author, Caller
from checkout.card_numbers import holds_card_number
from checkout.clock import Deadline
from checkout.errors import CardNumberRefused, CheckoutError, InvalidJson, ValidationFailed
from checkout.fault_places import find_places
from checkout.identifiers import is_order_id, is_payment_id
from checkout.metrics import count, count_cold_start
from checkout.tracing import traced

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Request", "Response", "endpoint", "note", "problem"]

logger = Logger()

# No request that the models accept comes near; a longer one is not worth the time of reading it (FR-040).
MAX_BODY_LENGTH = 600_000

Model = TypeVar("Model", bound="BaseModel")


@dataclass(frozen=True, slots=True)
class Response:
    """Status, JSON document and headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_event(self) -> dict[str, Any]:
        """As API Gateway takes it, payload format 2.0."""
        content_type = "application/problem+json" if self.status >= HTTPStatus.BAD_REQUEST else "application/json"
        return {
            "statusCode": self.status,
            "headers": {"content-type": content_type, "cache-control": "no-store", **self.headers},
            "body": json.dumps(self.body, ensure_ascii=False, separators=(",", ":")),
        }


@dataclass(frozen=True, slots=True)
class Request:
    """A request as API Gateway hands it over, payload format 2.0, and the invocation that answers it."""

    event: Mapping[str, Any]
    context: Any

    @property
    def request_id(self) -> str:
        return str(self.event["requestContext"]["requestId"])

    @property
    def caller(self) -> Caller:
        """Who the authorizer says is asking (FR-001)."""
        identity = self.event["requestContext"]["authorizer"]["lambda"]
        return Caller(
            actor=Actor.CUSTOMER,
            request_id=self.request_id,
            deadline=self.deadline,
            customer_id=identity["customer_id"],
            scopes=frozenset(identity["scope"].split()),
        )

    @property
    def system(self) -> Author:
        """The checkout itself, at work on a request that nobody of ours made."""
        return Author(Actor.SYSTEM, self.request_id, self.deadline)

    @property
    def deadline(self) -> Deadline:
        return lambda: self.context.get_remaining_time_in_millis() / 1000

    @property
    def query(self) -> Mapping[str, str]:
        return self.event.get("queryStringParameters") or {}

    def path(self, name: str) -> str:
        return str(self.event["pathParameters"][name])

    def header(self, name: str) -> str | None:
        """Whatever its case: API Gateway lowers it, others do not."""
        found = (value for key, value in (self.event.get("headers") or {}).items() if key.lower() == name)
        return next(found, None)

    def read_body(self) -> bytes:
        """The body as it came, byte by byte. Raises InvalidJson where it is said to be Base64 and is not."""
        body: str = self.event.get("body") or ""
        try:
            return base64.b64decode(body, validate=True) if self.event.get("isBase64Encoded") else body.encode()
        except ValueError:
            raise InvalidJson("The body is not JSON in UTF-8.") from None

    def parse(self, model: type[Model]) -> Model:
        """The body, as JSON. Raises InvalidJson (FR-005), CardNumberRefused (FR-007), ValidationFailed (FR-006)."""
        # Whoever has a model has loaded pydantic; the others need not.
        from pydantic_core import from_json

        from checkout.schemas import validate

        if len(self.event.get("body") or "") > MAX_BODY_LENGTH:
            raise ValidationFailed.of_field("body", f"must not be longer than {MAX_BODY_LENGTH} characters")
        try:
            document = from_json(self.read_body(), allow_inf_nan=False)
        except ValueError:
            raise InvalidJson("The body is not JSON in UTF-8.") from None
        if holds_card_number(document):
            raise CardNumberRefused
        return validate(model, document)


def note(**ids: str) -> None:
    """Adds ids to what is logged of this request; only ids of ours, since a client may send anything as an id."""
    logger.thread_safe_append_keys(
        **{name: value for name, value in ids.items() if is_order_id(value) or is_payment_id(value)}
    )


def problem(
    error: CheckoutError,
    request: Request,
    headers: Mapping[str, str] = MappingProxyType({}),
    *,
    request_id: str | None = None,
) -> Response:
    """A refusal as a problem document, RFC 9457 (FR-004); `request_id` where it is another request's than this."""
    body = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id or request.request_id,
        **error.facts,
    }
    retry = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    return Response(error.status, body, {**retry, **headers})


def _internal_error(request: Request) -> Response:
    """A fault of ours: its facts are in the log, not in the answer."""
    body = {
        "type": "/problems/internal_error",
        "title": "Internal error",
        "status": 500,
        "detail": "The checkout has a fault. It is on record under the request id.",
        "code": "internal_error",
        "request_id": request.request_id,
    }
    return Response(500, body)


def endpoint(route: Callable[[Request], Response]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A Lambda handler of a route: renders what it returns or raises, and writes one log line for each request."""

    @traced
    @functools.wraps(route)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        count_cold_start(route.__name__)
        request = Request(event, context)
        logger.thread_safe_clear_keys()
        logger.thread_safe_append_keys(request_id=request.request_id, operation=route.__name__)
        note(**(event.get("pathParameters") or {}))
        cause = None
        try:
            with working_until(request.deadline):
                response = route(request)
        except CheckoutError as error:
            response = problem(error, request)
            cause = type(error.__cause__).__name__ if error.__cause__ else None
        except Exception as fault:
            logger.error("fault", fault=type(fault).__name__, places=find_places(fault))
            response = _internal_error(request)
        code = response.body.get("code")
        if response.status == HTTPStatus.CONFLICT:
            count("Conflicts", operation=route.__name__, code=str(code))
        logger.info("answered", status=response.status, code=code, cause=cause)
        return response.to_event()

    return handler
