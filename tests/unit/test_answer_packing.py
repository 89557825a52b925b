"""What is kept of an answer, in the item that it must fit."""

import json
import random
import zlib
from typing import Any

import pytest

from checkout.answer_once import _pack, _unpack, repeat
from checkout.api import Response

pytestmark = pytest.mark.proves("FR-119")

SHORT = {"id": "ord_1", "items": [{"product_id": "mug", "quantity": number, "unit_price": 900} for number in range(9)]}
TEXTS = [random.Random(number).randbytes(250).hex() for number in range(20)]
FAR_APART = {"metadata": {f"key {number}": TEXTS[number % 20] for number in range(50)}}
JUST_TOO_FAR_APART = {"metadata": {f"key {number}": TEXTS[number % 20] for number in range(24)}}
IN_GREEK = {"metadata": {"note": "".join(random.Random(1).choices("αβγδεζηθικλμνξοπρστυφχψω", k=500))}}


@pytest.mark.parametrize("body", [{}, SHORT, FAR_APART], ids=["empty", "short", "far apart"])
def test_an_answer_comes_back_as_it_was(body: dict[str, Any]) -> None:
    kept = json.loads(_pack(Response(201, body, {"location": "/orders/1"})))
    assert (kept["status"], kept["headers"]) == (201, {"location": "/orders/1"})
    assert json.dumps(_unpack(kept["body"])) == json.dumps(body)


@pytest.mark.parametrize(
    "body",
    [SHORT, FAR_APART, JUST_TOO_FAR_APART, IN_GREEK],
    ids=["short", "far apart", "just too far apart", "in Greek"],
)
def test_an_answer_is_as_small_as_zlib_makes_it(body: dict[str, Any]) -> None:
    """Also where what repeats itself is farther apart than a small window is wide."""
    text = json.dumps(body, ensure_ascii=False).encode()
    kept = json.loads(_pack(Response(201, body)))["body"]
    assert len(kept) <= (len(zlib.compress(text)) + 2) // 3 * 4


@pytest.mark.proves("FR-010")
@pytest.mark.parametrize(("status", "body"), [(201, {"id": "pay_1", "duplicate": True}), (400, {"id": "pay_1"})])
def test_a_success_alone_tells_that_it_was_given_before(status: int, body: dict[str, Any]) -> None:
    """Of a refusal only the header does."""
    again = repeat(Response(status, {"id": "pay_1"}, {"location": "/payments/1"}), {"duplicate": True})
    assert again == Response(status, body, {"location": "/payments/1", "idempotent-replayed": "true"})
