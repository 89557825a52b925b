"""Every refusal of the contract, over HTTP; after each the tables are as they were."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from checkout.errors import CheckoutError
from local.keys import issue_token
from tests.e2e.conftest import Checkout, Customer, make_customer, new_key, new_order, payment_of

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}

Ask = Callable[[], httpx.Response]


@dataclass
class Scene:
    """What a refusal needs before it: two customers, and orders in some state."""

    alice: Customer
    bob: Customer
    staff: Customer
    facts: dict[str, Any] = field(default_factory=dict)

    def expect(self, **facts: Any) -> None:
        """Facts that the refusal must carry."""
        self.facts = facts

    def create_cancelled_order(self) -> dict[str, Any]:
        order = self.alice.create_order()
        cancelled: dict[str, Any] = self.alice.ask("POST", f"/orders/{order['id']}/cancel").json()
        return cancelled

    def create_order_being_paid(self) -> tuple[dict[str, Any], str]:
        """An order whose payment is open, since its outcome is not known."""
        order = self.alice.create_order()
        return order, self.alice.pay(order, "tok_timeoutAfterCharge").json()["transaction_id"]

    def create_order_with_payment(self) -> tuple[dict[str, Any], str]:
        """An order that is charged and not linked."""
        order = self.alice.create_order()
        return order, self.alice.pay(order).json()["transaction_id"]


def post_order(scene: Scene, body: object, **request: Any) -> Ask:
    request.setdefault("key", new_key())
    return lambda: scene.alice.ask("POST", "/orders", body, **request)


def post_payment(scene: Scene, body: object, **request: Any) -> Ask:
    request.setdefault("key", new_key())
    return lambda: scene.alice.ask("POST", "/pay", body, **request)


# Each scene prepares and gives the request that is refused.


def invalid_json(scene: Scene) -> Ask:
    return post_order(scene, b'{"items": [')


def validation_error(scene: Scene) -> Ask:
    scene.expect(errors=[{"field": "items", "message": "Field required"}])
    return post_order(scene, {})


def validation_error_of_a_limit(scene: Scene) -> Ask:
    return lambda: scene.alice.ask("GET", "/orders", params={"limit": "101"})


def validation_error_of_a_status(scene: Scene) -> Ask:
    return lambda: scene.alice.ask("GET", "/orders", params={"status": "shipped"})


def validation_error_of_a_currency(scene: Scene) -> Ask:
    scene.expect(errors=[{"field": "items.0.product_id", "message": "is priced in usd, the order is in eur"}])
    return post_order(scene, new_order(("mug", 1), currency="eur"))


def card_number_refused(scene: Scene) -> Ask:
    return post_payment(scene, payment_of(scene.alice.create_order(), "4242424242424242"))


def idempotency_key_required(scene: Scene) -> Ask:
    return post_order(scene, new_order(("mug", 1)), key=None)


def idempotency_key_required_to_pay(scene: Scene) -> Ask:
    return post_payment(scene, payment_of(scene.alice.create_order()), key=None)


def idempotency_key_conflict(scene: Scene) -> Ask:
    return post_order(scene, new_order(("mug", 1), idempotency_key="one"), key="another")


def idempotency_key_reused(scene: Scene) -> Ask:
    key = new_key()
    scene.alice.ask("POST", "/orders", new_order(("mug", 1)), key=key)
    return post_order(scene, new_order(("mug", 2)), key=key)


def idempotency_key_reused_to_pay(scene: Scene) -> Ask:
    key = new_key()
    order = scene.alice.create_order()
    scene.alice.pay(order, "tok_timeoutAfterCharge", key=key)
    return post_payment(scene, payment_of(order, "tok_visa"), key=key)


def product_not_found(scene: Scene) -> Ask:
    scene.expect(product_id="ufo")
    return post_order(scene, new_order(("mug", 1), ("ufo", 1)))


def price_changed(scene: Scene) -> Ask:
    scene.expect(product_id="mug", expected=1700, current=1800)
    return post_order(scene, {"items": [{"product_id": "mug", "quantity": 1, "unit_price": 1700}]})


def amount_out_of_range(scene: Scene) -> Ask:
    scene.expect(total_amount=1999998, minimum=1, maximum=1000000, currency="usd")
    return post_order(scene, new_order(("gift-card", 2)))


def invalid_cursor(scene: Scene) -> Ask:
    return lambda: scene.alice.ask("GET", "/orders", params={"cursor": "Im9yZF8i.altered.cursor"})


def invalid_cursor_of_another_customer(scene: Scene) -> Ask:
    for _ in range(2):
        scene.bob.create_order()
    cursor = scene.bob.ask("GET", "/orders", params={"limit": 1}).json()["next_cursor"]
    return lambda: scene.alice.ask("GET", "/orders", params={"limit": 1, "cursor": cursor})


def order_not_found(scene: Scene) -> Ask:
    return lambda: scene.alice.ask("GET", "/orders/ord_01K0000000000000000000000Z")


def order_not_found_by_a_long_id(scene: Scene) -> Ask:
    return lambda: scene.alice.ask("GET", f"/orders/{'x' * 3000}")


def order_not_found_for_another_customer(scene: Scene) -> Ask:
    order = scene.bob.create_order()
    return lambda: scene.alice.ask("GET", f"/orders/{order['id']}")


def order_not_found_to_pay_another_customers(scene: Scene) -> Ask:
    return post_payment(scene, payment_of(scene.bob.create_order()))


def order_not_found_to_cancel_another_customers(scene: Scene) -> Ask:
    order = scene.bob.create_order()
    return lambda: scene.alice.ask("POST", f"/orders/{order['id']}/cancel")


def order_not_found_to_audit_another_customers(scene: Scene) -> Ask:
    order = scene.bob.create_order()
    return lambda: scene.alice.ask("GET", f"/orders/{order['id']}/audit")


def order_not_found_to_mark_another_customers_paid(scene: Scene) -> Ask:
    order = scene.bob.create_order()
    transaction_id = scene.bob.pay(order).json()["transaction_id"]
    return lambda: scene.alice.mark_paid(order, transaction_id)


def payment_not_found(scene: Scene) -> Ask:
    return lambda: scene.alice.ask("GET", "/payments/pay_01K0000000000000000000000Z_001")


def payment_not_found_for_another_customer(scene: Scene) -> Ask:
    transaction_id = scene.bob.pay(scene.bob.create_order()).json()["transaction_id"]
    return lambda: scene.alice.ask("GET", f"/payments/{transaction_id}")


def payment_not_found_to_mark_paid(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    transaction_id = scene.bob.pay(scene.bob.create_order()).json()["transaction_id"]
    return lambda: scene.alice.mark_paid(order, transaction_id)


def payment_not_succeeded(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    transaction_id = scene.alice.pay(order, "tok_chargeDeclined").json()["transaction_id"]
    scene.expect(transaction_id=transaction_id, payment_status="failed")
    return lambda: scene.alice.mark_paid(order, transaction_id)


def payment_not_succeeded_while_open(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_being_paid()
    scene.expect(transaction_id=transaction_id, payment_status="pending")
    return lambda: scene.alice.mark_paid(order, transaction_id)


def payment_mismatch(scene: Scene) -> Ask:
    _, transaction_id = scene.create_order_with_payment()
    order = scene.alice.create_order()
    scene.expect(transaction_id=transaction_id)
    return lambda: scene.alice.mark_paid(order, transaction_id)


def order_already_paid(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    declined = scene.alice.pay(order, "tok_chargeDeclined").json()["transaction_id"]
    paid = scene.alice.pay(order).json()["transaction_id"]
    scene.alice.mark_paid(order, paid)
    scene.expect(payment_transaction_id=paid)
    return lambda: scene.alice.mark_paid(order, declined)


def invalid_transition_to_paid(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    declined = scene.alice.pay(order, "tok_chargeDeclined").json()["transaction_id"]
    scene.alice.ask("POST", f"/orders/{order['id']}/cancel")
    scene.expect(current_status="cancelled", requested_status="paid", allowed_transitions=[])
    return lambda: scene.alice.mark_paid(order, declined)


def invalid_transition_to_cancelled(scene: Scene) -> Ask:
    order, _ = scene.alice.buy()
    scene.expect(current_status="paid", requested_status="cancelled", allowed_transitions=["fulfilled", "refunded"])
    return lambda: scene.alice.ask("POST", f"/orders/{order['id']}/cancel")


def payment_in_progress(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_being_paid()
    scene.expect(transaction_id=transaction_id)
    return post_payment(scene, payment_of(order))


def payment_in_progress_to_cancel(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_being_paid()
    scene.expect(transaction_id=transaction_id)
    return lambda: scene.alice.ask("POST", f"/orders/{order['id']}/cancel")


def payment_in_progress_to_cancel_a_charged_order(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_with_payment()
    scene.expect(transaction_id=transaction_id)
    return lambda: scene.alice.ask("POST", f"/orders/{order['id']}/cancel")


def invalid_token(scene: Scene) -> Ask:
    return post_payment(scene, payment_of(scene.alice.create_order(), "tok_unheard"))


def amount_mismatch(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    scene.expect(expected_amount=order["total_amount"], expected_currency="usd")
    return post_payment(scene, payment_of(order, amount=order["total_amount"] - 1))


def amount_mismatch_of_the_currency(scene: Scene) -> Ask:
    return post_payment(scene, payment_of(scene.alice.create_order(), currency="eur"))


def payment_already_succeeded(scene: Scene) -> Ask:
    order, transaction_id = scene.create_order_with_payment()
    scene.expect(transaction_id=transaction_id)
    return post_payment(scene, payment_of(order))


def order_not_payable(scene: Scene) -> Ask:
    scene.expect(current_status="cancelled")
    return post_payment(scene, payment_of(scene.create_cancelled_order()))


def order_not_payable_once_paid(scene: Scene) -> Ask:
    scene.expect(current_status="paid")
    return post_payment(scene, payment_of(scene.alice.buy()[0]))


def too_many_attempts(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    for _ in range(10):
        # Refusals that never reached the gateway, and gateways that never charged, do not count.
        assert scene.alice.pay(order, "tok_unavailable").status_code == 503
        assert scene.alice.pay(order, "tok_unheard").status_code == 422
        assert scene.alice.pay(order, "tok_chargeDeclined").status_code == 402
    scene.expect(declined_payments=10, limit=10)
    return post_payment(scene, payment_of(order))


def insufficient_scope_to_fulfil(scene: Scene) -> Ask:
    order, _ = scene.alice.buy()
    scene.expect(required_scope="orders:manage")
    return lambda: scene.alice.fulfil(order)


def insufficient_scope_to_refund(scene: Scene) -> Ask:
    order, _ = scene.alice.buy()
    scene.expect(required_scope="orders:manage")
    return lambda: scene.alice.refund(order)


def order_not_found_to_fulfil(scene: Scene) -> Ask:
    return lambda: scene.staff.fulfil({"id": "ord_01K0000000000000000000000Z"})


def order_not_found_to_refund(scene: Scene) -> Ask:
    return lambda: scene.staff.refund({"id": "ord_01K0000000000000000000000Z"})


def invalid_transition_to_fulfilled(scene: Scene) -> Ask:
    order = scene.alice.create_order()
    scene.expect(current_status="created", requested_status="fulfilled", allowed_transitions=["paid", "cancelled"])
    return lambda: scene.staff.fulfil(order)


def invalid_transition_to_refunded(scene: Scene) -> Ask:
    order, _ = scene.create_order_with_payment()
    scene.expect(current_status="created", requested_status="refunded", allowed_transitions=["paid", "cancelled"])
    return lambda: scene.staff.refund(order)


def refund_exceeds_payment(scene: Scene) -> Ask:
    order, _ = scene.alice.buy(("mug", 1))
    assert scene.staff.refund(order, amount=800).status_code == 201
    scene.expect(requested_amount=1001, refundable_amount=1000, currency="usd")
    return lambda: scene.staff.refund(order, amount=1001)


def idempotency_key_required_to_refund(scene: Scene) -> Ask:
    order, _ = scene.alice.buy()
    return lambda: scene.staff.ask("POST", f"/orders/{order['id']}/refunds", {})


def idempotency_key_reused_to_refund(scene: Scene) -> Ask:
    order, _ = scene.alice.buy(("mug", 1))
    key = new_key()
    assert scene.staff.refund(order, amount=800, key=key).status_code == 201
    return lambda: scene.staff.refund(order, amount=700, key=key)


def invalid_signature(scene: Scene) -> Ask:
    event = b'{"id": "evt_1", "data": {"object": {}}}'
    signed = {"stripe-signature": "t=1769860800,v1=00"}
    return lambda: scene.alice.ask("POST", "/webhooks/stripe", event, headers=signed)


REFUSALS: list[Any] = [
    pytest.param(scene, status, code, id=scene.__name__, marks=pytest.mark.proves(*requirements.split()))
    for scene, status, code, requirements in [
        (invalid_json, 400, "invalid_json", "FR-005"),
        (validation_error, 422, "validation_error", "FR-006"),
        (validation_error_of_a_limit, 422, "validation_error", "FR-107"),
        (validation_error_of_a_status, 422, "validation_error", "FR-108"),
        (validation_error_of_a_currency, 422, "validation_error", "FR-118"),
        (card_number_refused, 422, "card_number_refused", "FR-007"),
        (idempotency_key_required, 400, "idempotency_key_required", "FR-009"),
        (idempotency_key_required_to_pay, 400, "idempotency_key_required", "FR-009"),
        (idempotency_key_conflict, 400, "idempotency_key_conflict", "FR-009"),
        (idempotency_key_reused, 422, "idempotency_key_reused", "FR-011"),
        (idempotency_key_reused_to_pay, 422, "idempotency_key_reused", "FR-011"),
        (product_not_found, 422, "product_not_found", "FR-103"),
        (price_changed, 409, "price_changed", "FR-104"),
        (amount_out_of_range, 422, "amount_out_of_range", "FR-105"),
        (invalid_cursor, 400, "invalid_cursor", "FR-109"),
        (invalid_cursor_of_another_customer, 400, "invalid_cursor", "FR-109"),
        (order_not_found, 404, "order_not_found", "FR-110"),
        (order_not_found_by_a_long_id, 404, "order_not_found", "FR-110"),
        (order_not_found_for_another_customer, 404, "order_not_found", "FR-003"),
        (order_not_found_to_pay_another_customers, 404, "order_not_found", "FR-003"),
        (order_not_found_to_cancel_another_customers, 404, "order_not_found", "FR-003"),
        (order_not_found_to_audit_another_customers, 404, "order_not_found", "FR-003"),
        (order_not_found_to_mark_another_customers_paid, 404, "order_not_found", "FR-003"),
        (payment_not_found, 404, "payment_not_found", "FR-024"),
        (payment_not_found_for_another_customer, 404, "payment_not_found", "FR-003"),
        (payment_not_found_to_mark_paid, 404, "payment_not_found", "FR-003 FR-027"),
        (payment_not_succeeded, 409, "payment_not_succeeded", "FR-027"),
        (payment_not_succeeded_while_open, 409, "payment_not_succeeded", "FR-027"),
        (payment_mismatch, 409, "payment_mismatch", "FR-027"),
        (order_already_paid, 409, "order_already_paid", "FR-027"),
        (invalid_transition_to_paid, 409, "invalid_transition", "FR-027 FR-116"),
        (invalid_transition_to_cancelled, 409, "invalid_transition", "FR-113 FR-116"),
        (payment_in_progress, 409, "payment_in_progress", "FR-023"),
        (payment_in_progress_to_cancel, 409, "payment_in_progress", "FR-113"),
        (payment_in_progress_to_cancel_a_charged_order, 409, "payment_in_progress", "FR-113"),
        (invalid_token, 422, "invalid_token", "FR-020"),
        (amount_mismatch, 422, "amount_mismatch", "FR-021"),
        (amount_mismatch_of_the_currency, 422, "amount_mismatch", "FR-021"),
        (payment_already_succeeded, 409, "payment_already_succeeded", "FR-023"),
        (order_not_payable, 409, "order_not_payable", "FR-023"),
        (order_not_payable_once_paid, 409, "order_not_payable", "FR-023"),
        (too_many_attempts, 429, "too_many_attempts", "FR-022"),
        (insufficient_scope_to_fulfil, 403, "insufficient_scope", "FR-215"),
        (insufficient_scope_to_refund, 403, "insufficient_scope", "FR-215"),
        (order_not_found_to_fulfil, 404, "order_not_found", "FR-217"),
        (order_not_found_to_refund, 404, "order_not_found", "FR-210"),
        (invalid_transition_to_fulfilled, 409, "invalid_transition", "FR-217 FR-116"),
        (invalid_transition_to_refunded, 409, "invalid_transition", "FR-210 FR-116"),
        (refund_exceeds_payment, 409, "refund_exceeds_payment", "FR-211"),
        (idempotency_key_required_to_refund, 400, "idempotency_key_required", "FR-212"),
        (idempotency_key_reused_to_refund, 422, "idempotency_key_reused", "FR-212"),
        (invalid_signature, 400, "invalid_signature", "FR-224"),
    ]
]

PRODUCED_BELOW = {"card_declined", "gateway_unavailable", "idempotency_in_progress"}
NOT_A_CLIENTS_DOING = {
    "store_unavailable": "DynamoDB must fail: tests/integration",
    "unhealthy": "a table must be gone: tests/integration",
    "refund_failed": "the gateway must refuse: test_recovery.py, where its table can be reached",
}


def read_tables(checkout: Checkout) -> dict[str, list[str]]:
    return checkout.read_tables() if checkout.database else {}


def assert_is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem.get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(problem) >= PROBLEM_MEMBERS
    assert problem["status"] == status
    assert problem["type"] == f"/problems/{code}"
    return problem


@pytest.mark.proves("FR-004")
@pytest.mark.parametrize(("prepare", "status", "code"), REFUSALS)
def test_a_refusal_says_why_and_changes_nothing(
    prepare: Callable[[Scene], Ask],
    status: int,
    code: str,
    alice: Customer,
    bob: Customer,
    staff: Customer,
    checkout: Checkout,
) -> None:
    scene = Scene(alice, bob, staff)
    ask = prepare(scene)
    before = read_tables(checkout)
    answer = ask()
    problem = assert_is_problem(answer, status, code)
    assert {name: problem.get(name) for name in scene.facts} == scene.facts
    assert read_tables(checkout) == before


@pytest.mark.proves("FR-012")
def test_a_request_whose_twin_is_still_running_is_told_to_wait(alice: Customer) -> None:
    order = alice.create_order()
    key = new_key()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: alice.pay(order, "tok_slow", key=key), range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            assert int(answer.headers["retry-after"]) > 0
            assert_is_problem(answer, 409, "idempotency_in_progress")


# These reached the gateway: the attempt is on record, and the order is for its customer as it was.


@pytest.mark.proves("FR-017", "FR-019")
@pytest.mark.parametrize(
    ("token", "status", "code"),
    [("tok_chargeDeclined", 402, "card_declined"), ("tok_unavailable", 503, "gateway_unavailable")],
)
def test_a_refusal_by_the_gateway_leaves_the_order_payable_and_the_attempt_on_record(
    alice: Customer, checkout: Checkout, token: str, status: int, code: str
) -> None:
    order = alice.create_order()
    before = read_tables(checkout)
    answer = alice.pay(order, token)
    assert_is_problem(answer, status, code)
    assert (status == 503) == ("retry-after" in answer.headers)
    changed = {name for name, items in read_tables(checkout).items() if items != before[name]}
    attempt = {
        "OrdersTable",
        "PaymentsTable",
        "AuditTable",
        "SimulatedGatewayTable",
        "IdempotencyTable",
        "DeclinesTable",
    }
    assert changed in (attempt, set()), "none where none can be read"
    assert alice.ask("GET", f"/orders/{order['id']}").json() == order
    assert alice.pay(order).status_code == 201


@pytest.mark.proves("FR-013", "FR-019")
def test_a_refusal_is_not_kept(alice: Customer) -> None:
    order = alice.create_order()
    key = new_key()
    first = alice.pay(order, "tok_unavailable", key=key)
    again = alice.pay(order, "tok_unavailable", key=key)
    assert (first.status_code, again.status_code) == (503, 503)
    assert "idempotent-replayed" not in again.headers
    assert first.json()["request_id"] != again.json()["request_id"]


@pytest.mark.proves("FR-003")
def test_another_customers_order_is_told_as_one_that_does_not_exist(alice: Customer, bob: Customer) -> None:
    order, transaction_id = bob.buy()
    nowhere = "ord_01K0000000000000000000000Z"
    for method, path, body in [
        ("GET", "/orders/{}", None),
        ("GET", "/orders/{}/audit", None),
        ("POST", "/orders/{}/cancel", None),
        ("PATCH", "/orders/{}/pay", {"transaction_id": transaction_id}),
    ]:
        theirs, none = (alice.ask(method, path.format(order_id), body) for order_id in (order["id"], nowhere))
        assert theirs.status_code == none.status_code == 404
        assert theirs.json() | {"request_id": ""} == none.json() | {"request_id": ""}


def leaves(error: type[CheckoutError]) -> list[type[CheckoutError]]:
    return [leaf for child in error.__subclasses__() for leaf in leaves(child)] or [error]


@pytest.mark.proves("FR-004")
def test_every_code_is_produced_here() -> None:
    produced = {parameters.values[2] for parameters in REFUSALS} | PRODUCED_BELOW
    assert produced | set(NOT_A_CLIENTS_DOING) == {leaf.code for leaf in leaves(CheckoutError)}


PROTECTED = [
    ("POST", "/orders"),
    ("GET", "/orders"),
    ("GET", "/orders/ord_01K0000000000000000000000Z"),
    ("GET", "/orders/ord_01K0000000000000000000000Z/audit"),
    ("PATCH", "/orders/ord_01K0000000000000000000000Z/pay"),
    ("POST", "/orders/ord_01K0000000000000000000000Z/cancel"),
    ("POST", "/orders/ord_01K0000000000000000000000Z/fulfil"),
    ("POST", "/orders/ord_01K0000000000000000000000Z/refunds"),
    ("POST", "/pay"),
    ("GET", "/payments/pay_01K0000000000000000000000Z_001"),
    ("GET", "/products"),
]


@pytest.mark.proves("FR-001", "FR-002")
@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_every_route_of_customers_and_staff_wants_a_token(http: httpx.Client, method: str, path: str) -> None:
    assert http.request(method, path).status_code == 401
    expired, foreign = issue_token("alice", seconds=-60), issue_token("alice", aud="another")
    for authorization in ("x", "Bearer", "Bearer x", "Bearer a.b.c", f"Bearer {expired}", f"Bearer {foreign}", expired):
        answer = http.request(method, path, headers={"authorization": authorization})
        assert answer.status_code in {401, 403}


@pytest.mark.proves("FR-002")
def test_a_customer_is_who_the_token_says(http: httpx.Client) -> None:
    one, other = make_customer(http, "carol"), make_customer(http, "bob")
    order = one.create_order()
    assert one.ask("GET", f"/orders/{order['id']}").status_code == 200
    assert other.ask("GET", f"/orders/{order['id']}").status_code == 404
