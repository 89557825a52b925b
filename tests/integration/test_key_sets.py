"""The key set of an identity provider that has trouble: a fault, which passes, and no word about the token."""

import json
from pathlib import Path

import pytest

from local.keys import issue_token
from tests.integration.test_authorize import ask, environment, publish


@pytest.mark.proves("FR-001", "FR-002")
@pytest.mark.parametrize("page", ["", "<html>Bad gateway</html>", '{"keys": ['])
def test_what_is_no_key_set_refuses_nobody(tmp_path: Path, page: str) -> None:
    with publish(page) as (url, asked), environment(JwksUrl=url), pytest.raises(json.JSONDecodeError):
        ask(f"Bearer {issue_token('alice', data=tmp_path)}")
    assert asked
