"""A local runtime whose process is killed once the gateway has charged, before anything is known of it here.

    python -m local.dying_runtime DATABASE ANNOUNCEMENT PARAMETERS

It is what `make demo` shows: nothing cleans up after a process that is gone.
"""

import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from local.runtime import Runtime
from local.serve import announce
from local.template import read_template
from local.wsgi import serve_application


class DeadlyGateway:
    """Charges, and lets nobody know."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def charge(self, *arguments: Any) -> NoReturn:
        self._gateway.charge(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()
        raise AssertionError


def main() -> None:
    database, announcement, parameters = sys.argv[1:]
    runtime = Runtime(read_template(json.loads(parameters)))
    wiring = importlib.import_module("checkout.wiring")
    chosen = wiring._chosen_gateway
    wiring._chosen_gateway = lambda: DeadlyGateway(chosen())  # type: ignore[attr-defined]
    with (
        serve_application(runtime, threaded=True) as address,
        announce(address, database, Path(announcement)),
    ):
        threading.Event().wait()


if __name__ == "__main__":
    main()
