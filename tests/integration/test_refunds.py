"""Refunds by staff: at the gateway too, never beyond the payment, once for a request."""

import functools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from checkout import order_reader, wiring
from checkout.caller import STAFF_SCOPE
from checkout.gateway import GatewayRefund
from checkout.simulated_gateway import Call, Fault, SimulatedGateway
from tests.integration.conftest import Answer, Checkout
from tests.integration.test_pay import failing, written_twice
from tests.integration.test_races import codes, race, without_idempotency_records

PAID = ["order_created", "payment_started", "payment_succeeded", "order_paid"]


def is_start(name: str, parameters: dict[str, Any]) -> bool:
    return name == "TransactWriteItems" and "refundable_amount >= :amount" in str(parameters)


def is_outcome(name: str, parameters: dict[str, Any]) -> bool:
    updates = [item["Update"] for item in parameters.get("TransactItems", []) if "Update" in item]
    return len(updates) > 1 and any(update["TableName"] == "RefundsTable" for update in updates)


@pytest.mark.proves("FR-210", "FR-218", "FR-202")
def test_a_whole_refund_ends_payment_and_order(checkout: Checkout) -> None:
    order = checkout.buy("mug", 2)
    answer = checkout.refund(order)
    assert answer.status == 201
    assert answer.body == {
        "refund_id": f"ref_{order['id'][4:]}_001_01",
        "transaction_id": order["payment_transaction_id"],
        "order_id": order["id"],
        "amount": 3600,
        "currency": "usd",
        "status": "succeeded",
        "created_at": answer.body["created_at"],
    }
    refunded = checkout.get_order(order)
    assert (refunded["status"], refunded["refunded_amount"], refunded["version"]) == ("refunded", 3600, 3)
    payment = checkout.call("get_payment", path={"transaction_id": order["payment_transaction_id"]}).body
    assert (payment["status"], payment["refunded_amount"]) == ("refunded", 3600)
    assert checkout.audit_events(order) == [*PAID, "refund_started", "refund_succeeded", "order_refunded"]
    trail = checkout.audit_trail(order)[-3:]
    assert [(entry.actor, entry.from_status, entry.to_status) for entry in trail] == [
        ("staff", "succeeded", "refunding"),
        ("staff", "refunding", "refunded"),
        ("staff", "paid", "refunded"),
    ]
    [made] = checkout.refunds(order)
    [kept] = checkout.refund_items(order)
    assert (made["amount"], made["reference"]) == (3600, kept["gateway_reference"])
    assert not any("due_at" in payment for payment in checkout.payment_items(order))


@pytest.mark.proves("FR-210")
def test_parts_add_up_and_the_last_ends_the_order(checkout: Checkout) -> None:
    order = checkout.buy("mug", 2)
    assert checkout.refund(order, 1000).body["amount"] == 1000
    part = checkout.get_order(order)
    assert (part["status"], part["refunded_amount"]) == ("paid", 1000)
    assert checkout.fulfil(order).status == 200
    rest = checkout.refund(order)
    assert (rest.status, rest.body["amount"]) == (201, 2600)
    assert checkout.get_order(order)["status"] == "refunded"
    assert [refund["amount"] for refund in sorted(checkout.refunds(order), key=lambda r: r["payment_id"])] == [
        1000,
        2600,
    ]


@pytest.mark.proves("FR-211")
@pytest.mark.parametrize(("first", "second"), [(1000, 2601), (None, 1), (3600, None), (None, None)])
def test_more_than_what_is_left_is_refused(checkout: Checkout, first: int | None, second: int | None) -> None:
    order = checkout.buy("mug", 2)
    assert checkout.refund(order, first).status == 201
    answer = checkout.refund(order, second)
    if first == 1000:
        assert (answer.status, answer.code) == (409, "refund_exceeds_payment")
        assert (answer.body["requested_amount"], answer.body["refundable_amount"]) == (2601, 2600)
    else:
        assert (answer.status, answer.code) == (409, "invalid_transition")
    assert len(checkout.refunds(order)) == 1


