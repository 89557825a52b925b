"""Tracing finds what is there, and each kind of gap."""

from pathlib import Path

import pytest

from tools.trace_requirements import find_problems, main, read_marks, read_requirements, read_tasks

SPEC = """\
# A specification

- **FR-001**: It MUST work, and FR-002 is
  not defined here.
- **FR-002**: It MUST go on working.
"""
TASKS = """\
# Tasks

## Phase 1: Setup

- [x] T001 Make it work (FR-001)
- [ ] T002 [P] [US1] Keep it working, over
  two lines (FR-001, FR-002) depends on T001
"""
TESTS = """\
import pytest

@pytest.mark.proves("FR-001", "FR-002")
def test_it_works():
    pass
"""


def write_tree(root: Path, *, spec: str = SPEC, tasks: str = TASKS, tests: str = TESTS) -> Path:
    for path, text in {
        "specs/001-it/spec.md": spec,
        "specs/001-it/tasks.md": tasks,
        "tests/unit/test_it.py": tests,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def find_problems_in(root: Path) -> list[str]:
    return find_problems(read_requirements(root), read_tasks(root), read_marks(root))


def test_a_tree_without_gaps_has_no_problems(tmp_path: Path) -> None:
    assert find_problems_in(write_tree(tmp_path)) == []


def test_requirements_are_read_where_they_are_defined_and_not_where_they_are_mentioned(tmp_path: Path) -> None:
    requirements = read_requirements(write_tree(tmp_path))
    assert [(requirement.id, requirement.place) for requirement in requirements] == [
        ("FR-001", "specs/001-it/spec.md:3"),
        ("FR-002", "specs/001-it/spec.md:5"),
    ]


def test_a_task_names_its_requirements_and_what_it_depends_on(tmp_path: Path) -> None:
    first, second = read_tasks(write_tree(tmp_path))
    assert (first.id, first.requirements, first.dependencies) == ("T001", ("FR-001",), ())
    assert (second.id, second.requirements, second.dependencies) == ("T002", ("FR-001", "FR-002"), ("T001",))
    assert second.place == "specs/001-it/tasks.md:6"


MARKED_FUNCTION = '@pytest.mark.proves("FR-001")\ndef test_a(): ...\ndef test_b(): ...\n'
MARKED_COROUTINE = '@pytest.mark.proves("FR-001")\nasync def test_a(): ...\n'
MARKED_CLASS = (
    '@pytest.mark.proves("FR-001")\nclass TestIt:\n    def test_a(self): ...\n    def test_b(self): ...\n'
    "    def help(self): ...\ndef test_c(): ...\n"
)
MARK_IN_CLASS = 'class TestIt:\n    pytestmark = pytest.mark.proves("FR-001")\n    def test_a(self): ...\n'
MARKED_MODULE = (
    'pytestmark = pytest.mark.proves("FR-001")\ndef test_a(): ...\nclass TestIt:\n    def test_b(self): ...\n'
)
MARKED_MODULE_WITH_LIST = 'pytestmark = [pytest.mark.slow, pytest.mark.proves("FR-001")]\ndef test_a(): ...\n'
MARKED_CASE = (
    '@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.proves("FR-001"))])\ndef test_a(n): ...\n'
)
MARKED_TABLE = (
    'CASES: list[object] = [pytest.param(1, marks=pytest.mark.proves("FR-001"))]\n'
    '@pytest.mark.parametrize("n", CASES)\ndef test_a(n): ...\ndef test_b(): ...\n'
)
COMPUTED_TABLE = (
    'CASES = [pytest.param(n, marks=pytest.mark.proves(*ids.split())) for n, ids in [(1, "FR-001"), (2, "FR-001")]]\n'
    '@pytest.mark.parametrize("n", CASES)\ndef test_a(n): ...\ndef test_b(): ...\n'
)


@pytest.mark.parametrize(
    ("source", "tests"),
    [
        (MARKED_FUNCTION, ["test_a"]),
        (MARKED_COROUTINE, ["test_a"]),
        (MARKED_CLASS, ["TestIt::test_a", "TestIt::test_b"]),
        (MARK_IN_CLASS, ["TestIt::test_a"]),
        (MARKED_MODULE, ["test_a", "TestIt::test_b"]),
        (MARKED_MODULE_WITH_LIST, ["test_a"]),
        (MARKED_CASE, ["test_a"]),
        (MARKED_TABLE, ["test_a"]),
        (COMPUTED_TABLE, ["test_a"]),
    ],
)
def test_a_mark_covers_the_tests_below_it(tmp_path: Path, source: str, tests: list[str]) -> None:
    [mark] = read_marks(write_tree(tmp_path, tests=source))
    assert (mark.requirements, [test for _, test in mark.tests]) == (("FR-001",), tests)


UNMARKED = "def test_it(): ...\n"
WITHOUT_TESTS = 'import pytest\npytestmark = pytest.mark.proves("FR-001", "FR-002")\n'
UNKNOWN_IN_TEST = '@pytest.mark.proves("FR-001", "FR-002", "FR-009")\ndef test_it(): ...\n'
NOT_WRITTEN_OUT = '@pytest.mark.proves("FR-001", "FR-002")\n@pytest.mark.proves(WHICH)\ndef test_it(): ...\n'
TABLE_NOBODY_USES = 'CASES = [pytest.param(1, marks=pytest.mark.proves("FR-001", "FR-002"))]\ndef test_it(): ...\n'
MORE_TASKS = TASKS + "- [ ] T003 Something else"


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (
            {"tasks": "- [x] T001 Make it work (FR-001)\n"},
            ["specs/001-it/spec.md:5: FR-002 has no task"],
        ),
        (
            {"tests": UNMARKED},
            ["specs/001-it/spec.md:3: FR-001 has no test", "specs/001-it/spec.md:5: FR-002 has no test"],
        ),
        (
            {"tests": WITHOUT_TESTS},
            ["specs/001-it/spec.md:3: FR-001 has no test", "specs/001-it/spec.md:5: FR-002 has no test"],
        ),
        (
            {"tests": TABLE_NOBODY_USES},
            ["specs/001-it/spec.md:3: FR-001 has no test", "specs/001-it/spec.md:5: FR-002 has no test"],
        ),
        ({"tasks": MORE_TASKS}, ["specs/001-it/tasks.md:8: T003 has no requirement"]),
        (
            {"tasks": f"{MORE_TASKS} (FR-009)"},
            ["specs/001-it/tasks.md:8: T003 serves FR-009, which does not exist"],
        ),
        (
            {"tasks": f"{MORE_TASKS} (FR-001) depends on T009"},
            ["specs/001-it/tasks.md:8: T003 depends on T009, which does not exist"],
        ),
        (
            {"tests": UNKNOWN_IN_TEST},
            ["tests/unit/test_it.py:1: a test names FR-009, which does not exist"],
        ),
        (
            {"tests": NOT_WRITTEN_OUT},
            ["tests/unit/test_it.py:2: a mark names no requirement"],
        ),
        (
            {"spec": f"{SPEC}- **FR-002**: It MUST do so twice.\n"},
            ["specs/001-it/spec.md:6: FR-002 is there already, at specs/001-it/spec.md:5"],
        ),
        (
            {"tasks": f"{TASKS}- [ ] T001 Again (FR-001)\n"},
            ["specs/001-it/tasks.md:8: T001 is there already, at specs/001-it/tasks.md:5"],
        ),
    ],
    ids=[
        "requirement without a task",
        "requirement without a test",
        "mark without a test below it",
        "mark in a table that no test uses",
        "task without a requirement",
        "task of an unknown requirement",
        "task that depends on an unknown task",
        "test of an unknown requirement",
        "mark that names nothing",
        "requirement defined twice",
        "task defined twice",
    ],
)
def test_each_kind_of_gap_is_a_line(tmp_path: Path, change: dict[str, str], problems: list[str]) -> None:
    assert find_problems_in(write_tree(tmp_path, **change)) == problems


def test_prints_the_matrix_and_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(write_tree(tmp_path)) == 0
    printed = capsys.readouterr()
    assert [line.split() for line in printed.out.splitlines()[:3]] == [
        ["requirement", "tasks", "tests"],
        ["FR-001", "T001", "T002", "tests/unit/test_it.py", "(1)"],
        ["FR-002", "T002", "tests/unit/test_it.py", "(1)"],
    ]
    assert "2 requirements, 2 tasks, 1 tests" in printed.out
    assert printed.err == ""


def test_prints_each_problem_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(write_tree(tmp_path, tests=UNMARKED)) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "specs/001-it/spec.md:3: FR-001 has no test",
        "specs/001-it/spec.md:5: FR-002 has no test",
    ]


def test_a_tree_without_requirements_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 1
    assert "no requirements" in capsys.readouterr().err
