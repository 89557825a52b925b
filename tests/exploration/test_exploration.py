"""A bounded part of the exploration; `make explore` walks all of it."""

import random
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from local.template import ROOT
from tests.conftest import REQUIRE_ALL
from tests.exploration.explore import Explorer, list_faults
from tests.exploration.scenarios import PAIRS, Bounds, Scenario, parse_replay
from tests.exploration.schedules import Call, Choice, Step, follow
from tests.exploration.world import faults_of, open_world


@pytest.mark.proves("FR-301", "FR-302", "FR-303", "FR-119")
@pytest.mark.skipif(REQUIRE_ALL, reason="`make verify` walks all of it.")
def test_the_rules_hold_in_a_part_of_all_schedules_and_faults() -> None:
    explored = subprocess.run(
        [sys.executable, "-m", "tests.exploration", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert explored.returncode == 0, explored.stdout + explored.stderr
    schedules, points, violations = (int(words.split()[0]) for words in explored.stdout.splitlines()[-1].split(", "))
    print(explored.stdout)
    assert (schedules > 300, points > 300, violations) == (True, True, 0)


@pytest.mark.proves("FR-301")
def test_the_same_schedule_is_the_same_again() -> None:
    """A schedule replayed, after others and in a world of its own, makes the same calls."""
    chance = random.Random(1)
    for scenario in chance.sample(PAIRS, 6):
        with open_world() as world:
            explorer = Explorer(world)
            explorer.explore(scenario, Bounds(schedules=5, drawn=0, faults=5))
            steps, _ = explorer._run(scenario, lambda pending, _: Choice(chance.choice(sorted(pending))))
            choices = [Choice(step.task) for step in steps]
        with open_world() as world:
            again, _ = Explorer(world)._run(scenario, follow(choices))
        assert [(step.task, step.call) for step in steps] == [(step.task, step.call) for step in again]


@pytest.mark.proves("FR-301")
def test_a_machine_that_stands_still_for_a_while_takes_no_time_from_a_request() -> None:
    with open_world() as world:
        context = world.make_context(20)
        time.sleep(0.02)
        assert context.get_remaining_time_in_millis() == 20_000
        world.wait(timedelta(seconds=5))
        assert context.get_remaining_time_in_millis() == 15_000


@pytest.mark.proves("FR-302")
def test_a_fault_is_another_where_its_call_is_answered_otherwise() -> None:
    """To die after a write that took effect is not to die after one that did not."""
    call = Call("TransactWriteItems OrdersTable", writes=frozenset({("OrdersTable", "ord_1")}))
    schedules = [[Step(0, call, {}, answer=answer)] for answer in ("ok", "TransactionCanceledException", "ok")]
    tried = [[steps[0].answer for steps, _, _ in places] for places in list_faults(schedules).values()]
    faults = len(faults_of(schedules[0][0]))
    assert tried == [["ok", "ok"]] * faults + [["TransactionCanceledException"]] * faults


@pytest.mark.proves("FR-302")
def test_the_answer_to_each_call_is_known() -> None:
    with open_world() as world:
        steps, _ = Explorer(world).replay("created: pay | pay other key @ 0 1 0 1 0 1 0 1")
    answers = {step.answer for step in steps}
    assert {"ok", "TransactionCanceledException", "succeeded"} <= answers, answers
    assert "" not in answers


@pytest.mark.proves("FR-304")
def test_a_schedule_is_replayed_by_the_command_that_is_printed() -> None:
    text = "created: pay | cancel @ 0 0:dies_after 1 1"
    assert Scenario.parse("created: pay | cancel") in PAIRS
    command = [sys.executable, "-m", "tests.exploration", "--replay", text]
    replayed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert replayed.returncode == 0, replayed.stderr
    assert (
        "TransactWriteItems AuditTable DeclinesTable IdempotencyTable PaymentsTable  <- dies_after" in replayed.stdout
    )
    assert replayed.stdout.splitlines()[-1] == "0 violations"


@pytest.mark.proves("FR-304")
@pytest.mark.parametrize(
    "text",
    [
        "xx",
        "created",
        "created: pay | zzz @ 0",
        "zzz: pay | cancel @ 0",
        "created: pay | cancel @ 2",
        "created: pay | cancel @ -1",
        "created: pay | cancel @ 0:zzz",
        "created: pay | cancel @ x",
    ],
)
def test_what_no_violation_prints_is_not_replayed(text: str) -> None:
    with pytest.raises(ValueError, match=r"no scenario is called|no step of it is|invalid literal"):
        parse_replay(text)
