"""A local runtime in which calls fail on demand: `python -m tests.e2e.faulty_runtime ANNOUNCEMENT GATEWAY PARAMETERS`.

Beside the API it answers under /control, one request at a time: what calls of DynamoDB a request made, which of them is
to fail and how, that time goes on, that a scheduled function runs, that the tables are empty again. They are in memory,
in the store that answers as DynamoDB Local does (FR-306): thousands of cases are walked.
"""

import importlib
import json
import math
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import boto3
import stripe
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.retries import standard
from werkzeug.wrappers import Request, Response

from local.keys import local_parameters
from local.runtime import Overload, Runtime
from local.serve import announce
from local.tables import connect, load_products
from local.template import REGION, read_template
from local.wsgi import serve_application
from tests.e2e.memory_database import MemoryDatabase
from tests.stripe_stub import KEY, Fault, StripeStub, find_route, make_event, open_stripe_stub, sign

__all__ = ["WEBHOOK_SECRET", "DatabaseFault"]

ReadDeadline = Callable[[Any], float]
Send = Callable[..., Any]

WEBHOOK_SECRET = "whsec_faulty"


class DatabaseFault(StrEnum):
    """What can go wrong with a call of DynamoDB; it does so however often the SDK tries, unless it says otherwise."""

    FAILS = "fails before"
    FAILS_AFTER = "fails after it took effect"
    FAILS_AFTER_ONCE = "fails after it took effect, and the SDK's retry is answered"
    TIMES_OUT = "times out before"
    TIMES_OUT_AFTER = "times out after it took effect"
    THROTTLED = "is throttled, twice"
    CONFLICTS = "conflicts, twice"
    DIES_BEFORE = "the process dies before"
    DIES_AFTER = "the process dies after"


AFTER = {
    DatabaseFault.FAILS_AFTER,
    DatabaseFault.FAILS_AFTER_ONCE,
    DatabaseFault.TIMES_OUT_AFTER,
    DatabaseFault.DIES_AFTER,
}
READS = {"BatchGetItem", "GetItem", "Query", "Scan"}
CALLERS = {"OrderReader", "OrderTable", "PaymentRecorder", "RefundRecorder", "StripeGateway"}


class ProcessDied(BaseException):
    """Nothing in the functions catches it, as nothing is run by a process that is gone."""


def name_callers() -> str:
    """Which public methods of CALLERS a call comes from, the outermost first: `RefundRecorder.leave OrderTable.…`."""
    named: list[str] = []
    frame: FrameType | None = sys._getframe()
    while frame:
        author, _, method = frame.f_code.co_qualname.partition(".")
        if author in CALLERS and not method.startswith("_"):
            named.append(f"{author}.{method.partition('.')[0]}")
        frame = frame.f_back
    return " ".join(dict.fromkeys(reversed(named)))


class Faults:
    """Listens to the functions' calls of DynamoDB, numbers them, answers them, and makes one of them fail."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._call = threading.local()
        self.reset(None, None)

    def reset(self, number: int | None, fault: DatabaseFault | None, *, of_writes: bool = False) -> None:
        self.calls: list[str] = []
        self._number = number
        self._of_writes = of_writes
        self._fault = fault
        self._times = 2 if fault in {DatabaseFault.THROTTLED, DatabaseFault.CONFLICTS} else 1
        self._took_effect = False

    def count(self) -> int:
        """How often a call is still to fail."""
        return 0 if self._number is None else self._times

    def listen(self, client: Any) -> None:
        client.meta.events.register("provide-client-params.dynamodb", self._name, unique_id="faults-name")
        client.meta.events.register("before-call.dynamodb", self._begin, unique_id="faults-begin")
        client.meta.events.register("before-send.dynamodb", self._send, unique_id="faults-send")

    def _name(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if "TransactItems" in params:
            tables = [action["TableName"] for item in params["TransactItems"] for action in item.values()]
        else:
            tables = list(params.get("RequestItems", [params.get("TableName")]))
        self._call.name = f"{name_callers()} {model.name} {' '.join(dict.fromkeys(tables))}".strip()

    def _begin(self, model: Any, **_: Any) -> None:
        self._call.operation = model.name
        is_reached = self._number is not None and self._times > 0 and self._number <= len(self.calls)
        self._call.fails = is_reached and not (self._of_writes and model.name in READS)
        if self._call.fails:
            self._times -= 1
        self.calls.append(self._call.name)

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        if not self._call.fails:
            return self._answer(request)
        fault = self._fault
        if fault in AFTER and not self._took_effect:
            self._took_effect = True
            self._answer(request)
        elif fault is DatabaseFault.FAILS_AFTER_ONCE:
            return self._answer(request)
        if fault in {DatabaseFault.DIES_BEFORE, DatabaseFault.DIES_AFTER}:
            raise ProcessDied
        if fault in {DatabaseFault.TIMES_OUT, DatabaseFault.TIMES_OUT_AFTER}:
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault is DatabaseFault.THROTTLED:
            return self._refuse(request, "ThrottlingError", "ProvisionedThroughputExceededException")
        if fault is DatabaseFault.CONFLICTS:
            return self._refuse(request, "TransactionConflict", "TransactionConflictException")
        return make_response(request, 500, {"__type": "InternalServerError"})

    def _answer(self, request: Any) -> AWSResponse:
        return make_response(request, *self._database.respond(request.headers["X-Amz-Target"].decode(), request.body))

    def _refuse(self, request: Any, reason: str, error: str) -> AWSResponse:
        if self._call.operation != "TransactWriteItems":
            return make_response(request, 400, {"__type": error})
        body = {"__type": "TransactionCanceledException", "CancellationReasons": [{"Code": reason}, {"Code": "None"}]}
        return make_response(request, 400, body)


class Raw:
    """The body of a response that came over no wire."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def make_response(request: Any, status: int, body: dict[str, Any]) -> AWSResponse:
    return AWSResponse(request.url, status, {}, Raw(json.dumps(body).encode()))


