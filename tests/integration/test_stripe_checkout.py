"""The checkout with Stripe as its gateway: handlers, tables, Parameter Store, and a stub of Stripe's API over HTTP."""

import base64
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import time_machine

from checkout import wiring
from checkout.audit import Actor
from checkout.caller import Author
from checkout.dynamodb import to_wire
from checkout.jobs import JobFailed
from checkout.settlement_service import Settlement, SettlementService
from checkout.stripe_gateway import StripeGateway
from local.template import ROOT
from tests.integration.conftest import AWS, Answer, Checkout, Context, open_checkout, set_environment
from tests.integration.test_pay import failing, is_claim, is_outcome
from tests.stripe_stub import KEY, Fault, StripeStub, make_event, open_stripe_stub, sign

CREATE = "POST /v1/payment_intents"
OLD, NEW = "whsec_old", "whsec_new"
VISA = "pm_card_visa"


class StripeCheckout(Checkout):
    """With the stub of Stripe behind it."""

    stub: StripeStub

    def send(
        self,
        payload: bytes,
        *secrets: str,
        at: datetime | None = None,
        header: str | None = None,
        encoded: bool = False,
    ) -> Answer:
        """An event, as Stripe sends it."""
        signature = sign(payload, *secrets, at=at) if header is None else header
        event = {
            "version": "2.0",
            "headers": {"Stripe-Signature": signature, "content-type": "application/json"},
            "requestContext": {"requestId": "request-stripe"},
            "body": base64.b64encode(payload).decode() if encoded else payload.decode(),
            "isBase64Encoded": encoded,
        }
        return self.invoke("receive_stripe_event", event)

    def charges(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        return self.stub.charges(order["id"])


def event_of(
    stub: StripeStub, order: dict[str, Any], number: int = 1, type_: str = "payment_intent.succeeded"
) -> bytes:
    [intent] = [intent for intent in stub.intents.values() if intent["metadata"]["order_id"] == order["id"]]
    return make_event(1, "payment_intent.succeeded", intent)


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    with open_stripe_stub() as opened:
        yield opened


@pytest.fixture
def checkout(stub: StripeStub, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeCheckout]:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0.01)
    with open_checkout(StripeCheckout, PaymentGateway="stripe", StripeAddress=stub.address) as opened:
        ssm = boto3.client("ssm")
        ssm.put_parameter(Name="/checkout/stripe/key", Value=KEY, Type="SecureString")
        ssm.put_parameter(Name="/checkout/stripe/webhook-secrets", Value=f"{OLD},{NEW}", Type="SecureString")
        opened.stub = stub
        yield opened


@pytest.mark.proves("FR-219", "FR-220")
def test_an_order_is_paid_and_refunded_with_stripe(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    answer = checkout.pay(order, VISA)
    assert (answer.status, answer.body["status"]) == (201, "succeeded")
    assert checkout.mark_paid(order, answer.body["transaction_id"]).status == 200
    assert stub.live_amount(order["id"]) == 1800
    assert checkout.refund(order, 800).status == 201
    assert stub.live_amount(order["id"]) == 1000
    assert checkout.payment_items(order)[0]["gateway_reference"] == checkout.charges(order)[0]["id"]


@pytest.mark.proves("FR-221")
@pytest.mark.parametrize(
    ("token", "fault", "status", "code"),
    [
        ("pm_card_chargeDeclinedInsufficientFunds", None, 402, "card_declined"),
        ("pm_card_unheard", None, 422, "invalid_token"),
        ("visa", None, 422, "invalid_token"),
        (VISA, Fault.REFUSED, 503, "gateway_unavailable"),
        (VISA, Fault.UNAUTHORIZED, 503, "gateway_unavailable"),
        (VISA, Fault.ERROR_AFTER, 202, None),
        (VISA, Fault.ERROR_BEFORE, 202, None),
    ],
)
def test_what_stripe_answers_is_the_contracts(
    checkout: StripeCheckout, stub: StripeStub, token: str, fault: Fault | None, status: int, code: str | None
) -> None:
    order = checkout.create_order()
    if fault:
        stub.load_fault(CREATE, fault)
    answer = checkout.pay(order, token)
    assert (answer.status, answer.code) == (status, code)
    if status == 402:
        assert answer.body["decline_code"] == "insufficient_funds"
    checkout.settle(after=timedelta(minutes=12))
    charged = fault is Fault.ERROR_AFTER
    assert len(checkout.charges(order)) == charged
    assert checkout.get_order(order)["status"] == ("paid" if charged else "created")
    if not charged:
        assert checkout.pay(order, VISA).status == 201


@pytest.mark.proves("FR-221", "FR-226")
def test_what_stripe_refuses_is_surely_not_charged_and_closes_no_circuit(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    """An amount below Stripe's least."""
    wiring.gateway.cache_clear()
    with set_environment(CircuitFailures="2", StripeAddress=stub.address, PaymentGateway="stripe"):
        wiring.gateway()
    checkout.database.update_item(
        TableName="ProductsTable",
        Key={"product_id": {"S": "mug"}},
        UpdateExpression="SET unit_price = :few",
        ExpressionAttributeValues={":few": {"N": "49"}},
    )
    for _ in range(3):
        order = checkout.create_order()
        assert checkout.pay(order, VISA).code == "gateway_unavailable"
        assert checkout.payment_items(order)[0]["status"] == "failed"
    assert stub.intents == {}
    assert checkout.pay(checkout.create_order("tea"), VISA).status == 201


@pytest.mark.proves("FR-221", "FR-226")
@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("pm_card_refusedWithIntent", 503, "gateway_unavailable"),
        ("pm_card_ofAnotherKind", 422, "invalid_token"),
        ("pm_card_unheard", 422, "invalid_token"),
        ("pm_card_chargeDeclined", 402, "card_declined"),
    ],
)
def test_no_customer_closes_the_shop_for_the_others(
    checkout: StripeCheckout, stub: StripeStub, token: str, status: int, code: str
) -> None:
    wiring.gateway.cache_clear()
    with set_environment(CircuitFailures="2", StripeAddress=stub.address, PaymentGateway="stripe"):
        wiring.gateway()
    for _ in range(3):
        answer = checkout.pay(checkout.create_order(customer="mallory"), token, customer="mallory")
        assert (answer.status, answer.code) == (status, code)
    assert checkout.pay(checkout.create_order(), VISA).status == 201
    ended = {item["status"] for item in checkout.scan("PaymentsTable") if item["customer_id"] == "mallory"}
    assert ended == {"failed"}


