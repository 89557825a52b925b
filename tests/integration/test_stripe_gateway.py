"""The Stripe adapter over HTTP against a stub that follows Stripe's published API: what it asks, and what it makes of
the answers. What the real test mode adds to that is not proved here."""

import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from werkzeug.wrappers import Response

from checkout.clock import format_time
from checkout.errors import InvalidToken
from checkout.gateway import (
    ChargeStatus,
    OutcomeUndecided,
    OutcomeUnknown,
    OutOfTime,
    RefundOutcome,
    RequestNotTaken,
    RequestRefused,
)
from checkout.money import Money
from checkout.orders import Order, OrderItem
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.stripe_gateway import StripeGateway
from tests.stripe_stub import KEY, WORK, Fault, StripeStub, open_stripe_stub

CREATE = "POST /v1/payment_intents"
CANCEL = "POST /v1/payment_intents/{id}/cancel"
REFUND = "POST /v1/refunds"
PRICE = Money(1800, "usd")


def new_payment(number: int = 1, *, reference: str | None = None, money: Money = PRICE) -> Payment:
    at = format_time(datetime.now(UTC))
    order = Order.create(
        order_id="ord_01KG9YS7G00000000000000000",
        customer_id="alice",
        items=[OrderItem("mug", "Mug", 1, money.amount)],
        currency=money.currency,
        metadata={},
        maximum_total=1_000_000,
        at=at,
    )
    for attempt in range(1, number):
        order = order.claim(f"pay_{attempt}", order.audit_head).release(f"pay_{attempt}", declined=True)
    payment = Payment.start(order, idempotency_key_hash="key", request_hash="request", at=at, due_at=at)
    return payment if reference is None else payment.succeed(gateway_reference=reference, at=at)


def new_refund(payment: Payment, amount: int = 500) -> Refund:
    return Refund.start(payment, Money(amount, payment.money.currency), reason=None, at=payment.created_at)


def asked_again(refund: Refund, *, after: timedelta) -> Refund:
    return refund.resume(at=format_time(datetime.fromisoformat(refund.created_at) + after))


def soon() -> float:
    return 10.0


def in_seconds(seconds: float) -> Callable[[], float]:
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def new_gateway(address: str, *, later: timedelta = timedelta()) -> StripeGateway:
    return StripeGateway(lambda: KEY, clock=lambda: datetime.now(UTC) + later, base_address=address)


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    with open_stripe_stub() as opened:
        yield opened


@pytest.fixture
def gateway(stub: StripeStub, monkeypatch: pytest.MonkeyPatch) -> StripeGateway:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0.01)
    return new_gateway(stub.address)


@pytest.mark.proves("FR-219")
def test_a_charge_is_one_intent_confirmed_at_once_that_names_payment_and_order(
    stub: StripeStub, gateway: StripeGateway
) -> None:
    payment = new_payment()
    charge = gateway.charge(payment, "pm_card_visa", soon)
    [intent] = stub.intents.values()
    assert stub.requests == {CREATE: 1}
    assert (charge.status, charge.reference, charge.money) == (ChargeStatus.SUCCEEDED, intent["id"], payment.money)
    assert charge.payment_id == payment.payment_id
    assert intent["metadata"] == {"payment_id": payment.payment_id, "order_id": payment.order_id}
    assert gateway.charge(payment, "pm_card_visa", soon) == charge
    assert len(stub.intents) == 1


@pytest.mark.proves("FR-221")
@pytest.mark.parametrize(
    ("token", "decline_code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
    ],
)
def test_a_decline_is_told_with_its_code_again_too(gateway: StripeGateway, token: str, decline_code: str) -> None:
    payment = new_payment()
    first = gateway.charge(payment, token, soon)
    assert (first.status, first.decline_code) == (ChargeStatus.DECLINED, decline_code)
    assert gateway.charge(payment, token, soon) == first


@pytest.mark.proves("FR-221")
def test_a_token_that_stripe_does_not_know_is_invalid(gateway: StripeGateway) -> None:
    gateway.check_token("pm_card_unheard")
    with pytest.raises(InvalidToken):
        gateway.charge(new_payment(), "pm_card_unheard", soon)


