from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from checkout.audit import EMPTY_TRAIL, Actor, AuditEntry, Misfit, append_entry, find_misfit, hash_entry

pytestmark = pytest.mark.proves("FR-030")

ORDER_ID = "ord_01KG9YS7G00000000000000000"


def make_trail(length: int, order_id: str = ORDER_ID) -> list[AuditEntry]:
    trail: list[AuditEntry] = []
    for number in range(1, length + 1):
        trail.append(
            append_entry(
                trail[-1].head if trail else EMPTY_TRAIL,
                order_id=order_id,
                at=f"2026-01-31T12:00:0{number}.000Z",
                actor=Actor.CUSTOMER,
                event=f"event_{number}",
                from_status=None,
                to_status="created",
                facts={"amount": number, "items": [{"product_id": "é\u20ac"}]},
                request_id="req",
            )
        )
    return trail


def test_a_trail_as_written_fits() -> None:
    trail = make_trail(4)
    assert find_misfit(ORDER_ID, trail, trail[-1].head) is None
    assert [entry.sequence for entry in trail] == [1, 2, 3, 4]


def test_the_hash_is_sha_256_of_the_canonical_entry() -> None:
    [entry] = make_trail(1)
    document = entry.to_document()
    del document["hash"]
    assert entry.hash == sha256(rfc8785.dumps(document)).hexdigest()
    assert entry.previous_hash == "0" * 64
    assert set(document) == {
        "order_id", "sequence", "at", "actor", "event", "from", "to", "facts", "request_id", "previous_hash"
    }  # fmt: skip


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
VALUES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
FACTS = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


@given(st.dictionaries(NAMES, FACTS), TEXT)
def test_whatever_the_facts_the_hash_is_of_what_rfc_8785_says(facts: dict[str, Any], request_id: str) -> None:
    [entry] = make_trail(1)
    document = {**entry.to_document(), "facts": facts, "request_id": request_id}
    del document["hash"]
    assert hash_entry({**document, "hash": "its own"}) == sha256(rfc8785.dumps(document)).hexdigest()


CHANGED = "was changed: its hash is not that of its content"
UNCHAINED = "does not hold the hash of the entry before it"

CHANGES: dict[str, dict[str, Any]] = {
    "at": {"at": "2020-01-01T00:00:00.000Z"},
    "actor": {"actor": "staff"},
    "event": {"event": "order_paid"},
    "from": {"from_status": "paid"},
    "to": {"to_status": "paid"},
    "facts": {"facts": {"amount": 1_000_000}},
    "request_id": {"request_id": "another"},
    "hash": {"hash": "f" * 64},
    "previous_hash": {"previous_hash": "f" * 64},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_entry_is_named(change: dict[str, Any]) -> None:
    trail = make_trail(4)
    trail[2] = replace(trail[2], **change)
    reason = UNCHAINED if "previous_hash" in change else CHANGED
    assert find_misfit(ORDER_ID, trail, trail[-1].head) == Misfit(3, reason)


def test_a_changed_entry_with_its_hash_made_anew_breaks_the_chain_after_it() -> None:
    trail = make_trail(4)
    head = trail[-1].head
    forged = append_entry(
        trail[1].head,
        order_id=ORDER_ID,
        at="2026-01-31T12:00:03.000Z",
        actor=Actor.CUSTOMER,
        event="forged",
        from_status=None,
        to_status="created",
        facts={},
        request_id="req",
    )
    assert find_misfit(ORDER_ID, [*trail[:2], forged, trail[3]], head) == Misfit(4, UNCHAINED)


TAMPERING: dict[str, tuple[Callable[[list[AuditEntry]], list[AuditEntry]], Misfit]] = {
    "first removed": (lambda trail: trail[1:], Misfit(1, "is missing: the next entry is number 2")),
    "middle removed": (lambda trail: [trail[0], *trail[2:]], Misfit(2, "is missing: the next entry is number 3")),
    "last removed": (lambda trail: trail[:-1], Misfit(4, "is missing: the order has 4 entries")),
    "all removed": (lambda _: [], Misfit(1, "is missing: the order has 4 entries")),
    "one inserted twice": (
        lambda trail: [*trail[:2], trail[1], *trail[2:]],
        Misfit(3, "is missing: the next entry is number 2"),
    ),
    "two swapped": (
        lambda trail: [trail[0], trail[2], trail[1], trail[3]],
        Misfit(2, "is missing: the next entry is number 3"),
    ),
    "two swapped with their numbers": (
        lambda trail: [trail[0], replace(trail[2], sequence=2), replace(trail[1], sequence=3), trail[3]],
        Misfit(2, UNCHAINED),
    ),
    "one of another order": (
        lambda trail: [trail[0], make_trail(2, "ord_other")[1], *trail[2:]],
        Misfit(2, "belongs to ord_other"),
    ),
}


@pytest.mark.parametrize(("tamper", "misfit"), TAMPERING.values(), ids=TAMPERING.keys())
def test_what_was_removed_inserted_or_swapped_is_named(
    tamper: Callable[[list[AuditEntry]], list[AuditEntry]], misfit: Misfit
) -> None:
    trail = make_trail(4)
    assert find_misfit(ORDER_ID, tamper(trail), trail[-1].head) == misfit


def test_an_entry_after_the_head_is_named() -> None:
    trail = make_trail(4)
    assert find_misfit(ORDER_ID, trail, trail[2].head) == Misfit(4, "is not the last entry that the order knows")
