"""Results as JSON, with what is needed to judge them: date, commit, machine, load."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.template import ROOT

__all__ = ["RESULTS", "load_result", "save_result"]

RESULTS = ROOT / "benchmarks" / "results"


def save_result(name: str, measured: dict[str, Any], *, quick: bool = False) -> None:
    """Quick results are shown, not kept: they would take the place of good ones."""
    if quick:
        print(json.dumps(measured, indent=2, default=str))
        return
    RESULTS.mkdir(exist_ok=True)
    document = {"facts": _read_facts(), **measured}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def load_result(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def _read_facts() -> dict[str, Any]:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = bool(git("status", "--porcelain", "--untracked-files=no", "--", "layers", "functions", "template.yaml"))
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "commit": git("rev-parse", "--short", "HEAD") + (" with changes" if changed else ""),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {_read_processor()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _read_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")