@pytest.mark.proves("FR-221", "FR-206")
def test_a_charge_slower_than_the_function_is_settled(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    stub.slow_seconds = 5
    stub.load_fault(CREATE, Fault.SLOW)
    assert checkout.pay(order, VISA, seconds=8).status == 202
    assert checkout.settle()["orders_paid"] == 1
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-222", "FR-225")
@pytest.mark.parametrize("succeeds", [True, False])
@pytest.mark.parametrize("told_by", ["event", "schedule"])
def test_a_charge_waits_for_its_customer(
    checkout: StripeCheckout, stub: StripeStub, succeeds: bool, told_by: str
) -> None:
    order = checkout.create_order()
    answer = checkout.pay(order, "pm_card_authenticationRequired", key="key")
    [intent] = stub.intents.values()
    assert (answer.status, answer.body["status"]) == (202, "pending")
    assert answer.body["next_action"] == {"type": "use_stripe_sdk", "client_secret": intent["client_secret"]}
    assert intent["client_secret"] not in str(checkout.read_tables())
    assert checkout.settle()["waiting"] == 1, "the customer has time"
    assert checkout.cancel(order).code == "payment_in_progress"
    stub.act(intent["id"], succeeds=succeeds)
    if told_by == "event":
        assert checkout.send(event_of(stub, order), NEW).status == 200
    else:
        checkout.settle(after=timedelta(minutes=3))
    assert checkout.get_order(order)["status"] == ("paid" if succeeds else "created")
    again = checkout.pay(order, "pm_card_authenticationRequired", key="key")
    assert again.status == (201 if succeeds else 402)
    assert len(checkout.charges(order)) == succeeds


def is_waiting(checkout: Checkout, order: dict[str, Any]) -> bool:
    return checkout.payment_items(order)[0]["status"] == "unknown"


@pytest.mark.proves("FR-222")
@pytest.mark.parametrize("asks_again", [False, True])
def test_a_customer_who_never_acts_keeps_no_order(checkout: StripeCheckout, stub: StripeStub, asks_again: bool) -> None:
    order = checkout.create_order()
    checkout.pay(order, "pm_card_authenticationRequired", key="key")
    for _ in range(20):
        if asks_again and is_waiting(checkout, order):
            checkout.pay(order, "pm_card_authenticationRequired", key="key")
        checkout.settle(after=timedelta(minutes=1))
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["failure_reason"]) == ("failed", "not_charged")
    assert [intent["status"] for intent in stub.intents.values()] == ["canceled"]
    assert checkout.cancel(order).status == 200


@pytest.mark.proves("FR-207", "FR-222")
@pytest.mark.parametrize("acts", [False, True])
def test_the_time_a_customer_had_is_no_reason_to_wait_longer_after_a_fault(
    checkout: StripeCheckout, stub: StripeStub, acts: bool
) -> None:
    order = checkout.create_order()
    checkout.pay(order, "pm_card_authenticationRequired", key="key")
    for _ in range(15):
        checkout.settle(after=timedelta(seconds=58))
    if acts:
        stub.act(next(iter(stub.intents)), succeeds=True)
    stub.load_fault("GET /v1/payment_intents/{id}", Fault.REFUSED, 1)
    for _ in range(6):
        checkout.settle(after=timedelta(minutes=1))
    assert stub.count_faults() == 0
    assert checkout.get_order(order)["status"] == ("paid" if acts else "created")
    assert acts or checkout.pay(order, VISA, key="other").status == 201


@pytest.mark.proves("FR-222")
def test_a_customer_who_is_to_act_has_time_though_that_was_not_put_on_record(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    with failing(checkout, is_outcome):
        answer = checkout.pay(order, "pm_card_authenticationRequired", key="key")
    assert answer.body["next_action"]
    checkout.settle(after=timedelta(minutes=1))
    [intent] = stub.intents.values()
    assert intent["status"] == "requires_action"
    stub.act(intent["id"], succeeds=True)
    assert checkout.settle(after=timedelta(minutes=5))["orders_paid"] == 1


@pytest.mark.proves("FR-204", "FR-205")
@pytest.mark.parametrize("every", [timedelta(seconds=30), timedelta(minutes=5)])
def test_a_client_that_asks_again_and_again_does_not_keep_its_payment_open(
    checkout: StripeCheckout, stub: StripeStub, every: timedelta
) -> None:
    """Stripe answers the key from now on with its fault; nothing was charged."""
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_BEFORE)
    assert checkout.pay(order, VISA, key="key").status == 202
    waited, answers = timedelta(), [202]
    while answers[-1] == 202 and waited < timedelta(hours=3):
        checkout.settle(after=every)
        waited += every
        answers.append(checkout.pay(order, VISA, key="key").status)
    assert answers[-1] == 201
    assert waited <= timedelta(hours=1)
    assert len(checkout.charges(order)) == 1


# Webhook


