"""Installs and starts what the whole test suite needs: Java, DynamoDB Local, Chromium, valgrind, the Docker engine,
Lambda's base image.

    python -m local.install_missing

Where it may install packages (as root on Debian), it does; elsewhere it says what is missing. A second run finds
everything and takes a second.
"""

import shutil

from local import chromium, dynamodb_local
from local.commands import run_command
from local.containers.base_image import make_base_image
from local.containers.engine import install_packages, start_engine


def install_missing() -> None:
    if dynamodb_local.missing() or not shutil.which("npm"):
        install_packages("default-jre-headless", "npm")
    dynamodb_local.install()
    chromium.install()
    if not shutil.which("valgrind"):
        install_packages("valgrind")
    start_engine()
    make_base_image()


if __name__ == "__main__":
    run_command("verify", install_missing)
