"""Mutation testing of the domain, audit and idempotency, the table modules and the services: `make mutate` (FR-311).

mutmut changes one place of the code at a time, and runs the tests that come by there; a change that no test notices
survives. It names modules by their path, so it works on a copy of the project in which the package is `src/checkout`.
The copy is kept: what has been run is not run again until something changes.

    python -m tests.mutation [--only orders] [--listed]

Survivors are in survivors.toml with the reason why they may live. All tests run on each, which takes most of the time:
they count as survivors, and are run again only where that is asked for. Exit code 1 where the score is too low, where
one survives that is not in the list, and where one of the list does not, or is not made any more.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from local.template import ROOT
from tests.mutation.modules import MODULES, read_arguments
from tests.mutation.survivors import Mutant, describe, find_listed, read_listed, read_results

COPY = ROOT / ".data" / "mutation"
RUNNER = Path(__file__).parent / "runner.py"
MUTANTS = COPY / "mutants" / "src" / "checkout"
LOWEST_SCORE = 0.9

UNIT_TESTS = (
    "money",
    "orders",
    "payments",
    "refunds",
    "transitions",
    "audit",
    "transactional_idempotency",
    "answer_packing",
    "idempotency_key",
    "reconciliation_service",
    "settlement_service",
)
INTEGRATION_TESTS = (
    "orders",
    "order_reader",
    "order_table",
    "pay",
    "refunds",
    "settlement",
    "conditions",
    "idempotency",
    "stock_records",
    "limits",
    "staff",
    "reads",
    "reconciliation",
    "gateway",
    "operations",
    "refused_while_resumed",
    "stripe_checkout",
)
COPIED = ("functions", "local", "tools", "tests", "specs", "events", "layers", "requirements", "web")
LEFT_OUT = ("__pycache__", "mutation")
COPIED_FILES = ("template.yaml", "README.md", "Makefile", "samconfig.toml")

# Texts for people, and keys that nothing has; what tests look at are codes.
TEXTS = [r"raise LookupError\(", r'^\s*"[A-Z][a-z].*\.",$', '"health"']

# By mutmut's exit codes: https://mutmut.readthedocs.io
SURVIVED = {0, 33, 34}
"""Also where no test comes by, and where it is known and was left out."""

LEFT_ALONE = 34

FAILED = 1
"""A test failed. Any other code that is not of a survivor: a test took too long, or its process ended."""


def make_copy() -> None:
    """Anew where the project has changed."""
    stamp = COPY / "stamp"
    now = _hash_sources()
    if stamp.exists() and stamp.read_text() == now:
        return
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    others = shutil.ignore_patterns(*LEFT_OUT)
    for name in COPIED:
        shutil.copytree(ROOT / name, COPY / name, ignore=others)
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, COPY / name)
    shutil.copytree(ROOT / "layers" / "checkout" / "checkout", COPY / "src" / "checkout", ignore=others)
    (COPY / "pyproject.toml").write_text(make_settings())
    stamp.write_text(now)


def run_mutants(names: list[str]) -> None:
    """All by default; of a pattern, and by default, those of the list are left alone."""
    subprocess.run([sys.executable, RUNNER, *names], cwd=COPY, check=True)


def main(only: str, *, with_listed: bool) -> int:
    modules = [only] if only else MODULES
    make_copy()
    run_mutants([f"checkout.{only}.*"] if only else [])
    if with_listed:
        run_mutants(sorted(name for module in modules for name in find_listed(MUTANTS, module)))
    listed = read_listed()
    survivors: set[Mutant] = set()
    totals: Counter[str] = Counter()
    print(f"{'module':25} {'mutants':>8} {'run':>8} {'survived':>8} {'score':>6}")
    for module in modules:
        results = read_results(MUTANTS, module)
        alive = [name for name, code in results.items() if code in SURVIVED]
        survivors.update(describe(MUTANTS, module, alive))
        run = len(results) - list(results.values()).count(None)
        ended = run - len(alive) - list(results.values()).count(FAILED)
        left_alone = list(results.values()).count(LEFT_ALONE)
        totals.update(mutants=len(results), run=run, survived=len(alive), ended=ended, left_alone=left_alone)
        score = f"{1 - len(alive) / run:6.1%}" if run else "     -"
        print(f"{module:25} {len(results):8} {run:8} {len(alive):8} {score}")
    unlisted = survivors - listed
    gone = {mutant for mutant in listed - survivors if mutant.module == only or not only}
    for title, mutants in (
        ("survives, and is not in the list", unlisted),
        ("is in the list, and does not survive, or is none", gone),
    ):
        for mutant in sorted(mutants, key=lambda mutant: (mutant.module, mutant.function, mutant.was)):
            print(f"{title}: {mutant.module} {mutant.function}\n  - {mutant.was}\n  + {mutant.becomes}")
    left_out = totals["mutants"] - totals["run"]
    overall = 1 - totals["survived"] / max(1, totals["run"])
    print(
        f"{totals['mutants']} mutants, {left_out} not run, {totals['ended']} noticed by a test that did not end, "
        f"{totals['survived']} survived, of them {len(unlisted)} not in the list, "
        f"{totals['left_alone']} in the list and not run again; score of those run {overall:.1%}"
    )
    return int(overall < LOWEST_SCORE or bool(unlisted or gone or left_out))


def _hash_sources() -> str:
    digest = hashlib.sha256()
    for name in (*COPIED, *COPIED_FILES):
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not set(LEFT_OUT) & set(file.parts):
                digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()


def make_settings() -> str:
    """The project's settings of pytest with the copy's package, and those of mutmut."""
    tests = [f"tests/unit/test_{name}.py" for name in UNIT_TESTS]
    tests += [f"tests/integration/test_{name}.py" for name in INTEGRATION_TESTS]
    settings = re.sub(r"(?m)^pythonpath = .*$", 'pythonpath = [".", "src"]', (ROOT / "pyproject.toml").read_text())
    mutated = [f"src/checkout/{module}.py" for module in MODULES]
    return settings + "\n".join(
        [
            "",
            "[tool.mutmut]",
            'source_paths = ["src"]',
            f"only_mutate = {json.dumps(mutated)}",
            f"do_not_mutate_patterns = {json.dumps(TEXTS)}",
            f"also_copy = {json.dumps([*COPIED, *COPIED_FILES, 'src'])}",
            f"pytest_add_cli_args_test_selection = {json.dumps(['-m', 'not dynamodb_local', *tests])}",
            "",
        ]
    )


if __name__ == "__main__":
    arguments = read_arguments()
    sys.exit(main(arguments.only, with_listed=arguments.listed))