@pytest.mark.proves("FR-210", "FR-116")
@pytest.mark.parametrize("status", ["created", "charged", "cancelled"])
def test_an_order_that_is_not_paid_is_not_refunded(checkout: Checkout, status: str) -> None:
    order = checkout.create_order()
    if status == "charged":
        checkout.pay(order)
    elif status == "cancelled":
        checkout.cancel(order)
    answer = checkout.refund(order)
    assert (answer.status, answer.code) == (409, "invalid_transition")
    assert answer.body["requested_status"] == "refunded"
    assert checkout.refunds(order) == []


@pytest.mark.proves("FR-212")
@pytest.mark.parametrize("forget", [False, True], ids=["with its record", "without"])
def test_the_same_request_again_is_the_same_refund(checkout: Checkout, forget: bool) -> None:
    order = checkout.buy("mug", 2)
    first = checkout.refund(order, 1000, key="first")
    later = checkout.refund(order, 500, key="later")
    if forget:
        checkout.forget_idempotency()
    for key, amount, answer in [("first", 1000, first), ("later", 500, later)]:
        again = checkout.refund(order, amount, key=key)
        assert (again.status, again.body) == (201, answer.body)
        assert again.headers["idempotent-replayed"] == "true"
    assert checkout.refund(order, 700, key="first").code == "idempotency_key_reused"
    assert len(checkout.refunds(order)) == 2
    if not forget:
        assert checkout.refund(checkout.buy(), 1000, key="first").code == "idempotency_key_reused"


@pytest.mark.proves("FR-210")
def test_a_refund_reads_what_it_changes_once(checkout: Checkout, calls: list[str]) -> None:
    order = checkout.buy()
    calls.clear()
    assert checkout.refund(order).status == 201
    ours = [name for name in calls if name not in {"PutItem", "UpdateItem"}]
    change = "TransactWriteItems"
    ours_before, at_the_gateway = ["GetItem"] * 4, ["GetItem", "GetItem", change]
    assert ours == [*ours_before, change, *at_the_gateway, change]


@pytest.mark.proves("FR-212")
def test_a_key_is_of_one_person_and_one_refund(checkout: Checkout) -> None:
    """Also where no answer was kept."""
    order, other = checkout.buy("mug", 2), checkout.buy("mug", 2)
    assert checkout.refund(order, 1000, key="key").status == 201
    checkout.forget_results()
    assert checkout.refund(other, 1000, key="key").code == "idempotency_key_reused"
    assert checkout.refund(order, 1000, key="key", customer="sue").status == 201, "somebody else's key is another"
    assert [refund["amount"] for refund in checkout.refunds(order)] == [1000, 1000]
    assert checkout.refunds(other) == []


@pytest.mark.proves("FR-212")
@pytest.mark.parametrize(
    "again",
    [{"amount": 1000, "reason": "a"}, {"reason": "a"}, {"amount": 999, "reason": "b"}, {"amount": 999}, {}],
)
def test_a_key_with_another_amount_or_reason_is_another_request(checkout: Checkout, again: dict[str, Any]) -> None:
    order = checkout.buy("mug", 2)
    call: dict[str, Any] = {"path": {"order_id": order["id"]}, "key": "key", "customer": "sam", "scope": STAFF_SCOPE}
    first = checkout.call("refund_order", {"amount": 999, "reason": "a"}, **call)
    checkout.forget_results()
    assert checkout.call("refund_order", again, **call).code == "idempotency_key_reused"
    checkout.forget_results()
    assert checkout.call("refund_order", {"amount": 999, "reason": "a"}, **call).body == first.body
    assert len(checkout.refunds(order)) == 1


@pytest.mark.proves("FR-212")
def test_a_refund_is_looked_for_at_the_gateway_where_a_request_before_may_have_made_it(checkout: Checkout) -> None:
    order = checkout.buy("mug", 2)
    with patch.object(SimulatedGateway, "find_refunds", side_effect=AssertionError):
        assert checkout.refund(order, 1000).status == 201
        checkout.break_gateway(Call.REFUND, Fault.ANSWER_LOST)
        assert checkout.refund(order, key="key").status == 202
    checkout.forget_results()
    with patch.object(SimulatedGateway, "refund", side_effect=AssertionError):
        again = checkout.refund(order, key="key")
    assert (again.status, again.body["amount"]) == (201, 2600)
    assert "idempotent-replayed" not in again.headers, "this request has ended it"
    assert len(checkout.refunds(order)) == 2


