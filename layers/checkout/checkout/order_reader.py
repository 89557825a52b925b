"""Orders, payments, refunds and audit entries: what is in their tables, and every read of them.

Items
    orders      key customer_id, order_id. An order, what it knows of its payments (live_payment_id, payment_attempts,
                declined_payments) and the head of its audit trail (audit_sequence, audit_hash), both as of when it was
                written last. status_order_id is `<status>#<order_id>`, the sort key of the local index by_status.
    payments    key payment_id. One attempt to pay an order, and the head of the trail where it was written without the
                order. Two indexes: by_day, key started_on; and the sparse due, key due_shard and due_at, of the
                payments with something left to be done.
    refunds     key refund_id. One refund of a payment.
    audit       key order_id, sequence. Put once, never updated or deleted. Beside an order's first entry stands its
                customer_id.
    keys        key id, of operation, customer and idempotency key: which order, payment or refund was made under it,
                and the answer once there is one. Its items run out.
    declines    key customer_id, hour (`2026-01-31T12`). `payments` are the ids of a customer's payments that began in
                that hour, but for those that are known to have been no declines; of these the ones that succeeded stay
                while they are few. Its items run out.

Access
    an order by customer and id             GetItem, consistent
    an order by id alone (staff)            GetItem of its first audit entry, then of the order, consistent
    an order to pay, a payment of it,       BatchGetItem, eventually consistent where that is enough
    the record of the key, and the hour
    a customer's orders, newest first       Query on the table, or on by_status for one status, consistent
    a payment by id                         GetItem, consistent
    an order and a payment of it            BatchGetItem, consistent
    payments and refunds by their ids       BatchGetItem, consistent; ids follow from the order, or the payment
    payments that are due, longest first    Query on due, shard by shard
    payments of a day                       Query on by_day
    an order's audit entries, oldest first  Query, consistent
    the record of an idempotency key        GetItem, consistent; of one to be written, the answer to its condition; with
                                            the products of an order, see product_table
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from checkout.audit import AuditEntry
from checkout.clock import Deadline
from checkout.dynamodb import MAX_BATCH, Item, ReadItems, from_wire, reading_faults, to_wire
from checkout.identifiers import is_order_id, is_payment_id, payment_id_of, refund_id_of
from checkout.key_records import KeyRecord
from checkout.order_items import DUE_SHARDS, hour_key_of, to_entry, to_order, to_payment, to_public_order, to_refund
from checkout.orders import Order, PublicOrder
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.transitions import OrderStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["Due", "OrderChanged", "OrderReader", "OrderToPay", "TableNames", "hold_order"]

AFTER_ALL_IDS = "~"


class OrderChanged(Exception):
    """The order or its payment is not as it was read: read it again and decide again. Nothing was written."""


def hold_order(order: Order, payment: Payment | None) -> Order:
    """An order as it is with a payment of it: held, where that holds it and the order was not written with it.

    Raises OrderChanged where the order was read before the payment let go of it.
    """
    if payment is None or payment.payment_id != order.holder_id:
        return order
    if order.payment_id == payment.payment_id:
        # Since it is paid by it, they are written together.
        return order
    if not payment.holds_order or payment.linked_at:
        raise OrderChanged
    head = max(order.audit_head, payment.audit_head, key=lambda head: head.sequence)
    if order.live_payment_id:
        return order.with_audit_head(head)
    return order.claim(payment.payment_id, head)


@dataclass(frozen=True, slots=True)
class TableNames:
    orders: str
    payments: str
    refunds: str
    audit: str
    declines: str
    keys: str


@dataclass(frozen=True, slots=True)
class Due:
    """A payment with something left to be done: since when, when it was started, how long its customer may act (all RFC
    3339), and how often it was looked after."""

    payment_id: str
    due_at: str
    created_at: str
    settle_attempts: int
    act_until: str | None
    is_linked: bool


@dataclass(frozen=True, slots=True)
class OrderToPay:
    """An order as it was written last; a payment of it; what is kept under the payment's idempotency key, of whatever
    order; and the payments of its customer that count in this hour (FR-227)."""

    order: Order | None
    payment: Payment | None
    key_record: KeyRecord | None
    hour: Collection[str]


class OrderReader:
    """The orders, payments, refunds, audit and declines tables, for those who change nothing in them.

    Every method raises StoreUnavailable where DynamoDB does not serve it.
    """

    def __init__(self, client: "DynamoDBClient", read_batch: ReadItems, *, names: TableNames) -> None:
        self._client = client
        self._read_batch = read_batch
        self._orders = names.orders
        self._payments = names.payments
        self._refunds = names.refunds
        self._audit = names.audit
        self._declines = names.declines
        self._keys = names.keys

    def get_order(self, customer_id: str, order_id: str) -> Order | None:
        """None also for what is no order id: as a key it might be longer than DynamoDB takes."""
        if not is_order_id(order_id):
            return None
        item = self._get(self._orders, {"customer_id": customer_id, "order_id": order_id})
        return to_order(item) if item else None

    def find_order(self, order_id: str) -> Order | None:
        """Whosever it is: the first entry of its trail, written with it, tells (FR-216)."""
        if not is_order_id(order_id):
            return None
        first = self._get(self._audit, {"order_id": order_id, "sequence": 1}, ProjectionExpression="customer_id")
        return self.get_order(first["customer_id"], order_id) if first else None

    def get_key_record(self, key_id: str, now: datetime) -> KeyRecord | None:
        """What was made under a key within a day (FR-119)."""
        item = self._get(self._keys, {"id": key_id})
        return _to_key_record(item, now) if item else None

    def get_order_to_pay(
        self,
        customer_id: str,
        order_id: str,
        key_id: str,
        now: datetime,
        deadline: Deadline,
        *,
        payment_id: str,
        consistent: bool,
    ) -> OrderToPay:
        """The order, one of its payments, what is kept under a key, and the hour; no order where the customer has none
        of this id. Unless `consistent`, each is as it is or was a moment ago (FR-716)."""
        if not is_order_id(order_id):
            return OrderToPay(None, None, None, ())
        keys: dict[str, list[Item]] = {
            self._orders: [{"customer_id": customer_id, "order_id": order_id}],
            self._payments: [{"payment_id": payment_id}],
            self._keys: [{"id": key_id}],
            self._declines: [hour_key_of(customer_id, now)],
        }
        found = self._read_batch(keys, deadline, eventual=() if consistent else keys)
        return OrderToPay(
            order=next(map(to_order, found[self._orders]), None),
            payment=next(map(to_payment, found[self._payments]), None),
            key_record=next((_to_key_record(item, now) for item in found[self._keys]), None),
            hour=next((item.get("payments", ()) for item in found[self._declines]), ()),
        )

    def get_payment(self, payment_id: str) -> Payment | None:
        """None also for what is no payment id."""
        if not is_payment_id(payment_id):
            return None
        item = self._get(self._payments, {"payment_id": payment_id})
        return to_payment(item) if item else None

    def find_payment(self, payment_id: str, customer_id: str | None) -> Payment | None:
        """A payment of this customer's, or, where None is given, whosever it is. Another's does not leave the table, so
        that one that exists takes no longer to refuse than one that does not (FR-310)."""
        if not is_payment_id(payment_id):
            return None
        query: dict[str, Any] = {
            "TableName": self._payments,
            "ConsistentRead": True,
            "KeyConditionExpression": "payment_id = :payment",
            "ExpressionAttributeValues": {":payment": {"S": payment_id}},
        }
        if customer_id is not None:
            # Of one item, which is read and paid for anyway.
            query["FilterExpression"] = "customer_id = :customer"  # nosemgrep: filter-expression
            query["ExpressionAttributeValues"][":customer"] = {"S": customer_id}
        with reading_faults():
            found = self._client.query(**query)["Items"]
        return to_payment(from_wire(found[0])) if found else None

    def get_order_and_payment(
        self, customer_id: str, order_id: str, payment_id: str, deadline: Deadline
    ) -> tuple[Order | None, Payment | None]:
        """Each None where it does not exist. Read at once, but not at one moment."""
        keys = {
            self._orders: [{"customer_id": customer_id, "order_id": order_id}] if is_order_id(order_id) else [],
            self._payments: [{"payment_id": payment_id}] if is_payment_id(payment_id) else [],
        }
        found = self._read_batch(keys, deadline)
        return (
            next(map(to_order, found[self._orders]), None),
            next(map(to_payment, found[self._payments]), None),
        )

    def get_held_order(self, customer_id: str, order_id: str, deadline: Deadline) -> Order | None:
        """An order as it is, with the payment that holds it. Raises OrderChanged."""
        first_id = payment_id_of(order_id, 1)
        order, payment = self.get_order_and_payment(customer_id, order_id, first_id, deadline)
        if order is None:
            return None
        if order.holder_id != first_id:
            payment = self.get_payment(order.holder_id)
        return hold_order(order, payment)

    def get_order_of(self, payment: Payment) -> tuple[Order, Payment]:
        """A payment as it is now, and its order with the payment that holds it: this one or another.

        Raises OrderChanged, and LookupError where one of them is gone.
        """
        order = self.get_order(payment.customer_id, payment.order_id)
        now = self.get_payment(payment.payment_id)
        if order is None or now is None:
            raise LookupError("a payment or its order is gone")
        holder = now if now.payment_id == order.holder_id else self.get_payment(order.holder_id)
        return hold_order(order, holder), now

    def get_payments(self, payment_ids: Sequence[str], deadline: Deadline) -> list[Payment]:
        """Those that exist, in any order."""
        keys = [{"payment_id": payment_id} for payment_id in payment_ids]
        return [to_payment(item) for item in self._get_all(self._payments, keys, deadline)]

    def get_refunds_of(self, payment: Payment, deadline: Deadline) -> list[Refund]:
        """All refunds of a payment, the first one first; their ids follow from the payment."""
        numbers = range(1, payment.refund_count + 1)
        keys = [{"refund_id": refund_id_of(payment.payment_id, number)} for number in numbers]
        items = self._get_all(self._refunds, keys, deadline)
        return sorted(map(to_refund, items), key=lambda refund: refund.number)

    def list_due(self, *, before: str, limit: int) -> list[Due]:
        """At most so many payments of those that were due before a time, those due longest first."""
        found: list[Due] = []
        for shard in range(DUE_SHARDS):
            condition = "due_shard = :shard AND due_at < :before"
            query = self._query_due(shard, condition, {":before": {"S": before}}, Limit=limit)
            with reading_faults():
                page = self._client.query(**query)
            found += [_to_due(from_wire(item)) for item in page["Items"]]
        return sorted(found, key=lambda due: due.due_at)[:limit]

    def list_open(self) -> Iterator[Due]:
        """Everything with something left to be done, due or not: as much as is open, however much was paid."""
        for shard in range(DUE_SHARDS):
            query = self._query_due(shard, "due_shard = :shard", {})
            yield from (_to_due(item) for item in self._read_pages(query))

    def list_payment_ids(self, day: str) -> list[str]:
        """The payments that were started on a day, `2026-01-31`, in UTC."""
        query = {
            "TableName": self._payments,
            "IndexName": "by_day",
            "KeyConditionExpression": "started_on = :day",
            "ExpressionAttributeValues": {":day": {"S": day}},
        }
        return [item["payment_id"] for item in self._read_pages(query)]

    def list_orders(
        self, customer_id: str, *, limit: int, status: OrderStatus | None, start: str | None
    ) -> tuple[list[PublicOrder], str | None]:
        """At most `limit` orders of a customer, newest first, from the order `start` on; and the one that the next page
        starts with.

        One consistent Query, so that a new order is in the next answer (FR-107), and by status from an index that is
        written with the order, so that no page is thinned by a filter (FR-108). It holds what clients see, and is not
        written where only bookkeeping changes. A page is a range of keys, which costs the same wherever it is (FR-706).
        """
        last = start or AFTER_ALL_IDS
        query: dict[str, Any] = {
            "TableName": self._orders,
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": limit + 1,
        }
        if status:
            query["IndexName"] = "by_status"
            query["KeyConditionExpression"] = "customer_id = :customer AND status_order_id BETWEEN :first AND :last"
            values = {":customer": customer_id, ":first": f"{status}#", ":last": f"{status}#{last}"}
        else:
            query["KeyConditionExpression"] = "customer_id = :customer AND order_id <= :last"
            values = {":customer": customer_id, ":last": last}
        with reading_faults():
            page = self._client.query(**query, ExpressionAttributeValues=to_wire(values))
        orders = [to_public_order(from_wire(item)) for item in page["Items"]]
        # A Query ends at 1 MB, too: what it found last begins the next page then.
        shown = limit if len(orders) > limit else len(orders) - ("LastEvaluatedKey" in page)
        return orders[:shown], next((order.order_id for order in orders[shown:]), None)

    def list_audit_entries(self, order_id: str) -> list[AuditEntry]:
        """An order's trail, oldest first."""
        query: dict[str, Any] = {
            "TableName": self._audit,
            "KeyConditionExpression": "order_id = :order_id",
            "ExpressionAttributeValues": {":order_id": {"S": order_id}},
            "ConsistentRead": True,
        }
        return [to_entry(item) for item in self._read_pages(query)]

    def check_orders(self) -> None:
        """Reads an order that does not exist, to see whether the table answers."""
        self._get(self._orders, {"customer_id": "health", "order_id": "health"})

    def check_payments(self) -> None:
        """Reads a payment that does not exist, to see whether the table answers."""
        self._get(self._payments, {"payment_id": "health"})

    # How they are read

    def _get(self, table: str, key: Item, **request: Any) -> Item | None:
        with reading_faults():
            found = self._client.get_item(TableName=table, Key=to_wire(key), ConsistentRead=True, **request)
        return from_wire(found["Item"]) if "Item" in found else None

    def _get_all(self, table: str, keys: Sequence[Item], deadline: Deadline) -> Iterator[dict[str, Any]]:
        for at in range(0, len(keys), MAX_BATCH):
            yield from self._read_batch({table: keys[at : at + MAX_BATCH]}, deadline)[table]

    def _query_due(self, shard: int, condition: str, values: Item, **query: Any) -> dict[str, Any]:
        return {
            "TableName": self._payments,
            "IndexName": "due",
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":shard": {"S": str(shard)}, **values},
            **query,
        }

    def _read_pages(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            with reading_faults():
                page = self._client.query(**query, **start)
            yield from map(from_wire, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _to_key_record(item: Item, now: datetime) -> KeyRecord | None:
    """None once it has run out, though the item may still be there."""
    record = KeyRecord.from_item(item)
    return None if record.has_run_out(now) else record


def _to_due(item: Item) -> Due:
    """Of its keys alone, where it has no more: one item that cannot be read must not stop the others (FR-207)."""
    return Due(
        payment_id=item["payment_id"],
        due_at=item["due_at"],
        created_at=item.get("created_at", item["due_at"]),
        settle_attempts=item.get("settle_attempts", 0),
        act_until=item.get("act_until"),
        is_linked="linked_at" in item,
    )
