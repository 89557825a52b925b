"""Buying in a browser, whatever happens on the way."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.browser.conftest import Open, Visitor, choose, read_order_id
from tests.e2e.conftest import Customer

pytestmark = [pytest.mark.browser]

MOST_MILLISECONDS_APART = 50
MOST_ROUNDS = 10

Calls = Callable[[Visitor], Customer]
Count = Callable[[str], int]


@pytest.fixture
def paying(alice: Visitor, calls: Calls) -> Page:
    """Before the payment of an order."""
    return alice.open(f"#/pay/{calls(alice).create_order()['id']}")


def expect_paid(page: Page) -> None:
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()


def read_keys(visitor: Visitor) -> list[str]:
    return [request.headers["idempotency-key"] for request in visitor.sent_to("POST", "/pay")]


@pytest.mark.proves("FR-405", "FR-410")
def test_the_five_steps(visit: Open) -> None:
    # Where it is noon, and today does not end on the way.
    visitor = visit(signed_in=False, timezone_id=f"Etc/GMT{datetime.now(UTC).hour - 12:+}")
    page = visitor.open()
    page.get_by_role("button", name="alice").click()
    page.get_by_role("button", name="Add Stoneware mug to the basket").click()
    page.get_by_role("button", name="More Stoneware mug").first.click()
    page.get_by_role("button", name="Add Sencha, 100 g to the basket").click()
    page.get_by_role("button", name="Go to payment").click()
    choose(page, "Good card").click()
    expect_paid(page)
    expect(page.get_by_text("$48.50").first).to_be_visible()
    page.get_by_role("link", name="See the order").click()
    expect(page.get_by_text("Order paid")).to_be_visible()
    expect(page.locator(".entry .badge.held")).to_have_count(4)
    page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    top = page.locator(".order-row").first
    expect(top).to_contain_text("Stoneware mug and 1 more")
    expect(top).to_contain_text("Paid")
    expect(top).to_contain_text("$48.50")
    expect(top.locator("time")).to_contain_text("Today")
    assert page.evaluate("Object.keys(localStorage)") == []


@pytest.mark.proves("FR-406")
def test_two_clicks_within_50_ms_are_one_charge(alice: Visitor, calls: Calls, count_charges: Count) -> None:
    """Of a mouse; on a machine that is too busy for two clicks in that time they are made again, of another order."""
    for _ in range(MOST_ROUNDS):
        page = alice.open(f"#/pay/{calls(alice).create_order()['id']}")
        button = choose(page, "Good card")
        clicks = double_click(page, button)
        expect_paid(page)
        expect(page.get_by_text("You clicked twice. Your card was charged once.")).to_be_visible()
        assert count_charges(read_order_id(page)) == 1
        keys = [request.headers["idempotency-key"] for request in list_payments(alice, read_order_id(page))]
        assert len(keys) >= 2
        assert len(set(keys)) == 1
        first, second = clicks
        if second - first < MOST_MILLISECONDS_APART:
            break
        page.close()
    assert second - first < MOST_MILLISECONDS_APART


def double_click(page: Page, button: Locator) -> list[float]:
    """When the browser got each click, in milliseconds; only those of a device are counted."""
    page.evaluate("""() => {
        window.clicks = []
        addEventListener('click', (event) => { if (event.isTrusted) window.clicks.push(event.timeStamp) }, true)
    }""")
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    assert place
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.dblclick(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2, delay=5)
    clicks: list[float] = page.evaluate("window.clicks")
    assert len(clicks) == 2
    return clicks


def list_payments(visitor: Visitor, order_id: str) -> list[Request]:
    """That pay for an order."""
    return [request for request in visitor.sent_to("POST", "/pay") if request.post_data_json["order_id"] == order_id]


@pytest.mark.proves("FR-406", "FR-408")
def test_a_declined_card_is_told_and_another_is_tried(alice: Visitor, paying: Page, count_charges: Count) -> None:
    choose(paying, "Declined").first.click()
    alert = paying.get_by_role("alert")
    expect(alert).to_contain_text("Your bank declined this card. Nothing was charged. Please try another card.")
    expect(alert.locator(".code")).to_contain_text("card_declined")
    choose(paying, "Good card").click()
    expect_paid(paying)
    first, second = read_keys(alice)
    assert first != second, "another card is another payment"
    assert count_charges(read_order_id(paying)) == 1


@pytest.mark.proves("FR-406", "FR-408")
def test_a_double_click_on_a_card_that_is_declined_is_one_attempt_and_told_once(alice: Visitor, paying: Page) -> None:
    paying.evaluate("""() => {
        window.alerts = 0
        const count = (nodes) => [...nodes].filter(({ role }) => role === 'alert').length
        const listen = (changes) => { for (const { addedNodes } of changes) window.alerts += count(addedNodes) }
        new MutationObserver(listen).observe(document.querySelector('.outcome'), { childList: true, subtree: true })
    }""")
    double_click(paying, choose(paying, "Declined").first)
    expect(paying.get_by_role("alert")).to_contain_text("Your bank declined this card.")
    expect(paying.get_by_role("button", name="Try again")).to_be_enabled()
    paying.wait_for_timeout(1500)
    assert paying.evaluate("window.alerts") == 1
    assert len(set(read_keys(alice))) == 1
    choose(paying, "Good card").click()
    expect_paid(paying)
    expect(paying.get_by_text("You clicked twice")).to_have_count(0)


@pytest.mark.proves("FR-406", "FR-408")
def test_the_second_click_of_a_double_click_that_comes_after_the_answer_tries_nothing_again(
    alice: Visitor, paying: Page
) -> None:
    button = choose(paying, "Declined").first
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    assert place
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    paying.mouse.click(x, y)
    expect(paying.get_by_role("alert")).to_contain_text("Your bank declined this card.")
    paying.mouse.down(click_count=2)
    paying.mouse.up(click_count=2)
    paying.wait_for_timeout(500)
    assert len(read_keys(alice)) == 1
    paying.mouse.click(x, y)
    expect(paying.get_by_role("button", name="Try again")).to_be_enabled()
    assert len(read_keys(alice)) == 2


@pytest.mark.proves("FR-406", "FR-416")
def test_what_was_turned_away_from_before_it_was_begun_waits_for_a_click(
    alice: Visitor, paying: Page, count_charges: Count
) -> None:
    address = f"#/pay/{read_order_id(paying)}"
    alice.context.set_offline(True)
    choose(paying, "Slow").click()
    expect(paying.locator(".outcome")).to_contain_text("No connection")
    alice.go(paying, "#/basket")
    alice.context.set_offline(False)
    alice.go(paying, "#/orders")
    expect(paying.locator(".order-row .pill")).to_have_text(["To pay"])
    alice.go(paying, address)
    expect(paying.get_by_role("radio", name="Slow")).to_be_checked()
    paying.wait_for_timeout(500)
    assert count_charges(read_order_id(paying)) == 0
    choose(paying, "Slow").click()
    expect_paid(paying)
    assert count_charges(read_order_id(paying)) == 1


@pytest.mark.proves("FR-406", "FR-416")
def test_what_has_failed_meanwhile_is_not_begun_again_without_a_click(alice: Visitor, paying: Page) -> None:
    address = f"#/pay/{read_order_id(paying)}"
    paying.get_by_text("More cards").click()
    choose(paying, "Times out before the charge").click()
    expect(paying.locator(".outcome")).to_contain_text("Not settled yet")

    def tell_of_failure(route: Route) -> None:
        """As the trail is once it was settled."""
        *others, last = route.fetch().json()["entries"]
        route.fulfill(json={"entries": [*others, last, {**last, "event": "payment_failed", "to": "failed"}]})

    paying.route("**/audit", tell_of_failure)
    alice.go(paying, "#/orders")
    expect(paying.locator(".order-row .pill")).to_have_text(["To pay"])
    asked = len(read_keys(alice))
    alice.go(paying, address)
    expect(paying.get_by_role("radio", name="Good card", exact=False).first).to_be_checked()
    paying.wait_for_timeout(500)
    assert len(read_keys(alice)) == asked


@pytest.mark.proves("FR-406", "FR-407")
@pytest.mark.parametrize("status", [429, 503])
def test_a_gateway_that_is_too_busy_is_asked_again(
    alice: Visitor, paying: Page, count_charges: Count, status: int
) -> None:
    """As API Gateway answers in the checkout's place: without a code, and nothing was done."""
    busy = json.dumps({"message": "Too Many Requests"})
    paying.route("**/pay", lambda route: route.fulfill(status=status, body=busy), times=1)
    choose(paying, "Good card").click()
    expect_paid(paying)
    assert len(set(read_keys(alice))) == 1
    assert count_charges(read_order_id(paying)) == 1


