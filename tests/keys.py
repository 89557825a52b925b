"""Idempotency keys as the records of them have them."""

import hashlib
import json

__all__ = ["hash_key"]


def hash_key(operation: str, customer_id: str, key: str) -> str:
    """The id of a key's record, which is Powertools' to make."""
    return f"{operation}#{hashlib.sha256(json.dumps([customer_id, key]).encode()).hexdigest()}"
