import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.child_process import find_free_port
from local.sam_local import SamLocal
from tests.programs import run_beside

ECHO = Path(__file__).parent / "echo" / "template.yaml"
SERVE_ECHO = """
import sys, threading
from pathlib import Path
from local.runtime import Runtime
from local.template import read_template
from local.wsgi import serve_application

with serve_application(Runtime(read_template(path=Path(sys.argv[1]))), int(sys.argv[2]), threaded=True):
    threading.Event().wait()
"""


@pytest.fixture(scope="session")
def echo_in_containers() -> Iterator[str]:
    with SamLocal(ECHO) as sam:
        yield sam.base_url


@pytest.fixture(scope="session")
def echo_in_local_runtime() -> Iterator[str]:
    # A process of its own: the runtime takes the code of functions up afresh, and the environment is its own.
    port = find_free_port()
    with run_beside([sys.executable, "-c", SERVE_ECHO, str(ECHO), str(port)]) as process:
        process.wait_until_it_answers(port, seconds=30)
        yield f"http://127.0.0.1:{port}"
