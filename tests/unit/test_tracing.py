"""Calls are traced where that is wanted; elsewhere X-Ray's SDK is not even loaded."""

import subprocess
import sys

import pytest

from checkout.tracing import traced

pytestmark = pytest.mark.proves("FR-032", "FR-710")


def handle(event: dict[str, str], context: object) -> dict[str, str]:
    return event


def test_a_handler_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACE_CALLS", "false")
    assert traced(handle) is handle


def test_a_handler_is_traced_where_the_template_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACE_CALLS", "true")
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")  # nothing listens to segments here
    handler = traced(handle)
    assert handler is not handle
    assert handler({"answer": "same"}, None) == {"answer": "same"}


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_the_sdk_is_loaded_only_where_it_is_wanted(wanted: str) -> None:
    program = (
        "import sys, checkout.api; checkout.api.endpoint(lambda request: None); print('aws_xray_sdk' in sys.modules)"
    )
    environment = {"PYTHONPATH": "layers/checkout", "TRACE_CALLS": wanted, "LAMBDA_TASK_ROOT": "/var/task"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == wanted.capitalize(), run.stderr
