"""What clients, staff, the gateway and the schedule ask of the checkout, and the states in which they ask it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from checkout.jobs import JobFailed
from checkout.simulated_gateway import Call, Fault
from tests.exploration.world import World
from tests.integration.conftest import Answer

__all__ = ["REQUESTS", "STATES", "Client", "Request"]

PARTS = 1000
"""More than half of the order, and less than all: two refunds of as much exceed it."""

WRONG = 99
"""What the gateway charges by mistake."""

DUE = timedelta(minutes=2)
IN_PROGRESS = "idempotency_in_progress"


@dataclass(frozen=True)
class Request:
    """A request, by its name; `kind` is its operation, `key` its idempotency key where it has one."""

    name: str
    kind: str
    send: Callable[[World], Answer | None]
    key: str | None = None


@dataclass
class Client:
    """Whoever sends a request, until it has an answer that is one."""

    request: Request
    answers: list[Answer] = field(default_factory=list)
    last: Answer | None = None
    """What came of the last time that it was sent."""

    def send(self, world: World) -> None:
        self.last = None
        # What a run of a schedule ends with is in its log.
        with suppress(JobFailed):
            self.last = self.request.send(world)
        if self.last:
            self.answers.append(self.last)

    @property
    def has_outcome(self) -> bool:
        """Neither silence, nor a fault, nor an answer that says to come back; a schedule comes again by itself."""
        if self.request.kind == "settle":
            return True
        answer = self.last
        return answer is not None and answer.status < 500 and answer.status != 202 and answer.code != IN_PROGRESS


def make_pay(name: str, key: str, token: str = "tok_visa") -> Request:
    return Request(name, "pay", lambda world: world.pay(world.order, token, key=key), key)


def create(world: World) -> Answer:
    return world.call("create_order", {"items": [{"product_id": "mug", "quantity": 1}]}, key="create")


def settle(world: World) -> None:
    world.run("settle_payments")


REQUESTS = [
    Request("create", "create", create, "create"),
    make_pay("pay", "key"),
    make_pay("pay other key", "other"),
    make_pay("pay declined", "declined", "tok_chargeDeclined"),
    make_pay("pay answer lost", "lost", "tok_timeoutAfterCharge"),
    make_pay("pay again", "setup"),
    Request("mark paid", "mark_paid", lambda world: world.mark_paid(world.order, world.payment_id)),
    Request("cancel", "cancel", lambda world: world.cancel(world.order)),
    Request("fulfil", "fulfil", lambda world: world.fulfil(world.order)),
    Request("refund", "refund", lambda world: world.refund(world.order, PARTS, key="refund"), "refund"),
    Request("refund other", "refund", lambda world: world.refund(world.order, PARTS, key="other"), "other"),
    Request("refund all", "refund", lambda world: world.refund(world.order, key="all"), "all"),
    Request("settle", "settle", settle),
    Request("event", "event", lambda world: world.send_event(1)),
]


def make_created(world: World) -> None:
    world.order = world.create_order()


def make_full(world: World) -> None:
    """As many payments of the hour have begun as may be declined: of other orders, one paid, one declined, and two of
    which nobody knows yet that the one was declined and the other was not. Those that were not began while the hour
    was not half full, and stay in it."""
    world.buy()
    for token in ("tok_visa", "tok_chargeDeclined"):
        world.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
        assert world.pay(world.create_order(), token).status == 202
    assert world.pay(world.create_order(), "tok_chargeDeclined").status == 402
    make_created(world)
    world.wait(DUE)


def make_charged(world: World) -> None:
    make_created(world)
    assert world.pay(world.order, key="setup").status == 201
    world.wait(DUE)


def make_paid(world: World) -> None:
    make_charged(world)
    assert world.mark_paid(world.order, world.payment_id).status == 200


def make_unknown(world: World) -> None:
    """Charged, and nobody knows."""
    make_created(world)
    world.break_gateway(Call.CHARGE, Fault.ANSWER_LOST)
    assert world.pay(world.order, key="setup").status == 202
    world.wait(DUE)


def make_lost(world: World) -> None:
    """Not charged, and nobody knows."""
    make_created(world)
    world.break_gateway(Call.CHARGE, Fault.REQUEST_LOST)
    assert world.pay(world.order, key="setup").status == 202
    world.wait(DUE)


def make_refunding(world: World) -> None:
    """A refund was started, and never reached the gateway."""
    make_paid(world)
    world.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    assert world.refund(world.order, PARTS, key="refund").status == 202
    world.wait(DUE)


def make_wrong(world: World) -> None:
    """Charged, another amount, and nobody knows."""
    make_unknown(world)
    world.change_charge(amount=WRONG, refundable=WRONG)


def make_foreign(world: World) -> None:
    """Charged, in another currency, and nobody knows."""
    make_unknown(world)
    world.change_charge(currency="eur")


def make_partly(world: World) -> None:
    """Charged, some of it refunded at the gateway itself, and nobody knows."""
    make_unknown(world)
    world.change_charge(refundable=PARTS)


def make_returning(world: World) -> None:
    """A wrong charge was found, and its refund never reached the gateway."""
    make_wrong(world)
    world.break_gateway(Call.REFUND, Fault.REQUEST_LOST)
    world.run("settle_payments")
    [payment] = world.payment_items(world.order)
    assert payment["status"] == "refunding"
    world.wait(DUE)


def make_returned(world: World) -> None:
    """A wrong charge was returned; the order can be paid again."""
    make_wrong(world)
    world.run("settle_payments")
    [payment] = world.payment_items(world.order)
    assert payment["status"] == "refunded"


def make_late(world: World) -> None:
    """A charge of a payment that was put down as not made came to light once it had been refunded at the gateway."""
    make_created(world)
    world.break_gateway(Call.CHARGE, Fault.REFUSED)
    assert world.pay(world.order, key="setup").status == 503
    world.make_charge(refundable=0)
    assert world.send_event(2).status == 200
    [payment] = world.payment_items(world.order)
    assert payment["status"] == "refunded"


STATES: Mapping[str, Callable[[World], None]] = {
    "created": make_created,
    "full": make_full,
    "charged": make_charged,
    "paid": make_paid,
    "unknown": make_unknown,
    "lost": make_lost,
    "refunding": make_refunding,
    "wrong": make_wrong,
    "foreign": make_foreign,
    "partly": make_partly,
    "returning": make_returning,
    "returned": make_returned,
    "late": make_late,
}
"""What the order has been through before, by name."""
