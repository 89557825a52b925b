"""Lambda's base image for python3.13: pulled, or built from Debian's packages where no image registry is reachable.

    python -m local.containers.base_image

The image stays in the engine's store, so that only the first run takes its minute.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from local.containers.engine import ContainersError, install_packages, start_engine
from local.progress import working

__all__ = ["ARCHITECTURE", "IMAGE", "make_base_image"]

HERE = Path(__file__).parent
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
IMAGE = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
DEBIAN_RELEASE = "trixie"  # its Python is 3.13
LABEL = "checkout.inputs"
PULL_SECONDS = 300


def make_base_image() -> None:
    """Have IMAGE in the engine's store; raises ContainersError."""
    inputs = _hash_inputs()
    label = _run(["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', IMAGE])
    # The real image has no label; one built here is built again when its inputs changed.
    if label.returncode == 0 and label.stdout.strip() in {"", inputs}:
        return
    if label.returncode and _pull():
        return
    _build(inputs)


def _hash_inputs() -> str:
    names = ["Dockerfile", "bootstrap", "runtime.txt"]
    return hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in names)).hexdigest()


def _pull() -> bool:
    try:
        with working(f"containers: pulling {IMAGE}"):
            return _run(["docker", "pull", "--quiet", IMAGE], timeout=PULL_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _build(inputs: str) -> None:
    if not shutil.which("debootstrap"):
        install_packages("debootstrap")
    with tempfile.TemporaryDirectory() as name:
        context, root = Path(name, "context"), Path(name, "root")
        context.mkdir()
        packages = "--include=python3,ca-certificates"
        with working(f"containers: making a root of Debian {DEBIAN_RELEASE} (about a minute)"):
            _check(_run(["debootstrap", "--variant=minbase", packages, DEBIAN_RELEASE, str(root)]))
        kept_out = ["--exclude=./dev/*", "--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*"]
        _check(_run(["tar", "-C", str(root), *kept_out, "-cf", str(context / "rootfs.tar"), "."]))
        with working("containers: installing Lambda's runtime"):
            _install_runtime(context / "runtime")
        shutil.copy(HERE / "Dockerfile", context)
        with working(f"containers: storing {IMAGE}"):
            _check(_run(["docker", "build", "--quiet", "--tag", IMAGE, "--label", f"{LABEL}={inputs}", str(context)]))


def _install_runtime(folder: Path) -> None:
    machine = "aarch64" if ARCHITECTURE == "arm64" else "x86_64"
    platforms = [f"--platform={tag}_{machine}" for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.13", *platforms]
    _check(_run([*command, f"--target={folder}", f"--requirement={HERE / 'runtime.txt'}"]))
    shutil.copy(HERE / "bootstrap", folder)


def _run(command: list[str], timeout: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


def _check(result: subprocess.CompletedProcess[str]) -> None:
    if result.returncode:
        said = (result.stdout + result.stderr).strip()[-1000:]
        raise ContainersError(f"{' '.join(result.args[:2])} failed: {said}")


if __name__ == "__main__":
    start_engine()
    make_base_image()
