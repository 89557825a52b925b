"""What a trail says of an order, its payments and its refunds, when it is replayed from the start (FR-029)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from checkout.audit import AuditEntry

__all__ = ["Replay"]

Facts = dict[str, Any]

OF_ORDER = ("status", "total_amount", "currency", "items", "payment_id", "refunded_amount")
OF_PAYMENT = ("amount", "currency", "gateway_reference", "decline_code", "failure_reason")
AMOUNTS = ("charged_amount", "refunded_amount", "refundable_amount")
OF_REFUND = ("amount", "currency", "gateway_reference", "failure_reason")
STARTED_ONCE = ("amount", "currency")
REFUND_STATUS = {"refund_started": "pending", "refund_succeeded": "succeeded", "refund_failed": "failed"}


@dataclass
class Replay:
    """What each is, by its id, and what does not follow in the trail."""

    order: Facts = field(default_factory=dict)
    payments: dict[str, Facts] = field(default_factory=dict)
    refunds: dict[str, Facts] = field(default_factory=dict)
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
        yield from list_differences("order", self.order, {**order, "items": lines}, OF_ORDER)
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
        if entry.event in REFUND_STATUS:
            self._take_refund(entry, subject)

    def _take_refund(self, entry: AuditEntry, payment: Facts) -> None:
        facts = entry.facts
        refund = self.refunds.setdefault(facts["refund_id"], {"payment_id": facts["payment_id"]})
        refund["status"] = REFUND_STATUS[entry.event]
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


def list_differences(subject: str, told: Facts, item: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if told.get(name) != item.get(name):
            yield f"{subject}: the trail says {name} {told.get(name)}, the tables {item.get(name)}"
