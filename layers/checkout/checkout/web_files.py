"""The files of a folder for browsers: what they are, whether they have changed, what a page of theirs may do."""

import base64
import functools
import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

__all__ = ["WebFile", "accepts_gzip", "answer_file", "find_file", "holds_tag", "list_headers"]

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
# Letters, digits, - and _ in folders, and dots between them in the file's own name: there is no way to say "one up".
NAME = re.compile(r"(?:[\w-]+/)*[\w-]+(?:\.[\w-]+)+", re.ASCII)

# Nothing but from here, and no script or style in the page itself (FR-403).
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A renderer of API documents writes its styles into the page, and searches in a worker that it makes itself.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file's name within the folder, with `/` between its parts, and what is sent of it: as it is, or packed."""

    name: str
    content: bytes
    is_packed: bool = False

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[Path(self.name).suffix]

    @property
    def can_be_packed(self) -> bool:
        return not self.content_type.startswith(("image/png", "font/"))

    @property
    def is_text(self) -> bool:
        return self.can_be_packed and not self.is_packed

    @property
    def tag(self) -> str:
        """A strong validator of what is sent, as the ETag header has it (RFC 9110, section 8.8.3)."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    def pack(self) -> "WebFile":
        """As gzip has it; itself where that would gain nothing (FR-415)."""
        return replace(self, content=_pack(self.content), is_packed=True) if self.can_be_packed else self


@functools.lru_cache(maxsize=64)
def _pack(content: bytes) -> bytes:
    # zlib alone, for gzip is one more module to load; 16 more than the largest window asks for gzip's header.
    return zlib.compress(content, wbits=16 + zlib.MAX_WBITS)


def answer_file(folder: Path, names: Sequence[str], headers: Mapping[str, str]) -> dict[str, Any]:
    """The first of these files that is there, as an answer to a request with these headers, payload format 2.0."""
    file = next((found for name in names if (found := find_file(folder, name))), None)
    if file is None:
        # As API Gateway answers where there is no route.
        own = {"content-type": "application/json", "cache-control": "no-store"}
        return {"statusCode": HTTPStatus.NOT_FOUND, "headers": own, "body": '{"message":"Not Found"}'}
    sent = {name.lower(): value for name, value in headers.items()}
    if accepts_gzip(sent.get("accept-encoding", "")):
        file = file.pack()
    if holds_tag(sent.get("if-none-match", ""), file.tag):
        return {"statusCode": HTTPStatus.NOT_MODIFIED, "headers": list_headers(file)}
    return {
        "statusCode": HTTPStatus.OK,
        "headers": list_headers(file),
        "body": file.content.decode() if file.is_text else base64.b64encode(file.content).decode(),
        "isBase64Encoded": not file.is_text,
    }


def find_file(folder: Path, name: str) -> WebFile | None:
    """The file of that name; None where there is none, or it is of a kind that is not for browsers (FR-404)."""
    path = folder / name
    if not NAME.fullmatch(name) or path.suffix not in CONTENT_TYPES or not path.is_file():
        return None
    return WebFile(name, path.read_bytes())


def holds_tag(if_none_match: str, tag: str) -> bool:
    """Whether a client says that it has the file as it is: `*`, or a list with its tag (RFC 9110, section 13.1.2)."""
    tags = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag in tags or tags == ["*"]


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip: where it names it, or else all, and not with a weight of 0 (RFC 9110, 12.5.3)."""
    weights: dict[str, str] = {}
    for each in accept_encoding.lower().split(","):
        coding, _, weight = each.partition(";")
        weights[coding.strip().removeprefix("x-")] = weight.strip().removeprefix("q=") or "1"
    weight = weights.get("gzip", weights.get("*", "0"))
    return re.fullmatch(r"1(\.0*)?|0?\.0*[1-9]\d*", weight) is not None


def list_headers(file: WebFile) -> dict[str, str]:
    """What is sent with a file, and with a 304 in place of it.

    Files carry no version in their names, and a page must not mix those of two releases: browsers keep them, and ask
    each time whether they still hold.
    """
    return {
        **({"vary": "accept-encoding"} if file.can_be_packed else {}),
        **({"content-encoding": "gzip"} if file.is_packed else {}),
        "content-type": file.content_type,
        "cache-control": "no-cache",
        "etag": file.tag,
        "content-security-policy": DOCS_POLICY if file.name.startswith("docs/") else PAGE_POLICY,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
