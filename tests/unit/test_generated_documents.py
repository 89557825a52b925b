"""What documents show of the template is made from it, and marks are found once."""

import re
from dataclasses import replace

import pytest

from local.template import ROOT, read_document, read_template
from tools.describe_template import DOCUMENTS, draw_architecture, list_functions, list_parameters, list_schedules
from tools.generated import END, find_stale, replace_generated, start_of

pytestmark = pytest.mark.proves("FR-607")


def test_documents_show_the_template_as_it_is() -> None:
    assert find_stale(DOCUMENTS) == [], "run: make diagrams"


def test_every_function_route_and_table_is_in_the_architecture() -> None:
    template, document = read_template(), read_document()
    drawn, listed = draw_architecture(template, document), list_functions(template)
    for route in template.routes:
        assert f'"{route.method} {route.path}" --> {route.function.name}' in drawn
    for name in template.functions:
        assert f"        {name}\n" in drawn
        assert f"| `{name}` |" in listed
    assert "mark_order_paid --> PaymentsTable" in drawn
    assert "get_order --> " not in drawn, "it writes nothing"
    assert "pay ==> gateway" in drawn


def test_a_parameter_without_a_default_is_needed() -> None:
    listed = list_parameters(read_document())
    assert "| `CursorSecret` | needed |" in listed
    assert "| `AlarmEmail` | - |" in listed
    assert "| `MaxDeclines` | `10` |" in listed


def test_a_month_of_what_runs_by_schedule_is_worked_out_from_it_and_from_the_prices() -> None:
    template, document = read_template(), read_document()
    calls = "| `settle_payments`, calls: 43,800 x 0.20 / 1,000,000 | 0.009 |"
    assert calls in list_schedules(template, document)
    twice = replace(template, schedules=tuple(replace(each, seconds=each.seconds // 2) for each in template.schedules))
    assert calls.replace("43,800", "87,600").replace("0.009", "0.018") in list_schedules(twice, document)
    elsewhere = [path for path in (ROOT / "docs").rglob("*.md") if re.search(r"\b43,?[28]00\b", path.read_text())]
    assert elsewhere == [ROOT / "docs" / "costs.md"]


@pytest.mark.parametrize("marks", [0, 2])
def test_a_document_without_one_place_is_refused(marks: int) -> None:
    with pytest.raises(ValueError, match=f"{marks} places"):
        replace_generated(f"{start_of('a')}{END}" * marks, "a", "")


def test_only_what_is_between_the_marks_changes() -> None:
    document = f"before {start_of('a')}old{END} {start_of('b')}kept{END}"
    assert replace_generated(document, "a", "new") == f"before {start_of('a')}\nnew\n{END} {start_of('b')}kept{END}"
