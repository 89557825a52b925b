"""Installs and starts what the whole test suite needs: Java, DynamoDB Local, the Docker engine, Lambda's base image.

    python -m local.install_missing

Where it may install packages (as root on Debian), it does; elsewhere it says what is missing. A second run finds
everything and takes a second.
"""

import sys

from local import dynamodb_local
from local.containers.base_image import make_base_image
from local.containers.engine import ContainersError, install_packages, start_engine


def install_missing() -> None:
    if dynamodb_local.missing():
        install_packages("default-jre-headless", "npm")
    dynamodb_local.install()
    start_engine()
    make_base_image()


if __name__ == "__main__":
    try:
        install_missing()
    except (ContainersError, dynamodb_local.DynamoDBLocalError) as error:
        sys.exit(f"install_missing: {error}")
