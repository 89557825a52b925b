"""The Stripe adapter against localstripe, a Stripe server of others, over HTTP.

What that server cannot do is proved against the stub of this project (test_stripe_gateway.py): idempotency keys, which
it ignores, and with them what prevents a charge; faults; the search; lists by time; Stripe's test cards by name, but
for pm_card_visa; which parameter an error is about.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from checkout import stripe_gateway
from checkout.gateway import ChargeStatus, RefundOutcome
from checkout.payments import Payment
from checkout.stripe_gateway import StripeGateway
from local.child_process import ChildProcess, find_free_port
from tests.conftest import LOCALSTRIPE
from tests.integration.test_stripe_gateway import new_payment, new_refund, soon

pytestmark = pytest.mark.localstripe

KEY = "sk_test_localstripe"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    port = find_free_port()
    server = ChildProcess([str(LOCALSTRIPE), "--port", str(port)])
    try:
        server.wait_until_it_answers(port, 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


@pytest.fixture
def gateway(address: str, monkeypatch: pytest.MonkeyPatch) -> StripeGateway:
    """localstripe speaks an earlier version of the API, of before 2026-07-29, with another name for a parameter."""
    to_params = stripe_gateway._to_params

    def to_earlier_params(payment: Payment) -> dict[str, Any]:
        params: dict[str, Any] = {**to_params(payment)}
        params["payment_method_types"] = params.pop("allowed_payment_method_types")
        return params

    monkeypatch.setattr(stripe_gateway, "_to_params", to_earlier_params)
    return StripeGateway(lambda: KEY, clock=lambda: datetime.now(UTC), base_address=address)


@pytest.fixture
def make_card(address: str) -> Callable[[str], str]:
    """A payment method of a card, by its test number: https://docs.stripe.com/testing"""

    def make(number: str) -> str:
        card = {"number": number, "exp_month": "12", "exp_year": "2040", "cvc": "123"}
        data = {"type": "card", **{f"card[{name}]": value for name, value in card.items()}}
        answer = httpx.post(f"{address}/v1/payment_methods", data=data, auth=(KEY, ""), trust_env=False)
        made: str = answer.raise_for_status().json()["id"]
        return made

    return make


@pytest.mark.proves("FR-219", "FR-210")
def test_a_charge_is_made_and_refunded(gateway: StripeGateway) -> None:
    payment = new_payment()
    charge = gateway.charge(payment, "pm_card_visa", soon)
    assert (charge.status, charge.money, charge.payment_id) == (
        ChargeStatus.SUCCEEDED,
        payment.money,
        payment.payment_id,
    )
    charged = payment.succeed(gateway_reference=charge.reference, at=payment.created_at)
    assert gateway.find_charge(charged, soon) == charge
    assert gateway.prevent_charge(charged, soon) == charge
    refund = new_refund(charged)
    assert gateway.find_refunds([refund], charged, soon) == {}
    made = gateway.refund(refund, charged, soon)
    assert made.outcome is RefundOutcome.SUCCEEDED
    assert gateway.find_refunds([refund], charged, soon) == {refund.refund_id: made}
    found = gateway.find_charge(charged, soon)
    assert found is not None
    assert found.refunded_amount == 500


@pytest.mark.proves("FR-221")
def test_a_card_is_declined(gateway: StripeGateway, make_card: Callable[[str], str]) -> None:
    charge = gateway.charge(new_payment(), make_card("4000000000000341"), soon)
    assert charge.status is ChargeStatus.DECLINED
    assert charge.decline_code


@pytest.mark.proves("FR-222")
def test_a_card_asks_its_owner_to_act(gateway: StripeGateway, make_card: Callable[[str], str]) -> None:
    payment = new_payment()
    charge = gateway.charge(payment, make_card("4000002500003155"), soon)
    assert charge.status is ChargeStatus.PENDING
    assert charge.next_action is not None
    assert charge.next_action["type"] == "use_stripe_sdk"
    waiting = payment.leave_open(gateway_reference=charge.reference, act_until=None, at=payment.created_at)
    assert gateway.prevent_charge(waiting, soon) is None
    assert gateway.find_charge(waiting, soon) is None
