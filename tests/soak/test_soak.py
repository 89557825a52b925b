"""A short soak; `make soak` takes five minutes."""

import re
import subprocess
import sys

import pytest

from local.template import ROOT
from tests.conftest import REQUIRE_ALL

pytestmark = [
    pytest.mark.dynamodb_local,
    pytest.mark.skipif(not REQUIRE_ALL, reason="The soak runs in `make verify` (REQUIRE_ALL=1)."),
]


@pytest.mark.proves("FR-312")
def test_nothing_is_doubled_or_lost_while_processes_are_killed_and_calls_fail() -> None:
    command = [sys.executable, "-m", "tests.soak", "--seconds", "20"]
    soaked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert soaked.returncode == 0, soaked.stdout + soaked.stderr
    last = soaked.stdout.splitlines()[-1]
    print(last)
    done, _, faults, killed, doubled, lost, violations = map(int, re.findall(r"\d+", last))
    assert done
    assert faults
    assert killed
    assert (doubled, lost, violations) == (0, 0, 0)
