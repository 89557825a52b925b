"""The modules that are mutated, and which of them are asked for: `python -m tests.mutation.modules --only orders`.

Of the standard library alone: make asks it before it makes an environment.
"""

import argparse

__all__ = ["MODULES", "read_arguments"]

MODULES = (
    "money",
    "transitions",
    "orders",
    "payments",
    "refunds",
    "audit",
    "key_records",
    "transactional_idempotency",
    "answer_once",
    "idempotency",
    "order_items",
    "order_reader",
    "order_table",
    "order_access",
    "order_service",
    "payment_service",
    "charging_service",
    "refund_service",
    "settlement_service",
    "reconciliation_service",
    "payment_recorder",
    "refund_recorder",
)


def read_arguments() -> argparse.Namespace:
    """`only` is one of MODULES, or all where it is empty; ends the process where another is asked for."""
    parser = argparse.ArgumentParser(prog="make mutate")
    parser.add_argument("--only", default="", choices=MODULES, metavar="MODULE", help="one module")
    parser.add_argument("--listed", action="store_true", help="run those of the list of survivors too")
    return parser.parse_args()


if __name__ == "__main__":
    read_arguments()
