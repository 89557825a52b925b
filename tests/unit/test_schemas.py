from typing import Any

import pytest

from checkout.errors import ValidationFailed
from checkout.schemas import CreateOrderBody, PayBody, validate

ITEM = {"product_id": "mug", "quantity": 1}
PAY = {"order_id": "ord_1", "token": "tok_visa", "amount": 100, "currency": "usd"}


def fields_refused(model: Any, document: object) -> list[str]:
    with pytest.raises(ValidationFailed) as refused:
        validate(model, document)
    errors: Any = refused.value.facts["errors"]
    assert all(set(error) == {"field", "message"} for error in errors)
    return [error["field"] for error in errors]


@pytest.mark.proves("FR-006", "FR-106", "FR-040")
@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ([], ["body"]),
        ("text", ["body"]),
        (None, ["body"]),
        ({}, ["items"]),
        ({"items": []}, ["items"]),
        ({"items": [ITEM] * 101}, ["items"]),
        ({"items": ["mug"]}, ["items.0"]),
        ({"items": [{"product_id": "mug"}]}, ["items.0.quantity"]),
        ({"items": [{**ITEM, "quantity": 0}]}, ["items.0.quantity"]),
        ({"items": [{**ITEM, "quantity": 1000}]}, ["items.0.quantity"]),
        ({"items": [{**ITEM, "quantity": 10**30}]}, ["items.0.quantity"]),
        ({"items": [{**ITEM, "quantity": 1.0}]}, ["items.0.quantity"]),
        ({"items": [{**ITEM, "quantity": "1"}]}, ["items.0.quantity"]),
        ({"items": [{**ITEM, "quantity": True}]}, ["items.0.quantity"]),
        ({"items": [{**ITEM, "unit_price": -1}]}, ["items.0.unit_price"]),
        ({"items": [{**ITEM, "unit_price": 9.99}]}, ["items.0.unit_price"]),
        ({"items": [{**ITEM, "unit_price": 2**53}]}, ["items.0.unit_price"]),
        ({"items": [{**ITEM, "product_id": ""}]}, ["items.0.product_id"]),
        ({"items": [{**ITEM, "price": 1}]}, ["items.0.price"]),
        ({"items": [ITEM], "total": 1}, ["total"]),
        ({"items": [ITEM], "currency": "zzz"}, ["currency"]),
        ({"items": [ITEM], "currency": 840}, ["currency"]),
        ({"items": [ITEM], "metadata": {"key": 1}}, ["metadata.key"]),
        ({"items": [ITEM], "metadata": {"k" * 41: "v"}}, [f"metadata.{'k' * 41}.[key]"]),
        ({"items": [ITEM], "metadata": {"key": "v" * 501}}, ["metadata.key"]),
        ({"items": [ITEM], "metadata": {"key": "a\u0001b"}}, ["metadata.key"]),
        ({"items": [ITEM], "metadata": {"key\x7f": "v"}}, ["metadata.key\x7f.[key]"]),
        ({"items": [ITEM], "metadata": {str(number): "" for number in range(51)}}, ["metadata"]),
        ({"items": [ITEM], "idempotency_key": ""}, ["idempotency_key"]),
        ({"items": [ITEM], "idempotency_key": "k" * 256}, ["idempotency_key"]),
    ],
)
def test_an_order_body_is_refused(document: object, fields: list[str]) -> None:
    assert fields_refused(CreateOrderBody, document) == fields


@pytest.mark.proves("FR-106")
def test_an_order_body_may_be_as_large_as_the_limits() -> None:
    body = {
        "items": [{**ITEM, "quantity": 999}] * 100,
        "currency": "USD",
        "metadata": {f"{number:040}": "line\n" * 100 for number in range(50)},
    }
    parsed = validate(CreateOrderBody, body)
    assert parsed.currency == "usd"
    assert len(parsed.lines) == 100


@pytest.mark.proves("FR-006", "FR-008")
@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"amount": 1.5}, ["amount"]),
        ({"amount": -1}, ["amount"]),
        ({"amount": "100"}, ["amount"]),
        ({"amount": 10**30}, ["amount"]),
        ({"currency": "dollars"}, ["currency"]),
        ({"token": ""}, ["token"]),
        ({"card": "x"}, ["card"]),
    ],
)
def test_a_payment_body_is_refused(change: dict[str, Any], fields: list[str]) -> None:
    assert fields_refused(PayBody, PAY | change) == fields


@pytest.mark.proves("FR-006", "FR-031")
def test_a_refusal_names_fields_and_never_their_values() -> None:
    with pytest.raises(ValidationFailed) as refused:
        validate(PayBody, PAY | {"amount": "secret-value", "currency": "secret-value", "token": ["secret-value"]})
    assert "secret-value" not in str(refused.value.facts)


@pytest.mark.proves("FR-040")
def test_a_refusal_stays_small_whatever_was_sent() -> None:
    with pytest.raises(ValidationFailed) as refused:
        validate(PayBody, PAY | {f"{'x' * 1000}{number}": 1 for number in range(1000)})
    errors: Any = refused.value.facts["errors"]
    assert len(errors) == 50
    assert all(len(error["field"]) <= 100 for error in errors)
