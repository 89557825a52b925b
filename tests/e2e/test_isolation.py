"""Nobody gets in without a good token, and nobody learns of another's orders and payments: neither by what is answered
nor by how long it takes. Every route of the template is here, or is told not to need it."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from checkout.cursor import CursorSigner
from local.dynamodb_local import DynamoDBLocal
from local.keys import DATA
from local.template import read_template
from tests.bad_tokens import BAD_TOKENS
from tests.e2e.conftest import BASE_URL, Customer, make_customer, new_key, open_runtime, payment_of

NO_ORDER, NO_PAYMENT = "ord_01K0000000000000000000000Z", "pay_01K0000000000000000000000Z_001"
ROUNDS = 60
TRIES = 5
NOISE = 1.5


@dataclass(frozen=True)
class Ids:
    """Of an order, its payment, and a page of orders; of somebody else, or of nobody. And an order of the asker's."""

    order: str
    payment: str
    cursor: str
    own_order: str

    def of_nobody(self) -> "Ids":
        cursor = CursorSigner("forged", clock=lambda: datetime.now(UTC)).sign(NO_ORDER, "nobody", None)
        return replace(self, order=NO_ORDER, payment=NO_PAYMENT, cursor=cursor)


Ask = Callable[[Customer, Ids], httpx.Response]


def pay(customer: Customer, ids: Ids) -> httpx.Response:
    order = {"id": ids.order, "total_amount": 4850, "currency": "usd"}
    return customer.ask("POST", "/pay", payment_of(order), key=new_key())


# What a customer asks with ids that are not theirs: by route, and what is particular about it.
WITH_IDS: dict[str, Ask] = {
    "GET /orders/{order_id}": lambda customer, ids: customer.ask("GET", f"/orders/{ids.order}"),
    "GET /orders/{order_id}/audit": lambda customer, ids: customer.ask("GET", f"/orders/{ids.order}/audit"),
    "POST /orders/{order_id}/cancel": lambda customer, ids: customer.ask("POST", f"/orders/{ids.order}/cancel"),
    "PATCH /orders/{order_id}/pay": lambda customer, ids: customer.mark_paid({"id": ids.order}, ids.payment),
    "PATCH /orders/{order_id}/pay, of an own order": lambda customer, ids: customer.mark_paid(
        {"id": ids.own_order}, ids.payment
    ),
    "POST /orders/{order_id}/fulfil": lambda customer, ids: customer.fulfil({"id": ids.order}),
    "POST /orders/{order_id}/refunds": lambda customer, ids: customer.refund({"id": ids.order}),
    "GET /payments/{transaction_id}": lambda customer, ids: customer.ask("GET", f"/payments/{ids.payment}"),
    "POST /pay": pay,
    "GET /orders, from a cursor on": lambda customer, ids: customer.ask("GET", f"/orders?cursor={ids.cursor}"),
}
REFUSED_WITH = {
    "POST /orders/{order_id}/fulfil": 403,
    "POST /orders/{order_id}/refunds": 403,
    "GET /orders, from a cursor on": 400,
}
FOR_STAFF = {"POST /orders/{order_id}/fulfil", "POST /orders/{order_id}/refunds"}
WITHOUT_IDS = {"POST /orders", "GET /products"}
FILES = {"GET /", "GET /web/{file+}", "GET /docs", "GET /openapi.json"}
FOR_ALL = {"GET /health", "POST /webhooks/stripe", *FILES}
ROUTES = {f"{route.method} {route.path}": route for route in read_template().routes}


@pytest.fixture(scope="module")
def alice(http: httpx.Client) -> Customer:
    return make_customer(http, "alice")


@pytest.fixture(scope="module")
def bobs(http: httpx.Client, alice: Customer) -> Ids:
    return make_ids(http, alice)


def make_ids(http: httpx.Client, asker: Customer) -> Ids:
    """Of a paid order of somebody else's."""
    bob = make_customer(http, "bob")
    bob.create_order()
    order, payment_id = bob.buy()
    cursor = bob.ask("GET", "/orders?limit=1").json()["next_cursor"]
    return Ids(order["id"], payment_id, cursor, asker.create_order()["id"])


