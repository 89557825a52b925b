"""The walk itself: every order that matters, each once."""

import random
from collections.abc import Callable, Sequence
from itertools import permutations

import pytest

from tests.exploration.schedules import Call, Choice, Choose, Scheduler, Step, follow, walk

pytestmark = pytest.mark.proves("FR-301")


def read(key: str) -> Call:
    return Call(f"read {key}", reads=frozenset({("table", key)}))


def write(key: str) -> Call:
    return Call(f"write {key}", writes=frozenset({("table", key)}))


QUERY = Call("query", reads=frozenset({("table", None)}))


def order_dependent(steps: Sequence[Step]) -> frozenset[tuple[tuple[int, int], tuple[int, int]]]:
    """Which came first of each two calls whose order matters; calls by task and place."""
    places: list[tuple[int, int]] = []
    for step in steps:
        places.append((step.task, sum(task == step.task for task, _ in places)))
    return frozenset(
        (places[one], places[other])
        for other in range(len(steps))
        for one in range(other)
        if steps[one].call.depends_on(steps[other].call)
    )


def walk_all(*tasks: Sequence[Call]) -> list[list[Step]]:
    scheduler = Scheduler()

    def make(calls: Sequence[Call]):  # type: ignore[no-untyped-def]
        def work() -> None:
            for call in calls:
                scheduler.reach(call)

        return work

    def run(choose: Choose) -> list[Step]:
        return scheduler.run([make(calls) for calls in tasks], choose)

    return list(walk(run, limit=10_000))


def count_orders(*tasks: Sequence[Call]) -> int:
    """By trying every schedule."""
    turns = [number for number, calls in enumerate(tasks) for _ in calls]
    orders = set()
    for schedule in set(permutations(turns)):
        left = [iter(calls) for calls in tasks]
        orders.add(order_dependent([Step(task, next(left[task]), {}) for task in schedule]))
    return len(orders)


@pytest.mark.parametrize(
    "tasks",
    [
        [[write("a"), write("a")], [write("a"), write("a")]],
        [[write("a"), write("b")], [write("c"), write("d")]],
        [[read("a"), write("a")], [read("a"), write("a")]],
        [[read("a"), write("b")], [read("b"), write("a")]],
        [[QUERY, write("a")], [write("b"), read("a")]],
        [[read("a"), write("a")], [read("a"), write("a")], [read("a"), write("b")]],
        [[write("a"), write("b"), read("c")], [write("b"), write("a")], [write("c"), QUERY]],
        [[read("a"), read("a")], [read("a")], [read("a")]],
    ],
)
def test_every_order_that_matters_is_walked_once(tasks: list[list[Call]]) -> None:
    walked = [order_dependent(steps) for steps in walk_all(*tasks)]
    assert len(set(walked)) == len(walked) == count_orders(*tasks)


Program = Sequence[tuple[str, str, str]]
"""Calls: what each does, of which key, and of which other one where what was seen last is an odd number."""


def draw_programs(chance: random.Random) -> list[Program]:
    keys = "abcd"[: chance.randint(1, 4)]
    while True:
        programs = [
            [
                (chance.choice(["read", "write", "write", "query"]), chance.choice(keys), chance.choice(keys))
                for _ in range(chance.randint(1, 4))
            ]
            for _ in range(chance.choice([2, 3]))
        ]
        if sum(map(len, programs)) <= 7:
            return programs


def run_programs(programs: Sequence[Program], choose: Choose) -> tuple[list[Step], object]:
    """The steps, and what each task saw and what is left."""
    scheduler, store = Scheduler(), dict.fromkeys("abcd", 0)
    seen: list[list[int]] = [[] for _ in programs]

    def make(number: int) -> Callable[[], None]:
        def work() -> None:
            for place, (kind, key, other) in enumerate(programs[number]):
                used = other if seen[number] and seen[number][-1] % 2 else key
                if kind == "query":
                    scheduler.reach(QUERY)
                    seen[number].append(sum(store.values()))
                    continue
                scheduler.reach((read if kind == "read" else write)(used))
                seen[number].append(store[used])
                if kind == "write":
                    store[used] = store[used] * 7 + 3 * number + place + 1

        return work

    steps = scheduler.run([make(number) for number in range(len(programs))], choose)
    return steps, (seen, store)


def try_everything(programs: Sequence[Program]) -> tuple[set[str], set[object]]:
    """The ends, and the orders of dependent calls, of every schedule."""
    ends, orders = set(), set()
    beginnings: list[list[int]] = [[]]
    while beginnings:
        beginning = beginnings.pop()
        steps, end = run_programs(programs, follow([Choice(task) for task in beginning]))
        ends.add(str(end))
        orders.add(order_dependent(steps))
        tasks = [step.task for step in steps]
        for at in range(len(beginning), len(steps)):
            beginnings += [[*tasks[:at], task] for task in steps[at].pending if task != tasks[at]]
    return ends, orders


@pytest.mark.parametrize("seed", range(60))
def test_whatever_tasks_do_with_what_they_see_every_end_is_reached(seed: int) -> None:
    programs = draw_programs(random.Random(seed))
    ends = []

    def run(choose: Choose) -> list[Step]:
        steps, end = run_programs(programs, choose)
        ends.append(str(end))
        return steps

    walked = [order_dependent(steps) for steps in walk(run, limit=10_000)]
    all_ends, all_orders = try_everything(programs)
    assert set(walked) == all_orders
    assert len(walked) == len(all_orders), "each once"
    assert all_ends <= set(ends)


def test_tasks_that_are_not_deterministic_are_told() -> None:
    scheduler = Scheduler()
    keys = iter("abcdefgh")

    def work() -> None:
        scheduler.reach(write("a"))
        scheduler.reach(write(next(keys)))

    with pytest.raises(RuntimeError, match="not deterministic"):
        list(walk(lambda choose: scheduler.run([work, work], choose), limit=10))


def test_what_a_task_raises_is_raised() -> None:
    def fail() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        list(walk(lambda choose: Scheduler().run([fail], choose), limit=1))


@pytest.mark.proves("FR-302")
def test_a_task_whose_process_has_died_does_nothing_more() -> None:
    """Though its code has something left to do on the way out."""
    scheduler = Scheduler()
    done: list[str] = []

    def die_and_clean_up() -> None:
        try:
            scheduler.reach(write("a"))
            scheduler.interrupt()
        finally:
            scheduler.reach(write("b"))
            done.append("cleaned up")

    steps = scheduler.run([die_and_clean_up], lambda pending, _: Choice(next(iter(pending))))
    assert [step.call for step in steps] == [write("a")]
    assert done == []
