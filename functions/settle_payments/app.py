"""Every minute: settles the payments that something is left to be done about (FR-205 to FR-209, FR-230)."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from checkout import wiring
from checkout.caller import Author
from checkout.errors import StoreUnavailable
from checkout.jobs import job
from checkout.metrics import count_settled, measure

LIMIT = 100


@job
def settle_payments(author: Author) -> Mapping[str, Any]:
    service = wiring.settlement_service()
    try:
        done = service.settle_due(author, limit=LIMIT)
    except StoreUnavailable:
        # Above all where nothing can be settled.
        measure("OldestUnsettledChargeAge", service.read_oldest_age(), MetricUnit.Seconds)
        raise
    measure("OldestUnsettledChargeAge", service.read_oldest_age(), MetricUnit.Seconds)
    count_settled(orders_paid=done.orders_paid, refunds_rejected=done.refunds_rejected)
    measure("SettlementFaults", len(done.faults), MetricUnit.Count)
    return {
        "settled": done.settled,
        "waiting": done.waiting,
        "orders_paid": done.orders_paid,
        "faults": [f"{payment_id} {fault}" for payment_id, fault in done.faults],
    }
