"""The DynamoDB behind the local runtime: embedded, DynamoDB Local, or one that runs elsewhere.

The embedded one is moto behind an HTTP server of one thread, in this process: moto tears transactions that run at the
same time, one thread serialises them, and tools reach it as they reach any DynamoDB.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from local.dynamodb_local import DynamoDBLocal
from local.template import ROOT
from local.wsgi import serve_application

__all__ = ["DATABASES", "open_database"]

DATABASES = ("embedded", "dynamodb-local")
DYNAMODB_LOCAL_DATA = ROOT / ".data" / "dynamodb"


@contextmanager
def open_database(kind: str = "embedded", endpoint: str | None = None) -> Iterator[str]:
    """The endpoint of a database for as long as the block lasts: the one given, or one of a kind."""
    # A developer's own profile: nothing here needs it, and boto3 fails where it is named and not there.
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    if endpoint:
        yield endpoint
    elif kind == "dynamodb-local":
        with DynamoDBLocal(DYNAMODB_LOCAL_DATA) as database:
            yield database.endpoint
    else:
        with _open_embedded() as embedded:
            yield embedded


@contextmanager
def _open_embedded() -> Iterator[str]:
    from moto.moto_server.werkzeug_app import create_backend_app  # noqa: PLC0415  takes a second

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with serve_application(create_backend_app("dynamodb"), threaded=False) as endpoint:
        yield endpoint
