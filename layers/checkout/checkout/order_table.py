"""Orders, payments, refunds and audit entries: every write of them, to the tables that order_reader describes.

A change is one transaction: what changes, with its conditions, and its audit entry. One of an order or of a payment
appends the next entry of the order's trail, and an entry is written once: of two that were decided from the same state
one is written. So the entry is the lock, and a payment that starts, or ends and keeps its hold, is written without its
order: `hold_order` says what the order is with it. Where the order is written, the condition `unchanged` says that
nobody wrote it since it was read. The other conditions say, clause by clause, what the change itself rests on; they
hold whatever was read.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from checkout.audit import AuditEntry
from checkout.clock import Deadline
from checkout.dynamodb import ConditionFailed, Item, ReadItems, Transaction, change_item, reading_faults, to_wire
from checkout.errors import StoreUnavailable
from checkout.key_records import KeyRecord, KeyTaken
from checkout.order_items import from_entry, from_order, from_payment, from_refund, hour_key_of
from checkout.order_reader import Due, OrderChanged, OrderReader, TableNames
from checkout.orders import Order
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.transitions import OrderStatus, PaymentStatus, origins_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["OrderTable", "decide_on_latest"]

MAX_DECISIONS = 6
DECLINES_KEPT = timedelta(hours=2)

# A payment that pays for its order is refunded by staff, not returned.
UNPAID_BY_IT = "(attribute_not_exists(payment_id) OR payment_id <> :payment_id)"
UNLINKED = "attribute_not_exists(linked_at)"
HELD_BY_NO_OTHER = "(attribute_not_exists(live_payment_id) OR live_payment_id = :payment_id)"

Decision = TypeVar("Decision")


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


class OrderTable(OrderReader):
    """The same tables, for those who change them: methods that write raise OrderChanged besides StoreUnavailable."""

    def __init__(
        self, client: "DynamoDBClient", transaction: Transaction, read_batch: ReadItems, *, names: TableNames
    ) -> None:
        super().__init__(client, read_batch, names=names)
        self._transaction = transaction

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
                "Key": to_wire(hour_key_of(payment.customer_id, at)),
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
            "Key": to_wire(hour_key_of(customer_id, at)),
            "UpdateExpression": "DELETE payments :ended",
            "ExpressionAttributeValues": to_wire({":ended": set(payment_ids)}),
        }


def _may_become(status: OrderStatus, *also: OrderStatus) -> tuple[str, dict[str, str]]:
    """The condition that the transition table allows this state from the present one, and its values."""
    values = {f":{origin}": str(origin) for origin in (*origins_of(status), *also)}
    return f"#status IN ({', '.join(values)})", values


def _holder(payment: tuple[Payment, Payment]) -> dict[str, str]:
    return {":payment_id": payment[0].payment_id}
