"""Prints a token for the local runtime, good for an hour: `python -m local.token --customer alice --scope "…"`."""

import argparse

from local.keys import issue_token


def main() -> None:
    parser = argparse.ArgumentParser(description="Print a token for the local runtime.")
    parser.add_argument("--customer", default="alice", help="whose token it is")
    parser.add_argument("--scope", default="", help="what it allows, parted by spaces")
    arguments = parser.parse_args()
    print(issue_token(arguments.customer, scope=arguments.scope))


if __name__ == "__main__":
    main()
