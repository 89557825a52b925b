import base64
import json
from io import StringIO
from typing import Any

import pytest

from checkout import api, errors
from checkout.api import Request, Response, endpoint, problem
from checkout.errors import CardNumberRefused, CheckoutError, InvalidJson, PriceChanged, ValidationFailed
from checkout.schemas import MarkOrderPaidBody


class Context:
    function_name = "test"

    def get_remaining_time_in_millis(self) -> int:
        return 2500


def request(body: str | None = None, **event: Any) -> Request:
    return Request({"requestContext": {"requestId": "req-1"}, "body": body, **event}, Context())


def test_no_answer_is_kept_by_caches() -> None:
    assert Response(200, {}).to_event()["headers"]["cache-control"] == "no-store"


def test_a_body_is_parsed() -> None:
    assert request('{"transaction_id":"pay_1"}').parse(MarkOrderPaidBody).transaction_id == "pay_1"


@pytest.mark.proves("FR-040")
def test_a_body_that_the_gateway_encoded_is_decoded() -> None:
    encoded = base64.b64encode(b'{"transaction_id":"pay_1"}').decode()
    assert request(encoded, isBase64Encoded=True).parse(MarkOrderPaidBody).transaction_id == "pay_1"


@pytest.mark.proves("FR-005", "FR-040")
@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        (None, False),
        ("", False),
        ("{", False),
        ("{'a': 1}", False),
        ('{"transaction_id": NaN}', False),
        ('{"transaction_id": Infinity}', False),
        ('{"transaction_id": "\\ud800"}', False),
        ("[" * 1000 + "]" * 1000, False),
        ('{"a":' * 1000 + "1" + "}" * 1000, False),
        ("not base64!", True),
        (base64.b64encode(b"\xff\xfe{}").decode(), True),
        (base64.b64encode(b"").decode(), True),
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(body: str | None, encoded: bool) -> None:
    with pytest.raises(InvalidJson):
        request(body, isBase64Encoded=encoded).parse(MarkOrderPaidBody)


@pytest.mark.proves("FR-007")
@pytest.mark.parametrize(
    "body",
    [
        '{"transaction_id":"4242424242424242"}',
        '{"transaction_id":"pay_1","note":{"deep":["4242 4242 4242 4242"]}}',
        '{"4242424242424242":1}',
        "[4242424242424242]",
    ],
)
def test_a_card_number_is_refused_before_anything_else_is_said(body: str) -> None:
    with pytest.raises(CardNumberRefused):
        request(body).parse(MarkOrderPaidBody)


@pytest.mark.proves("FR-006")
@pytest.mark.parametrize("body", ["[]", "1", '"text"', "null", "true"])
def test_json_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(ValidationFailed):
        request(body).parse(MarkOrderPaidBody)


@pytest.mark.proves("FR-040")
def test_a_body_longer_than_any_request_is_refused_unread() -> None:
    with pytest.raises(ValidationFailed) as refused:
        request("[" + "0," * 500_000 + "0]").parse(MarkOrderPaidBody)
    assert refused.value.facts["errors"] == [{"field": "body", "message": "must not be longer than 600000 characters"}]


def test_headers_are_read_whatever_their_case() -> None:
    assert request(headers={"Idempotency-KEY": "k"}).header("idempotency-key") == "k"
    assert request(headers={}).header("idempotency-key") is None


@pytest.mark.proves("FR-004")
def test_a_refusal_is_a_problem_document() -> None:
    event = problem(PriceChanged(product_id="mug", expected=1, current=2), request()).to_event()
    assert event["statusCode"] == 409
    assert event["headers"]["content-type"] == "application/problem+json"
    assert json.loads(event["body"]) == {
        "type": "/problems/price_changed",
        "title": "Price changed",
        "status": 409,
        "detail": "The price of a product is not the one sent.",
        "code": "price_changed",
        "request_id": "req-1",
        "product_id": "mug",
        "expected": 1,
        "current": 2,
    }


def leaves(error: type[CheckoutError]) -> list[type[CheckoutError]]:
    return [leaf for child in error.__subclasses__() for leaf in leaves(child)] or [error]


@pytest.mark.proves("FR-004")
def test_every_refusal_has_a_code_of_its_own_and_stands_in_the_drawn_tree() -> None:
    codes = [leaf.code for leaf in leaves(CheckoutError)]
    assert len(set(codes)) == len(codes)
    for leaf in leaves(CheckoutError):
        assert f"{leaf.__name__} " in str(errors.__doc__)
        assert f"{leaf.status} {leaf.code}" in str(errors.__doc__)
        assert leaf.__name__ in errors.__all__


@pytest.mark.proves("FR-004", "FR-031")
def test_a_fault_is_told_and_logged_without_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    log = StringIO()
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Checkout")
    monkeypatch.setattr(api.logger.registered_handler, "stream", log)

    @endpoint
    def faulty(request: Request) -> Response:
        raise KeyError("secret-value")

    event = faulty({"requestContext": {"requestId": "req-1"}}, Context())
    assert event["statusCode"] == 500
    assert json.loads(event["body"])["code"] == "internal_error"
    output = log.getvalue()
    assert "secret-value" not in output + event["body"]
    assert "Traceback" not in output + event["body"]
    assert "KeyError" in output
    assert "KeyError" not in event["body"]
