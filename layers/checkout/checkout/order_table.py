"""Orders, payments and audit entries: what is in their tables, and every read and write of them.

Items
    orders      key customer_id, order_id. An order, its claim (live_payment_id, payment_attempts, declined_payments)
                and the head of its audit trail (audit_sequence, audit_hash). status_order_id is `<status>#<order_id>`,
                the sort key of the local index by_status.
    payments    key payment_id. One attempt to pay an order.
    audit       key order_id, sequence. Put once, never updated or deleted.

Access
    an order by customer and id             GetItem, consistent
    a customer's orders, newest first       Query on the table, or on by_status for one status, consistent
    a payment by id                         GetItem, consistent
    an order's audit entries, oldest first  Query, consistent
    a change                                one transaction: what changes, with its conditions, and its audit entry

Every transaction that changes an order has the condition `unchanged`: nobody wrote the order since it was read. What
was decided from the read therefore still holds at the write. The other conditions say, clause by clause, what the
change itself rests on; they hold whatever was read.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from checkout.audit import AuditEntry
from checkout.clock import Deadline
from checkout.dynamodb import ConditionFailed, Item, Transaction, change_item, from_wire, reading_faults, to_wire
from checkout.errors import CheckoutError, StoreUnavailable
from checkout.identifiers import is_order_id, is_payment_id
from checkout.order_items import from_order, from_payment, to_order, to_payment
from checkout.orders import Order
from checkout.payments import Payment
from checkout.transitions import OrderStatus, PaymentStatus, origins_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["OrderChanged", "OrderTable", "decide_on_latest"]

MAX_DECISIONS = 6

Decision = TypeVar("Decision")


class OrderChanged(Exception):
    """The order or its payment is not as it was read: read it again and decide again. Nothing was written."""


def decide_on_latest(
    decide: Callable[[], Decision], *, give_up: Callable[[], CheckoutError] = StoreUnavailable
) -> Decision:
    """What `decide` returns; it reads, decides and writes, and is called again when OrderChanged tells it was late.

    Raises what `give_up` makes, StoreUnavailable by default, where others keep being faster.
    """
    for _ in range(MAX_DECISIONS):
        try:
            return decide()
        except OrderChanged:
            continue
    raise give_up()


class OrderTable:
    """The orders, payments and audit tables.

    Every method raises StoreUnavailable where DynamoDB does not serve it, and those that write raise OrderChanged.
    """

    def __init__(
        self, client: "DynamoDBClient", transaction: Transaction, *, orders: str, payments: str, audit: str
    ) -> None:
        self._client = client
        self._transaction = transaction
        self._orders = orders
        self._payments = payments
        self._audit = audit

    # Reads

    def get_order(self, customer_id: str, order_id: str) -> Order | None:
        """None also for what is no order id: as a key it might be longer than DynamoDB takes."""
        if not is_order_id(order_id):
            return None
        item = self._get(self._orders, {"customer_id": customer_id, "order_id": order_id})
        return to_order(item) if item else None

    def get_payment(self, payment_id: str) -> Payment | None:
        """None also for what is no payment id."""
        if not is_payment_id(payment_id):
            return None
        item = self._get(self._payments, {"payment_id": payment_id})
        return to_payment(item) if item else None

    def list_orders(
        self, customer_id: str, *, limit: int, status: OrderStatus | None, before: str | None
    ) -> tuple[list[Order], bool]:
        """At most `limit` orders of a customer, newest first, older than the order `before`; and whether more follow.

        One consistent Query, so that a new order is in the next answer (FR-107), and by status from an index that is
        written with the order, so that no page is thinned by a filter (FR-108).
        """
        query: dict[str, Any] = {
            "TableName": self._orders,
            "KeyConditionExpression": "customer_id = :customer_id",
            "ExpressionAttributeValues": {":customer_id": {"S": customer_id}},
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": limit + 1,
        }
        if status:
            query["IndexName"] = "by_status"
            query["KeyConditionExpression"] += " AND begins_with(status_order_id, :status)"
            query["ExpressionAttributeValues"][":status"] = {"S": f"{status}#"}
        if before:
            start = {"customer_id": customer_id, "order_id": before}
            query["ExclusiveStartKey"] = to_wire(start | ({"status_order_id": f"{status}#{before}"} if status else {}))
        with reading_faults():
            page = self._client.query(**query)
        orders = [to_order(from_wire(item)) for item in page["Items"]]
        return orders[:limit], len(orders) > limit or "LastEvaluatedKey" in page

    def list_audit_entries(self, order_id: str) -> list[AuditEntry]:
        """An order's trail, oldest first."""
        query: dict[str, Any] = {
            "TableName": self._audit,
            "KeyConditionExpression": "order_id = :order_id",
            "ExpressionAttributeValues": {":order_id": {"S": order_id}},
            "ConsistentRead": True,
        }
        entries: list[AuditEntry] = []
        while True:
            with reading_faults():
                page = self._client.query(**query)
            entries += [AuditEntry.from_document(from_wire(item)) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return entries
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def check_orders(self) -> None:
        """Reads an order that does not exist, to see whether the table answers."""
        self._get(self._orders, {"customer_id": "health", "order_id": "health"})

    def check_payments(self) -> None:
        """Reads a payment that does not exist, to see whether the table answers."""
        self._get(self._payments, {"payment_id": "health"})

    # Changes, each one transaction with its audit entry (FR-029)

    def create_order(self, order: Order, entry: AuditEntry, deadline: Deadline) -> None:
        """FR-102. Conditions: no such order."""
        absent = "attribute_not_exists(order_id)"
        self._write([self._put(self._orders, from_order(order, entry.head), absent), self._append(entry)], deadline)

    def claim_order(
        self, before: Order, after: Order, payment: Payment, entry: AuditEntry, *, max_declines: int, deadline: Deadline
    ) -> None:
        """A payment takes hold of an order and starts, before the gateway is called (FR-014, FR-015)."""
        payable, origins = _may_become(OrderStatus.PAID)
        conditions = [
            payable,
            # One live payment at a time.
            "attribute_not_exists(live_payment_id)",
            # The cap holds for concurrent attempts too.
            "declined_payments < :max_declines",
        ]
        values = {**origins, ":max_declines": max_declines}
        absent = "attribute_not_exists(payment_id)"
        self._write(
            [
                self._change_order(before, after, entry, conditions, values),
                self._put(self._payments, from_payment(payment), absent),
                self._append(entry),
            ],
            deadline,
        )

    def resume_payment(self, before: Payment, after: Payment, deadline: Deadline) -> None:
        """A later request takes up a payment whose outcome is not known, before it asks the gateway again (FR-018)."""
        still_open = "#status = :pending"
        change = self._change_payment(before, after, [still_open], {":pending": PaymentStatus.PENDING})
        self._write([change], deadline)

    def finish_payment(
        self, order: tuple[Order, Order], payment: tuple[Payment, Payment], entry: AuditEntry, deadline: Deadline
    ) -> None:
        """A payment gets its outcome, and where it failed lets go of the order (FR-016, FR-017).

        Takes each before and after.
        """
        # The payment that ends is the one that holds the order.
        holding, holder = "live_payment_id = :payment_id", {":payment_id": payment[0].payment_id}
        # An outcome is set once.
        unended, origins = _may_become(payment[1].status)
        payment_conditions = [unended]
        if payment[1].failure_reason:
            # Surely not charged is what the one request of a payment can know; of two, neither can.
            payment_conditions.append("attribute_not_exists(resumed_at)")
        self._write(
            [
                self._change_order(*order, entry, [holding], holder),
                self._change_payment(*payment, payment_conditions, origins),
                self._append(entry),
            ],
            deadline,
        )

    def mark_order_paid(
        self, order: tuple[Order, Order], payment: tuple[Payment, Payment], entry: AuditEntry, deadline: Deadline
    ) -> None:
        """Order and payment are linked, with conditions on both sides (FR-025). Takes each before and after."""
        payable, origins = _may_become(OrderStatus.PAID)
        order_conditions = [
            payable,
            # The payment that holds the order is the one that pays for it.
            "live_payment_id = :payment_id",
        ]
        order_values = {**origins, ":payment_id": payment[0].payment_id}
        payment_conditions = [
            "#status = :succeeded",
            # The payment is this order's.
            "order_id = :order_id",
            # It pays for one order, once.
            "attribute_not_exists(linked_at)",
        ]
        payment_values = {":succeeded": PaymentStatus.SUCCEEDED, ":order_id": order[0].order_id}
        self._write(
            [
                self._change_order(*order, entry, order_conditions, order_values),
                self._change_payment(*payment, payment_conditions, payment_values),
                self._append(entry),
            ],
            deadline,
        )

    def cancel_order(self, before: Order, after: Order, entry: AuditEntry, deadline: Deadline) -> None:
        """FR-112, FR-113."""
        cancellable, origins = _may_become(OrderStatus.CANCELLED)
        conditions = [
            cancellable,
            # No charge on a cancelled order: neither one that may still come nor one that did.
            "attribute_not_exists(live_payment_id)",
        ]
        change = self._change_order(before, after, entry, conditions, origins)
        self._write([change, self._append(entry)], deadline)

    # How they are written

    def _get(self, table: str, key: Item) -> Item | None:
        with reading_faults():
            found = self._client.get_item(TableName=table, Key=to_wire(key), ConsistentRead=True)
        return from_wire(found["Item"]) if "Item" in found else None

    def _write(self, actions: list[Item], deadline: Deadline) -> None:
        try:
            self._transaction(actions, deadline)
        except ConditionFailed as failure:
            raise OrderChanged from failure

    def _put(self, table: str, item: Item, condition: str) -> Item:
        return {"Put": {"TableName": table, "Item": to_wire(item), "ConditionExpression": condition}}

    def _append(self, entry: AuditEntry) -> Item:
        """An entry is written once: a number that is taken stays as it is."""
        return self._put(self._audit, entry.to_document(), "attribute_not_exists(order_id)")

    def _change_order(
        self, before: Order, after: Order, entry: AuditEntry, conditions: list[str], values: Item
    ) -> Item:
        unchanged = "audit_sequence = :seen_sequence"
        return change_item(
            self._orders,
            {"customer_id": before.customer_id, "order_id": before.order_id},
            from_order(before, before.audit_head),
            from_order(after, entry.head),
            conditions=[*conditions, unchanged],
            values={**values, ":seen_sequence": before.audit_head.sequence},
        )

    def _change_payment(self, before: Payment, after: Payment, conditions: list[str], values: Item) -> Item:
        key = {"payment_id": before.payment_id}
        return change_item(
            self._payments, key, from_payment(before), from_payment(after), conditions=conditions, values=values
        )


def _may_become(status: OrderStatus | PaymentStatus) -> tuple[str, dict[str, str]]:
    """The condition that the transition table allows this state from the present one, and its values."""
    values = {f":{origin}": str(origin) for origin in origins_of(status)}
    return f"#status IN ({', '.join(values)})", values
