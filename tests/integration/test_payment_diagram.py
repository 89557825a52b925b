"""The sequence of a payment in the documents is that of a real run."""

import subprocess
import sys

import pytest

from local.template import ROOT
from tests.programs import look_through_file
from tools.draw_payment import LOG


@pytest.mark.proves("FR-607")
def test_the_diagrams_are_those_of_the_calls_that_are_made() -> None:
    command = [sys.executable, "-m", "tools.draw_payment", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    look_through_file(LOG)
