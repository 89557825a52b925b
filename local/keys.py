"""The local runtime's own identity provider: a key pair and tokens, for development only, and the cursor secret.

Both are made once and kept under .data/, readable by their owner only. `python -m local.keys` prints the key set, for a
test stage that is to trust these tokens.
"""

import json
import os
import secrets
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.template import ROOT, read_template

__all__ = ["issue_token", "local_parameters", "read_jwks"]

DATA = ROOT / ".data"
KEY_ID = "local"


def issue_token(customer_id: str, *, scope: str = "", seconds: int = 3600, data: Path = DATA, **claims: Any) -> str:
    """A bearer token that the local runtime accepts; `claims` take the place of its own."""
    environment = read_template().environment
    now = int(time.time())
    payload = {
        "iss": environment["TOKEN_ISSUER"],
        "aud": environment["TOKEN_AUDIENCE"],
        "sub": customer_id,
        "scope": scope,
        "iat": now,
        "exp": now + seconds,
        **claims,
    }
    return jwt.encode(payload, _read_private_key(data), algorithm="RS256", headers={"kid": KEY_ID})


def read_jwks(data: Path = DATA) -> str:
    """The public key as a JSON Web Key Set."""
    public_key = jwt.algorithms.RSAAlgorithm.to_jwk(_read_private_key(data).public_key(), as_dict=True)
    return json.dumps({"keys": [{**public_key, "kid": KEY_ID, "alg": "RS256", "use": "sig"}]}, separators=(",", ":"))


def local_parameters(endpoint: str, data: Path = DATA) -> dict[str, str]:
    """Parameters of template.yaml that make it run here: a DynamoDB, key and secret of one's own, files as they are."""
    return {
        "DynamoDBEndpoint": endpoint,
        "Jwks": read_jwks(data),
        "CursorSecret": _read_cursor_secret(data),
        "WebFolder": str(ROOT / "web"),
        # Nobody waits a minute on a laptop.
        "SettleAfterSeconds": "5",
    }


@cache
def _read_private_key(data: Path) -> rsa.RSAPrivateKey:
    path = data / "token-key.pem"
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write_once(path, pem)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} is no RSA key: remove it, and it is made anew")
    return key


def _read_cursor_secret(data: Path) -> str:
    path = data / "cursor-secret"
    if not path.exists():
        _write_once(path, secrets.token_hex(32).encode())
    return path.read_text(encoding="ascii")


def _write_once(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over a file that another process made meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


if __name__ == "__main__":
    print(read_jwks())
