"""Orders in a browser: the history, the trail, and what staff do."""

from collections.abc import Callable

import pytest
import rfc8785
from playwright.sync_api import Route, expect

from checkout.currencies import MINOR_UNIT_DIGITS
from checkout.money import Money
from checkout.simulated_gateway import Call, Fault
from tests.browser.conftest import DESKTOP, PHONE, Open, Visitor, choose, read_order_id, spoil_trail
from tests.e2e.conftest import Checkout, Customer, new_key

pytestmark = [pytest.mark.browser]

Calls = Callable[[Visitor], Customer]

# Where what a page had before stands.
READ_PLACES = """() => {
    const parts = document.querySelectorAll('.order-id, .order-side dt, .order-side .total, .trail, .entry-title')
    return [...parts].slice(0, 9).map((part) => part.getBoundingClientRect().top)
}"""


@pytest.mark.proves("FR-405")
def test_the_history_goes_on_page_by_page(alice: Visitor, calls: Calls) -> None:
    customer = calls(alice)
    made = [customer.create_order()["id"] for _ in range(12)]
    customer.ask("POST", f"/orders/{made[-1]}/cancel")
    page = alice.open("#/orders")
    expect(page.locator(".order-row")).to_have_count(10)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".order-row")).to_have_count(12)
    shown = [str(row.get_attribute("href")).rpartition("/")[2] for row in page.locator(".order-row").all()]
    assert shown == made[::-1]
    page.get_by_role("button", name="Cancelled").click()
    expect(page.locator(".order-row")).to_have_count(1)
    expect(page.locator("#spoken")).to_have_text("1 order.")


@pytest.mark.proves("FR-408")
def test_a_filter_that_cannot_be_loaded_says_so(alice: Visitor, calls: Calls) -> None:
    customer = calls(alice)
    for _ in range(11):
        customer.create_order()
    page = alice.open("#/orders")
    alice.context.set_offline(True)
    page.get_by_role("button", name="Sent").click()
    expect(page.get_by_role("alert")).to_contain_text("The checkout cannot be reached.")
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    alice.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("No such orders")).to_be_visible()
    expect(page.get_by_role("button", name="Sent")).to_be_focused()
    page.get_by_role("button", name="To pay").click()
    expect(page.locator(".order-row")).to_have_count(10)
    page.route("**/orders?*", lambda route: route.fulfill(status=401, body="{}"))
    page.get_by_role("button", name="Sent").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.proves("FR-405", "FR-408")
def test_a_customer_cannot_see_another_s_order(visit: Open, alice: Visitor, calls: Calls) -> None:
    order = calls(alice).create_order()
    bob = visit("bob")
    page = bob.open(f"#/orders/{order['id']}")
    expect(page.get_by_role("alert")).to_contain_text("There is no such order.")
    expect(page.get_by_role("alert").locator(".code")).to_contain_text("order_not_found")
    bob.go(page, f"#/pay/{order['id']}")
    expect(page.get_by_role("alert")).to_contain_text("There is no such order.")
    bob.go(page, "#/orders")
    expect(page.get_by_text("No orders yet")).to_be_visible()
    assert "$48.50" not in page.content()


@pytest.mark.proves("FR-405")
def test_an_order_is_cancelled(alice: Visitor, calls: Calls) -> None:
    page = alice.open(f"#/orders/{calls(alice).create_order()['id']}")
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator(".order-head .pill")).to_have_text("Cancelled")
    expect(page.locator(".entry b").last).to_have_text("Order cancelled")
    expect(page.get_by_role("button", name="Cancel the order")).to_have_count(0)


