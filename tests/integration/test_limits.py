"""What is tried too often: gateways that fail, orders, cards."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from aws_lambda_powertools.utilities.circuit_breaker.persistence import base as circuit_states

from checkout import wiring
from checkout.dynamodb import to_wire
from checkout.errors import InvalidToken
from checkout.gateway import OutcomeUndecided, OutOfTime
from checkout.order_reader import OrderReader
from checkout.order_table import MAX_DECISIONS, OrderTable
from checkout.simulated_gateway import Call, Fault, SimulatedGateway
from tests.integration.conftest import Answer, Checkout, forget_clients, open_checkout, set_environment
from tests.integration.test_pay import failing, is_claim


@pytest.fixture
def limited_checkout() -> Iterator[Checkout]:
    with open_checkout(Checkout, CircuitFailures="3", MaxHourlyDeclines="4", MaxPayments="6") as opened:
        yield opened


def change_circuit(checkout: Checkout, expression: str, **values: Any) -> None:
    """As if time had gone by, or another function had been at work."""
    [state] = checkout.scan("CircuitTable")
    checkout.database.update_item(
        TableName="CircuitTable",
        Key={"id": {"S": state["id"]}},
        UpdateExpression=expression,
        **({"ExpressionAttributeNames": {"#state": "state"}} if "#state" in expression else {}),
        ExpressionAttributeValues=to_wire({f":{name.rstrip('_')}": value for name, value in values.items()}),
    )
    forget_clients()


@pytest.mark.proves("FR-226")
def test_a_gateway_that_fails_in_a_row_is_left_alone_before_anything_is_written(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    for _ in range(3):
        assert checkout.pay(checkout.create_order(), "tok_unavailable").code == "gateway_unavailable"
    order = checkout.create_order()
    before = checkout.read_tables()
    with patch.object(SimulatedGateway, "charge", side_effect=AssertionError):
        answer = checkout.pay(order)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "gateway_unavailable", "5")
    assert checkout.read_tables() == before
    forget_clients()
    assert checkout.pay(order).code == "gateway_unavailable", "other functions learn of it"


@pytest.mark.proves("FR-226")
def test_no_time_to_ask_the_gateway_says_nothing_of_it(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    with patch.object(SimulatedGateway, "charge", side_effect=OutOfTime):
        for _ in range(4):
            assert checkout.pay(checkout.create_order()).code == "gateway_unavailable"
    assert checkout.scan("CircuitTable") == []
    for _ in range(2):
        checkout.pay(checkout.create_order(), "tok_unavailable")
    with patch.object(SimulatedGateway, "charge", side_effect=OutOfTime):
        checkout.pay(checkout.create_order())
    checkout.pay(checkout.create_order(), "tok_unavailable")
    assert [state["state"] for state in checkout.scan("CircuitTable")] == ["OPEN"], "nor does it end a row"


@pytest.mark.proves("FR-226")
def test_after_a_while_one_payment_tries_again(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    for _ in range(3):
        checkout.pay(checkout.create_order(), "tok_timeoutBeforeCharge")
    order = checkout.create_order()
    assert checkout.pay(order).code == "gateway_unavailable"
    change_circuit(checkout, "SET opened_at = opened_at - :while", while_=31)
    assert checkout.pay(order).status == 201
    assert checkout.pay(checkout.create_order()).status == 201


@pytest.mark.proves("FR-226")
def test_while_one_payment_tries_again_nothing_is_written_for_others(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    for _ in range(3):
        checkout.pay(checkout.create_order(), "tok_timeoutBeforeCharge")
    change_circuit(
        checkout,
        "SET #state = :half, half_open_owner = :other, probe_lease_expiry = :later",
        half="HALF_OPEN",
        other="another function",
        later=int(checkout.read_clock().timestamp()) + 30,
    )
    order = checkout.create_order()
    before = checkout.read_tables()
    assert checkout.pay(order).code == "gateway_unavailable"
    assert checkout.read_tables() == before


@pytest.mark.proves("FR-226")
def test_a_refusal_shows_that_the_gateway_is_there_again(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    for _ in range(3):
        checkout.pay(checkout.create_order(), "tok_timeoutBeforeCharge")
    change_circuit(checkout, "SET opened_at = opened_at - :while", while_=31)
    with patch.object(SimulatedGateway, "charge", side_effect=InvalidToken):
        assert checkout.pay(checkout.create_order()).code == "invalid_token"
    [state] = checkout.scan("CircuitTable")
    assert state["state"] == "CLOSED"


@pytest.mark.proves("FR-226")
def test_a_gateway_that_has_not_decided_is_no_gateway_that_fails(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    with patch.object(SimulatedGateway, "charge", side_effect=OutcomeUndecided):
        for _ in range(3):
            assert checkout.pay(checkout.create_order()).status == 202
    assert checkout.pay(checkout.create_order()).status == 201


@pytest.mark.proves("FR-226", "FR-203")
def test_a_payment_under_way_stays_pending_while_the_gateway_is_left_alone(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    order = checkout.create_order()
    assert checkout.pay(order, "tok_timeoutAfterCharge", key="key").status == 202
    for _ in range(2):
        checkout.pay(checkout.create_order(), "tok_unavailable")
    assert checkout.pay(order, "tok_timeoutAfterCharge", key="key").status == 202
    done = checkout.settle()
    assert [fault.split()[1] for fault in done["faults"]] == ["RequestNotTaken"]


@pytest.mark.proves("FR-226")
def test_declines_are_no_failures_of_the_gateway(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    for number in range(8):
        customer = f"customer-{number}"
        order = checkout.create_order(customer=customer)
        assert checkout.pay(order, "tok_chargeDeclined", customer=customer).code == "card_declined"


@pytest.mark.proves("FR-226")
def test_a_circuit_whose_state_cannot_be_read_is_closed(
    limited_checkout: Checkout, caplog: pytest.LogCaptureFixture
) -> None:
    checkout = limited_checkout
    with (
        patch.object(circuit_states.CircuitBreakerPersistenceLayer, "_retrieve_from_cache", side_effect=[None] * 9),
        failing(checkout, is_circuit_read) as failed,
    ):
        assert checkout.pay(checkout.create_order()).status == 201
    assert set(failed) == {"BatchGetItem", "GetItem"}
    told = [record.getMessage() for record in caplog.records if record.name == "checkout.gateway_circuit"]
    assert told == ["circuit not read: StoreUnavailable"]


@pytest.mark.proves("FR-226", "FR-702")
def test_who_pays_reads_the_circuit_with_the_order(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    order = checkout.create_order()
    for _ in range(3):
        checkout.pay(checkout.create_order(), "tok_unavailable")
    read: list[str] = []

    def note(name: str, parameters: dict[str, Any]) -> bool:
        read.extend([name] * is_circuit_read(name, parameters))
        return False

    def pay_in_a_new_process() -> Answer:
        forget_clients()
        checkout.database = wiring.dynamodb_client()
        with failing(checkout, note):
            return checkout.pay(order)

    assert pay_in_a_new_process().code == "gateway_unavailable", "it is open, as another process has found"
    change_circuit(checkout, "SET opened_at = opened_at - :while", while_=31)
    assert pay_in_a_new_process().status == 201
    assert read == ["BatchGetItem"] * 2


def is_circuit_read(name: str, parameters: dict[str, Any]) -> bool:
    tables = {parameters.get("TableName")} | set(parameters.get("RequestItems", {}))
    return name in {"GetItem", "BatchGetItem"} and "CircuitTable" in tables


def is_circuit_write(name: str, parameters: dict[str, Any]) -> bool:
    return name != "GetItem" and parameters.get("TableName") == "CircuitTable"


@pytest.mark.proves("FR-226")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after it took effect"])
@pytest.mark.parametrize("work", ["pay", "refund", "settle"])
def test_a_trial_that_cannot_be_written_down_is_made_all_the_same(
    limited_checkout: Checkout, work: str, after: bool
) -> None:
    checkout = limited_checkout
    bought, order, lost = checkout.buy(), checkout.create_order(), checkout.create_order()
    checkout.pay(lost, "tok_timeoutAfterCharge")
    for _ in range(2):
        checkout.pay(checkout.create_order(), "tok_unavailable")
    change_circuit(checkout, "SET opened_at = opened_at - :while", while_=31)
    checkout.database = wiring.dynamodb_client()
    with failing(checkout, is_circuit_write, after=after) as failed:
        if work == "pay":
            assert checkout.pay(order).status == 201
        elif work == "refund":
            assert checkout.refund(bought, 100).status == 201
        else:
            done = checkout.settle()
            assert (done["orders_paid"], done["faults"]) == (1, [])
    assert failed[:2] == ["PutItem", "UpdateItem"], "that it is tried, and that it answered"


@pytest.mark.proves("FR-227")
def test_declines_of_a_customer_are_capped_within_an_hour(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    checkout.begin_an_hour()
    for _ in range(4):
        assert checkout.pay(checkout.create_order(), "tok_chargeDeclined").code == "card_declined"
    checkout.wait(timedelta(minutes=20, seconds=30))
    order = checkout.create_order()
    before = checkout.read_clock()
    answer = checkout.pay(order, key="key")
    assert (answer.status, answer.code) == (429, "too_many_attempts")
    assert (answer.body["hourly_declines"], answer.body["limit"]) == (4, 4)
    end = before.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    wait = timedelta(seconds=int(answer.headers["retry-after"]))
    assert before + wait - timedelta(seconds=1) < end <= checkout.read_clock() + wait, "when the next hour begins"
    assert checkout.payment_items(order) == []
    bobs = checkout.create_order(customer="bob")
    assert checkout.pay(bobs, customer="bob").status == 201
    checkout.wait(timedelta(hours=1))
    assert checkout.pay(order, key="key").status == 201


@pytest.mark.proves("FR-227")
def test_a_decline_is_counted_once_however_it_becomes_known(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined", key="key")
    checkout.forget_idempotency()
    checkout.pay(order, "tok_chargeDeclined", key="key")
    checkout.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
    other = checkout.create_order()
    assert checkout.pay(other, "tok_chargeDeclined").status == 202
    checkout.settle()
    declined = checkout.payment_items(order) + checkout.payment_items(other)
    assert read_counted(checkout) == {payment["payment_id"] for payment in declined}
    assert checkout.order_item(other)["declined_payments"] == 1


@pytest.mark.proves("FR-227")
def test_payments_of_an_order_are_capped_whatever_became_of_them(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    order = checkout.create_order()
    for _ in range(6):
        checkout.break_gateway(Call.CHARGE, Fault.REQUEST_LOST)
        assert checkout.pay(order).status == 202
        checkout.settle()
    answer = checkout.pay(order)
    assert (answer.status, answer.code) == (429, "too_many_attempts")
    assert (answer.body["payments"], answer.body["limit"]) == (6, 6)
    assert len(checkout.payment_items(order)) == 6


@pytest.mark.proves("FR-022")
def test_declines_of_an_order_are_capped(checkout: Checkout) -> None:
    order = checkout.create_order()
    for _ in range(10):
        assert checkout.pay(order, "tok_chargeDeclined").code == "card_declined"
    answer = checkout.pay(order)
    assert (answer.status, answer.code) == (429, "too_many_attempts")
    assert (answer.body["declined_payments"], answer.body["limit"]) == (10, 10)
    assert checkout.order_item(order)["declined_payments"] == len(checkout.payment_items(order)) == 10


@pytest.mark.proves("FR-227")
def test_what_the_gateway_never_took_does_not_count(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    order = checkout.create_order()
    for _ in range(7):
        checkout.break_gateway(Call.CHARGE, Fault.REFUSED)
        assert checkout.pay(order).code == "gateway_unavailable"
        forget_clients()
        checkout.database.delete_item(TableName="CircuitTable", Key={"id": {"S": "payment_gateway"}})
    assert checkout.pay(order).status == 201


def read_counted(checkout: Checkout) -> set[str]:
    """The payments that are kept by the hour."""
    return {payment_id for item in checkout.scan("DeclinesTable") for payment_id in item.get("payments", ())}


@contextmanager
def noting_writes_of_declines(checkout: Checkout) -> Iterator[list[str]]:
    """What each does."""
    written: list[str] = []

    def note(_: str, parameters: dict[str, Any]) -> bool:
        actions = [action for each in parameters.get("TransactItems", []) for action in each.values()]
        of_declines = [action for action in actions if action["TableName"] == "DeclinesTable"]
        written.extend(action["UpdateExpression"].split()[0] for action in of_declines)
        return False

    with failing(checkout, note):
        yield written


@pytest.mark.proves("FR-227")
@pytest.mark.parametrize("token", ["tok_unavailable", "tok_timeoutBeforeCharge"])
def test_what_was_surely_not_charged_counts_no_longer_within_the_hour(limited_checkout: Checkout, token: str) -> None:
    checkout = limited_checkout
    for _ in range(3):
        checkout.pay(checkout.create_order(), token)
        checkout.settle()
        forget_clients()
        checkout.database.delete_item(TableName="CircuitTable", Key={"id": {"S": "payment_gateway"}})
    assert len(checkout.scan("PaymentsTable")) == 3
    assert read_counted(checkout) == set()


@pytest.mark.proves("FR-227")
@pytest.mark.parametrize(("token", "status"), [("tok_visa", 201), ("tok_chargeDeclined", 402)])
def test_a_payment_that_succeeds_or_is_declined_writes_nothing_to_the_hour_when_it_ends(
    limited_checkout: Checkout, token: str, status: int
) -> None:
    with noting_writes_of_declines(limited_checkout) as written:
        assert limited_checkout.pay(limited_checkout.create_order(), token).status == status
    assert written == ["ADD"]


@pytest.mark.proves("FR-227")
def test_who_pays_more_often_than_may_be_declined_is_not_stopped(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    checkout.begin_an_hour()
    with noting_writes_of_declines(checkout) as written:
        answers = [checkout.pay(checkout.create_order()) for _ in range(9)]
    assert {answer.status for answer in answers} == {201}
    assert written == [*["ADD"] * 2, *["ADD", "DELETE"] * 7], "from half of the limit on"
    [item] = checkout.scan("DeclinesTable")
    assert item["payments"] == {answer.body["transaction_id"] for answer in answers[:2]}


@pytest.mark.proves("FR-227")
def test_of_an_hour_that_is_full_what_was_no_decline_makes_room_and_what_may_yet_be_does_not(
    limited_checkout: Checkout,
) -> None:
    checkout = limited_checkout
    checkout.begin_an_hour()
    paid, declined, unknown, last = (checkout.create_order() for _ in range(4))
    assert checkout.pay(paid).status == 201
    assert checkout.pay(declined, "tok_chargeDeclined").status == 402
    assert checkout.pay(unknown, "tok_timeoutAfterCharge").status == 202
    assert checkout.pay(last, "tok_chargeDeclined").status == 402
    assert checkout.pay(last, "tok_chargeDeclined").status == 402, "in the place of the one that was paid"
    before = checkout.read_tables()
    answer = checkout.pay(last, key="key")
    assert (answer.status, answer.body["hourly_declines"], answer.body["limit"]) == (429, 4, 4)
    assert checkout.read_tables() == before
    checkout.settle()
    assert checkout.pay(last, key="key").status == 201, "in the place of the one that was settled"
    declines = {item["payment_id"] for item in checkout.scan("PaymentsTable") if "decline_code" in item}
    assert read_counted(checkout) == declines
    assert len(declines) == 3


@pytest.mark.proves("FR-227")
def test_a_limit_that_was_lowered_counts_what_is_there(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    checkout.begin_an_hour()
    assert checkout.pay(checkout.create_order()).status == 201
    for _ in range(3):
        assert checkout.pay(checkout.create_order(), "tok_chargeDeclined").status == 402
    order = checkout.create_order()
    with set_environment(MaxHourlyDeclines="2"):
        wiring.charging_service.cache_clear()
        answer = checkout.pay(order)
    assert (answer.status, answer.body["hourly_declines"], answer.body["limit"]) == (429, 3, 2)


@pytest.mark.proves("FR-227", "FR-023")
@pytest.mark.parametrize(
    ("token", "code"), [("tok_visa", "payment_already_succeeded"), ("tok_timeoutAfterCharge", "payment_in_progress")]
)
def test_what_holds_the_order_is_told_before_the_cap(limited_checkout: Checkout, token: str, code: str) -> None:
    checkout = limited_checkout
    checkout.begin_an_hour()
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined")
    checkout.pay(order, token)
    while len(read_counted(checkout)) < 4:
        checkout.pay(checkout.create_order(), "tok_chargeDeclined")
    assert checkout.pay(order, key="other").code == code
    assert checkout.pay(checkout.create_order()).status == (201 if token == "tok_visa" else 429)


@pytest.mark.proves("FR-227", "FR-018")
def test_a_payment_is_told_to_its_key_before_the_cap_though_its_record_has_run_out(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    order = checkout.create_order()
    checkout.pay(order, "tok_chargeDeclined")
    first = checkout.pay(order, key="key")
    checkout.wait(timedelta(hours=25))
    wiring.charging_service.cache_clear()
    checkout.begin_an_hour()
    for _ in range(4):
        assert checkout.pay(checkout.create_order(), "tok_chargeDeclined").status == 402
    again = checkout.pay(order, key="key")
    assert (again.status, again.body["transaction_id"]) == (201, first.body["transaction_id"])


@pytest.mark.proves("FR-227")
@pytest.mark.parametrize(("look", "status"), [(1, 201), (2, 429)])
def test_who_is_refused_as_the_hour_ends_does_not_wait_for_the_next(
    limited_checkout: Checkout, look: int, status: int
) -> None:
    """It ends between the first look and the second, or after that: before the hour's payments are looked up."""
    checkout = limited_checkout
    checkout.begin_an_hour()
    for _ in range(4):
        assert checkout.pay(checkout.create_order(), "tok_chargeDeclined").status == 402
    order = checkout.create_order()
    now = checkout.read_clock()
    checkout.wait(now.replace(minute=59, second=30, microsecond=0) - now)
    find, looks = OrderReader.get_payments, itertools.count(1)

    def let_it_end(*asked: Any) -> Any:
        if next(looks) == look:
            checkout.begin_an_hour()
        return find(*asked)

    with patch.object(OrderReader, "get_payments", let_it_end):
        answer = checkout.pay(order)
    assert answer.status == status
    assert 1 <= int(answer.headers.get("retry-after", 1)) <= 30


