import pytest

from checkout.money import Money, is_currency
from tools.make_currencies import CONSOLE, TARGET, render_console, render_currencies

pytestmark = pytest.mark.proves("FR-008")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1999, "usd"), "19.99 USD"),
        (Money(5, "usd"), "0.05 USD"),
        (Money(1999, "jpy"), "1,999 JPY"),
        (Money(1999, "kwd"), "1.999 KWD"),
        (Money(123456789, "eur"), "1,234,567.89 EUR"),
    ],
)
def test_money_is_shown_with_the_digits_of_its_currency(money: Money, text: str) -> None:
    assert str(money) == text


@pytest.mark.parametrize("code", ["usd", "eur", "jpy", "kwd", "uyw"])
def test_currencies_are_those_of_iso_4217(code: str) -> None:
    assert is_currency(code)


@pytest.mark.parametrize("code", ["USD", "xxx", "xts", "xau", "zzz", "us", "", "dem"])
def test_codes_without_a_minor_unit_of_money_are_no_currencies(code: str) -> None:
    assert not is_currency(code)


def test_the_currencies_are_those_of_the_maintained_table() -> None:
    assert TARGET.read_text(encoding="utf-8") == render_currencies()
    assert CONSOLE.read_text(encoding="utf-8") == render_console()