@pytest.mark.proves("FR-221")
@pytest.mark.parametrize("token", ["", "visa", "tok_visa", "src_1", "4242424242424242", " pm_card_visa"])
def test_what_is_no_token_of_stripes_is_not_sent(stub: StripeStub, gateway: StripeGateway, token: str) -> None:
    with pytest.raises(InvalidToken):
        gateway.charge(new_payment(), token, soon)
    assert not stub.requests


# Fault of the first request, how often, and what the caller is told; then whether anything was charged.
CHARGE_FAULTS = [
    (Fault.REFUSED, 1, RequestNotTaken, 0),
    (Fault.UNAUTHORIZED, 1, RequestNotTaken, 0),
    (Fault.LOCKED, 1, OutcomeUnknown, 0),
    (Fault.ERROR_BEFORE, 1, OutcomeUnknown, 0),
    (Fault.ERROR_AFTER, 1, OutcomeUnknown, 1),
    (Fault.DROPPED_BEFORE, 3, OutcomeUnknown, 0),
    (Fault.DROPPED_AFTER, 3, OutcomeUnknown, 1),
    (Fault.DROPPED_BEFORE, 1, None, 1),
    (Fault.DROPPED_AFTER, 1, None, 1),
]


@pytest.mark.proves("FR-221", "FR-219")
@pytest.mark.parametrize(("fault", "times", "raised", "charged"), CHARGE_FAULTS)
def test_what_goes_wrong_with_a_charge_is_told_as_what_is_known_of_it(
    stub: StripeStub, gateway: StripeGateway, fault: Fault, times: int, raised: Any, charged: int
) -> None:
    payment = new_payment()
    stub.load_fault(CREATE, fault, times)
    if raised:
        with pytest.raises(raised):
            gateway.charge(payment, "pm_card_visa", soon)
    else:
        assert gateway.charge(payment, "pm_card_visa", soon).status is ChargeStatus.SUCCEEDED
    assert len(stub.charges(payment.order_id)) == charged
    found = gateway.find_charge(payment, soon)
    assert (found is not None) == (charged == 1)
    settled = new_gateway(stub.address, later=timedelta(minutes=13)).prevent_charge(payment, soon)
    assert (settled.status if settled else None) == (ChargeStatus.SUCCEEDED if charged else None)
    if not charged:
        with pytest.raises((RequestNotTaken, OutcomeUnknown)):
            gateway.charge(payment, "pm_card_visa", soon)
    assert len(stub.charges(payment.order_id)) == charged, "it is charged once, or never"


@pytest.mark.proves("FR-221")
def test_a_refusal_after_an_attempt_that_may_have_been_taken_leaves_it_open(
    stub: StripeStub, gateway: StripeGateway
) -> None:
    stub.load_fault(CREATE, Fault.DROPPED_AFTER)
    stub.load_fault(CREATE, Fault.REFUSED)
    with pytest.raises(OutcomeUnknown):
        gateway.charge(new_payment(), "pm_card_visa", soon)
    stub.load_fault(CREATE, Fault.DROPPED_BEFORE)
    with pytest.raises(OutcomeUnknown):
        gateway.charge(new_payment(2), "pm_card_unheard", soon)


@pytest.mark.proves("FR-206", "FR-221")
@pytest.mark.parametrize(
    ("token", "refusal"), [("pm_card_refusedWithIntent", RequestRefused), ("pm_card_ofAnotherKind", InvalidToken)]
)
def test_a_refusal_that_names_an_intent_is_one_once_that_is_cancelled(
    stub: StripeStub, gateway: StripeGateway, token: str, refusal: type[Exception]
) -> None:
    payment = new_payment()
    for _ in range(2):
        with pytest.raises(refusal):
            gateway.charge(payment, token, soon)
        assert [intent["status"] for intent in stub.intents.values()] == ["canceled"]
    assert gateway.find_charge(payment, soon) is None
    assert gateway.prevent_charge(payment, soon) is None