@pytest.mark.proves("FR-406", "FR-407")
def test_a_network_that_is_cut_while_paying_comes_back(alice: Visitor, paying: Page, count_charges: Count) -> None:
    """The card is charged, and the answer does not arrive."""
    cut = []

    def lose_the_answer(route: Route) -> None:
        if cut:
            route.continue_()
            return
        cut.append(route.fetch().status)
        alice.context.set_offline(True)
        route.abort("internetdisconnected")

    paying.route("**/pay", lose_the_answer)
    choose(paying, "Good card").click()
    expect(paying.locator(".outcome")).to_contain_text("No connection")
    expect(paying.locator("#banner")).to_contain_text("No connection")
    assert cut == [201]
    alice.context.set_offline(False)
    expect_paid(paying)
    assert len(set(read_keys(alice))) == 1
    assert count_charges(read_order_id(paying)) == 1


@pytest.mark.proves("FR-407")
def test_two_tabs_that_pay_one_order_charge_once(alice: Visitor, paying: Page, count_charges: Count) -> None:
    other = alice.open(f"#/pay/{read_order_id(paying)}")
    in_other = choose(other, "Good card")
    choose(paying, "Slow").click()
    expect(paying.locator(".outcome")).to_contain_text("Paying")
    in_other.click()
    expect(other.locator(".outcome")).to_contain_text("Being paid elsewhere")
    expect_paid(paying)
    expect_paid(other)
    assert len(set(read_keys(alice))) == 2, "each tab has its own"
    assert count_charges(read_order_id(paying)) == 1


