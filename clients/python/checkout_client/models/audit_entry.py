from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.audit_entry_actor import AuditEntryActor

if TYPE_CHECKING:
    from ..models.audit_entry_facts import AuditEntryFacts


T = TypeVar("T", bound="AuditEntry")


@_attrs_define
class AuditEntry:
    """`from` and `to` are states of the order, or of the payment that `facts` names.

    Attributes:
        sequence (int):
        at (datetime.datetime):
        actor (AuditEntryActor): `system` is what was settled
        event (str): what happened, as `order_paid`; new ones may come
        from_ (None | str):
        to (str):
        facts (AuditEntryFacts): what is needed to follow the change
        request_id (str):
        previous_hash (str): SHA-256 in hexadecimal
        hash_ (str): SHA-256 in hexadecimal
    """

    sequence: int
    at: datetime.datetime
    actor: AuditEntryActor
    event: str
    from_: None | str
    to: str
    facts: AuditEntryFacts
    request_id: str
    previous_hash: str
    hash_: str

    def to_dict(self) -> dict[str, Any]:
        sequence = self.sequence

        at = self.at.isoformat()

        actor = self.actor.value

        event = self.event

        from_: None | str
        from_ = self.from_

        to = self.to

        facts = self.facts.to_dict()

        request_id = self.request_id

        previous_hash = self.previous_hash

        hash_ = self.hash_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "sequence": sequence,
                "at": at,
                "actor": actor,
                "event": event,
                "from": from_,
                "to": to,
                "facts": facts,
                "request_id": request_id,
                "previous_hash": previous_hash,
                "hash": hash_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audit_entry_facts import AuditEntryFacts  # noqa: PLC0415

        d = dict(src_dict)
        sequence = d.pop("sequence")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        actor = AuditEntryActor(d.pop("actor"))

        event = d.pop("event")

        def _parse_from_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        from_ = _parse_from_(d.pop("from"))

        to = d.pop("to")

        facts = AuditEntryFacts.from_dict(d.pop("facts"))

        request_id = d.pop("request_id")

        previous_hash = d.pop("previous_hash")

        hash_ = d.pop("hash")

        audit_entry = cls(
            sequence=sequence,
            at=at,
            actor=actor,
            event=event,
            from_=from_,
            to=to,
            facts=facts,
            request_id=request_id,
            previous_hash=previous_hash,
            hash_=hash_,
        )

        return audit_entry
