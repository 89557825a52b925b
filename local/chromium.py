"""Chromium: found, else installed from Debian's packages; started so that it talks to nobody but a page's own host."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from local.commands import how_to_install
from local.containers.engine import install_packages

__all__ = ["install", "missing", "open_browser"]

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # root, as in CI, has none; the pages are our own
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]


def missing() -> str | None:
    """What this machine lacks to run browser tests, in one sentence, or None."""
    if _find():
        return None
    return f"Browser tests need Chromium (`chromium`), which is not installed. {how_to_install('chromium')}"


def install() -> None:
    """Install it where it is missing; raises ContainersError where that is not possible."""
    if missing():
        install_packages("chromium")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The installed one, never one that Playwright would fetch."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_find(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _find() -> str | None:
    return next((path for program in PROGRAMS if (path := shutil.which(program))), None)