@pytest.mark.proves("FR-407")
def test_what_is_not_settled_yet_is_asked_for_until_it_is(alice: Visitor, paying: Page, count_charges: Count) -> None:
    choose(paying, "Times out Charged").click()
    expect(paying.locator(".outcome")).to_contain_text("Not settled yet")
    expect_paid(paying)
    assert len(set(read_keys(alice))) == 1
    assert count_charges(read_order_id(paying)) == 1


@pytest.mark.proves("FR-412")
def test_what_becomes_of_a_payment_is_said_once(paying: Page) -> None:
    """Whoever listens is not told the same each time that the bank is asked again."""
    paying.evaluate("""() => {
        window.said = []
        const outcome = document.querySelector('.outcome [role=status]')
        const listen = () => window.said.push(outcome.querySelector('.note-title')?.textContent)
        new MutationObserver(listen).observe(outcome, { childList: true })
    }""")
    asked: list[int] = []

    def do_not_tell(route: Route) -> None:
        asked.append(1)
        route.fulfill(status=202, json={"transaction_id": "pay_1", "status": "pending"}, headers={"retry-after": "1"})

    paying.route("**/pay", do_not_tell, times=3)
    choose(paying, "Good card").click()
    expect_paid(paying)
    assert len(asked) == 3
    assert paying.evaluate("window.said")[:3] == ["Paying…", "Not settled yet", "Charged"]


@pytest.mark.proves("FR-406")
def test_a_page_that_is_reloaded_goes_on(alice: Visitor, paying: Page, count_charges: Count) -> None:
    """The card is charged, and the page does not wait for the answer."""
    charged: list[int] = []
    paying.route("**/pay", lambda route: charged.append(route.fetch().status), times=1)
    choose(paying, "Good card").click()
    expect(paying.locator(".outcome")).to_contain_text("Paying")
    for _ in range(200):
        if not charged:
            paying.wait_for_timeout(50)
    assert charged == [201]
    paying.reload()
    expect_paid(paying)
    first, second = read_keys(alice)
    assert first == second
    assert count_charges(read_order_id(paying)) == 1


@pytest.mark.proves("FR-406")
def test_an_order_whose_answer_is_lost_is_made_once(alice: Visitor, calls: Calls) -> None:
    page = alice.open()
    lost = []

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/orders", lose_the_answer)
    page.get_by_role("button", name="Add Bamboo whisk to the basket").click()
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_role("heading", name="Payment")).to_be_visible()
    assert lost == [201]
    orders = calls(alice).ask("GET", "/orders").json()["orders"]
    assert [order["id"] for order in orders] == [read_order_id(page)]


@pytest.mark.proves("FR-406", "FR-407")
def test_what_is_put_into_the_basket_while_the_order_is_made_stays_in_it(alice: Visitor, calls: Calls) -> None:
    page = alice.open()
    page.get_by_role("button", name="Add Bamboo whisk to the basket").click()
    alice.context.set_offline(True)
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_text("Your order is made as soon as there is one")).to_be_visible()
    page.get_by_role("button", name="Add Sencha, 100 g to the basket").click()
    page.get_by_role("button", name="One moment…").click(force=True)
    alice.context.set_offline(False)
    expect(page.get_by_role("heading", name="Payment")).to_be_visible()
    [order] = calls(alice).ask("GET", "/orders").json()["orders"]
    assert [item["product_id"] for item in order["items"]] == ["whisk"]
    alice.go(page, "#/basket")
    expect(page.locator(".basket-lines .item-name")).to_contain_text(["Sencha"])


