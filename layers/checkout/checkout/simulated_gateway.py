"""A payment gateway that charges nobody, for development, demonstrations and tests (FR-028).

Its state is in a table, key payment_id, so that any number of processes see the same charges. As a real gateway does,
it keeps the first answer to an idempotency key, here the payment id, and gives it again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from checkout.clock import Clock, Deadline, format_time
from checkout.dynamodb import from_wire, to_wire
from checkout.errors import InvalidToken
from checkout.gateway import Charge, ChargeUnknown, NotCharged
from checkout.money import Money

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["TOKENS", "Behaviour", "SimulatedGateway"]


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

LOST = "lost"


class SimulatedGateway:
    """Its table has two kinds of item: a request that was lost or refused, and a charge with its outcome."""

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

    def charge(self, payment_id: str, order_id: str, money: Money, token: str, deadline: Deadline) -> Charge:
        self.check_token(token)
        behaviour = TOKENS[token]
        try:
            return self._charge(payment_id, order_id, money, behaviour, deadline)
        except (BotoCoreError, ClientError) as error:
            raise ChargeUnknown from error

    def _charge(self, payment_id: str, order_id: str, money: Money, behaviour: Behaviour, deadline: Deadline) -> Charge:
        known = self._find(payment_id)
        if known and known["outcome"] != LOST:
            return _to_charge(known)
        if (behaviour.refuses or behaviour.loses_request) and not known:
            self._remember(payment_id, {"outcome": LOST})
            raise NotCharged if behaviour.refuses else ChargeUnknown
        if behaviour.slow_seconds >= deadline():
            self._sleep(max(0, deadline()))
            raise ChargeUnknown
        self._sleep(behaviour.slow_seconds)
        outcome = {
            "outcome": "declined" if behaviour.decline_code else "succeeded",
            "reference": f"ch_{payment_id.removeprefix('pay_')}",
            "order_id": order_id,
            "amount": money.amount,
            "currency": money.currency,
            "charged_at": format_time(self._clock()),
        }
        if behaviour.decline_code:
            outcome["decline_code"] = behaviour.decline_code
        charged = self._remember(payment_id, outcome)
        if behaviour.loses_answer:
            raise ChargeUnknown
        return _to_charge(charged)

    def _find(self, payment_id: str) -> Mapping[str, Any] | None:
        key = to_wire({"payment_id": payment_id})
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
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
        return outcome


def _to_charge(outcome: Mapping[str, Any]) -> Charge:
    return Charge(outcome["reference"], outcome.get("decline_code"))
