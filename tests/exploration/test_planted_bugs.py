"""The exploration can fail: each of these bugs, planted alone, is found."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest.mock import Mock, patch

import pytest

from checkout import charging_service, dynamodb, order_service, payment_recorder
from checkout.answer_once import _pack
from checkout.api import Response
from checkout.charging_service import Attempt, ChargingService
from checkout.documents import describe_payment_result, describe_refund
from checkout.dynamodb import Item
from checkout.errors import OrderAlreadyPaid
from checkout.gateway import Charge, ChargeStatus, GatewayRefund, RefundOutcome, RequestNotTaken
from checkout.gateway_circuit import CIRCUIT, CircuitGateway
from checkout.key_records import KeyRecord, RequestKey
from checkout.order_reader import OrderReader
from checkout.order_table import OrderTable
from checkout.orders import Order
from checkout.payment_recorder import PaymentRecorder, facts_of
from checkout.payments import Payment
from checkout.product_table import ProductTable
from checkout.refund_recorder import RefundRecorder, StartedRefund
from checkout.transitions import OrderStatus
from tests.exploration.__main__ import WHOLE
from tests.exploration.explore import Explorer
from tests.exploration.scenarios import Bounds, Scenario, Violation
from tests.exploration.world import WatchedGateway, open_world

BOUNDS = dict(WHOLE)
"""A planted bug is found by what `make explore` walks of its scenario."""

TABLES = ("OrdersTable", "PaymentsTable", "RefundsTable", "AuditTable", "IdempotencyTable", "DeclinesTable")
LOCKS = ("OrdersTable", "PaymentsTable", "AuditTable")
"""Each with conditions of which one that fails keeps a change from being made twice."""

CAP = "refundable_amount >= :amount"

Actions = Sequence[Item]


@contextmanager
def writing_otherwise(write: Callable[[OrderTable, Actions, Any], None], *methods: str) -> Iterator[None]:
    """These methods of the order table write their actions so."""

    def make(method: Callable[..., None]) -> Callable[..., None]:
        def call(table: OrderTable, *arguments: Any, **keywords: Any) -> None:
            other = copy(table)
            other._transaction = lambda actions, deadline: write(table, actions, deadline)  # type: ignore[assignment]
            method(other, *arguments, **keywords)

        return call

    with patch.multiple(OrderTable, **{name: make(getattr(OrderTable, name)) for name in methods}):
        yield


def without_conditions(*methods: str, tables: Collection[str] = TABLES) -> AbstractContextManager[None]:
    """These writes of the order table happen, whatever is there in these tables."""

    def drop(action: Item) -> Item:
        return {name: value for name, value in action.items() if name != "ConditionExpression"}

    def write_anyway(table: OrderTable, actions: Actions, deadline: Any) -> None:
        unconditional = [
            {kind: drop(action) if action["TableName"] in tables else action}
            for each in actions
            for kind, action in each.items()
        ]
        table._transaction(unconditional, deadline)

    return writing_otherwise(write_anyway, *methods)


def without_clause(clause: str, *methods: str) -> AbstractContextManager[None]:
    """These writes happen whether or not this one clause of their conditions holds."""

    def leave_out(action: Item) -> Item:
        return {**action, "ConditionExpression": action["ConditionExpression"].replace(f" AND {clause}", "")}

    def write_otherwise(table: OrderTable, actions: Actions, deadline: Any) -> None:
        changed = [
            {kind: leave_out(action) if clause in action.get("ConditionExpression", "") else action}
            for each in actions
            for kind, action in each.items()
        ]
        assert changed != list(actions)
        table._transaction(changed, deadline)

    return writing_otherwise(write_otherwise, *methods)


@contextmanager
def without_cap() -> Iterator[None]:
    """Neither where a refund is decided on nor where it is written; the gateway still has its own."""
    start = Payment.start_refund

    def start_anyway(payment: Payment, amount: int, **told: Any) -> Payment:
        begun = start(replace(payment, refundable_amount=max(payment.refundable_amount, amount)), amount, **told)
        return replace(begun, refundable_amount=payment.refundable_amount - amount)

    with patch.object(Payment, "start_refund", start_anyway), without_clause(CAP, "start_refund"):
        yield


@contextmanager
def with_orders_that_forget(why: str) -> Iterator[None]:
    """Why they were let go: `declined` or `refused`."""
    release = Order.release

    def forget(order: Order, payment_id: str, **told: bool) -> Order:
        return release(order, payment_id, **{name: is_so for name, is_so in told.items() if name != why})

    with patch.object(Order, "release", forget):
        yield


@contextmanager
def with_declines_that_are_not_given_back() -> Iterator[None]:
    """Whatever became of a payment, it counts as declined within its hour."""
    with patch.object(OrderTable, "_uncount_decline", lambda *_: []):
        yield


@contextmanager
def with_declines_that_are_taken_out() -> Iterator[None]:
    """Whatever became of a payment, it counts no longer within its hour."""

    def take_out(table: OrderTable, payment: Payment, _: datetime) -> list[Item]:
        began = datetime.fromisoformat(payment.created_at)
        return [{"Update": table._take_out(payment.customer_id, began, [payment.payment_id])}]

    with patch.object(OrderTable, "_uncount_decline", take_out):
        yield


@contextmanager
def with_room_made_of_what_may_yet_be_declined() -> Iterator[None]:
    """In an hour that is full nothing counts but what is known to have been declined."""
    with patch.object(Payment, "counts_as_declined", Payment.was_declined):
        yield


@contextmanager
def with_answers_of_another_amount() -> Iterator[None]:
    """To a payment, and to a refund."""

    def tell_less(describe: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        return lambda *what: {**describe(*what), "amount": 1}

    with (
        patch("functions.pay.app.describe_payment_result", tell_less(describe_payment_result)),
        patch("functions.refund_order.app.describe_refund", tell_less(describe_refund)),
    ):
        yield


@contextmanager
def with_declines_that_the_gateway_does_not_know() -> Iterator[None]:
    """What was surely not charged is put down as declined."""

    def decline(payment: Payment, *, reason: str, at: str) -> Payment:
        return payment.decline(decline_code=reason, gateway_reference=None, at=at)

    with patch.object(Payment, "fail", decline):
        yield


def apart(table_name: str, *methods: str) -> AbstractContextManager[None]:
    """What is put into this table is written after the rest."""

    def write_apart(table: OrderTable, actions: Actions, deadline: Any) -> None:
        later = [action for action in actions if action.get("Put", {}).get("TableName") == table_name]
        table._transaction([action for action in actions if action not in later], deadline)
        table._transaction(later, deadline)

    return writing_otherwise(write_apart, *methods)


@contextmanager
def with_an_answer_before_there_is_one() -> Iterator[None]:
    """What has begun under a key is kept as though it had succeeded."""
    start = RequestKey.start

    def start_answered(key: RequestKey[Any], made_id: str, at: datetime) -> KeyRecord:
        return replace(start(key, made_id, at), response=_pack(Response(201, {"refund_id": made_id})))

    with patch.object(RequestKey, "start", start_answered):
        yield


@contextmanager
def with_records_that_nobody_reads() -> Iterator[None]:
    """Whoever comes second learns that the key is taken, but not by what."""
    read = ProductTable.get_products_to_order

    def read_products(*asked: Any, **how: Any) -> Any:
        return read(*asked, **how)[0], None

    with (
        patch.object(dynamodb, "_read_items", lambda _: [None]),
        patch.object(OrderReader, "get_key_record", lambda *_: None),
        patch.object(ProductTable, "get_products_to_order", read_products),
    ):
        yield


@contextmanager
def without_claim() -> Iterator[None]:
    """The gateway is called before anything is on record."""
    with patch.object(OrderTable, "claim_order", lambda *_, **__: None):
        yield


@contextmanager
def with_a_new_payment_for_a_retry() -> Iterator[None]:
    resume = ChargingService._resume

    def start_another(*arguments: Any) -> Attempt:
        attempt = resume(*arguments)
        return replace(attempt, payment=replace(attempt.payment, payment_id=f"{attempt.payment.payment_id}1"))

    with patch.object(ChargingService, "_resume", start_another):
        yield


@contextmanager
def with_retries_that_take_the_payment_for_their_own() -> Iterator[None]:
    """They are sure that nobody else has asked the gateway."""

    def take(service: ChargingService, caller: Any, order: Order, payment: Payment, *_: Any) -> Attempt:
        return Attempt(order, payment, resumed=False)

    with patch.object(ChargingService, "_resume", take):
        yield


@contextmanager
def with_orders_cancelled_under_a_payment() -> Iterator[None]:
    def cancel(order: Order, *, at: str) -> Order:
        return order._go_to(OrderStatus.CANCELLED, at)

    change = OrderTable._change_order

    def change_anyway(table: OrderTable, before: Order, after: Order, entry: Any, conditions: Any, values: Any) -> Item:
        unheld = [condition for condition in conditions if condition != "attribute_not_exists(live_payment_id)"]
        is_cancel = after.status is OrderStatus.CANCELLED
        return change(table, before, after, entry, unheld if is_cancel else conditions, values)

    with patch.object(Order, "cancel", cancel), patch.object(OrderTable, "_change_order", change_anyway):
        yield


@contextmanager
def with_a_circuit_that_is_open_when_it_cannot_be_read() -> Iterator[None]:
    """And is looked at once the gateway has answered."""
    ask = CircuitGateway._ask

    def ask_then_read(gateway: CircuitGateway, call: Callable[[], Any]) -> Any:
        answer = ask(gateway, call)
        try:
            gateway._states._get_record(CIRCUIT)
        except Exception as fault:
            raise RequestNotTaken from fault
        return answer

    with patch.object(CircuitGateway, "_ask", ask_then_read):
        yield


@contextmanager
def with_a_new_refund_for_a_retry() -> Iterator[None]:
    """A refund that is taken up again is asked for under another id."""
    make = RefundRecorder.make_refund

    def make_anew(recorder: RefundRecorder, author: Any, started: StartedRefund, gateway: Any, **key: Any) -> Any:
        if not started.resumed:
            return make(recorder, author, started, gateway, **key)
        another = replace(started.refund, refund_id=f"{started.refund.refund_id}1")
        answer = gateway.refund(another, started.payment, author.gateway_deadline)
        return recorder.record_refund(author, started, answer, **key)

    with patch.object(RefundRecorder, "make_refund", make_anew):
        yield


@contextmanager
def reading_eventually(method: str) -> Iterator[None]:
    """What this method of the order reader reads by BatchGetItem may be as it was a moment ago."""
    read_now = getattr(OrderReader, method)

    def read_anyhow(table: OrderReader, *arguments: Any, **named: Any) -> Any:
        other, read = copy(table), table._read_batch
        other._read_batch = lambda keys, deadline, **_: read(keys, deadline, eventual=keys)
        return read_now(other, *arguments, **named)

    with patch.object(OrderReader, method, read_anyhow):
        yield


@contextmanager
def with_refusals_of_a_moment_ago() -> Iterator[None]:
    """What stands against a payment at first sight is told."""
    with patch.object(charging_service, "CheckoutError", type("Never", (Exception,), {})):
        yield


@contextmanager
def with_keys_of_payments_that_are_not_looked_at_again() -> Iterator[None]:
    """Whether a payment was charged is known from the first look."""
    find = ChargingService._find_kept

    def find_kept(service: ChargingService, *what: Any) -> Any:
        other = copy(service)
        other._orders = copy(service._orders)
        looked = {payment.payment_id: payment for payment in what[1] if payment}
        get = service._orders.get_payment
        other._orders.get_payment = lambda payment_id: looked.get(payment_id) or get(payment_id)  # type: ignore[method-assign]
        return find(other, *what)

    with patch.object(ChargingService, "_find_kept", find_kept):
        yield


@contextmanager
def with_a_trail_that_names_another_payment() -> Iterator[None]:
    with patch.object(payment_recorder, "facts_of", lambda payment: {**facts_of(payment), "payment_id": "pay_other"}):
        yield


@contextmanager
def with_a_trail_that_tells_another_amount() -> Iterator[None]:
    """Of the payment that paid for the order."""

    def tell_less(payment: Payment) -> dict[str, Any]:
        return {**facts_of(payment), "amount": 1} if payment.has_succeeded else facts_of(payment)

    with patch.object(payment_recorder, "facts_of", tell_less):
        yield


@contextmanager
def with_a_link_that_is_refused_again() -> Iterator[None]:
    link = PaymentRecorder.link

    def link_once(recorder: PaymentRecorder, author: Any, order: Order, payment: Payment) -> tuple[Order, bool]:
        if order.payment_id:
            raise OrderAlreadyPaid(payment_transaction_id=order.payment_id)
        return link(recorder, author, order, payment)

    with patch.object(PaymentRecorder, "link", link_once):
        yield


@contextmanager
def with_no_state_that_is_what_was_asked_for() -> Iterator[None]:
    """An order that is cancelled cannot be cancelled."""
    with patch.object(order_service, "OrderStatus", Mock(CANCELLED=None, FULFILLED=None)):
        yield


@contextmanager
def with_orders_that_stay_paid() -> Iterator[None]:
    """Whatever is refunded."""

    def refund(order: Order, amount: int, *, at: str) -> Order:
        return replace(order, refunded_amount=order.refunded_amount + amount, version=order.version + 1, updated_at=at)

    with patch.object(Order, "refund", refund):
        yield


@contextmanager
def with_returns_that_hold_no_order() -> Iterator[None]:
    """The order is let go while a wrong charge is on its way back."""
    make = RefundRecorder.start_return

    def let_go(recorder: RefundRecorder, author: Any, order: Order, payment: Payment, charge: Any) -> Payment:
        with patch.object(Order, "hold", lambda order, payment_id: order.release(payment_id)):
            return make(recorder, author, order, payment, charge)

    def may_start(payment: Payment) -> bool:
        return False

    with (
        patch.object(RefundRecorder, "start_return", let_go),
        patch.object(Payment, "is_being_returned", property(may_start)),
    ):
        yield


@contextmanager
def with_refused_refunds_that_are_made() -> Iterator[None]:
    """Whatever the gateway says of a refund, it is put down as made."""
    record = RefundRecorder.record_refund

    def record_made(
        recorder: RefundRecorder, author: Any, started: StartedRefund, answer: GatewayRefund, **key: Any
    ) -> Any:
        made = GatewayRefund(answer.reference or "re_none", RefundOutcome.SUCCEEDED)
        return record(recorder, author, started, made, **key)

    with patch.object(RefundRecorder, "record_refund", record_made):
        yield


@contextmanager
def with_refused_refunds_that_give_nothing_back() -> Iterator[None]:
    """Their amount cannot be refunded any more."""
    with patch.object(Payment, "fail_refund", lambda payment, _, *, at: payment._leave_refunding(at)):
        yield


@contextmanager
def with_waiting_charges_that_pay() -> Iterator[None]:
    """What the gateway has begun to charge is taken for charged."""
    record = PaymentRecorder.record_charge

    def record_done(
        recorder: PaymentRecorder, author: Any, order: Order, payment: Payment, charge: Charge, **key: Any
    ) -> Any:
        is_waiting = charge.status is ChargeStatus.PENDING
        done = replace(charge, status=ChargeStatus.SUCCEEDED) if is_waiting else charge
        return record(recorder, author, order, payment, done, **key)

    with patch.object(PaymentRecorder, "record_charge", record_done):
        yield


@contextmanager
def with_charges_that_are_not_prevented() -> Iterator[None]:
    """The checkout gives them up, and the gateway does not know."""
    with patch.object(WatchedGateway, "prevent_charge", lambda *_: None):
        yield


@contextmanager
def with_charges_that_pay(is_as_asked: Callable[[Charge, Payment], bool]) -> Iterator[None]:
    """Those of which this is so."""
    with (
        patch.object(payment_recorder, "is_as_asked", is_as_asked),
        patch.object(charging_service, "is_as_asked", is_as_asked),
    ):
        yield


def with_charges_of_any_currency() -> AbstractContextManager[None]:
    return with_charges_that_pay(
        lambda charge, payment: charge.money.amount == payment.money.amount and not charge.refunded_amount
    )


def with_refunded_charges_that_pay() -> AbstractContextManager[None]:
    return with_charges_that_pay(lambda charge, payment: charge.money == payment.money)


@contextmanager
def with_returns_of_what_has_gone_back() -> Iterator[None]:
    """Whatever somebody has refunded at the gateway itself, all of a charge is there to be returned."""
    take = Payment.take_charge

    def take_all(payment: Payment, amount: int, **told: Any) -> Payment:
        return take(payment, amount, **{**told, "refunded_amount": 0})

    with patch.object(Payment, "take_charge", take_all):
        yield


TWICE = "rule 1: the charges ['…', '…'] live at once"
AMOUNTS = "rule 1: … says … - …, the gateway … - …"

# What is planted, where it shows, and what is said of it, with … for what differs from run to run.
BUGS = {
    "the claim before the charge left out": (
        without_claim,
        "created: pay | pay other key",
        "rule 1: the charges ['…'] are on no record",
    ),
    "no condition on the claim, nor on its audit entry": (
        lambda: without_conditions("claim_order"),
        "created: pay | pay other key",
        AMOUNTS,
    ),
    "read, then write in mark paid, its audit entry too": (
        lambda: without_conditions("mark_order_paid"),
        "charged: mark paid | fulfil | settle",
        "rule 5: fulfil: was told … , but the order is paid",
    ),
    "a retry that makes a new payment id": (with_a_new_payment_for_a_retry, "unknown: pay again | mark paid", TWICE),
    "another's payment taken for one's own": (
        with_retries_that_take_the_payment_for_their_own,
        "unknown: pay again | mark paid",
        TWICE,
    ),
    "a refund without its cap": (
        without_cap,
        "paid: refund | refund other",
        "rule 1: … has -… left to be refunded",
    ),
    "a refund that the gateway refuses, for it exceeds the charge": (
        without_cap,
        "paid: refund | refund other",
        "rule 1: … was more than was left of the charge",
    ),
    "declines not counted on release": (
        lambda: with_orders_that_forget("declined"),
        "created: pay declined | settle",
        "rule 4: order: the trail says declined_payments …, the tables …",
    ),
    "refusals of the gateway not counted on release": (
        lambda: with_orders_that_forget("refused"),
        "created: pay | cancel",
        "rule 4: order: the trail says refused_payments …, the tables …",
    ),
    "a decline count that is not given back": (
        with_declines_that_are_not_given_back,
        "created: pay | cancel",
        "rule 4: … counts within the hour, and was not declined",
    ),
    "a decline that is given back": (
        with_declines_that_are_taken_out,
        "created: pay declined | settle",
        "rule 4: … was declined within the hour, and does not count",
    ),
    "a full hour that forgets what may yet be declined": (
        with_room_made_of_what_may_yet_be_declined,
        "full: pay | cancel",
        "rule 4: … was declined within the hour, and does not count",
    ),
    "an hour without its cap": (
        lambda: without_conditions("claim_order", tables=("DeclinesTable",)),
        "full: pay declined | settle",
        "rule 4: … count within the hour, of … that may",
    ),
    "a payment answered with another amount": (
        with_answers_of_another_amount,
        "created: pay | cancel",
        "rule 5: pay: was told … , but it is (…, 'usd'), not (…, 'usd')",
    ),
    "a refund answered with another amount": (
        with_answers_of_another_amount,
        "paid: fulfil | refund",
        "rule 5: refund: was told … , but it is (…, 'usd'), not (…, 'usd')",
    ),
    "a decline that the gateway does not know of": (
        with_declines_that_the_gateway_does_not_know,
        "lost: pay again | settle",
        "but the gateway has declined nothing",
    ),
    "the audit entry outside the transaction": (
        lambda: apart("AuditTable", "claim_order", "keep_hold", "let_go", "cancel_order"),
        "created: pay | cancel",
        "is missing: the order has … entries",
    ),
    "a new order's audit entry outside the transaction": (
        lambda: apart("AuditTable", "create_order"),
        "created: create | cancel",
        "is missing: the order has … entries",
    ),
    "a new order's key outside the transaction": (
        lambda: apart("IdempotencyTable", "create_order"),
        "created: create | cancel",
        "but one key made the orders ['…', '…']",
    ),
    "a new order without a condition on its key": (
        lambda: without_conditions("create_order"),
        "created: create | create",
        "but one key made the orders ['…', '…']",
    ),
    "a key whose record nobody reads": (
        with_records_that_nobody_reads,
        "created: create | create",
        "rule 3: create never gets an outcome",
    ),
    "an answer kept before there is one": (
        with_an_answer_before_there_is_one,
        "paid: refund | settle",
        "rule 5: refund: was told",
    ),
    "an order cancelled while its payment is unknown": (
        with_orders_cancelled_under_a_payment,
        "unknown: pay again | cancel",
        "rule 2: the order was cancelled while ['…'] may charge it",
    ),
    "a refund that is decided on from what other refunds were": (
        lambda: reading_eventually("get_refunds_of"),
        "paid: refund | refund",
        "rule 5: refund: was told … refund_exceeds_payment, but it was refunded",
    ),
    "a refund whose key was used for what it does not see": (
        lambda: reading_eventually("get_refunds_of"),
        "paid: refund | refund",
        "rule 5: refund: was told … idempotency_key_reused, but it was refunded",
    ),
    "a payment refused for what was so a moment ago": (
        with_refusals_of_a_moment_ago,
        "unknown: pay again | settle",
        "rule 5: pay again: was told … order_not_found, but ['…'] was charged",
    ),
    "a key that is used again for what was not charged a moment ago": (
        with_keys_of_payments_that_are_not_looked_at_again,
        "late: pay again | event",
        "rule 5: pay again: was told … , but one key was charged by ['…', '…']",
    ),
    "an order that is cancelled as it was": (
        lambda: reading_eventually("get_order_and_payment"),
        "created: pay declined | cancel",
        "rule 5: cancel: was told … order_not_found, but the order is created",
    ),
    "a trail that names another payment": (
        with_a_trail_that_names_another_payment,
        "charged: mark paid | settle",
        "rule 4: order: the trail says payment_id pay_other",
    ),
    "a trail that tells another amount": (
        with_a_trail_that_tells_another_amount,
        "charged: mark paid | settle",
        "rule 4: payment_succeeded says amount …, which was …",
    ),
    "an order that stays paid when all is refunded": (
        with_orders_that_stay_paid,
        "paid: refund all | settle",
        "rule 2: the payment of a paid order is refunded",
    ),
    "an order that a wrong charge does not hold": (
        with_returns_that_hold_no_order,
        "returning: pay other key | settle",
        TWICE,
    ),
    "a link that is refused the second time": (
        with_a_link_that_is_refused_again,
        "charged: mark paid | settle",
        "rule 5: mark paid: is as it asks for, and was told",
    ),
    "a cancelled order that cannot be cancelled again": (
        with_no_state_that_is_what_was_asked_for,
        "created: cancel | settle",
        "rule 5: cancel: is as it asks for, and was told",
    ),
    "a fulfilled order that cannot be fulfilled again": (
        with_no_state_that_is_what_was_asked_for,
        "paid: fulfil | settle",
        "rule 5: fulfil: is as it asks for, and was told",
    ),
    "a circuit that is open when it cannot be read": (
        with_a_circuit_that_is_open_when_it_cannot_be_read,
        "created: pay | cancel",
        AMOUNTS,
    ),
    "a refund that the gateway refused, put down as made": (
        with_refused_refunds_that_are_made,
        "paid: refund | settle",
        AMOUNTS,
    ),
    "a refund that the gateway refused, whose amount is not given back": (
        with_refused_refunds_that_give_nothing_back,
        "paid: refund | settle",
        "rule 4: … the trail says refundable_amount …, the tables …",
    ),
    "a charge that waits for its customer, taken for made": (
        with_waiting_charges_that_pay,
        "created: pay | cancel",
        AMOUNTS,
    ),
    "a charge that waits for its customer, given up and not prevented": (
        with_charges_that_are_not_prevented,
        "created: pay | cancel",
        "rule 3: … may still be charged",
    ),
    "a charge in another currency that pays": (
        with_charges_of_any_currency,
        "foreign: pay again | settle",
        "rule 1: … says ['usd'], the gateway eur",
    ),
    "a charge that pays, some of which has gone back": (
        with_refunded_charges_that_pay,
        "partly: pay again | settle",
        AMOUNTS,
    ),
    "a return of what has gone back already": (
        with_returns_of_what_has_gone_back,
        "partly: pay again | settle",
        "rule 1: … was more than was left of the charge",
    ),
}


def find(scenario: str, rule: str = "rule", bounds: Bounds | None = None) -> list[Violation]:
    """What does not hold, until it is what the rule says."""
    walked = Scenario.parse(scenario)

    def is_it(violation: Violation) -> bool:
        return rule in violation.kind

    with open_world() as world:
        return Explorer(world).explore(walked, bounds or BOUNDS[walked], until=is_it).violations


@pytest.mark.proves("FR-305")
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    plant, scenario, rule = BUGS[bug]
    with plant():
        found = find(scenario, rule)
    assert any(rule in violation.kind for violation in found), found


@pytest.mark.proves("FR-305")
@pytest.mark.parametrize(
    ("method", "scenario", "lock"),
    [
        ("claim_order", "created: pay | pay other key", "PaymentsTable"),
        ("claim_order", "created: pay | pay other key", "AuditTable"),
        *(("mark_order_paid", "charged: mark paid | fulfil | settle", lock) for lock in LOCKS),
    ],
)
def test_one_lock_alone_is_enough(method: str, scenario: str, lock: str) -> None:
    """An audit entry's number is put once: of two changes that rest on the same one, one fails, whatever else is asked.
    A bug that leaves out the conditions of order and payment, and not this one, breaks no rule; so what is planted
    above is without all of them."""
    with without_conditions(method, tables=set(TABLES) - {lock}):
        assert find(scenario, bounds=Bounds(schedules=150, drawn=20, faults=30)) == []


@pytest.mark.proves("FR-304")
def test_the_schedule_that_shows_a_bug_is_made_as_short_as_it_can_be() -> None:
    """A process that dies is all that this one needs: no other request, and no turns."""
    with with_a_new_refund_for_a_retry(), open_world() as world:
        explorer = Explorer(world)
        _, found = explorer.replay(
            "paid: fulfil | refund | settle @ 1 0 1 0 1 2 1 0 1 2 1 1 1 2 2 2 1 1 1 1:dies_after 2 2 2"
        )
        shortest = explorer.shrink(found[0])
    assert shortest.rule == found[0].rule
    assert shortest.replay == "paid: refund @ 0 0 0 0 0 0 0:dies_after"
