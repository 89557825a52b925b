"""Programs that run beside tests; what they wrote is looked through when they have ended (FR-310)."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from local import demo, serve
from local.child_process import ChildProcess
from local.template import ROOT
from tests.secrets_in_logs import look_through

__all__ = ["look_through_file", "play_demo", "read_terminal", "run_beside", "serve_locally"]

GREETING = re.compile(r"^export TOKEN=\S+\n\nTry it:\n\ncurl .+ -H \"Authorization: Bearer \$TOKEN\"$", re.MULTILINE)
"""What local.serve tells once to whoever started it: a token, and a command with it."""


@contextmanager
def run_beside(
    command: Sequence[str], folder: Path = ROOT, environment: Mapping[str, str] | None = None, *, greets: bool = False
) -> Iterator[ChildProcess]:
    """A program, stopped when the block ends. What it wrote is its log, but for the greeting where it `greets`."""
    program = ChildProcess(command, folder, environment)
    try:
        yield program
    finally:
        program.stop()
    written = program.read_output()
    look_through(GREETING.sub("", written, count=1) if greets else written)


@contextmanager
def serve_locally(
    port: int, folder: Path = ROOT, environment: Mapping[str, str] | None = None, *, seconds: float = 60
) -> Iterator[None]:
    """The local runtime as its users run it, from when it answers."""
    command = [sys.executable, "-m", "local.serve", "--port", str(port)]
    with run_beside(command, folder, environment, greets=True) as runtime:
        runtime.wait_until_it_answers(port, seconds)
        yield
    assert '"operation"' in runtime.read_output(), "what the functions log is in it"
    look_through_file(serve.SCHEDULE_LOG, folder)


def play_demo(folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The demonstration, where nobody sits at a terminal."""
    played = subprocess.run(
        [sys.executable, "-m", "local.demo"],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    look_through(played.stdout + played.stderr)
    look_through_file(demo.LOG, folder)
    return played


def read_terminal(main: int, terminal: int) -> bytes:
    """All that a program, which has ended, wrote to a pseudoterminal: one read may give a part of it."""
    os.close(terminal)
    shown = b""
    with suppress(OSError):  # where nothing is left
        while more := os.read(main, 65536):
            shown += more
    os.close(main)
    return shown


def look_through_file(log: Path, folder: Path = ROOT) -> None:
    """A log of this project, or the same one of a copy in another folder."""
    look_through((folder / log.relative_to(ROOT)).read_text(encoding="utf-8", errors="replace"))
