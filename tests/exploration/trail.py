"""What a trail says of an order, its payments and its refunds, when it is replayed from the start (FR-029)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from checkout.audit import AuditEntry
from checkout.payment_recorder import CHARGE_REFUNDED, WRONG_CHARGE
from checkout.payments import NOT_TAKEN

__all__ = ["Replay"]

Facts = dict[str, Any]

COUNTS = ("payment_attempts", "declined_payments", "refused_payments")
OF_ORDER = (
    *("status", "total_amount", "currency", "items", "payment_id", "refunded_amount"),
    *("live_payment_id", "returning_payment_ids", *COUNTS),
)
OF_PAYMENT = ("amount", "currency", "gateway_reference", "decline_code", "failure_reason")
AMOUNTS = ("charged_amount", "refunded_amount", "refundable_amount")
OF_REFUND = ("amount", "currency", "gateway_reference", "failure_reason")
STARTED_ONCE = ("amount", "currency")
REFUND_STATUS = {"refund_started": "pending", "refund_succeeded": "succeeded", "refund_failed": "failed"}
OPEN = {"pending", "unknown"}
HELD_FOR = {WRONG_CHARGE, CHARGE_REFUNDED}
"""Why a payment failed that holds its order until its charge is returned."""

COUNTED_FOR = timedelta(hours=2)
"""What has no outcome within that is not taken out of its hour: it may have run out."""


@dataclass
class Replay:
    """What each is, by its id, and what does not follow in the trail; and by the hour that they began in the payments
    that count as declined, and those that may still be kept with them."""

    order: Facts = field(default_factory=lambda: {**dict.fromkeys(COUNTS, 0), "returning_payment_ids": []})
    payments: dict[str, Facts] = field(default_factory=dict)
    refunds: dict[str, Facts] = field(default_factory=dict)
    hourly_declines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    hourly_others: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    wrong: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, trail: Iterable[AuditEntry]) -> "Replay":
        replay = cls()
        for entry in trail:
            replay._take(entry)
        replay._add_up()
        return replay

    def compare(
        self, order: Mapping[str, Any], payments: Iterable[Mapping[str, Any]], refunds: Iterable[Mapping[str, Any]]
    ) -> Iterator[str]:
        """What is otherwise in the tables, given their items."""
        of_line = ("product_id", "quantity", "unit_price")
        lines = [{name: line[name] for name in of_line} for line in order["items"]]
        order = {"returning_payment_ids": [], **order, "items": lines}
        yield from list_differences("order", self.order, order, OF_ORDER)
        by_id = {payment["payment_id"]: payment for payment in payments}
        for payment_id in sorted(by_id.keys() | self.payments.keys()):
            told, item = self.payments.get(payment_id, {}), by_id.get(payment_id, {})
            yield from list_differences(payment_id, told, item, ("status", *OF_PAYMENT, *AMOUNTS))
        by_id = {refund["refund_id"]: refund for refund in refunds}
        for refund_id in sorted(by_id.keys() | self.refunds.keys()):
            told, item = self.refunds.get(refund_id, {}), by_id.get(refund_id, {})
            yield from list_differences(refund_id, told, item, ("payment_id", "status", *OF_REFUND))

    def _take(self, entry: AuditEntry) -> None:
        facts = entry.facts
        subject = self.order if entry.event.startswith("order_") else self._of_payment(facts["payment_id"])
        if subject.get("status") != entry.from_status:
            self.wrong.append(f"{entry.event} goes on from {entry.from_status}, which it was not")
        subject["status"] = entry.to_status
        if entry.event == "order_created":
            self.order |= {name: facts[name] for name in ("total_amount", "currency", "items")}
        if entry.event == "payment_started":
            self._take_attempt(entry, subject)
        if entry.from_status in OPEN and entry.to_status not in OPEN:
            self._take_outcome(entry, subject)
        if entry.event == "order_paid":
            self.order["payment_id"] = facts["payment_id"]
        if entry.event == "order_refunded" and facts["payment_id"] != self.order.get("payment_id"):
            self.wrong.append(f"the order was refunded by {facts['payment_id']}")
        if entry.event.startswith("payment_") or entry.event == "order_paid":
            self._learn(self._of_payment(facts["payment_id"]), facts, OF_PAYMENT, entry.event)
        if entry.event == "payment_succeeded":
            subject["charged_amount"] = facts["amount"]
        if entry.event == "payment_refunded":
            # At the gateway itself, and all of it.
            subject |= {"charged_amount": facts["refunded_amount"], "refunded_at_gateway": facts["refunded_amount"]}
            self._let_go(facts["payment_id"])
        if entry.event in REFUND_STATUS:
            self._take_refund(entry, subject)

    def _take_attempt(self, entry: AuditEntry, payment: Facts) -> None:
        """It holds the order, and counts as declined until it is known not to be."""
        if self.order.get("live_payment_id"):
            self.wrong.append(f"a payment was started while {self.order['live_payment_id']} held the order")
        self.order["live_payment_id"] = entry.facts["payment_id"]
        self.order["payment_attempts"] += 1
        if entry.facts["attempt"] != self.order["payment_attempts"]:
            self.wrong.append(f"the payment says it is number {entry.facts['attempt']}, which it is not")
        payment["started_at"] = entry.at
        self.hourly_declines[to_hour(entry.at)].add(entry.facts["payment_id"])

    def _take_outcome(self, entry: AuditEntry, payment: Facts) -> None:
        declined, reason = "decline_code" in entry.facts, entry.facts.get("failure_reason")
        if entry.to_status == "failed" and reason not in HELD_FOR:
            self._let_go(entry.facts["payment_id"])
        self.order["declined_payments"] += declined
        self.order["refused_payments"] += reason == NOT_TAKEN
        started_at = payment.get("started_at", entry.at)
        took = datetime.fromisoformat(entry.at) - datetime.fromisoformat(started_at)
        if not declined:
            self.hourly_declines[to_hour(started_at)].discard(entry.facts["payment_id"])
        if not declined and (entry.to_status == "succeeded" or took > COUNTED_FOR):
            self.hourly_others[to_hour(started_at)].add(entry.facts["payment_id"])

    def _hold(self, payment_id: str) -> None:
        returning = self.order["returning_payment_ids"]
        if self.order.get("live_payment_id") is None:
            self.order["live_payment_id"] = payment_id
        elif payment_id not in {self.order["live_payment_id"], *returning}:
            returning.append(payment_id)

    def _let_go(self, payment_id: str) -> None:
        returning = self.order["returning_payment_ids"]
        if payment_id in returning:
            returning.remove(payment_id)
        if self.order.get("live_payment_id") == payment_id:
            self.order["live_payment_id"] = returning.pop(0) if returning else None

    def _take_refund(self, entry: AuditEntry, payment: Facts) -> None:
        facts = entry.facts
        payment_id = facts["payment_id"]
        refund = self.refunds.setdefault(facts["refund_id"], {"payment_id": payment_id})
        before, refund["status"] = refund.get("status"), REFUND_STATUS[entry.event]
        if payment_id != self.order.get("payment_id"):
            # The charge pays for nothing: it holds the order, unless another does, until it has gone back for good.
            if entry.event == "refund_succeeded":
                self._let_go(payment_id)
            elif entry.event == "refund_started" or before == "succeeded":
                self._hold(payment_id)
        if entry.event == "refund_started" and "gateway_reference" in facts:
            # What is left of a charge that pays for no order goes back, of whatever amount it was.
            elsewhere = facts.get("refunded_amount", 0)
            charged = elsewhere + facts["amount"] + self._sum_refunds(facts["payment_id"], "succeeded")
            payment |= {"gateway_reference": facts["gateway_reference"], "charged_amount": charged}
            payment["refunded_at_gateway"] = elsewhere
            facts = {name: value for name, value in facts.items() if name != "gateway_reference"}
        self._learn(refund, facts, OF_REFUND, entry.event)

    def _learn(self, subject: Facts, facts: Mapping[str, Any], names: Iterable[str], event: str) -> None:
        for name in names:
            if name in facts:
                if name in STARTED_ONCE and subject.get(name, facts[name]) != facts[name]:
                    self.wrong.append(f"{event} says {name} {facts[name]}, which was {subject[name]}")
                subject[name] = facts[name]

    def _add_up(self) -> None:
        for payment_id, payment in self.payments.items():
            returned = self._sum_refunds(payment_id, "succeeded") + payment.pop("refunded_at_gateway", 0)
            payment["refunded_amount"] = returned
            payment["refundable_amount"] = (
                payment["charged_amount"] - returned - self._sum_refunds(payment_id, "pending")
            )
        paid_by = self.payments.get(self.order.get("payment_id", ""), {})
        self.order["refunded_amount"] = paid_by.get("refunded_amount", 0)

    def _of_payment(self, payment_id: str) -> Facts:
        return self.payments.setdefault(payment_id, {"charged_amount": 0})

    def _sum_refunds(self, payment_id: str, status: str) -> int:
        return sum(
            refund["amount"]
            for refund in self.refunds.values()
            if (refund["payment_id"], refund["status"]) == (payment_id, status)
        )


def to_hour(at: str) -> str:
    return at[: len("2026-01-31T12")]


def list_differences(subject: str, told: Facts, item: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if told.get(name) != item.get(name):
            yield f"{subject}: the trail says {name} {told.get(name)}, the tables {item.get(name)}"
