"""Hashes that stand for what must not be stored, or is too long to be."""

import hashlib

import rfc8785

__all__ = ["hash_values"]


def hash_values(*values: str | int) -> str:
    """SHA-256 in hexadecimal over the canonical JSON (RFC 8785) of the values."""
    return hashlib.sha256(rfc8785.dumps(list(values))).hexdigest()
