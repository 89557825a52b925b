"""The real handlers on a store in memory, with a gateway beside it; every call stops for its turn and can go wrong.

One world holds one order, in one of a few states that it is put back to before each run. Time stands still while
requests are under way, and goes on when somebody waits.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Any
from unittest.mock import MagicMock, patch

import time_machine
from aws_lambda_powertools.utilities.circuit_breaker import base as circuit_breaker_base
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerPersistenceLayer
from botocore.exceptions import ReadTimeoutError

from checkout import metrics, wiring
from checkout.clock import Deadline
from checkout.dynamodb import BatchRead, Transaction, from_wire, to_wire
from checkout.gateway import Charge, ChargeStatus, GatewayRefund, OutcomeUnknown, RequestNotTaken
from checkout.identifiers import payment_id_of
from checkout.payments import Payment
from checkout.refunds import Refund
from checkout.seen_keys import SeenKeys
from checkout.simulated_gateway import LOST, Fault, SimulatedGateway
from checkout.simulated_gateway import Call as GatewayCall
from local.tables import PRODUCTS
from local.template import read_template
from tests.exploration.memory_store import MemoryStore, Snapshot, Table, make_answer
from tests.exploration.schedules import Call, Scheduler, Step
from tests.integration.conftest import Answer, Checkout, Context, forget_clients, set_environment
from tests.stripe_stub import make_event, sign

__all__ = [
    "GATEWAY_TABLE",
    "HOURLY_DECLINES",
    "STALE_TABLES",
    "GatewayFault",
    "StoreFault",
    "WatchedGateway",
    "World",
    "faults_of",
    "open_world",
]

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
WEBHOOK_SECRET = "whsec_explored"
GATEWAY_TABLE = "SimulatedGatewayTable"
HOURLY_DECLINES = 4


class StoreFault(StrEnum):
    """What can go wrong with a call of DynamoDB, with all the SDK's tries counted."""

    DIES_BEFORE = "dies_before"
    DIES_AFTER = "dies_after"
    FAILS = "fails"
    TIMES_OUT = "times_out"
    TIMES_OUT_AFTER = "times_out_after"
    THROTTLED = "throttled"
    CONFLICTS = "conflicts"
    ASKED_AGAIN = "asked_again"  # the answer was lost, and the SDK got one to its second try
    STALE = "stale"  # what need not be read consistently is told as it was before its last write, all of it


class GatewayFault(StrEnum):
    """What can go wrong with a call of the gateway, and what it can answer that is not what was hoped for."""

    DIES_BEFORE = "dies_before"
    DIES_AFTER = "dies_after"
    NOT_TAKEN = "not_taken"
    REQUEST_LOST = "request_lost"
    ANSWER_LOST = "answer_lost"
    WAITS = "waits"  # for the customer, who acts before the charge is asked for again, or never
    REFUND_FAILED = "refund_failed"


READ_FAULTS = (StoreFault.DIES_BEFORE, StoreFault.FAILS, StoreFault.TIMES_OUT, StoreFault.THROTTLED)
WRITE_FAULTS = tuple(fault for fault in StoreFault if fault is not StoreFault.STALE)
FAULTS_OF_ONE_CALL = {GatewayFault.WAITS: "gateway charge", GatewayFault.REFUND_FAILED: "gateway refund"}


STALE_TABLES = {f"stale_{table}": table for table in read_template().tables}
"""The same of one table, by the fault's name."""


def faults_of(step: Step) -> tuple[str, ...]:
    """What can go wrong with the call of a step. A stale answer does where it is another: to a read that is not
    consistent, of what was written since."""
    call = step.call
    if call.name.startswith("gateway "):
        return tuple(fault for fault in GatewayFault if FAULTS_OF_ONE_CALL.get(fault, call.name) == call.name)
    if call.writes:
        return WRITE_FAULTS
    return (*READ_FAULTS, *step.stale)


@dataclass(frozen=True)
class State:
    """What a world is put back to."""

    items: Snapshot
    order: dict[str, Any]
    waited: timedelta
    made: Mapping[int | None, int]


