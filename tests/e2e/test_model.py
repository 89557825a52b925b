"""Long random sequences of calls by several customers and staff, over HTTP, beside a small model of the contract.

Hypothesis draws the calls; the model, which knows neither tables nor transactions, says what each is answered and what
the order is like then. Nothing happens by itself: the schedule is not at work.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from checkout.caller import STAFF_SCOPE
from local.keys import issue_token
from tests.conftest import REQUIRE_ALL
from tests.e2e.conftest import Customer, new_order

SEQUENCES = 20 if REQUIRE_ALL else 4
STEPS = 20
MAX_ORDERS = 8
MAX_DECLINES = 5
# Neither the circuit nor the cap of an hour, which all sequences would share.
PARAMETERS = {"CircuitFailures": "1000000", "MaxHourlyDeclines": "1000000", "MaxDeclines": str(MAX_DECLINES)}
PRICE = 1800

Told = tuple[int, str | None]
"""Status and code of an answer."""

OTHER = {"alice": "bob", "bob": "alice"}
OWNS = st.sampled_from([True] * 5 + [False])
KEYS = st.sampled_from(["one", "two", "three", "four", "five", "six", "seven"])
GOOD, DECLINED = "tok_visa", "tok_chargeDeclined"
DOUBTFUL = ("tok_timeoutAfterCharge", "tok_timeoutBeforeCharge", "tok_unavailable", "tok_no")
TOKENS = st.sampled_from([GOOD, GOOD, *[DECLINED] * 4, *DOUBTFUL])
MISTAKES = st.sampled_from([0] * 7 + [1])
"""What a client adds to the amount."""
PASTS = ["created", "cancelled", "declined", "doubtful", "paid", "fulfilled", "refunded in part"]
"""What each of the first orders has been through, in any order."""

EXPECTED: set[tuple[str, Told]] = {
    ("create", (201, None)),
    ("create again", (201, None)),
    *(("pay", told) for told in [(201, None), (202, None), (402, "card_declined"), (429, "too_many_attempts")]),
    *(("pay again", told) for told in [(201, None), (402, "card_declined")]),
    ("pay", (409, "order_not_payable")),
    ("mark paid", (200, None)),
    ("mark paid again", (200, None)),
    ("mark paid", (409, "payment_not_succeeded")),
    ("cancel", (200, None)),
    ("fulfil", (200, None)),
    ("refund", (201, None)),
    ("refund again", (201, None)),
    ("refund", (409, "invalid_transition")),
    ("look", (404, "order_not_found")),
}
"""What is answered at least once in every run, a request that is repeated included."""


@dataclass
class Payment:
    """As the contract has it; `asked` is the request that it belongs to."""

    asked: tuple[Any, ...]
    key: str
    status: str = "pending"
    id: str = ""


@dataclass
class Order:
    """As the contract has it."""

    id: str
    customer: str
    total: int
    status: str = "created"
    payments: list[Payment] = field(default_factory=list)
    paid_by: Payment | None = None
    refunded: int = 0

    def whose(self, owns: bool) -> str:
        return self.customer if owns else OTHER[self.customer]

    @property
    def declines(self) -> int:
        return sum(payment.status == "declined" for payment in self.payments)

    def find(self, status: str) -> Payment | None:
        return next((payment for payment in self.payments if payment.status == status), None)


class Contract:
    """What the checkout says, and what it then is."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str, str], tuple[tuple[Any, ...], Told, Any]] = {}
        """By customer, operation and key: the request, its answer, and what it was about."""

    def recall(self, customer: str, operation: str, key: str, asked: tuple[Any, ...]) -> tuple[Told, Any] | None:
        """The answer to a request whose key has a result."""
        if (customer, operation, key) not in self.results:
            return None
        known, told, about = self.results[customer, operation, key]
        return (told, about) if known == asked else ((422, "idempotency_key_reused"), None)

    def keep(self, customer: str, operation: str, key: str, asked: tuple[Any, ...], told: Told, about: Any) -> None:
        self.results[customer, operation, key] = (asked, told, about)

    def pay(self, customer: str, order: Order, key: str, token: str, amount: int) -> tuple[Told, Payment | None]:
        asked = (order.id, token, amount)
        recalled = self.recall(customer, "pay", key, asked)
        if recalled:
            return recalled
        if order.customer != customer:
            return (404, "order_not_found"), None
        payment = next((p for p in order.payments if p.key == key and p.status != "failed"), None)
        if payment and payment.asked != asked:
            return (422, "idempotency_key_reused"), None
        if payment is None:
            refused = self.refuse_payment(order, token, amount)
            if refused:
                return refused, None
            payment = Payment(asked, key)
            order.payments.append(payment)
            is_first = True
        else:
            is_first = False
        told = charge(payment, token, is_first=is_first)
        if told[0] in {201, 402}:
            self.keep(customer, "pay", key, asked, told, payment)
        return told, payment

    def refuse_payment(self, order: Order, token: str, amount: int) -> Told | None:
        if order.status != "created":
            return 409, "order_not_payable"
        if amount != order.total:
            return 422, "amount_mismatch"
        if order.declines >= MAX_DECLINES:
            return 429, "too_many_attempts"
        if order.find("pending"):
            return 409, "payment_in_progress"
        if order.find("succeeded"):
            return 409, "payment_already_succeeded"
        return (422, "invalid_token") if token == "tok_no" else None

    def mark_paid(self, customer: str, order: Order, owner: Order, payment: Payment) -> Told:
        if order.customer != customer:
            return 404, "order_not_found"
        if owner.customer != customer:
            return 404, "payment_not_found"
        if owner is not order:
            return 409, "payment_mismatch"
        if order.paid_by is payment:
            return 200, None
        if order.paid_by:
            return 409, "order_already_paid"
        if order.status != "created":
            return 409, "invalid_transition"
        if payment.status != "succeeded":
            return 409, "payment_not_succeeded"
        order.status, order.paid_by = "paid", payment
        return 200, None

    def cancel(self, customer: str, order: Order) -> Told:
        if order.customer != customer:
            return 404, "order_not_found"
        if order.status == "cancelled":
            return 200, None
        if order.status != "created":
            return 409, "invalid_transition"
        if order.find("pending") or order.find("succeeded"):
            return 409, "payment_in_progress"
        order.status = "cancelled"
        return 200, None

    def fulfil(self, order: Order, *, is_staff: bool) -> Told:
        if not is_staff:
            return 403, "insufficient_scope"
        if order.status not in {"paid", "fulfilled"}:
            return 409, "invalid_transition"
        order.status = "fulfilled"
        return 200, None

    def refund(self, order: Order, key: str, amount: int | None, *, is_staff: bool) -> tuple[Told, int]:
        """And how much it is of."""
        if not is_staff:
            return (403, "insufficient_scope"), 0
        asked = (order.id, amount)
        recalled = self.recall("staff", "refund", key, asked)
        if recalled:
            return recalled[0], recalled[1] or 0
        if order.status not in {"paid", "fulfilled"}:
            return (409, "invalid_transition"), 0
        left = order.total - order.refunded
        wanted = left if amount is None else amount
        if wanted > left:
            return (409, "refund_exceeds_payment"), 0
        order.refunded += wanted
        if order.refunded == order.total:
            order.status = "refunded"
        self.keep("staff", "refund", key, asked, (201, None), wanted)
        return (201, None), wanted


