"""The generated client at work: a purchase, its refusals, and what happens when nobody calls again, over HTTP."""

import asyncio
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from checkout_client import AuthenticatedClient, Client
from checkout_client.api.catalogue import list_products
from checkout_client.api.operation import health
from checkout_client.api.orders import cancel_order, create_order, get_order, get_order_audit, list_orders
from checkout_client.api.payments import get_payment, mark_order_paid, pay
from checkout_client.api.staff import fulfil_order, refund_order
from checkout_client.models import (
    AuditTrail,
    CardDeclined,
    CreateOrderBody,
    GatewayMessage,
    Health,
    InsufficientScope,
    InvalidTransition,
    MarkOrderPaidBody,
    Order,
    OrderLineBody,
    OrderPage,
    OrderStatus,
    PayBody,
    Payment,
    PaymentInProgress,
    PaymentPending,
    PaymentResult,
    ProductList,
    Refund,
    RefundOrderBody,
    ValidationFailed,
)

from checkout.caller import STAFF_SCOPE
from local.keys import issue_token
from local.template import ROOT
from tests.e2e.conftest import Checkout, new_key
from tests.e2e.test_recovery import wait_for

SCHEDULES = True
README = ROOT / "clients" / "python" / "README.md"


def open_client(checkout: Checkout, customer: str = "alice", scope: str = "") -> AuthenticatedClient:
    """Of a customer whom nobody has seen before."""
    token = issue_token(f"{customer}-{uuid.uuid4()}", scope=scope)
    return AuthenticatedClient(checkout.base_url, token, httpx_args={"trust_env": False})


@pytest.fixture
def alice(checkout: Checkout) -> AuthenticatedClient:
    return open_client(checkout)


@pytest.fixture
def staff(checkout: Checkout) -> AuthenticatedClient:
    return open_client(checkout, "sam", STAFF_SCOPE)


def new_order(client: AuthenticatedClient, product_id: str = "mug", quantity: int = 2) -> Order:
    body = CreateOrderBody(items=[OrderLineBody(product_id, quantity)])
    order = create_order.sync(client=client, body=body, idempotency_key=new_key())
    assert isinstance(order, Order)
    return order


def pay_for(client: AuthenticatedClient, order: Order, token: str = "tok_visa", key: str | None = None) -> Any:
    body = PayBody(order_id=order.id, token=token, amount=order.total_amount, currency=order.currency)
    return pay.sync(client=client, body=body, idempotency_key=key or new_key())


def buy(client: AuthenticatedClient) -> Order:
    order = new_order(client)
    body = MarkOrderPaidBody(pay_for(client, order).transaction_id)
    paid = mark_order_paid.sync(order.id, client=client, body=body)
    assert isinstance(paid, Order)
    return paid


@pytest.mark.proves("FR-507")
def test_a_customer_orders_pays_and_sees_the_paid_order_on_top(alice: AuthenticatedClient) -> None:
    products = list_products.sync(client=alice)
    assert isinstance(products, ProductList)
    assert {"mug", "tea"} <= {product.product_id for product in products.products}
    new_order(alice, "whisk")
    order = new_order(alice)
    assert (order.status, order.total_amount, order.currency) == (OrderStatus.CREATED, 3600, "usd")
    paid = pay_for(alice, order)
    assert isinstance(paid, PaymentResult)
    assert paid.duplicate is False
    linked = mark_order_paid.sync(order.id, client=alice, body=MarkOrderPaidBody(paid.transaction_id))
    assert isinstance(linked, Order)
    assert linked.payment_transaction_id == paid.transaction_id
    page = list_orders.sync(client=alice, limit=1)
    assert isinstance(page, OrderPage)
    assert [(each.id, each.status) for each in page.orders] == [(order.id, OrderStatus.PAID)]
    older = list_orders.sync(client=alice, cursor=str(page.next_cursor))
    assert isinstance(older, OrderPage)
    assert (len(older.orders), older.next_cursor) == (1, None)
    payment = get_payment.sync(paid.transaction_id, client=alice)
    assert isinstance(payment, Payment)
    assert payment.status == "succeeded"
    trail = get_order_audit.sync(order.id, client=alice)
    assert isinstance(trail, AuditTrail)
    assert [entry.event for entry in trail.entries][-1] == "order_paid"


