"""What the checkout asks of a payment gateway.

A payment id, and a refund id, is the gateway's idempotency key: the same one again is the same charge, or refund,
again, for an hour at least; Stripe promises a day (https://docs.stripe.com/api/idempotent_requests). Every call ends
before its deadline does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from checkout.clock import Deadline
from checkout.money import Money
from checkout.payments import Payment
from checkout.refunds import Refund

__all__ = [
    "Charge",
    "ChargeStatus",
    "Gateway",
    "GatewayRefund",
    "OutOfTime",
    "OutcomeUndecided",
    "OutcomeUnknown",
    "RefundOutcome",
    "RequestNotTaken",
    "RequestRefused",
]


class RequestNotTaken(Exception):
    """The gateway did not take the request: surely nothing was charged, or refunded, by it."""


class RequestRefused(RequestNotTaken):
    """The gateway looked at the request and said no. Nothing is wrong with the gateway."""


class OutOfTime(RequestNotTaken):
    """The request was not made: there was no time for it. Nothing is wrong with the gateway."""


class OutcomeUnknown(Exception):
    """The gateway gave no answer that tells what happened."""


class OutcomeUndecided(OutcomeUnknown):
    """The gateway answered, and what happened is not decided yet. Nothing is wrong with the gateway."""


class ChargeStatus(StrEnum):
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    PENDING = "pending"


class RefundOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as the gateway has it: whose, its own reference (empty where a decline has none), its amount.

    `decline_code` where it was declined; `next_action` where it waits for the customer: what the client needs for that,
    in the gateway's own terms. `payment_id` is None where the gateway has a charge that is not the checkout's.
    """

    payment_id: str | None
    reference: str
    status: ChargeStatus
    money: Money
    decline_code: str | None = None
    next_action: Mapping[str, Any] | None = None
    refunded_amount: int = 0


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """A refund as the gateway has it; `failure_reason` where it failed, `reference` unless it was refused at once."""

    reference: str | None
    outcome: RefundOutcome
    failure_reason: str | None = None


class Gateway(Protocol):
    """A payment gateway."""

    def check_token(self, token: str) -> None:
        """Raises InvalidToken where the token cannot be one of this gateway's; asks nobody."""

    def charge(self, payment: Payment, token: str, deadline: Deadline) -> Charge:
        """Charges a card once for a payment: asked again, it gives the first outcome, or what has become of it.

        Raises RequestNotTaken, OutcomeUnknown, and InvalidToken where the gateway does not know the token: surely not
        charged.
        """

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        """The charge of a payment, as it is now; None where there is none yet. Raises OutcomeUnknown."""

    def prevent_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        """The charge of a payment that has its outcome; None once there is none, and none can come any more.

        A charge that waits for its customer is cancelled. Raises OutcomeUnknown where neither is certain: ask again.
        """

    def refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund:
        """Returns money of a charge, once for a refund, which was asked for before at `refund.asked_at`, if ever.

        Raises RequestNotTaken and OutcomeUnknown.
        """

    def find_refunds(
        self, refunds: Sequence[Refund], payment: Payment, deadline: Deadline
    ) -> Mapping[str, GatewayRefund]:
        """Of these refunds of a payment those that there are, as they are now, by refund id. Raises OutcomeUnknown."""

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        """Every charge made from `since` up to `until`, in any order. Raises OutcomeUnknown."""
