"""No call of AWS outlives the function that makes it: none is begun that could take longer than what is left (FR-207).

A client's time-outs bound one try of a call; how many tries there is time for depends on the invocation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from checkout.clock import Deadline

__all__ = ["CLIENT_CONFIG", "READ_SECONDS", "NoTimeLeft", "limit_calls", "working_until"]

CONNECT_SECONDS = 1
READ_SECONDS = 2

CLIENT_CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 2},
    parameter_validation=False,
    user_agent="checkout",
)

_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class NoTimeLeft(BotoCoreError):
    """A call was not begun; it is not tried again."""

    fmt = "no time is left for the call"


@contextmanager
def working_until(deadline: Deadline) -> Iterator[None]:
    """What is called within has so much time."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def limit_calls(client: Any) -> None:
    """Each try of the client's calls raises NoTimeLeft where it might not end in time."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"before-send.{service}", _refuse_late, unique_id="limit-calls")


def _refuse_late(**_: Any) -> None:
    deadline = _deadline.get()
    if deadline and deadline() < CONNECT_SECONDS + READ_SECONDS:
        raise NoTimeLeft
