"""What a soak finds fails it."""

import pytest

from local.keys import issue_token
from tests.soak.__main__ import Runtimes, Told, report

pytestmark = pytest.mark.proves("FR-310", "FR-312")


class Order:
    """Books with one order, which is paid by one charge; all is well."""

    order_ids = ("ord_1",)
    order = "ord_1"

    def find_violations(self, _: str) -> list[str]:
        return []

    def order_item(self, _: str) -> dict[str, str]:
        return {"status": "paid"}

    def charges(self, _: str) -> list[dict[str, int]]:
        return [{"refundable": 1800}]


class Stopped:
    """A runtime that is over, with what it wrote."""

    def __init__(self, output: str) -> None:
        self._output = output

    def read_output(self) -> str:
        return self._output


@pytest.mark.parametrize(
    ("logged", "failed"),
    [
        ('{"level": "INFO", "operation": "pay"}', False),
        (f'{{"level": "INFO", "operation": "pay", "token": "{issue_token("alice")}"}}', True),
        ('{"level": "INFO", "operation": "pay", "card": "4242 4242 4242 4242"}', True),
        ('{"level": "INFO", "operation": "pay"}\nValueError: tok_visa', True),
    ],
    ids=["nothing", "a token", "a card number", "a traceback"],
)
def test_a_secret_in_the_log_of_a_runtime_fails_the_soak(logged: str, failed: bool) -> None:
    runtimes = object.__new__(Runtimes)
    runtimes.lines, runtimes.leaks = 0, []
    runtimes._look_through(Stopped(logged))  # type: ignore[arg-type]
    assert report(Order(), Told(), runtimes, faults=1, kills=1) == int(failed)  # type: ignore[arg-type]
