"""Keeps the local runtime up, with a database, and takes up code as it changes: `python -m local.serve --port 3000`."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchfiles import PythonFilter, watch

from local.database import DATABASES, open_database
from local.dynamodb_local import DynamoDBLocalError
from local.keys import issue_token, local_parameters
from local.runtime import Runtime
from local.tables import connect, create_tables, load_products
from local.template import ROOT, TemplateError, read_template
from local.wsgi import serve_application

__all__ = ["RUNNING", "announce"]

CODE = (ROOT / "functions", ROOT / "layers" / "checkout", ROOT / "template.yaml")
RUNNING = ROOT / ".data" / "running.json"
"""Where the runtime that is up, and its database, can be reached."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep the local runtime up.")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--db", choices=DATABASES, default="embedded")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with open_database(arguments.db, os.environ.get("DYNAMODB_ENDPOINT", "")) as endpoint:
            create_tables(connect(endpoint))
            load_products(connect(endpoint))
            runtime = Runtime(read_template(local_parameters(endpoint)))
            with serve_application(runtime, arguments.port, threaded=True) as address, announce(address, endpoint):
                print(_greet(address, endpoint), flush=True)
                _reload_on_change(runtime, endpoint)
    except KeyboardInterrupt:
        print("stopped")
    except (DynamoDBLocalError, OSError) as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        return 1
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
The checkout is at   {address}
its database at      {endpoint}

A token of alice's, good for an hour (make -s token CUSTOMER=… for another):

export TOKEN={issue_token("alice")}

Try it:

curl -s {address}/products -H "Authorization: Bearer $TOKEN"

Code is taken up as it changes. Ctrl-C ends it.
"""


def _reload_on_change(runtime: Runtime, endpoint: str) -> None:
    code = PythonFilter(extra_extensions=(".yaml",))
    for changes in watch(*CODE, watch_filter=code, raise_interrupt=True):
        changed = ", ".join(sorted(str(Path(path).relative_to(ROOT)) for _, path in changes))
        try:
            template = read_template(local_parameters(endpoint))
            create_tables(connect(endpoint))
            runtime.load(template)
        except TemplateError as error:
            print(f"{changed}: {error}; the code before stays", flush=True)
        else:
            print(f"{changed}: taken up", flush=True)


if __name__ == "__main__":
    sys.exit(main())
