"""Compares our payments of a day with the gateway's charges, and lists what differs (FR-229).

    python -m tools.reconcile [--day 2026-01-31] [--stack checkout | --endpoint http://127.0.0.1:8000]

Nothing is changed. Exit status: 0 where both agree, 1 where they do not, 2 where either did not answer.
"""

import argparse
import os
import time
from datetime import UTC, datetime, timedelta

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from checkout import wiring
from checkout.errors import StoreUnavailable
from checkout.gateway import OutcomeUnknown, RequestNotTaken
from local.commands import CannotWork, describe_fault, run_command
from local.keys import local_parameters
from local.progress import working
from local.runtime import LAMBDA_ENVIRONMENT
from local.tables import read_endpoint
from local.template import read_template

SECONDS = 600.0
FUNCTION = "ReconcilePaymentsFunction"


def find_environment(stack: str | None, endpoint: str) -> dict[str, str]:
    """The variables of the function that compares by itself: the stack's, or those of what runs here."""
    if stack is None:
        return {**LAMBDA_ENVIRONMENT, **read_template(local_parameters(endpoint)).environment}
    described = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=FUNCTION)
    name = described["StackResourceDetail"]["PhysicalResourceId"]
    variables: dict[str, str] = boto3.client("lambda").get_function_configuration(FunctionName=name)["Environment"][
        "Variables"
    ]
    return variables


def reconcile(day: datetime) -> int:
    end = time.monotonic() + SECONDS
    service = wiring.reconciliation_service()
    with working(f"reconcile: comparing the payments of {day:%Y-%m-%d}"):
        report = service.compare(day, day + timedelta(days=1), lambda: end - time.monotonic())
    for found in report.differences:
        print(f"{found.kind}: {found.payment_id or 'no payment'} / {found.reference or 'no charge'}")
        print(f"    here: {found.here}; at the gateway: {found.there}")
    print(
        f"{day:%Y-%m-%d}: {report.payments} payments, {report.charges} charges, {len(report.differences)} differences"
    )
    return 1 if report.differences else 0


def read_day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; one is {datetime.now(UTC):%Y-%m-%d}") from None


def describe_cause(fault: BaseException) -> str:
    while fault.__cause__:
        fault = fault.__cause__
    known = isinstance(fault, BotoCoreError | ClientError)
    return describe_fault(fault) if known else f"{type(fault).__name__}; nothing was changed, try again later."


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the payments of a day with the gateway's charges.")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    parser.add_argument("--day", type=read_day, default=today, help="in UTC; by default today")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", help="the CloudFormation stack whose payments are compared")
    where.add_argument("--endpoint", type=read_endpoint, help="a DynamoDB of your own, such as the local runtime's")
    arguments = parser.parse_args()
    os.environ.update(find_environment(arguments.stack, arguments.endpoint))
    try:
        return reconcile(arguments.day)
    except (StoreUnavailable, OutcomeUnknown, RequestNotTaken) as fault:
        raise CannotWork(f"The database or the gateway does not answer. {describe_cause(fault)}") from fault


if __name__ == "__main__":
    run_command("reconcile", main)
