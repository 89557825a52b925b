"""Checks the audit trails of one order or of all, and names the first entry of each that does not fit (FR-030).

    python -m tools.verify_audit [--order ord_…] [--stack checkout | --endpoint http://127.0.0.1:8000]

Exit status: 0 where every trail fits, 1 where one does not, 2 where there is no such order, or no way to look.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from checkout.audit import AuditEntry, AuditHead, Misfit, find_misfit
from checkout.dynamodb import from_wire, to_wire
from checkout.order_items import to_entry, to_order, to_payment
from local.commands import CannotWork, run_command
from local.progress import show_bar
from local.tables import connect, read_endpoint
from tools.stack import read_outputs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MAX_READS = 3


@dataclass(frozen=True, slots=True)
class Tables:
    """Where orders, payments and audit entries are."""

    client: "DynamoDBClient"
    orders: str
    payments: str
    audit: str

    def scan_orders(self) -> Iterator[dict[str, Any]]:
        """The key of every order."""
        names = {"#c": "customer_id", "#o": "order_id"}
        for page in self.client.get_paginator("scan").paginate(
            TableName=self.orders, ProjectionExpression=", ".join(names), ExpressionAttributeNames=names
        ):
            yield from map(from_wire, page["Items"])

    def scan_audited_orders(self) -> Iterator[str]:
        """The order id of every audit entry."""
        for page in self.client.get_paginator("scan").paginate(TableName=self.audit, ProjectionExpression="order_id"):
            yield from (item["order_id"]["S"] for item in page["Items"])

    def read_head(self, key: dict[str, Any]) -> AuditHead:
        """The later one of what the order knows and what the payment does that holds it, or may."""
        found = self.client.get_item(TableName=self.orders, Key=to_wire(key), ConsistentRead=True)
        order = to_order(from_wire(found["Item"]))
        holder = to_wire({"payment_id": order.holder_id})
        found = self.client.get_item(TableName=self.payments, Key=holder, ConsistentRead=True)
        if "Item" not in found:
            return order.audit_head
        payment = to_payment(from_wire(found["Item"]))
        return max(order.audit_head, payment.audit_head, key=lambda head: head.sequence)

    def read_entries(self, order_id: str) -> list[AuditEntry]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.audit,
            KeyConditionExpression="order_id = :order_id",
            ExpressionAttributeValues={":order_id": {"S": order_id}},
            ConsistentRead=True,
        )
        return [to_entry(from_wire(item)) for page in pages for item in page["Items"]]


def verify_order(tables: Tables, order: dict[str, Any]) -> Misfit | None:
    """Reads head and entries until the order held still meanwhile, so that a live system raises no alarm."""
    head = tables.read_head(order)
    for _ in range(MAX_READS):
        misfit = find_misfit(order["order_id"], tables.read_entries(order["order_id"]), head)
        latest = tables.read_head(order)
        if latest == head:
            break
        head = latest
    return misfit


def verify_orders(
    tables: Tables, *, order_id: str | None = None, advance: Callable[[], object] = lambda: None
) -> tuple[int, dict[str, Misfit]]:
    """How many orders were checked, and what does not fit, by order id. An order's trail without the order is a misfit.

    `advance` is called after each order.
    """
    known: set[str] = set()
    misfits: dict[str, Misfit] = {}
    for order in tables.scan_orders():
        if order_id not in (None, order["order_id"]):
            continue
        known.add(order["order_id"])
        if misfit := verify_order(tables, order):
            misfits[order["order_id"]] = misfit
        advance()
    audited = (found for found in tables.scan_audited_orders() if order_id in (None, found))
    for orphan in sorted(set(audited) - known):
        misfits[orphan] = Misfit(1, "belongs to an order that does not exist")
    return len(known), misfits


def find_tables(arguments: argparse.Namespace) -> Tables:
    if arguments.stack:
        names = read_outputs(arguments.stack, ["OrdersTableName", "PaymentsTableName", "AuditTableName"])
        return Tables(boto3.client("dynamodb"), *names)
    return Tables(connect(arguments.endpoint), "OrdersTable", "PaymentsTable", "AuditTable")


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the audit trails of one order or of all.")
    parser.add_argument("--order", help="check this order only")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", help="the CloudFormation stack whose tables are checked")
    where.add_argument("--endpoint", type=read_endpoint, help="a DynamoDB of your own, such as the local runtime's")
    arguments = parser.parse_args()
    with show_bar(desc="orders", unit="") as progress:
        checked, misfits = verify_orders(find_tables(arguments), order_id=arguments.order, advance=progress.update)
    for order_id, misfit in misfits.items():
        print(f"{order_id}: entry {misfit.sequence} {misfit.reason}")
    print(f"{checked} order{'s' * (checked != 1)} checked, {len(misfits)} audit trails do not fit")
    if arguments.order and not checked and not misfits:
        raise CannotWork(f"There is no order {arguments.order} here. `GET /orders` and the console show what there is.")
    return 1 if misfits else 0


if __name__ == "__main__":
    run_command("audit-verify", main)
