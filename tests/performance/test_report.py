"""The document shows what the results hold."""

import re

import pytest

from benchmarks.report import DOCUMENT, PARTS, fill
from benchmarks.results import RESULTS

pytestmark = pytest.mark.proves("FR-713")


def test_the_document_is_what_the_results_make_it() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == fill(document), "run: python -m benchmarks.report"


def test_every_plot_that_it_shows_is_there() -> None:
    shown = re.findall(r"\(\.\./benchmarks/results/(\w+\.svg)\)", DOCUMENT.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(path.name for path in RESULTS.glob("*.svg"))


@pytest.mark.parametrize("name", PARTS)
def test_a_part_without_a_place_is_told(name: str) -> None:
    with pytest.raises(ValueError, match=f"0 places for {name}"):
        fill(DOCUMENT.read_text(encoding="utf-8").replace(f"<!-- {name}:", "<!-- gone:"))
