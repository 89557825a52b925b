"""The end-to-end suite against `sam local start-api`: the functions in containers of Lambda's own Python."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.sam_local import run_checkout
from tests.programs import look_through_file

pytestmark = [pytest.mark.containers, pytest.mark.proves("FR-035", "FR-310")]

ROOT = Path(__file__).parents[2]
LOG = ROOT / ".data" / "sam-local.log"
# What sam local does not do as API Gateway does.
LEFT_OUT = {
    "UTF": "a body that is not UTF-8 fails in sam local itself; API Gateway encodes it as Base64",
    "test_a_request_whose_twin_is_still_running_is_told_to_wait": "it runs one request of a function at a time",
    "test_a_refusal_is_not_kept": "it gives all requests one id",
    "test_a_payment_that_nobody_comes_back_for_is_settled": "it runs no schedules",
    "test_a_key_gets_what_was_settled_meanwhile": "it runs no schedules",
    "test_refunds_that_go_wrong": "it runs no schedules",
    "test_another_s_ids_take_as_long_as_nobody_s": "its own time for a request is many times that of the function",
    "test_nothing_else_is_there": "where there is no route it answers in its own words",
}


def test_the_end_to_end_suite_passes_in_containers(say: Callable[[str], None]) -> None:
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w+b") as log, run_checkout(output=log) as (sam, database):
        suite = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/e2e", "-k", " and ".join(f"not {name}" for name in LEFT_OUT)],
            cwd=ROOT,
            # How much of it: as in `make test`. The whole is walked on the local runtime, which is much faster.
            env={**os.environ, "BASE_URL": sam.base_url, "DYNAMODB_ENDPOINT": database.endpoint, "REQUIRE_ALL": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert suite.returncode == 0, f"{suite.stdout}\nthe functions' logs are in {LOG}"
    assert '"operation"' in LOG.read_text(errors="replace"), "what the functions log is in it"
    look_through_file(LOG)
    say(f"in containers: {suite.stdout.splitlines()[-1]}")
