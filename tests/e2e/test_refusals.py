"""Every refusal of the contract, over HTTP; after each the tables are as they were."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from checkout.errors import CheckoutError
from local.keys import issue_token
from tests.e2e.conftest import Checkout, Customer, make_customer, new_key
from tests.e2e.situations import find_situation, set_scene

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
REFUSALS: list[Any] = [
    pytest.param(place, status, code, marks=pytest.mark.proves(*proven.split()))
    for place, status, code, proven in [
        ("create_order invalid_json", 400, "invalid_json", "FR-005"),
        ("create_order validation_error", 422, "validation_error", "FR-006"),
        ("create_order another_currency", 422, "validation_error", "FR-118"),
        ("create_order idempotency_key_required", 400, "idempotency_key_required", "FR-009"),
        ("create_order idempotency_key_conflict", 400, "idempotency_key_conflict", "FR-009"),
        ("create_order order_key_reused", 422, "idempotency_key_reused", "FR-011"),
        ("create_order product_not_found", 422, "product_not_found", "FR-103"),
        ("create_order price_changed", 409, "price_changed", "FR-104"),
        ("create_order amount_out_of_range", 422, "amount_out_of_range", "FR-105"),
        ("list_orders limit_out_of_range", 422, "validation_error", "FR-107"),
        ("list_orders no_such_status", 422, "validation_error", "FR-108"),
        ("list_orders cursor_altered", 400, "invalid_cursor", "FR-109"),
        ("list_orders cursor_of_another_customer", 400, "invalid_cursor", "FR-109"),
        ("get_order order_not_found", 404, "order_not_found", "FR-110"),
        ("get_order another_customers_order", 404, "order_not_found", "FR-003"),
        ("get_order_audit another_customers_trail", 404, "order_not_found", "FR-003"),
        ("cancel_order another_customers_order_to_cancel", 404, "order_not_found", "FR-003"),
        ("cancel_order paid_order_to_cancel", 409, "invalid_transition", "FR-113 FR-116"),
        ("cancel_order order_being_paid_to_cancel", 409, "payment_in_progress", "FR-113"),
        ("cancel_order charged_order_to_cancel", 409, "payment_in_progress", "FR-113"),
        ("mark_order_paid another_customers_order_to_mark", 404, "order_not_found", "FR-003"),
        ("mark_order_paid another_customers_payment_to_mark", 404, "payment_not_found", "FR-003 FR-027"),
        ("mark_order_paid declined_payment_to_mark", 409, "payment_not_succeeded", "FR-027"),
        ("mark_order_paid open_payment_to_mark", 409, "payment_not_succeeded", "FR-027"),
        ("mark_order_paid payment_mismatch", 409, "payment_mismatch", "FR-027"),
        ("mark_order_paid order_already_paid", 409, "order_already_paid", "FR-027"),
        ("mark_order_paid cancelled_order_to_mark", 409, "invalid_transition", "FR-027 FR-116"),
        ("pay card_number_refused", 422, "card_number_refused", "FR-007"),
        ("pay idempotency_key_required", 400, "idempotency_key_required", "FR-009"),
        ("pay payment_key_reused", 422, "idempotency_key_reused", "FR-011"),
        ("pay another_customers_order_to_pay", 404, "order_not_found", "FR-003"),
        ("pay payment_in_progress", 409, "payment_in_progress", "FR-023"),
        ("pay payment_already_succeeded", 409, "payment_already_succeeded", "FR-023"),
        ("pay cancelled_order_to_pay", 409, "order_not_payable", "FR-023"),
        ("pay paid_order_to_pay", 409, "order_not_payable", "FR-023"),
        ("pay invalid_token", 422, "invalid_token", "FR-020"),
        ("pay amount_mismatch", 422, "amount_mismatch", "FR-021"),
        ("pay currency_mismatch", 422, "amount_mismatch", "FR-021"),
        ("pay too_many_declines", 429, "too_many_attempts", "FR-022"),
        ("get_payment payment_not_found", 404, "payment_not_found", "FR-024"),
        ("get_payment another_customers_payment", 404, "payment_not_found", "FR-003"),
        ("fulfil_order customer_fulfils", 403, "insufficient_scope", "FR-215"),
        ("fulfil_order order_not_found", 404, "order_not_found", "FR-217"),
        ("fulfil_order unpaid_order_to_fulfil", 409, "invalid_transition", "FR-217 FR-116"),
        ("refund_order customer_refunds", 403, "insufficient_scope", "FR-215"),
        ("refund_order order_not_found", 404, "order_not_found", "FR-210"),
        ("refund_order unpaid_order_to_refund", 409, "invalid_transition", "FR-210 FR-116"),
        ("refund_order refund_exceeds_payment", 409, "refund_exceeds_payment", "FR-211"),
        ("refund_order idempotency_key_required", 400, "idempotency_key_required", "FR-212"),
        ("refund_order refund_key_reused", 422, "idempotency_key_reused", "FR-212"),
        ("receive_stripe_event invalid_signature", 400, "invalid_signature", "FR-224"),
    ]
]

MOST_ROUNDS = 5
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
@pytest.mark.parametrize(("place", "status", "code"), REFUSALS)
def test_a_refusal_says_why_and_changes_nothing(
    place: str, status: int, code: str, http: httpx.Client, checkout: Checkout
) -> None:
    operation, name = place.split()
    scene = set_scene(http, checkout)
    ask = find_situation(operation, name).prepare(scene)
    before = read_tables(checkout)
    answer = ask()
    problem = assert_is_problem(answer, status, code)
    assert {name: problem.get(name) for name in scene.facts} == scene.facts
    assert read_tables(checkout) == before


@pytest.mark.proves("FR-110")
def test_an_order_with_a_long_id_is_not_there(alice: Customer) -> None:
    assert_is_problem(alice.ask("GET", f"/orders/{'x' * 3000}"), 404, "order_not_found")


@pytest.mark.proves("FR-012")
def test_a_request_whose_twin_is_still_running_is_told_to_wait(alice: Customer) -> None:
    """On a machine that is too busy for three requests in the time of one, one that comes late gets its answer: they
    are made again, of another order."""
    for _ in range(MOST_ROUNDS):
        order, key = alice.create_order(), new_key()
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: alice.pay(order, "tok_slow", key=key), range(3)))
        statuses = sorted(answer.status_code for answer in answers)
        assert [answer.json()["duplicate"] for answer in answers if answer.status_code == 201].count(False) == 1
        if statuses == [201, 409, 409]:
            break
    assert statuses == [201, 409, 409]
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
