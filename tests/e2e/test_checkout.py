"""The main job, and every route's success, as the contract says."""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Customer, new_key, new_order, payment_of

ORDER_ID = re.compile(r"ord_[0-9A-HJKMNP-TV-Z]{26}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def wait_for_result(customer: Customer, order: dict[str, Any], token: str, key: str) -> httpx.Response:
    """Sends the same request until there is a result, as a client does that is told to come again."""
    for _ in range(300):
        answer = customer.pay(order, token, key=key)
        if answer.status_code not in {202, 409}:
            return answer
        time.sleep(0.1)
    return answer


@pytest.mark.proves("FR-014", "FR-016", "FR-025", "FR-101", "FR-107")
def test_a_customer_orders_pays_and_sees_the_paid_order_on_top(alice: Customer) -> None:
    alice.create_order(("whisk", 1))
    order = alice.create_order(("mug", 2), ("tea", 1))
    assert order["total_amount"] == 2 * 1800 + 1250

    paid = alice.pay(order)
    assert paid.status_code == 201
    transaction_id = paid.json()["transaction_id"]
    assert alice.ask("GET", f"/orders/{order['id']}").json() == order, "pay leaves the order as it was"

    linked = alice.mark_paid(order, transaction_id)
    assert linked.status_code == 200
    assert linked.json()["status"] == "paid"
    assert linked.json()["payment_transaction_id"] == transaction_id

    first, *older = alice.ask("GET", "/orders").json()["orders"]
    assert (first["id"], first["status"]) == (order["id"], "paid")
    assert len(older) == 1


@pytest.mark.proves("FR-101", "FR-106", "FR-117")
def test_a_new_order_is_answered_whole(alice: Customer) -> None:
    body = new_order(("mug", 2), currency="USD", metadata={"table": "7"})
    answer = alice.ask("POST", "/orders", body, key=new_key())
    order = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/orders/{order['id']}"
    assert answer.headers["content-type"] == "application/json"
    assert ORDER_ID.fullmatch(order["id"])
    assert TIME.fullmatch(order["created_at"])
    assert order == {
        "id": order["id"],
        "status": "created",
        "total_amount": 3600,
        "currency": "usd",
        "items": [{"product_id": "mug", "name": "Stoneware mug", "quantity": 2, "unit_price": 1800, "amount": 3600}],
        "payment_transaction_id": None,
        "refunded_amount": 0,
        "metadata": {"table": "7"},
        "version": 1,
        "created_at": order["created_at"],
        "updated_at": order["created_at"],
    }


@pytest.mark.proves("FR-110")
def test_an_order_is_read_again_as_it_was_created(alice: Customer) -> None:
    order = alice.create_order()
    answer = alice.ask("GET", f"/orders/{order['id']}")
    assert (answer.status_code, answer.json()) == (200, order)


@pytest.mark.proves("FR-016", "FR-024")
def test_a_payment_that_succeeded_is_answered_whole_and_read_again(alice: Customer) -> None:
    order = alice.create_order(("mug", 2))
    result = alice.pay(order).json()
    assert result == {
        "transaction_id": result["transaction_id"],
        "order_id": order["id"],
        "status": "succeeded",
        "amount": 3600,
        "currency": "usd",
        "duplicate": False,
        "created_at": result["created_at"],
    }
    payment = alice.ask("GET", f"/payments/{result['transaction_id']}").json()
    assert payment == {
        "transaction_id": result["transaction_id"],
        "order_id": order["id"],
        "status": "succeeded",
        "amount": 3600,
        "currency": "usd",
        "refunded_amount": 0,
        "decline_code": None,
        "created_at": result["created_at"],
        "updated_at": payment["updated_at"],
    }


@pytest.mark.proves("FR-028")
@pytest.mark.parametrize("token", ["tok_visa", "tok_mastercard", "tok_amex", "tok_slow"])
def test_tokens_that_succeed(alice: Customer, token: str) -> None:
    started = time.monotonic()
    assert alice.pay(alice.create_order(), token).status_code == 201
    assert token != "tok_slow" or time.monotonic() - started >= 2


@pytest.mark.proves("FR-017", "FR-028")
@pytest.mark.parametrize(
    ("token", "decline_code"),
    [
        ("tok_chargeDeclined", "generic_decline"),
        ("tok_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("tok_chargeDeclinedExpiredCard", "expired_card"),
    ],
)
def test_a_decline_leaves_the_order_payable(alice: Customer, token: str, decline_code: str) -> None:
    order = alice.create_order()
    key = new_key()
    declined = alice.pay(order, token, key=key)
    assert declined.status_code == 402
    assert declined.json()["decline_code"] == decline_code
    again = alice.pay(order, token, key=key)
    assert (again.status_code, again.content) == (402, declined.content), "the same decline again"
    assert again.headers["idempotent-replayed"] == "true"
    payment = alice.ask("GET", f"/payments/{declined.json()['transaction_id']}").json()
    assert (payment["status"], payment["decline_code"]) == ("failed", decline_code)
    assert alice.ask("GET", f"/orders/{order['id']}").json() == order
    assert alice.pay(order).status_code == 201


@pytest.mark.proves("FR-013", "FR-018", "FR-028")
@pytest.mark.parametrize("token", ["tok_timeoutBeforeCharge", "tok_timeoutAfterCharge", "tok_errorAfterCharge"])
def test_an_unknown_outcome_is_pending_and_the_same_key_gets_the_result(alice: Customer, token: str) -> None:
    order = alice.create_order()
    key = new_key()
    pending = alice.pay(order, token, key=key)
    transaction_id = pending.json()["transaction_id"]
    assert pending.status_code == 202
    assert pending.json()["status"] == "pending"
    assert pending.headers["location"] == f"/payments/{transaction_id}"
    assert int(pending.headers["retry-after"]) > 0
    assert alice.ask("GET", pending.headers["location"]).json()["status"] == "pending"
    assert alice.pay(order).json()["code"] == "payment_in_progress"
    result = alice.pay(order, token, key=key)
    assert (result.status_code, result.json()["transaction_id"]) == (201, transaction_id)
    assert alice.mark_paid(order, transaction_id).json()["status"] == "paid"


@pytest.mark.proves("FR-010")
def test_the_same_order_request_gets_the_same_answer_again(alice: Customer) -> None:
    body = new_order(("mug", 1))
    first, again = (alice.ask("POST", "/orders", body, key="same-key") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(alice.ask("GET", "/orders").json()["orders"]) == 1


@pytest.mark.proves("FR-010")
def test_different_keys_are_different_requests(alice: Customer) -> None:
    body = new_order(("mug", 1))
    ids = {alice.ask("POST", "/orders", body, key=new_key()).json()["id"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.proves("FR-010")
def test_a_key_is_one_customers_own(alice: Customer, bob: Customer) -> None:
    body = new_order(("mug", 1))
    ids = {customer.ask("POST", "/orders", body, key="shared").json()["id"] for customer in (alice, bob)}
    assert len(ids) == 2


@pytest.mark.proves("FR-009", "FR-010")
def test_the_key_may_be_quoted_bare_or_in_the_body(alice: Customer) -> None:
    body = new_order(("mug", 1))
    key = new_key()
    answers = [
        alice.ask("POST", "/orders", body, key=key),
        alice.ask("POST", "/orders", body, key=f'"{key}"'),
        alice.ask("POST", "/orders", {**body, "idempotency_key": key}),
        alice.ask("POST", "/orders", {**body, "idempotency_key": key}, key=key),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.proves("FR-010", "FR-012", "FR-014")
def test_a_double_click_charges_once(alice: Customer) -> None:
    order = alice.create_order()
    key = new_key()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: wait_for_result(alice, order, "tok_visa", key), range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["transaction_id"] for answer in answers}) == 1
    assert Counter(answer.json()["duplicate"] for answer in answers) == {False: 1, True: 3}
    events = [entry["event"] for entry in alice.ask("GET", f"/orders/{order['id']}/audit").json()["entries"]]
    assert events == ["order_created", "payment_started", "payment_succeeded"]


@pytest.mark.proves("FR-014", "FR-023")
def test_of_many_payments_with_keys_of_their_own_one_goes_on(alice: Customer) -> None:
    order = alice.create_order()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: alice.pay(order), range(8)))
    codes = Counter(answer.json().get("code", answer.status_code) for answer in answers)
    assert codes[201] == 1
    assert set(codes) <= {201, "payment_in_progress", "payment_already_succeeded"}


@pytest.mark.proves("FR-026")
def test_marking_paid_again_changes_nothing(alice: Customer) -> None:
    order, transaction_id = alice.buy()
    again = alice.mark_paid(order, transaction_id)
    assert (again.status_code, again.json()) == (200, order)


@pytest.mark.proves("FR-112")
def test_an_order_is_cancelled_and_again(alice: Customer) -> None:
    order = alice.create_order()
    cancelled = alice.ask("POST", f"/orders/{order['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"], cancelled.json()["version"]) == (200, "cancelled", 2)
    again = alice.ask("POST", f"/orders/{order['id']}/cancel")
    assert (again.status_code, again.json()) == (200, cancelled.json())


@pytest.mark.proves("FR-111", "FR-029", "FR-030")
def test_the_audit_trail_tells_what_happened_oldest_first(alice: Customer) -> None:
    order = alice.create_order()
    alice.pay(order, "tok_chargeDeclined")
    alice.mark_paid(order, alice.pay(order).json()["transaction_id"])
    answer = alice.ask("GET", f"/orders/{order['id']}/audit")
    entries = answer.json()["entries"]
    assert answer.status_code == 200
    assert [(entry["event"], entry["from"], entry["to"]) for entry in entries] == [
        ("order_created", None, "created"),
        ("payment_started", None, "pending"),
        ("payment_failed", "pending", "failed"),
        ("payment_started", None, "pending"),
        ("payment_succeeded", "pending", "succeeded"),
        ("order_paid", "created", "paid"),
    ]
    assert [entry["sequence"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert [entry["previous_hash"] for entry in entries[1:]] == [entry["hash"] for entry in entries[:-1]]
    members = {"sequence", "at", "actor", "event", "from", "to", "facts", "request_id", "previous_hash", "hash"}
    assert all(set(entry) == members for entry in entries)


@pytest.mark.proves("FR-107", "FR-109")
def test_the_history_comes_in_pages_newest_first(alice: Customer) -> None:
    created = [alice.create_order(("mug", 1))["id"] for _ in range(7)]
    seen: list[str] = []
    cursor = None
    pages = 0
    while pages == 0 or cursor:
        page = alice.ask("GET", "/orders", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [order["id"] for order in page["orders"]]
        cursor = page["next_cursor"]
        pages += 1
    assert seen == sorted(created, reverse=True)
    assert pages == 3


@pytest.mark.proves("FR-108")
def test_the_history_by_status_has_full_pages(alice: Customer) -> None:
    paid = [alice.buy(("mug", 1))[0]["id"] for _ in range(3) if alice.create_order(("tea", 1))]
    page = alice.ask("GET", "/orders", params={"status": "paid", "limit": 3}).json()
    assert [order["id"] for order in page["orders"]] == sorted(paid, reverse=True)
    assert page["next_cursor"] is None
    first = alice.ask("GET", "/orders", params={"status": "created", "limit": 2}).json()
    cursor = {"cursor": first["next_cursor"]}
    second = alice.ask("GET", "/orders", params={"status": "created", "limit": 2, **cursor}).json()
    assert (len(first["orders"]), len(second["orders"]), second["next_cursor"]) == (2, 1, None)


@pytest.mark.proves("FR-107")
def test_a_customer_without_orders_has_an_empty_history(alice: Customer) -> None:
    assert alice.ask("GET", "/orders").json() == {"orders": [], "next_cursor": None}


@pytest.mark.proves("FR-115")
def test_products_can_be_listed(alice: Customer) -> None:
    answer = alice.ask("GET", "/products")
    products = answer.json()["products"]
    assert answer.status_code == 200
    assert len(products) >= 4
    assert {"product_id": "mug", "name": "Stoneware mug", "unit_price": 1800, "currency": "usd"} in products


@pytest.mark.proves("FR-001", "FR-038")
def test_health_needs_no_token(http: httpx.Client) -> None:
    answer = http.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"
    assert set(answer.json()["checks"].values()) == {"ok"}
    assert answer.json()["version"]


@pytest.mark.proves("FR-118", "FR-008")
def test_an_order_is_in_its_products_currency(alice: Customer) -> None:
    order = alice.create_order(("furoshiki", 2))
    assert (order["total_amount"], order["currency"]) == (4800, "jpy")
    upper = alice.ask("POST", "/pay", payment_of(order, currency="JPY"), key=new_key())
    assert (upper.status_code, upper.json()["currency"]) == (201, "jpy")
