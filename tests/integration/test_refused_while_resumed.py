"""A gateway that refuses, while another request is about the same payment."""

import threading
from typing import Any
from unittest.mock import patch

import pytest

from checkout.errors import InvalidToken
from checkout.gateway import OutcomeUnknown, RequestNotTaken, RequestRefused
from checkout.payments import Payment
from checkout.simulated_gateway import Call, Fault, SimulatedGateway
from tests.integration.conftest import Answer, Checkout
from tests.integration.test_pay import failing, is_outcome
from tests.integration.test_races import without_idempotency_records

CHARGE = SimulatedGateway.charge


@pytest.mark.proves("FR-019")
def test_a_refusal_that_is_not_on_record_is_not_told(checkout: Checkout) -> None:
    """The order is still held: who is told that it is payable could neither pay nor cancel it."""
    order = checkout.create_order()
    with failing(checkout, is_outcome):
        answer = checkout.pay(order, "tok_unavailable", key="key")
    assert checkout.order_item(order)["live_payment_id"] == answer.body["transaction_id"]
    assert (answer.status, answer.body["status"]) == (202, "pending")


@pytest.mark.proves("FR-015", "FR-019")
@pytest.mark.parametrize("refusal", [RequestNotTaken, RequestRefused, InvalidToken])
def test_a_refusal_after_a_retry_has_charged_is_not_told(checkout: Checkout, refusal: type[Exception]) -> None:
    order = checkout.create_order()
    asked: list[str] = []

    def refuse_first(gateway: SimulatedGateway, payment: Payment, *arguments: Any) -> Any:
        asked.append(payment.payment_id)
        if len(asked) > 1:
            return CHARGE(gateway, payment, *arguments)
        assert checkout.pay(order, key="key").status == 201
        raise refusal

    with without_idempotency_records(), patch.object(SimulatedGateway, "charge", refuse_first):
        answer = checkout.pay(order, key="key")
    assert (answer.status, answer.body["status"], answer.body["duplicate"]) == (201, "succeeded", False)
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-015", "FR-019")
def test_a_refusal_says_nothing_of_what_a_retry_was_doing(checkout: Checkout) -> None:
    """The retry was charged, and nobody knows yet."""
    order = checkout.create_order()
    asked: list[str] = []

    def refuse_first(gateway: SimulatedGateway, payment: Payment, *arguments: Any) -> Any:
        asked.append(payment.payment_id)
        if len(asked) > 1:
            return CHARGE(gateway, payment, *arguments)
        with failing(checkout, is_outcome):
            assert checkout.pay(order, key="key").status == 202
        raise RequestNotTaken

    with without_idempotency_records(), patch.object(SimulatedGateway, "charge", refuse_first):
        answer = checkout.pay(order, key="key")
    assert (answer.status, answer.body["status"], answer.body["duplicate"]) == (202, "pending", False)
    assert checkout.settle()["orders_paid"] == 1
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-015", "FR-019")
def test_a_retry_that_is_refused_after_settling_has_ended_the_payment_tells_its_end(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
    assert checkout.pay(order, key="key").status == 202

    def refuse(*_: Any) -> Any:
        assert checkout.settle()["orders_paid"] == 1
        raise RequestNotTaken

    with patch.object(SimulatedGateway, "charge", refuse):
        answer = checkout.pay(order, key="key")
    assert (answer.status, answer.body["status"]) == (201, "succeeded")


@pytest.mark.proves("FR-015", "FR-019")
def test_who_does_not_learn_the_outcome_is_told_what_settling_has_found_meanwhile(checkout: Checkout) -> None:
    order = checkout.create_order()

    def charge_and_be_silent(gateway: SimulatedGateway, *arguments: Any) -> Any:
        CHARGE(gateway, *arguments)
        assert checkout.settle()["orders_paid"] == 1
        raise OutcomeUnknown

    with patch.object(SimulatedGateway, "charge", charge_and_be_silent):
        answer = checkout.pay(order, key="key")
    assert (answer.status, answer.body["status"], answer.body["duplicate"]) == (201, "succeeded", False)
    assert checkout.pay(order, key="key").headers["idempotent-replayed"] == "true"


@pytest.mark.dynamodb_local
@pytest.mark.proves("FR-014", "FR-015", "FR-018")
def test_a_refusal_lets_no_order_go_that_a_retry_is_charging(racing_checkout: Checkout) -> None:
    """The first request is refused after a retry of it was charged, and before that is on record."""
    order = racing_checkout.create_order()
    claimed, charged, refused = threading.Event(), threading.Event(), threading.Event()
    answers: dict[str, Answer] = {}

    def refuse_first(gateway: SimulatedGateway, payment: Payment, *arguments: Any) -> Any:
        if not claimed.is_set():
            claimed.set()
            charged.wait(10)
            raise RequestNotTaken
        charge = CHARGE(gateway, payment, *arguments)
        charged.set()
        refused.wait(10)
        return charge

    def pay(name: str) -> None:
        answers[name] = racing_checkout.pay(order, key="key")

    with without_idempotency_records(), patch.object(SimulatedGateway, "charge", refuse_first):
        first = threading.Thread(target=pay, args=["first"])
        first.start()
        claimed.wait(10)
        retry = threading.Thread(target=pay, args=["retry"])
        retry.start()
        first.join(20)
        refused.set()
        retry.join(20)
    assert (answers["retry"].status, answers["retry"].body["status"]) == (201, "succeeded")
    assert racing_checkout.pay(order).code == "payment_already_succeeded"
    assert len(racing_checkout.charges(order)) == 1
    racing_checkout.audit_events(order)
