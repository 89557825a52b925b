"""Runs tasks one at a time, in every order of their calls that can matter.

A task stops before each of its calls; a schedule says which task goes on. Two calls are dependent where one writes
what the other reads or writes: only the order of dependent calls can matter. All schedules that differ in it are walked
depth first, by dynamic partial-order reduction with source sets and sleep sets (Abdulla, Aronis, Jonsson and Sagonas,
Optimal Dynamic Partial Order Reduction, POPL 2014).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

__all__ = ["Call", "Choice", "Interrupted", "Scheduler", "Step", "follow", "walk"]

Resource = tuple[str, Any]
"""A table and a key in it, or None for all of it."""

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Call:
    """What a task is about to do: its name, and what it reads and writes."""

    name: str
    reads: frozenset[Resource] = frozenset()
    writes: frozenset[Resource] = frozenset()

    def depends_on(self, other: "Call") -> bool:
        return touches(self.writes, other.reads | other.writes) or touches(other.writes, self.reads)


def touches(writes: Iterable[Resource], others: frozenset[Resource]) -> bool:
    return any(resource in others or (resource[0], None) in others for resource in writes)


@dataclass(frozen=True)
class Step:
    """A call that was made: by which task, what each of the tasks was about to do then, and how it was answered; and
    what other answers it may have been given, of a moment ago, by the fault."""

    task: int
    call: Call
    pending: Mapping[int, Call]
    fault: str | None = None
    answer: str = ""
    stale: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The task that goes on, and what goes wrong with its call."""

    task: int
    fault: str | None = None


Choose = Callable[[Mapping[int, Call], int], Choice | None]
"""Of the tasks' pending calls, at a step: who goes on; None to end them all."""


class Interrupted(BaseException):
    """Ends a task where it is: nothing catches it, as nothing is run by a process that is gone."""


@dataclass
class _Task:
    work: Callable[[], None]
    go_on: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    call: Call | None = None
    choice: Choice | None = None
    answer: str = ""
    stale: Mapping[str, str] = field(default_factory=dict)
    error: BaseException | None = None
    dead: bool = False
    ended: bool = False


