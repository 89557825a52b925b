"""Compiles the layers that `sam build` made, by Lambda's own version of Python: `python -m local.compile_layers`.

Where a package is unpacked for a function nothing can be written, so code that is not compiled is compiled again at
each cold start. Compiled code is read whatever the times of the files say (unchecked-hash): unpacking changes them.

A Python 3.13 is taken from this machine, else from Lambda's image where Docker has it. With neither the layers stay as
they are: they work, and start slower.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from local.containers import engine
from local.containers.base_image import IMAGE
from local.progress import show_bar
from local.template import ROOT

__all__ = ["COMPILE", "compile_layers"]

BUILD = ROOT / ".aws-sam" / "build"
COMPILE = ("-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash")


def compile_layers(build: Path = BUILD) -> str | None:
    """Compiles what the functions load; by what, or None where there is no Python 3.13."""
    layers = sorted(build.glob("*Layer/python"))
    for layer in layers:
        for stale in layer.glob("**/__pycache__"):
            shutil.rmtree(stale)
    if python := _find_python():
        # Traces name the files where they are in Lambda.
        for layer in show_bar(layers, desc="compiling layers", unit=""):
            subprocess.run([python, *COMPILE, "-s", str(layer), "-p", "/opt/python", str(layer)], check=True)
        return python
    if not _has_image():
        return None
    for layer in show_bar(layers, desc="compiling layers", unit=""):
        container = ["docker", "run", "--rm", "--volume", f"{layer}:/opt/python", "--entrypoint", "python3", IMAGE]
        subprocess.run([*container, *COMPILE, "/opt/python"], check=True)
    return IMAGE


def _find_python() -> str | None:
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "python", "find", "--no-project", "--no-python-downloads", "3.13"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None


def _has_image() -> bool:
    if engine.missing():
        return False
    return subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    compiler = compile_layers()
    print(
        f"compiled by {compiler}" if compiler else "not compiled: no Python 3.13 is here, nor Lambda's image in Docker"
    )
