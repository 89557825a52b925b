"""The function that hands out the files of the console and of the documentation."""

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.get_web_file.app import get_web_file
from local.template import ROOT
from tests.integration.conftest import Checkout, Context

ASK = """
import json, os, sys
os.environ |= {"WEB_FOLDER": "web", "POWERTOOLS_METRICS_NAMESPACE": "Checkout"}
from functions.get_web_file.app import get_web_file
event = json.load(open("events/get_web_file.json"))
assert get_web_file(event, None)["statusCode"] == 200
print(*sorted(sys.modules))
"""


@pytest.fixture
def folder(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEB_FOLDER", str(tmp_path))
    return tmp_path


def ask(route: str, file: str | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    event = {
        "routeKey": route,
        "headers": headers or {},
        "pathParameters": {"file": file},
        "requestContext": {"requestId": "request"},
    }
    return get_web_file(event, Context())


@pytest.mark.proves("FR-401")
@pytest.mark.parametrize(
    ("route", "name"),
    [("GET /", "index.html"), ("GET /docs", "docs/index.html"), ("GET /openapi.json", "openapi.json")],
)
def test_a_page_has_a_file(folder: Path, route: str, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("é", encoding="utf-8")
    assert (ask(route)["statusCode"], ask(route)["body"]) == (200, "é")


@pytest.mark.proves("FR-401")
def test_documentation_that_was_not_made_is_told_as_such(folder: Path) -> None:
    (folder / "no-docs.html").write_text("how to", encoding="utf-8")
    assert ask("GET /docs")["body"] == "how to"


@pytest.mark.proves("FR-402")
def test_a_file_comes_byte_by_byte(folder: Path) -> None:
    content = bytes(range(256))
    (folder / "a.png").write_bytes(content)
    answer = ask("GET /web/{file+}", "a.png")
    assert answer["isBase64Encoded"]
    assert base64.b64decode(answer["body"]) == content


@pytest.mark.proves("FR-402")
def test_a_file_that_a_browser_has_is_not_sent_again(folder: Path) -> None:
    (folder / "a.js").write_text("1", encoding="utf-8")
    first = ask("GET /web/{file+}", "a.js")
    again = ask("GET /web/{file+}", "a.js", {"If-None-Match": first["headers"]["etag"]})
    assert (again["statusCode"], "body" in again, again["headers"]) == (304, False, first["headers"])
    (folder / "a.js").write_text("2", encoding="utf-8")
    assert ask("GET /web/{file+}", "a.js", {"if-none-match": first["headers"]["etag"]})["statusCode"] == 200


@pytest.mark.proves("FR-415")
def test_who_takes_gzip_gets_it_and_keeps_it(folder: Path) -> None:
    (folder / "a.js").write_text("let a = 1;" * 100, encoding="utf-8")
    plain, packed = ask("GET /web/{file+}", "a.js"), ask("GET /web/{file+}", "a.js", {"Accept-Encoding": "gzip, br"})
    assert packed["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]
    sent = {"accept-encoding": "gzip, br", "if-none-match": packed["headers"]["etag"]}
    again = ask("GET /web/{file+}", "a.js", sent)
    assert (again["statusCode"], again["headers"]) == (304, packed["headers"])
    assert ask("GET /web/{file+}", "a.js", {"if-none-match": packed["headers"]["etag"]})["statusCode"] == 200


@pytest.mark.proves("FR-404")
def test_what_is_not_there_is_answered_as_api_gateway_does(folder: Path) -> None:
    answer = ask("GET /web/{file+}", "../template.yaml")
    assert (answer["statusCode"], json.loads(answer["body"])) == (404, {"message": "Not Found"})


@pytest.mark.proves("FR-032", "FR-401")
def test_a_request_writes_one_line(folder: Path, read_log: Callable[[], str]) -> None:
    read_log()
    ask("GET /web/{file+}", "what-a-client-sends.js")
    [line] = read_log().splitlines()
    logged = json.loads(line)
    assert (logged["request_id"], logged["operation"], logged["status"]) == ("request", "get_web_file", 404)
    assert "what-a-client-sends" not in line


@pytest.mark.proves("FR-402")
def test_the_function_loads_little() -> None:
    asked = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(asked.stdout.splitlines()[-1].split())
    assert "checkout.web_files" in loaded
    assert not loaded & {"boto3", "botocore.session", "pydantic"}
