"""A persistence layer for Powertools' idempotency whose record is written with the work, in the same transaction.

Powertools' own layer for DynamoDB puts a record before the work and updates it afterwards: three calls where the work
is one, a record that stays in progress where a process ends in between, and work that nobody remembers where it ends
before the update. Here the work writes the record itself:

    the work begins             nothing is written; what will be in the record is known: `make_record`, or `key_id` and
                                `payload_hash`
    the work writes             the record is among what its transaction puts, on the condition that there is none
                                yet. Both are there or neither. Work in several steps puts it without a response at
                                first; what is in progress, its own items say
    something is kept already   the answer to the condition that failed holds the record, and the work raises KeyTaken
                                with it. It is given to `find`, and Powertools asked again: it finds the record where
                                it would have put its own, checks the payload and replays the response
    the work ends or fails      nothing is to be written or taken back
"""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS, DataRecord

from checkout.key_records import KeyRecord

__all__ = ["TransactionalPersistence"]


class TransactionalPersistence(BasePersistenceLayer):
    """For one request after another."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._begun: DataRecord | None = None
        self._found: KeyRecord | None = None

    @property
    def key_id(self) -> str:
        """What Powertools makes of operation and key, once the work has begun."""
        return self._get_begun().idempotency_key

    @property
    def payload_hash(self) -> str:
        return self._get_begun().payload_hash

    def make_record(self, response: str | None = None, *, made_id: str = "") -> KeyRecord | None:
        """For the work to write: with its answer as JSON, or in progress for the time that the function has left.

        None where nothing is to be kept: the request has no key, or idempotency is disabled.
        """
        if self._begun is None:
            return None
        return KeyRecord(
            self.key_id,
            self.payload_hash,
            made_id,
            self._get_expiry_timestamp(),
            response,
            self._begun.in_progress_expiry_timestamp if response is None else None,
        )

    def find(self, record: KeyRecord) -> None:
        """The next time that the work would begin, this is there already."""
        self._found = record

    def _get_begun(self) -> DataRecord:
        if self._begun is None:
            raise LookupError("the work has not begun")
        return self._begun

    # What Powertools calls

    def save_inprogress(self, data: dict[str, Any], remaining_time_in_millis: int | None = None) -> None:
        """Where the request has no key, nothing begins."""
        self._begun = None
        super().save_inprogress(data, remaining_time_in_millis)

    def save_success(self, data: dict[str, Any], result: dict[str, Any]) -> None:
        """The work has written its record. Powertools makes another, for its cache, and hashes all again for it."""
        self._begun = None
        if self.use_local_cache:
            super().save_success(data, result)

    def _put_record(self, data_record: DataRecord) -> None:
        found, self._found = self._found, None
        if found and found.key_id == data_record.idempotency_key and not found.has_run_out(datetime.now(UTC)):
            known = _to_data_record(found)
            self._validate_payload(data_payload=data_record, stored_data_record=known)
            self._save_to_cache(data_record=known)
            raise IdempotencyItemAlreadyExistsError(old_data_record=known)
        self._begun = data_record

    def _get_record(self, idempotency_key: Any) -> DataRecord:  # noqa: ARG002 - Powertools names it
        """What there is, the work finds."""
        raise IdempotencyItemNotFoundError

    def _update_record(self, data_record: DataRecord) -> None:
        """The work has written it."""

    def _delete_record(self, data_record: DataRecord) -> None:  # noqa: ARG002 - Powertools names it
        """Nothing was written before the work."""
        self._begun = None


def _to_data_record(record: KeyRecord) -> DataRecord:
    return DataRecord(
        idempotency_key=record.key_id,
        status=STATUS_CONSTANTS["COMPLETED" if record.response is not None else "INPROGRESS"],
        expiry_timestamp=record.expiration,
        in_progress_expiry_timestamp=record.in_progress_expiration,
        response_data=record.response or "",
        payload_hash=record.payload_hash,
    )