@pytest.mark.proves("FR-416")
def test_an_order_that_is_being_paid_says_so_until_it_is_paid(alice: Visitor, calls: Calls) -> None:
    customer = calls(alice)
    order, key = customer.create_order(), new_key()
    assert customer.pay(order, "tok_timeoutAfterCharge", key=key).status_code == 202
    page = alice.open(f"#/orders/{order['id']}")
    for _ in ("first", "after a reload"):
        expect(page.locator(".order-head .pill")).to_have_text("Being paid")
        expect(page.get_by_text("A payment is under way")).to_be_visible()
        expect(page.locator(".actions")).to_have_count(0)
        page.reload()
        alice.wait(page)
    page.locator("summary").nth(1).focus()
    paid = customer.pay(order, "tok_timeoutAfterCharge", key=key)
    assert paid.status_code == 201
    expect(page.locator(".entry b").last).to_have_text("Card charged")
    expect(page.locator("summary").nth(1)).to_be_focused()
    expect(page.locator(".order-head .pill")).to_have_text("Being paid")
    customer.mark_paid(order, paid.json()["transaction_id"])
    expect(page.locator(".order-head .pill")).to_have_text("Paid")
    expect(page.locator("#spoken")).to_have_text("The order is paid.")
    asked = len(alice.sent_to("GET", f"/orders/{order['id']}"))
    page.wait_for_timeout(4000)
    assert len(alice.sent_to("GET", f"/orders/{order['id']}")) == asked, "it is settled"


@pytest.mark.proves("FR-412", "FR-416")
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_when_an_order_that_is_being_paid_is_settled(
    visit: Open, calls: Calls, size: dict[str, int]
) -> None:
    alice = visit(viewport=size)
    customer = calls(alice)
    order, key = customer.create_order(), new_key()
    assert customer.pay(order, "tok_timeoutAfterCharge", key=key).status_code == 202
    page = alice.open(f"#/orders/{order['id']}")
    expect(page.get_by_text("A payment is under way")).to_be_visible()
    places = page.evaluate(READ_PLACES)
    customer.mark_paid(order, customer.pay(order, "tok_timeoutAfterCharge", key=key).json()["transaction_id"])
    expect(page.get_by_text("The payment is settled")).to_be_visible()
    assert page.evaluate(READ_PLACES) == places


@pytest.mark.proves("FR-416", "FR-408")
def test_a_payment_that_has_failed_leaves_the_order_to_pay_and_says_why(alice: Visitor, calls: Calls) -> None:
    customer = calls(alice)
    order = customer.create_order()
    assert customer.pay(order, "tok_chargeDeclined").status_code == 402
    page = alice.open(f"#/orders/{order['id']}")
    expect(page.locator(".order-head .pill")).to_have_text("To pay")
    expect(page.get_by_role("link", name="Pay", exact=True)).to_be_visible()
    expect(page.locator(".entry-meta").last).to_contain_text("The bank declined this card.")


@pytest.mark.proves("FR-408")
@pytest.mark.parametrize(
    "address", ["#/nowhere", "#/orders/ord_none", "#/pay/ord_none", "#/orders/%zz", "#/orders/a/b"]
)
def test_what_is_not_there_has_a_title_and_ways_on(alice: Visitor, address: str) -> None:
    page = alice.open(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    assert page.title() == "Not found · Checkout"
    page.get_by_role("main").get_by_role("link", name="Products").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Products")


@pytest.mark.proves("FR-412")
def test_a_number_stays_with_its_unit(alice: Visitor, calls: Calls) -> None:
    page = alice.open()
    expect(page.locator(".product h2", has_text="Sencha")).to_have_js_property("textContent", "Sencha, 100\u00a0g")
    calls(alice).create_order(("tea", 1))
    alice.go(page, "#/orders")
    expect(page.locator(".order-what b").first).to_have_js_property("textContent", "Sencha, 100\u00a0g")


@pytest.mark.proves("FR-408")
def test_what_has_become_impossible_meanwhile_is_told(alice: Visitor, calls: Calls) -> None:
    customer = calls(alice)
    order = customer.create_order()
    page = alice.open(f"#/orders/{order['id']}")
    customer.mark_paid(order, customer.pay(order).json()["transaction_id"])
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("alert")).to_contain_text("This order is paid, and cannot be cancelled any more.")
    expect(page.get_by_role("alert").locator(".code")).to_contain_text("invalid_transition")


