"""The Docker engine: found, else installed from Debian's packages and started in the background.

Only for Debian and its kin as root, as on a fresh CI machine; elsewhere the person installs Docker.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

from local.commands import CannotWork, how_to_install
from local.progress import working

__all__ = ["ContainersError", "missing", "start_engine"]

LOG = Path("/var/log/dockerd.log")
START_SECONDS = 60


class ContainersError(CannotWork):
    """Containers cannot be run; the message says why."""


def missing() -> str | None:
    """What this machine lacks to run containers now, in one sentence, or None."""
    if not shutil.which("docker"):
        return f"Containers need Docker (`docker`), which is not installed. {how_to_install('docker')}"
    if not _engine_answers():
        return "Containers need the Docker engine, which does not run. Start it: as root that is `dockerd &`."
    return None


def start_engine() -> None:
    """Install and start the engine where it does not answer; raises ContainersError."""
    if missing() is None:
        return
    if not shutil.which("dockerd"):
        install_packages("docker.io")
    if os.geteuid() != 0:
        raise ContainersError("The Docker engine does not run. Start it as root, or run this as root.")
    with LOG.open("ab") as log:
        # Detached: the engine outlives this program, and the next run finds it.
        subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    with working("containers: starting the Docker engine"):
        while not _engine_answers():
            if time.monotonic() > deadline:
                raise ContainersError(f"the Docker engine did not answer within {START_SECONDS} s; {LOG} says why")
            time.sleep(0.5)


def install_packages(*packages: str) -> None:
    """Install Debian packages; raises ContainersError where that is not possible."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise ContainersError(
            f"{' and '.join(packages)} must be installed. As root on Debian this does it, elsewhere do it yourself."
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        with working(f"containers: apt-get {command[0]}, for {' and '.join(packages)}"):
            result = subprocess.run(
                ["apt-get", "--quiet", *command], env=environment, capture_output=True, text=True, check=False
            )
        if result.returncode:
            raise ContainersError(f"apt-get {command[0]} failed: {result.stderr.strip()[-1000:]}")


def _engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False