@pytest.mark.proves("FR-203", "FR-206", "FR-221")
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNAUTHORIZED, Fault.LOCKED, Fault.DROPPED_BEFORE])
def test_a_refusal_whose_intent_could_not_be_cancelled_leaves_it_open(
    stub: StripeStub, gateway: StripeGateway, fault: Fault
) -> None:
    payment = new_payment()
    stub.load_fault(CANCEL, fault, 3)
    with pytest.raises(OutcomeUnknown):
        gateway.charge(payment, "pm_card_refusedWithIntent", soon)
    stub.forget_faults()
    assert gateway.prevent_charge(payment, soon) is None
    assert [intent["status"] for intent in stub.intents.values()] == ["canceled"]


@pytest.mark.proves("FR-221")
def test_a_refusal_whose_intent_was_charged_all_the_same_is_a_charge(stub: StripeStub, gateway: StripeGateway) -> None:
    def be_late(stub: StripeStub, parameters: dict[str, Any], intent_id: str) -> dict[str, Any]:
        stub._succeed(stub.intents[intent_id])
        return stub.cancel_intent(parameters, intent_id)

    with patch.dict(WORK, {CANCEL: be_late}):
        charge = gateway.charge(new_payment(), "pm_card_refusedWithIntent", soon)
    assert (charge.status, charge.money) == (ChargeStatus.SUCCEEDED, PRICE)


@pytest.mark.proves("FR-206", "FR-221")
@pytest.mark.parametrize("money", [Money(1, "usd"), Money(150, "mga")], ids=["too small", "no such unit"])
def test_an_amount_that_stripe_does_not_take_is_refused_and_surely_never_charged(
    stub: StripeStub, gateway: StripeGateway, money: Money
) -> None:
    payment = new_payment(money=money)
    with pytest.raises(RequestRefused):
        gateway.charge(payment, "pm_card_visa", soon)
    assert gateway.prevent_charge(payment, soon) is None
    assert stub.intents == {}


@pytest.mark.proves("FR-219")
@pytest.mark.parametrize(
    ("money", "amount"),
    [
        (Money(1800, "usd"), 1800),
        (Money(500, "jpy"), 500),
        (Money(5, "isk"), 500),
        (Money(1000, "ugx"), 100_000),
        (Money(20_000, "mga"), 200),
        (Money(5120, "kwd"), 5120),
    ],
)
def test_amounts_are_in_the_units_that_stripe_has(
    stub: StripeStub, gateway: StripeGateway, money: Money, amount: int
) -> None:
    payment = new_payment(money=money)
    charge = gateway.charge(payment, "pm_card_visa", soon)
    [intent] = stub.intents.values()
    assert (intent["amount"], intent["currency"]) == (amount, money.currency)
    assert charge.money == money
    charged = payment.succeed(gateway_reference=charge.reference, at=payment.created_at)
    gateway.refund(new_refund(charged, money.amount), charged, soon)
    [refund] = stub.refunds.values()
    assert refund["amount"] == amount
    found = gateway.find_charge(charged, soon)
    assert found is not None
    assert found.refunded_amount == money.amount


@pytest.mark.proves("FR-214", "FR-219")
def test_a_refund_in_a_unit_that_stripe_does_not_have_fails(stub: StripeStub, gateway: StripeGateway) -> None:
    payment = new_payment(money=Money(20_000, "mga"))
    charged = payment.succeed(
        gateway_reference=gateway.charge(payment, "pm_card_visa", soon).reference, at=payment.created_at
    )
    made = gateway.refund(new_refund(charged, 150), charged, soon)
    assert (made.outcome, made.failure_reason) == (RefundOutcome.FAILED, "amount_not_supported")
    assert stub.refunds == {}


