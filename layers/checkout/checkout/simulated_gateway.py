"""A payment gateway that charges nobody, for development, demonstrations and tests (FR-028).

Its state is in a table, so that any number of processes see the same charges. As a real gateway does, it keeps the
first answer to an idempotency key, here the payment id or the refund id, and gives it again.

Items, by their key payment_id
    pay_…           a charge with its outcome; or a request that was lost, or prevented from ever being made
    ref_…           a refund with its outcome
    fault#<call>    a fault of a call, and how often it still happens (FR-228); put there by whoever wants it to happen
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from checkout.clock import Clock, Deadline, format_time
from checkout.dynamodb import from_wire, to_wire
from checkout.errors import InvalidToken
from checkout.gateway import (
    Charge,
    ChargeStatus,
    GatewayRefund,
    OutcomeUnknown,
    RefundOutcome,
    RequestNotTaken,
    RequestRefused,
)
from checkout.money import Money
from checkout.payments import Payment
from checkout.refunds import Refund

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["TOKENS", "Behaviour", "Call", "Fault", "SimulatedGateway", "make_fault"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a token makes the gateway do. Faults happen to the first request of a payment only."""

    decline_code: str | None = None
    slow_seconds: float = 0
    refuses: bool = False
    loses_request: bool = False
    loses_answer: bool = False


TOKENS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "tok_visa": Behaviour(),
        "tok_mastercard": Behaviour(),
        "tok_amex": Behaviour(),
        "tok_chargeDeclined": Behaviour(decline_code="generic_decline"),
        "tok_chargeDeclinedInsufficientFunds": Behaviour(decline_code="insufficient_funds"),
        "tok_chargeDeclinedExpiredCard": Behaviour(decline_code="expired_card"),
        "tok_timeoutBeforeCharge": Behaviour(loses_request=True),
        "tok_timeoutAfterCharge": Behaviour(loses_answer=True),
        "tok_errorAfterCharge": Behaviour(loses_answer=True),
        "tok_unavailable": Behaviour(refuses=True),
        "tok_slow": Behaviour(slow_seconds=2),
    }
)


class Call(StrEnum):
    """What can be made to fail."""

    CHARGE = "charge"
    FIND_CHARGE = "find_charge"
    PREVENT_CHARGE = "prevent_charge"
    REFUND = "refund"
    FIND_REFUNDS = "find_refunds"
    LIST_CHARGES = "list_charges"


class Fault(StrEnum):
    """How it fails."""

    REFUSED = "refused"
    REQUEST_LOST = "request_lost"
    ANSWER_LOST = "answer_lost"
    SLOW = "slow"
    REFUND_FAILED = "refund_failed"


SLOW_SECONDS = 1.0
LOST = "lost"
PREVENTED = "prevented"
# Outcomes that are no charge.
NOT_CHARGED = {LOST, PREVENTED}


def make_fault(call: Call, fault: Fault, times: int = 1) -> dict[str, Any]:
    """The item that makes a call fail so often; to be put into the gateway's table (FR-228)."""
    return {"payment_id": f"fault#{call}", "fault": str(fault), "times": times}


