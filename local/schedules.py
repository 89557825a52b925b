"""Runs the template's scheduled functions beside the API, as EventBridge does (FR-232)."""

import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from local.runtime import Runtime

__all__ = ["run_schedules"]

LONGEST_WAIT_SECONDS = 5
"""What the template calls each minute or hour is called as often here: nobody waits that long for a demonstration."""


@contextmanager
def run_schedules(runtime: Runtime) -> Iterator[None]:
    """For as long as the block lasts; a run that fails is in the log, and the next one comes."""
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=[runtime, stop], daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _run(runtime: Runtime, stop: threading.Event) -> None:
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
                traceback.print_exc()
            next_runs[schedule.function.logical_id] = time.monotonic() + seconds