@pytest.mark.proves("FR-409")
@pytest.mark.parametrize(
    ("change", "held", "why"),
    [
        (lambda entries: entries[1]["facts"].update(amount=1), 1, "its hash is not that of its content"),
        (lambda entries: entries[2].update(actor="staff"), 2, "its hash is not that of its content"),
        (lambda entries: entries.pop(1), 1, "an entry before it is missing"),
        (lambda entries: entries[3].update(previous_hash="0" * 64), 3, "does not hold the hash of the entry before it"),
    ],
    ids=["an amount", "an actor", "one left out", "a link"],
)
def test_a_trail_that_was_changed_is_seen(
    alice: Visitor, calls: Calls, change: Callable[[list[dict[str, object]]], object], held: int, why: str
) -> None:
    order, _ = calls(alice).buy()
    page = alice.open()
    spoil_trail(page, change)
    alice.go(page, f"#/orders/{order['id']}")
    expect(page.locator(".trail-head .badge")).to_have_text("Broken")
    expect(page.locator(".entry .badge.held")).to_have_count(held)
    expect(page.locator(".entry-fault").first).to_contain_text(why)
    assert page.locator(".entry .badge.broken").count() == page.locator(".entry").count() - held


@pytest.mark.proves("FR-409")
def test_documents_are_canonical_as_the_checkout_writes_them(alice: Visitor) -> None:
    page = alice.open()
    for document in (
        {"b": 1, "a": [True, False, None, {}, []], "": "", "A": -7},
        {"€": "Euro", "\r": "CR", "\ufb33": "Dalet", "1": "one", "😀": "smiley", "\x80": "control", "ö": "o"},
        {"text": 'quote " slash / back \\ tab \t line \n \x1f \u2028 é 😀'},
        {"amount": 2**53 - 1, "zero": 0, "nested": {"z": {"y": [1, {"x": 2}]}}},
    ):
        written = page.evaluate("async (d) => (await import('/web/console/audit.js')).canonical(d)", document)
        assert written.encode() == rfc8785.dumps(document)


@pytest.mark.proves("FR-417")
def test_amounts_have_the_digits_that_the_checkout_counts_in(alice: Visitor) -> None:
    """Of every currency: those of browsers are other ones, so that 1,234.56 forints were 123,456."""
    page = alice.open()
    written = page.evaluate(
        """async (codes) => {
            const { money, plainMoney, readMoney } = await import('/web/console/format.js')
            return codes.map((code) => {
                const plain = plainMoney(123456, code)
                const grouped = money(123456, code).replace(/[^\\d.,]/g, '')
                return [code, money(123456, code), plain, [readMoney(plain, code), readMoney(grouped, code)]]
            })
        }""",
        list(MINOR_UNIT_DIGITS),
    )
    for code, shown, plain, read in written:
        expected = str(Money(123456, code)).removesuffix(f" {code.upper()}")
        assert shown.endswith(expected), code
        assert (plain, read) == (expected.replace(",", ""), [123456, 123456]), code


@pytest.mark.proves("FR-417")
@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,000.00", 100_000),
        ("1,234,567.8", 123_456_780),
        (" 1000 ", 100_000),
        ("1,00", None),
        ("10,0000", None),
        ("1000,000", None),
        (",100", None),
        ("1.000,00", None),
        ("1.234", None),
        ("", None),
    ],
)
def test_an_amount_is_typed_with_commas_between_thousands_or_without(
    alice: Visitor, text: str, amount: int | None
) -> None:
    read = "async (text) => (await import('/web/console/format.js')).readMoney(text, 'usd')"
    assert alice.open().evaluate(read, text) == amount


