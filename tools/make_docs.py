"""Makes web/docs, the page at /docs: `make docs`.

A page of ours and a renderer of OpenAPI documents beside it, which is fetched once; the page reads /openapi.json in the
browser. Nothing is made when it is asked for.
"""

import shutil
from pathlib import Path

from local.commands import CannotWork, run_command
from local.npm_package import NpmPackage, NpmPackageError
from local.progress import working
from local.template import ROOT

__all__ = ["RENDERER", "make_docs"]

PAGE = Path(__file__).parent / "docs_page"
TARGET = ROOT / "web" / "docs"
RENDERER = NpmPackage(
    "@scalar/api-reference",
    "1.72.1",
    sha512="XpEJ0rfc/cXbCrR+iC4kK0o/WwX2dTtGQbT049OlPKAHD6IMIFdTeGz2r+M27P2EDWKyUITRm/NzlP8z2pw/Ow==",
)
RENDERERS = ROOT / ".data" / "scalar" / RENDERER.version
SCRIPT = "standalone.js"


def make_docs(target: Path = TARGET) -> None:
    """The page's files; index.html last, so that there is no page without them. Raises NpmPackageError."""
    script = RENDERERS / SCRIPT
    if not script.exists():
        with working(f"docs: fetching {RENDERER.name} {RENDERER.version} from npm"):
            RENDERER.unpack(f"dist/browser/{SCRIPT}", script)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(script, target / "scalar.js")
    for file in sorted(PAGE.iterdir(), key=lambda file: file.suffix == ".html"):
        shutil.copyfile(file, target / file.name)


def main(target: Path = TARGET) -> None:
    try:
        make_docs(target)
    except NpmPackageError as error:
        raise CannotWork(f"The page is not made: {error} Then run `make docs`.") from None


if __name__ == "__main__":
    run_command("docs", main)
