"""The port that a command is given: `python -m local.port --port 3000`.

Of the standard library alone: make asks it before it makes an environment.
"""

import argparse

__all__ = ["add_port"]

HIGHEST = 65535


def add_port(parser: argparse.ArgumentParser) -> None:
    """The argument `--port`, 3000 by default; 0 is any that is free."""
    parser.add_argument("--port", type=read_port, default=3000)


def read_port(text: str) -> int:
    """Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > HIGHEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; one is a number from 0 to {HIGHEST}, as PORT=3000")
    return int(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make")
    add_port(parser)
    parser.parse_args()
