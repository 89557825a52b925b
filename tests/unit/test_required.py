"""`make` sets REQUIRE_ALL for every command, to nothing where not all is required: that it is set says nothing."""

import os
import subprocess
import sys

import pytest

from local.template import ROOT

pytestmark = pytest.mark.proves("FR-301", "FR-312")


def test_where_nothing_is_required_what_takes_long_is_left_out() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/soak/test_soak.py"],
        cwd=ROOT,
        env={**os.environ, "REQUIRE_ALL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "skipped 1: The soak runs in `make verify`" in ran.stdout, ran.stdout + ran.stderr


def test_whether_all_is_required_is_asked_in_one_place() -> None:
    naming = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if '"REQUIRE_ALL"' in path.read_text(encoding="utf-8")
    }
    setting = {"tests/unit/test_required.py", "tests/containers/test_checkout.py"}
    assert naming - setting == {"tests/conftest.py"}
