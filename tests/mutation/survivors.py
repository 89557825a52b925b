"""The survivors that are known, and what a mutant is: of the standard library alone, for the run in the copy."""

import ast
import difflib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LISTED", "Mutant", "describe", "find_listed", "read_listed", "read_results"]

LISTED = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True)
class Mutant:
    """A change of a function, by the lines that it takes away and puts in their place."""

    module: str
    function: str
    was: str
    becomes: str


def read_listed() -> set[Mutant]:
    entries = tomllib.loads(LISTED.read_text())["survivor"]
    return {Mutant(entry["module"], entry["function"], entry["was"], entry["becomes"]) for entry in entries}


def read_results(mutants: Path, module: str) -> dict[str, int | None]:
    """Of each mutant of a module, by name, the exit code of its tests; None where they were not run."""
    document = json.loads((mutants / f"{module}.py.meta").read_text())
    results: dict[str, int | None] = document["exit_code_by_key"]
    return results


def describe(mutants: Path, module: str, names: list[str]) -> Iterator[Mutant]:
    """What mutants change: the functions of a mutated module are there as they were and as each mutant has them."""
    source = (mutants / f"{module}.py").read_text()
    lines = source.splitlines()
    functions = {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }
    for name in names:
        mutated = name.rpartition(".")[2]
        original = mutated.rpartition("__mutmut_")[0]
        before, after = functions[f"{original}__mutmut_orig"], functions[mutated]
        changes = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
        was = [line[1:].strip() for line in changes if line.startswith("-")]
        becomes = [line[1:].strip() for line in changes if line.startswith("+")]
        yield Mutant(module, original.removeprefix("x").strip("_ǁ").replace("ǁ", "."), " ".join(was), " ".join(becomes))


def find_listed(mutants: Path, module: str) -> Iterator[str]:
    """The names of a module's mutants that the list has."""
    listed = read_listed()
    names = list(read_results(mutants, module))
    for name, mutant in zip(names, describe(mutants, module, names), strict=True):
        if mutant in listed:
            yield name
