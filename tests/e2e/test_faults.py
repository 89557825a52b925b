"""The fault table of specs/003-payment-recovery: every call of every operation is made to fail in every way (FR-231).

An operation runs once to list its calls. Then, for each call and each fault, it runs again on an order of its own with
that call failing; its client comes back with the same request, or never. Time goes on and settle_payments runs until
nothing is left to be done. Then the four rules hold, the trail is complete, and no payment is open.

`make test` walks a part of it, `make verify` all. Both say how many cases they walked.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from checkout.audit import AuditHead, find_misfit
from checkout.caller import STAFF_SCOPE
from checkout.dynamodb import Item, from_wire, to_wire
from checkout.order_items import to_entry
from checkout.order_reader import OrderReader
from checkout.order_table import OrderTable
from checkout.payment_recorder import PaymentRecorder
from checkout.refund_recorder import RefundRecorder
from checkout.simulated_gateway import Call, Fault, make_fault
from local.keys import issue_token
from tests.conftest import REQUIRE_ALL
from tests.e2e.conftest import BASE_URL, Customer, open_faulty_runtime
from tests.e2e.faulty_runtime import DatabaseFault
from tests.stripe_stub import Fault as StripeFault

pytestmark = [
    pytest.mark.proves("FR-231", "FR-202", "FR-203", "FR-204", "FR-206", "FR-212", "FR-213", "FR-228"),
    pytest.mark.skipif(bool(BASE_URL), reason="faults are made in a runtime of the test's own"),
]

STRIDE = 1 if REQUIRE_ALL else 53
RETRIES = 6
HOUR = 3600
AMOUNT = 1800
HOURLY_DECLINES = 20

Case = tuple[str, Callable[[], None], bool]
"""What fails, how to make it, and whether the client comes back."""


@dataclass
class World:
    """A runtime whose calls can be made to fail, with one order in it at a time."""

    http: httpx.Client
    gateway: str
    order: dict[str, Any] = field(default_factory=dict)
    cases: dict[str, list[Case]] = field(default_factory=dict)
    """Of the operations that were listed, by their names."""
    alice: Customer = field(init=False)
    staff: Customer = field(init=False)

    _tables: dict[str, list[Any]] = field(default_factory=dict)
    """As they are until the next request."""

    def __post_init__(self) -> None:
        self.http.event_hooks = {"request": [lambda _: self._tables.clear()]}

    def control(self, name: str, **parameters: Any) -> Any:
        return self.http.post(f"/control/{name}", json=parameters).raise_for_status().json()

    def begin(self) -> None:
        """With an order, and nothing else there: what is read and written takes no longer from case to case."""
        self.control("break_call")
        self.control("empty")
        self.alice = Customer(self.http, issue_token(f"alice-{uuid.uuid4()}"))
        self.staff = Customer(self.http, issue_token("sam", scope=STAFF_SCOPE))
        self.order = self.alice.create_order(("mug", 1))

    def pay(self, key: str, token: str = "") -> httpx.Response:
        return self.alice.pay(self.order, token or {"stripe": "pm_card_visa"}.get(self.gateway, "tok_visa"), key=key)

    def scan(self, table: str) -> list[dict[str, Any]]:
        if not self._tables:
            self._tables = self.control("read_tables")
        return [from_wire(item) for item in self._tables[table]]

    def put(self, table: str, item: Item) -> None:
        self.control("put_item", table=table, item=to_wire(item))

    def read(self, table: str) -> list[dict[str, Any]]:
        """The items of a table that are the order's."""
        return [item for item in self.scan(table) if item.get("order_id") == self.order["id"]]

    @property
    def stored(self) -> dict[str, Any]:
        [order] = self.read("OrdersTable")
        return order

    @property
    def payments(self) -> list[dict[str, Any]]:
        return sorted(self.read("PaymentsTable"), key=lambda payment: payment["attempt"])

    def count_faults(self) -> int:
        """How many calls are still to fail."""
        of_simulator = sum(item.get("times", 0) for item in self.scan("SimulatedGatewayTable"))
        return self.control("count_faults") + of_simulator

    def read_money(self) -> list[tuple[int, int]]:
        """What the gateway took for the order, and gave back of it, charge by charge."""
        if self.gateway == "stripe":
            intents = self.control("read_stripe")["intents"].values()
            mine = [intent for intent in intents if intent["metadata"].get("order_id") == self.order["id"]]
            return [
                (intent["amount_received"], intent["latest_charge"]["amount_refunded"])
                for intent in mine
                if intent["status"] == "succeeded"
            ]
        charges = [item for item in self.read("SimulatedGatewayTable") if item["outcome"] == "succeeded"]
        return [(charge["amount"], charge["amount"] - charge["refundable"]) for charge in charges]

    def settle(self, *, compares: bool = False) -> None:
        """Until nothing moves: the schedule comes again and again; `compares` where the report of differences does."""
        self.control("break_call")
        for _ in range(12):
            self.control("wait", seconds=HOUR)
            if compares:
                self.control("run", function="reconcile_payments")
            self.control("run", function="settle_payments")
            if not any("due_at" in payment for payment in self.payments):
                return


