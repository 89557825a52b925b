"""Who is let in."""

import base64
import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from checkout import token_verifier
from functions.authorize.app import authorize
from local.keys import issue_token, read_jwks
from local.template import read_template

pytestmark = pytest.mark.proves("FR-001", "FR-002")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of this test's own."""
    return tmp_path_factory.mktemp("keys")


@contextmanager
def environment(**parameters: str) -> Iterator[None]:
    token_verifier.from_environment.cache_clear()
    variables = read_template({"CursorSecret": "s" * 32, **parameters}).environment
    with patch.dict(os.environ, variables):
        yield
    token_verifier.from_environment.cache_clear()


@pytest.fixture
def inline_keys(data: Path) -> Iterator[None]:
    with environment(Jwks=read_jwks(data)):
        yield


def ask(authorization: str) -> dict[str, Any]:
    event = {"version": "2.0", "identitySource": [authorization], "requestContext": {"requestId": "request"}}
    return authorize(event, None)


@pytest.mark.usefixtures("inline_keys")
def test_a_token_that_verifies_lets_its_subject_in_with_its_scope(data: Path) -> None:
    token = issue_token("alice", scope="orders:manage products:read", data=data)
    assert ask(f"Bearer {token}") == {
        "isAuthorized": True,
        "context": {"customer_id": "alice", "scope": "orders:manage products:read"},
    }
    assert ask(f"bearer {token}")["isAuthorized"]


@pytest.mark.usefixtures("inline_keys")
def test_a_token_without_scope_has_none(data: Path) -> None:
    assert ask(f"Bearer {issue_token('alice', data=data)}")["context"]["scope"] == ""


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

REFUSED: dict[str, Callable[[Path], str]] = {
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


@pytest.mark.usefixtures("inline_keys")
@pytest.mark.parametrize("make_authorization", REFUSED.values(), ids=REFUSED.keys())
def test_no_token_gets_in(data: Path, make_authorization: Callable[[Path], str]) -> None:
    issue_token("alice", data=data)
    assert ask(make_authorization(data)) == {"isAuthorized": False}


@contextmanager
def publish(keys: str) -> Iterator[tuple[str, list[str]]]:
    """Serves a key set; the URL, and the requests that came."""
    asked: list[str] = []

    class KeySet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys.encode())

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), KeySet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/jwks.json", asked
    server.shutdown()
    server.server_close()


def test_keys_may_be_published_at_a_url_and_are_fetched_once(data: Path) -> None:
    with publish(read_jwks(data)) as (url, asked), environment(JwksUrl=url):
        for customer in ("alice", "bob"):
            assert ask(f"Bearer {issue_token(customer, data=data)}")["context"]["customer_id"] == customer
        assert asked == ["/jwks.json"]
        assert ask(f"Bearer {sign({}, STRANGER)}") == {"isAuthorized": False}


def test_keys_that_cannot_be_fetched_are_a_fault_and_no_refusal(data: Path) -> None:
    with environment(JwksUrl="http://127.0.0.1:1/jwks.json"), pytest.raises(jwt.PyJWKClientConnectionError):
        ask(f"Bearer {issue_token('alice', data=data)}")


@pytest.mark.usefixtures("inline_keys")
@pytest.mark.parametrize("issuer", [["https://issuer.checkout.example"], {}, 7, True])
def test_an_issuer_that_is_no_text_is_refused(data: Path, issuer: object) -> None:
    claims = {"iss": issuer, "aud": "checkout", "sub": "alice", "exp": int(time.time()) + 600}
    token = jwt.api_jws.encode(json.dumps(claims).encode(), read_key(data), algorithm="RS256", headers={"kid": "local"})
    assert ask(f"Bearer {token}") == {"isAuthorized": False}


@pytest.mark.proves("FR-215")
@pytest.mark.usefixtures("inline_keys")
@pytest.mark.parametrize("scope", [["orders:manage"], ["a orders:manage b"], {"orders:manage": 1}, 7, None])
def test_a_scope_that_is_no_text_is_none(data: Path, scope: object) -> None:
    assert ask(f"Bearer {sign({'scope': scope}, read_key(data))}")["context"]["scope"] == ""
