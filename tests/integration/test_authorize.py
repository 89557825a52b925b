"""Who is let in."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jwt
import pytest

from checkout import token_verifier
from functions.authorize.app import authorize
from local.keys import issue_token, read_jwks
from local.template import read_template
from tests.bad_tokens import BAD_TOKENS, STRANGER, read_key, sign

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


@pytest.mark.usefixtures("inline_keys")
@pytest.mark.parametrize("make_authorization", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
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
