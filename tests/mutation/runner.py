"""mutmut's run, for less: python runner.py [pattern of mutants' names]…, in the folder of the copy.

mutmut starts pytest anew for each mutant, and has it run the fastest tests first. Here tests are collected, and tables
are made, once: each mutant, and each of its tests that needs tables, is a fork of the process that did. Tests that have
noticed this change, or one near it, come first: what noticed what is kept from run to run. Survivors of the list are
left alone unless they are asked for by name.
"""

import gc
import importlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import _prepareconfig
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd
from mutmut.workers.isolation import ForkRunner

NOTICED = Path("..").absolute() / "noticed"
"""By lines: the name of a mutant, and the test that noticed it."""

TOO_LONG = 24
"""mutmut's exit code of what was ended after its time."""

LEFT_ALONE = 34
"""mutmut's exit code of what was left out."""

SECONDS, CPU_SECONDS = 240, 20
"""What one test has."""


class CollectedTests(PytestRunner):
    def collect(self) -> None:
        selection = config().pytest_add_cli_args_test_selection
        with change_cwd("mutants"):
            settings = _prepareconfig(["--rootdir=.", "--capture=sys", "-p", "no:cacheprovider", *selection])
            settings._do_configure()
            settings.pluginmanager.unregister(name="terminalreporter")
            self.session = pytest.Session.from_config(settings)
            settings.hook.pytest_sessionstart(session=self.session)
            self.items = {item.nodeid: item for item in self.session.perform_collect()}
            open_checkout_once()
        self.left_alone = find_left_alone()

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        if not mutant_name:
            return super().run_tests(mutant_name=mutant_name, tests=tests)
        if mutant_name in self.left_alone:
            return LEFT_ALONE
        for test in put_in_order(mutant_name, tests):
            code = self._run_in_fork(test) if is_integration(test) else self._run(test)
            if code:
                with NOTICED.open("a") as noticed:
                    noticed.write(f"{mutant_name} {test}\n")
                return code
        return 0

    def _run(self, test: str) -> int:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        signal.alarm(SECONDS)
        with change_cwd("mutants"):
            self.session.config.hook.pytest_runtest_protocol(item=self.items[test], nextitem=None)
        # What comes after may be waited for longer: forks that have times of their own.
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        return int(self.session.testsfailed > 0)

    def _run_in_fork(self, test: str) -> int:
        pid = os.fork()
        if pid == 0:
            gc.disable()
            os._exit(self._run(test))
        status = os.waitpid(pid, 0)[1]
        return TOO_LONG if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


class CollectingRunner(ForkRunner):
    def run_clean_tests(self, tests: Iterable[str]) -> int:  # noqa: ARG002
        """They passed when mutmut noted which of them come by where, and the copy has not changed since."""
        return 0

    def startup(self) -> None:
        self.test_runner.collect()
        NOTICED.write_text("".join(f"{mutant} {test}\n" for mutant, test in read_noticed().items()))
        super().startup()


def open_checkout_once() -> None:
    """A checkout with new tables for each fork; what a first request makes ready is ready, but for the services."""
    conftest: Any = importlib.import_module("tests.integration.conftest")
    open_new = conftest.open_checkout
    for function in conftest.FUNCTIONS:
        importlib.import_module(f"functions.{function}.app")
    with open_new(conftest.Checkout) as first:
        first.refund(first.buy(), 500)
        first.settle()
    opened = open_new(conftest.Checkout)
    made = opened.__enter__()

    @contextmanager
    def open_checkout(make: Any, **parameters: str) -> Iterator[Any]:
        if make is conftest.Checkout and not parameters:
            yield made
        else:
            with open_new(make, **parameters) as other:
                yield other

    open_checkout.opened = opened  # it closes when nothing knows it any more
    conftest.open_checkout = open_checkout


def find_left_alone() -> set[str]:
    survivors: Any = importlib.import_module("survivors")
    mutants = Path("mutants", "src", "checkout")
    modules = [path.name.removesuffix(".py.meta") for path in mutants.glob("*.py.meta")]
    return {name for module in modules for name in survivors.find_listed(mutants, module)} - set(sys.argv)


def put_in_order(mutant_name: str, tests: Iterable[str]) -> list[str]:
    """The test that noticed it before; then by how many changes of the function, and of the module, a test noticed for
    its time."""
    noticed = read_noticed()
    function, module = mutant_name.rpartition("__mutmut_")[0] + "__mutmut_", mutant_name.rpartition(".")[0] + "."
    near = Counter(test for mutant, test in noticed.items() if mutant.startswith(function))
    far = Counter(test for mutant, test in noticed.items() if mutant.startswith(module))

    def worth(test: str) -> tuple[bool, float, float]:
        seconds = state().duration_by_test[test] + (0.5 if is_integration(test) else 0.01)
        return test == noticed.get(mutant_name), (10 * min(near[test], 5) + min(far[test], 5)) / seconds, -seconds

    return sorted(tests, key=worth, reverse=True)


def read_noticed() -> dict[str, str]:
    lines = NOTICED.read_text().splitlines() if NOTICED.exists() else []
    return {mutant: test for mutant, _, test in (line.partition(" ") for line in lines)}


def is_integration(test: str) -> bool:
    return test.startswith("tests/integration/")


if __name__ == "__main__":
    mutmut.get_mutant_runner = lambda workers=1: CollectingRunner(workers, CollectedTests(), config().debug)
    mutmut._run(sys.argv[1:], os.cpu_count() or 1)
