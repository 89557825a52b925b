"""Events that Stripe sends: whether they are Stripe's, and which payment they are about (FR-224, FR-225).

What an event says of a payment is not read: events come late, twice and in any order. https://docs.stripe.com/webhooks
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checkout.errors import InvalidJson, InvalidSignature
from checkout.identifiers import is_payment_id

__all__ = ["StripeEvent", "verify_event"]

TOLERANCE_SECONDS = 300
MAX_SECRETS = 2


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """An event by its id, and the payment of ours whose id is in the metadata of its object, if there is one."""

    event_id: str
    payment_id: str | None


def verify_event(payload: bytes, signature: str | None, secrets: Sequence[str], *, now: datetime) -> StripeEvent:
    """The event of a request, by its raw bytes and its header Stripe-Signature.

    Raises InvalidSignature unless one of the secrets, two at most, signed these bytes within the last five minutes; and
    InvalidJson where what was signed is no event. https://docs.stripe.com/webhooks/signature
    """
    signed_at, signatures = _read_header(signature or "")
    signed = f"{signed_at}.".encode() + payload
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets[:MAX_SECRETS]]
    # Every pair is compared, so that the time it takes does not tell which of them came close.
    matches = [hmac.compare_digest(made, sent) for made in expected for sent in signatures]
    if not any(matches) or abs(now.timestamp() - signed_at) > TOLERANCE_SECONDS:
        raise InvalidSignature
    return _read_event(payload)


def _read_header(header: str) -> tuple[int, list[str]]:
    """When it was signed, in seconds, and each signature: `t=1700000000,v1=5257a8…,v1=…`. Others are left out."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 12):
        raise InvalidSignature
    return int(times[0]), [value for name, _, value in pairs if name == "v1" and value.isascii()]


def _read_event(payload: bytes) -> StripeEvent:
    try:
        event: Any = json.loads(payload)
        event_id = event["id"]
        metadata = event["data"]["object"].get("metadata") or {}
        payment_id = metadata.get("payment_id")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidJson("The body is no event of Stripe's.") from None
    if not isinstance(event_id, str) or not event_id:
        raise InvalidJson("The body is no event of Stripe's.")
    known = isinstance(payment_id, str) and is_payment_id(payment_id)
    return StripeEvent(event_id, payment_id if known else None)
