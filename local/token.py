"""Prints a token for the local runtime, good for an hour: `python -m local.token --customer alice --scope "…"`."""

import argparse

from local.commands import CannotWork, run_command
from local.keys import issue_token


def main() -> None:
    parser = argparse.ArgumentParser(description="Print a token for the local runtime.")
    parser.add_argument("--customer", default="alice", help="whose token it is")
    parser.add_argument("--scope", default="", help="what it allows, parted by spaces")
    arguments = parser.parse_args()
    if not arguments.customer:
        raise CannotWork("A token is somebody's: CUSTOMER=alice.")
    print(issue_token(arguments.customer, scope=arguments.scope))


if __name__ == "__main__":
    run_command("token", main)
