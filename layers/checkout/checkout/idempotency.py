"""Results by idempotency key: the same request again gets the same answer again (FR-009 to FR-013).

Powertools keys the results by operation, customer and key, tells a request of another, and repeats what is kept. It is
the outer ring: that money is taken once rests on the conditional writes below it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    BasePersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)

from checkout.errors import (
    IdempotencyInProgress,
    IdempotencyKeyConflict,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    StoreUnavailable,
    ValidationFailed,
)

__all__ = ["Result", "agree_on_key", "run_once"]

Result = Mapping[str, Any]
"""What is kept, as JSON."""

KEPT_SECONDS = 24 * 60 * 60
MAX_KEY_LENGTH = 255


def agree_on_key(header: str | None, body: str | None) -> str:
    """The key of a request that may carry it in the Idempotency-Key header, quoted or bare, and in its body.

    Raises IdempotencyKeyRequired, IdempotencyKeyConflict and, for a key that is too long, ValidationFailed.
    """
    bare = _unquote(header.strip()) if header is not None else None
    if bare is not None and len(bare) > MAX_KEY_LENGTH:
        raise ValidationFailed.of_field("Idempotency-Key", f"must have 1 to {MAX_KEY_LENGTH} characters")
    if bare and body and bare != body:
        raise IdempotencyKeyConflict
    key = bare or body
    if not key:
        raise IdempotencyKeyRequired
    return key


def _unquote(key: str) -> str:
    """A structured-field string (RFC 8941, section 3.3.3) without its quotes and escapes; another key as it is."""
    if len(key) >= 2 and key[0] == key[-1] == '"':
        return key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return key


def run_once(
    work: Callable[[], Result],
    *,
    operation: str,
    customer_id: str,
    key: str,
    payload: Mapping[str, Any],
    persistence: BasePersistenceLayer,
    lambda_context: Any,
) -> tuple[Result, bool]:
    """The result of `work`, or the one kept for this customer and key; and whether it was kept.

    What `work` raises is not kept, and raised. Raises IdempotencyKeyReused, IdempotencyInProgress and StoreUnavailable.
    """
    config = IdempotencyConfig(
        event_key_jmespath="[customer_id, key]",
        payload_validation_jmespath="payload",
        raise_on_no_idempotency_key=True,
        expires_after_seconds=KEPT_SECONDS,
        hash_function="sha256",
        lambda_context=lambda_context,
    )
    done: list[Result] = []

    @idempotent_function(  # type: ignore[untyped-decorator]
        data_keyword_argument="request", persistence_store=persistence, config=config, key_prefix=operation
    )
    def run(*, request: Mapping[str, Any]) -> Result:  # noqa: ARG001 - Powertools takes the key from it
        done.append(work())
        return done[-1]

    try:
        result = run(request={"customer_id": customer_id, "key": key, "payload": payload})
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused from error
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise IdempotencyInProgress from error
    except IdempotencyPersistenceLayerError as error:
        # The work is done; that its result could not be kept must not hide it (the record runs out by itself).
        if done:
            return done[0], False
        raise StoreUnavailable from error
    return result, not done
