import pytest

from checkout.seen_keys import SeenKeys

pytestmark = pytest.mark.proves("FR-714")


def test_a_key_is_seen_from_the_second_time_on() -> None:
    seen = SeenKeys()
    assert [seen.note(key) for key in ("a", "b", "a", "b", "a")] == [False, False, True, True, True]


def test_so_many_keys_are_seen_and_then_it_begins_anew() -> None:
    seen = SeenKeys(most=2)
    assert [seen.note(key) for key in ("a", "b", "a", "c")] == [False, False, True, False]
    assert [seen.note(key) for key in ("c", "a", "c", "a")] == [True, False, True, True]
