"""A build is measured only where it is of the sources as they are."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import sam_local
from local.sam_local import STAMP, hash_sources, is_built
from local.template import ROOT

pytestmark = pytest.mark.proves("FR-708")

SOURCES = ("template.yaml", "functions/pay/app.py", "layers/dependencies/requirements.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    stamp = tmp_path / STAMP.relative_to(ROOT)
    for path in (*(tmp_path / name for name in SOURCES), stamp):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    stamp.write_text(hash_sources(tmp_path))
    return tmp_path


def test_one_of_the_sources_as_they_are_is_taken(root: Path) -> None:
    assert is_built(root)


def test_where_none_was_finished_it_is_to_be_made(root: Path) -> None:
    (root / STAMP.relative_to(ROOT)).unlink()
    assert not is_built(root)


@pytest.mark.parametrize("source", SOURCES)
def test_after_a_change_it_is_to_be_made_anew(root: Path, source: str) -> None:
    (root / source).write_text("changed")
    assert not is_built(root)


def test_so_it_is_where_something_was_removed_or_renamed(root: Path) -> None:
    (root / "functions" / "pay" / "app.py").rename(root / "functions" / "app.py")
    assert not is_built(root)


def test_what_python_compiles_beside_the_sources_is_no_change(root: Path) -> None:
    (root / "functions" / "pay" / "__pycache__").mkdir()
    for name in ("app.cpython-313.pyc", "app.cpython-313.pyc.140122"):
        (root / "functions" / "pay" / "__pycache__" / name).touch()
    assert is_built(root)


def test_two_at_once_build_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They would remove each other's files."""
    made: list[str] = []

    def build() -> None:
        made.append("begun")
        time.sleep(0.05)
        made.append("ended")

    monkeypatch.setattr(sam_local, "LOCK", tmp_path / "data" / "lock")
    monkeypatch.setattr(sam_local, "is_built", lambda: made[-1:] == ["ended"])
    monkeypatch.setattr(sam_local, "_build", build)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: sam_local.build_checkout(), range(3)))
    assert made == ["begun", "ended"]