@pytest.mark.proves("FR-212")
def test_a_pending_refund_is_no_replay(checkout: Checkout, read_log: Callable[[], str]) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REFUSED, times=2)
    read_log()
    for _ in range(2):
        answer = checkout.refund(order, key="key")
        assert (answer.status, answer.headers.get("idempotent-replayed")) == (202, None)
    assert checkout.refund(order, key="key").status == 201
    counted = [json.loads(line) for line in read_log().splitlines()]
    assert [line["outcome"] for line in counted if "Refunds" in line] == ["pending", "pending", "succeeded"]


@pytest.mark.proves("FR-212", "FR-213", "FR-202")
@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.REFUSED])
def test_a_refund_whose_outcome_is_not_known_is_pending_and_settled(checkout: Checkout, fault: Fault) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, fault)
    answer = checkout.refund(order, key="key")
    assert (answer.status, answer.body["status"]) == (202, "pending")
    assert checkout.get_order(order)["status"] == "paid"
    shown = checkout.call("get_payment", path={"transaction_id": order["payment_transaction_id"]}).body
    assert (shown["status"], shown["refunded_amount"]) == ("succeeded", 0)
    assert checkout.settle()["settled"] == 1
    assert checkout.get_order(order)["status"] == "refunded"
    assert checkout.audit_trail(order)[-1].actor == "system"
    again = checkout.refund(order, key="key")
    assert (again.status, again.body["refund_id"]) == (201, answer.body["refund_id"])
    assert len(checkout.refunds(order)) == 1


@pytest.mark.proves("FR-213")
def test_retries_ask_for_a_refund_for_a_while_and_settling_after_that(checkout: Checkout) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REFUSED)
    assert checkout.refund(order, key="key").status == 202
    checkout.wait(timedelta(minutes=10))
    with patch.object(SimulatedGateway, "find_refunds", side_effect=AssertionError):
        assert checkout.refund(order, key="key").status == 202
    assert checkout.settle()["settled"] == 1
    assert checkout.refund(order, key="key").status == 201


@pytest.mark.proves("FR-213")
@pytest.mark.parametrize("asked_before", [False, True])
@pytest.mark.parametrize(("fault", "status"), [(Fault.REFUSED, 202), (None, 201)])
def test_of_two_who_are_about_to_ask_for_a_refund_one_does(
    checkout: Checkout, asked_before: bool, fault: Fault | None, status: int
) -> None:
    """The other tells what has come of it."""
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REFUSED, times=1 + asked_before)
    for _ in range(1 + asked_before):
        assert checkout.refund(order, key="key").status == 202
    look = SimulatedGateway.find_refunds

    def look_while_settled(*arguments: Any) -> Any:
        found = look(*arguments)
        with patch.object(SimulatedGateway, "find_refunds", look):
            if fault:
                checkout.break_gateway(Call.REFUND, fault)
            checkout.settle()
        return found

    with (
        patch.object(SimulatedGateway, "find_refunds", look_while_settled),
        patch.object(SimulatedGateway, "refund", autospec=True, side_effect=SimulatedGateway.refund) as asked,
    ):
        answer = checkout.refund(order, key="key")
    assert (answer.status, asked.call_count, has_answer(checkout)) == (status, 1, status == 201)
    assert checkout.refund(order, key="key").status == 201
    assert len(checkout.refunds(order)) == 1


@pytest.mark.proves("FR-205", "FR-213")
@pytest.mark.parametrize("made", [False, True])
def test_settling_leaves_a_refund_to_a_request_that_is_faster(checkout: Checkout, made: bool) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REFUSED, times=1 if made else 2)
    assert checkout.refund(order, key="key").status == 202
    look, told = SimulatedGateway.find_refunds, []

    def look_while_asked(*arguments: Any) -> Any:
        found = look(*arguments)
        with patch.object(SimulatedGateway, "find_refunds", look):
            told.append(checkout.refund(order, key="key").status)
        return found

    with patch.object(SimulatedGateway, "find_refunds", look_while_asked):
        settled = checkout.settle()
    assert (settled["faults"], settled["settled"], told) == ([], int(made), [201 if made else 202])
    checkout.settle()
    assert (checkout.get_order(order)["status"], len(checkout.refunds(order))) == ("refunded", 1)


