"""Measures everything, draws it, and writes docs/performance.md: `make bench`, or a little of it with QUICK=1."""

import sys
import time

from benchmarks.questions import QUESTIONS, read_arguments
from benchmarks.report import write_report
from benchmarks.results import RESULTS
from local.commands import run_command
from local.progress import run_working
from local.sam_local import build_checkout
from local.template import ROOT


def main() -> int:
    arguments = read_arguments()
    questions = [arguments.only] if arguments.only else list(QUESTIONS)
    if "start" in questions:
        build_checkout()
    for number, question in enumerate(questions, start=1):
        began = time.monotonic()
        command = [sys.executable, "-m", f"benchmarks.{question}", *(["--quick"] if arguments.quick else [])]
        if run_working(f"bench: {question} ({number} of {len(questions)})", command):
            return 1
        print(f"bench: {question} took {time.monotonic() - began:.0f} s", flush=True)
    if not arguments.quick:
        plots = [str(ROOT / ".venv-benchmarks" / "bin" / "python"), "-m", "benchmarks.plots", str(RESULTS)]
        if run_working("bench: drawing", plots):
            return 1
        write_report()
    return 0


if __name__ == "__main__":
    run_command("bench", main)
