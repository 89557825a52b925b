"""What no log line may hold (FR-031), found by its shape."""

import re

from checkout.card_numbers import holds_card_number

__all__ = ["find_secrets"]

SECRETS = re.compile(
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}"  # a bearer token
    r"|\b(?:tok|pm)_(?!type)[A-Za-z]\w{2,}"  # a card's token
    r"|\b[sr]k_(?:test|live)_\w+"  # Stripe's key
    r"|\bwhsec_\w+"  # a webhook's secret
    r"|\bpi_\w+_secret\w*"  # the secret of an intent
    r"|Bearer \S+"
)
LOG_LINE = re.compile(r'^\{"(?:level|_aws)".*$', re.MULTILINE)
# Digits that are no part of an id; times in milliseconds are as long as the shortest card numbers.
DIGITS = re.compile(r"(?<![\w-])\d(?:[ -]?\d){13,18}(?![\w-])")


def find_secrets(text: str, *, whole: bool = False) -> list[str]:
    """The lines of the functions' log that hold a token, a secret or a card number.

    What tests print is left out, unless the `whole` text is the log: then what a runtime says besides, a traceback for
    one, is looked at too.
    """
    return [
        line
        for line in (text.splitlines() if whole else LOG_LINE.findall(text))
        if SECRETS.search(line) or any(map(holds_card_number, DIGITS.findall(line)))
    ]