@pytest.mark.proves("FR-207", "FR-213")
def test_a_refund_that_cannot_be_settled_does_not_stop_the_next(checkout: Checkout) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REFUSED, times=3)
    assert [checkout.refund(order, amount).status for amount in (300, 500)] == [202, 202]
    assert len(checkout.settle()["faults"]) == 1
    assert [refund["status"] for refund in checkout.refund_items(order)] == ["pending", "succeeded"]


@pytest.mark.proves("FR-213")
def test_a_refund_may_be_asked_for_again_within_a_millisecond(checkout: Checkout) -> None:
    order = checkout.buy()
    now = checkout.read_clock()
    checkout.break_gateway(Call.REFUND, Fault.REFUSED, times=3)
    with patch.object(wiring, "read_utc_clock", lambda: now):
        assert [checkout.refund(order, key="key").status for _ in range(4)] == [202, 202, 202, 201]


def has_answer(checkout: Checkout) -> bool:
    """Whether the key of the one refund that was asked for has the answer to it."""
    [record] = [item for item in checkout.scan("IdempotencyTable") if item["id"].startswith("refund")]
    return "data" in record


@pytest.mark.proves("FR-212")
@pytest.mark.parametrize("resumed", [False, True])
def test_a_refund_keeps_its_answer_with_its_outcome(checkout: Checkout, resumed: bool) -> None:
    order = checkout.buy()
    if resumed:
        checkout.break_gateway(Call.REFUND, Fault.ANSWER_LOST)
        assert checkout.refund(order, key="key").status == 202
    with failing(checkout, lambda name, _: name == "PutItem") as failed:
        assert checkout.refund(order, key="key").status == 201
    assert (has_answer(checkout), failed) == (True, [])


@pytest.mark.proves("FR-212")
def test_a_refund_s_replay_reads_its_record_alone(checkout: Checkout) -> None:
    order = checkout.buy()
    first = checkout.refund(order, key="key")
    calls: list[str] = []
    checkout.database.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    assert checkout.refund(order, key="key").text == first.text
    assert calls == ["GetItem"]


@pytest.mark.proves("FR-212", "FR-213")
def test_a_refund_that_settling_ends_meanwhile_keeps_its_answer(checkout: Checkout) -> None:
    order = checkout.buy()
    real = SimulatedGateway.refund

    def refund(*arguments: Any) -> GatewayRefund:
        answer = real(*arguments)
        assert checkout.settle()["settled"] == 1
        return answer

    with patch.object(SimulatedGateway, "refund", refund):
        assert checkout.refund(order, key="key").status == 201
    assert has_answer(checkout)
    assert len(checkout.refunds(order)) == 1


@pytest.mark.proves("FR-212", "FR-213")
def test_a_refund_that_settling_has_ended_keeps_its_answer_when_it_is_asked_for_again(checkout: Checkout) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.ANSWER_LOST)
    checkout.refund(order, key="key")
    checkout.settle()
    for kept in (False, True):
        with nullcontext() if kept else failing(checkout, lambda name, _: name == "PutItem"):
            assert checkout.refund(order, key="key").status == 201
        assert has_answer(checkout) == kept
    assert len(checkout.refunds(order)) == 1


@pytest.mark.proves("FR-212")
@pytest.mark.parametrize("chosen", [is_start, is_outcome])
@pytest.mark.parametrize("after", [False, True], ids=["not written", "written, answer lost"])
@pytest.mark.parametrize("retried", [False, True])
def test_a_refund_that_is_interrupted_is_made_once(checkout: Checkout, chosen: Any, after: bool, retried: bool) -> None:
    order = checkout.buy()
    with failing(checkout, chosen, after=after) as failed:
        interrupted = checkout.refund(order, key="key")
    assert failed
    assert interrupted.status in {202, 503}
    if retried:
        assert checkout.refund(order, key="key").status == 201
    checkout.settle()
    made = retried or interrupted.status == 202 or after
    assert len(checkout.refunds(order)) == (1 if made else 0)
    assert checkout.get_order(order)["status"] == ("refunded" if made else "paid")
    checkout.audit_events(order)


