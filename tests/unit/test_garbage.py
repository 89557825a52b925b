"""Seldom while a function starts, as usual once it has."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from checkout.garbage import SELDOM, USUAL, search_as_usual, search_seldom
from local.template import ROOT, read_template

pytestmark = pytest.mark.proves("FR-715")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_garbage_is_searched_for_seldom_and_then_as_usual() -> None:
    search_seldom()
    assert gc.get_threshold() == (SELDOM, *USUAL[1:])
    search_as_usual()
    assert gc.get_threshold() == USUAL
    assert USUAL[0] < SELDOM


def test_a_process_searches_seldom_until_its_first_call() -> None:
    program = """
import gc
usual = gc.get_threshold()
from checkout.metrics import count_cold_start
seldom = gc.get_threshold()
count_cold_start("pay")
print(gc.get_threshold() == usual != seldom)
"""
    environment = {**read_template().environment, "PYTHONPATH": str(ROOT / "layers" / "checkout")}
    run = [sys.executable, "-c", program]
    told = subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "True"
