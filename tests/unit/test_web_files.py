"""Which files browsers get, and with which headers."""

import gzip
from pathlib import Path

import pytest

from checkout.web_files import WebFile, accepts_gzip, find_file, holds_tag, list_headers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "web"
    (made / "docs").mkdir(parents=True)
    for name in ("index.html", "docs/page.min.js", "Makefile", "notes.md", ".hidden.css"):
        (made / name).write_text(name, encoding="utf-8")
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    return made


@pytest.mark.proves("FR-401")
@pytest.mark.parametrize("name", ["index.html", "docs/page.min.js"])
def test_a_file_is_found_by_its_name(folder: Path, name: str) -> None:
    assert find_file(folder, name) == WebFile(name, name.encode())


@pytest.mark.proves("FR-404")
@pytest.mark.parametrize(
    "name",
    [
        "",
        "docs",
        "docs/",
        "missing.html",
        "Makefile",
        "notes.md",
        ".hidden.css",
        "../secret.json",
        "docs/../../secret.json",
        "docs/../index.html",
        "./index.html",
        "/index.html",
        "//index.html",
        "..\\secret.json",
        "%2e%2e/secret.json",
        "index.html\0",
        "index.html\n",
        "index.html/",
        "\u2024\u2024/secret.json",
    ],
)
def test_nothing_else_is(folder: Path, name: str) -> None:
    assert find_file(folder, name) is None


@pytest.mark.proves("FR-404")
def test_nothing_outside_is_found_by_its_full_path(folder: Path) -> None:
    assert find_file(folder, str(folder.parent / "secret.json")) is None


@pytest.mark.proves("FR-402")
@pytest.mark.parametrize(
    ("name", "content_type", "is_text"),
    [
        ("index.html", "text/html; charset=utf-8", True),
        ("a.js", "text/javascript; charset=utf-8", True),
        ("a.css", "text/css; charset=utf-8", True),
        ("a.json", "application/json", True),
        ("a.svg", "image/svg+xml", True),
        ("a.png", "image/png", False),
        ("a.woff2", "font/woff2", False),
    ],
)
def test_a_file_says_of_what_kind_it_is(name: str, content_type: str, is_text: bool) -> None:
    file = WebFile(name, b"")
    assert list_headers(file)["content-type"] == content_type
    assert file.is_text is is_text


@pytest.mark.proves("FR-402")
def test_a_tag_is_of_the_content() -> None:
    assert WebFile("a.js", b"1").tag == WebFile("b.js", b"1").tag != WebFile("a.js", b"2").tag


@pytest.mark.proves("FR-402")
@pytest.mark.parametrize(
    ("sent", "held"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ("", False), ('"b"', False), ("a", False)],
)
def test_what_a_client_has_is_read_from_its_list(sent: str, held: bool) -> None:
    assert holds_tag(sent, '"a"') is held


@pytest.mark.proves("FR-415")
@pytest.mark.parametrize(
    ("sent", "accepted"),
    [
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP ; q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*;q=0", False),
        ("gzip;q=much", False),
    ],
)
def test_whether_a_client_takes_gzip_is_read_from_its_list(sent: str, accepted: bool) -> None:
    assert accepts_gzip(sent) is accepted


@pytest.mark.proves("FR-415")
def test_a_text_is_packed_always_to_the_same_and_what_is_packed_already_is_not() -> None:
    text = WebFile("a.js", b"let a = 1;" * 100)
    packed = text.pack()
    assert gzip.decompress(packed.content) == text.content
    assert packed == text.pack()
    assert len(packed.content) < len(text.content) / 5
    assert packed.tag != text.tag, "a strong validator is of what is sent"
    assert packed.is_text is False
    assert list_headers(packed)["content-type"] == list_headers(text)["content-type"]
    assert (list_headers(packed)["content-encoding"], "content-encoding" in list_headers(text)) == ("gzip", False)
    assert list_headers(packed)["vary"] == list_headers(text)["vary"] == "accept-encoding"
    font = WebFile("a.woff2", b"font")
    assert font.pack() == font
    assert "vary" not in list_headers(font)


@pytest.mark.proves("FR-403")
@pytest.mark.parametrize("name", ["index.html", "app.js", "docs/index.html", "docs/app.js"])
def test_a_page_may_ask_nobody_else_and_run_nothing_of_its_own_text(name: str) -> None:
    headers = list_headers(WebFile(name, b""))
    policy = dict(each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "://" not in headers["content-security-policy"]
    assert ("unsafe-inline" in policy["style-src"]) is name.startswith("docs/")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
