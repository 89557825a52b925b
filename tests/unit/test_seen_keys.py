import pytest

from checkout.seen_keys import SeenKeys

pytestmark = pytest.mark.proves("FR-714")


def test_what_was_made_under_a_key_is_found_once_it_is_noted() -> None:
    seen = SeenKeys()
    assert seen.find("key") is None
    seen.note("key")
    assert seen.find("key") == ""
    seen.note("key", "pay_1_002")
    assert (seen.find("key"), seen.find("other")) == ("pay_1_002", None)


def test_so_many_keys_are_noted_and_then_it_begins_anew() -> None:
    seen = SeenKeys(most=2)
    for key in ("a", "b", "a"):
        seen.note(key)
    assert [seen.find(key) for key in ("a", "b")] == ["", ""]
    seen.note("c")
    assert [seen.find(key) for key in ("a", "b", "c")] == [None, None, ""]