class World(Checkout):
    """A checkout whose store is in memory. `reach` stops for its turn, and says what is to go wrong."""

    def __init__(self, store: MemoryStore, scheduler: Scheduler, clock: time_machine.Traveller) -> None:
        super().__init__(wiring.dynamodb_client())
        self.store = store
        self.scheduler = scheduler
        self.order: dict[str, Any] = {}
        self._clock = clock
        self._made: dict[int | None, int] = {}
        self._runs = 0

    def save(self) -> State:
        return State(self.store.take_snapshot(), self.order, self.waited, dict(self._made))

    def restore(self, state: State) -> None:
        self.store.restore(state.items)
        self.order, self.waited = state.order, state.waited
        self._clock.move_to(START + self.waited)
        self._made = dict(state.made)
        self._runs += 1
        circuit_breaker_base._LOCAL_FAILURES.clear()

    def wait(self, time: timedelta) -> None:
        super().wait(time)
        self._clock.move_to(START + self.waited)

    def read_clock(self) -> datetime:
        return datetime.now(UTC)

    def make_context(self, seconds: float) -> Context:
        """However long this machine takes, a request has all of its time."""
        return Context(seconds, read_seconds=time.time)

    def scan(self, table: str) -> list[dict[str, Any]]:
        return [from_wire(item) for item in self.store.scan(table)]

    def make_randomness(self, size: int) -> bytes:
        """Of its own for each task, whatever the others do: the same request makes the same ids in every schedule."""
        task = self.scheduler.task
        self._made[task] = self._made.get(task, 0) + 1
        return (((0 if task is None else task + 1) << 32) | self._made[task]).to_bytes(size, "big")

    def name_in_memory(self, name: str) -> str:
        """Each task is a process that has just started: what another has read of a circuit it does not know, nor which
        keys another has met."""
        return f"{name} {self._runs} {self.scheduler.task}"

    @property
    def payment_id(self) -> str:
        """Of the order's first attempt, made or not."""
        return payment_id_of(self.order["id"], 1)

    def change_charge(self, **changed: Any) -> None:
        """The gateway's charge for the first payment is otherwise: of another amount or currency; or some of it is no
        longer `refundable`, for somebody has refunded it at the gateway itself."""
        [charge] = self.charges(self.order)
        self._put_at_gateway({**charge, **changed})

    def make_charge(self, **changed: Any) -> None:
        """The gateway charges the order's first payment, and tells nobody."""
        [payment] = self.payment_items(self.order)
        asked = {name: payment[name] for name in ("payment_id", "order_id", "amount", "currency")}
        made = {"outcome": "succeeded", "reference": "ch_late", "charged_at": payment["created_at"]}
        self._put_at_gateway({**asked, **made, **changed})

    def begin_charge(self, payment: Payment) -> bool:
        """The gateway waits for the customer from now on; unless it knows what became of the charge."""
        known = {item["payment_id"]: item["outcome"] for item in self.scan(GATEWAY_TABLE) if "outcome" in item}
        if known.get(payment.payment_id, LOST) != LOST:
            return False
        self._put_at_gateway({"payment_id": payment.payment_id, "outcome": LOST, "waits": True})
        return True

    def list_waiting(self) -> list[str]:
        """The payments whose charge the gateway has begun, and neither made nor prevented."""
        return [item["payment_id"] for item in self.scan(GATEWAY_TABLE) if "waits" in item]

    def _put_at_gateway(self, item: Mapping[str, Any]) -> None:
        self.store.answer("PutItem", {"TableName": GATEWAY_TABLE, "Item": to_wire(item)})

    def send_event(self, number: int) -> Answer:
        """An event of the gateway's about the first payment."""
        subject = {"object": "payment_intent", "metadata": {"payment_id": self.payment_id}}
        payload = make_event(number, "payment_intent.succeeded", subject)
        event = {
            "headers": {"stripe-signature": sign(payload, WEBHOOK_SECRET, at=self.read_clock())},
            "requestContext": {"requestId": "event"},
            "body": payload.decode(),
        }
        return self.invoke("receive_stripe_event", event)


