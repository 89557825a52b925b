"""What no log line may hold (FR-031), found by its shape."""

import json
import re

from checkout.card_numbers import holds_card_number

__all__ = ["find_secrets", "look_through"]

SECRETS = re.compile(
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}"  # a bearer token
    r"|(?i:\bbearer) (?!tokens?\b)\S+"
    r"|\b(?:tok|pm)_(?!type)\w{3,}"  # a card's token
    r"|\b(?:card|src)_(?=\w*\d)\w+"  # the same, kept; without a digit it is a word: card_declined
    r"|\b[ser]k_(?:test|live)_\w+"  # Stripe's key
    r"|\bcs_(?:test|live)_\w+"  # a customer's session
    r"|\bwhsec_\w+"  # a webhook's secret
    r"|\bpi_\w+_secret\w*|\b\w+_secret_(?!access_key)\w+"  # the secret of an intent
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # a key of AWS
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)
LOG_LINE = re.compile(r'^\{"(?:level|_aws)".*$', re.MULTILINE)
# Ids of requests, of their traces, and hashes, which are random throughout.
RANDOM = re.compile(r"\b(?:[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{64})\b")
ESCAPED = re.compile(r"\\+(?:u([0-9a-f]{4})|[nrt])", re.IGNORECASE)


def find_secrets(text: str, *, whole: bool = False) -> list[str]:
    """The lines of the functions' log that hold a token, a secret or a card number.

    What tests print is left out, unless the `whole` text is the log: then what a runtime says besides, a traceback for
    one, is looked at too.
    """
    return [
        line
        for line in (text.splitlines() if whole else LOG_LINE.findall(text))
        if SECRETS.search(line) or _holds_card_number(line)
    ]


def look_through(log: str) -> None:
    """Fails where a log that is in no report tells what is not for logs: whoever swallows one looks it through."""
    secrets = find_secrets(log, whole=True)
    assert not secrets, "\n".join(["a secret in the log:", *secrets])


def _holds_card_number(line: str) -> bool:
    """As the checkout itself finds one in what it is sent, however often what holds it was made JSON."""
    line = RANDOM.sub("random", ESCAPED.sub(_unescape, line))
    try:
        # Of a time that was measured, what comes after the point is chance.
        document = json.loads(line, parse_float=lambda number: number.partition(".")[0])
    except ValueError:
        document = line
    return holds_card_number(document)


def _unescape(escaped: re.Match[str]) -> str:
    character = chr(int(escaped[1], 16)) if escaped[1] else " "
    return character if character == " " or not character.isascii() else escaped[0]
