"""Segments of X-Ray, in two depths (FR-032), and the places of a fault.

Lambda itself records how long a function starts and works. X-Ray's SDK adds a segment for each call of DynamoDB, and
takes time of each: it is loaded only where the template's parameter TraceCalls asks for it.
"""

import os
import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["find_places", "traced"]

LAST_FRAMES = 6

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def traced(handler: Handler) -> Handler:
    """The handler, with a segment for each of its calls where that is wanted; never with what it answers."""
    if os.environ.get("TRACE_CALLS") != "true":
        return handler
    from aws_lambda_powertools import Tracer

    return Tracer().capture_lambda_handler(handler, capture_response=False)


def find_places(fault: Exception) -> list[str]:
    """Where a fault arose and the calls that led there, the last ones alone and without folders, for the log is paid by
    the byte (FR-705). Neither the message nor the values: they may hold what must not be logged (FR-031)."""
    frames = traceback.extract_tb(fault.__traceback__, limit=-LAST_FRAMES)
    return [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]
