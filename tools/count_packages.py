"""Shows how far pip is: `pip install … --requirement LOCK | python tools/count_packages.py LOCK`.

It runs before there is an environment, so it needs nothing but Python. Where standard error is no terminal it
says nothing.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["count_locked", "draw_bar", "read_steps"]

WIDTH = 30


def count_locked(lock: str) -> int:
    """Packages that a lock names; some of them may be for other machines."""
    return len(re.findall(r"^[A-Za-z0-9._-]+==", lock, re.MULTILINE))


def read_steps(lines: Iterable[str]) -> Iterable[int]:
    """The number of packages that pip has come to, each time that it comes to one."""
    done = 0
    for line in lines:
        if line.startswith("Collecting "):
            done += 1
            yield done


def draw_bar(done: int, total: int) -> str:
    filled = WIDTH * min(done, total) // max(total, 1)
    return f"setup: [{'#' * filled}{' ' * (WIDTH - filled)}] {done} of {total} packages"


def main() -> None:
    total = count_locked(Path(sys.argv[1]).read_text(encoding="utf-8"))
    shown = sys.stderr.isatty()
    for done in read_steps(sys.stdin):
        if shown:
            print(f"\r{draw_bar(done, total)}", end="", file=sys.stderr, flush=True)
    if shown:
        print("\r\033[Ksetup: installed", file=sys.stderr)


if __name__ == "__main__":
    main()
