"""The audit trail of an order: numbered entries, each holding the hash of the one before it (FR-029, FR-030).

An entry's hash is the SHA-256, in hexadecimal, of its canonical JSON (RFC 8785): all its members but `hash`, and the
order's id. The order, or the payment that holds it, keeps the head, the last entry's number and hash, so that a trail
whose end was cut off does not fit either. Entries name a role as the actor, never a person (FR-031).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

__all__ = ["EMPTY_TRAIL", "Actor", "AuditEntry", "AuditHead", "Misfit", "append_entry", "find_misfit", "hash_entry"]


class Actor(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last entry of a trail: its number, counted from 1, and its hash."""

    sequence: int
    hash: str


EMPTY_TRAIL = AuditHead(sequence=0, hash="0" * 64)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change: who did what and when, the state before and after, and the facts needed to replay it."""

    order_id: str
    sequence: int
    at: str
    actor: str
    event: str
    from_status: str | None
    to_status: str
    facts: Mapping[str, Any]
    request_id: str
    previous_hash: str
    hash: str

    @property
    def head(self) -> AuditHead:
        return AuditHead(self.sequence, self.hash)

    def to_document(self) -> dict[str, Any]:
        """The entry with its public member names, `from` and `to` among them."""
        renamed = {"from_status": "from", "to_status": "to"}
        document = {renamed.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        return {**document, "facts": dict(self.facts)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "AuditEntry":
        renamed = {"from": "from_status", "to": "to_status"}
        return cls(**{renamed.get(name, name): value for name, value in document.items()})


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first place where a trail is not what was written: the entry expected there, and what is wrong."""

    sequence: int
    reason: str


def hash_entry(document: Mapping[str, Any]) -> str:
    """SHA-256 in hexadecimal of an entry's document without its `hash`, canonical as in RFC 8785.

    Of such documents, whose names are in ASCII and whose numbers are whole, the standard library writes just that.
    """
    hashed = {name: value for name, value in document.items() if name != "hash"}
    canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def append_entry(
    head: AuditHead,
    *,
    order_id: str,
    at: str,
    actor: Actor,
    event: str,
    from_status: str | None,
    to_status: str,
    facts: Mapping[str, Any],
    request_id: str,
) -> AuditEntry:
    """The entry that follows the head; `at` is RFC 3339, facts are JSON values without floats."""
    document: dict[str, Any] = {
        "order_id": order_id,
        "sequence": head.sequence + 1,
        "at": at,
        "actor": str(actor),
        "event": event,
        "from": from_status,
        "to": to_status,
        "facts": dict(facts),
        "request_id": request_id,
        "previous_hash": head.hash,
    }
    return AuditEntry.from_document({**document, "hash": hash_entry(document)})


def find_misfit(order_id: str, entries: Iterable[AuditEntry], head: AuditHead) -> Misfit | None:
    """The first entry of an order's trail, oldest first, that does not fit; None where all do and end at the head."""
    last = EMPTY_TRAIL
    for entry in entries:
        expected = last.sequence + 1
        if entry.order_id != order_id:
            return Misfit(expected, f"belongs to {entry.order_id}")
        if entry.sequence != expected:
            return Misfit(expected, f"is missing: the next entry is number {entry.sequence}")
        if entry.previous_hash != last.hash:
            return Misfit(expected, "does not hold the hash of the entry before it")
        if entry.hash != hash_entry(entry.to_document()):
            return Misfit(expected, "was changed: its hash is not that of its content")
        last = entry.head
    if last.sequence < head.sequence:
        return Misfit(last.sequence + 1, f"is missing: the order has {head.sequence} entries")
    if last != head:
        return Misfit(last.sequence, "is not the last entry that the order knows")
    return None
