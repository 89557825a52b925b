"""The package that a function loads, as `make build` makes it, for the Python that runs this.

The layers are built for Lambda's Python, which may not be on this machine, so the same versions of the same packages
are taken from the development environment, pruned by the layer's own script, and compiled as the layers are.
"""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from local.template import ROOT

__all__ = ["make_package"]

# Processes that run tests at once have one each.
FOLDER = ROOT / ".data" / "benchmarks" / os.environ.get("PYTEST_XDIST_WORKER", "")
LAYERS = ROOT / "layers"
PINNED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


@cache
def make_package(kind: str) -> Path:
    """A folder for the path of modules: `stock`, as pip leaves it, or `pruned`, as it is deployed."""
    folder = FOLDER / kind
    shutil.rmtree(folder, ignore_errors=True)
    for layer in ("dependencies", "tokens"):
        for name, version in PINNED.findall((LAYERS / layer / "requirements.txt").read_text(encoding="utf-8")):
            _copy_distribution(name, version, folder)
    shutil.copytree(LAYERS / "checkout" / "checkout", folder / "checkout", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    if kind == "pruned":
        subprocess.run([sys.executable, str(LAYERS / "dependencies" / "prune.py"), str(folder)], check=True)
    compile_all = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(compile_all, check=True)
    return folder


def _copy_distribution(name: str, version: str, folder: Path) -> None:
    found = distribution(name)
    if found.version != version:
        raise ValueError(f"{name} is {found.version} here and {version} in the layer")
    for file in found.files or []:
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)
