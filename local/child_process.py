"""A program that runs beside this one and never outlives it."""

import http.client
import os
import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

__all__ = ["ChildProcess", "ChildProcessFailed", "answers", "find_free_port", "is_free"]

STOP_SECONDS = 60
PORTS = range(20_000, 32_000)
"""Below those that a system gives to whoever asks for any: Linux's begin at 32,768."""


class ChildProcessFailed(Exception):
    """The program ended or did not answer; the message ends with what it wrote last."""


class ChildProcess:
    """A running program, detached from the terminal, so that Ctrl-C reaches this program only and it decides the order.

    What it writes goes to `output`, or is kept for the message when it fails.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        self._output = output or tempfile.TemporaryFile()  # noqa: SIM115  it closes with this object
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        # The watcher's standard input ends when this program does, in whatever way it ends.
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", f"read _; kill {self._process.pid}"], stdin=subprocess.PIPE, start_new_session=True
        )

    @property
    def process_id(self) -> int:
        return self._process.pid

    def wait_until_it_answers(self, port: int, seconds: float) -> None:
        """Return when HTTP is answered on `port`; raises ChildProcessFailed after `seconds` or when it has ended."""
        deadline = time.monotonic() + seconds
        while not answers(port):
            if self._process.poll() is not None:
                raise ChildProcessFailed(f"it ended at once: {self._last_words()}")
            if time.monotonic() > deadline:
                raise ChildProcessFailed(f"it did not answer within {seconds} s: {self._last_words()}")
            time.sleep(0.1)

    def wait(self) -> int:
        """The exit status, when the program has ended by itself; of a signal that ended it, its number less than 0."""
        return self._process.wait()

    def stop(self) -> None:
        """Ask the program to end, and end it when it does not."""
        self._watcher.kill()
        self._watcher.communicate()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the program where it is."""
        self._watcher.kill()
        self._watcher.communicate()
        self._process.kill()
        self._process.wait()

    def read_output(self) -> str:
        """All that it wrote, where that is kept."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def _last_words(self) -> str:
        if not self._output.readable():
            return "its output is above or in its log"
        return self.read_output().strip()[-2000:]


def find_free_port() -> int:
    """For a program that is about to start: nobody else is given it meanwhile. Raises ChildProcessFailed where none is
    free."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if is_free(port):
            return port
    raise ChildProcessFailed(f"no port is free of {PORTS.start} to {PORTS.stop - 1}")


def is_free(port: int) -> bool:
    """Whether nothing listens on `port` of any address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether HTTP is answered on `port`, with whatever status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
