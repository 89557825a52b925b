"""A persistence layer for Powertools' idempotency whose record is written with the work, in the same transaction.

Powertools' own layer for DynamoDB puts a record before the work and updates it afterwards: three calls where the work
is one, a record that stays in progress where a process ends in between, and work that nobody remembers where it ends
before the update. Here the work writes the record itself:

    the work begins             nothing is written; what will be in the record is known: `key_id`, `payload_hash`
    the work writes             the record is among what its transaction puts, on the condition that there is none
                                yet. Both are there or neither. Work in several steps puts it without a response at
                                first; what is in progress, its own items say
    something is kept already   the answer to the condition that failed holds the record, and the work raises KeyTaken
                                with it. It is given to `find`, and Powertools asked again: it finds the record where
                                it would have put its own, checks the payload and replays the response
    the work ends or fails      nothing is to be written or taken back
"""

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
    """For one request."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._begun: DataRecord | None = None
        self._found: DataRecord | None = None

    @property
    def key_id(self) -> str:
        """What Powertools makes of operation and key, once the work has begun."""
        return self._get_begun().idempotency_key

    @property
    def payload_hash(self) -> str:
        return self._get_begun().payload_hash

    def find(self, record: KeyRecord) -> None:
        """The next time that the work would begin, this is there already."""
        self._found = DataRecord(
            idempotency_key=record.key_id,
            status=STATUS_CONSTANTS["COMPLETED" if record.response is not None else "INPROGRESS"],
            expiry_timestamp=record.expiration,
            response_data=record.response or "",
            payload_hash=record.payload_hash,
        )

    def _get_begun(self) -> DataRecord:
        if self._begun is None:
            raise LookupError("the work has not begun")
        return self._begun

    # What Powertools calls

    def _put_record(self, data_record: DataRecord) -> None:
        self._begun = data_record
        if self._found and not self._found.is_expired:
            self._validate_payload(data_payload=data_record, stored_data_record=self._found)
            raise IdempotencyItemAlreadyExistsError(old_data_record=self._found)

    def _get_record(self, idempotency_key: Any) -> DataRecord:  # noqa: ARG002 - Powertools names it
        if self._found is None:
            raise IdempotencyItemNotFoundError
        return self._found

    def _update_record(self, data_record: DataRecord) -> None:
        """The work has written it."""

    def _delete_record(self, data_record: DataRecord) -> None:
        """Nothing was written before the work."""
