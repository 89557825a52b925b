"""What holds whatever happened, once clients have come back or have not and nothing is left to be settled."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from checkout.audit import AuditEntry, AuditHead, find_misfit
from tests.exploration.requests import Client
from tests.exploration.trail import Replay
from tests.exploration.world import GATEWAY_TABLE, HOURLY_DECLINES, World
from tests.integration.conftest import Answer
from tests.keys import hash_key

__all__ = [
    "bring_to_rest",
    "check_books",
    "check_order",
    "check_rest",
    "check_trail",
    "find_violations",
    "find_wrong_money",
]

ROUNDS = 4
RETRY_AFTER = timedelta(seconds=40)
"""Longer than a record stays in progress."""

RUNS = 12
HOUR = timedelta(hours=1)
PAID = {"paid", "fulfilled", "refunded"}
AT_REST = {"succeeded", "failed", "refunded"}
LET_GO = {"failed", "refunded"}
FOR_NOW = {"idempotency_in_progress", "payment_in_progress", "too_many_attempts"}
CUSTOMER, STAFF = "alice", "sam"
EXCEEDS_CHARGE = "exceeds_charge"
"""Why the gateway fails a refund that should not have been begun."""

Named = Mapping[str, Any]
"""An order, by its `id`."""


class Books(Protocol):
    """The tables."""

    def charges(self, order: dict[str, Any]) -> list[dict[str, Any]]: ...

    def order_item(self, order: dict[str, Any]) -> dict[str, Any]: ...

    def payment_items(self, order: dict[str, Any]) -> list[dict[str, Any]]: ...

    def refund_items(self, order: dict[str, Any]) -> list[dict[str, Any]]: ...

    def audit_trail(self, order: dict[str, Any]) -> list[AuditEntry]: ...


def find_wrong_money(world: Books, order: Named) -> Iterator[str]:
    """Rule 1, at any moment: more than one charge of the order that was not returned; more on its way back than was
    charged, which the gateway may refuse or not."""
    live = [charge["reference"] for charge in world.charges(order) if charge["refundable"]]
    if len(live) > 1:
        yield f"rule 1: the charges {live} live at once"
    for payment in world.payment_items(order):
        if payment["refundable_amount"] < 0:
            yield f"rule 1: {payment['payment_id']} has {payment['refundable_amount']} left to be refunded"


def bring_to_rest(world: World, clients: Sequence[Client], *, come_back: bool) -> None:
    """Clients without an outcome ask again, or never; then settle_payments runs until nothing is left.

    What is settled is an outcome only then: who still has none asks once more, and what comes of that is settled too.
    """
    for rounds in (ROUNDS, 1):
        for _ in range(rounds if come_back else 0):
            waiting = [client for client in clients if not client.has_outcome]
            if not waiting:
                break
            world.wait(RETRY_AFTER)
            for client in waiting:
                client.send(world)
        settle_all(world)


def settle_all(world: World) -> None:
    for _ in range(RUNS):
        world.wait(HOUR)
        world.run("settle_payments")
        if not any("due_at" in payment for payment in world.payment_items(world.order)):
            break


def find_violations(world: World, clients: Sequence[Client], *, come_back: bool) -> list[str]:
    """The rules that do not hold, by their numbers in the specification."""
    found = [wrong for order in list_orders(world) for check in CHECKS_OF_AN_ORDER for wrong in check(world, order)]
    found += check_declines(world)
    found += [f"rule 3: {payment_id} may still be charged" for payment_id in world.list_waiting()]
    for client in clients:
        found += [f"rule 5: {client.request.name}: {wrong}" for wrong in check_answers(world, client)]
        if come_back and not client.has_outcome:
            found.append(f"rule 3: {client.request.name} never gets an outcome")
    before = world.store.take_snapshot()
    for client in clients:
        found += [f"rule 5: {client.request.name}: {wrong}" for wrong in check_replay(world, client)]
    kept = {"OrdersTable", "PaymentsTable", "RefundsTable", "AuditTable"}
    if not found and any(world.store.take_snapshot().items[table] != before.items[table] for table in kept):
        found.append("rule 5: a repeated request changed something")
    return found or list(check_way_on(world))


def list_orders(world: World) -> list[Named]:
    """Every order that anything tells of."""
    tables = ("OrdersTable", "PaymentsTable", "RefundsTable", "AuditTable")
    return [{"id": found} for found in sorted({item["order_id"] for table in tables for item in world.scan(table)})]


def check_books(world: Books, order: Named) -> Iterator[str]:
    """Rule 1."""
    yield from find_wrong_money(world, order)
    for refund in world.refund_items(order):
        if refund.get("failure_reason") == EXCEEDS_CHARGE:
            yield f"rule 1: {refund['refund_id']} was more than was left of the charge"
    charged = {charge["payment_id"]: charge for charge in world.charges(order)}
    for payment in world.payment_items(order):
        charge = charged.pop(payment["payment_id"], None)
        taken = charge["amount"] if charge else 0
        returned = charge["amount"] - charge["refundable"] if charge else 0
        if (payment["charged_amount"], payment["refunded_amount"]) != (taken, returned):
            yield f"rule 1: {payment['payment_id']} says {payment['charged_amount']} - {payment['refunded_amount']}, \
the gateway {taken} - {returned}"
        if charge and (others := find_currencies(world, payment) - {charge["currency"]}):
            yield f"rule 1: {payment['payment_id']} says {sorted(others)}, the gateway {charge['currency']}"
    if charged:
        yield f"rule 1: the charges {sorted(charged)} are on no record"


def find_currencies(world: Books, payment: Mapping[str, Any]) -> set[str]:
    """In what the records say that money of a payment was taken and given back: one that failed was of another."""
    refunds = world.refund_items({"id": payment["order_id"]})
    given_back = {refund["currency"] for refund in refunds if refund["payment_id"] == payment["payment_id"]}
    return given_back if "failure_reason" in payment else given_back | {payment["currency"]}


def check_order(world: Books, order: Named) -> Iterator[str]:
    """Rule 2."""
    linked = [payment for payment in world.payment_items(order) if "linked_at" in payment]
    order = world.order_item(order)
    if order["status"] not in PAID:
        if linked or "payment_id" in order:
            yield f"rule 2: a {order['status']} order has a payment"
        return
    if [payment["payment_id"] for payment in linked] != [order.get("payment_id")]:
        yield f"rule 2: a {order['status']} order has the payments {[payment['payment_id'] for payment in linked]}"
        return
    [payment] = linked
    if (payment["charged_amount"], payment["currency"]) != (order["total_amount"], order["currency"]):
        yield "rule 2: the payment is of another amount than the order"
    wanted = "refunded" if order["status"] == "refunded" else "succeeded"
    if payment["status"] != wanted or payment["refunded_amount"] != order["refunded_amount"]:
        yield f"rule 2: the payment of a {order['status']} order is {payment['status']}"


def check_rest(world: Books, order: Named) -> Iterator[str]:
    """Rule 3."""
    item, payments = world.order_item(order), world.payment_items(order)
    for payment in payments:
        if payment["status"] not in AT_REST or "due_at" in payment:
            yield f"rule 3: {payment['payment_id']} stays {payment['status']}"
        if payment["status"] == "succeeded" and "linked_at" not in payment:
            yield f"rule 3: {payment['payment_id']} was charged and pays for nothing"
    if item["status"] in {"created", "cancelled"} and "live_payment_id" in item:
        yield f"rule 3: a {item['status']} order is held by {item['live_payment_id']}"
    for refund in world.refund_items(order):
        if refund["status"] == "pending":
            yield f"rule 3: {refund['refund_id']} stays pending"


def check_way_on(world: World) -> Iterator[str]:
    """Rule 3: an order that is not paid can be paid, or it was cancelled."""
    order = world.order_item(world.order)
    if order["status"] == "created" and world.pay(world.order, key="at last").status != 201:
        yield "rule 3: the order can never be paid"


def check_trail(world: Books, order: Named) -> Iterator[str]:
    """Rule 4."""
    item, trail = world.order_item(order), world.audit_trail(order)
    misfit = find_misfit(order["id"], trail, AuditHead(item["audit_sequence"], item["audit_hash"]))
    if misfit:
        yield f"rule 4: entry {misfit.sequence} {misfit.reason}"
    replay = Replay.of(trail)
    for wrong in (*replay.wrong, *replay.compare(item, world.payment_items(order), world.refund_items(order))):
        yield f"rule 4: {wrong}"
    yield from check_cancelled(trail)


def check_declines(world: World) -> Iterator[str]:
    """Rule 4: within an hour all payments of a customer count that began in it and were declined, of all orders; none
    besides but such as succeeded, or had no outcome for long; and no more in all than may be declined."""
    declined, others = defaultdict(set), defaultdict(set)
    for order in list_orders(world):
        customer, replay = world.order_item(order)["customer_id"], Replay.of(world.audit_trail(order))
        for hour in replay.hourly_declines.keys() | replay.hourly_others.keys():
            declined[customer, hour] |= replay.hourly_declines[hour]
            others[customer, hour] |= replay.hourly_others[hour]
    items = {(item["customer_id"], item["hour"]): item for item in world.scan("DeclinesTable")}
    for place in sorted(declined.keys() | items.keys()):
        item = items.get(place, {"expiration": None})
        counted = item.get("payments", frozenset())
        for payment_id in sorted(declined[place] - counted):
            yield f"rule 4: {payment_id} was declined within the hour, and does not count"
        for payment_id in sorted(counted - declined[place] - others[place]):
            yield f"rule 4: {payment_id} counts within the hour, and was not declined"
        if len(counted) > HOURLY_DECLINES:
            yield f"rule 4: {len(counted)} count within the hour, of {HOURLY_DECLINES} that may"
        if "expiration" not in item:
            yield "rule 4: what counts within an hour never runs out"


def check_cancelled(trail: Sequence[AuditEntry]) -> Iterator[str]:
    """Rule 2: no order is cancelled while a payment may charge it."""
    held: dict[str, str] = {}
    for entry in trail:
        if entry.event == "order_cancelled" and held:
            yield f"rule 2: the order was cancelled while {sorted(held)} may charge it"
        if "payment_id" in entry.facts and not entry.event.startswith("order_"):
            held[entry.facts["payment_id"]] = entry.to_status
        held = {name: status for name, status in held.items() if status not in LET_GO}


def check_answers(world: World, client: Client) -> Iterator[str]:
    """Rule 5: each answer is true of how it ended, and an answer that was an outcome stays the only one."""
    for answer in client.answers:
        wrong = CHECKS[client.request.kind](world, client, answer)
        if wrong:
            yield f"was told {answer.status} {answer.code or ''}, but {wrong}"


def check_created(world: World, _: Client, answer: Answer) -> str | None:
    # Nobody pays for what it makes.
    made = {
        order["order_id"]: order
        for order in world.scan("OrdersTable")
        if order["order_id"] != world.order["id"] and not order["payment_attempts"]
    }
    if len(made) > 1:
        return f"one key made the orders {sorted(made)}"
    if answer.status != 201:
        return None
    order = made.get(answer.body["id"])
    return find_other_amount(answer, order, "total_amount") if order else "there is no such order"


def check_paid(world: World, client: Client, answer: Answer) -> str | None:
    hashed = hash_key("pay", CUSTOMER, str(client.request.key))
    mine = {p["payment_id"]: p for p in world.payment_items(world.order) if p["idempotency_key_hash"] == hashed}
    charged = [name for name, payment in mine.items() if payment["charged_amount"]]
    if len(charged) > 1:
        return f"one key was charged by {charged}"
    if answer.status == 201:
        payment = mine.get(answer.body["transaction_id"])
        if not (payment and payment["charged_amount"]):
            return "nothing was charged"
        return find_other_amount(answer, payment, "charged_amount")
    if answer.status == 402:
        return find_false_decline(world, mine.get(answer.body["transaction_id"]), answer)
    if answer.status == 202:
        return None if answer.body["transaction_id"] in mine else "there is no such payment"
    kept = [name for name in charged if not went_back(mine[name])]
    return f"{kept} was charged" if was_refused(answer) and kept else None


def find_other_amount(answer: Answer, item: Mapping[str, Any], name: str) -> str | None:
    """Where an answer tells another amount, or another currency, than the item has in its attribute of this name."""
    body = answer.body
    told = body.get("total_amount", body.get("amount")), body.get("currency")
    kept = item[name], item["currency"]
    return None if told == kept else f"it is {kept}, not {told}"


def find_false_decline(world: World, payment: Mapping[str, Any] | None, answer: Answer) -> str | None:
    """Where an answer tells of a decline that is not on record, or of which the gateway does not know."""
    if payment is None or payment.get("decline_code") != answer.body["decline_code"]:
        return "no such decline is on record"
    declined = [charge["payment_id"] for charge in world.scan(GATEWAY_TABLE) if charge.get("outcome") == "declined"]
    return None if payment["payment_id"] in declined else "the gateway has declined nothing"


def went_back(payment: Mapping[str, Any]) -> bool:
    """Whether it was charged, and paid for no order."""
    return payment["status"] == "refunded" and "linked_at" not in payment


def was_refused(answer: Answer) -> bool:
    """Once and for all: not for now, nor by a fault."""
    return answer.code is not None and answer.status < 500 and answer.code not in FOR_NOW


def check_marked_paid(world: World, _: Client, answer: Answer) -> str | None:
    order = world.order_item(world.order)
    is_done = ASKED_FOR["mark_paid"](world, order)
    if answer.status == 200:
        return None if is_done and order["status"] in PAID else f"the order is {order['status']}"
    # Asked too soon, it is refused rightly, and may be paid later.
    too_soon = {"payment_not_found", "payment_not_succeeded"}
    return "it paid for the order" if was_refused(answer) and is_done and answer.code not in too_soon else None


def check_cancel(world: World, _: Client, answer: Answer) -> str | None:
    status = world.order_item(world.order)["status"]
    if answer.status == 200:
        return None if status == "cancelled" else f"the order is {status}"
    # From nowhere else can it come to be as it is.
    return f"the order is {status}" if was_refused(answer) and status in {"created", "cancelled"} else None


def check_fulfilled(world: World, _: Client, answer: Answer) -> str | None:
    status = world.order_item(world.order)["status"]
    if answer.status == 200:
        return None if status in {"fulfilled", "refunded"} else f"the order is {status}"
    found = answer.body.get("current_status") if was_refused(answer) else None
    return f"an order that is {found} can be, or is" if found in {"paid", "fulfilled"} else None


def check_refunded(world: World, client: Client, answer: Answer) -> str | None:
    hashed = hash_key("refund_order", STAFF, str(client.request.key))
    mine = [refund for refund in world.refund_items(world.order) if refund.get("idempotency_key_hash") == hashed]
    if len(mine) > 1:
        return "one key made several refunds"
    made = bool(mine) and mine[0]["status"] == "succeeded"
    if answer.status == 201:
        return find_other_amount(answer, mine[0], "amount") if made else "nothing was refunded"
    if answer.status == 202 and not mine:
        return "there is no such refund"
    return "it was refunded" if was_refused(answer) and made else None


def check_replay(world: World, client: Client) -> Iterator[str]:
    """Rule 5: a request whose answer was an outcome gets the same again, with its record and without; and one without a
    key the order as it is, where that is what it asks for."""
    if client.request.kind in ASKED_FOR:
        yield from check_asked_again(world, client)
    first = client.last
    if client.request.key is None or first is None:
        return
    if first.status not in {201, 402} and first.code != "refund_failed":
        return
    for _ in range(2):
        again = client.request.send(world)
        if again is None or (again.status, find_facts(again)) != (first.status, find_facts(first)):
            yield f"was told {first.text}, and then {again.text if again else 'nothing'}"
        world.forget_results()


def check_asked_again(world: World, client: Client) -> Iterator[str]:
    if not ASKED_FOR[client.request.kind](world, world.order_item(world.order)):
        return
    order = world.get_order(world.order)
    for _ in range(2):
        again = client.request.send(world)
        if again is None or (again.status, again.body) != (200, order):
            yield f"is as it asks for, and was told {again.text if again else 'nothing'}"


def find_facts(answer: Answer) -> dict[str, Any]:
    """What an answer says, but for which request it answers, and whether it says so again."""
    return {name: value for name, value in answer.body.items() if name not in {"request_id", "duplicate"}}


CHECKS_OF_AN_ORDER = (check_books, check_order, check_rest, check_trail)

ASKED_FOR: Mapping[str, Callable[[World, Mapping[str, Any]], bool]] = {
    "mark_paid": lambda world, order: order.get("payment_id") == world.payment_id,
    "cancel": lambda _, order: order["status"] == "cancelled",
    "fulfil": lambda _, order: order["status"] == "fulfilled",
}
"""Whether an order is as a request asks for."""

CHECKS: dict[str, Any] = {
    "create": check_created,
    "pay": check_paid,
    "mark_paid": check_marked_paid,
    "cancel": check_cancel,
    "fulfil": check_fulfilled,
    "refund": check_refunded,
    "event": lambda *_: None,
}
