"""The local runtime hands functions the events that `sam local start-api` does (FR-035).

The template in echo/ has a function that answers with its event, and an authorizer that passes its own on. Where the
two differ, the local runtime is on API Gateway's side; every difference is listed here with its reason, and another
one fails.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.containers, pytest.mark.proves("FR-035")]

Event = dict[str, Any]
Asked = tuple[str, str, Mapping[str, str], bytes]
"""Method, path with query, headers, body."""

DIFFERENCES = {
    "requestContext.accountId": "each makes one up",
    "requestContext.apiId": "each makes one up",
    "requestContext.domainName": "API Gateway: the Host header; sam local: localhost",
    "requestContext.domainPrefix": "follows domainName",
    "requestContext.http.userAgent": "API Gateway: the User-Agent header; sam local: a fixed text",
    "requestContext.requestId": "API Gateway: one for each request; sam local: one for all",
    "requestContext.time": "when the request came; sam local: when it started",
    "requestContext.timeEpoch": "API Gateway: milliseconds; sam local: seconds",
    "headers.host": "the two listen on different ports",
    "headers.x-forwarded-port": "sam local adds it",
    "headers.x-forwarded-proto": "sam local adds it",
    "headers.cookie": "API Gateway has them in cookies only; sam local in both",
}
AUTHORIZER_DIFFERENCES = {
    **DIFFERENCES,
    "routeArn": "each makes its account up; sam local knows no stage",
    "body": "API Gateway does not send it to authorizers; sam local does",
}
JSON = {"Content-Type": "application/json"}
REQUESTS: dict[str, Asked] = {
    "an open route": ("GET", "/open", {}, b""),
    "a query": ("GET", "/things?a=1&a=2&b=x%20y&c=&d=%C3%A9&e=1%2B1", {}, b""),
    "headers and cookies": ("GET", "/things", {"X-Custom": "As Written", "Cookie": "a=1; b=2"}, b""),
    "a path parameter": ("GET", "/things/ord_1", {}, b""),
    "an encoded path parameter": ("GET", "/things/a%20b", {}, b""),
    "a parameter within a path": ("PATCH", "/things/ord_1/part", JSON, b"{}"),
    "all that follows": ("GET", "/files/a/b%20c/d.js", {}, b""),
    "a path that is more exact": ("GET", "/files/a/index", {}, b""),
    "a JSON body": ("POST", "/things", JSON, '{"name": "é"}'.encode()),
    "a body that is not JSON": ("POST", "/things", JSON, b"not json"),
    "no body": ("POST", "/things", JSON, b""),
    # API Gateway sends what is not text by its type as Base64; sam local as text.
    "a form": ("POST", "/things", {"Content-Type": "application/x-www-form-urlencoded"}, b"a=1"),
}


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
def test_functions_and_authorizers_get_the_same_events(
    echo_in_containers: str, echo_in_local_runtime: str, asked: Asked
) -> None:
    theirs, ours = echo(echo_in_containers, *asked), echo(echo_in_local_runtime, *asked)

    if asked[1] != "/open":
        their_event, our_event = take_authorizer_event(theirs), take_authorizer_event(ours)
        assert find_differences(their_event, our_event) <= AUTHORIZER_DIFFERENCES.keys()
    assert find_differences(theirs, ours) <= DIFFERENCES.keys()


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 401), ({"Authorization": "Bearer bad"}, 403)], ids=["no token", "a refused token"]
)
def test_requests_are_kept_out_with_the_same_status(
    echo_in_containers: str, echo_in_local_runtime: str, headers: Mapping[str, str], status: int
) -> None:
    for address in (echo_in_containers, echo_in_local_runtime):
        assert httpx.get(f"{address}/things", headers=headers, timeout=60).status_code == status


def echo(address: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Event:
    """The event that a function got for a request; the first of sam local's starts a container."""
    headers = {"Authorization": "Bearer good", **headers}
    answer = httpx.request(method, f"{address}{target}", headers=headers, content=body, timeout=60)
    assert answer.status_code == 200, answer.text
    event: Event = answer.json()
    return event


def take_authorizer_event(event: Event) -> Event:
    taken: Event = json.loads(event["requestContext"]["authorizer"]["lambda"].pop("authorizer_event"))
    return taken


def find_differences(theirs: Event, ours: Event) -> set[str]:
    left, right = dict(flatten(normalise(theirs))), dict(flatten(normalise(ours)))
    return {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)}


def normalise(event: Event) -> Event:
    """Header names lowered, as API Gateway does and sam local does not; nothing where sam local has something empty,
    as in API Gateway; the body as it was sent."""
    normal = {name: value for name, value in event.items() if value not in ("", [], {}, None)}
    normal["headers"] = {name.lower(): value for name, value in event["headers"].items()}
    if normal.pop("isBase64Encoded", False):
        normal["body"] = base64.b64decode(event["body"]).decode()
    return normal


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each value by its path, the parts joined by dots."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value
