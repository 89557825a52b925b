"""Blocks of commands in README.md and the tutorial are run, in their order, as a reader would.

The mark before a block says what is to become of it:

    <!-- run -->                    it is run, and must end with 0
    <!-- run; shows: text -->       and its output must hold the text
    <!-- serve -->                  it starts the local runtime, for what follows
    <!-- not run: reason -->        it needs what a test has not got

The port that a document names is replaced by a free one.
"""

import fcntl
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import demo
from local.child_process import find_free_port
from local.template import ROOT
from tests.programs import look_through_file, serve_locally

pytestmark = pytest.mark.proves("FR-610")

RUN = [ROOT / "README.md", ROOT / "docs" / "tutorial.md"]
BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]+?) -->\n)?^```sh\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
LOCK = ROOT / ".data" / "documents.lock"
PORT = "3000"
NEXT = "@@@ next block"
SECONDS = 600


@dataclass(frozen=True)
class Block:
    """Commands, the mark before them, and where they are."""

    mark: str
    commands: str
    line: int

    @property
    def kind(self) -> str:
        return re.split(r"[;:]", self.mark)[0]

    @property
    def shows(self) -> str:
        return self.mark.partition("shows: ")[2]


def read_blocks(text: str) -> list[Block]:
    return [
        Block(found["mark"] or "", found["commands"], text.count("\n", 0, found.start("commands")))
        for found in BLOCK.finditer(text)
    ]


def run_blocks(blocks: list[Block], port: int) -> list[str]:
    """What each block printed; they are run by one shell, which ends with the first command that fails."""
    runnable = [block for block in blocks if block.kind == "run"]
    script = "\n".join(
        ["set -euo pipefail", *(f"{block.commands}\necho\necho {shlex.quote(NEXT)}" for block in runnable)]
    )
    done = subprocess.run(
        ["bash", "-c", script.replace(f":{PORT}", f":{port}")],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    printed = done.stdout.split(NEXT)
    if done.returncode:
        failed = runnable[len(printed) - 1]
        pytest.fail(f"line {failed.line} failed with {done.returncode}:\n{failed.commands}{printed[-1]}{done.stderr}")
    return printed


@contextmanager
def alone() -> Iterator[None]:
    """One document at a time: `make` finds what is up in one place, and would take what another one has started."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.name)
def test_the_commands_of_a_document_do_what_it_says(path: Path) -> None:
    blocks = read_blocks(path.read_text(encoding="utf-8"))
    [serving] = [block for block in blocks if block.kind == "serve"]
    assert serving.commands == "make serve\n"
    port = find_free_port()
    with alone(), serve_locally(port, seconds=SECONDS):
        printed = run_blocks(blocks, port)
    look_through_file(demo.LOG)
    for block, output in zip([block for block in blocks if block.kind == "run"], printed, strict=False):
        assert block.shows in output, f"line {block.line} does not show {block.shows}, but:\n{output}"


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.name)
def test_every_block_of_commands_has_a_mark(path: Path) -> None:
    for block in read_blocks(path.read_text(encoding="utf-8")):
        assert block.kind in {"run", "serve", "not run"}, f"{path.name}:{block.line}"
        assert block.kind != "not run" or block.mark.partition(": ")[2], "it says why"


@pytest.mark.parametrize("path", [RUN[0], *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name)
def test_sam_is_the_one_that_the_project_installs(path: Path) -> None:
    # Blocks of a list are indented.
    for block in read_blocks(path.read_text(encoding="utf-8").replace("\n   ", "\n")):
        calls = re.findall(r"(?:^|[\s(])([\w./-]*\bsam) (?=[a-z])", block.commands)
        assert set(calls) <= {".venv-sam/bin/sam"}, f"{path.name}:{block.line}"


def test_a_block_that_fails_is_named() -> None:
    blocks = read_blocks("<!-- run -->\n```sh\ntrue\n```\n\n<!-- run; shows: x -->\n```sh\nfalse\necho x\n```\n")
    assert [(block.kind, block.shows) for block in blocks] == [("run", ""), ("run", "x")]
    with pytest.raises(pytest.fail.Exception, match="line 7 failed"):
        run_blocks(blocks, 1)


def test_variables_last_from_block_to_block() -> None:
    blocks = read_blocks("<!-- run -->\n```sh\nA=http://127.0.0.1:3000\n```\n<!-- run -->\n```sh\necho $A\n```\n")
    assert "http://127.0.0.1:81" in run_blocks(blocks, 81)[1]
