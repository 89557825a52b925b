"""Every hour: compares the payments of the last hours with the gateway's charges, and settles what differs (FR-229).

Each payment is compared in three runs, so that one run that fails leaves none out.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from checkout import wiring
from checkout.caller import Author
from checkout.jobs import job
from checkout.metrics import measure

COMPARED = timedelta(hours=3)


@job
def reconcile_payments(author: Author) -> Mapping[str, Any]:
    report = wiring.reconciliation_service().compare_last(COMPARED, author.gateway_deadline)
    measure("ReconciliationDifferences", len(report.differences), MetricUnit.Count)
    differing = [difference.payment_id for difference in report.differences if difference.payment_id]
    done = wiring.settlement_service().settle_payments(author, differing)
    measure("RefundsRejected", done.refunds_rejected, MetricUnit.Count)
    return {
        "payments": report.payments,
        "charges": report.charges,
        "differences": [f"{found.kind} {found.payment_id or found.reference}" for found in report.differences],
        "faults": [f"{payment_id} {fault}" for payment_id, fault in done.faults],
    }