@pytest.mark.proves("FR-310")
def test_every_route_is_looked_at() -> None:
    assert {case.partition(",")[0] for case in WITH_IDS} | WITHOUT_IDS | FOR_ALL == ROUTES.keys()
    assert {name for name, route in ROUTES.items() if route.authorizer is None} == FOR_ALL


@pytest.mark.proves("FR-310", "FR-003")
@pytest.mark.parametrize("case", WITH_IDS)
def test_another_s_ids_are_answered_as_nobody_s(case: str, alice: Customer, bobs: Ids) -> None:
    theirs, nobodys = (WITH_IDS[case](alice, ids) for ids in (bobs, bobs.of_nobody()))
    assert theirs.status_code == nobodys.status_code == REFUSED_WITH.get(case, 404)
    assert describe(theirs) == describe(nobodys)


def describe(answer: httpx.Response) -> tuple[dict[str, Any], dict[str, str]]:
    """All of an answer but its request's id and its date."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "content-length"}}
    return {**answer.json(), "request_id": ""}, headers


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Customer, Ids]]:
    """A customer, and what is somebody else's, where nothing but the checkout and DynamoDB's own kind of store takes
    time: the embedded one takes longer, in the same process, for each item that it finds."""
    running = tmp_path_factory.mktemp("timed") / "running.json"
    with (
        DynamoDBLocal() as database,
        open_runtime(running, database.endpoint) as opened,
        httpx.Client(base_url=opened.base_url, timeout=60, trust_env=False) as http,
    ):
        alice = make_customer(http, "alice")
        yield alice, make_ids(http, alice)


@pytest.mark.proves("FR-310")
@pytest.mark.dynamodb_local
@pytest.mark.skipif(bool(BASE_URL), reason="a network is between")
@pytest.mark.parametrize("case", WITH_IDS)
def test_another_s_ids_take_as_long_as_nobody_s(case: str, timed: tuple[Customer, Ids]) -> None:
    """Within noise. What tells one from the other does so each time that it is measured; noise does not."""
    ratios = []
    for _ in range(TRIES):
        ratios.append(compare_times(case, *timed))
        if 1 / NOISE < ratios[-1] < NOISE:
            return
    pytest.fail(f"another's ids take {', '.join(f'{ratio:.2f}' for ratio in ratios)} times as long as nobody's")


def compare_times(case: str, customer: Customer, bobs: Ids) -> float:
    """How many times as long another's ids take: one after the other, so that what slows the machine slows both."""
    nobodys = bobs.of_nobody()
    taken: dict[Ids, list[float]] = {bobs: [], nobodys: []}
    for number in range(ROUNDS):
        for ids in (bobs, nobodys) if number % 2 else (nobodys, bobs):
            started = time.perf_counter()
            WITH_IDS[case](customer, ids)
            taken[ids].append(time.perf_counter() - started)
    return statistics.median(taken[bobs]) / statistics.median(taken[nobodys])


@pytest.mark.proves("FR-310", "FR-001", "FR-002")
@pytest.mark.parametrize("route", sorted(ROUTES.keys() - FOR_ALL))
def test_no_bad_token_gets_in_anywhere(route: str, http: httpx.Client) -> None:
    method, path = route.split()
    path = path.format(order_id=NO_ORDER, transaction_id=NO_PAYMENT)
    for why, make in BAD_TOKENS.items():
        authorization = make(DATA).strip()
        headers = {"authorization": authorization} if authorization else {}
        answer = http.request(method, path, headers=headers)
        assert answer.status_code in {401, 403}, f"a token {why}"
        assert "code" not in answer.json(), "the function was not called"


@pytest.mark.proves("FR-310", "FR-215")
@pytest.mark.parametrize("route", sorted(FOR_STAFF))
@pytest.mark.parametrize("scope", ["", "orders", "orders:manage:all", "ORDERS:MANAGE", "products:read"])
def test_what_is_for_staff_wants_the_scope(route: str, scope: str, http: httpx.Client, bobs: Ids) -> None:
    answer = WITH_IDS[route](make_customer(http, "mallory", scope=scope), bobs)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
