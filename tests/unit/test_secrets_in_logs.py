"""The check of the logs can fail."""

import pytest

from tests.secrets_in_logs import find_secrets


@pytest.mark.proves("FR-310")
@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln",
        "tok_visa",
        "pm_card_visa",
        "sk_test_1",
        "whsec_1",
        "pi_1_secret_2",
        "Bearer x",
        "4242 4242 4242 4242",
    ],
)
def test_a_secret_in_a_line_is_found(secret: str) -> None:
    assert find_secrets(f'other\n{{"level":"INFO","message":"{secret}"}}\n')


@pytest.mark.proves("FR-310")
def test_a_secret_in_a_traceback_of_a_runtime_is_found() -> None:
    text = "Traceback (most recent call last):\nValueError: tok_visa\n"
    assert find_secrets(text, whole=True) == ["ValueError: tok_visa"]
    assert find_secrets(text) == []


@pytest.mark.proves("FR-310")
def test_ids_times_and_what_is_no_log_are_none() -> None:
    line = '{"level":"INFO","timestamp":"2026-11-23 14:03:39,684+0000","order_id":"ord_01M84BGD8T4H9E96AEX0T8V8DQ"}'
    assert find_secrets(f'{line}\n{{"_aws":{{"Timestamp":1795442619684,"CloudWatchMetrics":[]}}}}\ntok_visa') == []
