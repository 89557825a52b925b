"""What pay writes, and what is left when something fails on the way."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import Mock, patch

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from checkout import dynamodb, wiring
from checkout.caller import SECONDS_TO_FINISH
from checkout.errors import InvalidToken, StoreUnavailable
from checkout.gateway import Charge, ChargeStatus, OutcomeUnknown, RequestNotTaken
from checkout.order_reader import OrderChanged
from checkout.order_table import MAX_DECISIONS, OrderTable
from checkout.payments import Payment
from checkout.simulated_gateway import SimulatedGateway
from tests.integration.conftest import Checkout

Call = Callable[[str, dict[str, Any]], bool]


@contextmanager
def failing(checkout: Checkout, chosen: Call, *, after: bool = False) -> Iterator[list[str]]:
    """Each DynamoDB call that is chosen, by its name and parameters, times out: before it takes effect, or after."""
    failed: list[str] = []
    make_call = type(checkout.database)._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, name: str, parameters: dict[str, Any]) -> Any:
        if not chosen(name, parameters):
            return make_call(client, name, parameters)
        failed.append(name)
        if after:
            make_call(client, name, parameters)
            raise ReadTimeoutError(endpoint_url="dynamodb")
        raise ConnectTimeoutError(endpoint_url="dynamodb")

    with patch.object(type(checkout.database), "_make_api_call", call):
        yield failed


@contextmanager
def written_twice(chosen: Call) -> Iterator[None]:
    """A transaction that is chosen takes effect, its answer is lost, and the next try finds what it wrote."""
    write = dynamodb.Transaction.__call__

    def write_twice(transaction: dynamodb.Transaction, actions: list[Any], deadline: Any) -> None:
        write(transaction, actions, deadline)
        if chosen("TransactWriteItems", {"TransactItems": actions}):
            write(transaction, actions, deadline)

    with patch.object(dynamodb.Transaction, "__call__", write_twice):
        yield


def is_claim(name: str, parameters: dict[str, Any]) -> bool:
    return name == "TransactWriteItems" and "'payment_started'" in str(parameters)


def is_outcome(name: str, parameters: dict[str, Any]) -> bool:
    return name == "TransactWriteItems" and bool(re.search("'payment_(succeeded|failed|unknown)'", str(parameters)))


@pytest.mark.proves("FR-014", "FR-015", "FR-016")
def test_a_payment_is_stored_and_the_order_claimed_before_the_gateway_is_called(checkout: Checkout) -> None:
    order = checkout.create_order()
    seen: dict[str, Any] = {}
    charge = SimulatedGateway.charge

    def look(gateway: SimulatedGateway, payment: Payment, *arguments: Any) -> Any:
        seen["payment_id"] = payment.payment_id
        seen["order"] = checkout.order_item(order)
        [seen["payment"]] = checkout.payment_items(order)
        seen["events"] = checkout.audit_events(order)
        return charge(gateway, payment, *arguments)

    with patch.object(SimulatedGateway, "charge", look):
        answer = checkout.pay(order)
    assert answer.status == 201
    assert seen["payment_id"] == seen["payment"]["payment_id"] == f"pay_{order['id'][4:]}_001"
    assert seen["payment"]["status"] == "pending"
    assert seen["order"]["live_payment_id"] == seen["payment_id"]
    assert seen["events"] == ["order_created", "payment_started"]
    assert checkout.audit_events(order) == ["order_created", "payment_started", "payment_succeeded"]
    [payment] = checkout.payment_items(order)
    assert payment["status"] == "succeeded"
    assert payment["gateway_reference"] == checkout.charges(order)[0]["reference"]


@pytest.mark.proves("FR-016")
def test_the_order_as_its_customer_sees_it_changes_only_in_mark_order_paid(checkout: Checkout) -> None:
    order = checkout.create_order()
    transaction_id = checkout.pay(order).body["transaction_id"]
    assert checkout.get_order(order) == order
    paid = checkout.mark_paid(order, transaction_id).body
    assert {name for name in order if order[name] != paid[name]} >= {"status", "payment_transaction_id", "version"}


@pytest.mark.proves("FR-031")
def test_no_table_holds_the_token_or_the_idempotency_key(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined", key="a-key-of-their-own")
    checkout.pay(order, key="another-key-of-their-own")
    everything = str(checkout.read_tables())
    assert "tok_" not in everything
    assert "of-their-own" not in everything


@pytest.mark.proves("FR-018")
def test_a_retry_with_the_key_of_a_lost_record_gets_the_same_payment(checkout: Checkout) -> None:
    order = checkout.create_order()
    first = checkout.pay(order, key="key")
    checkout.forget_idempotency()
    again = checkout.pay(order, key="key")
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.body == first.body | {"duplicate": True}
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-017", "FR-018")
def test_a_decline_whose_record_is_lost_is_the_same_decline_again(checkout: Checkout) -> None:
    order = checkout.create_order()
    first = checkout.pay(order, "tok_chargeDeclined", key="key")
    checkout.forget_idempotency()
    again = checkout.pay(order, "tok_chargeDeclined", key="key")
    assert again.body == first.body | {"request_id": again.body["request_id"]}
    assert checkout.order_item(order)["declined_payments"] == 1


@pytest.mark.proves("FR-011")
def test_a_key_whose_record_is_lost_is_not_good_for_another_payload(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, key="key")
    checkout.forget_idempotency()
    assert checkout.pay(order, "tok_mastercard", key="key").code == "idempotency_key_reused"


@pytest.mark.proves("FR-018")
@pytest.mark.parametrize("token", ["tok_timeoutBeforeCharge", "tok_timeoutAfterCharge", "tok_errorAfterCharge"])
def test_an_unknown_outcome_is_resumed_under_the_same_payment(checkout: Checkout, token: str) -> None:
    order = checkout.create_order()
    pending = checkout.pay(order, token, key="key")
    assert (pending.status, pending.body["status"]) == (202, "pending")
    result = checkout.pay(order, token, key="key")
    assert (result.status, result.body["transaction_id"]) == (201, pending.body["transaction_id"])
    assert len(checkout.charges(order)) == len(checkout.payment_items(order)) == 1


@pytest.mark.proves("FR-019")
def test_a_gateway_that_refuses_leaves_the_order_payable(checkout: Checkout) -> None:
    order = checkout.create_order()
    refused = checkout.pay(order, "tok_unavailable", key="key")
    assert (refused.code, refused.headers["retry-after"]) == ("gateway_unavailable", "5")
    assert checkout.charges(order) == []
    assert "live_payment_id" not in checkout.order_item(order)
    assert checkout.order_item(order)["declined_payments"] == 0
    assert [payment["failure_reason"] for payment in checkout.payment_items(order)] == ["gateway_unavailable"]
    assert checkout.pay(order, "tok_unavailable", key="key").code == "gateway_unavailable"
    assert checkout.pay(order).status == 201


@pytest.mark.proves("FR-018", "FR-019")
def test_a_gateway_that_refuses_a_retry_says_nothing_of_the_first_request(checkout: Checkout) -> None:
    order = checkout.create_order()
    with patch.object(SimulatedGateway, "charge", side_effect=OutcomeUnknown):
        assert checkout.pay(order, key="key").status == 202
    with patch.object(SimulatedGateway, "charge", side_effect=RequestNotTaken):
        assert checkout.pay(order, key="key").status == 202
    assert [payment["status"] for payment in checkout.payment_items(order)] == ["unknown"]
    assert checkout.pay(order, key="key").status == 201


@pytest.mark.proves("FR-019", "FR-037")
def test_a_claim_that_cannot_be_written_is_503_and_nobody_is_charged(checkout: Checkout) -> None:
    order = checkout.create_order()
    before = checkout.read_tables()
    with failing(checkout, is_claim) as failed:
        answer = checkout.pay(order, key="key")
    assert failed
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert checkout.read_tables() == before
    assert checkout.pay(order, key="key").status == 201


@pytest.mark.proves("FR-014", "FR-018")
def test_a_claim_whose_answer_is_lost_is_resumed(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        assert checkout.pay(order, key="key").code == "store_unavailable"
    assert checkout.charges(order) == []
    assert checkout.pay(order).code == "payment_in_progress"
    assert checkout.pay(order, key="key").status == 201
    assert len(checkout.charges(order)) == len(checkout.payment_items(order)) == 1


@pytest.mark.proves("FR-018", "FR-019")
def test_a_refused_payment_whose_claim_was_in_doubt_is_no_dead_end(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True):
        assert checkout.pay(order, "tok_unavailable", key="key").code == "store_unavailable"
    assert checkout.pay(order, "tok_unavailable", key="key").status == 202
    assert checkout.pay(order, "tok_unavailable", key="key").status == 201
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-020")
def test_a_token_that_only_the_gateway_knows_to_be_wrong_leaves_the_order_payable(checkout: Checkout) -> None:
    order = checkout.create_order()
    with patch.object(SimulatedGateway, "charge", side_effect=InvalidToken):
        assert checkout.pay(order, key="key").code == "invalid_token"
    assert [payment["failure_reason"] for payment in checkout.payment_items(order)] == ["invalid_token"]
    assert checkout.pay(order).status == 201


@pytest.mark.proves("FR-016", "FR-018")
@pytest.mark.parametrize("after", [False, True], ids=["not written", "written, answer lost"])
def test_a_charge_whose_outcome_cannot_be_written_is_pending_and_resumed(checkout: Checkout, after: bool) -> None:
    order = checkout.create_order()
    with failing(checkout, is_outcome, after=after):
        answer = checkout.pay(order, key="key")
    assert (answer.status, answer.body["status"]) == (202, "pending"), "nobody is told what is not on record"
    assert len(checkout.charges(order)) == 1
    again = checkout.pay(order, key="key")
    assert (again.status, again.body["transaction_id"]) == (201, answer.body["transaction_id"])
    assert len(checkout.charges(order)) == 1
    assert checkout.audit_events(order) == ["order_created", "payment_started", "payment_succeeded"]


@pytest.mark.proves("FR-012", "FR-018", "FR-203")
def test_a_retry_that_learns_nothing_is_not_on_record_and_holds_up_no_other(checkout: Checkout) -> None:
    order = checkout.create_order()
    with patch.object(SimulatedGateway, "charge", side_effect=OutcomeUnknown):
        for _ in range(3):
            assert checkout.pay(order, key="key").status == 202
    assert checkout.audit_events(order) == ["order_created", "payment_started", "payment_unknown"]
    assert checkout.pay(order, key="key").status == 201


@pytest.mark.proves("FR-010", "FR-013", "FR-017")
@pytest.mark.parametrize(
    ("token", "status"), [("tok_visa", 201), ("tok_chargeDeclined", 402)], ids=["a success", "a decline"]
)
def test_the_answer_to_a_payment_follows_from_the_payment(checkout: Checkout, token: str, status: int) -> None:
    """Nothing is written to repeat it, nor is another answer kept."""
    order = checkout.create_order()
    first = checkout.pay(order, token, key="key")
    before = checkout.read_tables()
    again = checkout.pay(order, token, key="key")
    assert (first.status, again.status) == (status, status)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.body == (first.body if status == 402 else {**first.body, "duplicate": True})
    assert checkout.read_tables() == before


@pytest.mark.proves("FR-010", "FR-714")
@pytest.mark.parametrize(
    ("elsewhere", "reads"), [(False, ["BatchGetItem"]), (True, ["BatchGetItem", "GetItem"])], ids=["here", "elsewhere"]
)
def test_a_retry_of_a_later_payment_is_one_read_where_it_was_made(
    checkout: Checkout, calls: list[str], elsewhere: bool, reads: list[str]
) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined")
    checkout.pay(order, "tok_chargeDeclined", key="key")
    if elsewhere:
        wiring.charging_service.cache_clear()
    calls.clear()
    assert checkout.pay(order, "tok_chargeDeclined", key="key").code == "card_declined"
    assert calls == reads


@pytest.mark.proves("FR-010", "FR-011")
def test_where_a_key_was_used_before_says_nothing_once_a_day_is_over(checkout: Checkout) -> None:
    """Though the process knows what was made under it."""
    first, second = checkout.create_order(), checkout.create_order()
    checkout.pay(first, key="key")
    assert checkout.pay(second, key="key").code == "idempotency_key_reused"
    checkout.wait(timedelta(hours=25))
    assert checkout.pay(second, key="key").status == 201


@pytest.mark.proves("FR-013", "FR-017")
def test_a_decline_that_settling_found_is_the_same_each_time(checkout: Checkout) -> None:
    order = checkout.create_order()
    with failing(checkout, is_outcome):
        assert checkout.pay(order, "tok_chargeDeclined", key="key").status == 202
    checkout.settle()
    first, again = (checkout.pay(order, "tok_chargeDeclined", key="key") for _ in range(2))
    assert (first.status, first.body) == (402, again.body)


@pytest.mark.proves("FR-010", "FR-037")
def test_where_records_cannot_be_read_nothing_is_started(checkout: Checkout) -> None:
    order = checkout.create_order()
    before = checkout.read_tables()
    with failing(checkout, lambda name, _: name == "BatchGetItem"):
        answer = checkout.pay(order)
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert checkout.read_tables() == before


@pytest.mark.proves("FR-014")
def test_who_is_always_late_is_told_to_come_again(checkout: Checkout) -> None:
    order = checkout.create_order()
    with patch.object(OrderTable, "claim_order", side_effect=OrderChanged) as claim:
        answer = checkout.pay(order)
    assert claim.call_count == 1 + MAX_DECISIONS
    assert (answer.status, answer.code) == (503, "store_unavailable")


@pytest.mark.proves("FR-014", "FR-023")
@pytest.mark.parametrize("declines", [0, 1], ids=["its first", "a later one"])
def test_an_order_that_a_payment_holds_takes_no_other(checkout: Checkout, declines: int) -> None:
    order = checkout.create_order()
    for _ in range(declines):
        checkout.pay(order, "tok_chargeDeclined")
    theirs = checkout.pay(order, "tok_timeoutAfterCharge").body["transaction_id"]
    answer = checkout.pay(order)
    assert (answer.code, answer.body["transaction_id"]) == ("payment_in_progress", theirs)
    assert len(checkout.payment_items(order)) == declines + 1


@pytest.mark.proves("FR-020", "FR-023")
@pytest.mark.parametrize("declines", [0, 1], ids=["its first", "a later one"])
@pytest.mark.parametrize(
    ("token", "code"), [("tok_timeoutAfterCharge", "payment_in_progress"), ("tok_visa", "payment_already_succeeded")]
)
def test_that_an_order_is_held_is_told_before_a_token_is_refused(
    checkout: Checkout, token: str, code: str, declines: int
) -> None:
    order = checkout.create_order()
    for _ in range(declines):
        checkout.pay(order, "tok_chargeDeclined")
    checkout.pay(order, token)
    assert checkout.pay(order, "no token").code == code


@pytest.mark.proves("FR-012")
def test_who_cannot_write_a_claim_leaves_the_payment_of_another_alone(checkout: Checkout) -> None:
    """It is of the same number; its request is still at work on it."""
    order = checkout.create_order()
    claim_order = OrderTable.claim_order

    def claim_too_late(*arguments: Any, **named: Any) -> None:
        with (
            patch.object(OrderTable, "claim_order", claim_order),
            patch.object(SimulatedGateway, "charge", side_effect=SystemExit),
            pytest.raises(SystemExit),
        ):
            checkout.pay(order, key="theirs")
        raise StoreUnavailable

    with patch.object(OrderTable, "claim_order", claim_too_late):
        assert checkout.pay(order, key="mine").code == "store_unavailable"
    assert checkout.pay(order, key="theirs").code == "idempotency_in_progress"


@pytest.mark.proves("FR-014", "FR-015")
def test_a_payment_reads_and_writes_what_it_must_and_no_more(checkout: Checkout, calls: list[str]) -> None:
    order = checkout.create_order()
    calls.clear()
    assert checkout.pay(order).status == 201
    ours = [name for name in calls if name.startswith(("Batch", "Transact"))]
    assert ours == ["BatchGetItem", "TransactWriteItems", "TransactWriteItems"]
    assert calls.count("GetItem") == 2, "the gateway's own"
    calls.clear()
    assert checkout.pay(order).code == "payment_already_succeeded"
    assert "TransactWriteItems" not in calls
    pending = checkout.create_order()
    checkout.pay(pending, "tok_timeoutAfterCharge")
    calls.clear()
    assert checkout.pay(pending).code == "payment_in_progress"
    assert "TransactWriteItems" not in calls


@pytest.mark.proves("FR-003", "FR-021")
@pytest.mark.parametrize("order_id", ["ord_01KG9YS7G00000000000000000", "nonsense"])
def test_an_order_that_is_not_there_is_not_paid(checkout: Checkout, order_id: str) -> None:
    answer = checkout.pay({"id": order_id, "total_amount": 1})
    assert (answer.status, answer.code) == (404, "order_not_found")


@pytest.mark.proves("FR-017")
def test_a_decline_is_on_record_with_its_code_and_what_the_gateway_calls_it(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclinedExpiredCard")
    [payment] = checkout.payment_items(order)
    reference = f"ch_{payment['payment_id'][4:]}"
    assert (payment["decline_code"], payment["gateway_reference"]) == ("expired_card", reference)
    facts = checkout.audit_trail(order)[-1].facts
    assert (facts["decline_code"], facts["gateway_reference"]) == ("expired_card", reference)


def tell(payment: Payment, status: ChargeStatus, reference: str = "ch_1", **more: Any) -> Charge:
    return Charge(payment.payment_id, reference, status, payment.money, **more)


@pytest.mark.proves("FR-017")
def test_a_decline_without_a_code_is_a_general_one(checkout: Checkout) -> None:
    order = checkout.create_order()

    def decline(_gateway: SimulatedGateway, payment: Payment, *_: Any) -> Charge:
        return tell(payment, ChargeStatus.DECLINED, "")

    with patch.object(SimulatedGateway, "charge", decline):
        answer = checkout.pay(order)
    assert (answer.status, answer.body["decline_code"]) == (402, "generic_decline")
    assert "gateway_reference" not in checkout.payment_items(order)[0]


@pytest.mark.proves("FR-203")
def test_what_the_gateway_calls_a_payment_is_kept_while_it_is_open(checkout: Checkout) -> None:
    order = checkout.create_order()

    def be_pending(_gateway: SimulatedGateway, payment: Payment, *_: Any) -> Charge:
        return tell(payment, ChargeStatus.PENDING, "ch_open")

    for gateway_says in (be_pending, Mock(side_effect=OutcomeUnknown)):
        with patch.object(SimulatedGateway, "charge", gateway_says):
            answer = checkout.pay(order, key="key")
        assert (answer.status, answer.body["status"], answer.body["duplicate"]) == (202, "pending", False)
        [payment] = checkout.payment_items(order)
        assert (payment["status"], payment["gateway_reference"]) == ("unknown", "ch_open")
    assert checkout.audit_trail(order)[-1].facts["gateway_reference"] == "ch_open"


@pytest.mark.proves("FR-018")
def test_a_gateway_slower_than_the_time_left_is_an_unknown_outcome(checkout: Checkout) -> None:
    order = checkout.create_order()
    pending = checkout.pay(order, "tok_slow", key="key", seconds=SECONDS_TO_FINISH + 0.5)
    assert pending.status == 202
    assert checkout.pay(order, "tok_slow", key="key").status == 201
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-037")
def test_conflicts_are_tried_again_and_a_failed_condition_is_not(checkout: Checkout) -> None:
    order = checkout.create_order()
    reasons = ["TransactionConflict", "ThrottlingError", "TransactionConflict"]
    pauses: list[float] = []
    write = wiring.dynamodb_client().transact_write_items

    def cancel_first(**request: Any) -> Any:
        if is_claim("TransactWriteItems", request) and reasons:
            raise wiring.dynamodb_client().exceptions.TransactionCanceledException(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                    "CancellationReasons": [{"Code": "None"}, {"Code": reasons.pop(0)}, {"Code": "None"}],
                },
                "TransactWriteItems",
            )
        return write(**request)

    with (
        patch.object(wiring.dynamodb_client(), "transact_write_items", cancel_first),
        patch.object(wiring.transaction(), "_sleep", pauses.append),
    ):
        assert checkout.pay(order).status == 201
    assert reasons == []
    assert len(pauses) == 3
    assert all(0 <= pause <= dynamodb.LONGEST_PAUSE for pause in pauses)
    assert len(checkout.charges(order)) == 1