@pytest.mark.proves("FR-405")
def test_staff_look_up_send_and_refund(alice: Visitor, staff: Visitor, calls: Calls) -> None:
    order, _ = calls(alice).buy()
    page = staff.open("#/staff")
    page.get_by_label("Order number").fill(order["id"])
    page.get_by_label("Order number").press("Enter")
    page.get_by_role("button", name="Mark as sent").click()
    expect(page.locator(".order-head .pill")).to_have_text("Sent")
    page.get_by_label("Amount in USD").fill("99999")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("alert")).to_contain_text("At most $48.50 can still be refunded.")
    page.get_by_label("Amount in USD").fill("6.5")
    page.get_by_label("Reason").fill("one handle was off")
    page.get_by_role("button", name="Refund").click()
    expect(page.locator(".refunded-line")).to_contain_text("$6.50")
    expect(page.get_by_label("Amount in USD")).to_have_value("42.00")
    page.get_by_role("button", name="Refund").click()
    expect(page.locator(".order-head .pill")).to_have_text("Refunded")
    expect(page.locator(".refunded-line")).to_contain_text("$48.50")
    expect(page.locator(".entry-meta").last).to_contain_text("Staff")
    assert page.locator(".entry .badge.broken").count() == 0
    left = calls(staff).ask("GET", f"/orders/{read_order_id(page)}").json()
    assert (left["status"], left["refunded_amount"]) == ("refunded", 4850)


@pytest.mark.proves("FR-405")
def test_staff_pay_and_cancel_their_own_orders_alone(alice: Visitor, staff: Visitor, calls: Calls) -> None:
    page = staff.open(f"#/orders/{calls(alice).create_order()['id']}")
    expect(page.locator(".order-head .pill")).to_have_text("To pay")
    expect(page.get_by_role("link", name="Pay", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel the order")).to_have_count(0)
    staff.go(page, f"#/orders/{calls(staff).create_order()['id']}")
    expect(page.get_by_role("link", name="Pay", exact=True)).to_be_visible()
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator(".order-head .pill")).to_have_text("Cancelled")


@pytest.mark.proves("FR-412")
def test_a_refund_is_made_by_enter(alice: Visitor, staff: Visitor, calls: Calls) -> None:
    order, _ = calls(alice).buy()
    page = staff.open(f"#/orders/{order['id']}")
    page.get_by_label("Amount in USD").fill("6.50")
    page.get_by_label("Amount in USD").press("Enter")
    expect(page.locator(".refunded-line")).to_contain_text("$6.50")
    assert len(staff.sent_to("POST", f"/orders/{order['id']}/refunds")) == 1


@pytest.mark.proves("FR-416")
def test_the_history_says_of_what_this_tab_pays_that_it_is_being_paid(alice: Visitor, calls: Calls) -> None:
    customer = calls(alice)
    customer.create_order(("tea", 1))
    order = customer.create_order()
    page = alice.open(f"#/pay/{order['id']}")
    choose(page, "Times out Charged").click()
    expect(page.locator(".outcome")).to_contain_text("Not settled yet")
    alice.go(page, "#/orders")
    expect(page.locator(".order-row .pill")).to_have_text(["Being paid", "To pay"])
    # And until it is settled, without being asked to.
    page.locator(".order-row").first.focus()
    key = alice.sent_to("POST", "/pay")[0].headers["idempotency-key"]
    paid = customer.pay(order, "tok_timeoutAfterCharge", key=key)
    customer.mark_paid(order, paid.json()["transaction_id"])
    expect(page.locator(".order-row .pill")).to_have_text(["Paid", "To pay"])
    expect(page.locator(".order-row").first).to_be_focused()


@pytest.mark.proves("FR-407")
def test_what_is_done_without_a_connection_waits_for_one_and_says_so(alice: Visitor, calls: Calls) -> None:
    page = alice.open(f"#/orders/{calls(alice).create_order()['id']}")
    alice.context.set_offline(True)
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator(".order-side .refused")).to_contain_text("No connection. We try again as soon as there is one.")
    alice.context.set_offline(False)
    expect(page.locator(".order-head .pill")).to_have_text("Cancelled")