def charge(payment: Payment, token: str, *, is_first: bool) -> Told:
    """What the simulated gateway makes of it."""
    if token == "tok_chargeDeclined":
        payment.status = "declined"
        return 402, "card_declined"
    if token == "tok_unavailable":
        payment.status = "failed"
        return 503, "gateway_unavailable"
    if token.startswith("tok_timeout") and is_first:
        return 202, None
    payment.status = "succeeded"
    return 201, None


class Journey(RuleBasedStateMachine):
    """Every call is answered as the model says, and every order is as the model has it."""

    http: httpx.Client
    told: Counter[tuple[str, Told]]
    """How often which requests were answered what, in all sequences."""

    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.contract = Contract()
        self.made: list[Order] = []
        self.asked: list[Callable[[], None]] = []
        self.facts: dict[tuple[str, str], Any] = {}
        """By operation and key: what a request with an outcome was answered."""
        self.run = str(uuid.uuid4())
        self.people = {name: Customer(self.http, issue_token(f"{name}-{self.run}")) for name in OTHER}
        self.staff = Customer(self.http, issue_token(f"sam-{self.run}", scope=STAFF_SCOPE))

    def have_payments(self) -> bool:
        return any(order.payments for order in self.made)

    @initialize(target=orders, pasts=st.permutations(PASTS))
    def begin(self, pasts: list[str]) -> Any:
        """Orders that are worth asking about; and each request that was made of them once more."""
        for number, past in enumerate(pasts):
            customer = list(OTHER)[number % 2]
            self.ask_for_order(customer, f"first {number}", 1 + number % 2)
            order = self.made[-1]
            if past == "created":
                self.ask_to_refund(order, order.id, 500, is_staff=True)
            elif past == "cancelled":
                self.cancel(order, owns=True)
            elif past == "declined":
                self.use_up_tries(order)
            elif past == "doubtful":
                self.ask_to_pay(customer, order, order.id, "tok_timeoutAfterCharge", 0)
                self.ask_to_link(customer, order, order, order.payments[0])
            else:
                self.buy(order)
            if past == "fulfilled":
                self.fulfil(order, is_staff=True)
            elif past == "refunded in part":
                self.ask_to_refund(order, order.id, 500, is_staff=True)
            self.look(order, owns=False, status=None)
        for ask in list(self.asked):
            ask()
        return multiple(*self.made)

    @precondition(lambda self: len(self.made) < MAX_ORDERS)
    @rule(target=orders, customer=st.sampled_from(list(OTHER)), key=KEYS, quantity=st.integers(1, 2))
    def create(self, customer: str, key: str, quantity: int) -> Any:
        return multiple(*self.ask_for_order(customer, key, quantity))

    def ask_for_order(self, customer: str, key: str, quantity: int) -> list[Order]:
        """The order, where one is made."""
        self.asked.append(lambda: self.check_repeated(customer, key, quantity))
        recalled = self.contract.recall(customer, "create", key, (quantity,))
        answer = self.people[customer].ask("POST", "/orders", new_order(("mug", quantity)), key=f"{self.run}{key}")
        if recalled:
            self.check("create again", answer, recalled[0], key=f"{customer}{key}")
            return []
        self.check("create", answer, (201, None), key=f"{customer}{key}")
        order = Order(answer.json()["id"], customer, answer.json()["total_amount"])
        assert order.total == PRICE * quantity
        self.contract.keep(customer, "create", key, (quantity,), (201, None), order)
        self.made.append(order)
        return [order]

    def check_repeated(self, customer: str, key: str, quantity: int) -> None:
        assert self.ask_for_order(customer, key, quantity) == []

    @rule(order=orders, owns=OWNS, key=KEYS, token=TOKENS, wrong=MISTAKES)
    def pay(self, order: Order, owns: bool, key: str, token: str, wrong: int) -> None:
        self.ask_to_pay(order.whose(owns), order, key, token, wrong)

    @rule(order=orders, tokens=st.lists(TOKENS, min_size=1, max_size=6))
    def try_cards(self, order: Order, tokens: list[str]) -> None:
        """A customer goes through what is in the purse."""
        for token in tokens:
            self.ask_to_pay(order.customer, order, f"{order.id}{len(order.payments)}", token, 0)

    @rule(order=orders)
    def use_up_tries(self, order: Order) -> None:
        for number in range(MAX_DECLINES + 1):
            self.ask_to_pay(order.customer, order, f"{order.id} declined {number}", DECLINED, 0)

    @rule(order=orders)
    def buy(self, order: Order) -> None:
        self.ask_to_pay(order.customer, order, f"{order.id} good", GOOD, 0)
        if order.payments and order.payments[-1].id:
            self.ask_to_link(order.customer, order, order, order.payments[-1])

    @rule(numbers=st.lists(st.integers(0, 1000), min_size=1, max_size=4))
    def ask_again(self, numbers: list[int]) -> None:
        """The same once more, whatever has happened since: what was lost, or a replay."""
        for number in numbers:
            self.asked[number % len(self.asked)]()

    def ask_to_pay(self, customer: str, order: Order, key: str, token: str, wrong: int) -> None:
        self.asked.append(lambda: self.ask_to_pay(customer, order, key, token, wrong))
        is_known = (customer, "pay", key) in self.contract.results
        body = {"order_id": order.id, "token": token, "amount": order.total + wrong, "currency": "usd"}
        answer = self.people[customer].ask("POST", "/pay", body, key=f"{self.run}{key}")
        told, payment = self.contract.pay(customer, order, key, token, order.total + wrong)
        self.check("pay again" if is_known else "pay", answer, told, key=f"{customer}{key}")
        if payment and told[0] != 503:
            transaction_id = answer.json()["transaction_id"]
            assert payment.id in {"", transaction_id}
            payment.id = transaction_id

    @precondition(have_payments)
    @rule(
        order=orders, owner=orders, owns=OWNS, number=st.integers(0, 7), mistaken=st.sampled_from([False] * 5 + [True])
    )
    def mark_paid(self, order: Order, owner: Order, owns: bool, number: int, mistaken: bool) -> None:
        """By one of the order's payments, or by mistake by one of another's."""
        payer = owner if mistaken else order
        payments = [payment for payment in payer.payments if payment.id]
        if payments:
            self.ask_to_link(order.whose(owns), order, payer, payments[-1 - number % len(payments)])

    def ask_to_link(self, customer: str, order: Order, payer: Order, payment: Payment) -> None:
        self.asked.append(lambda: self.ask_to_link(customer, order, payer, payment))
        name = "mark paid again" if order.paid_by is payment else "mark paid"
        answer = self.people[customer].mark_paid({"id": order.id}, payment.id)
        self.check(name, answer, self.contract.mark_paid(customer, order, payer, payment))

    @rule(order=orders, owns=OWNS)
    def cancel(self, order: Order, owns: bool) -> None:
        self.asked.append(lambda: self.cancel(order, owns))
        answer = self.people[order.whose(owns)].ask("POST", f"/orders/{order.id}/cancel")
        self.check("cancel", answer, self.contract.cancel(order.whose(owns), order))

    @rule(order=orders, is_staff=OWNS)
    def fulfil(self, order: Order, is_staff: bool) -> None:
        self.asked.append(lambda: self.fulfil(order, is_staff))
        answer = (self.staff if is_staff else self.people[order.customer]).fulfil({"id": order.id})
        self.check("fulfil", answer, self.contract.fulfil(order, is_staff=is_staff))

    @rule(order=orders, key=KEYS, amount=st.sampled_from([None, 500, 1000, 5000]), is_staff=OWNS)
    def refund(self, order: Order, key: str, amount: int | None, is_staff: bool) -> None:
        self.ask_to_refund(order, key, amount, is_staff=is_staff)

    def ask_to_refund(self, order: Order, key: str, amount: int | None, *, is_staff: bool) -> None:
        self.asked.append(lambda: self.ask_to_refund(order, key, amount, is_staff=is_staff))
        is_known = is_staff and ("staff", "refund", key) in self.contract.results
        body = {} if amount is None else {"amount": amount}
        who = self.staff if is_staff else self.people[order.customer]
        answer = who.refund({"id": order.id}, key=f"{self.run}{key}", **body)
        told, refunded = self.contract.refund(order, key, amount, is_staff=is_staff)
        self.check("refund again" if is_known else "refund", answer, told, key=key)
        if told[0] == 201:
            assert answer.json()["amount"] == refunded

    @rule(order=orders, owns=OWNS, status=st.sampled_from([None, "created", "paid", "cancelled", "refunded"]))
    def look(self, order: Order, owns: bool, status: str | None) -> None:
        """At the order, at its payments and at the history."""
        customer = order.whose(owns)
        ask = self.people[customer].ask
        self.check("look", ask("GET", f"/orders/{order.id}"), (200, None) if owns else (404, "order_not_found"))
        for payment in [payment for payment in order.payments if payment.id]:
            answer = ask("GET", f"/payments/{payment.id}")
            self.check("look", answer, (200, None) if owns else (404, "payment_not_found"))
            assert not owns or answer.json()["refunded_amount"] == (order.refunded if order.paid_by is payment else 0)
        params = {"status": status} if status else {}
        listed = [shown["id"] for shown in self.list_orders(customer, **params)]
        mine = [made.id for made in self.made if made.customer == customer and status in {None, made.status}]
        assert listed == mine[::-1]

    @invariant()
    def the_orders_are_as_the_model_has_them(self) -> None:
        for customer in OTHER:
            shown = [
                (order["id"], order["status"], order["refunded_amount"], order["payment_transaction_id"])
                for order in self.list_orders(customer)
            ]
            mine = [order for order in self.made if order.customer == customer]
            assert shown[::-1] == [
                (order.id, order.status, order.refunded, order.paid_by.id if order.paid_by else None) for order in mine
            ]

    def list_orders(self, customer: str, **params: str) -> list[dict[str, Any]]:
        answer = self.people[customer].ask("GET", "/orders", params={"limit": "100", **params})
        listed: list[dict[str, Any]] = answer.json()["orders"]
        return listed

    def check(self, name: str, answer: httpx.Response, told: Told, *, key: str = "") -> None:
        """The answer is as told; and where the request had an outcome before, the same as then."""
        assert (answer.status_code, answer.json().get("code")) == told, answer.text
        self.told[name, told] += 1
        if key and told[0] in {201, 402}:
            facts = {part: value for part, value in answer.json().items() if part not in {"request_id", "duplicate"}}
            assert self.facts.setdefault((name.removesuffix(" again"), key), facts) == facts


@pytest.mark.proves("FR-307")
def test_long_random_sequences_are_answered_as_the_contract_says(
    http: httpx.Client, say: Callable[[str], None]
) -> None:
    class JourneyHere(Journey):
        pass

    JourneyHere.http, JourneyHere.told = http, Counter()
    run_state_machine_as_test(
        JourneyHere,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            # Each is a run of its own, and none is kept.
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    told = JourneyHere.told
    replays = sum(count for (name, _), count in told.items() if name.endswith("again"))
    say(f"model: {SEQUENCES} sequences, {told.total()} answers, {replays} of them to a request with an outcome")
    assert not EXPECTED - told.keys()
