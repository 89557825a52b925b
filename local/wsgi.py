"""Serves a WSGI application on this machine, beside whatever else the process does."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

from werkzeug.serving import make_server

from local.commands import CannotWork

__all__ = ["serve_application"]


@contextmanager
def serve_application(application: WSGIApplication, port: int = 0, *, threaded: bool) -> Iterator[str]:
    """Answers at the URL given for as long as the block lasts: each request in a thread of its own, or all in one."""
    with _listen(port) as listening:
        host, port = listening.getsockname()
        server = make_server(host, port, application, threaded=threaded, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise CannotWork(f"Port {port} cannot be used: {why}. Name another, as PORT={port + 1}.") from error
