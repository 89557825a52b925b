import gc
import weakref
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from checkout.cursor import CursorSigner
from checkout.errors import InvalidCursor
from checkout.transitions import OrderStatus

pytestmark = pytest.mark.proves("FR-109")

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def signer(secret: str = "s" * 32, *, at: datetime = NOW) -> CursorSigner:
    return CursorSigner(secret, clock=lambda: at)


def test_a_cursor_is_read_by_the_list_it_was_made_for() -> None:
    cursor = signer().sign("ord_1", "alice", None)
    assert signer(at=NOW + timedelta(hours=23)).read(cursor, "alice", None) == "ord_1"


def test_a_cursor_does_not_show_whose_it_is() -> None:
    assert "alice" not in signer().sign("ord_1", "alice", None)


@pytest.mark.parametrize(
    ("reader", "customer", "status"),
    [
        (signer(), "bob", None),
        (signer(), "alice", OrderStatus.PAID),
        (signer("t" * 32), "alice", None),
        (signer(at=NOW + timedelta(hours=24, seconds=1)), "alice", None),
    ],
    ids=["another customer", "another list", "another secret", "expired"],
)
def test_a_cursor_is_refused_by(reader: CursorSigner, customer: str, status: OrderStatus | None) -> None:
    with pytest.raises(InvalidCursor):
        reader.read(signer().sign("ord_1", "alice", None), customer, status)


def test_an_altered_cursor_is_refused() -> None:
    cursor = signer().sign("ord_1", "alice", None)
    altered = [
        f"{cursor[:at]}{other}{cursor[at + 1 :]}"
        for at in range(len(cursor))
        for other in "AZaz09-_"
        if other != cursor[at]
    ]
    for other in [*altered, "", "x", "..", cursor + "x", cursor + "=", cursor + "==", "\u20ac"]:
        with pytest.raises(InvalidCursor):
            signer().read(other, "alice", None)


def test_what_is_no_text_is_no_cursor() -> None:
    with pytest.raises(InvalidCursor):
        signer().read("\ud800", "alice", None)


class Request:
    """What a request holds, in a frame."""


def refuse(cursor: str) -> "weakref.ref[Request]":
    request = Request()
    with suppress(InvalidCursor):
        signer().read(cursor, "alice", None)
    return weakref.ref(request)


@pytest.mark.proves("FR-715")
@pytest.mark.parametrize("cursor", ["zzz", "a.b.c", signer("t" * 32).sign("ord_1", "alice", None), "\ud800"])
def test_a_refused_cursor_keeps_nothing_of_its_request(cursor: str) -> None:
    gc.collect()
    gc.disable()
    try:
        assert refuse(cursor)() is None
    finally:
        gc.enable()
