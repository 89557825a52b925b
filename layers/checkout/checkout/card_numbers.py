"""Finds values shaped like a card number, so that card data is refused before it is kept or logged (FR-007)."""

import re
from collections.abc import Iterator
from unicodedata import normalize

__all__ = ["holds_card_number"]

# A run of digits, in groups that white space or punctuation parts.
DIGIT_GROUPS = re.compile(r"\d+(?:[\s._/\-\u2010-\u2015]{1,3}\d+)*")
# Of random UUIDs one in some hundreds has such a run, of our own ids one in a million: the digits that it ends with and
# its number. None is a card number.
ID = re.compile(
    r"(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|\b(?:ord|pay|ref)_0[0-9A-HJKMNP-TV-Z]{25}(?:_[0-9]{2,6}){0,2}\b"
)
# 13 to 19 digits that start as the payment networks' numbers do: 2221-2720 and 3 to 6 (ISO/IEC 7812).
CARD_SHAPE = re.compile(r"(?:[3-6]|2[2-7])\d{12,18}")
SHORTEST, LONGEST = 13, 19


def holds_card_number(value: object) -> bool:
    """Whether a parsed JSON value has, at any depth, in a key, a string or a number, what looks like a card number."""
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            pending.extend(found.keys())
            pending.extend(found.values())
        elif isinstance(found, list):
            pending.extend(found)
        elif isinstance(found, str | int | float) and any(map(_is_card_number, _find_digits(str(found)))):
            return True
    return False


def _find_digits(text: str) -> Iterator[str]:
    """Every run of whole neighbouring groups, joined, that is as long as a card number can be.

    In ASCII, whichever digits the text is written in.
    """
    if text.isascii() and len(text) < SHORTEST:
        return
    for match in DIGIT_GROUPS.finditer(ID.sub("ID", normalize("NFKC", text))):
        groups = re.split(r"\D+", match[0])
        for start in range(len(groups)):
            joined = ""
            for group in groups[start : start + LONGEST]:
                joined += group
                if len(joined) > LONGEST:
                    break
                if len(joined) >= SHORTEST:
                    yield joined


def _is_card_number(digits: str) -> bool:
    return CARD_SHAPE.fullmatch(digits) is not None and _passes_luhn([int(digit) for digit in digits])


def _passes_luhn(digits: list[int]) -> bool:
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