Answers = list[httpx.Response]
Operate = Callable[[World, str], httpx.Response | None]


@dataclass(frozen=True)
class Operation:
    """What is made to fail: what comes before it, the request itself, and what its answers allow in the end."""

    name: str
    operate: Operate
    prepare: Callable[[World], None] = lambda _: None
    gateway: str = "simulated"
    gateway_faults: Sequence[tuple[str, str, int]] = ()
    """Of the simulated gateway: which call, which fault, how often. Of Stripe each request fails that is made."""
    comes_back: Sequence[bool] = (True, False)
    breaks_store: bool = True
    """Whether its calls of DynamoDB fail too; they are another operation's where only the gateway differs."""
    table: str = ""
    """Of its calls of DynamoDB only those of this table fail, where the others are another operation's."""
    outcomes: frozenset[int] = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
    """The statuses that a client does not come back after."""
    compares: bool = False
    """Whether what nobody tells is found by the report of differences."""
    check: Callable[[World, Answers, bool], None] = lambda *_: None


def succeeded(answers: Answers) -> bool:
    return any(answer.status_code in {200, 201} for answer in answers)


# Operations


def pay(world: World, key: str) -> httpx.Response:
    return world.pay(key)


def check_paid(world: World, answers: Answers, came_back: bool) -> None:
    """A client that comes back is charged, once; whoever was told so is; a key has one payment, and another only where
    that was surely not charged."""
    told = {answer.json()["transaction_id"] for answer in answers if answer.status_code in {201, 202}}
    charged = [payment for payment in world.payments if payment["charged_amount"]]
    if came_back:
        assert answers[-1].status_code == 201, answers[-1].text
    if succeeded(answers):
        assert [payment["payment_id"] for payment in charged] == [answers[-1].json()["transaction_id"]]
        assert world.stored["status"] == "paid"
    for payment in world.payments:
        if payment["payment_id"] in told and not payment["charged_amount"]:
            assert payment["status"] == "failed"
    assert len({payment["idempotency_key_hash"] for payment in world.payments}) <= 1
    assert len(charged) <= 1
    assert sum(payment["status"] != "failed" for payment in world.payments) <= 1


def pay_with_declined_card(world: World, key: str) -> httpx.Response:
    return world.pay(key, "tok_chargeDeclined")


def check_declined(world: World, answers: Answers, came_back: bool) -> None:
    """A client that comes back is told of one decline, once; the order can be paid with another card."""
    if came_back:
        assert (answers[-1].status_code, answers[-1].json()["code"]) == (402, "card_declined")
    told = {answer.json()["transaction_id"] for answer in answers if answer.status_code == 402}
    declined = {payment["payment_id"] for payment in world.payments if payment.get("decline_code")}
    assert told <= declined
    assert len(declined) <= 1
    check_settled_failed(world)


def pay_unanswered(world: World, key: str) -> httpx.Response:
    return world.pay(key, "tok_timeoutAfterCharge")


def pay_unavailable(world: World, key: str) -> httpx.Response:
    """The gateway does not take the first request of a payment."""
    return world.pay(key, "tok_unavailable")


def check_not_taken(world: World, answers: Answers, came_back: bool) -> None:
    """A client that comes back is charged where it goes on with the payment, and not where it starts another."""
    if succeeded(answers):
        check_paid(world, answers, came_back)
    else:
        check_settled_failed(world)


def prepare_charge(world: World) -> None:
    assert world.pay("charge").status_code == 201


def mark_paid(world: World, _: str) -> httpx.Response:
    return world.alice.mark_paid(world.order, world.payments[0]["payment_id"])


def check_marked(world: World, answers: Answers, came_back: bool) -> None:
    assert world.stored["status"] == "paid"
    if came_back:
        assert (answers[-1].status_code, answers[-1].json()["status"]) == (200, "paid")
    assert [entry["event"] for entry in world.read("AuditTable")].count("order_paid") == 1


def prepare_paid(world: World) -> None:
    prepare_charge(world)
    assert mark_paid(world, "").status_code == 200


