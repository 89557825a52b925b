"""The local runtime's own identity provider, and the cursor secret."""

import json
import stat
from pathlib import Path

import jwt
import pytest

from local.keys import issue_token, local_parameters, read_jwks
from local.template import read_template


@pytest.mark.proves("FR-001", "FR-035")
def test_a_token_is_verified_by_the_key_set_that_the_functions_get(tmp_path: Path) -> None:
    environment = read_template(local_parameters("http://127.0.0.1:8000", tmp_path)).environment
    [key] = jwt.PyJWKSet.from_json(environment["JWKS"]).keys
    token = issue_token("alice", scope="orders:manage", data=tmp_path)
    claims = jwt.decode(
        token, key, ["RS256"], audience=environment["TOKEN_AUDIENCE"], issuer=environment["TOKEN_ISSUER"]
    )
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("alice", "orders:manage", 3600)
    assert jwt.get_unverified_header(token)["kid"] == key.key_id


@pytest.mark.proves("FR-031", "FR-035")
def test_secrets_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    first = local_parameters("", tmp_path)
    issue_token("alice", data=tmp_path)
    assert local_parameters("", tmp_path) == first
    assert len(first["CursorSecret"]) >= 32
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["cursor-secret", "token-key.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.proves("FR-001")
def test_the_key_set_holds_nothing_private(tmp_path: Path) -> None:
    [key] = json.loads(read_jwks(tmp_path))["keys"]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)
