"""A gateway that is left alone for a while when it fails again and again (FR-226).

Powertools keeps the circuit, its state in a table, so that all functions learn what one of them found; each reads it at
most every 5 s, together with the order where it pays. A fault of the table keeps nobody from the gateway: where the
state cannot be read the circuit is taken for closed, and where it cannot be written down who tries the gateway again,
whoever asks does.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerConfig, CircuitState, circuit_breaker
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerDynamoDBPersistence
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord

from checkout.clock import Clock, Deadline
from checkout.dynamodb import Found, Item, ReadItems, to_wire
from checkout.errors import CheckoutError, GatewayUnavailable
from checkout.gateway import (
    Charge,
    Gateway,
    GatewayRefund,
    OutcomeUndecided,
    OutOfTime,
    RequestNotTaken,
    RequestRefused,
)
from checkout.payments import Payment
from checkout.refunds import Refund

__all__ = ["CircuitGateway", "CircuitStates"]

logger = logging.getLogger(__name__)

CIRCUIT = "payment_gateway"
OPEN_SECONDS = 30

Answer = TypeVar("Answer")


class CircuitStates(CircuitBreakerDynamoDBPersistence):
    """The states of circuits in a table."""

    def read_along(self, read: ReadItems) -> ReadItems:
        """The read, with the gateway's circuit in the same call where its state is not known."""

        def read_with_circuit(
            keys: Mapping[str, Sequence[Item]], deadline: Deadline, *, eventual: Collection[str] = ()
        ) -> Found:
            if self._retrieve_from_cache(CIRCUIT):
                return read(keys, deadline, eventual=eventual)
            wanted = {**keys, self.table_name: [{self.key_attr: CIRCUIT}]}
            try:
                found = read(wanted, deadline, eventual=(*eventual, self.table_name))
            except Exception as fault:
                # Whatever it is: without the circuit it is told again, or was the circuit's alone.
                logger.warning("circuit not read: %s", type(fault).__name__)
                return read(keys, deadline, eventual=eventual)
            records = [self._item_to_record(to_wire(item)) for item in found.pop(self.table_name)]
            self._save_to_cache(records[0] if records else CircuitStateRecord(CIRCUIT, CircuitState.CLOSED))
            return found

        return read_with_circuit

    def try_acquire_half_open(self, name: str, owner: str, opened_at: int) -> bool:
        """False only where another one tries the gateway: of these writes alone Powertools raises the faults."""
        try:
            return super().try_acquire_half_open(name, owner, opened_at)
        except Exception:
            return True


class CircuitGateway:
    """A gateway, asked only while its circuit is closed; `failures` in a row open it, one success closes it again."""

    def __init__(self, gateway: Gateway, states: CircuitStates, *, failures: int, clock: Clock) -> None:
        self._gateway = gateway
        self._states = states
        self._clock = clock
        config = CircuitBreakerConfig(
            failure_threshold=failures,
            recovery_timeout=OPEN_SECONDS,
            success_threshold=1,
            # Of the gateway it says nothing, neither that it fails nor that it is there.
            ignored_exceptions=OutOfTime,
        )
        self._states.configure(config, CIRCUIT)
        self._guard = circuit_breaker(name=CIRCUIT, persistence_store=states, config=config)

    def check_token(self, token: str) -> None:
        """Raises GatewayUnavailable too while the circuit is open, or one tries it: before anything is written."""
        self._gateway.check_token(token)
        state, now = self._states.get_state(CIRCUIT), self._clock().timestamp()
        is_left_alone = state.state is CircuitState.OPEN and now < (state.opened_at or 0) + OPEN_SECONDS
        is_being_tried = state.state is CircuitState.HALF_OPEN and now < (state.probe_lease_expiry or 0)
        if is_left_alone or is_being_tried:
            raise GatewayUnavailable

    def charge(self, payment: Payment, token: str, deadline: Deadline) -> Charge:
        return self._ask(lambda: self._gateway.charge(payment, token, deadline))

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        return self._ask(lambda: self._gateway.find_charge(payment, deadline))

    def prevent_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        return self._ask(lambda: self._gateway.prevent_charge(payment, deadline))

    def refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund:
        return self._ask(lambda: self._gateway.refund(refund, payment, deadline))

    def find_refunds(
        self, refunds: Sequence[Refund], payment: Payment, deadline: Deadline
    ) -> Mapping[str, GatewayRefund]:
        return self._ask(lambda: self._gateway.find_refunds(refunds, payment, deadline))

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        yield from self._ask(lambda: list(self._gateway.list_charges(since, until, deadline)))

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """Raises RequestNotTaken where the circuit is open."""

        def listen() -> Answer | _Refusal:
            try:
                return call()
            except (RequestRefused, OutcomeUndecided, CheckoutError) as refusal:
                # Who refuses, or has not decided, is there: that must not close the shop, and opens it again.
                return _Refusal(refusal.with_traceback(None))

        try:
            answer: Answer | _Refusal = self._guard(listen)()
        except CircuitBreakerOpenError as refusal:
            raise RequestNotTaken from refusal
        if isinstance(answer, _Refusal):
            try:
                raise answer.error
            finally:
                # Else a frame and its error keep each other, and the request.
                del answer
        return answer


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer of the gateway that is raised, past the circuit."""

    error: Exception
