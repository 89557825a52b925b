"""Runs the template's scheduled functions beside the API, as EventBridge does (FR-232)."""

import io
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import TextIO

from local.runtime import Runtime

__all__ = ["run_schedules"]

LONGEST_WAIT_SECONDS = 5
"""What the template calls each minute or hour is called as often here: nobody waits that long for a demonstration."""


class DividedOutput(io.TextIOBase):
    """Standard output for all threads but one, which writes to a log of its own."""

    def __init__(self, screen: TextIO, thread: threading.Thread, log: TextIO) -> None:
        self._screen = screen
        self._thread = thread
        self._log = log

    def write(self, text: str, /) -> int:
        return self._choose().write(text)

    def flush(self) -> None:
        self._choose().flush()

    def _choose(self) -> TextIO:
        return self._log if threading.current_thread() is self._thread else self._screen


@contextmanager
def run_schedules(runtime: Runtime, log: TextIO | None = None) -> Iterator[None]:
    """For as long as the block lasts. What functions log goes to `log`, else to standard output.

    A run that fails is told in `log`, else on standard error, and the next one comes.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=[runtime, stop, log], daemon=True)
    divided = redirect_stdout(DividedOutput(sys.stdout, thread, log)) if log else nullcontext()
    with divided:
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _run(runtime: Runtime, stop: threading.Event, log: TextIO | None) -> None:
    next_runs: dict[str, float] = {}
    while not stop.wait(0.2):
        for schedule in runtime.schedules:
            seconds = min(schedule.seconds, LONGEST_WAIT_SECONDS)
            next_run = next_runs.setdefault(schedule.function.logical_id, time.monotonic() + seconds)
            if time.monotonic() < next_run:
                continue
            try:
                runtime.run(schedule)
            except Exception:
                # As in Lambda: its trace is in the log.
                traceback.print_exc(file=log)
            next_runs[schedule.function.logical_id] = time.monotonic() + seconds
