"""What clients of the soak were told, and whether it is true of how it ended: rule 5."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.keys import hash_key

__all__ = ["Books", "Heard", "find_untruth"]

PAID = {"paid", "fulfilled", "refunded"}
FOR_NOW = {"idempotency_in_progress", "payment_in_progress"}


@dataclass(frozen=True)
class Heard:
    """An answer: to which operation, of which order (empty where it was to be made), by whom and under which key;
    `body` has also what was refused."""

    operation: str
    order_id: str
    caller: str
    key: str
    status: int
    body: Mapping[str, Any]
    transaction_id: str = ""
    """The payment that was to be linked."""

    @property
    def was_refused(self) -> bool:
        """Once and for all: not for now, nor by a fault."""
        return 400 <= self.status < 500 and self.body["code"] not in FOR_NOW

    @property
    def key_hash(self) -> str:
        return hash_key(self.operation, self.caller, self.key)


class Books(Protocol):
    """The tables."""

    def orders_of(self, customer_id: str) -> list[dict[str, Any]]: ...

    def order_item(self, order: dict[str, Any]) -> dict[str, Any]: ...

    def payment_items(self, order: dict[str, Any]) -> list[dict[str, Any]]: ...

    def refund_items(self, order: dict[str, Any]) -> list[dict[str, Any]]: ...


def find_untruth(books: Books, heard: Heard) -> str | None:
    """What is wrong with an answer, if anything is."""
    wrong: str | None = CHECKS[heard.operation](books, heard)
    told = f"{heard.operation} was told {heard.status} {heard.body.get('code', '')}"
    return f"rule 5: {heard.order_id}: {told}, but {wrong}" if wrong else None


def check_created(books: Books, heard: Heard) -> str | None:
    """Each customer has one key, and asks rightly."""
    made = [order["order_id"] for order in books.orders_of(heard.caller)]
    if len(made) > 1:
        return f"one key made the orders {made}"
    if heard.status == 201 and made != [heard.body["id"]]:
        return "there is no such order"
    return "there was nothing to refuse" if heard.was_refused else None


def check_paid(books: Books, heard: Heard) -> str | None:
    payments = books.payment_items({"id": heard.order_id})
    mine = {p["payment_id"]: p for p in payments if p["idempotency_key_hash"] == heard.key_hash}
    charged = [name for name, payment in mine.items() if payment["charged_amount"]]
    if len(charged) > 1:
        return f"one key was charged by {charged}"
    if heard.status == 201 and charged != [heard.body["transaction_id"]]:
        return "nothing was charged"
    if heard.status == 202 and heard.body["transaction_id"] not in mine:
        return "there is no such payment"
    if heard.status == 402 and not any("decline_code" in payment for payment in mine.values()):
        return "nothing was declined"
    return f"{charged} was charged" if heard.was_refused and charged else None


def check_linked(books: Books, heard: Heard) -> str | None:
    order = books.order_item({"id": heard.order_id})
    is_linked = order["status"] in PAID and order.get("payment_id") == heard.transaction_id
    if heard.status == 200 and not is_linked:
        return f"the order is {order['status']} by {order.get('payment_id')}"
    return "it pays for the order" if heard.was_refused and is_linked else None


def check_cancelled(books: Books, heard: Heard) -> str | None:
    return check_status(books, heard, {"cancelled"})


def check_fulfilled(books: Books, heard: Heard) -> str | None:
    return check_status(books, heard, {"fulfilled", "refunded"})


def check_status(books: Books, heard: Heard, wanted: set[str]) -> str | None:
    """Nobody else asks for it, so where the order is so the request was granted."""
    status = books.order_item({"id": heard.order_id})["status"]
    if heard.status == 200 and status not in wanted:
        return f"the order is {status}"
    return f"the order is {status}" if heard.was_refused and status in wanted else None


def check_refunded(books: Books, heard: Heard) -> str | None:
    refunds = books.refund_items({"id": heard.order_id})
    mine = {r["refund_id"]: r for r in refunds if r.get("idempotency_key_hash") == heard.key_hash}
    made = [name for name, refund in mine.items() if refund["status"] == "succeeded"]
    if len(mine) > 1:
        return f"one key made the refunds {sorted(mine)}"
    if heard.status == 201 and made != [heard.body["refund_id"]]:
        return "nothing was refunded"
    if heard.status == 202 and heard.body["refund_id"] not in mine:
        return "there is no such refund"
    return f"{made} was refunded" if heard.was_refused and made else None


CHECKS = {
    "create_order": check_created,
    "pay": check_paid,
    "mark_order_paid": check_linked,
    "cancel_order": check_cancelled,
    "fulfil_order": check_fulfilled,
    "refund_order": check_refunded,
}
