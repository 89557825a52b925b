"""HTTP requests as API Gateway's events, and answers back (FR-035)."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from local.events import HttpRequest, make_authorizer_event, make_event, read_answer

pytestmark = pytest.mark.proves("FR-035")


def make_request(**change: Any) -> HttpRequest:
    request: dict[str, Any] = {
        "method": "POST",
        "path": "/orders/1",
        "query_string": "",
        "headers": [("Host", "localhost:3000"), ("Content-Type", "application/json"), ("User-Agent", "test")],
        "body": b'{"a": 1}',
        "source_ip": "127.0.0.1",
        "id": "request",
        "at": datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
    }
    return HttpRequest(**request | change)


def test_an_event_has_payload_format_2() -> None:
    event = make_event(make_request(), "POST /orders/{order_id}", {"order_id": "1"}, {"customer_id": "alice"})
    assert event == {
        "version": "2.0",
        "routeKey": "POST /orders/{order_id}",
        "rawPath": "/orders/1",
        "rawQueryString": "",
        "headers": {"host": "localhost:3000", "content-type": "application/json", "user-agent": "test"},
        "pathParameters": {"order_id": "1"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "authorizer": {"lambda": {"customer_id": "alice"}},
            "domainName": "localhost:3000",
            "domainPrefix": "localhost:3000",
            "http": {
                "method": "POST",
                "path": "/orders/1",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test",
            },
            "requestId": "request",
            "routeKey": "POST /orders/{order_id}",
            "stage": "$default",
            "time": "31/Jan/2026:12:00:00 +0000",
            "timeEpoch": 1769860800000,
        },
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_what_is_not_there_is_left_out() -> None:
    event = make_event(make_request(body=b""), "GET /orders", {}, None)
    assert not {"body", "cookies", "pathParameters", "queryStringParameters"} & set(event)
    assert "authorizer" not in event["requestContext"]


def test_values_of_one_name_are_joined_and_cookies_stand_apart() -> None:
    headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b=2")]
    event = make_event(make_request(query_string="q=1&q=2&empty=&%C3%A9=%20", headers=headers), "key", {}, None)
    assert event["headers"] == {"x-a": "1,2"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["queryStringParameters"] == {"q": "1,2", "empty": "", "\u00e9": " "}
    assert event["rawQueryString"] == "q=1&q=2&empty=&%C3%A9=%20"


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("application/json", b"\xc3\xa9", False),
        ("application/problem+json", b"{}", False),
        ("text/plain", b"x", False),
        ("application/json; charset=utf-8", b"{}", False),
        ("application/json", b"\xff", True),
        ("application/octet-stream", b"{}", True),
        ("application/x-www-form-urlencoded", b"a=1", True),
    ],
)
def test_bodies_that_are_no_text_are_encoded(content_type: str, body: bytes, encoded: bool) -> None:
    event = make_event(make_request(body=body, headers=[("content-type", content_type)]), "key", {}, None)
    assert event["isBase64Encoded"] is encoded
    assert (base64.b64decode(event["body"]) if encoded else event["body"].encode()) == body


def test_an_authorizer_is_asked_with_the_header_that_identifies() -> None:
    headers = [("Host", "h"), ("authorization", "Bearer x")]
    event = make_authorizer_event(make_request(headers=headers), "POST /pay", {}, "Authorization")
    assert (event["type"], event["version"], event["identitySource"]) == ("REQUEST", "2.0", ["Bearer x"])
    assert event["routeArn"].endswith("/$default/POST/orders/1")
    assert "body" not in event


def test_an_answer_is_read() -> None:
    answer = read_answer({"statusCode": 201, "headers": {"x": "1"}, "cookies": ["a=1"], "body": "\u00e9"})
    assert (answer.status, answer.body) == (201, "\u00e9".encode())
    assert answer.headers == [("x", "1"), ("set-cookie", "a=1"), ("content-type", "text/plain; charset=utf-8")]
    assert read_answer({"statusCode": 200, "body": "eA==", "isBase64Encoded": True}).body == b"x"
    assert read_answer({"a": 1}).body == b'{"a": 1}'


@pytest.mark.parametrize("result", [{"statusCode": "200"}, {"statusCode": 99}, {"statusCode": 200, "body": {}}])
def test_rubbish_is_no_answer(result: Any) -> None:
    with pytest.raises(ValueError, match="is no"):
        read_answer(result)