@pytest.mark.proves("FR-212")
def test_a_request_for_a_refund_is_not_told_that_it_is_in_its_own_way(checkout: Checkout) -> None:
    order = checkout.buy()
    with written_twice(is_start), patch.object(SimulatedGateway, "find_refunds", side_effect=AssertionError):
        refunded = checkout.refund(order, key="key")
    assert (refunded.status, refunded.body["status"]) == (201, "succeeded")
    assert len(checkout.refunds(order)) == 1
    assert checkout.audit_events(order).count("refund_started") == 1


@pytest.mark.proves("FR-214")
def test_a_refund_that_the_gateway_does_not_make_leaves_the_money_refundable(checkout: Checkout) -> None:
    order = checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REFUND_FAILED)
    answer = checkout.refund(order, key="key")
    assert (answer.status, answer.code, answer.body["failure_reason"]) == (409, "refund_failed", "refused_by_bank")
    assert checkout.refund(order, key="key").body["refund_id"] == answer.body["refund_id"]
    assert checkout.get_order(order)["status"] == "paid"
    assert checkout.refund_items(order)[0]["gateway_reference"] == f"re_{answer.body['refund_id'][4:]}"
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refundable_amount"]) == ("succeeded", 1800)
    assert checkout.audit_events(order)[-2:] == ["refund_started", "refund_failed"]
    assert checkout.refund(order, key="another").status == 201


@pytest.mark.proves("FR-211")
def test_what_is_on_its_way_back_counts(checkout: Checkout) -> None:
    order = checkout.buy("mug", 2)
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    assert checkout.refund(order, 2000).status == 202
    assert checkout.refund(order, 1601).code == "refund_exceeds_payment"
    assert checkout.refund(order, 1600).status == 201
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refundable_amount"], payment["refunded_amount"]) == ("refunding", 0, 1600)
    assert checkout.settle()["settled"] == 1
    assert checkout.get_order(order)["status"] == "refunded"


@pytest.mark.proves("FR-210")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": "1"}, "amount"),
        ({"reason": "r" * 501}, "reason"),
        ({"money": 1}, "money"),
    ],
)
def test_a_refund_of_another_form_is_refused(checkout: Checkout, body: dict[str, Any], field: str) -> None:
    order = checkout.buy()
    answer = checkout.call(
        "refund_order", body, path={"order_id": order["id"]}, key="key", customer="sam", scope="orders:manage"
    )
    assert (answer.status, answer.code) == (422, "validation_error")
    assert [error["field"] for error in answer.body["errors"]] == [field]


@pytest.mark.proves("FR-212")
def test_a_reason_is_kept_with_the_refund_and_not_in_the_trail(checkout: Checkout) -> None:
    order = checkout.buy()
    body = {"reason": "Carol, 555-0100, changed her mind"}
    answer = checkout.call(
        "refund_order", body, path={"order_id": order["id"]}, key="key", customer="sam", scope="orders:manage"
    )
    assert answer.status == 201
    assert checkout.refund_items(order)[0]["reason"] == body["reason"]
    assert "Carol" not in str(checkout.scan("AuditTable"))


MEANWHILE: dict[str, tuple[Callable[[Checkout, dict[str, Any]], object], int]] = {
    "the order is fulfilled": (lambda checkout, order: checkout.fulfil(order), 500),
    "another part is refunded": (lambda checkout, order: checkout.refund(order, 300), 800),
    "the same refund is settled": (lambda checkout, _: checkout.settle(), 500),
}


