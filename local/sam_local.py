"""`sam local start-api`: the functions in containers of Lambda's own Python, behind the API of the template.

    python -m local.sam_local --port 3000

starts DynamoDB Local, makes the tables, loads the products and runs until Ctrl-C.
"""

import argparse
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from local.child_process import ChildProcess, ChildProcessFailed, find_free_port, is_free
from local.commands import CannotWork, run_command
from local.compile_layers import compile_layers
from local.containers import engine
from local.containers.base_image import ARCHITECTURE, make_base_image
from local.dynamodb_local import DynamoDBLocal
from local.keys import issue_token, local_parameters
from local.port import add_port
from local.progress import working
from local.serve import announce
from local.tables import connect, create_tables, load_products
from local.template import ROOT, read_template

__all__ = [
    "BUILT_TEMPLATE",
    "STAMP",
    "SamLocal",
    "SamLocalError",
    "build_checkout",
    "hash_sources",
    "is_built",
    "run_checkout",
]

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILT_TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"
LOCK = ROOT / ".data" / "sam-build.lock"
STAMP = BUILT_TEMPLATE.with_name(".sources")
"""What the build was made from; `sam build` removes it with the build before."""
START_SECONDS = 120
HOST_FROM_CONTAINERS = "host.docker.internal"
# The CLI would ask home; and a person's own keys have no business in a container.
ENVIRONMENT = {
    "SAM_CLI_TELEMETRY": "0",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class SamLocalError(CannotWork):
    """`sam build` failed, or `sam local` did not start; the message says why."""


class SamLocal:
    """`sam local start-api` of a template, answering at `base_url`.

    `variables` take the place of variables that the template gives its functions. What it writes, function logs among
    it, goes to `output`.
    """

    def __init__(
        self,
        template: Path,
        variables: Mapping[str, str] | None = None,
        port: int | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        self.template = template
        self.variables = dict(variables or {})
        self.port = port or find_free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._output = output
        self._process: ChildProcess | None = None
        self._variables_file: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and return when it answers, within START_SECONDS; raises SamLocalError."""
        if not is_free(self.port):
            raise SamLocalError(f"sam local cannot start: port {self.port} is taken.")
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({"Parameters": self.variables}, file)
        self._variables_file = Path(file.name)
        command = [str(SAM), "local", "start-api", "--config-file", str(ROOT / "samconfig.toml")]
        command += ["--template", str(self.template), "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
        command += ["--env-vars", str(self._variables_file), "--port", str(self.port)]
        self._process = ChildProcess(command, folder=ROOT, environment=ENVIRONMENT, output=self._output)
        try:
            self._process.wait_until_it_answers(self.port, START_SECONDS)
        except ChildProcessFailed as error:
            self.stop()
            raise SamLocalError(f"sam local did not start: {error}") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it and its containers; harmless when it does not run."""
        if self._process:
            self._process.stop()
            self._process = None
        if self._variables_file:
            self._variables_file.unlink(missing_ok=True)
            self._variables_file = None

    def wait(self) -> None:
        """Return when it has ended by itself."""
        if self._process:
            self._process.wait()


@contextmanager
def run_checkout(port: int | None = None, output: IO[bytes] | None = None) -> Iterator[tuple[SamLocal, DynamoDBLocal]]:
    """The checkout in containers, with tables made and products loaded in a DynamoDB Local in memory."""
    template = build_checkout()
    with DynamoDBLocal() as database:
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        parameters = local_parameters(f"http://{HOST_FROM_CONTAINERS}:{database.port}")
        del parameters["WebFolder"]  # containers have the layer
        with SamLocal(template, read_template(parameters).environment, port, output) as sam:
            yield sam, database


def is_built(root: Path = ROOT) -> bool:
    """Whether `build_checkout` made the build that is there, of functions and layers as they are."""
    stamp = root / STAMP.relative_to(ROOT)
    return stamp.exists() and stamp.read_text(encoding="ascii") == hash_sources(root)


def hash_sources(root: Path = ROOT) -> str:
    """Of what functions and layers are made from."""
    folders = [root / "functions", root / "layers"]
    files = [root / "template.yaml", *(path for folder in folders for path in folder.rglob("*") if path.is_file())]
    hashed = hashlib.sha256()
    # What Python compiles beside them comes and goes, by another name while it is written.
    for path in sorted(path for path in files if "__pycache__" not in path.parts):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        hashed.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return hashed.hexdigest()


def build_checkout() -> Path:
    """The template that `sam build` makes for this machine's processor, its layers compiled; raises SamLocalError.

    One at a time: who has waited takes what another process has built meanwhile of the same sources.
    """
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built():
            _build()
    return BUILT_TEMPLATE


def _build() -> None:
    sources = hash_sources()
    with working("sam-local: building"):
        result = subprocess.run(
            [SAM, "build", "--parameter-overrides", f"Architecture={ARCHITECTURE}"],
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT, "ARCH": ARCHITECTURE, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode:
        raise SamLocalError(f"sam build failed: {(result.stdout + result.stderr).strip()[-2000:]}")
    compile_layers()
    STAMP.write_text(sources, encoding="ascii")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the checkout in containers.")
    add_port(parser)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if reason := engine.missing():
            raise engine.ContainersError(reason)
        make_base_image()
        with (
            run_checkout(arguments.port, sys.stdout.buffer) as (sam, database),
            announce(sam.base_url, database.endpoint),
        ):
            print(_greet(sam.base_url, database.endpoint), flush=True)
            sam.wait()
    except KeyboardInterrupt:
        print("stopped")
    return 0


def _greet(address: str, endpoint: str) -> str:
    return f"""
The checkout is at   {address}
its database at      {endpoint}

A token of alice's, good for an hour (make -s token CUSTOMER=… for another):

export TOKEN={issue_token("alice")}

The first call of each function takes about 8 s, until its container is up. Ctrl-C ends it.
"""


if __name__ == "__main__":
    run_command("sam-local", main)
