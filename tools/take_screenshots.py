"""Writes pictures of the console's main pages: `python -m tools.take_screenshots --only order-phone-dark`.

It starts a runtime of its own, fills it with orders in every state, and looks at it light and dark, on a desktop and on
a phone.
"""

import argparse
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page

from checkout.caller import STAFF_SCOPE
from local import chromium
from local.commands import run_command
from local.database import open_database
from local.keys import issue_token, local_parameters
from local.progress import show_bar
from local.runtime import Runtime
from local.sign_in import SignIn
from local.tables import connect, create_tables, load_products
from local.template import ROOT, read_template
from local.wsgi import serve_application

__all__ = ["main"]

TARGET = ROOT / "docs" / "images"
LOG = ROOT / ".data" / "screenshots.log"
CUSTOMER = "alice"
# Width, height and pixels to a point.
SCREENS = {"desktop": (1240, 860, 1.5), "phone": (390, 844, 2)}
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Shop:
    """A runtime that is up, and calls of it."""

    http: httpx.Client

    def ask(self, method: str, path: str, body: object = None, *, scope: str = "") -> dict[str, Any]:
        name = "sam" if scope else CUSTOMER
        headers = {"authorization": f"Bearer {issue_token(name, scope=scope)}", "idempotency-key": str(uuid.uuid4())}
        answer = self.http.request(method, path, json=body, headers=headers)
        document: dict[str, Any] = answer.json()
        return document

    def order(self, *lines: tuple[str, int]) -> dict[str, Any]:
        items = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]
        return self.ask("POST", "/orders", {"items": items})

    def pay(self, order: dict[str, Any], token: str = "tok_visa") -> dict[str, Any]:  # noqa: S107  a test token
        payment = {"order_id": order["id"], "token": token}
        return self.ask("POST", "/pay", {**payment, "amount": order["total_amount"], "currency": order["currency"]})

    def buy(self, *lines: tuple[str, int]) -> dict[str, Any]:
        order = self.order(*lines)
        transaction_id = self.pay(order)["transaction_id"]
        return self.ask("PATCH", f"/orders/{order['id']}/pay", {"transaction_id": transaction_id})


def fill(shop: Shop) -> str:
    """Orders in every state; the id of one to which much has happened."""
    told = shop.order(("teapot", 1), ("mug", 2), ("tea", 1))
    shop.pay(told, "tok_chargeDeclinedInsufficientFunds")
    transaction_id = shop.pay(told)["transaction_id"]
    shop.ask("PATCH", f"/orders/{told['id']}/pay", {"transaction_id": transaction_id})
    shop.ask("POST", f"/orders/{told['id']}/fulfil", scope=STAFF_SCOPE)
    amount = {"amount": 1800, "reason": "one handle was off"}
    shop.ask("POST", f"/orders/{told['id']}/refunds", amount, scope=STAFF_SCOPE)
    for lines in ([("tea", 2)], [("furoshiki", 1)], [("whisk", 1), ("tea", 1)], [("honey", 3)], [("mug", 4)]):
        shop.buy(*lines)
    refunded = shop.buy(("teapot", 1))
    shop.ask("POST", f"/orders/{refunded['id']}/refunds", {}, scope=STAFF_SCOPE)
    cancelled = shop.order(("gift-card", 1))
    shop.ask("POST", f"/orders/{cancelled['id']}/cancel")
    shop.buy(("mug", 1), ("whisk", 1))
    shop.order(("teapot", 1), ("whisk", 1), ("tea", 2))
    return str(told["id"])


@contextmanager
def open_shop() -> Iterator[Shop]:
    with open_database() as endpoint:
        create_tables(connect(endpoint))
        load_products(connect(endpoint))
        runtime = SignIn(Runtime(read_template(local_parameters(endpoint))))
        with (
            serve_application(runtime, threaded=True) as address,
            httpx.Client(base_url=address, timeout=60, trust_env=False) as http,
        ):
            yield Shop(http)


def open_page(browser: Browser, shop: Shop, screen: str, theme: str) -> Page:
    """Signed in, with a basket that has something in it."""
    width, height, pixels = SCREENS[screen]
    page = browser.new_page(
        base_url=str(shop.http.base_url),
        viewport={"width": width, "height": height},
        device_scale_factor=pixels,
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.goto("/web/console/icon.svg")
    page.evaluate("token => sessionStorage.setItem('token', JSON.stringify(token))", issue_token(CUSTOMER))
    lines = [("teapot", "Cast-iron teapot", 6400, 1), ("mug", "Stoneware mug", 1800, 2)]
    names = ("product_id", "name", "unit_price", "quantity")
    basket = [{**dict(zip(names, line, strict=True)), "currency": "usd"} for line in lines]
    page.evaluate("lines => sessionStorage.setItem('basket', JSON.stringify(lines))", basket)
    return page


def show(page: Page, address: str) -> None:
    page.goto(f"/{address}")
    page.wait_for_selector("main[aria-busy=false]")
    # Fonts that came too late for the first time are there for the second.
    page.evaluate("document.fonts.ready")
    page.reload()
    page.wait_for_selector("main[aria-busy=false]")


def take(shop: Shop, target: Path, only: Sequence[str] = ()) -> None:
    told = fill(shop)
    unpaid = shop.order(("teapot", 1), ("mug", 2))
    pages = {
        "products": "",
        "pay": f"#/pay/{unpaid['id']}",
        "order": f"#/orders/{told}",
        "history": "#/orders",
    }
    pictures = [
        (name, screen, theme)
        for name in pages
        for screen in SCREENS
        for theme in THEMES
        if not only or f"{name}-{screen}-{theme}" in only
    ]
    target.mkdir(parents=True, exist_ok=True)
    with chromium.open_browser() as browser:
        for name, screen, theme in show_bar(pictures, desc="screenshots", unit="picture"):
            page = open_page(browser, shop, screen, theme)
            show(page, pages[name])
            page.screenshot(path=target / f"{name}-{screen}-{theme}.png", animations="disabled")
            page.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Write pictures of the console.")
    parser.add_argument("--to", type=Path, default=TARGET, help="the folder that they are written to")
    parser.add_argument("--only", nargs="*", default=[], help="as in order-phone-dark; all by default")
    arguments = parser.parse_args()
    chromium.install()
    print("screenshots: a shop is opened and filled with orders, then looked at", flush=True)
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w", encoding="utf-8") as log, redirect_stdout(log), open_shop() as shop:
        take(shop, arguments.to, arguments.only)
    print(f"The pictures are in {arguments.to}.")
    return 0


if __name__ == "__main__":
    run_command("screenshots", main)
