"""Makes the schedule of a violation shorter, as long as the same rule does not hold."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, permutations
from operator import attrgetter

from tests.exploration.scenarios import Scenario, Violation
from tests.exploration.schedules import Call, Choice, Choose, Step, follow

__all__ = ["shrink"]

Run = Callable[[Scenario, Choose], tuple[list[Step], list[Violation]]]
"""The steps of a schedule, and what does not hold in its course or at its end."""


def shrink(violation: Violation, run: Run) -> Violation:
    """A violation of the same rule that nothing tried here makes shorter: fewer requests, requests one after the other,
    turns put together, no fault."""
    while shorter := next(find_shorter(violation, run), None):
        violation = shorter
    return violation


def find_shorter(violation: Violation, run: Run) -> Iterator[Violation]:
    steps, _ = run(violation.scenario, follow(violation.choices))
    for scenario, choose in list_simpler(violation.scenario, steps):
        for found in run(scenario, choose)[1]:
            if found.kind == violation.kind and found.length < violation.length:
                yield found


def list_simpler(scenario: Scenario, steps: Sequence[Step]) -> Iterator[tuple[Scenario, Choose]]:
    """The simplest first."""
    requests = scenario.requests
    for size in range(1, len(requests) + 1):
        for tasks in permutations(range(len(requests)), size):
            fewer = Scenario(scenario.state, tuple(requests[task] for task in tasks))
            yield fewer, finish_each(None)
            yield from ((fewer, finish_each(place)) for place in list_places(steps, tasks))
    yield scenario, follow([Choice(step.task) for step in steps])
    turns = [[Choice(step.task, step.fault) for step in turn] for _, turn in groupby(steps, attrgetter("task"))]
    for at, turn in enumerate(turns):
        following = (number for number in range(at + 1, len(turns)) if turns[number][0].task == turn[0].task)
        for other in islice(following, 1):
            before, between, after = turns[:at], turns[at + 1 : other], turns[other + 1 :]
            for merged in (
                [*before, turn, turns[other], *between, *after],
                [*before, *between, turn, turns[other], *after],
            ):
                yield scenario, follow([choice for each in merged for choice in each])


@dataclass(frozen=True)
class Place:
    """Where something goes wrong: a task's call of a name, counted from 0."""

    task: int
    name: str
    number: int
    fault: str


def list_places(steps: Sequence[Step], tasks: Sequence[int]) -> Iterator[Place]:
    """Where the fault of a schedule may come, if these tasks are all that is left of it: its call may come sooner."""
    for at, step in enumerate(steps):
        if step.fault and step.task in tasks:
            alike = sum((each.task, each.call.name) == (step.task, step.call.name) for each in steps[:at])
            yield from (Place(tasks.index(step.task), step.call.name, n, step.fault) for n in range(alike + 1))


def finish_each(place: Place | None) -> Choose:
    """One task after the other."""
    made: Counter[tuple[int, str]] = Counter()

    def choose(pending: Mapping[int, Call], _: int) -> Choice:
        task = min(pending)
        name = pending[task].name
        here = place and (place.task, place.name, place.number) == (task, name, made[task, name])
        made[task, name] += 1
        return Choice(task, place.fault if place and here else None)

    return choose
