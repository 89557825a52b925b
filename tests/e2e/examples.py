"""The examples of the OpenAPI document: situations played over HTTP against the local runtime.

    python -m tests.e2e.examples      plays them and writes the document with them: `make openapi`

Ids, times, keys and hashes of a run are replaced by ones that are the same in each, in the order in which they came; so
an example says the same whenever it is made, and test_examples.py compares it with what happens.
"""

import base64
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from checkout.audit import EMPTY_TRAIL, hash_entry
from checkout.clock import format_time
from local.template import read_template
from tests.e2e.conftest import Checkout, open_faulty_runtime
from tests.e2e.situations import SITUATIONS, Situation, set_scene
from tools.make_openapi import Example, write_openapi

__all__ = ["PARAMETERS", "Player"]

# As few declines as are enough for the examples; a release to be named.
PARAMETERS = {"MaxDeclines": "2", "MaxHourlyDeclines": "3", "ReleaseVersion": "1.0.0"}
SHOWN_REQUEST_HEADERS = ("idempotency-key", "stripe-signature")
SHOWN_BYTES = 10_000
SHOWN_HEADERS = ("location", "retry-after", "idempotent-replayed")
BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)
STEP = timedelta(milliseconds=1730)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

ULID = re.compile(r"(?<=ord_|pay_|ref_)[0-9A-HJKMNP-TV-Z]{26}|(?<=ch_|re_)[0-9A-HJKMNP-TV-Z]{26}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INTENT = re.compile(r"pi_\d+")
SIGNATURE = re.compile(r"t=\d{9,11},v1=[0-9a-f]{64}")
CURSOR = re.compile(r"Im9yZF8[\w-]+\.[\w-]+\.[\w-]{30,}")
REQUEST_ID = re.compile(r'(?<="request_id": ")[0-9a-f]{32}(?=")')


class Player:
    """Plays situations in runtimes of its own, one for each gateway, which start when they are needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._opened: dict[str, tuple[httpx.Client, Checkout]] = {}

    def __enter__(self) -> "Player":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, situation: Situation) -> Example:
        http, checkout = self._open(situation.gateway)
        http.post("/control/break_call", json={}).raise_for_status()
        return record(situation, situation.prepare(set_scene(http, checkout))())

    def _open(self, gateway: str) -> tuple[httpx.Client, Checkout]:
        if gateway not in self._opened:
            running = self._folder / f"{gateway}.json"
            checkout = self._stack.enter_context(open_faulty_runtime(running, gateway, PARAMETERS))
            http = httpx.Client(base_url=checkout.base_url, timeout=60, trust_env=False)
            self._opened[gateway] = (self._stack.enter_context(http), checkout)
        return self._opened[gateway]


def record(situation: Situation, answer: httpx.Response) -> Example:
    """What was asked and answered, as the document shows it."""
    request = answer.request
    assert find_operation(request) == situation.operation
    asked = {
        "method": request.method,
        "path": request.url.raw_path.decode(),
        "headers": {name: request.headers[name] for name in SHOWN_REQUEST_HEADERS if name in request.headers},
        "body": show_body(request.content),
    }
    answered = {
        "status": answer.status_code,
        "type": answer.headers["content-type"],
        "headers": {name: answer.headers[name] for name in SHOWN_HEADERS if name in answer.headers},
        "body": answer.json(),
    }
    shown = make_constant({"request": asked, "response": answered})
    rehash(shown)
    return Example(situation.operation, situation.name, situation.summary, shown["request"], shown["response"])


def find_operation(request: httpx.Request) -> str:
    for route in read_template().routes:
        path = re.sub(r"\{\w+\}", "[^/]+", route.path)
        if route.method == request.method and re.fullmatch(path, request.url.path):
            return route.function.name
    raise AssertionError(f"no operation is asked by {request.method} {request.url.path}")


def show_body(content: bytes) -> Any:
    """What is no JSON, as text; what nobody would read, by its size."""
    if len(content) > SHOWN_BYTES:
        return f"{len(content):,} bytes"
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode()


def make_constant(exchange: dict[str, Any]) -> dict[str, Any]:
    """The same with what differs from run to run replaced."""
    text = json.dumps(exchange)
    # What sorts in time goes on doing so.
    text = replace_each(text, TIME, sorted, lambda rank: format_time(BEGIN + rank * STEP))
    text = replace_each(text, ULID, sorted, make_ulid)
    text = replace_each(text, KEY, list, lambda rank: str(make_uuid(rank)))
    text = replace_each(text, INTENT, list, lambda rank: f"pi_{make_text(f'intent {rank}', 24)}")
    text = replace_each(text, REQUEST_ID, list, lambda rank: f"{make_text(f'request {rank}', 15)}=")
    text = replace_each(text, SIGNATURE, list, lambda _: f"t={int(BEGIN.timestamp())},v1={make_hash('signature')}")
    text = replace_each(text, CURSOR, list, lambda _: f"{make_text('cursor', 43)}.aX2uYA.{make_text('signed', 43)}")
    constant: dict[str, Any] = json.loads(text)
    response = constant["response"]
    if "hourly_declines" in (response["body"] or {}) and "retry-after" in response["headers"]:
        # What is left of the hour.
        response["headers"]["retry-after"] = "1800"
    return constant


def replace_each(
    text: str, pattern: re.Pattern[str], order: Callable[[Any], list[str]], make: Callable[[int], str]
) -> str:
    found = order(dict.fromkeys(pattern.findall(text)))
    made = {one: make(rank) for rank, one in enumerate(found)}
    return pattern.sub(lambda match: made[match[0]], text)


def make_hash(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()


def make_text(of: str, length: int) -> str:
    return base64.b64encode(hashlib.sha256(of.encode()).digest(), b"aZ").decode()[:length]


def make_uuid(rank: int) -> str:
    digits = make_hash(f"key {rank}")
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def make_ulid(rank: int) -> str:
    milliseconds = int((BEGIN + rank * STEP).timestamp() * 1000)
    moment = "".join(CROCKFORD[milliseconds >> shift & 31] for shift in range(45, -1, -5))
    return moment + "".join(CROCKFORD[byte % 32] for byte in hashlib.sha256(str(rank).encode()).digest()[:16])


def rehash(exchange: Mapping[str, Any]) -> None:
    """The hashes of a trail, of what it says now: whoever checks the example finds it right."""
    last = EMPTY_TRAIL.hash
    for entry in exchange["response"]["body"].get("entries", []):
        entry["previous_hash"] = last
        order_id = exchange["request"]["path"].split("/")[2]
        entry["hash"] = last = hash_entry({**entry, "order_id": order_id})


def play_all(folder: Path) -> Iterator[Example]:
    with Player(folder) as player:
        for situation in tqdm(SITUATIONS, desc="examples", unit="", disable=not sys.stderr.isatty()):
            yield player.play(situation)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        examples = list(play_all(Path(folder)))
    write_openapi(examples)
    print(f"{len(examples)} examples recorded")


if __name__ == "__main__":
    main()
