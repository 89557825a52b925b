"""What is kept under an idempotency key: which request used it, what was made under it, and the answer (FR-010).

A record is written in the transaction of the work that it is the result of, so that neither is there without the other.
Its attributes are those of Powertools' own records, and `made_id`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

__all__ = ["KeyRecord", "KeyTaken", "RequestKey"]

KEPT = timedelta(hours=24)
LONGEST_REQUEST = timedelta(minutes=1)
"""More than any function's time."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """`key_id` is of operation, customer and key, `payload_hash` of the request, `made_id` of the order, payment or
    refund that was made; where there is none of the last two, they are empty. `response` is the answer as JSON; None as
    long as there is no result. Kept until `expiration`, in seconds since 1970; without a result until
    `in_progress_expiration`, in milliseconds, where the record has that: the checkout's own have not."""

    key_id: str
    payload_hash: str
    made_id: str
    expiration: int
    response: str | None = None
    in_progress_expiration: int | None = None

    def has_run_out(self, now: datetime) -> bool:
        """DynamoDB removes what has run out within days, not at once."""
        if self.expiration < int(now.timestamp()):
            return True
        if self.response is not None or self.in_progress_expiration is None:
            return False
        return self.in_progress_expiration < int(now.timestamp() * 1000)

    def holds(self, made_id: str, now: datetime) -> bool:
        """Whether the key is that work's, and will be until a request that begins now has ended."""
        return self.made_id == made_id and not self.has_run_out(now + LONGEST_REQUEST)

    def answers(self, payload_hash: str) -> bool:
        """Whether it has the answer to such a request. To another request it may be another order's, which used the key
        after a day: then the refunds of this order say whose it is."""
        return self.response is not None and self.payload_hash == payload_hash

    def to_item(self) -> dict[str, Any]:
        item = {
            "id": self.key_id,
            "validation": self.payload_hash,
            "made_id": self.made_id,
            "expiration": self.expiration,
            "in_progress_expiration": self.in_progress_expiration,
            "status": "INPROGRESS" if self.response is None else "COMPLETED",
            "data": self.response,
        }
        return {name: value for name, value in item.items() if value not in (None, "")}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "KeyRecord":
        """Also of a record that Powertools' layer for DynamoDB wrote."""
        return cls(
            item["id"],
            item.get("validation", ""),
            item.get("made_id", ""),
            item["expiration"],
            item.get("data"),
            item.get("in_progress_expiration"),
        )


@dataclass(frozen=True, slots=True)
class RequestKey(Generic[Made]):
    """The key that a request carries, by its hashes, and how the answer follows from what is made."""

    key_id: str
    payload_hash: str
    answer: Callable[[Made], str]

    def start(self, made_id: str, at: datetime) -> KeyRecord:
        """The record of work that has begun under the key."""
        return KeyRecord(self.key_id, self.payload_hash, made_id, int((at + KEPT).timestamp()))

    def complete(self, made_id: str, made: Made, at: datetime) -> KeyRecord:
        """The record of work that is done."""
        return replace(self.start(made_id, at), response=self.answer(made))


class KeyTaken(Exception):
    """The key has a record with a response: that is the answer, if it is of the same request."""

    def __init__(self, record: KeyRecord) -> None:
        super().__init__()
        self.record = record
