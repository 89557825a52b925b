"""The simulated gateway on its table, and what a gateway that fails means for a payment."""

import threading
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ReadTimeoutError

from checkout import wiring
from checkout.call_limit import READ_SECONDS
from checkout.clock import Deadline, read_utc_clock
from checkout.gateway import Charge, ChargeStatus, OutcomeUnknown, RefundOutcome
from checkout.orders import Order, OrderItem
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.simulated_gateway import SimulatedGateway
from tests.integration.conftest import Checkout
from tests.integration.test_pay import failing

AT = "2026-01-31T12:00:00.000Z"


@pytest.fixture
def charge(checkout: Checkout) -> Callable[[str], Charge]:
    """Charges one payment with a token."""
    gateway = SimulatedGateway(checkout.database, table="SimulatedGatewayTable", clock=read_utc_clock)
    order = Order.create(
        order_id="ord_01KG9YS7G00000000000000000",
        customer_id="alice",
        items=[OrderItem("mug", "Mug", 1, 1800)],
        currency="usd",
        metadata={},
        maximum_total=1_000_000,
        at=AT,
    )
    payment = Payment.start(order, idempotency_key_hash="key", request_hash="request", at=AT, due_at=AT)
    return lambda token: gateway.charge(payment, token, lambda: 10)


@pytest.mark.proves("FR-015", "FR-028")
@pytest.mark.parametrize(
    ("first", "second", "decline_code"),
    [("tok_visa", "tok_chargeDeclined", None), ("tok_chargeDeclined", "tok_visa", "generic_decline")],
)
def test_the_gateway_gives_its_first_answer_to_two_requests_at_once(
    checkout: Checkout, charge: Callable[[str], Charge], first: str, second: str, decline_code: str | None
) -> None:
    """The second has seen no charge when the first is made."""
    answers: list[Charge] = []

    def come_first(params: dict[str, Any], **_: Any) -> None:
        events.unregister("provide-client-params.dynamodb.PutItem", unique_id="come-first")
        answers.append(charge(first))

    events = checkout.database.meta.events
    events.register("provide-client-params.dynamodb.PutItem", come_first, unique_id="come-first")
    answers.append(charge(second))
    assert [answer.decline_code for answer in answers] == [decline_code] * 2
    assert answers[0] == answers[1]
    [known] = checkout.scan("SimulatedGatewayTable")
    assert known.get("decline_code") == decline_code


@pytest.mark.proves("FR-018")
@pytest.mark.parametrize("call", ["GetItem", "PutItem"])
@pytest.mark.parametrize("after", [False, True], ids=["not served", "served, answer lost"])
def test_a_gateway_that_breaks_down_leaves_an_unknown_outcome(checkout: Checkout, call: str, after: bool) -> None:
    order = checkout.create_order()

    def of_the_gateway(name: str, parameters: dict[str, Any]) -> bool:
        return name == call and parameters["TableName"] == "SimulatedGatewayTable"

    with failing(checkout, of_the_gateway, after=after) as failed:
        answer = checkout.pay(order, key="key")
    assert failed == [call]
    assert (answer.status, answer.body["status"]) == (202, "pending")
    assert checkout.pay(order, key="key").status == 201
    assert len(checkout.charges(order)) == 1


@pytest.mark.proves("FR-210", "FR-214")
@pytest.mark.parametrize(
    "codes", [["None", "ConditionalCheckFailed"], ["TransactionConflict", "ConditionalCheckFailed"]]
)
@pytest.mark.parametrize("is_made", [False, True], ids=["not made", "made by another request"])
def test_a_refund_that_another_request_makes_meanwhile_is_that_refund(
    checkout: Checkout, codes: list[str], is_made: bool
) -> None:
    """Whatever the reasons say for which its own transaction was cancelled."""
    order = checkout.buy()
    payment = wiring.order_table().get_payment(order["payment_transaction_id"])
    assert payment
    refund = Refund.start(payment, payment.money, reason=None, at=AT)
    gateway = SimulatedGateway(checkout.database, table="SimulatedGatewayTable", clock=read_utc_clock)
    write = checkout.database.transact_write_items

    def come_late(**request: Any) -> Any:
        if is_made:
            write(**request)
        raise checkout.database.exceptions.TransactionCanceledException(
            {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": [{"Code": c} for c in codes]},  # type: ignore[typeddict-item]
            "TransactWriteItems",
        )

    with patch.object(checkout.database, "transact_write_items", come_late):
        if is_made or codes[0] == "None":
            answer = gateway.refund(refund, payment, lambda: 10)
            assert answer.outcome == (RefundOutcome.SUCCEEDED if is_made else RefundOutcome.FAILED)
        else:
            with pytest.raises(OutcomeUnknown):
                gateway.refund(refund, payment, lambda: 10)


@pytest.mark.proves("FR-203", "FR-207")
def test_a_database_that_hangs_after_a_gateway_that_took_its_time_does_not_outlive_the_function(
    checkout: Checkout,
) -> None:
    """Each try of a call is given up after two seconds here, as the client does with a server that is silent."""
    order = checkout.create_order()
    hangs = threading.Event()

    def take_all_the_time(gateway: SimulatedGateway, payment: Payment, token: str, deadline: Deadline) -> Charge:
        time.sleep(max(0, deadline()))
        hangs.set()
        raise OutcomeUnknown

    def hang(request: Any, **_: Any) -> None:
        if hangs.is_set():
            time.sleep(READ_SECONDS)
            raise ReadTimeoutError(endpoint_url=request.url)

    checkout.database.meta.events.register("before-send.dynamodb", hang, unique_id="hang")
    began = time.monotonic()
    with patch.object(SimulatedGateway, "charge", take_all_the_time):
        answer = checkout.pay(order, key="key", seconds=6)
    assert time.monotonic() - began < 6
    assert answer.status == 202
    hangs.clear()
    assert checkout.pay(order, key="key").code == "idempotency_in_progress"
    checkout.settle()
    assert checkout.get_order(order)["status"] == "created"


@pytest.mark.proves("FR-016", "FR-018")
def test_a_gateway_that_takes_all_its_time_leaves_enough_to_write_the_outcome(checkout: Checkout) -> None:
    """Even where the first call to DynamoDB hangs until it is given up."""
    order = checkout.create_order()
    left: list[float] = []

    def look(gateway: SimulatedGateway, payment: Payment, *arguments: Any) -> Charge:
        deadline: Deadline = arguments[-1]
        left.append(deadline())
        return Charge(payment.payment_id, "ch_1", ChargeStatus.SUCCEEDED, payment.money)

    with patch.object(SimulatedGateway, "charge", look):
        checkout.pay(order, seconds=20)
    config: Any = wiring.dynamodb_client().meta.config
    assert 20 - left[0] >= config.connect_timeout + config.read_timeout
