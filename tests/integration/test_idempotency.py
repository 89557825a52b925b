"""Results by idempotency key, on their table."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from aws_lambda_powertools.warnings import PowertoolsUserWarning

from checkout import dynamodb
from checkout.dynamodb import to_wire
from checkout.gateway import OutcomeUnknown
from checkout.order_reader import OrderReader
from checkout.order_table import OrderTable
from checkout.payments import Payment
from checkout.simulated_gateway import Call, Fault, SimulatedGateway
from tests.integration.conftest import Checkout, Context
from tests.integration.test_pay import Call as DatabaseCall
from tests.integration.test_pay import failing, is_claim, written_twice
from tests.integration.test_refunds import is_start
from tests.keys import hash_key

BODY = {"items": [{"product_id": "mug", "quantity": 1}]}


class Killed(BaseException):
    """A function whose time is over: no code of it runs any more."""


def die_after(call: Callable[..., Any]) -> Callable[..., Any]:
    def die(*arguments: Any, **keywords: Any) -> None:
        call(*arguments, **keywords)
        raise Killed

    return die


@pytest.mark.proves("FR-010")
def test_a_result_is_kept_for_24_hours(checkout: Checkout) -> None:
    began = int(time.time())
    checkout.create_order()
    [record] = checkout.scan("IdempotencyTable")
    assert began <= record["expiration"] - 24 * 60 * 60 <= time.time()


@pytest.mark.proves("FR-010")
def test_a_result_that_has_run_out_is_not_replayed_though_its_record_is_still_there(checkout: Checkout) -> None:
    """DynamoDB removes what has run out within days, not at once."""
    first = checkout.call("create_order", BODY, key="key")
    for record in checkout.scan("IdempotencyTable"):
        checkout.database.update_item(
            TableName="IdempotencyTable",
            Key={"id": {"S": record["id"]}},
            UpdateExpression="SET expiration = :past",
            ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
        )
    second = checkout.call("create_order", BODY, key="key")
    assert second.status == 201
    assert "idempotent-replayed" not in second.headers
    assert second.body["id"] != first.body["id"]


@pytest.mark.proves("FR-010")
def test_a_replay_is_the_first_answer_byte_for_byte_and_header_for_header(checkout: Checkout) -> None:
    order = checkout.call("create_order", BODY, key="order")
    replayed = checkout.call("create_order", BODY, key="order")
    assert (replayed.status, replayed.text) == (order.status, order.text)
    assert replayed.headers == {**order.headers, "idempotent-replayed": "true"}
    declined = checkout.pay(order.body, "tok_chargeDeclined", key="pay")
    again = checkout.pay(order.body, "tok_chargeDeclined", key="pay")
    assert (again.status, again.text) == (declined.status, declined.text) == (402, declined.text)
    assert again.headers == {**declined.headers, "idempotent-replayed": "true"}
    assert len(checkout.payment_items(order.body)) == 1


@pytest.mark.proves("FR-119")
def test_a_key_whose_function_ended_after_its_write_gets_the_order_that_is_there(checkout: Checkout) -> None:
    with (
        patch.object(OrderTable, "create_order", die_after(OrderTable.create_order)),
        pytest.raises(Killed),
    ):
        checkout.call("create_order", BODY, key="key")
    again = checkout.call("create_order", BODY, key="key")
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert len(checkout.scan("OrdersTable")) == 1


@pytest.mark.proves("FR-010", "FR-119")
@pytest.mark.parametrize("change", ["the price", "the product", "the order"])
@pytest.mark.parametrize("remembered", [False, True], ids=["prices read again", "prices remembered"])
def test_an_order_s_key_has_its_answer_whatever_has_changed_since(
    checkout: Checkout, change: str, remembered: bool
) -> None:
    body = {"items": [{"product_id": "mug", "quantity": 1, "unit_price": 1800}]}
    first = checkout.call("create_order", body, key="key")
    if change == "the order":
        checkout.cancel(first.body)
    else:
        key = {"product_id": {"S": "mug"}}
        checkout.database.delete_item(TableName="ProductsTable", Key=key)
        if change == "the price":
            price = {"name": "Mug", "unit_price": 1900, "currency": "usd"}
            checkout.database.put_item(TableName="ProductsTable", Item=key | to_wire(price))
    if not remembered:
        checkout.wait(timedelta(minutes=1))
    again = checkout.call("create_order", body, key="key")
    assert (again.status, again.text) == (201, first.text)
    assert again.headers == {**first.headers, "idempotent-replayed": "true"}
    other = checkout.call("create_order", {"items": [{"product_id": "mug", "quantity": 2}]}, key="key")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert len(checkout.scan("OrdersTable")) == 1


@pytest.mark.proves("FR-010")
def test_a_key_is_one_customers_for_one_operation(checkout: Checkout) -> None:
    order = checkout.call("create_order", BODY, key="key")
    paid = checkout.pay(order.body, key="key")
    theirs = checkout.call("create_order", BODY, key="key", customer="bob")
    assert (order.status, paid.status, theirs.status) == (201, 201, 201)
    assert theirs.body["id"] != order.body["id"]
    assert len({record["id"] for record in checkout.scan("IdempotencyTable")}) == 3


@pytest.mark.proves("FR-011", "FR-204")
@pytest.mark.parametrize("token", ["tok_timeoutAfterCharge", "tok_chargeDeclined", "tok_visa"])
def test_a_key_that_has_a_payment_pays_no_other_order(checkout: Checkout, token: str) -> None:
    """Also while its outcome is not known, which is no result that is kept; and without the record of a result."""
    first, second = checkout.create_order(), checkout.create_order()
    paid = checkout.pay(first, token, key="key")
    checkout.forget_results()
    assert checkout.pay(second, key="key").code == "idempotency_key_reused"
    assert checkout.payment_items(second) == []
    checkout.settle()
    again = checkout.pay(first, token, key="key")
    assert again.body["transaction_id"] == paid.body["transaction_id"]


@pytest.mark.proves("FR-204", "FR-013")
def test_a_key_whose_payment_was_surely_not_charged_may_pay_another_order(checkout: Checkout) -> None:
    first, second = checkout.create_order(), checkout.create_order()
    assert checkout.pay(first, "tok_unavailable", key="key").code == "gateway_unavailable"
    assert checkout.pay(second, key="key").status == 201
    assert checkout.pay(first, "tok_unavailable", key="key").code == "idempotency_key_reused"


@pytest.mark.proves("FR-011", "FR-204")
def test_a_payment_s_key_is_another_one_after_a_day_for_another_order(checkout: Checkout) -> None:
    first, second = checkout.create_order(), checkout.create_order()
    checkout.pay(first, key="key")
    checkout.forget_results()
    checkout.wait(timedelta(hours=25))
    assert checkout.pay(second, key="key").status == 201
    for order in (first, second, first):
        assert checkout.pay(order, key="key").body["duplicate"], "it is that payment's for ever"


@pytest.mark.proves("FR-012", "FR-018")
def test_a_request_is_not_told_that_it_is_in_its_own_way(checkout: Checkout) -> None:
    order = checkout.create_order()
    with written_twice(is_claim):
        paid = checkout.pay(order, key="key")
    assert (paid.status, paid.body["status"]) == (201, "succeeded")
    assert len(checkout.payment_items(order)) == 1
    assert checkout.audit_events(order).count("payment_started") == 1


@pytest.mark.proves("FR-012", "FR-019")
def test_a_request_that_comes_upon_its_own_payment_is_still_the_first(checkout: Checkout) -> None:
    """What it is refused says that nobody was charged."""
    order = checkout.create_order()
    with written_twice(is_claim):
        assert checkout.pay(order, "tok_unavailable", key="key").code == "gateway_unavailable"
    assert [payment["failure_reason"] for payment in checkout.payment_items(order)] == ["gateway_unavailable"]
    assert checkout.pay(order, key="key").status == 201


@contextmanager
def overtaken_at_once(checkout: Checkout, chosen: DatabaseCall, other: Callable[[], object]) -> Iterator[None]:
    """Another request does its work just before a transaction that is chosen, within the same millisecond."""
    write = dynamodb.Transaction.__call__
    others = [other]

    def be_overtaken(transaction: dynamodb.Transaction, actions: list[Any], deadline: Any) -> None:
        if others and chosen("TransactWriteItems", {"TransactItems": actions}):
            others.pop()()
        write(transaction, actions, deadline)

    with (
        time_machine.travel(datetime.now(UTC), tick=False),
        patch.object(checkout, "make_context", lambda seconds: Context(seconds, read_seconds=time.time)),
        patch.object(dynamodb.Transaction, "__call__", be_overtaken),
    ):
        yield
    assert not others


@pytest.mark.proves("FR-012", "FR-018", "FR-204")
def test_what_another_request_began_in_the_same_millisecond_is_not_taken_for_one_s_own(checkout: Checkout) -> None:
    order = checkout.create_order()

    def begin_and_die() -> None:
        with patch.object(SimulatedGateway, "charge", side_effect=Killed), pytest.raises(Killed):
            checkout.pay(order, key="key")

    with overtaken_at_once(checkout, is_claim, begin_and_die):
        paid = checkout.pay(order, key="key")
    assert (paid.status, paid.code) == (409, "idempotency_in_progress")
    assert checkout.charges(order) == []


@pytest.mark.proves("FR-012", "FR-212")
def test_a_refund_begun_in_the_same_millisecond_is_not_taken_for_one_s_own(checkout: Checkout) -> None:
    order = checkout.buy()

    def begin_and_die() -> None:
        with patch.object(SimulatedGateway, "refund", side_effect=Killed), pytest.raises(Killed):
            checkout.refund(order, key="key")

    with overtaken_at_once(checkout, is_start, begin_and_die):
        refunded = checkout.refund(order, key="key")
    assert (refunded.status, refunded.code) == (409, "idempotency_in_progress")
    assert [refund["status"] for refund in checkout.refund_items(order)] == ["pending"]


@pytest.mark.proves("FR-204")
def test_a_payment_that_is_open_keeps_its_key_although_another_order_used_it_after_a_day(checkout: Checkout) -> None:
    first, second = checkout.create_order(), checkout.create_order()
    left = checkout.pay(first, "tok_timeoutAfterCharge", key="key")
    checkout.wait(timedelta(hours=25))
    assert checkout.pay(second, key="key").status == 201
    assert checkout.pay(first, "tok_timeoutAfterCharge", key="key").status == 202
    checkout.settle()
    settled = checkout.pay(first, "tok_timeoutAfterCharge", key="key")
    assert (settled.status, settled.body["transaction_id"]) == (201, left.body["transaction_id"])
    assert checkout.pay(second, key="key").body["duplicate"]


@pytest.mark.proves("FR-212")
def test_a_refund_keeps_its_key_although_another_order_used_it_after_a_day(checkout: Checkout) -> None:
    first, second = checkout.buy(), checkout.buy()
    made = checkout.refund(first, 100, key="key")
    checkout.wait(timedelta(hours=25))
    assert checkout.refund(second, 100, key="key").status == 201
    again = checkout.refund(first, 100, key="key")
    assert (again.status, again.body["refund_id"]) == (201, made.body["refund_id"])
    assert [refund["amount"] for refund in checkout.scan("RefundsTable")] == [100, 100]


@pytest.mark.proves("FR-119", "FR-212")
def test_a_refund_whose_key_is_not_known_any_more_leaves_it_to_who_comes_next(checkout: Checkout) -> None:
    first, second = checkout.buy(), checkout.buy()
    with patch.object(SimulatedGateway, "refund", side_effect=OutcomeUnknown):
        assert checkout.refund(first, 100, key="key").status == 202
    checkout.forget_idempotency()
    refund = SimulatedGateway.refund

    def refund_slowly(*arguments: Any) -> Any:
        """Another order has the key meanwhile."""
        with patch.object(SimulatedGateway, "refund", refund):
            assert checkout.refund(second, 100, key="key").status == 201
        return refund(*arguments)

    with patch.object(SimulatedGateway, "refund", refund_slowly):
        assert checkout.refund(first, 100, key="key").status == 201
    again = checkout.refund(second, 100, key="key")
    assert again.headers["idempotent-replayed"] == "true"
    records = [item for item in checkout.scan("IdempotencyTable") if item["id"].startswith("refund")]
    assert [record["made_id"] for record in records] == [again.body["refund_id"]]


@pytest.mark.proves("FR-011", "FR-204")
def test_a_payment_s_key_is_its_customer_s(checkout: Checkout) -> None:
    """Also where no answer was kept."""
    order, theirs = checkout.create_order(), checkout.create_order(customer="bob")
    assert checkout.pay(order, key="key").status == 201
    checkout.forget_results()
    assert checkout.pay(theirs, key="key", customer="bob").status == 201
    [payment] = checkout.payment_items(order)
    records = [item for item in checkout.scan("IdempotencyTable") if item["made_id"] == payment["payment_id"]]
    assert [(record["id"], record["validation"]) for record in records] == [
        (payment["idempotency_key_hash"], payment["request_hash"])
    ]
    assert payment["idempotency_key_hash"] == hash_key("pay", "alice", "key")


@pytest.mark.proves("FR-011", "FR-204")
@pytest.mark.parametrize("token", ["tok_visa", "tok_timeoutAfterCharge", "tok_chargeDeclined"])
@pytest.mark.parametrize("other", [{"amount": 1799}, {"currency": "eur"}, {"token": "tok_amex"}])
def test_a_payment_s_key_with_another_request_is_refused(
    checkout: Checkout, token: str, other: dict[str, object]
) -> None:
    """Whatever became of the payment, and also where no answer was kept."""
    order = checkout.create_order()
    body = {"order_id": order["id"], "token": token, "amount": order["total_amount"], "currency": "usd"}
    checkout.call("pay", body, key="key")
    checkout.forget_results()
    assert checkout.call("pay", {**body, **other}, key="key").code == "idempotency_key_reused"
    assert len(checkout.payment_items(order)) == 1


@pytest.mark.proves("FR-204", "FR-206")
@pytest.mark.parametrize(("minutes", "asked"), [(9, 1), (11, 0)])
@pytest.mark.parametrize("claim_alone", [False, True])
def test_a_gateway_is_asked_again_for_ten_minutes_and_then_by_settling(
    checkout: Checkout, minutes: int, asked: int, claim_alone: bool
) -> None:
    order = checkout.create_order()
    with failing(checkout, is_claim, after=True) if claim_alone else nullcontext():
        checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    checkout.wait(timedelta(minutes=minutes))
    checkout.forget_results()
    with patch.object(SimulatedGateway, "charge", side_effect=OutcomeUnknown) as charge:
        answer = checkout.pay(order, "tok_timeoutAfterCharge", key="key")
    assert (answer.status, answer.body["status"], charge.call_count) == (202, "pending", asked)
    assert checkout.settle()["orders_paid"] == (not claim_alone)
    assert checkout.get_order(order)["status"] == ("created" if claim_alone else "paid")


@pytest.mark.proves("FR-212")
def test_a_key_that_has_a_refund_refunds_no_other_order(checkout: Checkout) -> None:
    first, second = checkout.buy(), checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    refund = checkout.refund(first, 500, key="key")
    assert refund.status == 202
    assert checkout.refund(second, 300, key="key").code == "idempotency_key_reused"
    assert checkout.refund_items(second) == []
    assert checkout.refund(first, 500, key="key").body["refund_id"] == refund.body["refund_id"]
    [kept] = checkout.refund_items(first)
    record = {"made_id": kept["refund_id"], "validation": kept["request_hash"]}
    records = [item for item in checkout.scan("IdempotencyTable") if item["id"] == kept["idempotency_key_hash"]]
    assert [{name: item[name] for name in record} for item in records] == [record]


@contextmanager
def meanwhile(method: str, order: dict[str, Any], act: Callable[[], object]) -> Iterator[None]:
    """Once the table has read of the order, somebody else acts."""
    read = getattr(OrderReader, method)
    acts = [act]

    def read_then_act(table: OrderReader, thing: Payment | str, *arguments: Any, **named: Any) -> Any:
        found = read(table, thing, *arguments, **named)
        if acts and order["id"] in {getattr(thing, "order_id", None), *arguments[:1]}:
            acts.pop()()
        return found

    with patch.object(OrderReader, method, read_then_act):
        yield


@pytest.mark.proves("FR-010", "FR-204")
def test_a_late_retry_leaves_a_key_to_the_order_that_has_been_paid_with_it_since(checkout: Checkout) -> None:
    first, second = checkout.create_order(), checkout.create_order()
    checkout.pay(first, "tok_timeoutAfterCharge", key="key")
    checkout.settle(after=timedelta(hours=25))
    with meanwhile("get_order_to_pay", first, lambda: checkout.pay(second, key="key")):
        late = checkout.pay(first, "tok_timeoutAfterCharge", key="key")
    assert (late.status, late.body["order_id"], late.body["duplicate"]) == (201, first["id"], True)
    again = checkout.pay(second, key="key")
    assert (again.status, again.body["order_id"], again.body["duplicate"]) == (201, second["id"], True)
    records = [item for item in checkout.scan("IdempotencyTable") if item["id"].startswith("pay")]
    assert [record["made_id"] for record in records] == [again.body["transaction_id"]]
    assert [len(checkout.charges(order)) for order in (first, second)] == [1, 1]


@pytest.mark.proves("FR-010", "FR-212")
@pytest.mark.parametrize("settled", [False, True])
def test_a_late_retry_leaves_a_key_to_the_order_that_has_been_refunded_with_it_since(
    checkout: Checkout, settled: bool
) -> None:
    first, second = checkout.buy(), checkout.buy()
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    assert checkout.refund(first, 500, key="key").status == 202
    if settled:
        checkout.settle()
    checkout.wait(timedelta(hours=25))
    with meanwhile("get_refunds_of", first, lambda: checkout.refund(second, 300, key="key")):
        late = checkout.refund(first, 500, key="key")
    assert (late.status, late.body["order_id"], late.body["amount"]) == (201 if settled else 202, first["id"], 500)
    checkout.settle()
    again = checkout.refund(second, 300, key="key")
    assert (again.status, again.body["order_id"], again.body["amount"]) == (201, second["id"], 300)
    records = [item for item in checkout.scan("IdempotencyTable") if item["id"].startswith("refund")]
    assert [record["made_id"] for record in records] == [again.body["refund_id"]]
    assert [checkout.order_item(order)["refunded_amount"] for order in (first, second)] == [500, 300]


@pytest.mark.proves("FR-010", "FR-204")
def test_a_replay_without_its_record_says_what_paying_came_to(checkout: Checkout) -> None:
    order = checkout.create_order()
    paid = checkout.pay(order, key="key")
    checkout.mark_paid(order, paid.body["transaction_id"])
    checkout.refund(order)
    checkout.forget_results()
    assert checkout.pay(order, key="key").body == {**paid.body, "duplicate": True}


@pytest.mark.proves("FR-010", "FR-011")
def test_a_key_in_the_header_is_the_same_key_in_the_body_and_no_part_of_the_payload(checkout: Checkout) -> None:
    first = checkout.call("create_order", BODY, key="key")
    assert checkout.call("create_order", {**BODY, "idempotency_key": "key"}).text == first.text
    assert checkout.call("create_order", BODY, key='"key"').text == first.text


@pytest.mark.proves("FR-012", "FR-018")
def test_a_request_that_was_killed_is_running_until_its_time_is_over_and_then_resumed(checkout: Checkout) -> None:
    order = checkout.create_order()
    with patch.object(SimulatedGateway, "charge", side_effect=Killed), pytest.raises(Killed):
        checkout.pay(order, key="key", seconds=20)
    checkout.wait(timedelta(seconds=10))
    assert checkout.pay(order, key="key").code == "idempotency_in_progress"
    checkout.wait(timedelta(seconds=10))
    assert checkout.pay(order, key="key").status == 201
    assert len(checkout.charges(order)) == len(checkout.payment_items(order)) == 1


@pytest.mark.proves("FR-012", "FR-212")
def test_a_refund_whose_request_was_killed_is_running_until_its_time_is_over_and_then_made(checkout: Checkout) -> None:
    order = checkout.buy()
    with patch.object(SimulatedGateway, "refund", side_effect=Killed), pytest.raises(Killed):
        checkout.refund(order, 500, key="key", seconds=20)
    checkout.wait(timedelta(seconds=10))
    assert checkout.refund(order, 500, key="key").code == "idempotency_in_progress"
    assert checkout.refund(order, 400, key="key").code == "idempotency_key_reused"
    checkout.wait(timedelta(seconds=10))
    made = checkout.refund(order, 500, key="key")
    assert (made.status, made.body["amount"]) == (201, 500)
    assert [refund["status"] for refund in checkout.refund_items(order)] == ["succeeded"]
    assert checkout.refund(order, 500, key="key").text == made.text


@pytest.mark.proves("FR-015", "FR-018")
@pytest.mark.parametrize("moment", ["before the charge", "after the charge"])
def test_a_payment_that_was_killed_is_resumed_without_its_record(checkout: Checkout, moment: str) -> None:
    order = checkout.create_order()
    charge = SimulatedGateway.charge

    def kill(*arguments: object) -> None:
        if moment == "after the charge":
            charge(*arguments)  # type: ignore[arg-type]
        raise Killed

    with patch.object(SimulatedGateway, "charge", kill), pytest.raises(Killed):
        checkout.pay(order, key="key")
    checkout.forget_idempotency()
    checkout.wait(timedelta(seconds=30))
    assert checkout.pay(order, key="another").code == "payment_in_progress"
    assert checkout.cancel(order).code == "payment_in_progress"
    assert checkout.pay(order, key="key").status == 201
    assert len(checkout.charges(order)) == len(checkout.payment_items(order)) == 1
    assert checkout.audit_events(order) == ["order_created", "payment_started", "payment_succeeded"]
    [payment] = checkout.payment_items(order)
    assert payment["resumed_at"], "what the first request is told says nothing any more"
    checkout.forget_results()
    assert checkout.pay(order, key="key").status == 201
    assert checkout.payment_items(order) == [payment], "which has ended"


@pytest.mark.proves("FR-010", "FR-037")
def test_no_order_is_made_without_a_record_of_it(checkout: Checkout) -> None:
    """Else a retry would make a second one."""
    checkout.database.delete_table(TableName="IdempotencyTable")
    assert checkout.call("create_order", BODY, key="key").status == 500
    assert checkout.scan("OrdersTable") == checkout.scan("AuditTable") == []


@pytest.mark.proves("FR-010")
@pytest.mark.filterwarnings("error:Couldn't determine the remaining time left")
def test_powertools_knows_how_long_the_function_has(checkout: Checkout) -> None:
    """Else it says with every request that it does not."""
    assert checkout.call("create_order", BODY, key="key").status == 201


@pytest.mark.proves("FR-009")
def test_where_idempotency_is_disabled_no_order_is_made(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_IDEMPOTENCY_DISABLED", "true")
    with pytest.warns(PowertoolsUserWarning):
        answer = checkout.call("create_order", BODY, key="key")
    assert answer.status == 500
    assert checkout.scan("OrdersTable") == []
