"""The list of survivors, and how a mutant is described."""

import tomllib
from pathlib import Path

import pytest

from local.template import ROOT
from tests.mutation import __main__ as mutation
from tests.mutation.modules import MODULES

LISTED = tomllib.loads(mutation.SURVIVORS.read_text())["survivor"]

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
def test_a_mutant_is_the_lines_that_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mutants" / "src" / "checkout"
    folder.mkdir(parents=True)
    (folder / "money.py").write_text(MUTATED)
    monkeypatch.setattr(mutation, "COPY", tmp_path)
    [mutant] = mutation.describe("money", ["checkout.money.x_add__mutmut_1"])
    assert mutant == mutation.Mutant("money", "add", "one + other", "one - other")


@pytest.mark.proves("FR-311")
def test_tests_of_the_copy_come_by_its_package() -> None:
    settings = tomllib.loads(mutation.make_settings())["tool"]
    assert settings["pytest"]["ini_options"]["pythonpath"] == [".", "src"]
    assert settings["mutmut"]["source_paths"] == ["src"]
