"""Authorizes every route but health: verifies the caller's token and says who they are (FR-001, FR-002)."""

from typing import Any

from aws_lambda_powertools import Logger

from checkout import token_verifier
from checkout.metrics import count_cold_start

logger = Logger()


def authorize(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """A Lambda authorizer of an HTTP API: payload format 2.0, simple responses."""
    count_cold_start("authorize")
    authorization = next((value for value in event.get("identitySource") or []), "")
    try:
        identity = token_verifier.from_environment().verify(authorization)
    except token_verifier.TokenRefused as refusal:
        logger.info("token refused", request_id=event["requestContext"]["requestId"], reason=str(refusal))
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {"customer_id": identity.customer_id, "scope": identity.scope}}
