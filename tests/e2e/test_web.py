"""The files of the console over HTTP, to whoever asks."""

import httpx
import pytest

from tools.make_openapi import TARGET


@pytest.mark.proves("FR-401", "FR-402")
@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/openapi.json", "application/json"),
        ("/web/index.html", "text/html; charset=utf-8"),
    ],
)
def test_anybody_gets_them_and_once(http: httpx.Client, path: str, content_type: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    again = http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.proves("FR-401")
def test_the_document_is_the_one_that_is_made(http: httpx.Client) -> None:
    assert http.get("/openapi.json").content == TARGET.read_bytes()


@pytest.mark.proves("FR-404")
@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/Makefile",
        "/web/%2e%2e/template.yaml",
        "/web/..%2ftemplate.yaml",
        "/web/..%2flocal%2fproducts.json",
        "/web/%2e%2e%2f.data%2ftoken-key.pem",
        "/web/%2fetc%2fpasswd",
        "/web//etc/hosts.json",
        "/web/index.html%00",
        "/docs/",
        "/index.html",
    ],
)
def test_nothing_else_is_there(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
