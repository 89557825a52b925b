"""Serves a WSGI application on this machine, beside whatever else the process does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

from werkzeug.serving import make_server

__all__ = ["serve_application"]


@contextmanager
def serve_application(application: WSGIApplication, port: int = 0, *, threaded: bool) -> Iterator[str]:
    """Answers at the URL given for as long as the block lasts: each request in a thread of its own, or all in one."""
    server = make_server("127.0.0.1", port, application, threaded=threaded)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
