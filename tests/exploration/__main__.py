"""Walks all scenarios and says what was walked and what did not hold: `python -m tests.exploration --help`."""

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import Pool

from tqdm import tqdm

from tests.exploration.explore import (
    PAIRS,
    PAIRS_AT_HOME,
    TRIPLES,
    Bounds,
    Explorer,
    Outcome,
    Scenario,
    Violation,
)
from tests.exploration.requests import STATES
from tests.exploration.world import open_world

Plan = Sequence[tuple[Scenario, Bounds]]

WHOLE: Plan = [
    *((scenario, Bounds(schedules=800, drawn=50, faults=1_000)) for scenario in PAIRS),
    *((scenario, Bounds(schedules=100, drawn=20, faults=1_000)) for scenario in TRIPLES),
]
QUICK: Plan = [(scenario, Bounds(schedules=8, drawn=2, faults=6)) for scenario in PAIRS_AT_HOME]
"""What is bounded so is said in the last lines: not every schedule, and not every fault, is walked."""

_world = ExitStack()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make explore", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a bounded part, within a minute")
    parser.add_argument("--only", default="", help="scenarios with this in their names")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn by chance")
    parser.add_argument("--replay", help="one schedule, as a violation prints it")
    options = parser.parse_args()
    if options.replay:
        return replay(options.replay)
    plan = [each for each in (QUICK if options.quick else WHOLE) if options.only in each[0].name]
    started = time.monotonic()
    by_state: dict[str, Outcome] = defaultdict(Outcome)
    for scenario, outcome in explore(plan, options.seed):
        by_state[scenario.state].add(outcome)
    return report(by_state, time.monotonic() - started, options.seed)


def explore(plan: Plan, seed: int) -> Iterator[tuple[Scenario, Outcome]]:
    """In as many processes as there are processors."""
    with Pool(os.cpu_count(), initializer=open_process, initargs=(seed,)) as pool:
        yield from tqdm(pool.imap_unordered(explore_one, plan), total=len(plan), unit="scenario", disable=None)


def open_process(seed: int) -> None:
    global _explorer  # noqa: PLW0603  a process of the pool has no other place for it
    _explorer = Explorer(_world.enter_context(open_world()), seed)


def explore_one(each: tuple[Scenario, Bounds]) -> tuple[Scenario, Outcome]:
    return each[0], _explorer.explore(*each)


def report(by_state: dict[str, Outcome], seconds: float, seed: int) -> int:
    print(f"{'order':12}{'scenarios':>10}{'cut short':>10}{'schedules':>10}{'of faults':>11}{'walked':>9}")
    total = Outcome()
    for state in filter(by_state.get, STATES):
        outcome = by_state[state]
        total.add(outcome)
        print(
            f"{state:12}{outcome.scenarios:>10}{outcome.unfinished:>10}{outcome.schedules:>10}"
            f"{outcome.faults:>11}{outcome.crash_points:>9}"
        )
    shortest: dict[tuple[str, str], Violation] = {}
    for violation in sorted(total.violations, key=lambda violation: violation.length):
        shortest.setdefault((violation.scenario.name, violation.rule), violation)
    for violation in shortest.values():
        print(f"\n{violation.rule}\n    make explore REPLAY='{violation.replay}'")
    print(f"{seconds:.0f} s, seed {seed}")
    print(
        f"{total.schedules} schedules, {total.crash_points} crash points, {len(total.violations)} violations",
        flush=True,
    )
    return 1 if total.violations else 0


def replay(text: str) -> int:
    with open_world() as world:
        steps, violations = Explorer(world).replay(text)
    names = Scenario.parse(text.partition(" @ ")[0]).requests
    for step in steps:
        print(f"{step.task} {names[step.task]:16} {step.call.name}{f'  <- {step.fault}' if step.fault else ''}")
    for violation in violations:
        print(f"{violation.rule} ({'clients come back' if violation.come_back else 'clients never come back'})")
    print(f"{len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
