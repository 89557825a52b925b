"""Segments of X-Ray, in two depths (FR-032).

Lambda itself records how long a function starts and works. X-Ray's SDK adds a segment for each call of DynamoDB, and
takes time of each: it is loaded only where the template's parameter TraceCalls asks for it.
"""

import os
from collections.abc import Callable
from typing import Any

__all__ = ["traced"]

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def traced(handler: Handler) -> Handler:
    """The handler, with a segment for each of its calls where that is wanted; never with what it answers."""
    if os.environ.get("TRACE_CALLS") != "true":
        return handler
    from aws_lambda_powertools import Tracer

    return Tracer().capture_lambda_handler(handler, capture_response=False)
