"""The console in a real browser, on a local runtime of its own.

In every test it is looked at that a page asks nobody but its own host, breaks no rule of its policy, has no fault, and
puts no token into an address.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Route, expect

from checkout.caller import STAFF_SCOPE
from local.chromium import open_browser
from local.keys import issue_token
from local.tables import connect
from tests.e2e.conftest import Checkout, Customer, open_runtime

DESKTOP = {"width": 1280, "height": 720}
PHONE = {"width": 360, "height": 740}

# Machines that run tests do other things besides.
PATIENCE_MILLISECONDS = 20_000
KEEP_TOKEN = "sessionStorage.getItem('token') ?? sessionStorage.setItem('token', JSON.stringify({token}))"


@dataclass
class Visitor:
    """Somebody at a browser; with a token, unless they are to sign in. `sent` is what the browser asked for."""

    context: BrowserContext
    token: str | None
    sent: list[Request] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def open(self, address: str = "") -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", self._hear)
        page.goto(f"/{address}")
        self.wait(page)
        return page

    def go(self, page: Page, address: str) -> None:
        page.evaluate("address => { location.hash = address }", address)
        self.wait(page)

    @staticmethod
    def wait(page: Page) -> None:
        """Until the view is there."""
        expect(page.locator("main[aria-busy=false]")).to_be_visible()

    def sent_to(self, method: str, path: str) -> list[Request]:
        return [request for request in self.sent if (request.method, urlsplit(request.url).path) == (method, path)]

    def _hear(self, message: Any) -> None:
        # That an answer was a refusal is said in the console of every browser.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrong.append(message.text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        yield opened


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    running = tmp_path_factory.mktemp("checkout") / "running.json"
    with open_runtime(running, os.environ.get("DB", "embedded")) as opened:
        yield opened


Open = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser, checkout: Checkout) -> Iterator[Open]:
    """Opens browsers of visitors, each a customer that nobody has seen before."""
    visitors: list[Visitor] = []

    def visit(name: str = "alice", *, scope: str = "", signed_in: bool = True, **options: Any) -> Visitor:
        context = browser.new_context(base_url=checkout.base_url, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        token = issue_token(f"{name}-{uuid.uuid4()}", scope=scope) if signed_in else None
        if token:
            context.add_init_script(KEEP_TOKEN.replace("{token}", json.dumps(token)))
        visitor = Visitor(context, token)
        context.on("request", lambda request, sent=visitor.sent: sent.append(request))
        visitors.append(visitor)
        return visitor

    yield visit
    for visitor in visitors:
        visitor.context.close()
        assert visitor.wrong == []
        addresses = {request.url for request in visitor.sent}
        assert not {address for address in addresses if not address.startswith((checkout.base_url, "data:"))}
        assert not {address for address in addresses if visitor.token and visitor.token in address}


@pytest.fixture
def alice(visit: Open) -> Visitor:
    return visit()


@pytest.fixture
def staff(visit: Open) -> Visitor:
    return visit("sam", scope=STAFF_SCOPE)


@pytest.fixture
def calls(checkout: Checkout) -> Iterator[Callable[[Visitor], Customer]]:
    """Calls of the API that a visitor makes besides."""
    with httpx.Client(base_url=checkout.base_url, timeout=60, trust_env=False) as http:
        yield lambda visitor: Customer(http, str(visitor.token))


@pytest.fixture
def count_charges(checkout: Checkout) -> Callable[[str], int]:
    """How often the gateway has charged for an order."""

    def count(order_id: str) -> int:
        items = connect(checkout.database).scan(TableName="SimulatedGatewayTable", ConsistentRead=True)["Items"]
        return sum(
            item["outcome"]["S"] == "succeeded" for item in items if item.get("order_id", {}).get("S") == order_id
        )

    return count


def choose(page: Page, card: str) -> Locator:
    """A test card, and the button that pays with it."""
    page.get_by_role("radio", name=card).check()
    return page.locator(".pay-button")


def spoil_trail(page: Page, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """The page gets the trails of orders with a change."""

    def answer(route: Route) -> None:
        got = route.fetch()
        document = got.json()
        change(document["entries"])
        route.fulfill(response=got, body=json.dumps(document))

    page.route("**/audit", answer)


def read_order_id(page: Page) -> str:
    """Of the page that pays or shows it."""
    return page.url.rpartition("/")[2]