class SimulatedGateway:
    """Raises what the protocol says, by token or by fault; and OutcomeUnknown where its table does not answer."""

    def __init__(
        self, client: "DynamoDBClient", *, table: str, clock: Clock, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._sleep = sleep

    def check_token(self, token: str) -> None:
        if token not in TOKENS:
            raise InvalidToken

    def charge(self, payment: Payment, token: str, deadline: Deadline) -> Charge:
        self.check_token(token)
        with self._receive(Call.CHARGE, deadline):
            return self._charge(payment, TOKENS[token], deadline)

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        with self._receive(Call.FIND_CHARGE, deadline):
            known = self._find(payment.payment_id)
            return _to_charge(known) if known and known["outcome"] not in NOT_CHARGED else None

    def prevent_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        with self._receive(Call.PREVENT_CHARGE, deadline):
            known = self._remember(payment.payment_id, {"outcome": PREVENTED})
            return _to_charge(known) if known["outcome"] not in NOT_CHARGED else None

    def refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund:  # noqa: ARG002
        with self._receive(Call.REFUND, deadline) as fault:
            return self._refund(refund, fails=fault is Fault.REFUND_FAILED)

    def find_refunds(
        self,
        refunds: Sequence[Refund],
        payment: Payment,  # noqa: ARG002
        deadline: Deadline,
    ) -> Mapping[str, GatewayRefund]:
        with self._receive(Call.FIND_REFUNDS, deadline):
            known = [(refund.refund_id, self._find(refund.refund_id)) for refund in refunds]
            return {refund_id: _to_refund(item) for refund_id, item in known if item}

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        with self._receive(Call.LIST_CHARGES, deadline):
            pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True)
            items = [from_wire(item) for page in pages for item in page["Items"]]
        first, last = format_time(since), format_time(until)
        yield from (_to_charge(item) for item in items if first <= item.get("charged_at", "") < last)

    @contextmanager
    def _receive(self, call: Call, deadline: Deadline) -> Iterator[Fault | None]:
        """A request on its way here and its answer on its way back, with the fault that was put in their way."""
        try:
            fault = self._take_fault(call)
            if fault is Fault.SLOW:
                self._wait(SLOW_SECONDS, deadline)
            if fault is Fault.REFUSED:
                raise RequestNotTaken
            if fault is Fault.REQUEST_LOST:
                raise OutcomeUnknown
            yield fault
            if fault is Fault.ANSWER_LOST:
                raise OutcomeUnknown
        except (BotoCoreError, ClientError) as error:
            raise OutcomeUnknown from error

    def _take_fault(self, call: Call) -> Fault | None:
        """Once less of a fault that was put in the way of a call."""
        key = to_wire({"payment_id": f"fault#{call}"})
        if not self._find(f"fault#{call}"):
            return None
        try:
            taken = self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression="SET times = times - :one",
                # As often as it was meant to happen.
                ConditionExpression="times >= :one",
                ExpressionAttributeValues=to_wire({":one": 1}),
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return Fault(from_wire(taken["Attributes"])["fault"])

    def _charge(self, payment: Payment, behaviour: Behaviour, deadline: Deadline) -> Charge:
        known = self._find(payment.payment_id)
        if known and known["outcome"] == PREVENTED:
            raise RequestRefused
        if known and known["outcome"] != LOST:
            return _to_charge(known)
        if (behaviour.refuses or behaviour.loses_request) and not known:
            self._remember(payment.payment_id, {"outcome": LOST})
            raise RequestNotTaken if behaviour.refuses else OutcomeUnknown
        self._wait(behaviour.slow_seconds, deadline)
        outcome: dict[str, Any] = {
            "outcome": "declined" if behaviour.decline_code else "succeeded",
            "reference": f"ch_{payment.payment_id.removeprefix('pay_')}",
            "order_id": payment.order_id,
            "amount": payment.money.amount,
            "currency": payment.money.currency,
            "refundable": payment.money.amount,
            "charged_at": format_time(self._clock()),
        }
        if behaviour.decline_code:
            outcome["decline_code"] = behaviour.decline_code
        charged = self._remember(payment.payment_id, outcome)
        if charged["outcome"] == PREVENTED:
            raise RequestRefused
        if behaviour.loses_answer:
            raise OutcomeUnknown
        return _to_charge(charged)

    def _wait(self, seconds: float, deadline: Deadline) -> None:
        if seconds and seconds >= deadline():
            self._sleep(max(0, deadline()))
            raise OutcomeUnknown
        self._sleep(seconds)

    def _refund(self, refund: Refund, *, fails: bool) -> GatewayRefund:
        """Charge and refund in one transaction: never more than the charge, and once for a refund id."""
        known = self._find(refund.refund_id)
        if known:
            return _to_refund(known)
        outcome = {
            "payment_id": refund.refund_id,
            "outcome": "failed" if fails else "succeeded",
            "reference": f"re_{refund.refund_id.removeprefix('ref_')}",
            "amount": refund.money.amount,
        }
        put = {
            "Put": {
                "TableName": self._table,
                "Item": to_wire(outcome),
                "ConditionExpression": "attribute_not_exists(payment_id)",
            }
        }
        take = {
            "Update": {
                "TableName": self._table,
                "Key": to_wire({"payment_id": refund.payment_id}),
                "UpdateExpression": "SET refundable = refundable - :amount",
                "ConditionExpression": "outcome = :succeeded AND currency = :currency AND refundable >= :amount",
                "ExpressionAttributeValues": to_wire(
                    {":amount": refund.money.amount, ":succeeded": "succeeded", ":currency": refund.money.currency}
                ),
            }
        }
        try:
            self._client.transact_write_items(TransactItems=[put] if fails else [put, take])  # type: ignore[list-item]
        except self._client.exceptions.TransactionCanceledException as error:
            codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            known = self._find(refund.refund_id)
            if known:
                # Another request has made it meanwhile.
                return _to_refund(known)
            if codes == ["None", "ConditionalCheckFailed"]:
                return GatewayRefund(None, RefundOutcome.FAILED, "exceeds_charge")
            raise OutcomeUnknown from error
        return _to_refund(outcome)

    def _find(self, key: str) -> Mapping[str, Any] | None:
        found = self._client.get_item(TableName=self._table, Key=to_wire({"payment_id": key}), ConsistentRead=True)
        return from_wire(found["Item"]) if "Item" in found else None

    def _remember(self, payment_id: str, outcome: Mapping[str, Any]) -> Mapping[str, Any]:
        """The outcome that stands for a payment: this one, or the one that came first."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_wire({"payment_id": payment_id, **outcome}),
                # A charge is made once; a request that was lost leaves room for it.
                ConditionExpression="attribute_not_exists(payment_id) OR outcome = :lost",
                ExpressionAttributeValues=to_wire({":lost": LOST}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as first:
            return from_wire(cast("dict[str, Any]", first.response)["Item"])
        return {"payment_id": payment_id, **outcome}


def _to_charge(item: Mapping[str, Any]) -> Charge:
    succeeded = item["outcome"] == "succeeded"
    return Charge(
        payment_id=item["payment_id"],
        reference=item["reference"],
        status=ChargeStatus.SUCCEEDED if succeeded else ChargeStatus.DECLINED,
        money=Money(item["amount"], item["currency"]),
        decline_code=item.get("decline_code"),
        refunded_amount=item["amount"] - item["refundable"] if succeeded else 0,
    )


def _to_refund(item: Mapping[str, Any]) -> GatewayRefund:
    if item["outcome"] == "succeeded":
        return GatewayRefund(item["reference"], RefundOutcome.SUCCEEDED)
    return GatewayRefund(item["reference"], RefundOutcome.FAILED, "refused_by_bank")
