"""Between a schedule and a job: what is done without anybody asking.

One function has one job, which is a function from Author to what is worth logging of it; @job makes a Lambda handler of
it. Its deadline is the function's remaining time, so that Lambda's own time-out is never the way it ends.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from checkout.audit import Actor
from checkout.call_limit import working_until
from checkout.caller import Author
from checkout.fault_places import find_places
from checkout.metrics import count_cold_start
from checkout.tracing import traced

__all__ = ["job"]

logger = Logger()


def job(work: Callable[[Author], Mapping[str, Any]]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A Lambda handler of a job: one log line for each run; a fault is the function's error, so that it is alarmed."""

    @traced
    @functools.wraps(work)
    def handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
        count_cold_start(work.__name__)
        request_id = str(context.aws_request_id)
        logger.thread_safe_clear_keys()
        logger.thread_safe_append_keys(request_id=request_id, operation=work.__name__)
        author = Author(Actor.SYSTEM, request_id, lambda: context.get_remaining_time_in_millis() / 1000)
        try:
            with working_until(author.deadline):
                done = dict(work(author))
        except Exception as fault:
            logger.error("fault", fault=type(fault).__name__, places=find_places(fault))
            raise JobFailed(type(fault).__name__) from None
        logger.info("done", **done)
        return done

    return handler


class JobFailed(Exception):
    """A run ended with a fault, by its kind; the rest is in the log."""
