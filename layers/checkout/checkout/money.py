"""Amounts of money: integer minor units with their currency, never a float (FR-008)."""

from dataclasses import dataclass

from checkout.currencies import MINOR_UNIT_DIGITS

__all__ = ["Money", "is_currency"]


def is_currency(code: str) -> bool:
    """Whether a lower-case code is an ISO 4217 currency that has a minor unit."""
    return code in MINOR_UNIT_DIGITS


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in minor units of `currency`, an ISO 4217 code in lower case: Money(1999, "usd") is 19.99 USD."""

    amount: int
    currency: str

    def __str__(self) -> str:
        digits = MINOR_UNIT_DIGITS[self.currency]
        whole, minor = divmod(self.amount, 10**digits)
        return f"{whole:,}{f'.{minor:0{digits}}' if digits else ''} {self.currency.upper()}"