@pytest.mark.proves("FR-203", "FR-221")
@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "null",
        '"succeeded"',
        "<html>",
        '{"object": "payment_intent", "id": "pi_1", "metadata": {}}',
        '{"object": "payment_intent", "id": "pi_1", "status": "succeeded", "metadata": null, "currency": "usd"}',
    ],
)
def test_an_answer_that_is_none_of_stripe_s_tells_nothing(stub: StripeStub, gateway: StripeGateway, body: str) -> None:
    payment = new_payment()
    with patch.object(StripeStub, "_respond", return_value=Response(body, 200, content_type="application/json")):
        with pytest.raises(OutcomeUnknown):
            gateway.charge(payment, "pm_card_visa", soon)
        with pytest.raises(OutcomeUnknown):
            gateway.refund(new_refund(payment), payment, soon)
        for look in (
            lambda: gateway.find_charge(replace(payment, gateway_reference="pi_1"), soon),
            lambda: gateway.prevent_charge(payment, soon),
            lambda: gateway.find_refunds([new_refund(payment)], payment, soon),
            lambda: list(gateway.list_charges(datetime.now(UTC), datetime.now(UTC), soon)),
        ):
            # Where a list should be, the SDK says that it was never asked.
            with pytest.raises((OutcomeUnknown, RequestNotTaken)):
                look()
    assert gateway.charge(payment, "pm_card_visa", soon).status is ChargeStatus.SUCCEEDED


@pytest.mark.proves("FR-203", "FR-221")
@pytest.mark.parametrize("body", ['{"error": {"type": "card_error"}}', '{"error": {}}', '{"error": null}', "{}", "[]"])
def test_a_decline_that_does_not_say_why_is_none(stub: StripeStub, gateway: StripeGateway, body: str) -> None:
    with (
        patch.object(StripeStub, "_respond", return_value=Response(body, 402, content_type="application/json")),
        pytest.raises(OutcomeUnknown),
    ):
        gateway.charge(new_payment(), "pm_card_visa", soon)


