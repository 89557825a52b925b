"""What is measured, and how much of it: `python -m benchmarks.questions --only cost`.

Of the standard library alone: make asks it before it makes environments.
"""

import argparse

__all__ = ["QUESTIONS", "read_arguments"]

QUESTIONS = ("latency", "throughput", "start", "cost", "heat", "memory", "scale")
"""Times first, while nothing else has been loaded; cost takes Lambda's time from latency."""


def read_arguments() -> argparse.Namespace:
    """`quick`, and `only`, one of QUESTIONS or None; ends the process where it is given others."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="a little of each, shown and not kept")
    parser.add_argument("--only", choices=QUESTIONS, help="one question")
    return parser.parse_args()


if __name__ == "__main__":
    read_arguments()