class Control:
    """The API, and what tests do to it."""

    def __init__(self, runtime: Runtime, faults: Faults, tables: MemoryDatabase, stub: StripeStub | None) -> None:
        self._runtime = runtime
        self._faults = faults
        self._tables = tables
        self._stub = stub
        self._requests: list[tuple[str, str]] = []
        self._waited = timedelta()
        self._patience = math.inf

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if not path.startswith("/control/"):
            try:
                return self._runtime(environ, start_response)
            except ProcessDied as death:
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionAbortedError from death
            finally:
                self._runtime.overload = None
        document = Request(environ).get_json()
        done = getattr(self, path.removeprefix("/control/"))(**document)
        return Response(json.dumps(done), content_type="application/json")(environ, start_response)

    def read_clock(self) -> datetime:
        return datetime.now(UTC) + self._waited

    def shorten(self, read_deadline: ReadDeadline) -> ReadDeadline:
        """While Stripe is slow nobody waits as long as a function may."""
        return lambda author: min(read_deadline(author), self._patience)

    def note_requests(self, send: Send) -> Send:
        def note(client: Any, method: str, url: str, *request: Any) -> Any:
            self._requests.append((name_callers(), find_route(method.upper(), urlsplit(url).path)))
            return send(client, method, url, *request)

        return note

    def break_call(self, number: int | None = None, fault: str | None = None, *, of_writes: bool = False) -> None:
        """The call of this number, from 0; or the first write from there on."""
        self._patience = math.inf
        # The same request makes the same calls, whatever was read of the circuit before.
        self._forget_circuit()
        self._requests.clear()
        self._faults.reset(number, DatabaseFault(fault) if fault else None, of_writes=of_writes)

    def break_code(self) -> None:
        """The next request meets a fault of ours, whichever function it is for."""
        self._fail_next(RuntimeError("a fault of ours"))

    def end_function(self) -> None:
        """The function that the next request is for ends without an answer."""
        self._fail_next(SystemExit("ended from outside"))

    def overload(self, who: str) -> None:
        """They take no more for one request."""
        self._runtime.overload = Overload(who)

    def _fail_next(self, error: BaseException) -> None:
        api = importlib.import_module("checkout.api")
        intact = api.working_until

        def fail(_: Any) -> None:
            api.working_until = intact  # type: ignore[attr-defined]
            raise error

        api.working_until = fail  # type: ignore[attr-defined]

    def read_calls(self) -> list[str]:
        return self._faults.calls

    def read_requests(self) -> list[tuple[str, str]]:
        """What was asked of Stripe: by which methods, and which kind of request."""
        return self._requests

    def count_faults(self) -> int:
        """How many calls are still to fail, DynamoDB's and Stripe's."""
        return self._faults.count() + (self._stub.count_faults() if self._stub else 0)

    def wait(self, seconds: float) -> None:
        """As much time passes; for what Powertools times by itself, too: the records of requests that died, and the
        circuit."""
        self._waited += timedelta(seconds=seconds)
        there = self._tables.read_tables()
        for item in there["IdempotencyTable"]:
            if "in_progress_expiration" in item:
                self._tables.put("IdempotencyTable", {**item, "in_progress_expiration": {"N": "1"}})
        for item in there["CircuitTable"]:
            times = [name for name in ("opened_at", "probe_lease_expiry") if name in item]
            earlier = {name: {"N": str(int(item[name]["N"]) - int(seconds))} for name in times}
            self._tables.put("CircuitTable", {**item, **earlier})
        self._forget_circuit()

    def open_circuit(self) -> None:
        """The gateway has been left alone for so long that the next call tries it."""
        opened_at = {"N": str(int(datetime.now(UTC).timestamp()) - 60)}
        item = {"id": {"S": "payment_gateway"}, "state": {"S": "OPEN"}, "opened_at": opened_at}
        self._tables.put("CircuitTable", item)
        self._forget_circuit()

    def _forget_circuit(self) -> None:
        """What the process has read of it."""
        importlib.import_module("checkout.wiring").gateway()._states._cache.clear()

    def run(self, function: str) -> Any:
        """What a scheduled function says of its run; None where it failed or died."""
        [schedule] = [found for found in self._runtime.schedules if found.function.code.name == function]
        try:
            return self._runtime.run(schedule)
        except (Exception, ProcessDied):
            return None

    def read_tables(self) -> dict[str, list[Any]]:
        return self._tables.read_tables()

    def put_item(self, table: str, item: dict[str, Any]) -> None:
        self._tables.put(table, item)

    def empty(self) -> None:
        """As at the beginning."""
        self._tables.go_back_to_start()
        if self._stub:
            self._stub.forget()

    def break_stripe(self, request: str, fault: str, times: int, after: int = 0) -> None:
        assert self._stub
        self._stub.load_fault(request, Fault(fault), times, after=after)
        if fault == Fault.SLOW:
            self._patience = self._stub.slow_seconds / 2

    def read_stripe(self) -> Any:
        assert self._stub
        return {"intents": self._stub.intents, "refunds": self._stub.refunds}

    def refuse_search(self) -> None:
        """As Stripe does to an account that may not search."""
        assert self._stub
        self._stub.search_refused = 400

    def fail_to_authenticate(self) -> None:
        """The customer whom a charge waits for does."""
        assert self._stub
        [intent_id] = self._stub.intents
        self._stub.act(intent_id, succeeds=False)

    def change_charge(self, amount: int) -> None:
        """The card was charged another amount."""
        assert self._stub
        [intent] = self._stub.intents.values()
        intent["amount"] = intent["amount_received"] = amount

    def refund_there(self) -> None:
        """The charge was refunded in Stripe's own dashboard."""
        assert self._stub
        [intent] = self._stub.intents.values()
        intent["latest_charge"]["amount_refunded"] = intent["amount_received"]

    def delay_refunds(self) -> None:
        """Stripe takes its time, until they are made."""
        assert self._stub
        self._stub.refunds_wait = True

    def make_refunds(self) -> None:
        assert self._stub
        self._stub.refunds_wait = False
        for refund in self._stub.refunds.values():
            refund["status"] = "succeeded"

    def send_back(self) -> None:
        assert self._stub
        self._stub.send_back()

    def make_event(self, number: str, order_id: str) -> dict[str, str] | None:
        """An event about an order's intent, and its signature."""
        assert self._stub
        made = [i for i in self._stub.intents.values() if i["metadata"].get("order_id") == order_id]
        if not made:
            return None
        payload = make_event(number, "payment_intent.succeeded", made[-1])
        return {"payload": payload.decode(), "signature": sign(payload, WEBHOOK_SECRET)}


