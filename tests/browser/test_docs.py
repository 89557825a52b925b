"""The page at /docs: all of the document, for whoever looks at it, and from nowhere but here."""

import json
import re

import pytest
from playwright.sync_api import Browser, expect

from local.template import ROOT
from tests.browser.test_page import find_serious
from tests.e2e.conftest import Checkout
from tools.openapi_operations import OPERATIONS

pytestmark = [pytest.mark.browser, pytest.mark.docs]

MOST_BYTES = 6_000_000
"""What a function may answer, as JSON. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
PATIENCE_MILLISECONDS = 60_000


@pytest.mark.proves("FR-505")
@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_shows_every_operation_and_asks_nobody_else(
    browser: Browser, checkout: Checkout, scheme: str, *, is_dark: bool
) -> None:
    context = browser.new_context(base_url=checkout.base_url, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    wrong: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto("/docs")
    for operation in OPERATIONS.values():
        expect(page.get_by_text(operation.summary, exact=True).first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    page.get_by_text("Charge a card for an order", exact=True).first.click()
    expect(page.get_by_text("pay_01").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    assert (red + green + blue < 3 * 128) == is_dark
    context.close()
    assert wrong == []
    assert not [url for url in asked if not url.startswith((checkout.base_url, "data:", "blob:"))]


@pytest.mark.proves("FR-505")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, checkout: Checkout, scheme: str) -> None:
    context = browser.new_context(base_url=checkout.base_url, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/docs#tag/payments/POST/pay")
    expect(page.get_by_text("pay_01").first).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "none", "no lines around a part whose address was followed"
    assert find_serious(page) == []
    context.close()


@pytest.mark.proves("FR-504")
def test_a_function_can_answer_with_each_of_its_files() -> None:
    for file in (ROOT / "web" / "docs").iterdir():
        assert len(json.dumps(file.read_text(encoding="utf-8"))) < MOST_BYTES
