"""What pydantic refuses, told to clients."""

from pydantic_core import ValidationError

from checkout.errors import ValidationFailed

__all__ = ["describe_failure"]

MAX_ERRORS = 50
MAX_FIELD_NAME = 100


def describe_failure(failure: ValidationError) -> ValidationFailed:
    """Each field and what is wrong with it, never its value (FR-006)."""
    errors = failure.errors(include_url=False, include_context=False, include_input=False)[:MAX_ERRORS]
    return ValidationFailed(
        [
            {"field": ".".join(map(str, error["loc"]))[:MAX_FIELD_NAME] or "body", "message": error["msg"]}
            for error in errors
        ]
    )
