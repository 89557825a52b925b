"""Tokens that are forged, out of time, meant for others, or confused about keys."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["BAD_TOKENS", "STRANGER", "read_key", "sign"]


def sign(claims: dict[str, Any], key: Any, algorithm: str = "RS256", kid: str | None = "local") -> str:
    now = int(time.time())
    issuer = {"iss": "https://issuer.checkout.example", "aud": "checkout", "sub": "alice", "exp": now + 600}
    payload = {name: value for name, value in {**issuer, **claims}.items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def read_key(data: Path) -> Any:
    return serialization.load_pem_private_key((data / "token-key.pem").read_bytes(), password=None)


def sign_with_public_key(data: Path) -> str:
    """Key confusion: the public key, which anybody has, as the secret of an HMAC."""
    pem = (
        read_key(data)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    token = sign({}, read_key(data)).split(".")
    header = encode({"alg": "HS256", "typ": "JWT", "kid": "local"})
    signature = hmac.new(pem, f"{header}.{token[1]}".encode(), sha256).digest()
    return f"{header}.{token[1]}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def alter(token: str) -> str:
    header, _, signature = token.split(".")
    forged = encode({"sub": "bob", "iss": "https://issuer.checkout.example", "aud": "checkout", "exp": 9999999999})
    return f"{header}.{forged}.{signature}"


STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)

BAD_TOKENS: Mapping[str, Callable[[Path], str]] = {
    "signed by another key": lambda _: f"Bearer {sign({}, STRANGER)}",
    "of a key that is not known": lambda data: f"Bearer {sign({}, read_key(data), kid='other')}",
    "that names no key": lambda data: f"Bearer {sign({}, read_key(data), kid=None)}",
    "with altered claims": lambda data: f"Bearer {alter(sign({}, read_key(data)))}",
    "without a signature": lambda _: f"Bearer {sign({}, None, 'none')}",
    "of another algorithm": lambda data: f"Bearer {sign({}, read_key(data), 'RS512')}",
    "with the public key as secret": lambda data: f"Bearer {sign_with_public_key(data)}",
    "that has expired": lambda data: f"Bearer {sign({'exp': int(time.time()) - 60}, read_key(data))}",
    "that is not valid yet": lambda data: f"Bearer {sign({'nbf': int(time.time()) + 600}, read_key(data))}",
    "that never expires": lambda data: f"Bearer {sign({'exp': None}, read_key(data))}",
    "of another issuer": lambda data: f"Bearer {sign({'iss': 'https://other.example'}, read_key(data))}",
    "for another audience": lambda data: f"Bearer {sign({'aud': 'other'}, read_key(data))}",
    "without an audience": lambda data: f"Bearer {sign({'aud': None}, read_key(data))}",
    "without a subject": lambda data: f"Bearer {sign({'sub': None}, read_key(data))}",
    "with an empty subject": lambda data: f"Bearer {sign({'sub': ''}, read_key(data))}",
    "with a subject longer than a key": lambda data: f"Bearer {sign({'sub': 'x' * 3000}, read_key(data))}",
    "with another scheme": lambda data: f"Basic {sign({}, read_key(data))}",
    "without a scheme": lambda data: sign({}, read_key(data)),
    "that is none": lambda _: "Bearer x.y.z",
    "that is empty": lambda _: "Bearer ",
    "that is nothing": lambda _: "",
}
"""Values of the header Authorization that let nobody in, made with the key in a folder."""