@pytest.mark.proves("FR-507")
def test_the_same_request_again_is_answered_again(alice: AuthenticatedClient) -> None:
    order = new_order(alice)
    body = PayBody(order_id=order.id, token="tok_visa", amount=order.total_amount, currency=order.currency)
    first, again = (pay.sync_detailed(client=alice, body=body, idempotency_key="once") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert isinstance(first.parsed, PaymentResult)
    assert isinstance(again.parsed, PaymentResult)
    assert (again.parsed.transaction_id, again.parsed.duplicate) == (first.parsed.transaction_id, True)


@pytest.mark.proves("FR-507")
def test_a_refusal_has_a_class_with_its_facts(alice: AuthenticatedClient) -> None:
    order = new_order(alice)
    declined = pay_for(alice, order, "tok_chargeDeclinedExpiredCard")
    assert isinstance(declined, CardDeclined)
    assert (declined.code, declined.decline_code) == ("card_declined", "expired_card")
    pay_for(alice, order)
    held = cancel_order.sync(order.id, client=alice)
    assert isinstance(held, PaymentInProgress)
    paid = cancel_order.sync(buy(alice).id, client=alice)
    assert isinstance(paid, InvalidTransition)
    assert paid.allowed_transitions == ["fulfilled", "refunded"]
    wrong = create_order.sync(client=alice, body=CreateOrderBody(items=[]), idempotency_key=new_key())
    assert isinstance(wrong, ValidationFailed)
    assert [error.field for error in wrong.errors] == ["items"]


@pytest.mark.proves("FR-507")
def test_staff_fulfil_and_refund_and_others_do_not(
    alice: AuthenticatedClient, staff: AuthenticatedClient, checkout: Checkout
) -> None:
    order = buy(alice)
    refused = fulfil_order.sync(order.id, client=alice)
    assert isinstance(refused, InsufficientScope)
    stranger = AuthenticatedClient(checkout.base_url, "not.a.token", httpx_args={"trust_env": False})
    assert isinstance(fulfil_order.sync(order.id, client=stranger), GatewayMessage)
    fulfilled = fulfil_order.sync(order.id, client=staff)
    assert isinstance(fulfilled, Order)
    assert fulfilled.status is OrderStatus.FULFILLED
    body = RefundOrderBody(amount=600, reason="one handle was off")
    refund = refund_order.sync(order.id, client=staff, body=body, idempotency_key=new_key())
    assert isinstance(refund, Refund)
    assert (refund.amount, refund.status) == (600, "succeeded")


@pytest.mark.proves("FR-507", "FR-206")
def test_a_payment_that_nobody_comes_back_for_is_settled(alice: AuthenticatedClient) -> None:
    charged, lost = new_order(alice), new_order(alice, "tea")
    key = new_key()
    for order, token in ((charged, "tok_timeoutAfterCharge"), (lost, "tok_timeoutBeforeCharge")):
        pending = pay_for(alice, order, token, key if order is charged else None)
        assert isinstance(pending, PaymentPending)

    def look(order: Order) -> Any:
        return get_order.sync(order.id, client=alice)

    wait_for(lambda: look(charged).status is OrderStatus.PAID)
    result = pay_for(alice, charged, "tok_timeoutAfterCharge", key)
    assert isinstance(result, PaymentResult)
    assert result.transaction_id == look(charged).payment_transaction_id
    wait_for(lambda: isinstance(pay_for(alice, lost), PaymentResult))
    assert look(lost).status is OrderStatus.CREATED


@pytest.mark.proves("FR-507")
def test_it_can_be_awaited(alice: AuthenticatedClient, checkout: Checkout) -> None:
    async def ask() -> list[Any]:
        anybody = Client(checkout.base_url, httpx_args={"trust_env": False})
        return list(await asyncio.gather(health.asyncio(client=anybody), list_products.asyncio(client=alice)))

    with ThreadPoolExecutor() as thread:  # in this one a browser's loop may be running
        working, products = thread.submit(asyncio.run, ask()).result()
    assert isinstance(working, Health)
    assert isinstance(products, ProductList)


@pytest.mark.proves("FR-509")
def test_what_the_readme_shows_runs(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.setenv("TOKEN", issue_token(f"alice-{uuid.uuid4()}"))
    shown: dict[str, Any] = {}
    exec(code.replace("http://127.0.0.1:3000", checkout.base_url), shown)  # noqa: S102 - it is ours
    order: Any = shown["order"]
    assert order.status is OrderStatus.PAID