@pytest.mark.proves("FR-227", "FR-018")
def test_who_filled_the_hour_oneself_is_told_of_the_payment(limited_checkout: Checkout) -> None:
    """The other half of a double click comes first, after this one has read the order."""
    checkout = limited_checkout
    checkout.begin_an_hour()
    for _ in range(3):
        assert checkout.pay(checkout.create_order(), "tok_chargeDeclined").status == 402
    order = checkout.create_order()
    first: list[Answer] = []
    claims: list[str] = []

    def be_outrun(name: str, parameters: dict[str, Any]) -> bool:
        if is_claim(name, parameters):
            claims.append(name)
            if len(claims) == 1:
                first.append(checkout.pay(order, "tok_chargeDeclined", key="key"))
        return False

    with failing(checkout, be_outrun):
        answer = checkout.pay(order, "tok_chargeDeclined", key="key")
    assert (first[0].status, answer.status) == (402, 402)
    assert answer.body["transaction_id"] == first[0].body["transaction_id"]
    assert checkout.pay(checkout.create_order()).status == 429


@pytest.mark.proves("FR-227")
def test_an_hour_that_is_full_again_each_time_is_given_up(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    checkout.begin_an_hour()
    for token in ("tok_visa", "tok_visa", "tok_chargeDeclined", "tok_chargeDeclined"):
        checkout.pay(checkout.create_order(), token)
    with patch.object(OrderTable, "uncount_declines") as uncount:
        assert checkout.pay(checkout.create_order()).code == "store_unavailable"
    assert uncount.call_count == 1 + MAX_DECISIONS


@pytest.mark.proves("FR-227")
def test_a_count_of_before_the_payments_were_kept_stands_in_nobodys_way(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    checkout.begin_an_hour()
    item = {"customer_id": "alice", "hour": checkout.read_clock().isoformat()[:13], "declines": 4, "expiration": 1}
    checkout.database.put_item(TableName="DeclinesTable", Item=to_wire(item))
    assert checkout.pay(checkout.create_order(), "tok_chargeDeclined").status == 402
    assert checkout.pay(checkout.create_order(), "tok_unavailable").status == 503
    [count] = checkout.scan("DeclinesTable")
    assert (count["declines"], len(count["payments"])) == (4, 1)


@pytest.mark.proves("FR-227")
def test_a_payment_that_ends_a_day_later_takes_nothing_from_an_hour_that_has_run_out(checkout: Checkout) -> None:
    order = checkout.create_order()
    checkout.pay(order, "tok_timeoutBeforeCharge")
    [count] = checkout.scan("DeclinesTable")
    key = {name: {"S": count[name]} for name in ("customer_id", "hour")}
    checkout.database.delete_item(TableName="DeclinesTable", Key=key)
    checkout.settle(after=timedelta(days=1))
    [payment] = checkout.payment_items(order)
    assert payment["failure_reason"] == "not_charged"
    assert checkout.scan("DeclinesTable") == []


@pytest.mark.proves("FR-228")
@pytest.mark.parametrize("times", [1, 2])
def test_a_fault_happens_as_often_as_it_was_asked_for(limited_checkout: Checkout, times: int) -> None:
    checkout = limited_checkout
    checkout.break_gateway(Call.CHARGE, Fault.REQUEST_LOST, times)
    order = checkout.create_order()
    answers = [checkout.pay(order, key="key").status for _ in range(times + 1)]
    assert answers == [202] * times + [201]


@pytest.mark.proves("FR-228")
def test_a_slow_gateway_is_an_unknown_outcome_where_there_is_no_time(limited_checkout: Checkout) -> None:
    checkout = limited_checkout
    checkout.break_gateway(Call.CHARGE, Fault.SLOW)
    order = checkout.create_order()
    assert checkout.pay(order, key="key", seconds=5.5).status == 202
    assert checkout.charges(order) == []
    assert checkout.settle()["settled"] == 1
