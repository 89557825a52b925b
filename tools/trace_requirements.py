"""Traces requirements to tasks and tests: `python -m tools.trace_requirements`.

Reads requirements (`- **FR-001**: …`) from specs/*/spec.md, tasks (`- [x] T012 [P] [US2] … (FR-014) depends on T010`)
from specs/*/tasks.md, and `pytest.mark.proves("FR-014")` from tests/**/test_*.py, without running them. Prints which
tasks and tests each requirement has; exits 1, with a line for each problem, where something is missing or does not
exist.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

__all__ = ["Mark", "Requirement", "Task", "find_problems", "main", "read_marks", "read_requirements", "read_tasks"]

ROOT = Path(__file__).parent.parent

REQUIREMENT = re.compile(r"^- \*\*(FR-\d{3})\*\*")
# A task goes on in the indented lines that follow.
TASK = re.compile(r"^- \[[ x]\] (T\d{3}) .*(?:\n {2,}\S.*)*", re.MULTILINE)
REQUIREMENT_ID = re.compile(r"FR-\d{3}")
TASK_ID = re.compile(r"T\d{3}")


Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Requirement:
    """`place` is file:line, as in the others."""

    id: str
    place: str


@dataclass(frozen=True, slots=True)
class Task:
    id: str
    place: str
    requirements: tuple[str, ...]
    dependencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """One `proves(…)`: the requirements that it names, and the tests that it covers, as (file, test)."""

    place: str
    requirements: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]


class Defined(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def place(self) -> str: ...


def read_requirements(root: Path) -> list[Requirement]:
    return [
        Requirement(found[1], f"{file}:{number}")
        for file, text in _read_files(root, "specs/*/spec.md")
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := REQUIREMENT.match(line))
    ]


def read_tasks(root: Path) -> list[Task]:
    tasks = []
    for file, text in _read_files(root, "specs/*/tasks.md"):
        for found in TASK.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            work, _, dependencies = found[0].partition("depends on")
            tasks.append(
                Task(
                    id=found[1],
                    place=f"{file}:{line}",
                    requirements=tuple(REQUIREMENT_ID.findall(work)),
                    dependencies=tuple(TASK_ID.findall(dependencies)),
                )
            )
    return tasks


def read_marks(root: Path) -> list[Mark]:
    return [
        mark
        for file, source in _read_files(root, "tests/**/test_*.py")
        for mark in _read_marks_of(file, ast.parse(source, filename=file), prefix="")
    ]


def find_problems(requirements: Sequence[Requirement], tasks: Sequence[Task], marks: Sequence[Mark]) -> list[str]:
    """A line for each gap, as `place: what is wrong`."""
    return [
        *_find_repetitions(requirements),
        *_find_repetitions(tasks),
        *_find_forgotten(requirements, tasks, marks),
        *_find_faults_of_tasks(tasks, {requirement.id for requirement in requirements}),
        *_find_faults_of_marks(marks, {requirement.id for requirement in requirements}),
    ]


def render_matrix(requirements: Sequence[Requirement], tasks: Sequence[Task], marks: Sequence[Mark]) -> str:
    """A row for each requirement; test files with the number of their tests that name it, one file a line."""
    rows = [("requirement", "tasks", "tests")]
    for requirement in sorted(requirements, key=lambda requirement: requirement.id):
        serving = [task.id for task in tasks if requirement.id in task.requirements]
        proving = {test for mark in marks if requirement.id in mark.requirements for test in mark.tests}
        files = [f"{file} ({count})" for file, count in sorted(Counter(file for file, _ in proving).items())]
        rows.append((requirement.id, " ".join(serving) or "-", (files or ["-"])[0]))
        rows += [("", "", file) for file in files[1:]]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{row[0]:{first}}  {row[1]:{second}}  {row[2]}" for row in rows)


def main(root: Path = ROOT) -> int:
    """Prints the matrix, and problems to standard error; 0 where there are none."""
    requirements, tasks, marks = read_requirements(root), read_tasks(root), read_marks(root)
    problems = find_problems(requirements, tasks, marks) if requirements else ["there are no requirements"]
    tests = {test for mark in marks for test in mark.tests}
    print(render_matrix(requirements, tasks, marks))
    print(
        f"\n{len(requirements)} requirements, {len(tasks)} tasks, {len(tests)} tests that name requirements", flush=True
    )
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _read_files(root: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """Each file's path within the root, and its text."""
    for path in sorted(root.glob(pattern)):
        yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def _find_repetitions(defined: Iterable[Defined]) -> Iterator[str]:
    places: dict[str, str] = {}
    for thing in defined:
        if thing.id in places:
            yield f"{thing.place}: {thing.id} is there already, at {places[thing.id]}"
        places.setdefault(thing.id, thing.place)


