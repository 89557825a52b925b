"""HTTP requests as the events that an API Gateway HTTP API makes of them, payload format 2.0, and answers back.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.template import REGION

__all__ = ["Answer", "HttpRequest", "make_authorizer_event", "make_event", "read_answer"]

TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came: header names in any case, the body as bytes."""

    method: str
    path: str
    query_string: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def joined_headers(self) -> dict[str, str]:
        """Names lowered, values of one name joined by commas; without cookies, which have a place of their own."""
        joined: dict[str, list[str]] = {}
        for name, value in self.headers:
            joined.setdefault(name.lower(), []).append(value)
        return {name: ",".join(values) for name, values in joined.items() if name != "cookie"}

    @property
    def cookies(self) -> list[str]:
        values = [value for name, value in self.headers if name.lower() == "cookie"]
        return [cookie.strip() for value in values for cookie in value.split(";")]

    @property
    def query(self) -> dict[str, str]:
        """Values of one name joined by commas."""
        joined: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.query_string, keep_blank_values=True):
            joined.setdefault(name, []).append(value)
        return {name: ",".join(values) for name, values in joined.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def make_event(
    request: HttpRequest, route_key: str, path_parameters: Mapping[str, str], identity: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The event of a route's function; `identity` is the context that the authorizer gave, None without one."""
    event = _make_common_event(request, route_key, path_parameters)
    if identity is not None:
        event["requestContext"]["authorizer"] = {"lambda": dict(identity)}
    if request.body:
        text = _read_text(request)
        event["body"] = base64.b64encode(request.body).decode() if text is None else text
        event["isBase64Encoded"] = text is None
    else:
        event["isBase64Encoded"] = False
    return event


def make_authorizer_event(
    request: HttpRequest, route_key: str, path_parameters: Mapping[str, str], header: str
) -> dict[str, Any]:
    """The event of a Lambda authorizer whose identity source is a header."""
    event = _make_common_event(request, route_key, path_parameters)
    context = event["requestContext"]
    arn = f"arn:aws:execute-api:{REGION}:{context['accountId']}:{context['apiId']}/$default"
    return {
        **event,
        "type": "REQUEST",
        "routeArn": f"{arn}/{request.method}{request.path}",
        "identitySource": [request.joined_headers[header.lower()]],
    }


def read_answer(result: Any) -> Answer:
    """What a function returned, as API Gateway answers it. Raises ValueError where it is no answer."""
    if not (isinstance(result, dict) and "statusCode" in result):
        # Format 2.0: anything without a status is the body of a 200.
        body = result if isinstance(result, str) else json.dumps(result)
        return Answer(200, [("content-type", "application/json")], body.encode())
    status = result["statusCode"]
    if not (isinstance(status, int) and 100 <= status <= 599):
        raise ValueError("statusCode is no HTTP status")
    body = "" if result.get("body") is None else result["body"]
    if not isinstance(body, str):
        raise ValueError("body is no text")
    headers = [(str(name), str(value)) for name, value in (result.get("headers") or {}).items()]
    headers += [("set-cookie", cookie) for cookie in result.get("cookies") or []]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain; charset=utf-8"))
    return Answer(status, headers, base64.b64decode(body) if result.get("isBase64Encoded") else body.encode())


def _read_text(request: HttpRequest) -> str | None:
    """The body, where its type says that it is text and it is UTF-8; other bodies go as Base64."""
    content_type = request.joined_headers.get("content-type", "").lower()
    if not content_type.startswith(TEXT_TYPES) and "+json" not in content_type:
        return None
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return None


def _make_common_event(request: HttpRequest, route_key: str, path_parameters: Mapping[str, str]) -> dict[str, Any]:
    headers = request.joined_headers
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query_string,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": headers.get("host", "localhost"),
            "domainPrefix": headers.get("host", "localhost").split(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request.id,
            "routeKey": route_key,
            "stage": "$default",
            "time": request.at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(request.at.timestamp() * 1000),
        },
    }
    if request.cookies:
        event["cookies"] = request.cookies
    if request.query:
        event["queryStringParameters"] = request.query
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    return event
