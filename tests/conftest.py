"""What a machine lacks is skipped and said once; with REQUIRE_ALL=1 it fails."""

import os
import shutil
from collections import Counter
from collections.abc import Callable

import pytest

from local import chromium, dynamodb_local
from local.containers import engine
from local.template import ROOT
from tests.secrets_in_logs import find_secrets

REQUIRE_ALL = bool(os.environ.get("REQUIRE_ALL"))
LOCALSTRIPE = ROOT / ".venv-localstripe" / "bin" / "localstripe"


def missing_for_containers() -> str | None:
    return engine.missing() if REQUIRE_ALL else "Container tests run in `make verify` (REQUIRE_ALL=1)."


def missing_for_browsers() -> str | None:
    return chromium.missing() if REQUIRE_ALL else "Browser tests run in `make verify` (REQUIRE_ALL=1)."


def missing_localstripe() -> str | None:
    return None if LOCALSTRIPE.exists() else "localstripe is missing: `make verify` installs it."


def missing_docs() -> str | None:
    made = (ROOT / "web" / "docs" / "index.html").exists()
    return None if made else "The page at /docs is not made: `make docs` does that, with npm."


def missing_valgrind() -> str | None:
    return None if shutil.which("valgrind") else "valgrind is missing: `make verify` installs it."


MISSING = {
    "browser": missing_for_browsers,
    "docs": missing_docs,
    "dynamodb_local": dynamodb_local.missing,
    "containers": missing_for_containers,
    "localstripe": missing_localstripe,
    "valgrind": missing_valgrind,
}


@pytest.hookimpl(trylast=True)  # what -m and -k leave out needs nothing
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for marker, missing in MISSING.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        reason = missing() if marked else None
        if reason and REQUIRE_ALL:
            raise pytest.UsageError(f"REQUIRE_ALL is set, and {reason}")
        for item in marked:
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says a line at the end of the run, in whichever process the test runs: how much was walked."""
    return lambda line: record_property("said", line)


LEAKS: list[str] = []
# Where the functions run in the tests' own process, all that is written is looked at: a warning, a traceback. Elsewhere
# their lines only: what runtimes write is looked at where they are ended, and the rest is what tests print.
IN_PROCESS = ("tests/integration/", "tests/performance/", "tests/unit/")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """No line that functions log in any test tells what is not for logs (FR-031)."""
    whole = report.nodeid.startswith(IN_PROCESS)
    for title, text in report.sections:
        LEAKS.extend(f"{report.nodeid}, {title}: {line}" for line in find_secrets(text, whole=whole))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if LEAKS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])
    )
    for reason, count in reasons.items():
        terminalreporter.write_line(f"skipped {count}: {reason}")
    for report in terminalreporter.stats.get("passed", []):
        for name, line in report.user_properties if report.when == "call" else []:
            if name == "said":
                terminalreporter.write_line(line)
    for leak in LEAKS:
        terminalreporter.write_line(f"a secret in the log: {leak}", red=True)