def refund(world: World, key: str) -> httpx.Response:
    return world.staff.refund(world.order, amount=500, key=key)


def check_refunded(world: World, answers: Answers, came_back: bool) -> None:
    refunds = world.read("RefundsTable")
    assert len(refunds) <= 1
    assert world.stored["status"] == "paid"
    if refunds and refunds[0]["status"] == "failed":
        # Stripe has an answer of its own for the key, and it is no: the money may be refunded all the same.
        assert (refunds[0]["failure_reason"], world.stored["refunded_amount"]) == ("gateway_error", 0)
        assert not succeeded(answers)
        assert refund(world, str(uuid.uuid4())).status_code == 201
        return
    if came_back:
        assert answers[-1].status_code == 201, answers[-1].text
    promised = any(answer.status_code in {201, 202} for answer in answers)
    refunded = world.stored["refunded_amount"]
    assert refunded == 500 if promised else refunded in {0, 500}


def refund_all(world: World, key: str) -> httpx.Response:
    return world.staff.refund(world.order, key=key)


def check_refunded_all(world: World, answers: Answers, came_back: bool) -> None:
    if came_back:
        assert answers[-1].status_code == 201, answers[-1].text
        assert world.stored["status"] == "refunded"
    assert len(world.read("RefundsTable")) <= 1


def settle(world: World, _: str) -> None:
    world.control("wait", seconds=120)
    world.control("run", function="settle_payments")


def prepare_lost_answer(world: World) -> None:
    assert world.pay("charge", "tok_timeoutAfterCharge").status_code == 202


def prepare_lost_request(world: World) -> None:
    assert world.pay("charge", "tok_timeoutBeforeCharge").status_code == 202


def prepare_lost_refund(world: World) -> None:
    prepare_paid(world)
    break_gateway(world, Call.REFUND, Fault.REQUEST_LOST, 1)
    assert refund(world, f"of {world.order['id']}").status_code == 202


def prepare_wrong_charge(world: World) -> None:
    """The gateway charged another amount."""
    world.control("break_call", number=3, fault=DatabaseFault.DIES_AFTER)
    with suppress(httpx.HTTPError):
        world.pay("charge")
    world.control("break_call")
    [payment] = world.payments
    assert payment["status"] == "pending"
    item = {
        "payment_id": payment["payment_id"],
        "order_id": world.order["id"],
        "outcome": "succeeded",
        "reference": "ch_wrong",
        "amount": 99,
        "refundable": 99,
        "currency": "usd",
        "charged_at": payment["created_at"],
    }
    world.put("SimulatedGatewayTable", item)


def prepare_lost_refund_of_stripe(world: World) -> None:
    prepare_paid(world)
    world.control("break_stripe", request=REFUND, fault=StripeFault.DROPPED_BEFORE, times=3)
    assert refund_again(world).status_code == 202


def refund_again(world: World, _: str = "") -> httpx.Response:
    return refund(world, f"of {world.order['id']}")


def pay_unanswered_again(world: World, _: str) -> httpx.Response:
    return world.pay("charge", "tok_timeoutAfterCharge")


def prepare_full_hour(world: World) -> None:
    """As many payments as may be declined within the hour may have been; of one it is known that it was not."""
    fill_hour(world, HOURLY_DECLINES)


