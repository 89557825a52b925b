"""A gateway that is left alone for a while when it fails again and again (FR-226).

Powertools keeps the circuit, its state in a table, so that all functions learn what one of them found; each reads it at
most every 5 s. Where the state cannot be read the circuit is taken for closed.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerConfig, CircuitState, circuit_breaker
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerPersistenceLayer

from checkout.clock import Clock, Deadline
from checkout.errors import CheckoutError, GatewayUnavailable
from checkout.gateway import Charge, Gateway, GatewayRefund, OutcomeUndecided, RequestNotTaken, RequestRefused
from checkout.payments import Payment
from checkout.refunds import Refund

__all__ = ["CircuitGateway"]

CIRCUIT = "payment_gateway"
OPEN_SECONDS = 30

Answer = TypeVar("Answer")


class CircuitGateway:
    """A gateway, asked only while its circuit is closed; `failures` in a row open it, one success closes it again."""

    def __init__(
        self, gateway: Gateway, states: CircuitBreakerPersistenceLayer, *, failures: int, clock: Clock
    ) -> None:
        self._gateway = gateway
        self._states = states
        self._clock = clock
        config = CircuitBreakerConfig(
            failure_threshold=failures,
            recovery_timeout=OPEN_SECONDS,
            success_threshold=1,
            # What the gateway refuses, or has not decided, says that it is there: neither must close the shop.
            ignored_exceptions=(RequestRefused, OutcomeUndecided, CheckoutError),
        )
        self._states.configure(config, CIRCUIT)
        self._guard = circuit_breaker(name=CIRCUIT, persistence_store=states, config=config)

    def check_token(self, token: str) -> None:
        """Raises GatewayUnavailable too, while the circuit is open: before anything is written."""
        self._gateway.check_token(token)
        state = self._states.get_state(CIRCUIT)
        may_be_tried_at = (state.opened_at or 0) + OPEN_SECONDS
        if state.state is CircuitState.OPEN and self._clock().timestamp() < may_be_tried_at:
            raise GatewayUnavailable

    def charge(self, payment: Payment, token: str, deadline: Deadline) -> Charge:
        return self._ask(lambda: self._gateway.charge(payment, token, deadline))

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        return self._ask(lambda: self._gateway.find_charge(payment, deadline))

    def prevent_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        return self._ask(lambda: self._gateway.prevent_charge(payment, deadline))

    def refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund:
        return self._ask(lambda: self._gateway.refund(refund, payment, deadline))

    def find_refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund | None:
        return self._ask(lambda: self._gateway.find_refund(refund, payment, deadline))

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        yield from self._ask(lambda: list(self._gateway.list_charges(since, until, deadline)))

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """Raises RequestNotTaken where the circuit is open."""
        try:
            answer: Answer = self._guard(call)()
        except CircuitBreakerOpenError as refusal:
            raise RequestNotTaken from refusal
        return answer