@pytest.mark.proves("FR-408")
def test_a_price_that_has_changed_is_told_and_taken_up(alice: Visitor) -> None:
    page = alice.context.new_page()
    page.goto("/web/console/icon.svg")
    line = {"product_id": "mug", "name": "Stoneware mug", "unit_price": 1700, "currency": "usd", "quantity": 1}
    page.evaluate("line => sessionStorage.setItem('basket', JSON.stringify([line]))", line)
    page.goto("/#/basket")
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_role("alert")).to_contain_text("The price of Stoneware mug has changed since you chose it.")
    expect(page.get_by_role("alert").locator(".code")).to_contain_text("price_changed")
    expect(page.locator(".total")).to_contain_text("$18.00")


@pytest.mark.proves("FR-408")
@pytest.mark.parametrize(
    ("with_another", "told", "total"),
    [
        (False, "Stoneware mug is sold in USD now. Your basket has the new price now.", "$18.00"),
        (True, "Stoneware mug is sold in USD now. The rest of your basket is not: please take it out", "€24.90"),
    ],
    ids=["alone", "with another"],
)
def test_a_currency_that_has_changed_is_told_and_taken_up_where_it_fits(
    alice: Visitor, *, with_another: bool, told: str, total: str
) -> None:
    page = alice.context.new_page()
    page.goto("/web/console/icon.svg")
    mug = {"product_id": "mug", "name": "Stoneware mug", "unit_price": 1600, "currency": "eur", "quantity": 1}
    honey = {"product_id": "honey", "name": "Linden honey", "unit_price": 890, "currency": "eur", "quantity": 1}
    lines = [honey, mug] if with_another else [mug]
    page.evaluate("lines => sessionStorage.setItem('basket', JSON.stringify(lines))", lines)
    page.goto("/#/basket")
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_role("alert")).to_contain_text(told)
    expect(page.get_by_role("alert").locator(".code")).to_contain_text("validation_error")
    expect(page.locator(".total")).to_contain_text(total)
    if with_another:
        page.get_by_role("button", name="Take Stoneware mug out").click()
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_role("heading", name="Payment")).to_be_visible()


@pytest.mark.proves("FR-408")
def test_a_basket_is_too_dear_or_of_one_currency(alice: Visitor) -> None:
    page = alice.open()
    page.get_by_role("button", name="Add Gift card to the basket").click()
    page.get_by_role("button", name="More Gift card").first.click()
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_role("alert")).to_contain_text("An order may come to $10,000.00 at most.")
    page.get_by_role("button", name="Add Linden honey").click()
    expect(page.get_by_text("Your basket is in USD, and this is in EUR.")).to_be_visible()
    page.get_by_role("button", name="Start a new basket").click()
    expect(page.locator(".side .total")).to_contain_text("€8.90")


@pytest.mark.proves("FR-406", "FR-410")
def test_a_token_that_has_run_out_is_asked_for_and_the_payment_goes_on(
    visit: Open, alice: Visitor, calls: Calls, count_charges: Count
) -> None:
    order = calls(alice).create_order()
    visitor = visit(signed_in=False)
    page = visitor.open(f"#/pay/{order['id']}")
    sign_in(page, alice)
    page.route("**/pay", lambda route: route.fulfill(status=403, body=json.dumps({"message": "Forbidden"})), times=1)
    choose(page, "Good card").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('token')") is None
    said = page.get_by_role("alert").first
    expect(said).to_contain_text("Your sign-in has run out, or was not accepted. Please sign in again.")
    expect(said.locator(".code")).to_have_text("token refused")
    sign_in(page, alice)
    expect_paid(page)
    keys = read_keys(visitor)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert count_charges(order["id"]) == 1


def sign_in(page: Page, visitor: Visitor) -> None:
    page.get_by_text("Use a token").click()
    page.get_by_label("Token").fill(str(visitor.token))
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.proves("FR-408")
def test_who_signs_in_without_a_connection_is_told(visit: Open) -> None:
    visitor = visit(signed_in=False)
    page = visitor.open()
    visitor.context.set_offline(True)
    page.get_by_role("button", name="alice").click()
    expect(page.get_by_role("main")).to_contain_text("The checkout cannot be reached. Please look at your connection.")
    visitor.context.set_offline(False)
    page.get_by_role("button", name="alice").click()
    expect(page.get_by_role("heading", name="Products")).to_be_visible()


@pytest.mark.proves("FR-410")
def test_who_comes_next_finds_nothing_of_who_was_there(visit: Open) -> None:
    page = visit(signed_in=False).open()
    page.get_by_role("button", name="alice").click()
    page.get_by_role("button", name="Add Stoneware mug to the basket").click()
    page.get_by_role("button", name="sign out").click()
    page.get_by_text("Use a token").click()
    page.get_by_label("Token").fill("no.token.at-all")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This is no token.")
    page.get_by_role("button", name="bob").click()
    expect(page.get_by_text("Your basket is empty")).to_be_visible()
