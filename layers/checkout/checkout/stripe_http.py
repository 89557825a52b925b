"""What Stripe's SDK sends its requests with: HTTP for as long as a deadline allows (FR-219)."""

import functools
import io
import threading
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Any, NoReturn, TypeVar

import requests
import stripe
from urllib3 import Timeout
from urllib3.exceptions import MaxRetryError, NewConnectionError

from checkout.clock import Deadline

__all__ = ["MAX_RETRIES", "DeadlineClient", "was_replayed"]

Answer = TypeVar("Answer")

MAX_RETRIES = 2
"""Of the SDK, which waits before each for up to twice as long as before the last."""

LONGEST_PAUSE = stripe.HTTPClient.INITIAL_DELAY * 2 ** (MAX_RETRIES - 1)
CONNECT_SECONDS = 3.0
SHORTEST_ATTEMPT_SECONDS = 1.0

LOCK_TIMEOUT = b'"lock_timeout"'
"""A 429 that is no refusal of a whole request: https://docs.stripe.com/rate-limits#object-lock-timeouts"""


class DeadlineClient(stripe.RequestsClient):
    """For one call of the gateway: no attempt outlives its deadline, none is begun without time.

    `left_open` once an attempt may have had an effect that its answer did not tell. What the SDK is told of a later
    attempt is then no proof, for it repeats requests by itself. `was_abandoned` where an attempt may still be at work,
    with the session; `is_out_of_time` where one was not begun; `were_replays` while all were answered with what an
    earlier call had been.
    """

    def __init__(self, deadline: Deadline, session: requests.Session) -> None:
        super().__init__(session=session)
        self._deadline = deadline
        self.left_open = False
        self.was_abandoned = False
        self.is_out_of_time = False
        self.were_replays = True

    def request(  # type: ignore[override]  # the SDK's two signatures differ from each other
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        left = self._deadline()
        if left < SHORTEST_ATTEMPT_SECONDS:
            self.is_out_of_time = True
            raise stripe.APIConnectionError("no time left", should_retry=False)  # type: ignore[no-untyped-call]
        # A total bounds connecting and waiting together.
        timeout: Any = Timeout(total=left, connect=min(CONNECT_SECONDS, left))
        self._timeout = timeout
        send = super().request
        body = _InTime(post_data.encode(), self._deadline) if post_data else post_data
        were_replays, self.were_replays = self.were_replays, False
        try:
            content, status, answered = _call_within(left, lambda: send(method, url, headers, body))
        except stripe.APIConnectionError as error:
            self.left_open = self.left_open or not _was_never_sent(error)
            raise
        except TimeoutError:
            self.left_open = self.was_abandoned = True
            raise stripe.APIConnectionError("no time left", should_retry=False) from None  # type: ignore[no-untyped-call]
        self.were_replays = were_replays and was_replayed(answered)
        is_open = status >= 500 or status == 409 or (status == 429 and LOCK_TIMEOUT in content)
        self.left_open = self.left_open or is_open
        return content, status, answered

    def _should_retry(self, *arguments: Any) -> bool:
        """As the SDK decides, where the pause before it and the attempt itself fit into what is left."""
        has_time = self._deadline() > LONGEST_PAUSE + SHORTEST_ATTEMPT_SECONDS
        return has_time and bool(super()._should_retry(*arguments))


class _InTime(io.BytesIO):
    """The body of a request, for as long as there is time.

    An attempt that was left to itself may come to its connection long after, when a function that slept goes on: it
    sends no request then, but the beginning of one.
    """

    def __init__(self, content: bytes, deadline: Deadline) -> None:
        super().__init__(content)
        self._deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        if self._deadline() <= 0:
            raise TimeoutError
        return super().read(size)


def was_replayed(headers: Mapping[str, str]) -> bool:
    """Whether Stripe gave what it had answered before. https://docs.stripe.com/api/idempotent_requests"""
    return any(name.lower() == "idempotent-replayed" and value == "true" for name, value in headers.items())


def _call_within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """What the call returns or raises; TimeoutError where it takes longer, and is left to itself.

    The time-outs of a socket begin anew with each byte, so that an answer that drips in would keep them all.
    """
    ended: SimpleQueue[Callable[[], Answer]] = SimpleQueue()

    def run() -> None:
        try:
            answer = call()
        except Exception as error:
            ended.put(functools.partial(_raise, error))
        else:
            ended.put(lambda: answer)

    threading.Thread(target=run, daemon=True).start()
    try:
        tell = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    return tell()


def _raise(error: Exception) -> NoReturn:
    raise error


def _was_never_sent(error: stripe.APIConnectionError) -> bool:
    """Whether there was not even a connection."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    reason = cause.args[0] if isinstance(cause, requests.exceptions.ConnectionError) and cause.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)