class Calls:
    """The functions' calls of DynamoDB: each stops for its turn, and is answered by the store or by a fault."""

    def __init__(self, store: MemoryStore, scheduler: Scheduler) -> None:
        self._store = store
        self._scheduler = scheduler

    def answer_for(self, client: Any) -> None:
        """Nothing is sent: what botocore does to send a request, and to read its answer, took a third of the time."""

        def call(operation: str, params: dict[str, Any]) -> dict[str, Any]:
            http, answer = self._answer(operation, params)
            if http.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                raise client.exceptions.from_code(answer["Error"]["Code"])(answer, operation)
            return answer

        client._make_api_call = call

    def _answer(self, operation: str, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if self._is_gateways(params):
            # The gateway's calls are watched as a whole.
            return self._store.respond(operation, params)
        fault = self._scheduler.reach(describe(self._store.tables, operation, params))
        if fault:
            return self._fail(fault, operation, params)
        answer = self._store.respond(operation, params)
        if self._scheduler.task is not None:
            stale = self._list_stale(params) if operation == "BatchGetItem" else {}
            self._scheduler.tell(answer[1].get("Error", {}).get("Code", "ok"), stale=stale)
        return answer

    def _list_stale(self, params: Mapping[str, Any]) -> dict[str, str]:
        """The answers that are stale in all that may be, or in one table, by the fault: each that is another once."""
        asked = params["RequestItems"]
        faults = {StoreFault.STALE: list(asked)} | {f"stale_{table}": [table] for table in asked}
        told = {"": self._store.respond("BatchGetItem", params)[1]}
        for fault, tables in faults.items():
            stale = self._store.respond_stale("BatchGetItem", params, tables=tables)[1]
            if stale not in told.values():
                told[fault] = stale
        return {fault: json.dumps(stale, sort_keys=True) for fault, stale in told.items() if fault}

    def _is_gateways(self, params: Mapping[str, Any]) -> bool:
        actions = [action for each in params.get("TransactItems", []) for action in each.values()] or [params]
        return any(action.get("TableName") == GATEWAY_TABLE for action in actions)

    def _fail(self, name: str, operation: str, params: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        if name in STALE_TABLES:
            return self._store.respond_stale(operation, params, tables=[STALE_TABLES[name]])
        fault = StoreFault(name)
        if fault is StoreFault.STALE:
            return self._store.respond_stale(operation, params)
        if fault in {StoreFault.DIES_AFTER, StoreFault.TIMES_OUT_AFTER, StoreFault.ASKED_AGAIN}:
            answer = self._store.respond(operation, params)
        if fault is StoreFault.ASKED_AGAIN:
            # A transaction carries the SDK's own token, by which DynamoDB knows it again.
            return answer if operation == "TransactWriteItems" else self._store.respond(operation, params)
        if fault in {StoreFault.DIES_BEFORE, StoreFault.DIES_AFTER}:
            self._scheduler.interrupt()
        if fault in {StoreFault.TIMES_OUT, StoreFault.TIMES_OUT_AFTER}:
            raise ReadTimeoutError(endpoint_url="memory")
        if fault is StoreFault.FAILS:
            return make_answer(500, {"Error": {"Code": "InternalServerError", "Message": ""}})
        if operation != "TransactWriteItems":
            code = {
                StoreFault.THROTTLED: "ProvisionedThroughputExceededException",
                StoreFault.CONFLICTS: "TransactionConflictException",
            }[fault]
            return make_answer(400, {"Error": {"Code": code, "Message": ""}})
        reason = {StoreFault.THROTTLED: "ThrottlingError", StoreFault.CONFLICTS: "TransactionConflict"}[fault]
        error = {"Code": "TransactionCanceledException", "Message": ""}
        return make_answer(400, {"Error": error, "CancellationReasons": [{"Code": reason}, {"Code": "None"}]})


def describe(tables: Mapping[str, Table], operation: str, params: Mapping[str, Any]) -> Call:
    """What a call of DynamoDB reads and writes."""
    if operation == "TransactWriteItems":
        actions = [next(iter(action.items())) for action in params["TransactItems"]]
        written = frozenset(
            (action["TableName"], tables[action["TableName"]].key_of(action["Item" if kind == "Put" else "Key"]))
            for kind, action in actions
        )
        return Call(f"TransactWriteItems {' '.join(sorted({table for table, _ in written}))}", writes=written)
    if operation == "BatchGetItem":
        asked = params["RequestItems"]
        read = frozenset((name, tables[name].key_of(key)) for name in asked for key in asked[name]["Keys"])
        return Call(f"BatchGetItem {' '.join(asked)}", reads=read)
    table = params["TableName"]
    name = f"{operation} {table}"
    if operation in {"Query", "Scan"}:
        return Call(name, reads=frozenset({(table, None)}))
    resource = frozenset({(table, tables[table].key_of(params["Item" if operation == "PutItem" else "Key"]))})
    return Call(name, reads=resource) if operation == "GetItem" else Call(name, writes=resource)


class WatchedGateway:
    """A gateway each of whose calls stops for its turn, and takes effect at once or not at all.

    A charge that waits for its customer is pending until it is asked for again, when they have acted, or prevented.
    """

    def __init__(self, gateway: SimulatedGateway, world: World) -> None:
        self._gateway = gateway
        self._world = world

    def check_token(self, token: str) -> None:
        self._gateway.check_token(token)

    def charge(self, payment: Payment, token: str, deadline: Deadline) -> Charge:
        return self._ask("charge", payment, lambda: self._gateway.charge(payment, token, deadline))

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        def find() -> Charge | None:
            if payment.payment_id in self._world.list_waiting():
                return make_waiting_charge(payment)
            return self._gateway.find_charge(payment, deadline)

        return self._ask("find_charge", payment, find, reads=True)

    def prevent_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        return self._ask("prevent_charge", payment, lambda: self._gateway.prevent_charge(payment, deadline))

    def refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund:
        return self._ask("refund", payment, lambda: self._gateway.refund(refund, payment, deadline))

    def find_refunds(
        self, refunds: Sequence[Refund], payment: Payment, deadline: Deadline
    ) -> Mapping[str, GatewayRefund]:
        find = partial(self._gateway.find_refunds, refunds, payment, deadline)
        return self._ask("find_refunds", payment, find, reads=True)

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        return self._gateway.list_charges(since, until, deadline)

    def _ask(self, name: str, payment: Payment, call: Callable[[], Any], *, reads: bool = False) -> Any:
        touched = frozenset({("gateway", payment.payment_id)})
        asked = Call(f"gateway {name}", reads=touched) if reads else Call(f"gateway {name}", writes=touched)
        scheduler = self._world.scheduler
        fault = scheduler.reach(asked)
        if fault == GatewayFault.DIES_BEFORE:
            scheduler.interrupt()
        if fault == GatewayFault.NOT_TAKEN:
            raise RequestNotTaken
        if fault == GatewayFault.REQUEST_LOST:
            raise OutcomeUnknown
        if fault == GatewayFault.WAITS and self._world.begin_charge(payment):
            return make_waiting_charge(payment)
        if fault == GatewayFault.REFUND_FAILED:
            self._world.break_gateway(GatewayCall.REFUND, Fault.REFUND_FAILED)
        try:
            answer = call()
        except Exception as refusal:
            scheduler.tell(type(refusal).__name__)
            raise
        scheduler.tell("nothing" if answer is None else name_outcome(answer))
        if fault == GatewayFault.DIES_AFTER:
            scheduler.interrupt()
        if fault == GatewayFault.ANSWER_LOST:
            raise OutcomeUnknown
        return answer


def make_waiting_charge(payment: Payment) -> Charge:
    return Charge(
        payment_id=payment.payment_id,
        reference=f"ch_{payment.payment_id.removeprefix('pay_')}",
        status=ChargeStatus.PENDING,
        money=payment.money,
        next_action={"type": "use_stripe_sdk", "client_secret": "secret"},
    )


def name_outcome(answer: Charge | GatewayRefund | Mapping[str, GatewayRefund]) -> str:
    if isinstance(answer, Mapping):
        return " ".join(refund.outcome for refund in answer.values())
    return answer.status if isinstance(answer, Charge) else answer.outcome


class MiddleOfTheRoad:
    """In place of chance."""

    def random(self) -> float:
        return 0.5


@contextmanager
def open_world(store: MemoryStore | None = None) -> Iterator[World]:
    """One at a time in a process."""
    with ExitStack() as stack:
        # What one process remembers of the catalogue, another does not know.
        parameters = {"SettleAfterSeconds": "60", "CatalogueSeconds": "0", "MaxHourlyDeclines": str(HOURLY_DECLINES)}
        stack.enter_context(set_environment(**parameters))
        stack.enter_context(patch.object(metrics, "single_metric", MagicMock()))
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        forget_clients()
        stack.callback(forget_clients)
        clock = stack.enter_context(time_machine.travel(START, tick=False))
        scheduler, store = Scheduler(), store or MemoryStore(read_template().tables)

        def do_not_wait(_: float) -> None:
            """The others have their turns anyway."""

        def make_gateway() -> WatchedGateway:
            gateway = SimulatedGateway(
                wiring.dynamodb_client(), table=GATEWAY_TABLE, clock=wiring.read_utc_clock, sleep=do_not_wait
            )
            return WatchedGateway(gateway, world)

        for name, stand_in in {
            "SystemRandom": MiddleOfTheRoad,
            "Transaction": partial(Transaction, sleep=do_not_wait),
            "BatchRead": partial(BatchRead, sleep=do_not_wait),
            "_chosen_gateway": make_gateway,
            "stripe_webhook_secrets": lambda: [WEBHOOK_SECRET],
        }.items():
            stack.enter_context(patch.object(wiring, name, stand_in))
        Calls(store, scheduler).answer_for(wiring.dynamodb_client())
        world = World(store, scheduler, clock)
        stack.enter_context(patch.object(CircuitBreakerPersistenceLayer, "_cache_key", world.name_in_memory))
        note, find = SeenKeys.note, SeenKeys.find

        def note_here(seen: SeenKeys, key_id: str, made_id: str = "") -> None:
            note(seen, world.name_in_memory(key_id), made_id)

        stack.enter_context(patch.object(SeenKeys, "note", note_here))
        stack.enter_context(patch.object(SeenKeys, "find", lambda seen, key: find(seen, world.name_in_memory(key))))
        with patch.object(os, "urandom", world.make_randomness):
            wiring.order_service()
        for product in json.loads(PRODUCTS.read_text()):
            store.answer("PutItem", {"TableName": "ProductsTable", "Item": to_wire(product)})
        yield world
