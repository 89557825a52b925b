"""Walks the schedules of a scenario, and at every call of each what can go wrong with it; judges how each ends.

A scenario is a state of the order and two or three requests at once. Its schedules are walked depth first up to a
bound; beyond it, what is walked is drawn by a seeded chance. Each fault of each call that a task comes to, with each
answer to it and to those before it, is tried in one of the schedules in which it does, drawn by the same chance; where
there are more than a bound, as many are drawn.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial

from tests.exploration.requests import STATES, Client
from tests.exploration.rules import bring_to_rest, find_violations, find_wrong_money
from tests.exploration.scenarios import BY_NAME, Bounds, Scenario, Violation, parse_replay
from tests.exploration.schedules import Call, Choice, Choose, Step, follow, walk
from tests.exploration.shrink import shrink
from tests.exploration.world import State, World, faults_of

__all__ = ["Explorer", "Outcome"]


@dataclass
class Outcome:
    """What was walked of a scenario, or of several."""

    schedules: int = 0
    crash_points: int = 0
    scenarios: int = 0
    unfinished: int = 0
    """Scenarios of which not every schedule that can matter was walked."""
    points: int = 0
    """Each fault of each call of each schedule that was walked."""
    faults: int = 0
    """Of these, the ones that differ in what the task had done and how it was answered: one of a kind may be tried."""
    violations: list[Violation] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.schedules += other.schedules
        self.crash_points += other.crash_points
        self.scenarios += other.scenarios
        self.unfinished += other.unfinished
        self.points += other.points
        self.faults += other.faults
        self.violations += other.violations


def list_faults(walked: Sequence[list[Step]]) -> Mapping[object, list[tuple[list[Step], int, str]]]:
    """What can go wrong with each call that a task comes to, by what the task had done until then and how each of its
    calls was answered, and a stale answer by what it says; and in which schedules, at which of their steps."""
    found: dict[object, list[tuple[list[Step], int, str]]] = defaultdict(list)
    for steps in walked:
        done: dict[int, tuple[tuple[Call, str], ...]] = defaultdict(tuple)
        for at, step in enumerate(steps):
            done[step.task] += ((step.call, step.answer),)
            for fault in faults_of(step):
                told = step.stale.get(fault, fault)
                found[step.task, done[step.task], told].append((steps, at, fault))
    return found


class Explorer:
    """One at a time in a process."""

    def __init__(self, world: World, seed: int = 0) -> None:
        self._world = world
        self._seed = seed
        self._empty = world.save()
        self._states: dict[str, State] = {}

    def explore(
        self, scenario: Scenario, bounds: Bounds, *, until: Callable[[Violation], bool] = lambda _: False
    ) -> Outcome:
        """Walks a scenario within its bounds, or until such a violation is found."""
        outcome = Outcome(scenarios=1)
        chance = random.Random(f"{self._seed} {scenario.name}")
        walked: list[list[Step]] = []
        for steps, violations in self._walk(scenario, bounds, chance, outcome):
            walked.append(steps)
            outcome.schedules += 1
            outcome.violations += violations
            if any(map(until, violations)):
                return outcome
        places_of_faults = list_faults(walked).values()
        faults = [chance.choice(places) for places in places_of_faults]
        outcome.points = sum(map(len, places_of_faults))
        outcome.faults = len(faults)
        for steps, at, fault in faults if len(faults) <= bounds.faults else chance.sample(faults, bounds.faults):
            choices = [Choice(step.task, fault if number == at else None) for number, step in enumerate(steps)]
            _, violations = self._run(scenario, follow(choices))
            outcome.crash_points += 1
            outcome.violations += violations
            if any(map(until, violations)):
                break
        return outcome

    def replay(self, text: str) -> tuple[list[Step], list[Violation]]:
        """The schedule of a violation, once more; raises ValueError where the text is none."""
        scenario, choices = parse_replay(text)
        return self._run(scenario, follow(choices))

    def shrink(self, violation: Violation) -> Violation:
        """The shortest that is found of the same rule."""
        return shrink(violation, self._run)

    def _walk(
        self, scenario: Scenario, bounds: Bounds, chance: random.Random, outcome: Outcome
    ) -> Iterator[tuple[list[Step], list[Violation]]]:
        last: list[Violation] = []

        def run(choose: Choose) -> list[Step]:
            nonlocal last
            steps, last = self._run(scenario, choose)
            return steps

        count = 0
        for steps in walk(run, limit=bounds.schedules):
            count += 1
            yield steps, last
        if count < bounds.schedules:
            return
        outcome.unfinished = 1

        def draw(pending: Mapping[int, Call], _: int) -> Choice:
            return Choice(chance.choice(sorted(pending)))

        for _ in range(bounds.drawn):
            yield run(draw), last

    def _run(self, scenario: Scenario, choose: Choose) -> tuple[list[Step], list[Violation]]:
        """One schedule, and what does not hold in its course or at its end."""
        world = self._world
        world.restore(self._prepare(scenario.state))
        clients = [Client(BY_NAME[name]) for name in scenario.requests]
        found: list[tuple[bool, str]] = []

        def watch(step: Step) -> None:
            if step.call.name.startswith("gateway"):
                found.extend((False, wrong) for wrong in find_wrong_money(world, world.order))

        steps = world.scheduler.run([partial(client.send, world) for client in clients], choose, watch=watch)
        at_end = world.save()
        for come_back in (True, False):
            if not come_back and all(client.has_outcome for client in clients):
                continue
            world.restore(at_end)
            later = deepcopy(clients)
            bring_to_rest(world, later, come_back=come_back)
            found += [(come_back, rule) for rule in find_violations(world, later, come_back=come_back)]
        choices = tuple(Choice(step.task, step.fault) for step in steps)
        return steps, [Violation(scenario, choices, come_back, rule) for come_back, rule in found]

    def _prepare(self, state: str) -> State:
        if state not in self._states:
            self._world.restore(self._empty)
            STATES[state](self._world)
            self._states[state] = self._world.save()
        return self._states[state]
