"""The walk itself: every order that matters, each once."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from tests.exploration.schedules import Call, Choice, Choose, Scheduler, Step, walk

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
