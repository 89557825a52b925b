"""What takes a while says so, and what a command prints stays what it is."""

import ast
import io
import pty
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from local import compile_layers, progress
from local.progress import run_working, working
from local.tables import PRODUCTS, load_products
from local.template import ROOT
from tests.programs import read_terminal
from tools.count_packages import count_locked, draw_bar, read_steps

pytestmark = pytest.mark.proves("FR-609")

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DECLARED = {name for line in re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE) for name in line.split()}


def test_where_there_is_no_terminal_it_is_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with working("building"):
        pass
    assert capsys.readouterr() == ("", "building\n")


def test_at_a_terminal_a_sign_moves_and_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = io.StringIO()
    real = progress.Console
    monkeypatch.setattr(progress, "Console", lambda **_: real(file=shown, force_terminal=True))
    with working("building"):
        pass
    assert "building" in shown.getvalue()
    assert capsys.readouterr().out == ""


def test_a_bar_is_drawn_also_where_the_terminal_has_no_width() -> None:
    """As a new pseudoterminal has none."""
    main, terminal = pty.openpty()
    drawing = "from local.progress import show_bar\nfor _ in show_bar([1, 2], desc='counting'): pass"
    subprocess.run([sys.executable, "-c", drawing], cwd=ROOT, stderr=terminal, check=True)
    assert b"counting: 100%" in read_terminal(main, terminal)


def test_a_command_is_said_and_then_what_it_wrote(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_working("looking", [sys.executable, "-c", "print('seen')"]) == 0
    assert capfd.readouterr() == ("seen\n", "looking\n")


def test_a_command_that_fails_is_named_and_its_status_kept(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_working("looking", [sys.executable, "-c", "import sys; sys.exit('blind')"]) == 1
    out, err = capfd.readouterr()
    assert out == "blind\n"
    assert err.startswith(f"looking\nlooking: failed: {sys.executable}")


@pytest.mark.parametrize("target", ["lint", "lock"])
def test_each_step_of_what_takes_long_is_said_and_counted(target: str) -> None:
    [recipe] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    commands = [line for line in recipe.splitlines() if not line.startswith("\t\t")]
    told = re.findall(rf"\(call step,{target} (\d+) of (\d+): .+?\)", recipe)
    assert told == [(str(number), str(len(commands))) for number in range(1, len(commands) + 1)]


QUICK = {
    "benchmarks.questions",
    "local.keys",
    "local.port",
    "local.token",
    "tests.mutation.modules",
    "tools.describe_template",
    "tools.draw_transitions",
    "tools.trace_requirements",
}
"""Done within two seconds."""
BY_OTHERS = {"local.progress", "local.install_missing", "tests.mutation"}
"""Themselves, the installers that they call, and mutmut."""
MODULES = set(re.findall(r"-m ((?:benchmarks|local|tests|tools)[\w.]*)", MAKEFILE))


@pytest.mark.parametrize("module", sorted(MODULES - QUICK - BY_OTHERS))
def test_what_a_target_runs_shows_progress(module: str) -> None:
    file = ROOT / module.replace(".", "/")
    source = (file / "__main__.py" if file.is_dir() else file.with_suffix(".py")).read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert used & {"run_working", "show_bar", "tqdm", "working"}


def test_the_dashboard_is_drawn_with_progress_in_its_own_environment() -> None:
    assert re.search(r"^\t@\$\(call step,dashboard: .+\) \.venv-plots/bin/python", MAKEFILE, re.MULTILINE)


def test_products_are_counted_as_they_are_loaded() -> None:
    stored: list[str] = []
    counted: list[str] = []

    class Database:
        def put_item(self, Item: Any, **_: Any) -> None:  # noqa: N803  as boto3 has it
            stored.append(Item["product_id"]["S"])

    def watch(items: Sequence[Any]) -> Iterable[Any]:
        for item in items:
            yield item
            counted.append(item["product_id"]["S"])
            assert counted == stored

    assert load_products(Database(), PRODUCTS, watch=watch) == len(counted) > 1  # type: ignore[arg-type]


def test_layers_are_counted_as_they_are_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALayer", "BLayer"):
        (tmp_path / name / "python").mkdir(parents=True)
    shown: list[Sequence[Path]] = []
    monkeypatch.setattr(compile_layers, "_find_python", lambda: sys.executable)
    monkeypatch.setattr(compile_layers, "show_bar", lambda items, **_: shown.append(items) or items)
    compile_layers.compile_layers(tmp_path)
    assert shown == [[tmp_path / "ALayer" / "python", tmp_path / "BLayer" / "python"]]


def test_help_says_that_what_it_makes_first_needs_the_network() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "That, and `make build`, need a package index: the network." in shown.splitlines()[-2]


def test_packages_are_counted_as_pip_comes_to_them() -> None:
    lock = "rich==15.0.0 \\\n    --hash=sha256:ab\ntqdm==4.7 ; sys_platform == 'x' \\\n    --hash=sha256:cd\n"
    assert count_locked(lock) == 2
    assert list(read_steps(["Collecting rich==15.0.0\n", "  Downloading\n", "Collecting tqdm\n"])) == [1, 2]
    assert draw_bar(1, 2).count("#") == 15
    assert draw_bar(3, 2).endswith("3 of 2 packages")
    assert draw_bar(0, 0).count("#") == 0


def test_every_target_says_what_it_does_in_a_group() -> None:
    described = dict(re.findall(r"^([a-z0-9-]+):.*## (.+)$", MAKEFILE, re.MULTILINE))
    assert described.keys() == DECLARED
    assert MAKEFILE.index("##@ ") < min(MAKEFILE.index(f"\n{name}:") for name in DECLARED)
    for name, does in described.items():
        assert does[0].isupper(), name


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ("serve", "Java 17 and npm"),
        ("sam-local", "Docker, Java 17 and npm"),
        ("screenshots", "Chromium"),
        ("verify", "root on Debian"),
        ("soak", "Java 17 and npm"),
        ("bench", "Java 17, npm and redis-server"),
        ("e2e", "to be up"),
        ("docs", "npm"),
        ("lock", "a package index"),
    ],
)
def test_what_has_to_be_there_is_said(target: str, needed: str) -> None:
    assert re.search(rf"^{target}:.*## .*\bneeds {needed}", MAKEFILE, re.MULTILINE)


def test_what_looks_after_a_stack_is_in_a_group_that_says_what_a_stack_needs() -> None:
    [group] = re.findall(r"^##@ .*STACK=…, which needs AWS credentials and a region\n(.*?)^##@", MAKEFILE, re.M | re.S)
    assert set(re.findall(r"^([a-z-]+):", group, re.MULTILINE)) == {"load-products", "audit-verify", "reconcile"}
