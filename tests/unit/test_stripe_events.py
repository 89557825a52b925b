"""Which events are Stripe's."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.errors import InvalidJson, InvalidSignature
from checkout.stripe_events import StripeEvent, verify_event
from tests.stripe_stub import make_event, sign

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PAYMENT = "pay_01KG9YS7G00000000000000000_001"
PAYLOAD = make_event(1, "payment_intent.succeeded", {"id": "pi_1", "metadata": {"payment_id": PAYMENT}})
OLD, NEW = "whsec_old", "whsec_new"

pytestmark = pytest.mark.proves("FR-224")


@pytest.mark.parametrize("secrets", [[NEW], [OLD, NEW], [NEW, OLD]])
@pytest.mark.parametrize("signed_by", [[NEW], [OLD, NEW], ["whsec_other", NEW]])
def test_an_event_signed_with_one_of_the_secrets_is_taken(secrets: list[str], signed_by: list[str]) -> None:
    event = verify_event(PAYLOAD, sign(PAYLOAD, *signed_by, at=NOW), secrets, now=NOW)
    assert event == StripeEvent("evt_1", PAYMENT)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_it_is_good_for_five_minutes(seconds: int) -> None:
    header = sign(PAYLOAD, NEW, at=NOW)
    assert verify_event(PAYLOAD, header, [NEW], now=NOW + timedelta(seconds=seconds)).event_id == "evt_1"


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_an_older_one_or_one_from_the_future_is_refused(seconds: int) -> None:
    header = sign(PAYLOAD, NEW, at=NOW)
    with pytest.raises(InvalidSignature):
        verify_event(PAYLOAD, header, [NEW], now=NOW + timedelta(seconds=seconds))


GOOD = sign(PAYLOAD, NEW, at=NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1",
        "v1=00",
        GOOD.replace("v1=", "v0="),
        GOOD.replace("t=", "t=-"),
        GOOD.replace("t=", "t=0,t="),
        GOOD.replace("t=", "x="),
        GOOD[:-1],
        GOOD + "é",
        sign(PAYLOAD, "whsec_other", at=NOW),
        sign(PAYLOAD, "", at=NOW),
        sign(PAYLOAD + b" ", NEW, at=NOW),
        f"t={'9' * 500},v1=00",
    ],
)
def test_another_signature_is_refused(header: str | None) -> None:
    with pytest.raises(InvalidSignature):
        verify_event(PAYLOAD, header, [NEW], now=NOW)


def test_without_secrets_every_event_is_refused() -> None:
    with pytest.raises(InvalidSignature):
        verify_event(PAYLOAD, GOOD, [], now=NOW)


def test_a_third_secret_is_one_too_many() -> None:
    with pytest.raises(InvalidSignature):
        verify_event(PAYLOAD, GOOD, ["whsec_a", "whsec_b", NEW], now=NOW)


@given(position=st.integers(0, len(PAYLOAD) - 1), bit=st.integers(0, 7))
def test_any_changed_byte_is_refused(position: int, bit: int) -> None:
    changed = bytearray(PAYLOAD)
    changed[position] ^= 1 << bit
    with pytest.raises(InvalidSignature):
        verify_event(bytes(changed), GOOD, [NEW], now=NOW)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"id":"evt_1"}',
        b'{"id":1,"data":{"object":{}}}',
        b"\xff",
        base64.b64encode(PAYLOAD),
    ],
)
def test_what_is_signed_and_no_event_is_refused_as_such(payload: bytes) -> None:
    with pytest.raises(InvalidJson):
        verify_event(payload, sign(payload, NEW, at=NOW), [NEW], now=NOW)


@pytest.mark.parametrize("metadata", [None, {}, {"payment_id": None}, {"payment_id": 7}, {"payment_id": "pay_1' OR"}])
def test_an_event_of_something_else_is_about_no_payment(metadata: object) -> None:
    payload = make_event(2, "customer.created", {"id": "cus_1", "metadata": metadata})
    assert verify_event(payload, sign(payload, NEW, at=NOW), [NEW], now=NOW) == StripeEvent("evt_2", None)
