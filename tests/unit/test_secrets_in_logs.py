"""The check of the logs can fail."""

import json
import sys
from contextlib import nullcontext

import pytest

from local import serve
from tests import conftest
from tests.programs import run_beside
from tests.secrets_in_logs import find_secrets, look_through


@pytest.mark.proves("FR-310")
@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln",
        "tok_visa",
        "tok_1N3T00LkdIwHu7ixt44h1F8k",
        "pm_card_visa",
        "pm_1MqLiJLkdIwHu7ixUEgbFdYF",
        "card_1MvoiELkdIwHu7ixOeFGbN4D",
        "src_1N3lxdLkdIwHu7ixPHXy8UcI",
        "sk_test_1",
        "rk_live_1",
        "ek_test_1",
        "cs_test_1",
        "whsec_1",
        "pi_1_secret_2",
        "pi_1_secret",
        "seti_1_secret_2",
        "Bearer x",
        "authorization: bearer x",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "4242 4242 4242 4242",
        "4242  4242  4242  4242",
        "4242.4242.4242.4242",
        "4242/4242_4242-4242",
        "4242 - 4242 - 4242 - 4242",
        "4242\u20114242\u20114242\u20114242",
        "4222222222222",
        "card_4242424242424242",
        "x4242424242424242x",
        "one\n4242424242424242\n",
        "4242\n4242\t4242\r\n4242",
        "\uff14\uff12\uff14\uff12" * 4,
    ],
)
def test_a_secret_in_a_line_is_found(secret: str) -> None:
    for message in (secret, json.dumps({"quoted": secret}), json.dumps(json.dumps([secret]))):
        line = json.dumps({"level": "INFO", "message": message}, separators=(",", ":"))
        assert find_secrets(f"other\n{line}\n") == [line]
    line = json.dumps({"level": "INFO", secret: 1}, ensure_ascii=False)
    assert find_secrets(line) == [line]


@pytest.mark.proves("FR-310")
def test_a_card_number_that_is_a_number_is_found() -> None:
    assert find_secrets('{"level":"INFO","amount":4242424242424242}')
    assert find_secrets('{"level":"INFO","amount":4242424242424242.0}')
    assert find_secrets("ValueError: 4242 4242 4242 4242", whole=True)


@pytest.mark.proves("FR-310")
def test_a_secret_in_a_traceback_of_a_runtime_is_found() -> None:
    text = "Traceback (most recent call last):\nValueError: tok_visa\n"
    assert find_secrets(text, whole=True) == ["ValueError: tok_visa"]
    assert find_secrets(text) == []


@pytest.mark.proves("FR-310")
@pytest.mark.parametrize(("folder", "leaks"), [("integration", 1), ("performance", 1), ("unit", 1), ("e2e", 0)])
def test_all_that_is_written_where_functions_run_is_looked_at(
    folder: str, leaks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    monkeypatch.setattr(conftest, "LEAKS", found)
    report = pytest.TestReport(
        f"tests/{folder}/test_x.py::test_y",
        ("", 0, ""),
        {},
        "passed",
        None,
        "call",
        sections=[("Captured stderr call", "Traceback\nValueError: tok_visa\n")],
    )
    conftest.pytest_runtest_logreport(report)
    assert len(found) == leaks


@pytest.mark.proves("FR-310")
@pytest.mark.parametrize(
    "harmless",
    [
        '"timestamp":"2026-11-23 14:03:39,684+0000"',
        '"_aws":{"Timestamp":1795442619684,"CloudWatchMetrics":[]}',
        '"order_id":"ord_01M84BGD8T4H9E96AEX0T8V8DQ","payment_id":"pay_01KG9YS7G00000000000000000_001"',
        '"gateway_reference":"ch_1N3lxdLkdIwHu7ixPHXy8UcI","intent":"pi_8pVwqrGZIX3BFZeIgdCvz6sg"',
        '"request_id":"313874cd-dfbc-423d-b246-548991270564"',
        '"request_id":"8b38bc0ad5aa4446953726784d912992"',
        '"xray_trace_id":"1-6567a2b1-bd4446953726784994272793"',
        '"decline_code":"card_declined","code":"card_number_refused"',
        '"seconds":0.4242424242424242',
    ],
)
def test_ids_times_and_codes_are_none(harmless: str) -> None:
    assert find_secrets(f'{{"level":"INFO",{harmless}}}') == []


@pytest.mark.proves("FR-310")
def test_what_is_no_log_is_not_looked_at() -> None:
    assert find_secrets('{"level":"INFO"}\ntok_visa') == []


@pytest.mark.proves("FR-310")
def test_a_log_that_tells_a_secret_fails_whoever_looks_through_it() -> None:
    look_through('{"level":"INFO"}\n')
    with pytest.raises(AssertionError, match="a secret in the log:\nValueError: tok_visa"):
        look_through("ValueError: tok_visa\n")


GREETING = serve._greet("http://127.0.0.1:3000", "http://127.0.0.1:8000")


@pytest.mark.proves("FR-310")
@pytest.mark.parametrize(
    ("written", "greets", "fails"),
    [
        ("harmless", False, False),
        ("paid with tok_visa", False, True),
        (GREETING, False, True),
        (GREETING, True, False),
        (f"{GREETING}\n{GREETING}", True, True),
        (f"{GREETING}\npaid with tok_visa", True, True),
        (GREETING.replace("export", "told"), True, True),
    ],
)
def test_what_a_program_writes_beside_a_test_is_looked_through(written: str, greets: bool, fails: bool) -> None:
    expected = pytest.raises(AssertionError, match="a secret in the log") if fails else nullcontext()
    with expected, run_beside([sys.executable, "-c", f"print({written!r})"], greets=greets) as program:
        program.wait()
