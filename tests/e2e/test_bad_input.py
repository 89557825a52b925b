"""Requests out of all proportion or form: refused cleanly, and the tables are as they were (FR-040)."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Checkout, Customer, new_key, new_order, payment_of

ITEM = {"product_id": "mug", "quantity": 1}
BINARY = {"content-type": "application/octet-stream"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
CARD = "4242 4242 4242 4242"

BODIES: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "not JSON": (b"items=mug", {}, 400, "invalid_json"),
    "half of it": (b'{"items": [{"product_id": "mug"', {}, 400, "invalid_json"),
    "empty": (b"", {}, 400, "invalid_json"),
    "not UTF-8": (b'{"items": "\xff\xfe"}', {}, 400, "invalid_json"),
    "not UTF-8 and binary": (b"\xff\xfe\x00", BINARY, 400, "invalid_json"),
    "UTF-16": (json.dumps({"items": [ITEM]}).encode("utf-16"), {}, 400, "invalid_json"),
    "NaN": (b'{"items": [{"product_id": "mug", "quantity": NaN}]}', {}, 400, "invalid_json"),
    "nested 1,000 deep": (b'{"items": ' + b"[" * 1000 + b"]" * 1000 + b"}", {}, 400, "invalid_json"),
    "an array": (json.dumps([ITEM]).encode(), {}, 422, "validation_error"),
    "a text": (b'"items"', {}, 422, "validation_error"),
    "a number": (b"1", {}, 422, "validation_error"),
    "null": (b"null", {}, 422, "validation_error"),
    "1 MB of items": (json.dumps({"items": [ITEM] * 25_000}).encode(), {}, 422, "validation_error"),
    "1 MB in a string": (
        json.dumps({"items": [ITEM], "metadata": {"note": "x" * 1_000_000}}).encode(),
        {},
        422,
        "validation_error",
    ),
}


@pytest.mark.proves("FR-005", "FR-040")
@pytest.mark.parametrize(("body", "headers", "status", "code"), BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_order_is_refused(
    alice: Customer, checkout: Checkout, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    assert_refused(alice, checkout, "/orders", body, status, code, headers=headers)


@pytest.mark.proves("FR-040")
@pytest.mark.parametrize("headers", [BINARY, FORM], ids=["binary", "form"])
def test_a_body_that_the_gateway_encodes_is_read(alice: Customer, headers: dict[str, str]) -> None:
    body = json.dumps(new_order(("mug", 1), metadata={"note": "\u2615"})).encode()
    answer = alice.ask("POST", "/orders", body, key=new_key(), headers=headers)
    assert answer.status_code == 201
    assert answer.json()["metadata"] == {"note": "\u2615"}


LINKS: dict[str, tuple[bytes, int, str]] = {
    "not JSON": (b"transaction_id=1", 400, "invalid_json"),
    "empty": (b"", 400, "invalid_json"),
    "not UTF-8": (b'{"transaction_id": "\xff"}', 400, "invalid_json"),
    "half of a character": (b'{"transaction_id": "\\ud800"}', 400, "invalid_json"),
    "an array": (b"[]", 422, "validation_error"),
    "a number as id": (b'{"transaction_id": 1}', 422, "validation_error"),
    "a card number as id": (json.dumps({"transaction_id": CARD}).encode(), 422, "card_number_refused"),
    "an unknown field": (b'{"transaction_id": "pay_1", "status": "paid"}', 422, "validation_error"),
}


@pytest.mark.proves("FR-005", "FR-006", "FR-007", "FR-040")
@pytest.mark.parametrize(("body", "status", "code"), LINKS.values(), ids=LINKS.keys())
def test_a_body_that_names_no_payment_is_refused(
    alice: Customer, checkout: Checkout, body: bytes, status: int, code: str
) -> None:
    path = f"/orders/{alice.create_order()['id']}/pay"
    assert_refused(alice, checkout, path, body, status, code, method="PATCH")


ORDERS: dict[str, tuple[dict[str, Any], str]] = {
    "a quantity of 0": ({"items": [{**ITEM, "quantity": 0}]}, "validation_error"),
    "a quantity below 0": ({"items": [{**ITEM, "quantity": -1}]}, "validation_error"),
    "a quantity of 10^30": ({"items": [{**ITEM, "quantity": 10**30}]}, "validation_error"),
    "a quantity with a fraction": ({"items": [{**ITEM, "quantity": 1.5}]}, "validation_error"),
    "a price with a fraction": ({"items": [{**ITEM, "unit_price": 18.0}]}, "validation_error"),
    "a price below 0": ({"items": [{**ITEM, "unit_price": -1800}]}, "validation_error"),
    "a price of 10^30": ({"items": [{**ITEM, "unit_price": 10**30}]}, "validation_error"),
    "an unknown currency": ({"items": [ITEM], "currency": "zzz"}, "validation_error"),
    "an unknown field": ({"items": [ITEM], "total_amount": 1}, "validation_error"),
    "a key too long": ({"items": [ITEM], "idempotency_key": "k" * 256}, "validation_error"),
    "a card number as product": ({"items": [{**ITEM, "product_id": CARD}]}, "card_number_refused"),
    "a card number in metadata": ({"items": [ITEM], "metadata": {"card": CARD}}, "card_number_refused"),
    "a card number as a name": ({"items": [ITEM], "metadata": {CARD: "card"}}, "card_number_refused"),
    "a card number as a number": ({"items": [ITEM], "card": 4242424242424242}, "card_number_refused"),
    "a card number in a text": ({"items": [ITEM], "metadata": {"a": f"it is {CARD}!"}}, "card_number_refused"),
}


@pytest.mark.proves("FR-006", "FR-007", "FR-008", "FR-040")
@pytest.mark.parametrize(("body", "code"), ORDERS.values(), ids=ORDERS.keys())
def test_an_order_that_cannot_be_is_refused(
    alice: Customer, checkout: Checkout, body: dict[str, Any], code: str
) -> None:
    assert_refused(alice, checkout, "/orders", json.dumps(body).encode(), 422, code)


PAYMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "an amount with a fraction": ({"amount": 48.5}, "validation_error"),
    "an amount below 0": ({"amount": -4850}, "validation_error"),
    "an amount in a text": ({"amount": "4850"}, "validation_error"),
    "an amount of 10^30": ({"amount": 10**30}, "validation_error"),
    "an unknown currency": ({"currency": "zzz"}, "validation_error"),
    "a card number as token": ({"token": CARD}, "card_number_refused"),
    "a card beside the token": ({"card": {"number": CARD}}, "card_number_refused"),
    "no token": ({"token": None}, "validation_error"),
}


@pytest.mark.proves("FR-006", "FR-007", "FR-008", "FR-040")
@pytest.mark.parametrize(("change", "code"), PAYMENTS.values(), ids=PAYMENTS.keys())
def test_a_payment_that_cannot_be_is_refused(
    alice: Customer, checkout: Checkout, change: dict[str, Any], code: str
) -> None:
    body = payment_of(alice.create_order()) | change
    assert_refused(alice, checkout, "/pay", json.dumps(body).encode(), 422, code)


@pytest.mark.proves("FR-107", "FR-109")
@pytest.mark.parametrize(
    ("query", "status"),
    [({"limit": "0"}, 422), ({"limit": "101"}, 422), ({"limit": "abc"}, 422), ({"limit": ""}, 422)]
    + [({"cursor": cursor}, 400) for cursor in ("", "x", "x" * 2000, "\u20ac", "..")],
)
def test_a_list_that_cannot_be_is_refused(alice: Customer, query: dict[str, str], status: int) -> None:
    assert alice.ask("GET", "/orders", params=query).status_code == status


@pytest.mark.proves("FR-109")
@pytest.mark.parametrize("position", [0, 0.25, 0.5, 0.75, 0.95])
def test_a_cursor_with_one_character_changed_is_refused(alice: Customer, position: float) -> None:
    for _ in range(2):
        alice.create_order(("mug", 1))
    cursor: str = alice.ask("GET", "/orders", params={"limit": 1}).json()["next_cursor"]
    at = int(position * len(cursor))
    altered = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
    answer = alice.ask("GET", "/orders", params={"limit": 1, "cursor": altered})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


def assert_refused(
    customer: Customer,
    checkout: Checkout,
    path: str,
    body: bytes,
    status: int,
    code: str,
    *,
    method: str = "POST",
    **request: Any,
) -> None:
    before = checkout.read_tables() if checkout.database else {}
    answer = customer.ask(method, path, body, key=new_key(), **request)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.content) < 10_000
    assert CARD not in answer.text
    assert CARD.replace(" ", "") not in answer.text
    assert (checkout.read_tables() if checkout.database else {}) == before
