"""Amounts as Stripe counts them. Pure.

Stripe and ISO 4217 differ on the minor unit of a few currencies, and a wrong digit charges a hundred times too much:
https://docs.stripe.com/currencies#special-cases
"""

from collections.abc import Mapping
from types import MappingProxyType

from checkout.currencies import MINOR_UNIT_DIGITS
from checkout.money import Money

__all__ = ["from_stripe_amount", "to_stripe_amount"]

STRIPE_DIGITS: Mapping[str, int] = MappingProxyType({"isk": 2, "mga": 0, "ugx": 2})
"""Digits of the minor unit to Stripe, of the currencies on which it differs."""


def to_stripe_amount(money: Money) -> int:
    """Raises ValueError where Stripe has no unit that small."""
    ours, stripes = _units_of(money.currency)
    amount, rest = divmod(money.amount * stripes, ours)
    if rest:
        raise ValueError("Stripe has no unit of the currency that is so small")
    return amount


def from_stripe_amount(amount: int, currency: str) -> Money:
    """A remainder, which nothing of the checkout leaves, is dropped."""
    ours, stripes = _units_of(currency)
    return Money(amount * ours // stripes, currency)


def _units_of(currency: str) -> tuple[int, int]:
    """How many minor units make one of a currency, by ISO 4217 and to Stripe."""
    digits = MINOR_UNIT_DIGITS.get(currency, 2)
    return 10**digits, 10 ** STRIPE_DIGITS.get(currency, digits)
