"""Keeps the local runtime up, with a database, and takes up code as it changes: `python -m local.serve --port 3000`."""

import argparse
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from watchfiles import PythonFilter, watch

from local.commands import CannotWork, run_command
from local.database import DATABASES, open_database
from local.keys import issue_token, local_parameters
from local.port import add_port
from local.progress import working
from local.runtime import Runtime
from local.schedules import run_schedules
from local.sign_in import SignIn
from local.tables import connect, create_tables, load_products, read_endpoint
from local.template import ROOT, TemplateError, read_template
from local.wsgi import serve_application

__all__ = ["RUNNING", "announce"]

TEMPLATE = ROOT / "template.yaml"
CODE = (ROOT / "functions", ROOT / "layers" / "checkout")
LOOK_MILLISECONDS = 500
RUNNING = ROOT / ".data" / "running.json"
"""Where the runtime that is up, and its database, can be reached."""
SCHEDULE_LOG = ROOT / ".data" / "schedules.log"


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep the local runtime up.")
    add_port(parser)
    parser.add_argument("--db", choices=DATABASES, default="embedded")
    endpoint = os.environ.get("DYNAMODB_ENDPOINT") or None
    parser.add_argument("--endpoint", type=read_endpoint, default=endpoint, help="a DynamoDB that runs elsewhere")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with open_database(arguments.db, arguments.endpoint) as endpoint:
            with working("serve: making tables and loading products"):
                create_tables(connect(endpoint))
                load_products(connect(endpoint))
            runtime = Runtime(read_template(local_parameters(endpoint)))
            SCHEDULE_LOG.parent.mkdir(exist_ok=True)
            with (
                serve_application(SignIn(runtime), arguments.port, threaded=True) as address,
                SCHEDULE_LOG.open("w", buffering=1, encoding="utf-8") as log,
                run_schedules(runtime, log),
                announce(address, endpoint),
            ):
                print(_greet(address, endpoint), flush=True)
                _reload_on_change(runtime, endpoint)
    except KeyboardInterrupt:
        print("stopped")
    except (TemplateError, OSError) as error:
        raise CannotWork(f"The runtime does not start: {error}") from error
    return 0


@contextmanager
def announce(address: str, endpoint: str, path: Path = RUNNING) -> Iterator[None]:
    """Says in a file what is running, for as long as it does."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"address": address, "database": endpoint}), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _greet(address: str, endpoint: str) -> str:
    return f"""
The console is at    {address}
its API's docs at    {address}/docs
its database at      {endpoint}

A token of alice's, good for an hour (make -s token CUSTOMER=… for another):

export TOKEN={issue_token("alice")}

Try it:

curl -s {address}/products -H "Authorization: Bearer $TOKEN"

Code is taken up as it changes. What settles and reconciles by schedule logs to {SCHEDULE_LOG.relative_to(ROOT)}.
Ctrl-C ends it.
"""


def _reload_on_change(runtime: Runtime, endpoint: str) -> None:
    for changed in _watch():
        try:
            template = read_template(local_parameters(endpoint))
            create_tables(connect(endpoint))
            runtime.load(template)
        except (TemplateError, BotoCoreError, ClientError, OSError) as error:
            # A file that is half written must not cost the data in memory.
            print(f"{', '.join(changed)}: {error}; the code before stays", flush=True)
        else:
            print(f"{', '.join(changed)}: taken up", flush=True)


def _watch() -> Iterator[list[str]]:
    """The files that changed, again and again.

    The template is looked at, not watched: a watch on a single file ends when an editor puts another in its place.
    """
    seen = _read_stamp(TEMPLATE)
    for changes in watch(
        *CODE, watch_filter=PythonFilter(), rust_timeout=LOOK_MILLISECONDS, yield_on_timeout=True, raise_interrupt=True
    ):
        changed = {str(Path(path).relative_to(ROOT)) for _, path in changes}
        stamp = _read_stamp(TEMPLATE)
        if stamp != seen:
            seen = stamp
            changed.add(TEMPLATE.name)
        if changed:
            yield sorted(changed)


def _read_stamp(path: Path) -> tuple[int, int] | None:
    """What differs after every change; None while there is no such file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino


if __name__ == "__main__":
    run_command("serve", main)