@pytest.mark.proves("FR-219")
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "])
def test_an_answer_that_drips_in_does_not_outlive_the_deadline(head: bytes) -> None:
    """Neither in its body nor in its headers."""

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            with suppress(OSError):
                self.request.sendall(head)
                for _ in range(100):
                    self.request.sendall(b" ")
                    time.sleep(0.1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gateway = new_gateway(f"http://127.0.0.1:{server.server_address[1]}")
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            gateway.charge(new_payment(), "pm_card_visa", in_seconds(3))
        assert time.monotonic() - began < 5
        server.shutdown()


@pytest.mark.proves("FR-219")
def test_a_retry_needs_no_more_time_than_it_takes(stub: StripeStub, gateway: StripeGateway) -> None:
    stub.load_fault(CREATE, Fault.DROPPED_BEFORE)
    assert gateway.charge(new_payment(), "pm_card_visa", in_seconds(4)).status is ChargeStatus.SUCCEEDED


@pytest.mark.proves("FR-219")
@pytest.mark.parametrize(("left", "requests"), [(1.9, 1), (2.1, 2)])
def test_a_retry_for_which_there_may_be_no_time_is_not_made(
    stub: StripeStub, gateway: StripeGateway, left: float, requests: int
) -> None:
    """The pause before it may take a second, and the least that an attempt needs is another."""
    stub.load_fault(CREATE, Fault.DROPPED_BEFORE, 2)
    with pytest.raises(OutcomeUnknown):
        # After the second attempt there is less than any needs.
        gateway.charge(new_payment(), "pm_card_visa", lambda: left if stub.requests[CREATE] < 2 else 0.0)
    assert stub.requests[CREATE] == requests


@pytest.mark.proves("FR-229")
def test_an_intent_with_another_id_than_ours_is_none_of_ours(stub: StripeStub, gateway: StripeGateway) -> None:
    gateway.charge(new_payment(), "pm_card_visa", soon)
    next(iter(stub.intents.values()))["metadata"]["payment_id"] = "pay_of somebody else's"
    now = datetime.now(UTC)
    [charge] = gateway.list_charges(now - timedelta(hours=1), now + timedelta(hours=1), soon)
    assert charge.payment_id is None


@pytest.mark.proves("FR-221")
def test_a_server_that_is_not_there_was_surely_not_asked(stub: StripeStub) -> None:
    nobody = new_gateway("http://127.0.0.1:9")
    with pytest.raises(RequestNotTaken):
        nobody.charge(new_payment(), "pm_card_visa", lambda: 3)


@pytest.mark.proves("FR-220")
def test_without_its_key_nothing_is_asked(stub: StripeStub) -> None:
    def refuse() -> str:
        raise RequestNotTaken

    with pytest.raises(RequestNotTaken):
        StripeGateway(refuse, clock=lambda: datetime.now(UTC), base_address=stub.address).charge(
            new_payment(), "pm_card_visa", soon
        )
    assert not stub.requests


@pytest.mark.proves("FR-219", "FR-221")
def test_no_attempt_outlives_its_deadline(stub: StripeStub, gateway: StripeGateway) -> None:
    stub.slow_seconds = 6
    stub.load_fault(CREATE, Fault.SLOW, 3)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        gateway.charge(new_payment(), "pm_card_visa", in_seconds(3))
    assert 2.5 < time.monotonic() - started < 5.5
    assert stub.requests[CREATE] == 1
    with pytest.raises(OutOfTime):
        gateway.charge(new_payment(2), "pm_card_visa", in_seconds(0.5))
    assert stub.requests[CREATE] == 1, "nothing is begun without time"


@pytest.mark.proves("FR-206")
def test_a_charge_that_arrives_after_it_was_prevented_is_refused(stub: StripeStub, gateway: StripeGateway) -> None:
    payment = new_payment()
    assert gateway.prevent_charge(payment, soon) is None
    assert [intent["status"] for intent in stub.intents.values()] == ["canceled"]
    with pytest.raises(RequestNotTaken):
        gateway.charge(payment, "pm_card_visa", soon)
    assert gateway.find_charge(payment, soon) is None
    assert gateway.prevent_charge(payment, soon) is None, "and it may be prevented again"
    assert stub.charges(payment.order_id) == []


@pytest.mark.proves("FR-206")
@pytest.mark.parametrize(("fault", "made"), [(Fault.ERROR_BEFORE, 0), (Fault.ERROR_AFTER, 1)])
def test_a_fault_of_stripe_s_while_a_charge_is_prevented_does_not_last(
    stub: StripeStub, gateway: StripeGateway, fault: Fault, made: int
) -> None:
    """Stripe answers the key with it for a day; what is there is in the list."""
    payment = new_payment()
    stub.load_fault(CREATE, fault)
    with suppress(OutcomeUnknown):
        gateway.prevent_charge(payment, soon)
    assert new_gateway(stub.address, later=timedelta(minutes=13)).prevent_charge(payment, soon) is None
    assert [intent["status"] for intent in stub.intents.values()] == ["canceled"] * made
    with pytest.raises((RequestNotTaken, OutcomeUnknown)):
        gateway.charge(payment, "pm_card_visa", soon)
    assert stub.charges(payment.order_id) == []


@pytest.mark.proves("FR-206")
def test_a_charge_that_the_search_does_not_know_yet_is_not_taken_for_none(
    stub: StripeStub, gateway: StripeGateway
) -> None:
    payment = new_payment()
    gateway.charge(payment, "pm_card_visa", soon)
    for number in range(2, 130):
        gateway.charge(new_payment(number), "pm_card_visa", soon)
    stub.search_lags = True
    assert gateway.find_charge(payment, soon) is None
    settled = gateway.prevent_charge(payment, soon)
    assert settled is not None
    assert (settled.status, settled.payment_id) == (ChargeStatus.SUCCEEDED, payment.payment_id)


@pytest.mark.proves("FR-203", "FR-206")
def test_a_request_that_was_left_to_itself_is_not_sent_late(
    stub: StripeStub, gateway: StripeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function sleeps between two requests, with the threads that it has; they go on when it does."""
    go_on, resolved, resolve = threading.Event(), threading.Event(), socket.getaddrinfo

    def resolve_late(*arguments: Any) -> Any:
        go_on.wait(10)
        resolved.set()
        return resolve(*arguments)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_late)
    payment = new_payment()
    with pytest.raises(OutcomeUnknown):
        gateway.charge(payment, "pm_card_visa", in_seconds(3))
    go_on.set()
    assert resolved.wait(10)
    time.sleep(0.5)
    assert stub.charges(payment.order_id) == []


@pytest.mark.proves("FR-206")
def test_a_charge_whose_key_stripe_has_forgotten_is_looked_for_in_the_list(
    stub: StripeStub, gateway: StripeGateway
) -> None:
    charged, lost = new_payment(), new_payment(2)
    gateway.charge(charged, "pm_card_visa", soon)
    stub.forget_keys()
    stub.search_lags = True
    next_day = new_gateway(stub.address, later=timedelta(hours=25))
    settled = next_day.prevent_charge(charged, soon)
    assert settled is not None
    assert settled.status is ChargeStatus.SUCCEEDED
    assert next_day.prevent_charge(lost, soon) is None
    assert len(stub.intents) == 1, "a key that is free again protects nothing"


@pytest.mark.proves("FR-206", "FR-209")
@pytest.mark.parametrize("search_refused", [None, 403])
def test_of_a_payment_s_intents_the_charge_is_found_and_not_what_prevents_one(
    stub: StripeStub, gateway: StripeGateway, search_refused: int | None
) -> None:
    payment = new_payment()
    stub.search_refused = search_refused
    charge = gateway.charge(payment, "pm_card_visa", soon)
    stub.intents = {"pi_0": {**stub.intents[charge.reference], "id": "pi_0", "status": "canceled"}} | stub.intents
    stub.intents["pi_9"] = {**stub.intents["pi_0"], "id": "pi_9"}
    assert gateway.find_charge(payment, soon) == charge
    assert gateway.prevent_charge(payment, soon) == charge


@pytest.mark.proves("FR-206", "FR-209")
@pytest.mark.parametrize("status", [400, 403])
def test_an_account_that_may_not_search_finds_its_charges_in_the_list(
    stub: StripeStub, gateway: StripeGateway, status: int
) -> None:
    """As one in India may not, or a key without that permission."""
    stub.search_refused = status
    charged, waits, lost = new_payment(), new_payment(2), new_payment(3)
    gateway.charge(charged, "pm_card_visa", soon)
    gateway.charge(waits, "pm_card_authenticationRequired", soon)
    found, prevented = gateway.find_charge(charged, soon), gateway.prevent_charge(charged, soon)
    assert found is not None
    assert (found.status, found.payment_id) == (ChargeStatus.SUCCEEDED, charged.payment_id)
    assert prevented == found
    assert gateway.prevent_charge(waits, soon) is None
    assert gateway.find_charge(lost, soon) is None
    assert gateway.prevent_charge(lost, soon) is None
    assert [intent["status"] for intent in stub.intents.values()] == ["succeeded", "canceled", "canceled"]


@pytest.mark.proves("FR-206")
@pytest.mark.parametrize("tells_use_first", [True, False], ids=["key in use", "other parameters"])
def test_a_charge_under_way_is_not_taken_for_none(
    stub: StripeStub, gateway: StripeGateway, tells_use_first: bool
) -> None:
    """Whichever of the two Stripe says of a key that is in use with other parameters."""
    payment = new_payment()
    stub.tells_use_first = tells_use_first
    stub.load_fault(CREATE, Fault.HELD)
    charging = threading.Thread(target=gateway.charge, args=[payment, "pm_card_visa", soon])
    charging.start()
    stub.held.wait(10)
    with pytest.raises(OutcomeUndecided if not tells_use_first else OutcomeUnknown):
        gateway.prevent_charge(payment, in_seconds(3))
    stub.go_on.set()
    charging.join()
    settled = gateway.prevent_charge(payment, soon)
    assert settled is not None
    assert settled.status is ChargeStatus.SUCCEEDED


@pytest.mark.proves("FR-222")
@pytest.mark.parametrize("succeeds", [True, False])
def test_a_charge_that_waits_for_its_customer_tells_what_the_client_needs(
    stub: StripeStub, gateway: StripeGateway, succeeds: bool
) -> None:
    payment = new_payment()
    charge = gateway.charge(payment, "pm_card_authenticationRequired", soon)
    [intent] = stub.intents.values()
    assert charge.status is ChargeStatus.PENDING
    assert charge.next_action == {"type": "use_stripe_sdk", "client_secret": intent["client_secret"]}
    stub.act(intent["id"], succeeds=succeeds)
    again = gateway.charge(payment, "pm_card_authenticationRequired", soon)
    if succeeds:
        assert again.status is ChargeStatus.SUCCEEDED, "what became of it, not what was answered first"
        assert gateway.prevent_charge(payment, soon) == gateway.find_charge(payment, soon)
    else:
        assert (again.status, again.decline_code) == (ChargeStatus.DECLINED, "payment_intent_authentication_failure")
        assert intent["status"] == "canceled"
        ended = gateway.prevent_charge(payment, soon)
        assert ended is None, "it was declined, and Stripe does not say so any more"
        assert intent["status"] == "canceled", "it cannot be confirmed with another card any more"


@pytest.mark.proves("FR-206", "FR-221")
def test_a_charge_that_failed_for_a_reason_without_a_code_ends(stub: StripeStub, gateway: StripeGateway) -> None:
    """Stripe has codes for some: https://docs.stripe.com/api/payment_intents/object"""
    payment = new_payment()
    gateway.charge(payment, "pm_card_authenticationRequired", soon)
    [intent] = stub.intents.values()
    stub.act(intent["id"], succeeds=False)
    intent["last_payment_error"] = {"type": "invalid_request_error"}
    ended = gateway.prevent_charge(payment, soon)
    assert ended is not None
    assert (ended.status, ended.decline_code) == (ChargeStatus.DECLINED, "invalid_request_error")


@pytest.mark.proves("FR-222")
def test_a_charge_whose_customer_never_acts_is_cancelled(stub: StripeStub, gateway: StripeGateway) -> None:
    payment = new_payment()
    reference = gateway.charge(payment, "pm_card_authenticationRequired", soon).reference
    open_ = payment.leave_open(gateway_reference=reference, act_until=None, at=payment.created_at)
    assert gateway.prevent_charge(open_, soon) is None
    assert [intent["status"] for intent in stub.intents.values()] == ["canceled"]
    with pytest.raises(RequestNotTaken):
        gateway.charge(payment, "pm_card_authenticationRequired", soon)


@pytest.mark.proves("FR-210", "FR-212", "FR-219")
def test_a_refund_is_made_once_and_found_again(stub: StripeStub, gateway: StripeGateway) -> None:
    payment = new_payment(reference=gateway.charge(new_payment(), "pm_card_visa", soon).reference)
    refund = new_refund(payment)
    assert gateway.find_refunds([refund], payment, soon) == {}
    made = gateway.refund(refund, payment, soon)
    assert made.outcome is RefundOutcome.SUCCEEDED
    assert gateway.refund(refund, payment, soon) == made
    assert gateway.find_refunds([refund], payment, soon) == {refund.refund_id: made}
    [kept] = stub.refunds.values()
    assert kept["metadata"] == {
        "refund_id": refund.refund_id,
        "payment_id": refund.payment_id,
        "order_id": refund.order_id,
    }
    found = gateway.find_charge(payment, soon)
    assert found is not None
    assert found.refunded_amount == 500


@pytest.mark.proves("FR-214")
def test_a_refund_beyond_the_charge_fails(gateway: StripeGateway) -> None:
    payment = new_payment(reference=gateway.charge(new_payment(), "pm_card_visa", soon).reference)
    made = gateway.refund(new_refund(payment, 1801), payment, soon)
    assert (made.outcome, made.failure_reason) == (RefundOutcome.FAILED, "charge_already_refunded")


@pytest.mark.proves("FR-213", "FR-214")
@pytest.mark.parametrize(
    ("status", "outcome"),
    [("pending", "pending"), ("requires_action", "pending"), ("failed", "failed"), ("canceled", "failed")],
)
def test_a_refund_is_what_stripe_says_it_is(
    stub: StripeStub, gateway: StripeGateway, status: str, outcome: str
) -> None:
    payment = new_payment(reference=gateway.charge(new_payment(), "pm_card_visa", soon).reference)
    refund = new_refund(payment)
    gateway.refund(refund, payment, soon)
    next(iter(stub.refunds.values()))["status"] = status
    found = gateway.find_refunds([refund], payment, soon).get(refund.refund_id)
    assert found is not None
    assert found.outcome == outcome


@pytest.mark.proves("FR-213", "FR-214")
def test_a_refund_that_came_late_to_stripe_has_failed_only_once_that_is_over(
    stub: StripeStub, gateway: StripeGateway
) -> None:
    """The SDK repeats a request that failed, and is told that it has failed."""
    payment = new_payment(reference=gateway.charge(new_payment(), "pm_card_visa", soon).reference)
    refund = new_refund(payment)
    later = new_gateway(stub.address, later=timedelta(minutes=30))
    stub.load_fault(REFUND, Fault.ERROR_BEFORE)
    with pytest.raises(OutcomeUnknown):
        later.refund(refund, payment, soon)
    assert stub.requests[REFUND] > 1
    with pytest.raises(OutcomeUnknown):
        later.refund(asked_again(refund, after=timedelta(minutes=19)), payment, soon)
    made = later.refund(asked_again(refund, after=timedelta(minutes=17)), payment, soon)
    assert (made.outcome, made.failure_reason) == (RefundOutcome.FAILED, "gateway_error")


@pytest.mark.proves("FR-212", "FR-213")
@pytest.mark.parametrize(
    ("fault", "times", "raised", "refunded"),
    [
        (Fault.REFUSED, 1, RequestNotTaken, 0),
        (Fault.ERROR_AFTER, 1, OutcomeUnknown, 1),
        (Fault.DROPPED_BEFORE, 3, OutcomeUnknown, 0),
        (Fault.DROPPED_AFTER, 3, OutcomeUnknown, 1),
        (Fault.DROPPED_AFTER, 1, None, 1),
    ],
)
def test_a_refund_that_goes_wrong_is_told_as_what_is_known_of_it(
    stub: StripeStub, gateway: StripeGateway, fault: Fault, times: int, raised: Any, refunded: int
) -> None:
    payment = new_payment(reference=gateway.charge(new_payment(), "pm_card_visa", soon).reference)
    refund = new_refund(payment)
    stub.load_fault(REFUND, fault, times)
    if raised:
        with pytest.raises(raised):
            gateway.refund(refund, payment, soon)
    else:
        gateway.refund(refund, payment, soon)
    assert len(stub.refunds) == refunded
    found = gateway.find_refunds([refund], payment, soon).get(refund.refund_id)
    assert (found is not None) == (refunded == 1)


@pytest.mark.proves("FR-229")
def test_charges_are_listed_whole_however_many_there_are(stub: StripeStub, gateway: StripeGateway) -> None:
    made = {gateway.charge(new_payment(number), "pm_card_visa", soon).reference for number in range(1, 106)}
    gateway.prevent_charge(new_payment(200), soon)
    declined = gateway.charge(new_payment(201), "pm_card_chargeDeclined", soon)
    now = datetime.now(UTC)
    listed = list(gateway.list_charges(now - timedelta(hours=1), now + timedelta(hours=1), soon))
    assert {charge.reference for charge in listed} == made | {declined.reference}
    assert len(listed) == 106
    assert list(gateway.list_charges(now - timedelta(hours=2), now - timedelta(hours=1), soon)) == []


@pytest.mark.proves("FR-031", "FR-220")
def test_neither_key_nor_token_nor_client_secret_is_in_an_error_or_a_log(
    stub: StripeStub, gateway: StripeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for fault in Fault:
        stub.load_fault(CREATE, fault, 3 if "dropped" in fault else 1)
        try:
            gateway.charge(new_payment(list(Fault).index(fault) + 1), "pm_card_authenticationRequired", in_seconds(4))
        except (OutcomeUnknown, RequestNotTaken) as error:
            text = repr(error) + repr(error.__cause__)
            assert "pm_card" not in text
            assert KEY not in text
    # But for what the stub's own server writes.
    logged = "".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    assert "Starting new HTTP connection" in logged, "everything is logged that can be"
    for secret in (KEY, "_secret", "pm_card"):
        assert secret not in logged