def _find_forgotten(requirements: Iterable[Requirement], tasks: Iterable[Task], marks: Iterable[Mark]) -> Iterator[str]:
    with_task = {wanted for task in tasks for wanted in task.requirements}
    with_test = {wanted for mark in marks if mark.tests for wanted in mark.requirements}
    for requirement in requirements:
        if requirement.id not in with_task:
            yield f"{requirement.place}: {requirement.id} has no task"
        if requirement.id not in with_test:
            yield f"{requirement.place}: {requirement.id} has no test"


def _find_faults_of_tasks(tasks: Sequence[Task], known: Set[str]) -> Iterator[str]:
    known_tasks = {task.id for task in tasks}
    for task in tasks:
        if not task.requirements:
            yield f"{task.place}: {task.id} has no requirement"
        for wanted in task.requirements:
            if wanted not in known:
                yield f"{task.place}: {task.id} serves {wanted}, which does not exist"
        for needed in task.dependencies:
            if needed not in known_tasks:
                yield f"{task.place}: {task.id} depends on {needed}, which does not exist"


def _find_faults_of_marks(marks: Iterable[Mark], known: Set[str]) -> Iterator[str]:
    for mark in marks:
        if not mark.requirements:
            yield f"{mark.place}: a mark names no requirement"
        for wanted in mark.requirements:
            if wanted not in known:
                yield f"{mark.place}: a test names {wanted}, which does not exist"


def _read_marks_of(file: str, scope: ast.Module | ast.ClassDef, *, prefix: str) -> Iterator[Mark]:
    """The marks on a module or a class and on what is in it."""
    for node in scope.body:
        if isinstance(node, ast.ClassDef):
            inside = f"{prefix}{node.name}::"
            yield from _to_marks(file, node.decorator_list, [name for name, _ in _find_tests(node, prefix=inside)])
            yield from _read_marks_of(file, node, prefix=inside)
        elif isinstance(node, Function):
            yield from _to_marks(file, node.decorator_list, [f"{prefix}{node.name}"] if _is_test(node) else [])
        else:
            yield from _to_marks(file, [node], _find_users(node, scope, prefix=prefix))


def _find_users(statement: ast.stmt, scope: ast.Module | ast.ClassDef, *, prefix: str) -> list[str]:
    """The tests that a statement marks: all for `pytestmark`, for a table of cases those whose decorators name it."""
    assigned = _find_names([statement], ast.Store)
    tests = _find_tests(scope, prefix=prefix)
    return [
        name
        for name, test in tests
        if "pytestmark" in assigned or assigned & _find_names(test.decorator_list, ast.Load)
    ]


def _find_names(nodes: Iterable[ast.AST], context: type[ast.expr_context]) -> set[str]:
    inner = (inner for node in nodes for inner in ast.walk(node))
    return {name.id for name in inner if isinstance(name, ast.Name) and isinstance(name.ctx, context)}


def _to_marks(file: str, nodes: Iterable[ast.AST], tests: Sequence[str]) -> Iterator[Mark]:
    for node in nodes:
        for call in filter(_is_mark, ast.walk(node)):
            requirements = tuple(_read_requirements_of(call, node))
            yield Mark(f"{file}:{call.lineno}", requirements, tuple((file, test) for test in tests))


def _is_mark(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "proves"


def _read_requirements_of(mark: ast.Call, statement: ast.AST) -> list[str]:
    """What a mark names; where it is computed, as in a table of cases, what its statement names."""
    written = [argument.value for argument in mark.args if isinstance(argument, ast.Constant)]
    if len(written) == len(mark.args):
        return list(map(str, written))
    texts = (str(inner.value) for inner in ast.walk(statement) if isinstance(inner, ast.Constant))
    return sorted({requirement for text in texts for requirement in REQUIREMENT_ID.findall(text)})


def _find_tests(scope: ast.Module | ast.ClassDef, *, prefix: str) -> list[tuple[str, Function]]:
    tests: list[tuple[str, Function]] = []
    for node in scope.body:
        if isinstance(node, ast.ClassDef):
            tests += _find_tests(node, prefix=f"{prefix}{node.name}::")
        elif isinstance(node, Function) and _is_test(node):
            tests.append((f"{prefix}{node.name}", node))
    return tests


def _is_test(node: Function) -> bool:
    return node.name.startswith("test")


if __name__ == "__main__":
    sys.exit(main())
