"""Walks all scenarios and says what was walked and what did not hold: `python -m tests.exploration --help`."""

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import Pool

from tqdm import tqdm

from local.commands import CannotWork, run_command
from tests.exploration.explore import Explorer, Outcome
from tests.exploration.requests import STATES
from tests.exploration.scenarios import PAIRS, PAIRS_AT_HOME, TRIPLES, Bounds, Scenario, Violation, parse_replay
from tests.exploration.world import open_world

Plan = Sequence[tuple[Scenario, Bounds]]

WHOLE: Plan = [
    *((pair, Bounds(schedules=200, drawn=20, faults=250 if pair in PAIRS_AT_HOME else 12)) for pair in PAIRS),
    *((triple, Bounds(schedules=40, drawn=10, faults=15)) for triple in TRIPLES),
]
QUICK: Plan = [(scenario, Bounds(schedules=5, drawn=1, faults=4)) for scenario in PAIRS_AT_HOME]
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
    if not plan:
        raise CannotWork(f"No scenario has {options.only} in its name. One is called {WHOLE[0][0].name!r}.")
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
    print(f"{'order':12}{'scenarios':>10}{'cut short':>10}{'schedules':>10}{'points':>10}{'unlike':>8}{'tried':>8}")
    total = Outcome()
    for state in filter(by_state.get, STATES):
        outcome = by_state[state]
        total.add(outcome)
        print(
            f"{state:12}{outcome.scenarios:>10}{outcome.unfinished:>10}{outcome.schedules:>10}"
            f"{outcome.points:>10}{outcome.faults:>8}{outcome.crash_points:>8}"
        )
    print(
        f"{total.unfinished} scenarios have more schedules than were walked.\n"
        f"The schedules have {total.points} points, a call and what goes wrong with it. {total.faults} differ in what\n"
        f"the task had done and been answered; of these {total.crash_points} were tried, each in one of its schedules."
    )
    print_violations(total.violations)
    print(f"{seconds:.0f} s, seed {seed}")
    print(
        f"{total.schedules} schedules, {total.crash_points} crash points, {len(total.violations)} violations",
        flush=True,
    )
    return 1 if total.violations else 0


def print_violations(violations: Sequence[Violation]) -> None:
    """Each rule once, with how often it was seen, and the shortest schedule that shows it."""
    by_kind: dict[str, list[Violation]] = defaultdict(list)
    for violation in sorted(violations, key=lambda violation: violation.length):
        by_kind[violation.kind].append(violation)
    if not by_kind:
        return
    with open_world() as world:
        explorer = Explorer(world)
        for seen in by_kind.values():
            shortest = explorer.shrink(seen[0])
            scenarios = len({violation.scenario for violation in seen})
            print(f"\n{shortest.rule}\n    seen {len(seen)} times in {scenarios} scenarios")
            print(f"    make explore REPLAY='{shortest.replay}'")


def replay(text: str) -> int:
    try:
        scenario, _ = parse_replay(text)
    except ValueError:
        raise CannotWork(f"{text!r} is no schedule. One is 'created: pay | cancel @ 0 0 0:dies_after 1 1'.") from None
    with open_world() as world:
        steps, violations = Explorer(world).replay(text)
    names = scenario.requests
    for step in steps:
        print(f"{step.task} {names[step.task]:16} {step.call.name}{f'  <- {step.fault}' if step.fault else ''}")
    for violation in violations:
        print(f"{violation.rule} ({'clients come back' if violation.come_back else 'clients never come back'})")
    print(f"{len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    run_command("explore", main)
