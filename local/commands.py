"""How a command ends where it cannot do its work: by a sentence, what is missing and what to do, and with status 2.

What people start with `make` is run by this, so that nobody has to read a traceback to learn that Java is not there.
"""

import sys
from collections.abc import Callable
from typing import NoReturn

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

__all__ = ["CannotWork", "describe_fault", "how_to_install", "run_command"]

UNABLE = 2
PACKAGES = {
    "chromium": "chromium",
    "docker": "docker.io",
    "java": "default-jre-headless",
    "npm": "npm",
    "redis-server": "redis-server",
    "valgrind": "valgrind",
}
"""What Debian calls what has such a program."""


class CannotWork(Exception):
    """Something that a command needs is not there; the message says what, and what to do."""


def how_to_install(program: str) -> str:
    return f"Install it: on Debian that is `apt-get install {PACKAGES[program]}`, as root."


def run_command(name: str, main: Callable[[], int | None]) -> NoReturn:
    """Runs it to the end of this process: with the status that it returns, or UNABLE and a sentence."""
    try:
        status = main()
    except (CannotWork, BotoCoreError, ClientError) as fault:
        print(f"{name}: {describe_fault(fault)}", file=sys.stderr)
        status = UNABLE
    sys.exit(status)


def describe_fault(fault: BaseException) -> str:
    """What is to be done about it, where it is one that a person can do something about."""
    match fault:
        case NoRegionError():
            return "No AWS region is chosen. Set AWS_DEFAULT_REGION, as AWS_DEFAULT_REGION=eu-central-1."
        case NoCredentialsError() | PartialCredentialsError():
            return "There are no AWS credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        case ProfileNotFound():
            return f"{fault}. Set AWS_PROFILE to one that `aws configure list-profiles` lists."
        case EndpointConnectionError() if "amazonaws.com" in str(fault):
            return f"{fault} Is there a network, and is the region the right one?"
        case EndpointConnectionError():
            return f"{fault} Is it up? `make serve` starts one here; STACK=… and DYNAMODB_ENDPOINT=… name another."
        case ClientError():
            said = fault.response.get("Error", {})
            return (
                f"AWS refused {fault.operation_name}: {said.get('Code')}, {said.get('Message')}. "
                "Are stack, region and credentials the right ones?"
            )
    return str(fault)
