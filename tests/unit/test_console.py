"""The console's files, against what they must keep up with."""

import re

import pytest

from checkout import errors
from checkout.errors import CheckoutError
from checkout.transitions import OrderStatus
from local.template import ROOT

CONSOLE = ROOT / "web" / "console"
MODULES = sorted(CONSOLE.rglob("*.js"))


def list_codes() -> set[str]:
    refusals = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, CheckoutError)]
    return {refusal.code for refusal in refusals if hasattr(refusal, "code")}


@pytest.mark.proves("FR-408")
def test_every_refusal_has_a_sentence() -> None:
    text = (CONSOLE / "refusals.js").read_text(encoding="utf-8")
    said = set(re.findall(r"^  (\w+): \(f?\) =>", text, re.MULTILINE))
    assert said == list_codes() | {"internal_error"}


@pytest.mark.proves("FR-405")
def test_every_state_of_an_order_has_a_name() -> None:
    text = (CONSOLE / "format.js").read_text(encoding="utf-8")
    [statuses] = re.findall(r"STATUSES = \{(.*?)\}", text, re.DOTALL)
    assert set(re.findall(r"(\w+):", statuses)) == set(OrderStatus)


@pytest.mark.proves("FR-411")
def test_every_module_is_fetched_at_once() -> None:
    """Those that the page does not name are found one after the other."""
    page = (ROOT / "web" / "index.html").read_text(encoding="utf-8")
    for module in MODULES:
        assert f'"/web/{module.relative_to(ROOT / "web").as_posix()}"' in page, module.name


@pytest.mark.proves("FR-403", "FR-410")
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_module_makes_markup_of_data_or_keeps_a_token_for_longer(module: object) -> None:
    text = module.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert "://" not in text
    assert "eval(" not in text
    if module.name != "dom.js":  # type: ignore[attr-defined]
        assert "innerHTML" not in text
    for line in text.splitlines():
        assert "localStorage" not in line or "'theme'" in line
