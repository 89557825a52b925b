"""Verifies bearer tokens: RS256, by a key of a JSON Web Key Set, of one issuer for one audience (FR-001)."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt

__all__ = ["Identity", "TokenRefused", "TokenVerifier", "find_key_at", "find_key_in", "from_environment"]

ALGORITHMS = ["RS256"]
LEEWAY_SECONDS = 10
KEYS_KEPT_SECONDS = 300
SECONDS_TO_FETCH_KEYS = 3
MAX_SUBJECT_BYTES = 1024


class TokenRefused(Exception):
    """A token does not verify; the message says why, without the token."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token is for, and what they may do: scopes, parted by spaces."""

    customer_id: str
    scope: str


class TokenVerifier:
    def __init__(self, find_key: Callable[[str], Any], *, issuer: str, audience: str) -> None:
        self._find_key = find_key
        self._issuer = issuer
        self._audience = audience

    def verify(self, authorization: str) -> Identity:
        """The identity in an Authorization header.

        Raises TokenRefused, and PyJWKClientConnectionError where the keys cannot be fetched.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused("not a bearer token")
        try:
            claims = jwt.decode(
                token,
                self._find_key(token),
                # Named here, never taken from the token (RFC 8725, section 3.1).
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError:
            # The keys cannot be had: that says nothing about the token, and must not pass for an answer.
            raise
        except (jwt.PyJWTError, TypeError) as error:
            # PyJWT compares what is no text, where text belongs, without looking at it first.
            raise TokenRefused(type(error).__name__) from error
        # It becomes a key of tables; a lone surrogate, which is no text, counts for nothing.
        if not 1 <= len(claims["sub"].encode(errors="ignore")) <= MAX_SUBJECT_BYTES or not claims["sub"].isprintable():
            raise TokenRefused("subject is empty, too long or no text")
        scope = claims.get("scope")
        return Identity(customer_id=claims["sub"], scope=scope if isinstance(scope, str) else "")


@cache
def from_environment() -> TokenVerifier:
    """Built once for each process; keys that are fetched are kept for five minutes."""
    return TokenVerifier(
        find_key_in(os.environ["JWKS"]) if os.environ["JWKS"] else find_key_at(os.environ["JWKS_URL"]),
        issuer=os.environ["TOKEN_ISSUER"],
        audience=os.environ["TOKEN_AUDIENCE"],
    )


def find_key_in(jwks: str) -> Callable[[str], Any]:
    """Finds a token's key in a key set given as JSON."""
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_json(jwks).keys}

    def find_key(token: str) -> Any:
        key_id = jwt.get_unverified_header(token).get("kid")
        if key_id not in keys:
            raise jwt.InvalidKeyError("no such key")
        return keys[key_id]

    return find_key


def find_key_at(url: str) -> Callable[[str], Any]:
    """Finds a token's key in the key set at a URL; raises PyJWKClientConnectionError where nothing answers there."""
    client = jwt.PyJWKClient(url, lifespan=KEYS_KEPT_SECONDS, timeout=SECONDS_TO_FETCH_KEYS)
    return client.get_signing_key_from_jwt
