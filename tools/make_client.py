"""Generates clients/python from web/openapi.json with openapi-python-client: `make client`.

A test fails where what is there is not what would be generated.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from local.progress import working
from local.template import ROOT
from tools.make_openapi import TARGET as DOCUMENT

__all__ = ["PACKAGE", "TARGET", "make_client"]

PACKAGE = "checkout_client"
TARGET = ROOT / "clients" / "python" / PACKAGE
CONFIGURATION = {
    "project_name_override": "checkout-client",
    "package_name_override": PACKAGE,
    "post_hooks": [
        "ruff check . --isolated --fix-only --quiet --select F401,I,UP,PYI016 --target-version py311",
        "ruff format . --isolated --quiet --line-length 120",
    ],
}


def make_client(target: Path = TARGET) -> None:
    """Puts the package there anew. Raises CalledProcessError, and what was wrong is on standard error."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        document, configuration = scratch / "openapi.json", scratch / "configuration.json"
        document.write_text(json.dumps(_read_document()), encoding="utf-8")
        configuration.write_text(json.dumps(CONFIGURATION), encoding="utf-8")
        scripts = Path(sys.executable).parent
        with working(f"client: generating {PACKAGE}"):
            subprocess.run(  # noqa: S603 - a program of this environment
                [
                    *(scripts / "openapi-python-client", "generate", "--path", document, "--config", configuration),
                    *("--meta", "none", "--output-path", scratch / PACKAGE, "--fail-on-warning"),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
            )
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(scratch / PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", ".ruff_cache"))
        # Its types are for those who import it (PEP 561).
        (target / "py.typed").touch()


def _read_document() -> dict[str, Any]:
    """The document as the generator understands it: of a response's kinds of content it takes the first only."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for operation in [operation for path in document["paths"].values() for operation in path.values()]:
        for response in operation["responses"].values():
            schemas = [content["schema"] for content in response["content"].values()]
            choices = [choice for schema in schemas for choice in schema.get("oneOf", [schema])]
            response["content"] = {"application/json": {"schema": {"oneOf": choices} if choices[1:] else choices[0]}}
    return document


if __name__ == "__main__":
    make_client()
    print(f"{TARGET.relative_to(ROOT)} is what {DOCUMENT.relative_to(ROOT)} says.")