@pytest.mark.proves("FR-202", "FR-210")
@pytest.mark.parametrize("what", MEANWHILE)
def test_a_refund_ends_whatever_happens_while_the_gateway_makes_it(checkout: Checkout, what: str) -> None:
    happen, refunded = MEANWHILE[what]
    order = checkout.buy()
    make_refund, met = SimulatedGateway.refund, []

    def meet(gateway: SimulatedGateway, *arguments: Any) -> GatewayRefund:
        made = make_refund(gateway, *arguments)
        if not met:
            met.append(what)
            happen(checkout, order)
        return made

    with patch.object(SimulatedGateway, "refund", meet):
        answer = checkout.refund(order, 500)
    assert (answer.status, answer.body["status"]) == (201, "succeeded")
    [payment] = checkout.payment_items(order)
    assert (payment["status"], payment["refunded_amount"]) == ("succeeded", refunded)
    assert checkout.order_item(order)["refunded_amount"] == refunded
    refunds = checkout.refund_items(order)
    assert {refund["status"] for refund in refunds} == {"succeeded"}
    assert checkout.audit_events(order).count("refund_succeeded") == len(refunds)


@pytest.mark.dynamodb_local
@pytest.mark.proves("FR-211")
def test_refunds_at_once_never_exceed_the_payment(racing_checkout: Checkout) -> None:
    for _ in range(5):
        order, keys = racing_checkout.buy("tea", 1), [racing_checkout.new_key() for _ in range(10)]
        sent = [functools.partial(racing_checkout.refund, order, 300, key=key) for key in keys]
        answers = race(*sent)
        found = codes(answers)
        # Pending where the others were faster again and again: it is on record, and will be made.
        assert set(found) <= {201, 202, "refund_exceeds_payment", "store_unavailable"}
        assert found[201] + found[202] <= 4
        racing_checkout.settle()
        assert codes([send() for send in sent]) == {201: 4, "refund_exceeds_payment": 6}
        assert sum(refund["amount"] for refund in racing_checkout.refunds(order)) == 1200
        assert racing_checkout.order_item(order)["refunded_amount"] == 1200
        racing_checkout.audit_events(order)


@pytest.mark.dynamodb_local
@pytest.mark.proves("FR-212")
def test_one_refund_asked_for_at_once_is_made_once(racing_checkout: Checkout) -> None:
    for _ in range(5):
        order, key = racing_checkout.buy("tea", 1), racing_checkout.new_key()
        with without_idempotency_records():
            answers = race(*[lambda: racing_checkout.refund(order, 300, key=key)] * 10)
        assert set(codes(answers)) <= {201, 202, "store_unavailable"}
        racing_checkout.settle()
        assert [refund["amount"] for refund in racing_checkout.refunds(order)] == [300]
        assert racing_checkout.order_item(order)["refunded_amount"] == 300
        racing_checkout.audit_events(order)


@pytest.mark.dynamodb_local
@pytest.mark.proves("FR-208")
def test_the_clients_link_and_the_servers_at_once_write_one_entry(racing_checkout: Checkout) -> None:
    for _ in range(5):
        orders = [racing_checkout.create_order() for _ in range(4)]
        transactions = [racing_checkout.pay(order).body["transaction_id"] for order in orders]
        racing_checkout.wait(timedelta(minutes=2))

        def link() -> list[Answer]:
            return [racing_checkout.mark_paid(*pair) for pair in zip(orders, transactions, strict=True)]

        with ThreadPoolExecutor(3) as pool:
            settling = [pool.submit(racing_checkout.run, "settle_payments") for _ in range(2)]
            answers = pool.submit(link).result()
        assert all(run.result()["faults"] == [] for run in settling)
        assert [answer.status for answer in answers] == [200] * 4
        for order in orders:
            assert racing_checkout.audit_events(order).count("order_paid") == 1


@pytest.mark.proves("FR-210", "FR-211")
def test_a_payment_may_have_more_refunds_than_are_read_at_once(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert order_reader.MAX_BATCH == 100, "what DynamoDB reads at once"
    monkeypatch.setattr(order_reader, "MAX_BATCH", 5)
    order = checkout.buy()
    statuses = [checkout.refund(order, 1).status for _ in range(11)]
    assert set(statuses) == {201}
    assert checkout.refund(order).body["amount"] == 1800 - 11
    assert checkout.get_order(order)["status"] == "refunded"
    assert len(checkout.refund_items(order)) == 12
