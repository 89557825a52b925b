"""Links between documents lead somewhere, and tests that documents name are there."""

import re
import subprocess
from pathlib import Path

import pytest

from local.template import ROOT

pytestmark = pytest.mark.proves("FR-611")

LINK = re.compile(r"!?\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)


def list_documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split()]


def headings_of(text: str) -> set[str]:
    """As GitHub makes anchors of them."""
    found = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def find_faults(path: Path) -> list[str]:
    """Each link of a document that leads nowhere."""
    faults = []
    for link in LINK.finditer(FENCE.sub("", path.read_text(encoding="utf-8"))):
        target, _, anchor = link["target"].partition("#")
        if target.startswith("https://"):
            continue
        file = path.parent / target if target else path
        if not file.exists():
            faults.append(f"{link['target']} is not there")
        elif anchor and anchor not in headings_of(file.read_text(encoding="utf-8")):
            faults.append(f"{link['target']} has no such heading")
        elif link["text"].startswith("test_") and f"def {link['text']}(" not in file.read_text(encoding="utf-8"):
            faults.append(f"{link['text']} is not in {target}")
    return faults


@pytest.mark.parametrize("path", list_documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert find_faults(path) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a](gone.md)", "gone.md is not there"),
        ("[a](there.md#other)", "there.md#other has no such heading"),
        ("[test_b](there.md)", "test_b is not in there.md"),
        ("[a](http://example.org)", "http://example.org is not there"),
        ("[a](#no-heading)", "#no-heading has no such heading"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "there.md").write_text("# A heading, with `code`\n\ndef test_a(\n", encoding="utf-8")
    document = tmp_path / "a.md"
    document.write_text(f"{text} [ok](there.md#a-heading-with-code) [test_a](there.md) [far](https://a.example)\n")
    assert find_faults(document) == [fault]


def test_every_guarantee_names_tests_that_show_it() -> None:
    text = (ROOT / "docs" / "explanation" / "guarantees.md").read_text(encoding="utf-8")
    _, *guarantees = text.split("\n## ")
    assert len(guarantees) >= 8
    for guarantee in guarantees:
        assert "[test_" in guarantee, guarantee.splitlines()[0]