class Scheduler:
    """Runs tasks in threads, of which one moves at a time."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._stopped = threading.Semaphore(0)

    @property
    def task(self) -> int | None:
        """The number of the task that asks; None outside of them."""
        number: int | None = getattr(self._local, "number", None)
        return number

    def reach(self, call: Call) -> str | None:
        """Called by a task before a call: returns when it is its turn, with what is to go wrong."""
        task: _Task | None = getattr(self._local, "task", None)
        if task is None:
            return None
        if task.dead:
            raise Interrupted
        task.call = call
        self._stopped.release()
        task.go_on.acquire()
        if task.choice is None:
            self.interrupt()
        return task.choice.fault

    def tell(self, answer: str, *, stale: Mapping[str, str] = NOTHING) -> None:
        """Called by a task after a call: how it was answered, and what stale answers there would have been."""
        task: _Task | None = getattr(self._local, "task", None)
        if task:
            task.answer, task.stale = answer, stale

    def interrupt(self) -> NoReturn:
        """Called by a task whose process dies: nothing that it still tries happens, in a `finally` for one."""
        self._local.task.dead = True
        raise Interrupted

    def run(
        self, works: Sequence[Callable[[], None]], choose: Choose, *, watch: Callable[[Step], None] = lambda _: None
    ) -> list[Step]:
        """The steps of one schedule. `watch` is told of each once it has taken effect. Raises what a task raised."""
        tasks = [_Task(work) for work in works]
        threads = [threading.Thread(target=self._work, args=each, daemon=True) for each in enumerate(tasks)]
        steps: list[Step] = []
        for thread in threads:
            thread.start()
            # Up to its first call.
            self._stopped.acquire()
        while pending := {number: task.call for number, task in enumerate(tasks) if task.call and not task.ended}:
            choice = choose(pending, len(steps))
            for number in pending if choice is None else [choice.task]:
                task = tasks[number]
                task.choice, task.answer, task.stale = choice, "", NOTHING
                task.go_on.release()
                self._stopped.acquire()
            if choice is None:
                break
            task = tasks[choice.task]
            step = Step(choice.task, pending[choice.task], pending, choice.fault, task.answer, task.stale)
            steps.append(step)
            watch(step)
        for thread in threads:
            thread.join()
        for task in tasks:
            if task.error:
                raise task.error
        return steps

    def _work(self, number: int, task: _Task) -> None:
        self._local.number, self._local.task = number, task
        try:
            task.work()
        except Interrupted:
            pass
        except BaseException as error:
            task.error = error
        finally:
            task.ended = True
            self._stopped.release()


def follow(choices: Sequence[Choice]) -> Choose:
    """These choices, as far as their tasks are still there; then the first task of those that are left."""

    def choose(pending: Mapping[int, Call], at: int) -> Choice:
        if at < len(choices) and choices[at].task in pending:
            return choices[at]
        later = (choice.task for choice in choices[at:] if choice.task in pending)
        return Choice(next(later, min(pending)))

    return choose


# Every order that matters


@dataclass
class _Node:
    """A state on the way: what can be done in it, what was, what still must be, and what need not."""

    pending: Mapping[int, Call]
    sleeping: dict[int, Call]
    chosen: int
    to_do: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.to_do.add(self.chosen)
        self.done.add(self.chosen)

    def next_sleeping(self) -> dict[int, Call]:
        """What need not be done next: it was walked before, and the chosen call makes no difference to it."""
        call = self.pending[self.chosen]
        asleep = self.sleeping | {task: self.pending[task] for task in self.done if task != self.chosen}
        return {task: other for task, other in asleep.items() if task != self.chosen and not other.depends_on(call)}


def walk(run: Callable[[Choose], list[Step]], *, limit: int) -> Iterator[list[Step]]:
    """The schedules that `run` makes by choices, each once; ends after so many, or when there are no others.

    A run that comes to where all sleep differs from an earlier one in nothing that matters: it counts for none.

    Raises RuntimeError where the same choices lead to another state: the tasks are then not deterministic.
    """
    path: list[_Node] = []
    found = 0
    while found < limit:
        prefix = len(path)
        redundant = False

        def choose(pending: Mapping[int, Call], at: int) -> Choice | None:
            nonlocal redundant
            if at < prefix:
                if path[at].pending.keys() != pending.keys() or path[at].pending != pending:
                    raise RuntimeError(f"not deterministic at step {at}: {path[at].pending} {pending}")
                return Choice(path[at].chosen)
            sleeping = path[-1].next_sleeping() if path else {}
            awake = [task for task in pending if task not in sleeping]
            if not awake:
                redundant = True
                return None
            last = path[-1].chosen if path else None
            chosen = last if last in awake else awake[0]
            path.append(_Node(pending, sleeping, chosen))
            return Choice(chosen)

        steps = run(choose)
        if not redundant:
            found += 1
            yield steps
        mark_races(path, steps)
        while path:
            node = path[-1]
            rest = [task for task in sorted(node.to_do - node.done) if task not in node.sleeping]
            if rest:
                node.chosen = rest[0]
                node.done.add(rest[0])
                break
            path.pop()
        if not path:
            return


def mark_races(path: Sequence[_Node], steps: Sequence[Step]) -> None:
    """Where two dependent calls of two tasks could have come the other way round, that is still to be done.

    For the second to come first, all that leads to it must, and nothing that follows from the first. Who can begin that
    goes on from where the first was chosen, unless one of them does already, or sleeps.
    """
    before: list[int] = []
    for at, step in enumerate(steps):
        ordered, races = 0, []
        for earlier in reversed(range(at)):
            is_same = steps[earlier].task == step.task
            if is_same or steps[earlier].call.depends_on(step.call):
                if not (is_same or ordered >> earlier & 1):
                    races.append(earlier)
                ordered |= before[earlier] | 1 << earlier
        before.append(ordered)
        for earlier in races:
            first, node = find_first(steps, before, earlier), path[earlier]
            if not first & (node.to_do | node.sleeping.keys()):
                node.to_do.add(step.task if step.task in first else min(first))


def find_first(steps: Sequence[Step], before: Sequence[int], left_out: int) -> set[int]:
    """The tasks that can begin, where a step and all that follows from it is left out: source sets' initials.

    `before` has of each step the steps that happened before it, as bits; the last of them is the one to be reached.
    """
    first, kept = set(), 0
    for at in range(left_out + 1, len(before)):
        if at < len(before) - 1 and before[at] >> left_out & 1:
            continue
        if not before[at] & kept:
            first.add(steps[at].task)
        kept |= 1 << at
    return first