@pytest.mark.proves("FR-224", "FR-225")
@pytest.mark.parametrize("encoded", [False, True], ids=["as text", "as Base64"])
@pytest.mark.parametrize("secret", [OLD, NEW])
def test_an_event_settles_its_payment(checkout: StripeCheckout, stub: StripeStub, encoded: bool, secret: str) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    assert checkout.pay(order, VISA).status == 202
    answer = checkout.send(event_of(stub, order), secret, encoded=encoded)
    assert (answer.status, answer.body) == (200, {"received": True})
    assert checkout.get_order(order)["status"] == "paid"
    assert checkout.audit_trail(order)[-1].actor == "system"


def change_payload(payload: bytes) -> bytes:
    return payload.replace(b"payment_intent.succeeded", b"payment_intent.succeedee")


@pytest.mark.proves("FR-224")
@pytest.mark.parametrize("encoded", [False, True], ids=["as text", "as Base64"])
@pytest.mark.parametrize(
    "forged", ["no header", "another secret", "too old", "from the future", "changed", "reformatted"]
)
def test_a_forged_event_is_refused_and_changes_nothing(
    checkout: StripeCheckout, stub: StripeStub, forged: str, encoded: bool
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    checkout.pay(order, VISA)
    payload, asked = event_of(stub, order), stub.requests.copy()
    before = checkout.read_tables()
    now = datetime.now(UTC)
    sent = {
        "no header": lambda: checkout.send(payload, header="", encoded=encoded),
        "another secret": lambda: checkout.send(payload, "whsec_other", encoded=encoded),
        "too old": lambda: checkout.send(payload, NEW, at=now - timedelta(seconds=310), encoded=encoded),
        "from the future": lambda: checkout.send(payload, NEW, at=now + timedelta(seconds=310), encoded=encoded),
        "changed": lambda: checkout.send(change_payload(payload), header=sign(payload, NEW), encoded=encoded),
        "reformatted": lambda: checkout.send(
            json.dumps(json.loads(payload)).encode(), header=sign(payload, NEW), encoded=encoded
        ),
    }[forged]()
    assert (sent.status, sent.code) == (400, "invalid_signature")
    assert checkout.read_tables() == before
    assert stub.requests == asked


@pytest.mark.proves("FR-224")
def test_a_forged_event_is_refused_however_long_it_is(checkout: StripeCheckout) -> None:
    answer = checkout.send(b"{" + b" " * 700_000, "whsec_other")
    assert (answer.status, answer.code) == (400, "invalid_signature")


@pytest.mark.proves("FR-225")
def test_an_event_that_comes_again_while_it_is_handled_is_to_be_sent_again(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    checkout.pay(order, VISA)
    payload, seconds = event_of(stub, order), []
    settle_payment = SettlementService.settle_payment

    def meet(service: SettlementService, *arguments: Any) -> Settlement:
        seconds.append(checkout.send(payload, NEW))
        return settle_payment(service, *arguments)

    with patch.object(SettlementService, "settle_payment", meet):
        assert checkout.send(payload, NEW).status == 200
    assert [(answer.status, answer.code) for answer in seconds] == [(409, "idempotency_in_progress")]
    assert checkout.get_order(order)["status"] == "paid"


@pytest.mark.proves("FR-225")
def test_an_event_whose_function_was_killed_is_handled_once_its_time_is_over(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    checkout.pay(order, VISA)
    payload = event_of(stub, order)
    with patch.object(SettlementService, "settle_payment", side_effect=SystemExit), pytest.raises(SystemExit):
        checkout.send(payload, NEW)
    assert checkout.send(payload, NEW).code == "idempotency_in_progress"
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=20)):
        assert checkout.send(payload, NEW).status == 200
    assert checkout.get_order(order)["status"] == "paid"


def is_remembering(name: str, parameters: dict[str, Any]) -> bool:
    return name == "UpdateItem" and parameters["TableName"] == "IdempotencyTable"


@pytest.mark.proves("FR-225")
def test_an_event_that_was_handled_is_taken_although_that_could_not_be_kept(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    checkout.pay(order, VISA)
    with failing(checkout, is_remembering) as failed:
        answer = checkout.send(event_of(stub, order), NEW)
    assert failed
    assert (answer.status, answer.body) == (200, {"received": True})
    assert checkout.get_order(order)["status"] == "paid"


@pytest.mark.proves("FR-233")
@pytest.mark.parametrize("told", [True, False], ids=["by an event", "by the report of differences"])
def test_a_return_that_a_bank_sends_back_is_made_again(
    checkout: StripeCheckout, stub: StripeStub, told: bool, read_log: Callable[[], str]
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER, 1)
    checkout.pay(order, VISA)
    [intent] = stub.intents.values()
    intent["amount"] = intent["amount_received"] = 9900
    checkout.settle()
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["refunded"]
    stub.send_back()
    if told:
        [refund] = stub.refunds.values()
        assert checkout.send(make_event(9, "refund.failed", refund), NEW).status == 200
    else:
        checkout.wait(timedelta(hours=1))
        checkout.run("reconcile_payments")
    assert checkout.pay(order, VISA).code != "card_declined"
    checkout.settle()
    assert checkout.payment_items(order)[0]["status"] == "refunded"
    assert [refund["status"] for refund in checkout.refund_items(order)] == ["failed", "succeeded"]
    assert stub.live_amount(order["id"]) in {0, order["total_amount"]}
    assert '"RefundsRejected":[1' in read_log().replace(" ", "")
    checkout.audit_events(order)


@pytest.mark.proves("FR-233", "FR-014")
def test_a_charge_that_a_bank_has_sent_back_holds_its_order_until_it_is_returned_again(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER, 1)
    checkout.pay(order, VISA)
    [intent] = stub.intents.values()
    intent["amount"] = intent["amount_received"] = 9900
    checkout.settle()
    stub.send_back()
    [refund] = stub.refunds.values()
    stub.load_fault("GET /v1/payment_intents/{id}", Fault.DROPPED_BEFORE, 3)
    event = make_event(9, "refund.failed", refund)
    assert checkout.send(event, NEW).status == 503, "Stripe sends it again"
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refundable_amount"]) == ("failed", 9900)
    assert payment["due_at"], "it is looked after though no event comes again"
    assert checkout.order_item(order)["live_payment_id"] == payment["payment_id"]
    stub.load_fault("POST /v1/refunds", Fault.DROPPED_BEFORE, 3)
    assert checkout.send(event, NEW).status == 503
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refundable_amount"]) == ("refunding", 0)
    [failed, pending] = checkout.refund_items(order)
    assert (failed["failure_reason"], pending["status"]) == ("expired_or_canceled_card", "pending")
    assert failed["gateway_reference"] == refund["id"]
    assert checkout.pay(order, VISA).code == "payment_in_progress"
    assert checkout.cancel(order).code == "payment_in_progress"
    assert checkout.settle()["faults"] == []
    assert stub.live_amount(order["id"]) == 0
    assert checkout.audit_events(order)[-3:] == ["refund_failed", "refund_started", "refund_succeeded"]
    assert checkout.pay(order, VISA).status == 201


@pytest.mark.proves("FR-233")
def test_a_whole_refund_that_a_bank_sends_back_may_be_made_again(
    checkout: StripeCheckout, stub: StripeStub, read_log: Callable[[], str]
) -> None:
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    assert checkout.refund(order).status == 201
    assert checkout.refund(order).code == "invalid_transition"
    stub.send_back()
    [refund] = stub.refunds.values()
    for number in (8, 9):
        assert checkout.send(make_event(number, "refund.failed", refund), NEW).status == 200
    assert read_log().replace(" ", "").count('"RefundsRejected":[1') == 1
    assert len(stub.refunds) == 1, "it is not made again by itself: the way is closed"
    now = checkout.get_order(order)
    assert (now["status"], now["refunded_amount"]) == ("refunded", 0)
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refundable_amount"], payment["refunded_amount"]) == ("succeeded", 1800, 0)
    assert "due_at" not in payment
    assert [checkout.refund(order, 800).status, checkout.refund(order).body["amount"]] == [201, 1000]
    now = checkout.get_order(order)
    assert (now["status"], now["refunded_amount"], stub.live_amount(order["id"])) == ("refunded", 1800, 0)
    assert checkout.refund(order).code == "invalid_transition"
    assert checkout.audit_events(order).count("order_refunded") == 1
    assert [item["status"] for item in checkout.refund_items(order)] == ["failed", "succeeded", "succeeded"]


@pytest.mark.proves("FR-233", "FR-211")
def test_a_part_that_a_bank_sends_back_may_be_refunded_again(
    checkout: StripeCheckout, stub: StripeStub, read_log: Callable[[], str]
) -> None:
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    assert checkout.refund(order, 500, key="part").status == 201
    stub.send_back()
    [refund] = stub.refunds.values()
    assert checkout.send(make_event(9, "refund.failed", refund), NEW).status == 200
    assert '"RefundsRejected":[1' in read_log().replace(" ", "")
    assert checkout.get_order(order)["refunded_amount"] == 0
    [payment], [failed] = checkout.payment_items(order), checkout.refund_items(order)
    assert (payment["status"], payment["refundable_amount"], payment["refunded_amount"]) == ("succeeded", 1800, 0)
    assert "due_at" not in payment, "nothing is left to be done about it"
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    checkout.forget_results()
    assert checkout.refund(order, 500, key="part").code == "refund_failed"
    assert checkout.refund(order).body["amount"] == 1800
    assert (checkout.get_order(order)["status"], stub.live_amount(order["id"])) == ("refunded", 0)
    assert checkout.audit_events(order)[-4:] == [
        "refund_failed",
        "refund_started",
        "refund_succeeded",
        "order_refunded",
    ]


@pytest.mark.proves("FR-233")
def test_a_part_that_a_bank_sends_back_while_another_is_under_way(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    assert checkout.refund(order, 500).status == 201
    stub.send_back()
    [refund] = stub.refunds.values()
    stub.load_fault("POST /v1/refunds", Fault.DROPPED_BEFORE, 3)
    assert checkout.refund(order, 300).status == 202
    assert checkout.send(make_event(9, "refund.failed", refund), NEW).status == 200
    assert [item["status"] for item in checkout.refund_items(order)] == ["failed", "succeeded"]
    assert checkout.get_order(order)["refunded_amount"] == 300 == 1800 - stub.live_amount(order["id"])
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refundable_amount"], payment["refunded_amount"]) == ("succeeded", 1500, 300)
    checkout.audit_events(order)


@pytest.mark.proves("FR-212", "FR-213")
def test_a_request_that_ends_leaves_its_refund_also_where_an_event_has_asked_for_it(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    assert checkout.refund(order, 300).status == 201
    [first] = stub.refunds.values()
    real = StripeGateway.refund

    def refund(*arguments: Any) -> Any:
        with patch.object(StripeGateway, "refund", real):
            stub.load_fault("POST /v1/refunds", Fault.REFUSED)
            assert checkout.send(make_event(8, "refund.updated", first), NEW).status == 503
        stub.load_fault("POST /v1/refunds", Fault.REFUSED)
        return real(*arguments)

    with patch.object(StripeGateway, "refund", refund):
        assert checkout.refund(order, 500, key="key").status == 202
    assert checkout.refund(order, 500, key="key").status == 201


@pytest.mark.proves("FR-233", "FR-225")
@pytest.mark.parametrize("failure_first", [True, False])
def test_events_of_two_refunds_may_come_in_any_order(
    checkout: StripeCheckout, stub: StripeStub, failure_first: bool
) -> None:
    """A bank has sent back the first; the second, of all that was left, was made since."""
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    assert checkout.refund(order, 800).status == 201
    stub.refunds_wait = True
    assert checkout.refund(order, 1000).status == 202
    failed, made = stub.refunds.values()
    stub.send_back()
    told, stub.refunds_wait = make_event(8, "refund.failed", failed), False
    if failure_first:
        assert checkout.send(told, NEW).status == 200
    made["status"] = "succeeded"
    assert checkout.send(make_event(9, "refund.updated", made), NEW).status == 200
    if not failure_first:
        assert checkout.send(told, NEW).status == 200
    order_now = checkout.get_order(order)
    assert (order_now["status"], order_now["refunded_amount"]) == ("paid", 1000) == ("paid", 1800 - 800)
    assert stub.live_amount(order["id"]) == 800
    assert checkout.refund(order).body["amount"] == 800
    assert stub.live_amount(order["id"]) == 0


@pytest.mark.proves("FR-233", "FR-225")
@pytest.mark.parametrize("returned", [False, True], ids=["a part of a paid order", "a charge that paid for nothing"])
def test_two_events_of_one_refund_that_was_sent_back_meet(
    checkout: StripeCheckout, stub: StripeStub, returned: bool, read_log: Callable[[], str]
) -> None:
    order = checkout.create_order()
    if returned:
        stub.load_fault(CREATE, Fault.ERROR_AFTER, 1)
        checkout.pay(order, VISA)
        [intent] = stub.intents.values()
        intent["amount"] = intent["amount_received"] = 9900
        checkout.settle()
    else:
        checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
        assert checkout.refund(order, 500).status == 201
    stub.send_back()
    [refund] = stub.refunds.values()
    take_back = SettlementService._take_back
    first: list[bool] = []

    def be_late(*arguments: Any) -> Any:
        if not first:
            first.append(True)
            assert checkout.send(make_event(8, "refund.updated", refund), NEW).status == 200
        return take_back(*arguments)

    with patch.object(SettlementService, "_take_back", be_late):
        assert checkout.send(make_event(9, "refund.failed", refund), NEW).status == 200
    assert read_log().replace(" ", "").count('"RefundsRejected":[1') == 1
    assert checkout.audit_events(order).count("refund_failed") == 1


@pytest.mark.proves("FR-209")
def test_a_replay_of_stripes_is_not_believed_where_the_charge_was_refunded_since(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.DROPPED_AFTER, 3)
    assert checkout.pay(order, VISA, key="key").status == 202
    [intent] = stub.intents.values()
    intent["latest_charge"]["amount_refunded"] = 700
    assert checkout.pay(order, VISA, key="key").status == 202
    checkout.settle()
    assert (checkout.get_order(order)["status"], stub.live_amount(order["id"])) == ("created", 0)
    assert checkout.pay(order, VISA, key="key").code == "payment_not_succeeded"


@pytest.mark.proves("FR-209")
@pytest.mark.parametrize("refunded", [1800, 700], ids=["wholly", "in part"])
@pytest.mark.parametrize("told", [True, False], ids=["by an event", "by the schedule"])
def test_a_charge_that_was_refunded_at_stripe_before_it_was_known_pays_for_nothing(
    checkout: StripeCheckout, stub: StripeStub, refunded: int, told: bool
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER, 1)
    assert checkout.pay(order, VISA, key="key").status == 202
    [intent] = stub.intents.values()
    intent["latest_charge"]["amount_refunded"] = refunded
    if told:
        assert checkout.send(event_of(stub, order), NEW).status == 200
    checkout.settle()
    assert stub.live_amount(order["id"]) == 0
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["failure_reason"]) == ("refunded", "charge_refunded")
    assert checkout.get_order(order)["status"] == "created"
    answer = checkout.pay(order, VISA, key="key")
    assert (answer.status, answer.code) == (409, "payment_not_succeeded")
    assert (answer.body["transaction_id"], answer.body["payment_status"]) == (payment["payment_id"], "refunded")
    events = checkout.audit_events(order)
    if refunded < 1800:
        started = checkout.audit_trail(order)[events.index("refund_started")].facts
        assert (started["amount"], started["refunded_amount"]) == (1800 - refunded, refunded)
    assert checkout.pay(order, VISA).status == 201


@pytest.mark.proves("FR-227", "FR-221")
def test_what_stripe_refuses_to_charge_counts_as_a_payment(checkout: StripeCheckout, stub: StripeStub) -> None:
    product = {"product_id": "sticker", "name": "Sticker", "unit_price": 10, "currency": "usd"}
    checkout.database.put_item(TableName="ProductsTable", Item=to_wire(product))
    order = checkout.create_order("sticker")
    codes = [checkout.pay(order, VISA).code for _ in range(51)]
    assert codes == ["gateway_unavailable"] * 50 + ["too_many_attempts"]
    assert {payment["failure_reason"] for payment in checkout.payment_items(order)} == {"gateway_refused"}


@pytest.mark.proves("FR-205", "FR-214", "FR-233")
def test_a_refund_is_settled_with_as_many_requests_however_many_were_made_before(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    for _ in range(7):
        assert checkout.refund(order, 10).status == 201
    stub.load_fault("POST /v1/refunds", Fault.REFUSED)
    assert checkout.refund(order, 500).status == 202
    before = stub.requests["GET /v1/refunds"]
    assert checkout.settle()["faults"] == []
    assert checkout.refund_items(order)[-1]["status"] == "succeeded"
    assert stub.requests["GET /v1/refunds"] == before + 2, "for those that were made, and for the one that was not"


@pytest.mark.proves("FR-233")
def test_each_refund_that_a_bank_sends_back_is_counted_and_no_other(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    payment_id = checkout.pay(order, VISA).body["transaction_id"]
    checkout.mark_paid(order, payment_id)
    for amount in (100, 200, 300):
        assert checkout.refund(order, amount).status == 201
    first, second, third = stub.refunds.values()

    def count() -> int:
        author = Author(Actor.SYSTEM, "request", lambda: 60)
        with checkout.acting_as("settle_payments"):
            return wiring.settlement_service().settle_payment(author, payment_id).refunds_rejected

    assert count() == 0
    third["status"] = "failed"
    assert count() == 1
    assert count() == 0, "it is on record"
    first["status"] = second["status"] = "failed"
    checkout.database.update_item(
        TableName="RefundsTable",
        Key={"refund_id": {"S": first["metadata"]["refund_id"]}},
        UpdateExpression="SET #status = :failed",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":failed": {"S": "failed"}},
    )
    del stub.refunds[second["id"]]
    assert count() == 0, "one that had failed at once is none, and one that Stripe does not know"
    stub.refunds[second["id"]] = second
    assert count() == 1


@pytest.mark.proves("FR-225")
def test_an_event_that_comes_twice_is_handled_once(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    checkout.pay(order, VISA)
    payload = event_of(stub, order)
    assert checkout.send(payload, NEW).status == 200
    asked, before = stub.requests.copy(), checkout.scan("OrdersTable")
    assert checkout.send(payload, NEW).status == 200
    assert stub.requests == asked
    assert checkout.scan("OrdersTable") == before
    a_day_later = datetime.now(UTC) + timedelta(hours=23, minutes=59)
    with time_machine.travel(a_day_later), patch.object(SettlementService, "settle_payment") as settle:
        assert checkout.send(payload, NEW).status == 200
    settle.assert_not_called()


@pytest.mark.proves("FR-225")
def test_an_event_is_not_believed_but_looked_up(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.REFUSED)
    checkout.pay(order, VISA)
    payment_id = checkout.payment_items(order)[0]["payment_id"]
    lie = {"id": "pi_999", "status": "succeeded", "amount": 1800, "metadata": {"payment_id": payment_id}}
    assert checkout.send(make_event(1, "payment_intent.succeeded", lie), NEW).status == 200
    assert checkout.get_order(order)["status"] == "created"
    assert checkout.payment_items(order)[0]["status"] == "failed"


@pytest.mark.proves("FR-225")
def test_an_event_before_pay_has_answered_leads_to_the_same_end(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    write = wiring.dynamodb_client().transact_write_items
    told: list[Answer] = []

    def be_late(**request: Any) -> Any:
        if is_outcome("TransactWriteItems", request) and not told:
            told.append(Answer(0, {}, ""))
            told.append(checkout.send(event_of(stub, order), NEW))
        return write(**request)

    with patch.object(wiring.dynamodb_client(), "transact_write_items", be_late):
        answer = checkout.pay(order, VISA)
    assert told[1].status == 200
    assert (answer.status, answer.body["status"]) == (201, "succeeded")
    assert checkout.get_order(order)["status"] == "paid"
    assert checkout.audit_events(order) == ["order_created", "payment_started", "payment_succeeded", "order_paid"]


@pytest.mark.proves("FR-225")
@pytest.mark.parametrize("order_of_arrival", ["as made", "reversed"])
def test_events_of_a_charge_and_its_refund_may_come_in_any_order(
    checkout: StripeCheckout, stub: StripeStub, order_of_arrival: str
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    checkout.pay(order, VISA)
    stub.load_fault("POST /v1/refunds", Fault.DROPPED_AFTER, 3)
    checkout.wait(timedelta(minutes=2))
    checkout.run("settle_payments")
    assert checkout.refund(order).status == 202
    events = [event_of(stub, order), make_event(2, "refund.created", next(iter(stub.refunds.values())))]
    for payload in events if order_of_arrival == "as made" else reversed(events):
        assert checkout.send(payload, NEW).status == 200
    assert checkout.get_order(order)["status"] == "refunded"
    assert stub.live_amount(order["id"]) == 0
    assert checkout.audit_events(order)[-2:] == ["refund_succeeded", "order_refunded"]


@pytest.mark.proves("FR-225")
@pytest.mark.parametrize(
    "subject", [{"id": "cus_1"}, {"metadata": {"payment_id": "pay_01KG9YS7G00000000000000000_001"}}]
)
def test_an_event_of_what_is_not_ours_is_taken_and_changes_nothing(
    checkout: StripeCheckout, subject: dict[str, Any]
) -> None:
    before = checkout.read_tables()
    assert checkout.send(make_event(7, "customer.created", subject), NEW).status == 200
    after = checkout.read_tables()
    assert {name for name in before if before[name] != after[name]} == {"IdempotencyTable"}


@pytest.mark.proves("FR-225", "FR-207")
def test_an_event_that_cannot_be_handled_now_is_sent_again(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    checkout.pay(order, VISA)
    payload = event_of(stub, order)
    stub.load_fault("GET /v1/payment_intents/search", Fault.UNAUTHORIZED)
    assert checkout.send(payload, NEW).code == "store_unavailable"
    with failing(checkout, is_outcome):
        assert checkout.send(payload, NEW).code == "store_unavailable"
    assert checkout.send(payload, NEW).status == 200
    assert checkout.get_order(order)["status"] == "paid"


@pytest.mark.proves("FR-209", "FR-225")
def test_a_charge_of_a_payment_that_had_failed_is_returned_when_an_event_tells_of_it(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.REFUSED)
    checkout.pay(order, VISA)
    payment_id = checkout.payment_items(order)[0]["payment_id"]
    late = stub.create_intent(
        {
            "amount": "1800",
            "currency": "usd",
            "confirm": "true",
            "payment_method": VISA,
            "metadata": {"payment_id": payment_id, "order_id": order["id"]},
        }
    )
    assert checkout.send(make_event(1, "payment_intent.succeeded", late), NEW).status == 200
    assert stub.live_amount(order["id"]) == 0
    assert checkout.payment_items(order)[0]["status"] == "refunded"
    assert checkout.get_order(order)["status"] == "created"


@pytest.mark.proves("FR-229")
def test_a_card_that_was_charged_twice_for_a_payment_is_reported(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    transaction_id = checkout.pay(order, VISA).body["transaction_id"]
    checkout.mark_paid(order, transaction_id)
    [intent] = stub.intents.values()
    stub.intents["pi_second"] = {**intent, "id": "pi_second"}
    checkout.wait(timedelta(hours=1))
    done = checkout.run("reconcile_payments")
    assert (done["payments"], done["charges"], done["faults"]) == (1, 2, [])
    assert done["differences"] == [f"double_charge {transaction_id}"]


@pytest.mark.proves("FR-229")
def test_a_charge_that_stripe_does_not_know_is_missing_and_keeps_no_other_from_its_return(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order, declined = checkout.create_order(), checkout.create_order()
    transaction_id = checkout.pay(order, VISA).body["transaction_id"]
    checkout.mark_paid(order, transaction_id)
    missing = next(iter(stub.intents))
    late = checkout.pay(declined, "pm_card_chargeDeclined").body["transaction_id"]
    [intent] = [intent for intent in stub.intents.values() if intent["metadata"]["order_id"] == declined["id"]]
    # It was charged all the same.
    stub._succeed(intent)
    intent["last_payment_error"] = None
    del stub.intents[missing]
    checkout.wait(timedelta(hours=1))
    done = checkout.run("reconcile_payments")
    assert (sorted(done["differences"]), done["faults"]) == (
        sorted([f"missing_there {transaction_id}", f"state {late}"]),
        [],
    )
    checkout.settle()
    assert stub.live_amount(declined["id"]) == 0


@pytest.mark.proves("FR-206", "FR-221")
@pytest.mark.parametrize("search_refused", [0, 400])
@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.ERROR_AFTER])
def test_what_others_were_charged_since_does_not_lengthen_the_list_that_a_charge_is_looked_up_in(
    checkout: StripeCheckout, stub: StripeStub, fault: Fault, search_refused: int
) -> None:
    stub.search_refused = search_refused
    order = checkout.create_order()
    stub.load_fault(CREATE, fault)
    assert checkout.pay(order, VISA).status == 202
    later = int((checkout.read_clock() + timedelta(hours=1)).timestamp())
    sample = {"object": "payment_intent", "status": "succeeded", "amount": 1, "currency": "usd", "metadata": {}}
    stub.intents |= {
        f"pi_later_{number}": {**sample, "id": f"pi_later_{number}", "created": later} for number in range(999)
    }
    checkout.settle(after=timedelta(hours=2))
    assert checkout.get_order(order)["status"] == ("paid" if fault is Fault.ERROR_AFTER else "created")
    assert checkout.payment_items(order)[0]["status"] == ("succeeded" if fault is Fault.ERROR_AFTER else "failed")
    assert stub.requests["GET /v1/payment_intents"] < 10, "999 are ten pages"


@pytest.mark.proves("FR-207", "FR-229")
def test_a_list_that_stripe_does_not_give_leaves_time_to_say_so(checkout: StripeCheckout, stub: StripeStub) -> None:
    checkout.pay(checkout.create_order(), VISA)
    checkout.wait(timedelta(hours=1))
    stub.slow_seconds = 3
    stub.load_fault("GET /v1/payment_intents", Fault.SLOW)
    context = Context(6.5)
    with checkout.acting_as("reconcile_payments"), pytest.raises(JobFailed, match="OutcomeUnknown"):
        importlib.import_module("functions.reconcile_payments.app").reconcile_payments({}, context)
    assert context.get_remaining_time_in_millis() > 4000


@pytest.mark.proves("FR-204", "FR-206")
def test_a_key_that_stripe_has_forgotten_is_not_sent_again(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    stub.load_fault(CREATE, Fault.ERROR_AFTER)
    assert checkout.pay(order, VISA, key="key").status == 202
    stub.forget_keys()
    checkout.wait(timedelta(hours=25))
    checkout.forget_idempotency()
    assert checkout.pay(order, VISA, key="key").status == 202
    assert len(checkout.charges(order)) == 1
    assert checkout.settle()["orders_paid"] == 1
    assert checkout.pay(order, VISA, key="key").status == 201


@pytest.mark.proves("FR-204", "FR-218")
def test_an_intent_that_is_known_is_not_made_again_once_stripe_has_forgotten_its_key(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    """Settling learns only after a day that it waits for its customer: the next retry may ask the gateway."""
    order = checkout.create_order()
    with failing(checkout, is_outcome):
        first = checkout.pay(order, "pm_card_authenticationRequired", key="key")
    stub.forget_keys()
    checkout.settle(after=timedelta(hours=26))
    again = checkout.pay(order, "pm_card_authenticationRequired", key="key")
    assert (again.status, again.body["next_action"]) == (202, first.body["next_action"])
    [intent] = stub.intents
    stub.act(intent, succeeds=True)
    checkout.settle(after=timedelta(hours=2))
    assert checkout.get_order(order)["status"] == "paid"
    assert stub.live_amount(order["id"]) == order["total_amount"]


@pytest.mark.proves("FR-010", "FR-204")
def test_a_payment_that_waited_for_a_day_leaves_its_key_to_the_order_that_used_it_since(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    first, second = checkout.create_order(), checkout.create_order()
    with failing(checkout, is_outcome):
        checkout.pay(first, "pm_card_authenticationRequired", key="key")
    checkout.settle(after=timedelta(hours=26))
    paid = checkout.pay(second, VISA, key="key")
    stub.act(next(iter(stub.intents)), succeeds=True)
    assert checkout.pay(first, "pm_card_authenticationRequired", key="key").status == 201
    records = [item for item in checkout.scan("IdempotencyTable") if item["id"].startswith("pay")]
    assert [record["made_id"] for record in records] == [paid.body["transaction_id"]]


@pytest.mark.proves("FR-212", "FR-213")
def test_a_refund_whose_key_stripe_has_forgotten_is_looked_for_and_not_made_again(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    stub.load_fault("POST /v1/refunds", Fault.ERROR_AFTER)
    assert checkout.refund(order, 500).status == 202
    stub.forget_keys()
    assert checkout.settle(after=timedelta(hours=25))["faults"] == []
    assert [refund["amount"] for refund in stub.refunds.values()] == [500]
    assert checkout.order_item(order)["refunded_amount"] == 500


@pytest.mark.proves("FR-213", "FR-214")
def test_a_refund_that_came_late_to_stripe_is_not_failed_while_it_may_be_at_work(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    """It was started long before Stripe could be reached."""
    order = checkout.create_order()
    checkout.mark_paid(order, checkout.pay(order, VISA).body["transaction_id"])
    stub.load_fault("POST /v1/refunds", Fault.REFUSED)
    assert checkout.refund(order, 500).status == 202
    stub.load_fault("POST /v1/refunds", Fault.ERROR_BEFORE)
    for after in (30, 8):
        assert len(checkout.settle(after=timedelta(minutes=after))["faults"]) == 1
        assert checkout.refund_items(order)[0]["status"] == "pending"
    assert checkout.settle(after=timedelta(minutes=13))["faults"] == []
    [failed] = checkout.refund_items(order)
    assert (failed["status"], failed["failure_reason"], stub.refunds) == ("failed", "gateway_error", {})
    assert checkout.refund(order).body["amount"] == 1800


@pytest.mark.proves("FR-206")
def test_a_claim_without_a_charge_is_settled_without_one(checkout: StripeCheckout, stub: StripeStub) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        checkout.pay(order, VISA, key="key")
    assert checkout.settle()["settled"] == 1
    assert checkout.payment_items(order)[0]["status"] == "failed"
    assert checkout.pay(order, VISA, key="key").status == 201
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-220")
def test_the_key_is_read_once_and_again_when_it_may_have_changed(checkout: StripeCheckout) -> None:
    read: list[str] = []
    client = wiring.secret_parameters()._provider.client
    client.meta.events.register("before-call.ssm", lambda model, **_: read.append(model.name))
    for _ in range(3):
        assert checkout.pay(checkout.create_order(), VISA).status == 201
    assert read == ["GetParameter"]
    wiring.secret_parameters()._provider.store.clear()
    assert checkout.pay(checkout.create_order(), VISA).status == 201
    assert len(read) == 2


@pytest.mark.proves("FR-220")
def test_without_its_key_nothing_is_charged_and_the_order_stays_payable(
    checkout: StripeCheckout, stub: StripeStub
) -> None:
    boto3.client("ssm").delete_parameter(Name="/checkout/stripe/key")
    order = checkout.create_order()
    assert checkout.pay(order, VISA).code == "gateway_unavailable"
    assert not stub.requests
    boto3.client("ssm").put_parameter(Name="/checkout/stripe/key", Value=KEY, Type="SecureString")
    assert checkout.pay(order, VISA).status == 201


@pytest.mark.proves("FR-220", "FR-031")
def test_no_log_no_environment_and_no_table_holds_a_secret(
    checkout: StripeCheckout, stub: StripeStub, read_log: Callable[[], str]
) -> None:
    for fault in (None, Fault.REFUSED, Fault.UNAUTHORIZED, Fault.ERROR_AFTER):
        if fault:
            stub.load_fault(CREATE, fault)
        order = checkout.create_order()
        checkout.pay(order, "pm_card_authenticationRequired")
        checkout.send(make_event(1, "x", {"metadata": {}}), "whsec_other")
    checkout.settle()
    everything = read_log() + str(checkout.read_tables()) + str(dict(os.environ))
    for secret in (KEY, OLD, NEW, "pi_1_secret", "pm_card"):
        assert secret not in everything


@pytest.mark.proves("FR-223")
@pytest.mark.parametrize(("gateway", "imported"), [("simulated", False), ("stripe", True)])
def test_the_sdk_is_imported_only_where_it_is_chosen(gateway: str, imported: bool) -> None:
    code = (
        "import sys\n"
        "from functions.pay import app\n"
        "from checkout import wiring\n"
        "wiring.charging_service()\n"
        "print('stripe' in sys.modules)"
    )
    with set_environment(PaymentGateway=gateway):
        environment = {**os.environ, **AWS, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'checkout'}"}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(imported)


@pytest.mark.proves("FR-223")
@pytest.mark.parametrize("function", ["create_order", "list_orders", "mark_order_paid", "get_payment", "fulfil_order"])
def test_other_functions_import_neither_sdk_nor_gateways(function: str) -> None:
    code = (
        "import sys\n"
        f"from functions.{function} import app\n"
        "from checkout import wiring\n"
        "wiring.order_service(); wiring.payment_service()\n"
        "print([name for name in ('stripe', 'requests', 'checkout.simulated_gateway') if name in sys.modules])"
    )
    with set_environment(PaymentGateway="stripe"):
        environment = {**os.environ, **AWS, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'checkout'}"}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
