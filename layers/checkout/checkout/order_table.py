"""Orders, payments, refunds and audit entries: what is in their tables, and every read and write of them.

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
    a change                                one transaction: what changes, with its conditions, and its audit entry

A change of an order or of a payment appends the next entry of the order's trail, and an entry is written once: of two
that were decided from the same state one is written. So the entry is the lock, and a payment that starts, or ends and
keeps its hold, is written without its order: `hold_order` says what the order is with it. Where the order is written,
the condition `unchanged` says that nobody wrote it since it was read. The other conditions say, clause by clause, what
the change itself rests on; they hold whatever was read.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from checkout.audit import AuditEntry
from checkout.clock import Deadline, format_time
from checkout.dynamodb import (
    MAX_BATCH,
    ConditionFailed,
    Item,
    ReadItems,
    Transaction,
    change_item,
    from_wire,
    reading_faults,
    to_wire,
)
from checkout.errors import StoreUnavailable
from checkout.identifiers import is_order_id, is_payment_id, payment_id_of, refund_id_of
from checkout.key_records import KeyRecord, KeyTaken
from checkout.order_items import (
    DUE_SHARDS,
    from_entry,
    from_order,
    from_payment,
    from_refund,
    to_entry,
    to_order,
    to_payment,
    to_public_order,
    to_refund,
)
from checkout.orders import Order, PublicOrder
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.transitions import OrderStatus, PaymentStatus, origins_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["Due", "OrderChanged", "OrderTable", "OrderToPay", "TableNames", "decide_on_latest", "hold_order"]

MAX_DECISIONS = 6
AFTER_ALL_IDS = "~"
DECLINES_KEPT = timedelta(hours=2)

# A payment that pays for its order is refunded by staff, not returned.
UNPAID_BY_IT = "(attribute_not_exists(payment_id) OR payment_id <> :payment_id)"
UNLINKED = "attribute_not_exists(linked_at)"
HELD_BY_NO_OTHER = "(attribute_not_exists(live_payment_id) OR live_payment_id = :payment_id)"

Decision = TypeVar("Decision")


class OrderChanged(Exception):
    """The order or its payment is not as it was read: read it again and decide again. Nothing was written."""


def decide_on_latest(decide: Callable[[], Decision]) -> Decision:
    """What `decide` returns; it reads, decides and writes, and is called again when OrderChanged tells it was late.

    Raises StoreUnavailable where others keep being faster.
    """
    for _ in range(MAX_DECISIONS):
        try:
            return decide()
        except OrderChanged:
            continue
    raise StoreUnavailable


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


class OrderTable:
    """The orders, payments, refunds, audit and declines tables.

    Every method raises StoreUnavailable where DynamoDB does not serve it, and those that write raise OrderChanged.
    """

    def __init__(
        self, client: "DynamoDBClient", transaction: Transaction, read_batch: ReadItems, *, names: TableNames
    ) -> None:
        self._client = client
        self._transaction = transaction
        self._read_batch = read_batch
        self._orders = names.orders
        self._payments = names.payments
        self._refunds = names.refunds
        self._audit = names.audit
        self._declines = names.declines
        self._keys = names.keys

    # Reads

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
            self._declines: [_to_hour_key(customer_id, now)],
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

    # Changes, each one transaction with its audit entry (FR-029)

    def create_order(
        self, order: Order, entry: AuditEntry, record: KeyRecord, deadline: Deadline, *, at: datetime
    ) -> None:
        """FR-102, FR-119. Conditions: no such order, and none under the key within a day: else raises KeyTaken."""
        absent = "attribute_not_exists(order_id)"
        use = self._use_key(record, at)
        use["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            self._transaction(
                [
                    self._put(self._orders, from_order(order, entry.head), absent),
                    self._append(entry, customer_id=order.customer_id),
                    use,
                ],
                deadline,
            )
        except ConditionFailed as failure:
            found = failure.items[-1]
            if found is None:
                raise OrderChanged from failure
            raise KeyTaken(KeyRecord.from_item(found)) from failure

    def claim_order(
        self,
        payment: Payment,
        entry: AuditEntry,
        record: KeyRecord,
        *,
        replaced: KeyRecord | None,
        hourly_declines: int,
        at: datetime,
        deadline: Deadline,
    ) -> None:
        """A payment takes hold of an order and starts, before the gateway is called (FR-014, FR-015).

        Its order is not written: that it may be paid, and is held by no other, holds as long as nothing is appended to
        its trail. It is counted as declined in this hour until it is known not to be, so that the cap holds for those
        under way (FR-227). `replaced` is of a payment under the same key that was surely not charged.
        """
        absent = "attribute_not_exists(payment_id)"
        self._write(
            [
                self._put(self._payments, from_payment(payment.with_audit_head(entry.head)), absent),
                self._append(entry),
                self._use_key(record, at, replaced),
                self._count_decline(payment, at, hourly_declines),
            ],
            deadline,
        )

    def note_work_on_payment(self, before: Payment, after: Payment, deadline: Deadline) -> None:
        """A later request takes up a payment whose outcome is not known, before it asks the gateway again (FR-018); or
        one leaves it as it is."""
        # Who has lost the claim has made a payment of the same id.
        same, seen = "idempotency_key_hash = :seen_key", {":seen_key": before.idempotency_key_hash}
        self._write([self._change_payment(before, after, [same], seen)], deadline)

    def postpone_payment(self, due: Due, *, due_at: str, attempts: int) -> bool:
        """A payment that is still due as it was is due later, after so many attempts (FR-207); whether something is
        left to be done about it.

        By its key alone, so that an item that cannot be read does not come first for ever.
        """
        try:
            with reading_faults():
                self._client.update_item(
                    TableName=self._payments,
                    Key=to_wire({"payment_id": due.payment_id}),
                    UpdateExpression="SET due_at = :due_at, settle_attempts = :attempts",
                    # Nobody has brought it further, or seen to it, meanwhile.
                    ConditionExpression="due_at = :seen_due_at",
                    ExpressionAttributeValues=to_wire(
                        {":due_at": due_at, ":attempts": attempts, ":seen_due_at": due.due_at}
                    ),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except self._client.exceptions.ConditionalCheckFailedException as failure:
            return "due_at" in cast("dict[str, Any]", failure.response).get("Item", {})
        return True

    def keep_hold(
        self, payment: tuple[Payment, Payment], entry: AuditEntry, deadline: Deadline, *, at: datetime
    ) -> None:
        """A payment succeeded, or its outcome is not known, or its charge is to be returned: it goes on holding its
        order, which is not written (FR-016, FR-203, FR-209). Takes it before and after."""
        before, after = payment
        self._write(
            [
                self._change_payment(before, after.with_audit_head(entry.head), [], {}),
                self._append(entry),
                *self._uncount_decline(after, at),
            ],
            deadline,
        )

    def let_go(
        self,
        order: tuple[Order, Order],
        payment: tuple[Payment, Payment],
        entry: AuditEntry,
        deadline: Deadline,
        *,
        at: datetime,
        by_sole_request: bool,
    ) -> None:
        """A payment failed, and lets go of the order (FR-017, FR-019).

        Takes each before and after. `by_sole_request` where the outcome is known only as long as no other request asked
        the gateway. What was not declined counts no longer in the hour that it began in (FR-227).
        """
        payment_conditions = ["attribute_not_exists(resumed_at)"] if by_sole_request else []
        self._write(
            [
                # The payment that ends is the one that holds the order.
                self._change_order(*order, entry, [HELD_BY_NO_OTHER], _holder(payment)),
                self._change_payment(*payment, payment_conditions, {}),
                self._append(entry),
                *self._uncount_decline(payment[1], at),
            ],
            deadline,
        )

    def uncount_declines(
        self, customer_id: str, at: datetime, payment_ids: Collection[str], deadline: Deadline
    ) -> None:
        """Payments that were no declines count no longer in this hour, which they began in (FR-227)."""
        update = self._take_out(customer_id, at, payment_ids)
        # Where there is no such item any more, this would begin one that never runs out.
        update["ConditionExpression"] = "attribute_exists(payments)"
        self._write([{"Update": update}], deadline)

    def mark_order_paid(
        self, order: tuple[Order, Order], payment: tuple[Payment, Payment], entry: AuditEntry, deadline: Deadline
    ) -> None:
        """Order and payment are linked, with conditions on both sides (FR-025). Takes each before and after."""
        payable, origins = _may_become(OrderStatus.PAID)
        order_conditions = [
            payable,
            # The payment that holds the order is the one that pays for it.
            HELD_BY_NO_OTHER,
        ]
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
                self._change_order(*order, entry, order_conditions, {**origins, **_holder(payment)}),
                self._change_payment(*payment, payment_conditions, payment_values),
                self._append(entry),
            ],
            deadline,
        )

    def start_refund(
        self,
        order: tuple[Order, Order],
        payment: tuple[Payment, Payment],
        refund: Refund,
        entry: AuditEntry,
        record: KeyRecord,
        deadline: Deadline,
        *,
        at: datetime,
    ) -> None:
        """Some of an order's payment is on its way back, before the gateway is called (FR-210, FR-211).

        Takes each before and after.
        """
        # Or it was already, and a bank has sent some of that back.
        refundable, origins = _may_become(OrderStatus.REFUNDED, OrderStatus.REFUNDED)
        conditions = [
            refundable,
            # The payment is the one that paid for it.
            "payment_id = :payment_id",
        ]
        # However many refunds start at once, they never exceed the payment.
        capped = "refundable_amount >= :amount"
        self._write(
            [
                self._change_order(*order, entry, conditions, {**origins, **_holder(payment)}),
                self._change_payment(*payment, [capped], {":amount": refund.money.amount}),
                self._put(self._refunds, from_refund(refund), "attribute_not_exists(refund_id)"),
                self._append(entry),
                self._use_key(record, at),
            ],
            deadline,
        )

    def note_work_on_refund(self, before: Refund, after: Refund, deadline: Deadline) -> None:
        """The gateway is about to be asked for it again (FR-213); or the request that started it leaves it as it is."""
        conditions, values = [], {}
        if after.resumed_at != before.resumed_at:
            # Of two who are about to ask, one does: the other would take the answer to the first for one of long ago.
            conditions = ["(attribute_not_exists(resumed_at) OR resumed_at = :seen_asked_at)"]
            values = {":seen_asked_at": before.asked_at}
        self._write([self._change_refund(before, after, conditions, values)], deadline)

    def start_return(
        self,
        order: tuple[Order, Order],
        payment: tuple[Payment, Payment],
        refund: Refund,
        entry: AuditEntry,
        deadline: Deadline,
    ) -> None:
        """A charge that pays for no order is on its way back, and holds the order meanwhile unless another payment does
        (FR-209). Takes each before and after."""
        # Nothing of it is on its way already.
        first = "refundable_amount = :seen_refundable AND refunded_amount = :seen_refunded"
        seen = {":seen_refundable": payment[0].refundable_amount, ":seen_refunded": payment[0].refunded_amount}
        self._write(
            [
                self._change_order(*order, entry, [UNPAID_BY_IT], _holder(payment)),
                self._change_payment(*payment, [UNLINKED, first], seen),
                self._put(self._refunds, from_refund(refund), "attribute_not_exists(refund_id)"),
                self._append(entry),
            ],
            deadline,
        )

    def end_returned(
        self, order: tuple[Order, Order], payment: tuple[Payment, Payment], entry: AuditEntry, deadline: Deadline
    ) -> None:
        """A charge that pays for no order was refunded at the gateway itself (FR-209). Takes each before and after."""
        self._write(
            [
                self._change_order(*order, entry, [UNPAID_BY_IT], _holder(payment)),
                self._change_payment(*payment, [UNLINKED], {}),
                self._append(entry),
            ],
            deadline,
        )

    def finish_refund(
        self,
        order: tuple[Order, Order],
        payment: tuple[Payment, Payment],
        refund: tuple[Refund, Refund],
        entries: Sequence[AuditEntry],
        deadline: Deadline,
        record: KeyRecord | None = None,
    ) -> None:
        """A refund gets its outcome, or loses it (FR-210, FR-214, FR-233). Takes each before and after; the last entry
        is the new head; `record` is the answer to it, where somebody is answered whose key it is."""
        self._write(
            [
                self._change_order(*order, entries[-1], [], {}),
                self._change_payment(*payment, [], {}),
                self._change_refund(*refund, [], {}),
                *map(self._append, entries),
                *self._complete(record),
            ],
            deadline,
        )

    def fulfil_order(self, before: Order, after: Order, entry: AuditEntry, deadline: Deadline) -> None:
        """FR-217."""
        fulfillable, origins = _may_become(OrderStatus.FULFILLED)
        change = self._change_order(before, after, entry, [fulfillable], origins)
        self._write([change, self._append(entry)], deadline)

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

    def keep_answer(self, record: KeyRecord) -> None:
        """To work that somebody else brought to its end; nothing where the key has an answer, or is another work's."""
        unanswered = "made_id = :made_id AND attribute_not_exists(#data)"
        put = self._put(self._keys, record.to_item(), unanswered, {":made_id": record.made_id})["Put"]
        with suppress(self._client.exceptions.ConditionalCheckFailedException), reading_faults():
            self._client.put_item(**put, ExpressionAttributeNames={"#data": "data"})

    # How they are written

    def _get(self, table: str, key: Item, **request: Any) -> Item | None:
        with reading_faults():
            found = self._client.get_item(TableName=table, Key=to_wire(key), ConsistentRead=True, **request)
        return from_wire(found["Item"]) if "Item" in found else None

    def _get_all(self, table: str, keys: Sequence[Item], deadline: Deadline) -> Iterator[dict[str, Any]]:
        for at in range(0, len(keys), MAX_BATCH):
            yield from self._read_batch({table: keys[at : at + MAX_BATCH]}, deadline)[table]

    def _write(self, actions: list[Item], deadline: Deadline) -> None:
        try:
            self._transaction(actions, deadline)
        except ConditionFailed as failure:
            raise OrderChanged from failure

    def _put(self, table: str, item: Item, condition: str, values: Item | None = None) -> Item:
        put: dict[str, Any] = {"TableName": table, "Item": to_wire(item), "ConditionExpression": condition}
        if values:
            put["ExpressionAttributeValues"] = to_wire(values)
        return {"Put": put}

    def _append(self, entry: AuditEntry, **beside: str) -> Item:
        """An entry is written once: a number that is taken stays as it is."""
        return self._put(self._audit, from_entry(entry, **beside), "attribute_not_exists(order_id)")

    def _change_order(
        self, before: Order, after: Order, entry: AuditEntry, conditions: list[str], values: Item
    ) -> Item:
        unchanged = "audit_sequence = :seen_sequence"
        return change_item(
            self._orders,
            {"customer_id": before.customer_id, "order_id": before.order_id},
            # What is known of the payment that holds it may not have been written with the order.
            {**from_order(before, before.audit_head), "live_payment_id": None, "payment_attempts": None},
            from_order(after, entry.head),
            conditions=[*conditions, unchanged],
            values={**values, ":seen_sequence": before.written_at_entry},
        )

    def _change_payment(self, before: Payment, after: Payment, conditions: list[str], values: Item) -> Item:
        # The state that it leaves is the one that it was read in: the table of transitions allows the way from there.
        unchanged = "#status = :seen_status"
        return change_item(
            self._payments,
            {"payment_id": before.payment_id},
            from_payment(before),
            from_payment(after),
            conditions=[unchanged, *conditions],
            values={**values, ":seen_status": before.status},
        )

    def _change_refund(self, before: Refund, after: Refund, conditions: list[str], values: Item) -> Item:
        # An outcome is set once, and taken back once.
        unchanged = "#status = :seen_status"
        return change_item(
            self._refunds,
            {"refund_id": before.refund_id},
            from_refund(before),
            from_refund(after),
            conditions=[unchanged, *conditions],
            values={**values, ":seen_status": before.status},
        )

    def _use_key(self, record: KeyRecord, at: datetime, replaced: KeyRecord | None = None) -> Item:
        """Nothing was made under the key within a day, but for what is replaced."""
        unused = "attribute_not_exists(id) OR expiration < :now"
        values: dict[str, Any] = {":now": int(at.timestamp())}
        if replaced:
            unused, values = f"{unused} OR made_id = :replaced", {**values, ":replaced": replaced.made_id}
        return self._put(self._keys, record.to_item(), unused, values)

    def _complete(self, record: KeyRecord | None) -> list[Item]:
        """Without a condition: the key is held, and no answer may stand in the way of what it tells of."""
        return [{"Put": {"TableName": self._keys, "Item": to_wire(record.to_item())}}] if record else []

    def _count_decline(self, payment: Payment, at: datetime, limit: int) -> Item:
        expiration = int((at + DECLINES_KEPT).timestamp())
        values = {":payment": {payment.payment_id}, ":expiration": expiration, ":limit": limit}
        return {
            "Update": {
                "TableName": self._declines,
                "Key": to_wire(_to_hour_key(payment.customer_id, at)),
                "UpdateExpression": "ADD payments :payment SET expiration = :expiration",
                "ConditionExpression": "attribute_not_exists(payments) OR size(payments) < :limit",
                "ExpressionAttributeValues": to_wire(values),
            }
        }

    def _uncount_decline(self, payment: Payment, at: datetime) -> list[Item]:
        """Nothing once that hour's item may have run out: it would begin anew, and never run out."""
        claimed_at = datetime.fromisoformat(payment.created_at)
        if not payment.leaves_hour or at - claimed_at > DECLINES_KEPT:
            return []
        return [{"Update": self._take_out(payment.customer_id, claimed_at, [payment.payment_id])}]

    def _take_out(self, customer_id: str, at: datetime, payment_ids: Collection[str]) -> dict[str, Any]:
        return {
            "TableName": self._declines,
            "Key": to_wire(_to_hour_key(customer_id, at)),
            "UpdateExpression": "DELETE payments :ended",
            "ExpressionAttributeValues": to_wire({":ended": set(payment_ids)}),
        }

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


def _may_become(status: OrderStatus, *also: OrderStatus) -> tuple[str, dict[str, str]]:
    """The condition that the transition table allows this state from the present one, and its values."""
    values = {f":{origin}": str(origin) for origin in (*origins_of(status), *also)}
    return f"#status IN ({', '.join(values)})", values


def _holder(payment: tuple[Payment, Payment]) -> dict[str, str]:
    return {":payment_id": payment[0].payment_id}


def _to_key_record(item: Item, now: datetime) -> KeyRecord | None:
    """None once it has run out, though the item may still be there."""
    record = KeyRecord.from_item(item)
    return None if record.has_run_out(now) else record


def _to_hour_key(customer_id: str, at: datetime) -> dict[str, str]:
    return {"customer_id": customer_id, "hour": format_time(at)[:13]}


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
