"""The local runtime runs what the template schedules (FR-232)."""

import io
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from local import schedules
from local.schedules import run_schedules

pytestmark = pytest.mark.proves("FR-232")


class FakeRuntime:
    """Counts the runs of its two schedules; the first fails each time."""

    def __init__(self) -> None:
        self.schedules = [
            SimpleNamespace(function=SimpleNamespace(logical_id=name), seconds=60) for name in ("Broken", "Works")
        ]
        self.runs: list[str] = []
        self.often = threading.Event()

    def run(self, schedule: Any) -> None:
        self.runs.append(schedule.function.logical_id)
        if self.runs.count("Works") >= 2:
            self.often.set()
        if schedule.function.logical_id == "Broken":
            raise RuntimeError("it is broken")
        print("it works")


def test_each_is_run_again_and_again_and_one_that_fails_stops_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schedules, "LONGEST_WAIT_SECONDS", 0.1)
    runtime = FakeRuntime()
    with run_schedules(runtime):  # type: ignore[arg-type]
        assert runtime.often.wait(10)
    made = len(runtime.runs)
    assert runtime.runs.count("Broken") >= 2
    assert "it is broken" in capsys.readouterr().err
    assert len(runtime.runs) == made, "none after its end"


def test_its_log_can_be_kept_off_the_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schedules, "LONGEST_WAIT_SECONDS", 0.1)
    runtime, log = FakeRuntime(), io.StringIO()
    with run_schedules(runtime, log):  # type: ignore[arg-type]
        assert runtime.often.wait(10)
        print("what a person needs", flush=True)
    print("after its end")
    shown = capsys.readouterr()
    assert shown.out == "what a person needs\nafter its end\n"
    assert shown.err == ""
    told = log.getvalue()
    assert told.count("it works\n") >= 2
    assert told.count("RuntimeError: it is broken\n") >= 2
