"""Situations that a request can meet, each made over HTTP: what comes before the request, and the request itself.

One table for all who need them: test_refusals.py holds the refusals against the contract, and examples.py makes the
examples of the OpenAPI document of them, which test_examples.py replays. What a situation is answered is not said here.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx

from checkout.caller import STAFF_SCOPE
from checkout.simulated_gateway import Call, Fault
from local.keys import issue_token
from local.runtime import MAX_BODY_BYTES, Overload
from tests.e2e.conftest import Checkout, Customer, make_customer, new_key, new_order, payment_of
from tests.e2e.faulty_runtime import WEBHOOK_SECRET, DatabaseFault
from tests.stripe_stub import make_event, sign

__all__ = ["SITUATIONS", "Ask", "Scene", "Situation", "find_situation", "set_scene"]

NO_ORDER = "ord_01K0000000000000000000000Z"
NO_PAYMENT = "pay_01K0000000000000000000000Z_001"
CARD_NUMBER = "4242424242424242"


@dataclass(frozen=True)
class Ask:
    """A request that waits to be sent."""

    who: Customer
    method: str
    path: str
    body: Any = None
    key: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self) -> httpx.Response:
        return self.who.ask(
            self.method, self.path, self.body, key=self.key, params=dict(self.query), headers=dict(self.headers)
        )

    def with_members(self, **members: Any) -> "Ask":
        """With other members of the body, or more."""
        return replace(self, body={**self.body, **members})


@dataclass
class Scene:
    """Who is there: two customers, staff, somebody without a token, and the checkout, whose parts can be broken."""

    http: httpx.Client
    checkout: Checkout
    alice: Customer
    bob: Customer
    staff: Customer
    facts: dict[str, Any] = field(default_factory=dict)

    def expect(self, **facts: Any) -> None:
        """Facts that the refusal must carry."""
        self.facts = facts

    def break_database(self, fault: DatabaseFault, *, of_writes: bool = False) -> None:
        """The next call of DynamoDB goes wrong, or the next write; in a runtime that can be told so."""
        broken = {"number": 0, "fault": fault, "of_writes": of_writes}
        self.http.post("/control/break_call", json=broken).raise_for_status()

    def break_code(self) -> None:
        """The next request meets a fault of the code; in a runtime that can be told so."""
        self.http.post("/control/break_code", json={}).raise_for_status()

    def end_function(self) -> None:
        """The next function ends without an answer; in a runtime that can be told so."""
        self.http.post("/control/end_function", json={}).raise_for_status()

    def overload(self, who: Overload) -> None:
        """The next request is more than they take; in a runtime that can be told so."""
        self.http.post("/control/overload", json={"who": who}).raise_for_status()

    def settle(self) -> None:
        """Some minutes later settle_payments runs; in a runtime that can be told so."""
        self.http.post("/control/wait", json={"seconds": 300}).raise_for_status()
        self.http.post("/control/run", json={"function": "settle_payments"}).raise_for_status()

    def create_order_being_paid(self) -> tuple[dict[str, Any], str]:
        """An order whose payment is open, since its outcome is not known."""
        order = self.alice.create_order()
        return order, self.alice.pay(order, "tok_timeoutAfterCharge").json()["transaction_id"]

    def create_order_with_payment(self) -> tuple[dict[str, Any], str]:
        """An order that is charged and not linked."""
        order = self.alice.create_order()
        return order, self.alice.pay(order).json()["transaction_id"]

    def create_order_with_declined_payment(self) -> tuple[dict[str, Any], str]:
        order = self.alice.create_order()
        return order, self.alice.pay(order, "tok_chargeDeclined").json()["transaction_id"]


def set_scene(http: httpx.Client, checkout: Checkout) -> Scene:
    """With customers whom nobody has seen before."""
    staff = Customer(http, issue_token("sam", scope=STAFF_SCOPE))
    return Scene(http, checkout, make_customer(http, "alice"), make_customer(http, "bob"), staff)


@dataclass(frozen=True)
class Situation:
    """A situation of an operation, what it is about in a line, and the gateway with which it can be."""

    operation: str
    name: str
    summary: str
    prepare: Callable[[Scene], Ask]
    gateway: str = "simulated"


SITUATIONS: list[Situation] = []


def situation(operation: str, summary: str, *, gateway: str = "simulated") -> Callable[[Any], Any]:
    """Puts the function that prepares it, by its name, into the table."""

    def register(prepare: Callable[[Scene], Ask]) -> Callable[[Scene], Ask]:
        SITUATIONS.append(Situation(operation, prepare.__name__, summary, prepare, gateway))
        return prepare

    return register


def find_situation(operation: str, name: str) -> Situation:
    [found] = [each for each in SITUATIONS if (each.operation, each.name) == (operation, name)]
    return found


# Orders


@situation("create_order", "An order of two mugs and some tea, at the prices that the customer saw")
def created(scene: Scene) -> Ask:
    items = [
        {"product_id": "mug", "quantity": 2, "unit_price": 1800},
        {"product_id": "tea", "quantity": 1, "unit_price": 1250},
    ]
    body = {"items": items, "currency": "usd", "metadata": {"basket": "7"}}
    return Ask(scene.alice, "POST", "/orders", body, new_key())


@situation("create_order", "The same request again, with the same key: the same answer, and no second order")
def created_before(scene: Scene) -> Ask:
    return sent_before(created(scene))


@situation("create_order", "The key was used with another payload")
def order_key_reused(scene: Scene) -> Ask:
    return after_another_payload(created(scene), metadata={"basket": "8"})


@situation("create_order", "A product is not in the catalogue")
def product_not_found(scene: Scene) -> Ask:
    scene.expect(product_id="ufo")
    return post_order(scene, new_order(("mug", 1), ("ufo", 1)))


@situation("create_order", "The price that was sent is not the catalogue's")
def price_changed(scene: Scene) -> Ask:
    scene.expect(product_id="mug", expected=1700, current=1800)
    return post_order(scene, {"items": [{"product_id": "mug", "quantity": 1, "unit_price": 1700}]})


@situation("create_order", "The total is above the limit")
def amount_out_of_range(scene: Scene) -> Ask:
    scene.expect(total_amount=1999998, minimum=1, maximum=1000000, currency="usd")
    return post_order(scene, new_order(("gift-card", 2)))


@situation("create_order", "The order is asked for in another currency than its products have")
def another_currency(scene: Scene) -> Ask:
    scene.expect(errors=[{"field": "items.0.product_id", "message": "is priced in usd, the order is in eur"}])
    return post_order(scene, new_order(("mug", 1), currency="eur"))


@situation("list_orders", "The first page; `next_cursor` leads to the next")
def first_page(scene: Scene) -> Ask:
    scene.alice.create_order(("mug", 1))
    scene.alice.create_order(("tea", 2))
    return list_orders(scene, limit="1")


@situation("list_orders", "The last page, asked for with the cursor of the page before")
def last_page(scene: Scene) -> Ask:
    first = first_page(scene)
    return replace(first, query={**first.query, "cursor": first().json()["next_cursor"]})


@situation("list_orders", "A limit that is too high")
def limit_out_of_range(scene: Scene) -> Ask:
    return list_orders(scene, limit="101")


@situation("list_orders", "A status that no order has")
def no_such_status(scene: Scene) -> Ask:
    return list_orders(scene, status="shipped")


@situation("list_orders", "A cursor that was altered")
def cursor_altered(scene: Scene) -> Ask:
    return list_orders(scene, cursor="Im9yZF8i.altered.cursor")


@situation("list_orders", "A cursor of another customer's list")
def cursor_of_another_customer(scene: Scene) -> Ask:
    for _ in range(2):
        scene.bob.create_order()
    cursor = scene.bob.ask("GET", "/orders", params={"limit": 1}).json()["next_cursor"]
    return list_orders(scene, limit="1", cursor=cursor)


@situation("get_order", "An order that is paid")
def order_found(scene: Scene) -> Ask:
    order, _ = scene.alice.buy(("mug", 2), ("tea", 1))
    return Ask(scene.alice, "GET", f"/orders/{order['id']}")


@situation("get_order", "Another customer's order is answered as one that does not exist")
def another_customers_order(scene: Scene) -> Ask:
    return Ask(scene.alice, "GET", f"/orders/{scene.bob.create_order()['id']}")


@situation("get_order_audit", "The trail of an order that was paid at the second try")
def trail_found(scene: Scene) -> Ask:
    order, _ = scene.create_order_with_declined_payment()
    scene.alice.mark_paid(order, scene.alice.pay(order).json()["transaction_id"])
    return Ask(scene.alice, "GET", f"/orders/{order['id']}/audit")


@situation("get_order_audit", "Another customer's order")
def another_customers_trail(scene: Scene) -> Ask:
    return Ask(scene.alice, "GET", f"/orders/{scene.bob.create_order()['id']}/audit")


@situation("cancel_order", "An order that nobody has paid")
def cancelled(scene: Scene) -> Ask:
    return cancel_order(scene, scene.alice.create_order(("mug", 1)))


@situation("cancel_order", "Another customer's order")
def another_customers_order_to_cancel(scene: Scene) -> Ask:
    return cancel_order(scene, scene.bob.create_order())


@situation("cancel_order", "The order is paid: staff may refund it")
def paid_order_to_cancel(scene: Scene) -> Ask:
    order, _ = scene.alice.buy()
    scene.expect(current_status="paid", requested_status="cancelled", allowed_transitions=["fulfilled", "refunded"])
    return cancel_order(scene, order)


@situation("cancel_order", "A payment of the order is under way")
def order_being_paid_to_cancel(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_being_paid()
    scene.expect(transaction_id=transaction_id)
    return cancel_order(scene, order)


@situation("cancel_order", "The card is charged, and the payment not linked yet")
def charged_order_to_cancel(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_with_payment()
    scene.expect(transaction_id=transaction_id)
    return cancel_order(scene, order)


@situation("mark_order_paid", "The payment has succeeded: the order is paid")
def linked(scene: Scene) -> Ask:
    return mark_paid(scene, *scene.create_order_with_payment())


@situation("mark_order_paid", "Another customer's order")
def another_customers_order_to_mark(scene: Scene) -> Ask:
    order = scene.bob.create_order()
    return mark_paid(scene, order, scene.bob.pay(order).json()["transaction_id"])


@situation("mark_order_paid", "Another customer's payment")
def another_customers_payment_to_mark(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    return mark_paid(scene, order, scene.bob.pay(scene.bob.create_order()).json()["transaction_id"])


@situation("mark_order_paid", "The payment was declined")
def declined_payment_to_mark(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_with_declined_payment()
    scene.expect(transaction_id=transaction_id, payment_status="failed")
    return mark_paid(scene, order, transaction_id)


@situation("mark_order_paid", "The outcome of the payment is not known yet")
def open_payment_to_mark(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_being_paid()
    scene.expect(transaction_id=transaction_id, payment_status="pending")
    return mark_paid(scene, order, transaction_id)


@situation("mark_order_paid", "The payment is for another order")
def payment_mismatch(scene: Scene) -> Ask:
    _, transaction_id = scene.create_order_with_payment()
    order = scene.alice.create_order()
    scene.expect(transaction_id=transaction_id)
    return mark_paid(scene, order, transaction_id)


@situation("mark_order_paid", "The order is paid by another payment")
def order_already_paid(scene: Scene) -> Ask:
    order, declined = scene.create_order_with_declined_payment()
    paid = scene.alice.pay(order).json()["transaction_id"]
    scene.alice.mark_paid(order, paid)
    scene.expect(payment_transaction_id=paid)
    return mark_paid(scene, order, declined)


@situation("mark_order_paid", "The order was cancelled")
def cancelled_order_to_mark(scene: Scene) -> Ask:
    order, declined = scene.create_order_with_declined_payment()
    cancel_order(scene, order)()
    scene.expect(current_status="cancelled", requested_status="paid", allowed_transitions=[])
    return mark_paid(scene, order, declined)


# Payments


@situation("pay", "The card is charged")
def paid(scene: Scene) -> Ask:
    return pay(scene, scene.alice.create_order())


@situation("pay", "The same request again, with the same key: the same answer, and no second charge")
def paid_before(scene: Scene) -> Ask:
    return sent_before(paid(scene))


@situation("pay", "The gateway took the charge and did not tell: it is settled by itself, and the same request gets it")
def outcome_unknown(scene: Scene) -> Ask:
    return pay(scene, scene.alice.create_order(), token="tok_timeoutAfterCharge")


@situation("pay", "The bank wants the customer to act: `next_action` is for the gateway's own client", gateway="stripe")
def customer_must_act(scene: Scene) -> Ask:
    return pay(scene, scene.alice.create_order(), token="pm_card_authenticationRequired")


@situation("pay", "The card is declined; the order stays payable")
def card_declined(scene: Scene) -> Ask:
    return pay(scene, scene.alice.create_order(), token="tok_chargeDeclinedInsufficientFunds")


@situation("pay", "The same request again, with the same key, after a decline")
def card_declined_before(scene: Scene) -> Ask:
    return sent_before(card_declined(scene))


@situation("pay", "The key was used with another payload")
def payment_key_reused(scene: Scene) -> Ask:
    return after_another_payload(outcome_unknown(scene), token="tok_visa")


@situation("pay", "The gateway does not know the token")
def invalid_token(scene: Scene) -> Ask:
    return pay(scene, scene.alice.create_order(), token="tok_unheard")


@situation("pay", "The amount is not the order's total")
def amount_mismatch(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    scene.expect(expected_amount=order["total_amount"], expected_currency="usd")
    return pay(scene, order, amount=order["total_amount"] - 1)


@situation("pay", "The currency is not the order's")
def currency_mismatch(scene: Scene) -> Ask:
    return pay(scene, scene.alice.create_order(), currency="eur")


@situation("pay", "Another customer's order")
def another_customers_order_to_pay(scene: Scene) -> Ask:
    return pay(scene, scene.bob.create_order())


@situation("pay", "Another payment of the order is under way")
def payment_in_progress(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_being_paid()
    scene.expect(transaction_id=transaction_id)
    return pay(scene, order)


@situation("pay", "A payment of the order has succeeded, and waits to be linked")
def payment_already_succeeded(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_with_payment()
    scene.expect(transaction_id=transaction_id)
    return pay(scene, order)


@situation("pay", "The same request again, whose charge was refunded in the gateway's dashboard before it was known")
def charge_that_went_back(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    sent = pay(scene, order, token="tok_timeoutBeforeCharge")
    transaction_id = sent().json()["transaction_id"]
    scene.checkout.put_charge(transaction_id, order, refundable=0)
    scene.settle()
    scene.expect(transaction_id=transaction_id, payment_status="refunded")
    return sent


@situation("pay", "The order was cancelled")
def cancelled_order_to_pay(scene: Scene) -> Ask:
    scene.expect(current_status="cancelled")
    return pay(scene, cancelled(scene)().json())


@situation("pay", "The order is paid")
def paid_order_to_pay(scene: Scene) -> Ask:
    scene.expect(current_status="paid")
    return pay(scene, scene.alice.buy()[0])


@situation("pay", "Too many payments of the order were declined")
def too_many_declines(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    declines = 0
    while scene.alice.pay(order, "tok_unheard").status_code == 422:
        # Neither this, which never reached the gateway, nor a gateway that never charged counts.
        assert scene.alice.pay(order, "tok_unavailable").status_code == 503
        assert scene.alice.pay(order, "tok_chargeDeclined").status_code == 402
        declines += 1
    scene.expect(declined_payments=declines, limit=declines)
    return pay(scene, order)


def stay_within_an_hour(scene: Scene) -> None:
    """What is counted by the hour is not cut in two: a minute is enough for all of it. By the checkout's own clock, on
    which time may have gone on."""
    now = datetime.fromisoformat(scene.alice.create_order(("mug", 1))["created_at"])
    left = 3600 - now.minute * 60 - now.second
    if left < 60:
        time.sleep(left)


@situation("pay", "Too many payments of the customer were declined within this hour")
def too_many_declines_in_an_hour(scene: Scene) -> Ask:
    stay_within_an_hour(scene)
    while scene.alice.pay(scene.alice.create_order(("mug", 1)), "tok_chargeDeclined").status_code == 402:
        pass
    return pay(scene, scene.alice.create_order())


@situation("pay", "The gateway does not take the request: the card was surely not charged")
def gateway_unavailable(scene: Scene) -> Ask:
    return pay(scene, scene.alice.create_order(), token="tok_unavailable")


@situation("get_payment", "A payment that succeeded")
def payment_found(scene: Scene) -> Ask:
    return Ask(scene.alice, "GET", f"/payments/{scene.alice.buy()[1]}")


@situation("get_payment", "A payment that was declined")
def declined_payment_found(scene: Scene) -> Ask:
    return Ask(scene.alice, "GET", f"/payments/{scene.create_order_with_declined_payment()[1]}")


@situation("get_payment", "Another customer's payment is answered as one that does not exist")
def another_customers_payment(scene: Scene) -> Ask:
    return Ask(scene.alice, "GET", f"/payments/{scene.bob.pay(scene.bob.create_order()).json()['transaction_id']}")


@situation("get_payment", "There is no such payment")
def payment_not_found(scene: Scene) -> Ask:
    return Ask(scene.alice, "GET", f"/payments/{NO_PAYMENT}")


# Staff


@situation("fulfil_order", "The goods of a paid order were sent")
def fulfilled(scene: Scene) -> Ask:
    return fulfil_order(scene, scene.alice.buy()[0])


@situation("fulfil_order", "The order is not paid")
def unpaid_order_to_fulfil(scene: Scene) -> Ask:
    scene.expect(current_status="created", requested_status="fulfilled", allowed_transitions=["paid", "cancelled"])
    return fulfil_order(scene, scene.alice.create_order())


@situation("fulfil_order", "A customer's token is not enough")
def customer_fulfils(scene: Scene) -> Ask:
    scene.expect(required_scope="orders:manage")
    return replace(fulfilled(scene), who=scene.alice)


@situation("refund_order", "A part of the payment goes back")
def refunded(scene: Scene) -> Ask:
    return refund_order(scene, scene.alice.buy()[0], amount=600, reason="one handle was off")


@situation("refund_order", "The same request again, with the same key: the same answer, and no second refund")
def refunded_before(scene: Scene) -> Ask:
    return sent_before(refunded(scene))


@situation("refund_order", "The gateway took the refund and did not tell: it is settled by itself")
def refund_unknown(scene: Scene) -> Ask:
    order, _ = scene.alice.buy()
    scene.checkout.break_gateway(Call.REFUND, Fault.ANSWER_LOST)
    return refund_order(scene, order)


@situation("refund_order", "The bank refuses the refund: the money is still there, another key may try again")
def refund_failed(scene: Scene) -> Ask:
    order, _ = scene.alice.buy()
    scene.checkout.break_gateway(Call.REFUND, Fault.REFUND_FAILED)
    return refund_order(scene, order)


@situation("refund_order", "The same request again, with the same key, after a refund that failed")
def refund_failed_before(scene: Scene) -> Ask:
    return sent_before(refund_failed(scene))


@situation("refund_order", "The key was used with another payload")
def refund_key_reused(scene: Scene) -> Ask:
    return after_another_payload(refunded(scene), amount=700)


@situation("refund_order", "More than is left of the payment")
def refund_exceeds_payment(scene: Scene) -> Ask:
    order, _ = scene.alice.buy(("mug", 1))
    assert scene.staff.refund(order, amount=800).status_code == 201
    scene.expect(requested_amount=1001, refundable_amount=1000, currency="usd")
    return refund_order(scene, order, amount=1001)


@situation("refund_order", "The order is charged and not paid yet")
def unpaid_order_to_refund(scene: Scene) -> Ask:
    order, _ = scene.create_order_with_payment()
    scene.expect(current_status="created", requested_status="refunded", allowed_transitions=["paid", "cancelled"])
    return refund_order(scene, order)


@situation("refund_order", "A customer's token is not enough")
def customer_refunds(scene: Scene) -> Ask:
    scene.expect(required_scope="orders:manage")
    return replace(refunded(scene), who=scene.alice)


# Catalogue, health, Stripe


@situation("list_products", "All products")
def products_listed(scene: Scene) -> Ask:
    return Ask(scene.alice, "GET", "/products")


@situation("health", "Every part answers")
def healthy(scene: Scene) -> Ask:
    return Ask(Customer(scene.http, ""), "GET", "/health")


@situation("health", "A table does not answer: `checks` names it")
def unhealthy(scene: Scene) -> Ask:
    scene.break_database(DatabaseFault.FAILS)
    return healthy(scene)


@situation("receive_stripe_event", "A payment has succeeded at Stripe", gateway="stripe")
def event_received(scene: Scene) -> Ask:
    payment = scene.alice.pay(scene.alice.create_order(), "pm_card_visa").json()
    intent = {"id": "pi_1", "object": "payment_intent", "metadata": {"payment_id": payment["transaction_id"]}}
    return post_event(scene, make_event(new_key(), "payment_intent.succeeded", intent))


@situation("receive_stripe_event", "Signed with another secret, or too long ago")
def invalid_signature(scene: Scene) -> Ask:
    event = make_event(new_key(), "payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"})
    return replace(post_event(scene, event), headers={"stripe-signature": "t=1769860800,v1=00"})


@situation("receive_stripe_event", "Signed by Stripe, and no event", gateway="stripe")
def no_event(scene: Scene) -> Ask:
    return post_event(scene, b'{"hello": "world"}')


# What many operations have in common: made of a request that would succeed


def post_order(scene: Scene, body: Mapping[str, Any]) -> Ask:
    return Ask(scene.alice, "POST", "/orders", body, new_key())


def list_orders(scene: Scene, **query: str) -> Ask:
    return Ask(scene.alice, "GET", "/orders", query=query)


def cancel_order(scene: Scene, order: Mapping[str, Any]) -> Ask:
    return Ask(scene.alice, "POST", f"/orders/{order['id']}/cancel")


def pay(scene: Scene, order: dict[str, Any], **members: Any) -> Ask:
    return Ask(scene.alice, "POST", "/pay", payment_of(order, **members), new_key())


def mark_paid(scene: Scene, order: Mapping[str, Any], transaction_id: str) -> Ask:
    return Ask(scene.alice, "PATCH", f"/orders/{order['id']}/pay", {"transaction_id": transaction_id})


def fulfil_order(scene: Scene, order: Mapping[str, Any]) -> Ask:
    return Ask(scene.staff, "POST", f"/orders/{order['id']}/fulfil")


def refund_order(scene: Scene, order: Mapping[str, Any], **body: Any) -> Ask:
    return Ask(scene.staff, "POST", f"/orders/{order['id']}/refunds", body, new_key())


def post_event(scene: Scene, payload: bytes) -> Ask:
    signature = {"stripe-signature": sign(payload, WEBHOOK_SECRET)}
    return Ask(Customer(scene.http, ""), "POST", "/webhooks/stripe", payload, headers=signature)


def sent_before(ask: Ask) -> Ask:
    """The same request, which has had an answer that is kept."""
    ask()
    return ask


Change = Callable[[Scene, Ask], Ask]

WELL_FORMED: Mapping[str, Callable[[Scene], Ask]] = {
    "create_order": created,
    "list_orders": list_orders,
    "get_order": lambda scene: Ask(scene.alice, "GET", f"/orders/{NO_ORDER}"),
    "get_order_audit": lambda scene: Ask(scene.alice, "GET", f"/orders/{NO_ORDER}/audit"),
    "cancel_order": lambda scene: cancel_order(scene, {"id": NO_ORDER}),
    "mark_order_paid": lambda scene: mark_paid(scene, {"id": NO_ORDER}, NO_PAYMENT),
    "pay": paid,
    "get_payment": payment_not_found,
    "fulfil_order": lambda scene: fulfil_order(scene, {"id": NO_ORDER}),
    "refund_order": lambda scene: refund_order(scene, {"id": NO_ORDER}, amount=600, reason="one handle was off"),
    "list_products": products_listed,
    "health": healthy,
    "receive_stripe_event": event_received,
}
"""A request of each operation whose form is right, to be changed so that it is not, or to be met by what goes wrong."""
WITH_TOKEN = [operation for operation in WELL_FORMED if operation not in {"health", "receive_stripe_event"}]
WITH_BODY = ["create_order", "mark_order_paid", "pay", "refund_order"]
WITH_KEY = ["create_order", "pay", "refund_order"]
WITH_ORDER = ["get_order", "get_order_audit", "cancel_order", "mark_order_paid", "pay", "fulfil_order", "refund_order"]
WITH_CARD: Mapping[str, Mapping[str, Any]] = {
    "create_order": {"metadata": {"card": CARD_NUMBER}},
    "mark_order_paid": {"transaction_id": CARD_NUMBER},
    "pay": {"token": CARD_NUMBER},
    "refund_order": {"reason": f"to the card {CARD_NUMBER}"},
}


def with_unknown_member(scene: Scene, ask: Ask) -> Ask:
    scene.expect(errors=[{"field": "coupon", "message": "Extra inputs are not permitted"}])
    return ask.with_members(coupon="SPRING")


def after_another_payload(ask: Ask, **members: Any) -> Ask:
    """The same key, with other members of the body than it was used with."""
    ask()
    return ask.with_members(**members)


def while_the_first_runs(scene: Scene, ask: Ask) -> Ask:
    """As after a crash: the process died once it had written that it is at work, and its time is not over."""
    scene.break_database(DatabaseFault.DIES_AFTER, of_writes=True)
    with suppress(httpx.TransportError):
        ask()
    return ask


def without_a_database(scene: Scene, ask: Ask) -> Ask:
    # Who pays reads once more, without the gateway's circuit, where the first read fails.
    scene.break_database(DatabaseFault.FAILS, of_writes=ask.path == "/pay")
    return ask


def with_a_fault_of_ours(scene: Scene, ask: Ask) -> Ask:
    scene.break_code()
    return ask


def whose_function_ends(scene: Scene, ask: Ask) -> Ask:
    scene.end_function()
    return ask


def while_api_gateway_is_overloaded(scene: Scene, ask: Ask) -> Ask:
    scene.overload(Overload.API_GATEWAY)
    return ask


def while_lambda_is_overloaded(scene: Scene, ask: Ask) -> Ask:
    scene.overload(Overload.LAMBDA)
    return ask


def derive(operation: str, name: str, summary: str, change: Change) -> None:
    """A situation made of a well-formed request."""
    gateway = "stripe" if operation == "receive_stripe_event" else "simulated"

    def prepare(scene: Scene) -> Ask:
        return change(scene, WELL_FORMED[operation](scene))

    SITUATIONS.append(Situation(operation, name, summary, prepare, gateway))


def derive_all() -> None:
    for operation in WITH_BODY:
        card = WITH_CARD[operation]
        derive(operation, "invalid_json", "The body ends too early", lambda _, ask: replace(ask, body=b'{"items": ['))
        derive(operation, "validation_error", "A member that nobody knows", with_unknown_member)
        derive(
            operation,
            "card_number_refused",
            "A card number where it does not belong",
            lambda _, ask, card=card: ask.with_members(**card),
        )
    for operation in [*WITH_BODY, "receive_stripe_event"]:
        derive(
            operation,
            "gateway_too_large",
            "API Gateway: the body is larger than 10 MB; nothing was done",
            lambda _, ask: replace(ask, body=bytes(MAX_BODY_BYTES + 1)),
        )
    for operation in WITH_KEY:
        derive(operation, "idempotency_key_required", "Without a key", lambda _, ask: replace(ask, key=None))
        derive(
            operation,
            "idempotency_key_conflict",
            "The header has a key, and the body another",
            lambda _, ask: ask.with_members(idempotency_key=new_key()),
        )
    # An order is made by one write: no other request finds it half made.
    derive("pay", "idempotency_in_progress", "A request with this key is still running", while_the_first_runs)
    derive(
        "refund_order",
        "idempotency_in_progress",
        "A request with this key is still running",
        lambda scene, _: while_the_first_runs(scene, refunded(scene)),
    )
    derive("receive_stripe_event", "idempotency_in_progress", "The event is being handled", while_the_first_runs)
    for operation in WITH_ORDER:
        if operation == "pay":
            derive(
                operation,
                "order_not_found",
                "There is no such order",
                lambda _, ask: ask.with_members(order_id=NO_ORDER),
            )
        else:
            derive(operation, "order_not_found", "There is no such order", lambda _, ask: ask)
    for operation in WITH_TOKEN:
        derive(operation, "no_token", "Without a token", lambda scene, ask: replace(ask, who=Customer(scene.http, "")))
        derive(
            operation,
            "bad_token",
            "A token that does not verify",
            lambda scene, ask: replace(ask, who=Customer(scene.http, "not.a.token")),
        )
    for operation in WELL_FORMED:
        if operation != "health":
            derive(operation, "store_unavailable", "The database does not answer in time", without_a_database)
        derive(operation, "internal_error", "The checkout has a fault", with_a_fault_of_ours)
        derive(
            operation,
            "gateway_too_many_requests",
            "API Gateway: more requests than the stage or the route takes; nothing was done",
            while_api_gateway_is_overloaded,
        )
        derive(
            operation,
            "gateway_internal_server_error",
            "API Gateway: the function ended without an answer; what it did is not known",
            whose_function_ends,
        )
        derive(
            operation,
            "gateway_service_unavailable",
            "API Gateway: Lambda runs as many functions as it may; nothing was done",
            while_lambda_is_overloaded,
        )


derive_all()
