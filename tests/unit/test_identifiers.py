from datetime import UTC, datetime, timedelta

import pytest

from checkout.clock import format_time
from checkout.identifiers import is_order_id, is_payment_id, is_payment_of, new_order_id, payment_id_of

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.proves("FR-117")


def highest_bytes(count: int) -> bytes:
    return b"\xff" * count


def test_an_order_id_follows_from_time_and_randomness() -> None:
    assert new_order_id(NOW, bytes) == "ord_01KG9YS7G00000000000000000"


def test_order_ids_sort_by_time_whatever_the_randomness() -> None:
    earlier = new_order_id(NOW, highest_bytes)
    assert earlier < new_order_id(NOW + timedelta(milliseconds=1), bytes)


@pytest.mark.proves("FR-015")
def test_a_payment_id_follows_from_order_and_attempt() -> None:
    order_id = new_order_id(NOW, bytes)
    assert payment_id_of(order_id, 1) == "pay_01KG9YS7G00000000000000000_001"
    assert payment_id_of(order_id, 9) < payment_id_of(order_id, 10)


def test_ids_are_known_by_their_shape() -> None:
    order_id = new_order_id(NOW, highest_bytes)
    assert is_order_id(order_id)
    assert is_payment_id(payment_id_of(order_id, 1))
    assert is_payment_id(payment_id_of(order_id, 1234))
    for other in ["", "ord_", order_id + "0", order_id.lower(), "x" * 5000, order_id + "\n", "pay_1", f"{order_id}#"]:
        assert not is_order_id(other)
        assert not is_payment_id(other)


def test_times_are_rfc_3339_in_utc_with_milliseconds() -> None:
    assert format_time(NOW + timedelta(microseconds=1234)) == "2026-01-31T12:00:00.001Z"


@pytest.mark.proves("FR-015")
def test_an_id_tells_which_order_a_payment_is_of() -> None:
    order_id, other = "ord_01KG9YS7G00000000000000000", "ord_01KG9YS7G00000000000000001"
    assert is_payment_of(payment_id_of(order_id, 2), order_id)
    assert not is_payment_of(payment_id_of(order_id, 2), other)
