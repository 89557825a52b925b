"""What is counted (FR-032): orders created and paid, payments and refunds by outcome, conflicts by code; and what is
measured of the money on its way (FR-229, FR-230); and cold starts (FR-603)."""

from functools import cache

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from checkout.garbage import search_as_usual

__all__ = ["count", "count_cold_start", "count_settled", "measure"]


def count(name: str, **dimensions: str) -> None:
    """Adds one to a metric, in CloudWatch's embedded format, on standard output.

    Each is written by itself: the collecting Metrics of Powertools is one object for the whole process, and the local
    runtime serves requests in threads.
    """
    with single_metric(name=name, unit=MetricUnit.Count, value=1) as metric:
        for dimension, value in dimensions.items():
            metric.add_dimension(name=dimension, value=value)


@cache
def count_cold_start(operation: str) -> None:
    """Adds one to the cold starts of an operation, at its first call in a process: the start is over."""
    search_as_usual()
    count("ColdStarts", operation=operation)


def measure(name: str, value: float, unit: MetricUnit) -> None:
    """Writes the value of a metric, as `count` does, unless it is 0: metrics cost by the hour that they are written in.

    An alarm takes missing data for good.
    """
    if not value:
        return
    with single_metric(name=name, unit=unit, value=value):
        pass


def count_settled(*, orders_paid: int, refunds_rejected: int) -> None:
    """What settling has come to, whether a schedule or an event has set it off."""
    for _ in range(orders_paid):
        count("OrdersMarkedPaid")
    measure("RefundsRejected", refunds_rejected, MetricUnit.Count)
