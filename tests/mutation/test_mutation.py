"""The list of survivors, and how a mutant is described."""

import json
import tomllib
from pathlib import Path

import pytest

from local.template import ROOT
from tests.mutation import __main__ as mutation
from tests.mutation import survivors
from tests.mutation.modules import MODULES
from tests.mutation.survivors import Mutant

LISTED = tomllib.loads(survivors.LISTED.read_text())["survivor"]

MUTATED = """
def x_add__mutmut_orig(one, other):
    return (
        one + other
    )


def x_add__mutmut_1(one, other):
    return (
        one - other
    )
"""


@pytest.mark.proves("FR-311")
@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: f"{entry['function']}: {entry['becomes'][:40]}")
def test_a_listed_survivor_has_a_reason_and_changes_what_is_there(entry: dict[str, str]) -> None:
    assert entry.keys() == {"module", "function", "was", "becomes", "reason"}
    assert entry["module"] in MODULES
    assert entry["reason"].endswith(".")
    source = (ROOT / "layers" / "checkout" / "checkout" / f"{entry['module']}.py").read_text()
    assert entry["was"] in source


@pytest.mark.proves("FR-311")
def test_a_mutant_is_the_lines_that_differ(tmp_path: Path) -> None:
    (tmp_path / "money.py").write_text(MUTATED)
    [mutant] = survivors.describe(tmp_path, "money", ["checkout.money.x_add__mutmut_1"])
    assert mutant == Mutant("money", "add", "one + other", "one - other")


@pytest.mark.proves("FR-311")
@pytest.mark.parametrize("becomes", ["one - other", "one * other"])
def test_a_survivor_is_known_by_what_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str) -> None:
    name = "checkout.money.x_add__mutmut_1"
    (tmp_path / "money.py").write_text(MUTATED)
    (tmp_path / "money.py.meta").write_text(json.dumps({"exit_code_by_key": {name: None}}))
    monkeypatch.setattr(survivors, "read_listed", lambda: {Mutant("money", "add", "one + other", becomes)})
    assert list(survivors.find_listed(tmp_path, "money")) == ([name] if becomes == "one - other" else [])


@pytest.mark.proves("FR-311")
def test_tests_of_the_copy_come_by_its_package() -> None:
    settings = tomllib.loads(mutation.make_settings())["tool"]
    assert settings["pytest"]["ini_options"]["pythonpath"] == [".", "src"]
    assert settings["mutmut"]["source_paths"] == ["src"]
