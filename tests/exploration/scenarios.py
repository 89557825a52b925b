"""What is explored, and what is found."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from tests.exploration.requests import REQUESTS, STATES
from tests.exploration.schedules import Choice
from tests.exploration.world import STALE_TABLES, GatewayFault, StoreFault

__all__ = ["BY_NAME", "PAIRS", "PAIRS_AT_HOME", "TRIPLES", "Bounds", "Scenario", "Violation", "parse_replay"]

BY_NAME = {request.name: request for request in REQUESTS}
FAULTS = {None, *StoreFault, *GatewayFault, *STALE_TABLES}


@dataclass(frozen=True)
class Scenario:
    """Requests, by name, that are made at once of an order in a state."""

    state: str
    requests: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.state}: {' | '.join(self.requests)}"

    @classmethod
    def parse(cls, name: str) -> "Scenario":
        """Raises ValueError where no scenario has such a name."""
        state, _, requests = name.partition(": ")
        scenario = cls(state, tuple(requests.split(" | ")))
        if state not in STATES or not BY_NAME.keys() >= set(scenario.requests):
            raise ValueError(f"no scenario is called {name!r}")
        return scenario


AT_HOME: Mapping[str, Sequence[str]] = {
    "created": ("pay", "pay other key", "pay declined", "mark paid", "cancel"),
    "full": ("pay", "pay other key", "pay declined", "settle", "cancel"),
    "charged": ("mark paid", "pay other key", "cancel", "settle", "event", "fulfil"),
    "paid": ("refund", "refund other", "refund all", "fulfil", "settle"),
    "unknown": ("pay again", "settle", "event", "mark paid", "cancel"),
    "lost": ("pay again", "settle", "event", "pay other key", "cancel"),
    "refunding": ("refund", "refund all", "settle", "event", "fulfil"),
    "wrong": ("pay again", "pay other key", "settle", "event", "cancel"),
    "foreign": ("pay again", "pay other key", "settle", "event", "cancel"),
    "partly": ("pay again", "pay other key", "settle", "event", "cancel"),
    "returning": ("pay again", "pay other key", "settle", "event", "cancel"),
    "returned": ("pay again", "pay other key", "mark paid", "cancel"),
    "late": ("pay again", "pay other key", "event", "cancel"),
}
"""What has most to do with an order in a state: of these, triples are walked too."""

PAIRS = tuple(Scenario(state, pair) for state in STATES for pair in combinations_with_replacement(BY_NAME, 2))


def list_at_home(size: int) -> Iterator[Scenario]:
    for state, names in AT_HOME.items():
        in_order = [name for name in BY_NAME if name in names]
        yield from (Scenario(state, some) for some in combinations_with_replacement(in_order, size))


PAIRS_AT_HOME = tuple(list_at_home(2))
TRIPLES = tuple(list_at_home(3))


@dataclass(frozen=True)
class Bounds:
    """How much is walked of a scenario: schedules depth first, schedules drawn by chance beyond, and faults."""

    schedules: int
    drawn: int
    faults: int


@dataclass(frozen=True)
class Violation:
    """A rule that did not hold, and the schedule that shows it."""

    scenario: Scenario
    choices: tuple[Choice, ...]
    come_back: bool
    rule: str

    @property
    def length(self) -> tuple[int, int, int, int]:
        """The shorter, the easier to read: requests, turns, faults, calls."""
        turns = sum(one.task != other.task for one, other in zip(self.choices, self.choices[1:], strict=False))
        faults = sum(choice.fault is not None for choice in self.choices)
        return len(self.scenario.requests), turns, faults, len(self.choices)

    @property
    def kind(self) -> str:
        """The rule without the ids, amounts and times of the run."""
        return re.sub(r"(?<!rule )\b\w*\d[\w.:-]*", "…", self.rule)

    @property
    def replay(self) -> str:
        """What parse_replay takes."""
        steps = " ".join(f"{c.task}:{c.fault}" if c.fault else str(c.task) for c in self.choices)
        return f"{self.scenario.name} @ {steps}"


def parse_replay(text: str) -> tuple[Scenario, list[Choice]]:
    """The scenario and the choices of Violation.replay; raises ValueError where it is none."""
    name, _, steps = text.partition(" @ ")
    scenario = Scenario.parse(name)
    parted = (step.partition(":") for step in steps.split())
    choices = [Choice(int(task), fault or None) for task, _, fault in parted]
    for choice in choices:
        if choice.task not in range(len(scenario.requests)) or choice.fault not in FAULTS:
            raise ValueError(f"no step of it is {choice.task}:{choice.fault}")
    return scenario, choices
