import pytest

from checkout.errors import IdempotencyKeyConflict, IdempotencyKeyRequired, ValidationFailed
from checkout.idempotency import agree_on_key

pytestmark = pytest.mark.proves("FR-009")


@pytest.mark.parametrize(
    ("header", "body", "key"),
    [
        ("abc", None, "abc"),
        ('"abc"', None, "abc"),
        (' "abc" ', None, "abc"),
        (r'"a\"b\\c"', None, r'a"b\c'),
        (None, "abc", "abc"),
        ('"abc"', "abc", "abc"),
        ("k" * 255, None, "k" * 255),
        ('"', None, '"'),
    ],
)
def test_the_key_is_in_the_header_or_the_body(header: str | None, body: str | None, key: str) -> None:
    assert agree_on_key(header, body) == key


@pytest.mark.parametrize("header", [None, "", "  ", '""'])
def test_without_a_key_there_is_no_answer(header: str | None) -> None:
    with pytest.raises(IdempotencyKeyRequired):
        agree_on_key(header, None)


def test_header_and_body_must_agree() -> None:
    with pytest.raises(IdempotencyKeyConflict):
        agree_on_key("abc", "abd")


def test_a_key_of_too_many_characters_is_refused() -> None:
    with pytest.raises(ValidationFailed) as refused:
        agree_on_key("k" * 256, None)
    assert refused.value.facts == {"errors": [{"field": "Idempotency-Key", "message": "must have 1 to 255 characters"}]}
