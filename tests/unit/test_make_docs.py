"""The page at /docs, as it is made."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.template import ROOT
from tools import make_docs

REFERENCE = re.compile(r'(?:src|href)="([^"]+)"')


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Made with a renderer that was fetched before."""
    monkeypatch.setattr(make_docs, "RENDERERS", tmp_path / "fetched")
    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched" / "standalone.js").write_text("var Scalar = {};")
    made = tmp_path / "web" / "docs"
    make_docs.make_docs(made)
    return made


@pytest.mark.proves("FR-504")
def test_the_page_is_made_of_files_that_are_there(page: Path) -> None:
    index = (page / "index.html").read_text()
    named = {address for address in REFERENCE.findall(index) if address != "/openapi.json"}
    assert named == {f"/web/docs/{file.name}" for file in page.iterdir()} - {"/web/docs/index.html"}


@pytest.mark.proves("FR-505")
def test_the_page_holds_no_script_or_style_and_names_no_other_host(page: Path) -> None:
    for file in page.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^// ", "", text, flags=re.MULTILINE), f"{file.name} names a host"
    index = (page / "index.html").read_text()
    assert re.findall(r"<script[^>]*>(.*?)</script>", index, re.DOTALL) == ["", ""]
    assert not re.search(r"<style|\sstyle=|\son\w+=", index)


@pytest.mark.proves("FR-505")
def test_the_renderer_is_told_to_contact_nobody(page: Path) -> None:
    settings = (page / "page.js").read_text()
    for setting in ("withDefaultFonts: false", "telemetry: false", "agent: { disabled: true }"):
        assert setting in settings


@pytest.mark.proves("FR-504")
def test_without_npm_it_says_what_to_do_and_there_is_no_page(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tools import make_docs; from local.npm_package import *\n"
        "make_docs.RENDERERS = Path(sys.argv[1]) / 'fetched'\n"
        "make_docs.run_command('docs', lambda: make_docs.main(Path(sys.argv[1]) / 'docs'))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "`npm`, which is not installed. Install it: " in ran.stderr
    assert ran.stderr.endswith("Then run `make docs`.\n")
    assert not (tmp_path / "docs").exists()
