"""Answers that are not true of how it ended are told from those that are."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.keys import hash_key
from tests.soak.answers import Heard, find_untruth

pytestmark = pytest.mark.proves("FR-312")

ALICE, SAM, KEY, ORDER, PAYMENT, REFUND = "alice", "sam", "key", "ord_1", "pay_1_001", "ref_1_001_01"
PAID = {"order_id": ORDER, "status": "paid", "payment_id": PAYMENT}
OPEN = {"order_id": ORDER, "status": "created"}
CHARGED = {"payment_id": PAYMENT, "charged_amount": 1800}
DECLINED = {"payment_id": PAYMENT, "charged_amount": 0, "decline_code": "generic_decline"}
REFUNDED = {"refund_id": REFUND, "status": "succeeded"}
PENDING = {"refund_id": REFUND, "status": "pending"}


class Tables:
    """One order, with what was made of it under the key."""

    def __init__(self, order: Mapping[str, Any] | None = None, **made: Any) -> None:
        self._order = order
        self._payments = [made["payment"] | hashed("pay", ALICE)] if "payment" in made else []
        self._refunds = [made["refund"] | hashed("refund_order", SAM)] if "refund" in made else []

    def orders_of(self, _: str) -> list[dict[str, Any]]:
        return [dict(self._order)] if self._order else []

    def order_item(self, _: dict[str, Any]) -> dict[str, Any]:
        return dict(self._order or {})

    def payment_items(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return self._payments

    def refund_items(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return self._refunds


def hashed(operation: str, caller: str) -> dict[str, str]:
    return {"idempotency_key_hash": hash_key(operation, caller, KEY)}


def hear(operation: str, status: int, **body: Any) -> Heard:
    caller = SAM if operation in {"refund_order", "fulfil_order"} else ALICE
    return Heard(operation, ORDER, caller, KEY, status, body, PAYMENT if operation == "mark_order_paid" else "")


REFUSED = {"code": "invalid_transition"}
FOR_NOW = {"code": "payment_in_progress"}
CASES: list[tuple[Tables, Heard, str | None]] = [
    (Tables(OPEN), hear("create_order", 201, id=ORDER), None),
    (Tables(), hear("create_order", 201, id=ORDER), "there is no such order"),
    (Tables(OPEN), hear("create_order", 422, code="invalid_request"), "there was nothing to refuse"),
    (Tables(PAID, payment=CHARGED), hear("pay", 201, transaction_id=PAYMENT), None),
    (Tables(OPEN, payment=DECLINED), hear("pay", 201, transaction_id=PAYMENT), "nothing was charged"),
    (Tables(OPEN), hear("pay", 202, transaction_id=PAYMENT), "there is no such payment"),
    (Tables(OPEN, payment=DECLINED), hear("pay", 402, code="card_declined"), None),
    (Tables(PAID, payment=CHARGED), hear("pay", 402, code="card_declined"), "nothing was declined"),
    (Tables(PAID, payment=CHARGED), hear("pay", 409, code="order_not_payable"), "was charged"),
    (Tables(PAID, payment=CHARGED), hear("pay", 409, **FOR_NOW), None),
    (Tables(PAID), hear("mark_order_paid", 200), None),
    (Tables(OPEN), hear("mark_order_paid", 200), "the order is created"),
    (Tables(PAID), hear("mark_order_paid", 409, code="payment_not_succeeded"), "it pays for the order"),
    (Tables(OPEN | {"status": "cancelled"}), hear("cancel_order", 200), None),
    (Tables(OPEN), hear("cancel_order", 200), "the order is created"),
    (Tables(OPEN | {"status": "cancelled"}), hear("cancel_order", 409, **REFUSED), "the order is cancelled"),
    (Tables(PAID), hear("cancel_order", 409, **REFUSED), None),
    (Tables(PAID | {"status": "fulfilled"}), hear("fulfil_order", 200), None),
    (Tables(PAID), hear("fulfil_order", 200), "the order is paid"),
    (Tables(PAID | {"status": "fulfilled"}), hear("fulfil_order", 409, **REFUSED), "the order is fulfilled"),
    (Tables(PAID, refund=REFUNDED), hear("refund_order", 201, refund_id=REFUND), None),
    (Tables(PAID, refund=PENDING), hear("refund_order", 201, refund_id=REFUND), "nothing was refunded"),
    (Tables(PAID), hear("refund_order", 202, refund_id=REFUND), "there is no such refund"),
    (Tables(PAID, refund=REFUNDED), hear("refund_order", 409, code="refund_exceeds_payment"), "was refunded"),
]


@pytest.mark.parametrize(("tables", "heard", "wrong"), CASES)
def test_what_a_client_was_told_is_held_against_the_books(tables: Tables, heard: Heard, wrong: str | None) -> None:
    untruth = find_untruth(tables, heard)
    assert untruth is None if wrong is None else wrong in str(untruth)
