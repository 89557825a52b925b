"""Says what takes a while: at a terminal with a moving sign until it is done, elsewhere with a line.

show_bar counts: tqdm's bar; 80 columns wide where the terminal does not say its size.

python -m local.progress WHAT COMMAND …     says it for as long as a command runs, and then what the command said
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from tqdm import tqdm

__all__ = ["run_working", "show_bar", "working"]

SIZE = {"ncols": 80, "nrows": 24}
"""Of a terminal that says it has no size, as some of containers and editors do."""


@contextmanager
def working(what: str) -> Iterator[None]:
    """For as long as the block lasts; on standard error, so that what a command prints stays what it is."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        print(what, file=sys.stderr, flush=True)
        yield
        return
    with console.status(what):
        yield


def show_bar(items: Any = None, **options: Any) -> "tqdm[Any]":
    """tqdm's bar of what is gone through on standard error, with its options; nothing where that is no terminal."""
    size: dict[str, Any] = {} if _has_size() else SIZE
    bar: tqdm[Any] = tqdm(items, file=sys.__stderr__, disable=None, **size, **options)
    return bar


def _has_size() -> bool:
    try:
        return sys.__stderr__ is not None and os.get_terminal_size(sys.__stderr__.fileno()).columns > 0
    except (OSError, ValueError):
        return False


def run_working(what: str, command: Sequence[str]) -> int:
    """The command's status; what it wrote comes when it is done, and where it fails, after what it was."""
    with working(what):
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        print(f"{what}: failed: {' '.join(command)}", file=sys.stderr)
    print(ran.stdout, end="", flush=True)
    return ran.returncode


if __name__ == "__main__":
    sys.exit(run_working(sys.argv[1], sys.argv[2:]))
