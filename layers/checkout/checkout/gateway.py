"""What the checkout asks of a payment gateway."""

from dataclasses import dataclass
from typing import Protocol

from checkout.clock import Deadline
from checkout.money import Money

__all__ = ["Charge", "ChargeUnknown", "Gateway", "NotCharged"]


@dataclass(frozen=True, slots=True)
class Charge:
    """The gateway's answer: its own reference, and where the card was declined the reason."""

    reference: str
    decline_code: str | None = None


class NotCharged(Exception):
    """The gateway did not take the request: the card was surely not charged."""


class ChargeUnknown(Exception):
    """The gateway gave no answer that tells whether the card was charged."""


class Gateway(Protocol):
    """A payment gateway."""

    def check_token(self, token: str) -> None:
        """Raises InvalidToken where the token cannot be one of this gateway's; asks nobody."""

    def charge(self, payment_id: str, order_id: str, money: Money, token: str, deadline: Deadline) -> Charge:
        """Charges a card once for a payment id, the idempotency key: asked again, it gives the first answer again.

        Raises NotCharged and ChargeUnknown, and ends before the deadline does.
        """
