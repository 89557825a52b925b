"""Ids: prefixed by what they are of, sorting by time (FR-117)."""

import re
from collections.abc import Callable
from datetime import datetime

from ulid import ULID

__all__ = [
    "Randomness",
    "is_order_id",
    "is_payment_id",
    "is_payment_of",
    "new_order_id",
    "payment_id_of",
    "refund_id_of",
]

ORDER_ID = re.compile(r"ord_[0-9A-HJKMNP-TV-Z]{26}")
PAYMENT_ID = re.compile(r"pay_[0-9A-HJKMNP-TV-Z]{26}_[0-9]{3,6}")

Randomness = Callable[[int], bytes]
"""Gives that many random bytes."""


def new_order_id(now: datetime, randomness: Randomness) -> str:
    """`ord_` and a ULID: 48 bits of milliseconds, 80 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    return f"ord_{ULID.from_bytes(milliseconds.to_bytes(6, 'big') + randomness(10))}"


def payment_id_of(order_id: str, attempt: int) -> str:
    """The payment id of an attempt to pay an order, counted from 1.

    It follows from the two, so that an attempt that is resumed is the same payment, at the gateway too (FR-015).
    """
    return f"pay_{order_id.removeprefix('ord_')}_{attempt:03}"


def is_payment_of(payment_id: str, order_id: str) -> bool:
    """Whether the payment is an attempt to pay the order, as their ids tell."""
    return payment_id.startswith(f"pay_{order_id.removeprefix('ord_')}_")


def is_order_id(text: str) -> bool:
    """Whether it is shaped as an order id; clients may send anything in its place."""
    return ORDER_ID.fullmatch(text) is not None


def is_payment_id(text: str) -> bool:
    """Whether it is shaped as a payment id; clients may send anything in its place."""
    return PAYMENT_ID.fullmatch(text) is not None


def refund_id_of(payment_id: str, number: int) -> str:
    """The refund id of a payment's refund, counted from 1: a refund that is resumed is the same, at the gateway too."""
    return f"ref_{payment_id.removeprefix('pay_')}_{number:02}"
