"""clients/python: it is what the document says, and reads every answer that the document shows."""

import ast
import email
import importlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from checkout_client import AuthenticatedClient

from tools.make_client import PACKAGE, TARGET, make_client
from tools.make_openapi import TARGET as DOCUMENT
from tools.openapi_examples import Example, read_examples

TEXT = json.loads(DOCUMENT.read_text(encoding="utf-8"))
EXAMPLES = read_examples(TEXT)
TAGS = {each["operationId"]: each["tags"][0] for path in TEXT["paths"].values() for each in path.values()}


def read_folder(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.py*"))
    return {str(file.relative_to(folder)): file.read_text() for file in files if "__pycache__" not in file.parts}


@pytest.mark.proves("FR-506")
def test_the_client_is_what_the_document_says(tmp_path: Path) -> None:
    make_client(tmp_path / PACKAGE)
    assert read_folder(tmp_path / PACKAGE) == read_folder(TARGET), "run `make client`"


@pytest.mark.proves("FR-506")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.operation}-{each.name}")
def test_every_answer_of_the_document_is_read(example: Example) -> None:
    read = read_answer(example.operation, httpx.Response(example.status, json=example.response["body"]))
    assert read.to_dict() == as_client_writes(example.response["body"])
    assert getattr(read, "code", None) == example.code
    assert read.additional_properties == {} if hasattr(read, "additional_properties") else True


def read_answer(operation: str, answer: httpx.Response) -> Any:
    module = importlib.import_module(f"{PACKAGE}.api.{TAGS[operation].lower()}.{operation}")
    client = AuthenticatedClient("http://checkout.example", "token", raise_on_unexpected_status=True)
    return module._build_response(client=client, response=answer).parsed


def as_client_writes(value: Any) -> Any:
    """Times in the form that Python gives them."""
    text = re.sub(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z"', r'"\1.\g<2>000+00:00"', json.dumps(value))
    return json.loads(text.replace(".000000+00:00", "+00:00"))


def list_imports() -> set[str]:
    """Packages that the client imports, and does not get with Python."""
    modules = [ast.parse(file.read_text()) for file in TARGET.rglob("*.py")]
    nodes = [node for module in modules for node in ast.walk(module)]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


@pytest.mark.proves("FR-508")
def test_it_installs_from_its_folder_and_says_what_it_needs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    # From a copy: a build may leave things behind.
    folder = shutil.copytree(TARGET.parent, tmp_path / "client")
    subprocess.run([*build, "--wheel-dir", tmp_path, folder], check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [email.message_from_bytes(archive.read(name)) for name in names if name.endswith("/METADATA")]
    assert {f"{PACKAGE}/{name}" for name in read_folder(TARGET)} <= names
    assert f"{PACKAGE}/py.typed" in names
    needed = {re.match(r"\w+", requirement)[0] for requirement in metadata.get_all("Requires-Dist")}  # type: ignore[index]
    assert needed == list_imports()
