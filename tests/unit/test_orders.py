from dataclasses import replace
from typing import Any

import pytest

from checkout.audit import AuditHead
from checkout.errors import (
    AmountMismatch,
    AmountOutOfRange,
    CheckoutError,
    InvalidTransition,
    OrderNotPayable,
    PaymentInProgress,
    PriceChanged,
    ProductNotFound,
    TooManyAttempts,
    ValidationFailed,
)
from checkout.money import Money
from checkout.orders import Limits, Order, OrderItem, OrderLine, price_lines
from checkout.products import Product
from checkout.transitions import OrderStatus

AT = "2026-01-31T12:00:00.000Z"
LATER = "2026-01-31T12:00:01.000Z"

PRODUCTS = {
    "mug": Product("mug", "Mug", Money(1200, "usd")),
    "tea": Product("tea", "Tea", Money(450, "usd")),
    "kimono": Product("kimono", "Kimono", Money(9000, "jpy")),
    "gift": Product("gift", "Gift", Money(0, "usd")),
}
HEAD = AuditHead(2, "f" * 64)
EXPECTED = {"expected_amount": 2400, "expected_currency": "usd"}


def make_order(*, total: int = 2400, maximum: int = 1_000_000) -> Order:
    return Order.create(
        order_id="ord_1",
        customer_id="alice",
        items=[OrderItem("mug", "Mug", 1, total)],
        currency="usd",
        metadata={},
        maximum_total=maximum,
        at=AT,
    )


@pytest.mark.proves("FR-101")
def test_items_have_the_catalogues_names_and_prices() -> None:
    currency, items = price_lines([OrderLine("mug", 2), OrderLine("tea", 3, unit_price=450)], PRODUCTS, None)
    assert currency == "usd"
    assert items == [OrderItem("mug", "Mug", 2, 1200), OrderItem("tea", "Tea", 3, 450)]
    assert [item.amount for item in items] == [2400, 1350]


PRICING_REFUSALS: list[Any] = [
    pytest.param(
        [],
        None,
        ValidationFailed,
        {"errors": [{"field": "items", "message": "must not be empty"}]},
        marks=pytest.mark.proves("FR-101"),
        id="nothing",
    ),
    pytest.param(
        [OrderLine("mug", 1), OrderLine("ufo", 1)],
        None,
        ProductNotFound,
        {"product_id": "ufo"},
        marks=pytest.mark.proves("FR-103"),
        id="a product that is not in the catalogue",
    ),
    pytest.param(
        [OrderLine("mug", 1, unit_price=1100)],
        None,
        PriceChanged,
        {"product_id": "mug", "expected": 1100, "current": 1200},
        marks=pytest.mark.proves("FR-104"),
        id="a price that is not the catalogue's",
    ),
    pytest.param(
        [OrderLine("mug", 1), OrderLine("kimono", 1)],
        None,
        ValidationFailed,
        {"errors": [{"field": "items.1.product_id", "message": "is priced in jpy, the order is in usd"}]},
        marks=pytest.mark.proves("FR-118"),
        id="two currencies",
    ),
    pytest.param(
        [OrderLine("mug", 1)],
        "eur",
        ValidationFailed,
        {"errors": [{"field": "items.0.product_id", "message": "is priced in usd, the order is in eur"}]},
        marks=pytest.mark.proves("FR-118"),
        id="another currency than asked for",
    ),
]


@pytest.mark.parametrize(("lines", "currency", "refusal", "facts"), PRICING_REFUSALS)
def test_pricing_refuses(
    lines: list[OrderLine], currency: str | None, refusal: type[CheckoutError], facts: dict[str, Any]
) -> None:
    with pytest.raises(refusal) as refused:
        price_lines(lines, PRODUCTS, currency)
    assert refused.value.facts == facts


@pytest.mark.proves("FR-105")
@pytest.mark.parametrize(("total", "fits"), [(0, False), (1, True), (1_000_000, True), (1_000_001, False)])
def test_a_total_is_from_1_to_the_limit(total: int, fits: bool) -> None:
    if fits:
        assert make_order(total=total).total == Money(total, "usd")
        return
    with pytest.raises(AmountOutOfRange) as refused:
        make_order(total=total)
    assert refused.value.facts == {"total_amount": total, "minimum": 1, "maximum": 1_000_000, "currency": "usd"}