@contextmanager
def open_parameters() -> Iterator[str]:
    """A Parameter Store with Stripe's key and secret."""
    from moto.moto_server.werkzeug_app import create_backend_app  # noqa: PLC0415  takes a second

    with serve_application(create_backend_app("ssm"), threaded=False) as endpoint:
        store = boto3.client(
            "ssm",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        for name, value in (("key", KEY), ("webhook-secrets", WEBHOOK_SECRET)):
            store.put_parameter(Name=f"/checkout/stripe/{name}", Value=value, Type="SecureString")
        yield endpoint


def hurry() -> None:
    """Without the pauses that the SDKs make before they try again."""
    standard.ExponentialBackoff.delay_amount = lambda *_: 0.0  # type: ignore[method-assign]
    stripe.HTTPClient.INITIAL_DELAY = stripe.HTTPClient.MAX_DELAY = 0  # type: ignore[assignment]


def main() -> None:
    announcement, gateway, chosen = sys.argv[1:]
    hurry()
    with ExitStack() as stack:
        tables = MemoryDatabase()
        endpoint = stack.enter_context(serve_application(tables, threaded=False))
        load_products(connect(endpoint))
        tables.mark_start()
        parameters = {**local_parameters(endpoint), "CircuitFailures": "1000000", "SettleAfterSeconds": "60"}
        stub = None
        if gateway == "stripe":
            stub = stack.enter_context(open_stripe_stub())
            # Half of it is the least that an attempt is begun for.
            stub.slow_seconds = 2.4
            store = stack.enter_context(open_parameters())
            parameters |= {"PaymentGateway": gateway, "StripeAddress": stub.address, "SSMEndpoint": store}
        runtime = Runtime(read_template(parameters | json.loads(chosen)))
        wiring = importlib.import_module("checkout.wiring")
        faults = Faults(tables)
        control = Control(runtime, faults, tables, stub)
        wiring.read_utc_clock = control.read_clock  # type: ignore[attr-defined]
        author = importlib.import_module("checkout.caller").Author
        author.gateway_deadline = control.shorten(author.gateway_deadline)
        if stub:
            stub.read_clock = control.read_clock
            client = importlib.import_module("checkout.stripe_http").DeadlineClient
            client.request = control.note_requests(client.request)
        faults.listen(wiring.dynamodb_client())
        address = stack.enter_context(serve_application(control, threaded=False))
        stack.enter_context(announce(address, endpoint, Path(announcement)))
        threading.Event().wait()


if __name__ == "__main__":
    main()