@pytest.mark.proves("FR-406", "FR-407")
def test_a_refund_that_is_not_settled_yet_goes_on_after_a_reload(
    alice: Visitor, staff: Visitor, calls: Calls, checkout: Checkout
) -> None:
    order, _ = calls(alice).buy()
    page = staff.open(f"#/orders/{order['id']}")
    checkout.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    page.get_by_label("Amount in USD").fill("6.50")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("The bank has not answered yet.")).to_be_visible()
    page.reload()
    expect(page.locator(".refunded-line")).to_contain_text("$6.50")
    keys = [request.headers["idempotency-key"] for request in staff.sent_to("POST", f"/orders/{order['id']}/refunds")]
    assert len(keys) >= 2
    assert len(set(keys)) == 1


@pytest.mark.proves("FR-406")
@pytest.mark.parametrize("goes_on", ["a reload", "coming back"])
def test_a_refund_whose_answer_is_lost_is_made_once(alice: Visitor, staff: Visitor, calls: Calls, goes_on: str) -> None:
    """The money has gone back, and so the order is another when the page sees it again."""
    order, _ = calls(alice).buy()
    path = f"/orders/{order['id']}/refunds"
    page = staff.open(f"#/orders/{order['id']}")
    lost: list[int] = []

    def lose_the_answer(route: Route) -> None:
        lost.append(route.fetch().status)
        route.abort("connectionreset")

    page.route(f"**{path}", lose_the_answer)
    page.get_by_label("Amount in USD").fill("10.00")
    page.get_by_label("Reason").fill("one handle was off")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("The same refund is asked for again")).to_be_visible()
    assert set(lost) == {201}
    page.unroute(f"**{path}")
    for _ in range(2):
        if goes_on == "a reload":
            page.reload()
            staff.wait(page)
        else:
            staff.go(page, "#/orders")
            staff.go(page, f"#/orders/{order['id']}")
        expect(page.get_by_label("Amount in USD")).to_have_value("38.50")
        expect(page.get_by_role("button", name="Refund")).to_be_enabled()
    assert calls(staff).ask("GET", f"/orders/{order['id']}").json()["refunded_amount"] == 1000
    assert len({request.headers["idempotency-key"] for request in staff.sent_to("POST", path)}) == 1
    assert len(staff.sent_to("POST", path)) >= 2
    page.get_by_label("Amount in USD").fill("10.00")
    page.get_by_label("Reason").fill("one handle was off")
    page.get_by_role("button", name="Refund").click()
    expect(page.locator(".refunded-line")).to_contain_text("$20.00")


@pytest.mark.proves("FR-406")
def test_what_is_older_than_keys_are_kept_is_not_taken_up(alice: Visitor, staff: Visitor, calls: Calls) -> None:
    order, _ = calls(alice).buy()
    page = staff.open(f"#/orders/{order['id']}")
    keep = """([name, hours]) => {
        const at = Date.now() - hours * 3_600_000
        sessionStorage.setItem(name, JSON.stringify({ key: 'a'.repeat(32), wanted: { amount: 100 }, at }))
    }"""
    page.evaluate(keep, [f"refund:{order['id']}", 23.1])
    page.reload()
    staff.wait(page)
    expect(page.get_by_label("Amount in USD")).to_have_value("48.50")
    page.evaluate(keep, [f"refund:{order['id']}", 22.9])
    page.reload()
    expect(page.locator(".refunded-line")).to_contain_text("$1.00")
    [request] = staff.sent_to("POST", f"/orders/{order['id']}/refunds")
    assert request.headers["idempotency-key"] == "a" * 32


@pytest.mark.proves("FR-405")
def test_customers_are_shown_nothing_of_it(alice: Visitor, calls: Calls) -> None:
    order, _ = calls(alice).buy()
    page = alice.open(f"#/orders/{order['id']}")
    expect(page.get_by_role("button", name="Mark as sent")).to_have_count(0)
    expect(page.get_by_role("button", name="Refund")).to_have_count(0)
    expect(page.get_by_role("link", name="Staff desk")).to_have_count(0)
    alice.go(page, "#/staff")
    expect(page.get_by_text("Only staff can look up orders.")).to_be_visible()