def test_a_new_order_is_created_and_unpaid() -> None:
    assert make_order() == Order(
        order_id="ord_1",
        customer_id="alice",
        status=OrderStatus.CREATED,
        total=Money(2400, "usd"),
        items=(OrderItem("mug", "Mug", 1, 2400),),
        metadata={},
        payment_id=None,
        refunded_amount=0,
        version=1,
        created_at=AT,
        updated_at=AT,
    )


@pytest.mark.proves("FR-014")
def test_a_claim_changes_nothing_that_clients_see() -> None:
    order = make_order()
    claimed = order.claim("pay_1", HEAD)
    assert (claimed.live_payment_id, claimed.payment_attempts, claimed.audit_head) == ("pay_1", 1, HEAD)
    assert replace(claimed, live_payment_id=None, payment_attempts=0, audit_head=order.audit_head) == order


@pytest.mark.proves("FR-017", "FR-022")
@pytest.mark.parametrize(
    ("why", "declines", "payments"), [({"declined": True}, 1, 1), ({"refused": True}, 0, 0), ({}, 0, 1)]
)
def test_declines_count_and_what_the_gateway_never_took_does_not(
    why: dict[str, bool], declines: int, payments: int
) -> None:
    released = make_order().claim("pay_1", HEAD).release("pay_1", **why)
    assert released.live_payment_id is None
    assert (released.declined_payments, released.counted_payments) == (declines, payments)


@pytest.mark.proves("FR-021", "FR-022", "FR-023")
@pytest.mark.parametrize(
    ("change", "money", "refusal", "facts"),
    [
        ({"status": OrderStatus.CANCELLED}, Money(2400, "usd"), OrderNotPayable, {"current_status": "cancelled"}),
        ({"status": OrderStatus.PAID}, Money(2400, "usd"), OrderNotPayable, {"current_status": "paid"}),
        ({}, Money(2399, "usd"), AmountMismatch, EXPECTED),
        ({}, Money(2400, "eur"), AmountMismatch, EXPECTED),
        ({"declined_payments": 10}, Money(2400, "usd"), TooManyAttempts, {"declined_payments": 10, "limit": 10}),
        ({"declined_payments": 9}, Money(2400, "usd"), None, {}),
        ({"payment_attempts": 50}, Money(2400, "usd"), TooManyAttempts, {"payments": 50, "limit": 50}),
        ({"payment_attempts": 49}, Money(2400, "usd"), None, {}),
        ({"payment_attempts": 52, "refused_payments": 3}, Money(2400, "usd"), None, {}),
        (
            {"payment_attempts": 53, "refused_payments": 3},
            Money(2400, "usd"),
            TooManyAttempts,
            {"payments": 50, "limit": 50},
        ),
    ],
)
def test_what_stands_against_a_payment(
    change: dict[str, Any], money: Money, refusal: type[CheckoutError] | None, facts: dict[str, Any]
) -> None:
    order = replace(make_order(), **change)
    if refusal is None:
        order.check_payable(money, Limits(payments=50, declines=10, hourly_declines=20))
        return
    with pytest.raises(refusal) as refused:
        order.check_payable(money, Limits(payments=50, declines=10, hourly_declines=20))
    assert refused.value.facts == facts


@pytest.mark.proves("FR-025")
def test_an_order_that_is_paid_names_its_payment() -> None:
    paid = make_order().claim("pay_1", HEAD).mark_paid("pay_1", at=LATER)
    assert (paid.status, paid.payment_id, paid.version, paid.updated_at) == (OrderStatus.PAID, "pay_1", 2, LATER)


@pytest.mark.proves("FR-112")
def test_an_order_without_a_payment_can_be_cancelled() -> None:
    cancelled = make_order().cancel(at=LATER)
    assert (cancelled.status, cancelled.version, cancelled.updated_at) == (OrderStatus.CANCELLED, 2, LATER)