def prepare_busy_hour(world: World) -> None:
    fill_hour(world, HOURLY_DECLINES // 2)


def fill_hour(world: World, payments: int) -> None:
    """That many are counted in it, of which one is there, and has succeeded."""
    now = datetime.fromisoformat(world.order["created_at"])
    world.control("wait", seconds=HOUR - now.minute * 60 - now.second)
    world.alice.buy(("mug", 1))
    [item] = world.scan("DeclinesTable")
    others = {f"pay_{number:026}_001" for number in range(payments - 1)}
    item["payments"] |= others
    world.put("DeclinesTable", item)


def prepare_trial(world: World) -> None:
    """The gateway was left alone for as long as it is; the next call tries it."""
    world.control("open_circuit")


def prepare_trial_of_refund(world: World) -> None:
    prepare_paid(world)
    prepare_trial(world)


def pay_again(world: World, _: str) -> httpx.Response:
    return world.pay("charge")


def prepare_settled_payment(world: World) -> None:
    prepare_lost_answer(world)
    settle(world, "")


def prepare_settled_refund(world: World) -> None:
    prepare_lost_refund(world)
    settle(world, "")


def check_settled_paid(world: World, *_: Any) -> None:
    assert world.stored["status"] == "paid"


def check_settled_failed(world: World, *_: Any) -> None:
    assert (world.stored["status"], world.read_money()) == ("created", [])
    assert world.pay("again").status_code == 201


def check_settled_refund(world: World, *_: Any) -> None:
    assert (world.stored["status"], world.stored["refunded_amount"]) == ("paid", 500)
    assert len(world.read("RefundsTable")) == 1


def check_settled_refund_of_stripe(world: World, *_: Any) -> None:
    [made] = world.read("RefundsTable")
    assert (made["status"], made.get("failure_reason"), world.stored["refunded_amount"]) in {
        ("succeeded", None, 500),
        ("failed", "gateway_error", 0),
    }


def check_returned(world: World, *_: Any) -> None:
    assert (world.stored["status"], world.read_money()) == ("created", [(99, 99)])
    assert world.payments[0]["status"] == "refunded"
    assert world.pay("again").status_code == 201


def prepare_lost_answer_of_stripe(world: World) -> None:
    world.control("break_stripe", request=CREATE, fault=StripeFault.ERROR_AFTER, times=1)
    assert world.pay("charge").status_code == 202


def prepare_kept_answer_of_stripe(world: World) -> None:
    """It was charged, and every answer was lost on its way: Stripe will give the same again."""
    world.control("break_stripe", request=CREATE, fault=StripeFault.DROPPED_AFTER, times=3)
    assert world.pay("charge").status_code == 202


def prepare_lost_request_of_stripe(world: World) -> None:
    # However often the SDK tries.
    world.control("break_stripe", request=CREATE, fault=StripeFault.DROPPED_BEFORE, times=3)
    assert world.pay("charge").status_code == 202


def prepare_failed_request_of_stripe(world: World) -> None:
    world.control("break_stripe", request=CREATE, fault=StripeFault.ERROR_BEFORE, times=1)
    assert world.pay("charge").status_code == 202


def prepare_lost_decline_of_stripe(world: World) -> None:
    world.control("break_stripe", request=CREATE, fault=StripeFault.DROPPED_AFTER, times=3)
    assert world.pay("charge", "pm_card_chargeDeclined").status_code == 202


def prepare_taken_key_of_stripe(world: World) -> None:
    """Settling has made the charge impossible, and died before that was on record. Nothing can be searched for."""
    world.control("refuse_search")
    prepare_lost_request_of_stripe(world)
    world.control("break_call", number=0, fault=DatabaseFault.DIES_BEFORE, of_writes=True)
    settle(world, "")
    world.control("break_call")


def pay_with_authentication(world: World, _: str = "") -> httpx.Response:
    return world.pay("charge", "pm_card_authenticationRequired")


def prepare_failed_authentication(world: World) -> None:
    assert pay_with_authentication(world).status_code == 202
    world.control("fail_to_authenticate")


def check_not_authenticated(world: World, answers: Answers, came_back: bool) -> None:
    """Whoever was told of a decline has one; it is not known any more where an answer of Stripe's was lost."""
    told = {answer.json()["transaction_id"] for answer in answers if answer.status_code == 402}
    assert told <= {payment["payment_id"] for payment in world.payments if payment.get("decline_code")}
    check_settled_failed(world)


def prepare_idle_customer(world: World) -> None:
    assert pay_with_authentication(world).status_code == 202
    world.control("wait", seconds=HOUR / 4)


def prepare_wrong_charge_of_stripe(world: World) -> None:
    """Stripe charged another amount, and cannot be searched."""
    world.control("refuse_search")
    prepare_lost_answer_of_stripe(world)
    world.control("change_charge", amount=99)


def prepare_delayed_refund(world: World) -> None:
    prepare_paid(world)
    world.control("delay_refunds")


def refund_delayed(world: World, key: str) -> httpx.Response:
    """Stripe makes it once the request is over."""
    try:
        return refund(world, key)
    finally:
        world.control("make_refunds")


def prepare_return_sent_back(world: World) -> None:
    prepare_wrong_charge_of_stripe(world)
    settle(world, "")
    world.control("send_back")


def prepare_refund_sent_back(world: World) -> None:
    prepare_paid(world)
    assert refund(world, f"of {world.order['id']}").status_code == 201
    world.control("send_back")


def check_refund_sent_back(world: World, *_: Any) -> None:
    [made] = world.read("RefundsTable")
    assert (made["status"], made["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert (world.stored["status"], world.stored["refunded_amount"]) == ("paid", 0)
    assert refund(world, str(uuid.uuid4())).status_code == 201


def prepare_charge_refunded_there(world: World) -> None:
    prepare_lost_answer_of_stripe(world)
    world.control("refund_there")


def check_refunded_there(world: World, *_: Any) -> None:
    assert (world.stored["status"], world.read_money()) == ("created", [(AMOUNT, AMOUNT)])
    assert [(payment["status"], payment["failure_reason"]) for payment in world.payments] == [
        ("refunded", "charge_refunded")
    ]
    assert world.read("RefundsTable") == []
    assert world.pay("again").status_code == 201


def prepare_failed_refund_of_stripe(world: World) -> None:
    """Stripe failed, keeps that as its answer, and has nothing at work any more."""
    prepare_paid(world)
    world.control("break_stripe", request=REFUND, fault=StripeFault.ERROR_BEFORE, times=1)
    assert refund_again(world).status_code == 202
    world.control("wait", seconds=HOUR / 4)


def receive_event(world: World, key: str) -> httpx.Response:
    event = world.control("make_event", number=key, order_id=world.order["id"])
    headers = {"stripe-signature": event["signature"], "content-type": "application/json"}
    return world.http.post("/webhooks/stripe", content=event["payload"], headers=headers)


def check_event(world: World, answers: Answers, came_back: bool) -> None:
    if came_back:
        assert answers[-1].status_code == 200
    assert world.stored["status"] == "paid"


def break_gateway(world: World, call: str, fault: str, times: int) -> None:
    world.put("SimulatedGatewayTable", make_fault(Call(call), Fault(fault), times))


UNANSWERED = (Fault.REFUSED, Fault.REQUEST_LOST, Fault.ANSWER_LOST, Fault.SLOW)


def simulated(*calls: Call) -> list[tuple[str, str, int]]:
    return [(call, fault, times) for call in calls for fault in UNANSWERED for times in (1, 2)]


def of_stripe(request: str) -> list[tuple[str, int]]:
    """Which faults a request of Stripe meets, and how often."""
    once = [StripeFault.REFUSED, StripeFault.LOCKED, StripeFault.UNAUTHORIZED, StripeFault.SLOW]
    if request.startswith("POST"):
        # What only reads has neither a key nor an effect.
        once += [StripeFault.ERROR_BEFORE, StripeFault.ERROR_AFTER]
    # The SDK tries three times.
    dropped = [StripeFault.DROPPED_BEFORE, StripeFault.DROPPED_AFTER]
    return [(fault, times) for faults, times in ((once, 1), (dropped, 1), (dropped, 3)) for fault in faults]


CREATE, LIST = "POST /v1/payment_intents", "GET /v1/payment_intents"
SEARCH = "GET /v1/payment_intents/search"
RETRIEVE, CANCEL = "GET /v1/payment_intents/{id}", "POST /v1/payment_intents/{id}/cancel"
REFUND, LIST_REFUNDS = "POST /v1/refunds", "GET /v1/refunds"

OPERATIONS = [
    Operation("pay", pay, gateway_faults=simulated(Call.CHARGE), check=check_paid),
    Operation(
        "pay with a card that is declined",
        pay_with_declined_card,
        table="PaymentsTable",
        outcomes=frozenset({HTTPStatus.PAYMENT_REQUIRED}),
        check=check_declined,
    ),
    Operation("pay, whose answer is lost", pay_unanswered, table="PaymentsTable", check=check_paid),
    Operation("pay, which is not taken", pay_unavailable, table="PaymentsTable", check=check_not_taken),
    Operation(
        "pay, again",
        pay_unanswered_again,
        prepare=prepare_lost_answer,
        table="PaymentsTable",
        check=check_paid,
    ),
    Operation(
        "pay, again, once it was settled",
        pay_unanswered_again,
        prepare=prepare_settled_payment,
        table="IdempotencyTable",
        check=check_paid,
    ),
    Operation("pay, in an hour that is half full", pay, prepare=prepare_busy_hour, check=check_paid),
    Operation("pay, in an hour that is full", pay, prepare=prepare_full_hour, check=check_paid),
    Operation("pay, trying the gateway again", pay, prepare=prepare_trial, table="CircuitTable", check=check_paid),
    Operation(
        "refund_order, trying the gateway again",
        refund,
        prepare=prepare_trial_of_refund,
        table="CircuitTable",
        check=check_refunded,
    ),
    Operation("mark_order_paid", mark_paid, prepare=prepare_charge, check=check_marked),
    Operation(
        "refund_order in part",
        refund,
        prepare=prepare_paid,
        gateway_faults=simulated(Call.REFUND),
        check=check_refunded,
    ),
    Operation("refund_order", refund_all, prepare=prepare_paid, check=check_refunded_all),
    Operation(
        "refund_order, again, once it was settled",
        refund_again,
        prepare=prepare_settled_refund,
        table="IdempotencyTable",
        check=check_refunded,
    ),
    Operation(
        "settle_payments of a charge whose answer was lost",
        settle,
        prepare=prepare_lost_answer,
        gateway_faults=simulated(Call.FIND_CHARGE),
        comes_back=[True],
        check=check_settled_paid,
    ),
    Operation(
        "settle_payments of a charge that was never made",
        settle,
        prepare=prepare_lost_request,
        gateway_faults=simulated(Call.FIND_CHARGE, Call.PREVENT_CHARGE),
        comes_back=[True],
        check=check_settled_failed,
    ),
    Operation(
        "settle_payments of a payment that nobody linked",
        settle,
        prepare=prepare_charge,
        comes_back=[True],
        check=check_settled_paid,
    ),
    Operation(
        "settle_payments of a refund",
        settle,
        prepare=prepare_lost_refund,
        gateway_faults=simulated(Call.FIND_REFUNDS, Call.REFUND),
        comes_back=[True],
        check=check_settled_refund,
    ),
    Operation(
        "settle_payments of a wrong charge",
        settle,
        prepare=prepare_wrong_charge,
        gateway_faults=simulated(Call.FIND_CHARGE, Call.REFUND),
        comes_back=[True],
        check=check_returned,
    ),
    Operation(
        "pay with Stripe",
        pay,
        gateway="stripe",
        check=check_paid,
    ),
    Operation(
        "refund_order with Stripe",
        refund,
        prepare=prepare_paid,
        gateway="stripe",
        check=check_refunded,
    ),
    Operation(
        "refund_order with Stripe, which takes its time",
        refund_delayed,
        prepare=prepare_delayed_refund,
        gateway="stripe",
        table="RefundsTable",
        check=check_refunded,
    ),
    Operation(
        "pay with Stripe, again",
        pay_again,
        prepare=prepare_kept_answer_of_stripe,
        gateway="stripe",
        breaks_store=False,
        check=check_paid,
    ),
    Operation(
        "pay with Stripe, again, once its key was taken",
        pay_again,
        prepare=prepare_taken_key_of_stripe,
        gateway="stripe",
        breaks_store=False,
        check=check_paid,
    ),
    Operation(
        "pay with Stripe, again, once its customer failed to authenticate",
        pay_with_authentication,
        prepare=prepare_failed_authentication,
        gateway="stripe",
        breaks_store=False,
        outcomes=frozenset({HTTPStatus.PAYMENT_REQUIRED}),
        check=check_not_authenticated,
    ),
    Operation(
        "refund_order with Stripe, again",
        refund_again,
        prepare=prepare_lost_refund_of_stripe,
        gateway="stripe",
        check=check_refunded,
    ),
    Operation(
        "settle_payments with Stripe of a refund",
        settle,
        prepare=prepare_lost_refund_of_stripe,
        gateway="stripe",
        comes_back=[True],
        breaks_store=False,
        check=check_settled_refund_of_stripe,
    ),
    Operation(
        "settle_payments with Stripe of a refund that Stripe failed to make",
        settle,
        prepare=prepare_failed_refund_of_stripe,
        gateway="stripe",
        comes_back=[True],
        breaks_store=False,
        check=check_settled_refund_of_stripe,
    ),
    Operation(
        "receive_stripe_event of a refund",
        receive_event,
        prepare=prepare_lost_refund_of_stripe,
        gateway="stripe",
        check=check_settled_refund_of_stripe,
    ),
    Operation(
        "receive_stripe_event",
        receive_event,
        prepare=prepare_lost_answer_of_stripe,
        gateway="stripe",
        check=check_event,
    ),
    Operation(
        "receive_stripe_event of a decline whose answer was lost",
        receive_event,
        prepare=prepare_lost_decline_of_stripe,
        gateway="stripe",
        check=check_settled_failed,
    ),
    Operation(
        "receive_stripe_event of a return that a bank sent back",
        receive_event,
        prepare=prepare_return_sent_back,
        gateway="stripe",
        table="RefundsTable",
        compares=True,
        check=check_returned,
    ),
    Operation(
        "receive_stripe_event of a refund that a bank sent back",
        receive_event,
        prepare=prepare_refund_sent_back,
        gateway="stripe",
        table="RefundsTable",
        compares=True,
        check=check_refund_sent_back,
    ),
    Operation(
        "receive_stripe_event of a charge that was refunded at Stripe",
        receive_event,
        prepare=prepare_charge_refunded_there,
        gateway="stripe",
        table="OrdersTable",
        check=check_refunded_there,
    ),
    Operation(
        "settle_payments with Stripe of a charge whose answer was lost",
        settle,
        prepare=prepare_lost_answer_of_stripe,
        gateway="stripe",
        comes_back=[True],
        breaks_store=False,
        check=check_settled_paid,
    ),
    Operation(
        "settle_payments with Stripe of a charge that was never made",
        settle,
        prepare=prepare_lost_request_of_stripe,
        gateway="stripe",
        comes_back=[True],
        breaks_store=False,
        check=check_settled_failed,
    ),
    Operation(
        "settle_payments with Stripe of a charge that Stripe failed to make",
        settle,
        prepare=prepare_failed_request_of_stripe,
        gateway="stripe",
        comes_back=[True],
        breaks_store=False,
        check=check_settled_failed,
    ),
    Operation(
        "settle_payments with Stripe of a customer who does not act",
        settle,
        prepare=prepare_idle_customer,
        gateway="stripe",
        comes_back=[True],
        breaks_store=False,
        check=check_settled_failed,
    ),
    Operation(
        "settle_payments with Stripe of a wrong charge",
        settle,
        prepare=prepare_wrong_charge_of_stripe,
        gateway="stripe",
        comes_back=[True],
        breaks_store=False,
        check=check_returned,
    ),
]

METHODS = {
    f"{kind.__name__}.{name}"
    for kind in (OrderReader, OrderTable, PaymentRecorder, RefundRecorder)
    for name in vars(kind)
    if not name.startswith("_")
}
OF_OTHERS = {
    *(f"OrderTable.{name}" for name in ("create_order", "cancel_order", "fulfil_order")),
    *(
        f"OrderReader.{name}"
        for name in (
            *("list_orders", "get_held_order", "list_audit_entries"),
            *("find_payment", "list_payment_ids", "check_orders", "check_payments"),
        )
    ),
}
"""What is asked of the tables by none of the operations."""
WITH_STRIPE = {
    "RefundRecorder.leave",
    "RefundRecorder.take_back",
    "RefundRecorder.lose_refund",
    "OrderTable.end_returned",
}
"""What only operations with Stripe ask of them."""
REQUESTS = {
    f"StripeGateway.{method} {request}"
    for method, requests in {
        "charge": (CREATE, RETRIEVE, CANCEL, SEARCH, LIST),
        "find_charge": (RETRIEVE, SEARCH, LIST),
        "prevent_charge": (CREATE, RETRIEVE, CANCEL, SEARCH, LIST),
        "refund": (REFUND, LIST_REFUNDS),
        "find_refunds": (LIST_REFUNDS,),
    }.items()
    for request in requests
}
"""What each method of the gateway may ask of Stripe."""

# The table


def run(world: World, operation: Operation, break_it: Callable[[], None], comes_back: bool) -> None:
    """One case."""
    world.begin()
    operation.prepare(world)
    key = str(uuid.uuid4())
    break_it()
    planned = world.count_faults()
    answers: Answers = []
    for attempt in range(RETRIES if comes_back else 1):
        if attempt:
            world.control("break_call")
            world.control("wait", seconds=30)
        is_content = ask(world, operation, key, answers)
        if not attempt:
            assert world.count_faults() < planned, "what was to fail was never called"
        if is_content:
            break
    # Time goes on, and the schedule runs; the client that came back asks once more.
    world.settle(compares=operation.compares)
    if comes_back and answers and answers[-1].status_code not in operation.outcomes:
        answers.append(operation.operate(world, key))
        world.settle(compares=operation.compares)
    check_rules(world, answers, operation.outcomes)
    operation.check(world, answers, comes_back)


def ask(world: World, operation: Operation, key: str, answers: Answers) -> bool:
    """Whether there is nothing to come back for: a success, or nobody who waits for an answer."""
    try:
        answer = operation.operate(world, key)
    except httpx.HTTPError:
        return False
    if answer is None:
        return True
    answers.append(answer)
    return answer.status_code in operation.outcomes


def check_rules(world: World, answers: Answers, outcomes: frozenset[int]) -> None:
    """What holds for every order, whatever happened."""
    order, payments, money = world.stored, world.payments, world.read_money()
    live = [(taken, returned) for taken, returned in money if returned < taken]
    assert len(live) <= 1, "at most one live charge"
    assert not any("due_at" in payment for payment in payments), "no payment is left open"
    assert {payment["status"] for payment in payments} <= {"succeeded", "failed", "refunded"}
    assert bool(live) == (order["status"] in {"paid", "fulfilled"}), "a charge ends with its order paid, or returned"
    if live:
        [paid_by] = [payment for payment in payments if payment["payment_id"] == order["payment_id"]]
        assert (paid_by["status"], "linked_at" in paid_by) == ("succeeded", True)
    charged = sum(payment["charged_amount"] for payment in payments)
    refunded = sum(payment["refunded_amount"] for payment in payments)
    assert (charged, refunded) == (sum(taken for taken, _ in money), sum(returned for _, returned in money))
    for answer in answers:
        assert answer.status_code in outcomes | {202, 409, 503}, answer.text
    check_trail(world, order, payments)


def check_trail(world: World, order: dict[str, Any], payments: list[dict[str, Any]]) -> None:
    """It fits together, ends where the order is, and replayed it leads to the states that are there."""
    trail = sorted(map(to_entry, world.read("AuditTable")), key=lambda entry: entry.sequence)
    head = AuditHead(order["audit_sequence"], order["audit_hash"])
    assert find_misfit(order["order_id"], trail, head) is None
    replayed: dict[str, str] = {}
    for entry in trail:
        subject = "order" if entry.event.startswith("order_") else entry.facts["payment_id"]
        assert replayed.get(subject) == entry.from_status, f"{entry.event} starts from where {subject} was"
        replayed[subject] = entry.to_status
    assert replayed == {"order": order["status"], **{p["payment_id"]: p["status"] for p in payments}}


@pytest.fixture(scope="module", params=["simulated", "stripe"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    running = tmp_path_factory.mktemp("faulty") / "running.json"
    with (
        open_faulty_runtime(running, request.param) as opened,
        httpx.Client(base_url=opened.base_url, timeout=60, trust_env=False) as http,
    ):
        yield World(http, request.param)


def find_cases(world: World, operation: Operation) -> list[Case]:
    """All of the operation's rows."""
    if operation.name not in world.cases:
        world.cases[operation.name] = list(list_cases(world, operation))
    return world.cases[operation.name]


def list_cases(world: World, operation: Operation) -> Iterator[Case]:
    world.begin()
    operation.prepare(world)
    world.control("break_call")
    operation.operate(world, str(uuid.uuid4()))
    calls, requests = world.control("read_calls"), world.control("read_requests")
    for comes_back in operation.comes_back:
        for number, call in enumerate(calls if operation.breaks_store else []):
            if operation.table not in call:
                continue
            for fault in DatabaseFault:

                def break_call(number: int = number, fault: DatabaseFault = fault) -> None:
                    world.control("break_call", number=number, fault=fault)

                yield f"call {number + 1} of {len(calls)}, {call}: {fault}", break_call, comes_back
        for call, fault_name, times in operation.gateway_faults:

            def break_it(call: str = call, fault: str = fault_name, times: int = times) -> None:
                world.control("break_call")
                break_gateway(world, call, fault, times)

            yield f"the gateway's {call}: {fault_name} {times} times", break_it, comes_back
        seen: Counter[str] = Counter()
        for asked_by, request in requests:
            for fault_name, times in of_stripe(request):

                def break_request(
                    request: str = request, fault: str = fault_name, times: int = times, after: int = seen[request]
                ) -> None:
                    world.control("break_call")
                    world.control("break_stripe", request=request, fault=fault, times=times, after=after)

                what = f"{asked_by} {request} after {seen[request]} such"
                yield f"{what}: {fault_name} {times} times", break_request, comes_back
            seen[request] += 1


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_whatever_fails_money_is_taken_once_and_never_lost(
    world: World, operation: Operation, say: Callable[[str], None]
) -> None:
    if operation.gateway != world.gateway:
        pytest.skip("of the other gateway")
    cases = find_cases(world, operation)
    walked = cases[::STRIDE]
    for what, break_it, comes_back in walked:
        try:
            run(world, operation, break_it, comes_back)
        except AssertionError as violation:
            client = "comes back" if comes_back else "never comes back"
            raise AssertionError(f"{operation.name}: {what}; the client {client}: {violation}") from violation
    say(f"fault table: {operation.name}: {len(walked)} of {len(cases)} cases walked")


def test_every_kind_of_call_is_made_to_fail_by_a_row(world: World) -> None:
    """Whatever writes or reads what is on record, and whatever each method of the gateway asks of Stripe."""
    operations = [operation for operation in OPERATIONS if operation.gateway == world.gateway]
    failing = "\n".join(what for operation in operations for what, *_ in find_cases(world, operation))
    if world.gateway == "stripe":
        assert {kind for kind in REQUESTS | WITH_STRIPE if f"{kind} " not in failing} == set()
    else:
        assert {method for method in METHODS if f"{method} " not in failing} == OF_OTHERS | WITH_STRIPE
