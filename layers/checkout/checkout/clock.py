"""Time, passed in so that tests own it: aware UTC inside, RFC 3339 with milliseconds and `Z` outside."""

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "Deadline", "format_time", "read_utc_clock"]

Clock = Callable[[], datetime]
"""Gives the present, aware and in UTC."""

Deadline = Callable[[], float]
"""Gives the seconds that are left for the work at hand."""


def read_utc_clock() -> datetime:
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC: 2026-01-31T12:00:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