@pytest.mark.proves("FR-113")
def test_an_order_that_a_payment_holds_cannot_be_cancelled() -> None:
    with pytest.raises(PaymentInProgress) as refused:
        make_order().claim("pay_1", HEAD).cancel(at=LATER)
    assert refused.value.facts == {"transaction_id": "pay_1"}


@pytest.mark.proves("FR-113")
def test_an_order_that_is_paid_cannot_be_cancelled() -> None:
    with pytest.raises(InvalidTransition):
        make_order().claim("pay_1", HEAD).mark_paid("pay_1", at=LATER).cancel(at=LATER)


@pytest.mark.proves("FR-209")
@pytest.mark.parametrize(
    ("holder", "then", "waiting"),
    [(None, "pay_2", ()), ("pay_2", "pay_2", ()), ("pay_1", "pay_1", ("pay_2",))],
    ids=["which none holds", "which it holds", "after another"],
)
def test_a_charge_to_be_returned_holds_an_order(holder: str | None, then: str, waiting: tuple[str, ...]) -> None:
    held = replace(make_order(), live_payment_id=holder).hold("pay_2")
    assert (held.live_payment_id, held.returning_payment_ids) == (then, waiting)
    assert held.hold("pay_2") == held


@pytest.mark.proves("FR-209")
@pytest.mark.parametrize(
    ("released", "then", "waiting"),
    [
        pytest.param("pay_1", "pay_2", ("pay_3",), id="the next one holds it"),
        pytest.param("pay_2", "pay_1", ("pay_3",), id="one that waited is back"),
        pytest.param("pay_3", "pay_1", ("pay_2",), id="or another"),
        pytest.param("pay_4", "pay_1", ("pay_2", "pay_3"), id="one that held nothing"),
    ],
)
def test_an_order_stays_held_while_any_charge_is_on_its_way_back(
    released: str, then: str, waiting: tuple[str, ...]
) -> None:
    order = replace(make_order(), live_payment_id="pay_1").hold("pay_2").hold("pay_3").release(released)
    assert (order.live_payment_id, order.returning_payment_ids) == (then, waiting)


@pytest.mark.proves("FR-210")
@pytest.mark.parametrize("status", OrderStatus)
def test_what_can_be_refunded_is_paid_or_fulfilled(status: OrderStatus) -> None:
    order = make_order()
    order = replace(order, status=status, refunded_amount=order.total.amount)
    if status in {OrderStatus.PAID, OrderStatus.FULFILLED}:
        order.check_refundable()
        return
    with pytest.raises(InvalidTransition) as refused:
        order.check_refundable()
    assert (refused.value.facts["current_status"], refused.value.facts["requested_status"]) == (status, "refunded")


@pytest.mark.proves("FR-233")
def test_an_order_whose_refund_came_back_may_be_refunded_again_and_stays_refunded() -> None:
    order = make_order()
    refunded = replace(order, status=OrderStatus.REFUNDED, refunded_amount=order.total.amount)
    owed = refunded.lose_refund(400, at=LATER)
    assert owed == replace(refunded, refunded_amount=2000, version=2, updated_at=LATER)
    owed.check_refundable()
    again = owed.refund(400, at=LATER)
    assert again == replace(refunded, version=3, updated_at=LATER)
    with pytest.raises(InvalidTransition):
        again.check_refundable()


@pytest.mark.proves("FR-029")
def test_an_order_keeps_the_head_of_its_trail_and_what_it_was_written_with() -> None:
    order = make_order()
    assert order.with_audit_head(HEAD) == replace(order, audit_head=HEAD)
    assert order.written_with(HEAD) == replace(order, audit_head=HEAD, written_at_entry=2)


@pytest.mark.proves("FR-014")
@pytest.mark.parametrize(
    ("changes", "holder"),
    [
        pytest.param({}, "pay_1_001", id="the first payment, if there is one"),
        pytest.param({"payment_attempts": 2}, "pay_1_003", id="the next one"),
        pytest.param({"payment_attempts": 2, "live_payment_id": "pay_1_001"}, "pay_1_001", id="one that is known"),
    ],
)
def test_one_payment_can_hold_an_order(changes: dict[str, Any], holder: str) -> None:
    assert replace(make_order(), **changes).holder_id == holder
