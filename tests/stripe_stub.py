"""A small Stripe over HTTP, for what must be proved of the adapter: it follows Stripe's published API as far as the
adapter uses it, and fails when a test says so. It takes no parameter that the SDK, which is made of Stripe's own
description of the API, does not know.

Payment intents (create and confirm at once, retrieve, cancel, list, search), refunds (create, list), idempotency keys,
and signed events. https://docs.stripe.com/api, https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import hmac
import itertools
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from stripe.params import PaymentIntentCreateParams, RefundCreateParams
from werkzeug.wrappers import Request, Response

from local.wsgi import serve_application

__all__ = ["Fault", "StripeStub", "find_route", "make_event", "open_stripe_stub", "sign"]

KEY = "sk_test_stub"
MINIMUM = 50  # https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
DECLINES = {
    "chargeDeclined": ("card_declined", "generic_decline"),
    "chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
}
REFUSED_WITH_INTENT = {"refusedWithIntent": "return_url", "ofAnotherKind": "payment_method"}
"""By the parameter that is refused, once there is an intent."""
OTHER_CARDS = {"visa", "authenticationRequired", *REFUSED_WITH_INTENT}


class Fault(StrEnum):
    """What can go wrong with a request."""

    REFUSED = "refused"  # 429: nothing is done, nothing is kept of the key
    LOCKED = "locked"  # 429: an object was in use for too long
    UNAUTHORIZED = "unauthorized"
    ERROR_BEFORE = "error before"  # 500: nothing is done, and the key gives this answer from now on
    ERROR_AFTER = "error after"  # 500, after it took effect; kept as well
    DROPPED_BEFORE = "dropped before"  # the connection ends before anything is done
    DROPPED_AFTER = "dropped after"
    SLOW = "slow"  # takes longer than the caller waits, and takes effect
    HELD = "held"  # is at work until the test lets it go on


class StripeError(Exception):
    def __init__(self, status: int, type_: str, *, keep: bool = True, **error: Any) -> None:
        super().__init__()
        self.status = status
        self.body = {"error": {"type": type_, "message": "from the stub", **error}}
        self.keep = keep
        """Whether the answer is kept for the idempotency key: what a running endpoint answers is, errors too."""


@dataclass
class Kept:
    """What was first answered to an idempotency key, or None while that request runs."""

    parameters: str
    status: int | None = None
    body: Any = None


@dataclass
class StripeStub:
    """Its state can be read and changed by tests. `slow_seconds` is how long a slow request takes; `search_refused` the
    status that the search is refused with, where it is; `read_clock` when intents are made."""

    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    slow_seconds: float = 1.0
    search_lags: bool = False
    refunds_wait: bool = False
    search_refused: int | None = None
    tells_use_first: bool = True
    read_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    held: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    address: str = ""
    _faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    _keys: dict[str, Kept] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # What tests do with it

    def load_fault(self, request: str, fault: Fault, times: int = 1, *, after: int = 0) -> None:
        """The next requests of a kind, as `POST /v1/refunds`, go wrong, once so many of them went well."""
        self._faults.setdefault(request, []).extend([None] * after + [fault] * times)

    def forget_faults(self) -> None:
        self._faults.clear()

    def count_faults(self) -> int:
        """How many requests are still to go wrong."""
        return sum(fault is not None for faults in self._faults.values() for fault in faults)

    def forget(self) -> None:
        """All that was asked of it."""
        self.forget_faults()
        self.search_refused, self.refunds_wait = None, False
        for kept in (self.intents, self.refunds, self._keys):
            kept.clear()

    def forget_keys(self) -> None:
        """As Stripe does after a day at least."""
        self._keys.clear()

    def charges(self, order_id: str) -> list[dict[str, Any]]:
        """The intents that took money for an order."""
        return [
            intent
            for intent in self.intents.values()
            if intent["status"] == "succeeded" and intent["metadata"].get("order_id") == order_id
        ]

    def live_amount(self, order_id: str) -> int:
        """What an order's customer has paid and not got back."""
        return sum(i["amount_received"] - i["latest_charge"]["amount_refunded"] for i in self.charges(order_id))

    def act(self, intent_id: str, *, succeeds: bool) -> None:
        """The customer does what a charge waits for."""
        intent = self.intents[intent_id]
        assert intent["status"] == "requires_action"
        intent["next_action"] = None
        if succeeds:
            self._succeed(intent)
        else:
            intent["status"] = "requires_payment_method"
            intent["last_payment_error"] = {"type": "card_error", "code": "payment_intent_authentication_failure"}

    def send_back(self) -> None:
        """A bank does not take the first refund that was made: Stripe has the money again."""
        refund = next(iter(self.refunds.values()))
        refund.update(status="failed", failure_reason="expired_or_canceled_card")
        self.intents[refund["payment_intent"]]["latest_charge"]["amount_refunded"] -= refund["amount"]

    # HTTP

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        route = find_route(request.method, request.path)
        self.requests[route] += 1
        parameters = read_parameters(request)
        faults = self._faults.get(route, [])
        fault = faults.pop(0) if faults else None
        try:
            response = self._respond(route, request, parameters, fault)
        except StripeError as error:
            response = _to_response(error.status, error.body)
        if fault in {Fault.DROPPED_BEFORE, Fault.DROPPED_AFTER}:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        if fault is Fault.SLOW:
            time.sleep(self.slow_seconds)
        return response(environ, start_response)

    def _respond(self, route: str, request: Request, parameters: dict[str, Any], fault: Fault | None) -> Response:
        if fault is Fault.REFUSED:
            raise StripeError(429, "invalid_request_error", code="rate_limit")
        if fault is Fault.LOCKED:
            raise StripeError(429, "invalid_request_error", code="lock_timeout")
        if fault is Fault.UNAUTHORIZED or request.headers.get("authorization") != f"Bearer {KEY}":
            raise StripeError(401, "invalid_request_error")
        if not route:
            raise StripeError(404, "invalid_request_error")
        if fault is Fault.DROPPED_BEFORE:
            return Response()
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            return _to_response(200, self._work(route, request, parameters))
        return self._respond_once(key, route, request, parameters, fault)

    def _respond_once(
        self, key: str, route: str, request: Request, parameters: dict[str, Any], fault: Fault | None
    ) -> Response:
        spelled = json.dumps([route, request.path, parameters], sort_keys=True)
        with self._lock:
            kept = self._keys.get(key)
            in_use = kept is not None and kept.status is None
            if in_use and self.tells_use_first:
                raise StripeError(409, "idempotency_error", code="idempotency_key_in_use")
            if kept and kept.parameters != spelled:
                raise StripeError(400, "idempotency_error")
            if in_use:
                raise StripeError(409, "idempotency_error", code="idempotency_key_in_use")
            if kept:
                return _to_response(int(kept.status or 0), kept.body, {"Idempotent-Replayed": "true"})
            self._keys[key] = kept = Kept(spelled)
        try:
            if fault is Fault.HELD:
                self.held.set()
                self.go_on.wait(10)
            if fault is Fault.ERROR_BEFORE:
                raise StripeError(500, "api_error")
            body = self._work(route, request, parameters)
            if fault is Fault.ERROR_AFTER:
                raise StripeError(500, "api_error")
            kept.status, kept.body = 200, json.loads(json.dumps(body))
        except StripeError as error:
            if error.keep:
                kept.status, kept.body = error.status, json.loads(json.dumps(error.body))
            else:
                del self._keys[key]
            raise
        return _to_response(200, kept.body)

    def _work(self, route: str, request: Request, parameters: dict[str, Any]) -> Any:
        with self._lock:
            return WORK[route](self, parameters, *ID.findall(request.path))

    # Endpoints

    def create_intent(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _check_names(parameters, PaymentIntentCreateParams)
        name = parameters.get("payment_method", "").removeprefix("pm_card_")
        if parameters.get("confirm") == "true" and name not in DECLINES.keys() | OTHER_CARDS:
            raise StripeError(400, "invalid_request_error", keep=False, code="resource_missing", param="payment_method")
        if int(parameters["amount"]) < MINIMUM:
            raise StripeError(400, "invalid_request_error", keep=False, code="amount_too_small", param="amount")
        number = next(self._numbers)
        intent: dict[str, Any] = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "amount": int(parameters["amount"]),
            "amount_received": 0,
            "currency": parameters["currency"],
            "metadata": parameters.get("metadata", {}),
            "status": "requires_payment_method",
            "created": int(self.read_clock().timestamp()),
            "client_secret": f"pi_{number}_secret",
            "last_payment_error": None,
            "next_action": None,
            "latest_charge": None,
        }
        self.intents[intent["id"]] = intent
        if parameters.get("confirm") != "true":
            return intent
        if name in REFUSED_WITH_INTENT:
            raise StripeError(400, "invalid_request_error", param=REFUSED_WITH_INTENT[name], payment_intent=intent)
        if name in DECLINES:
            code, decline_code = DECLINES[name]
            error = {"type": "card_error", "code": code, "decline_code": decline_code}
            intent["last_payment_error"] = error
            raise StripeError(402, "card_error", code=code, decline_code=decline_code, payment_intent=intent)
        if name == "authenticationRequired":
            intent["status"] = "requires_action"
            intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        else:
            self._succeed(intent)
        return intent

    def retrieve_intent(self, _: dict[str, Any], intent_id: str) -> dict[str, Any]:
        if intent_id not in self.intents:
            raise StripeError(404, "invalid_request_error", code="resource_missing", param="intent")
        return self.intents[intent_id]

    def cancel_intent(self, parameters: dict[str, Any], intent_id: str) -> dict[str, Any]:
        intent = self.retrieve_intent(parameters, intent_id)
        if intent["status"] in {"succeeded", "canceled", "processing"}:
            raise StripeError(400, "invalid_request_error", code="payment_intent_unexpected_state")
        # Stripe does not say that it keeps the error.
        intent.update(status="canceled", last_payment_error=None)
        return intent

    def list_intents(self, parameters: dict[str, Any]) -> dict[str, Any]:
        created = {name: int(value) for name, value in parameters.get("created", {}).items()}
        found = [
            intent
            for intent in reversed(self.intents.values())
            if created.get("gte", 0) <= intent["created"] < created.get("lt", 1 << 60)
        ]
        return _page(found, parameters, "/v1/payment_intents")

    def search_intents(self, parameters: dict[str, Any]) -> dict[str, Any]:
        if self.search_refused:
            raise StripeError(self.search_refused, "invalid_request_error")
        match = re.fullmatch(r'metadata\["(\w+)"\]:"([^"]*)"', parameters["query"])
        assert match, parameters
        found = [intent for intent in self.intents.values() if intent["metadata"].get(match[1]) == match[2]]
        found = [] if self.search_lags else [{**intent, "status": "requires_payment_method"} for intent in found]
        return {"object": "search_result", "url": "/v1/payment_intents/search", "has_more": False, "data": found}

    def create_refund(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _check_names(parameters, RefundCreateParams)
        intent = self.retrieve_intent({}, parameters["payment_intent"])
        amount, charge = int(parameters["amount"]), intent["latest_charge"]
        if charge is None or charge["amount_refunded"] + amount > intent["amount_received"]:
            raise StripeError(400, "invalid_request_error", code="charge_already_refunded")
        charge["amount_refunded"] += amount
        refund = {
            "id": f"re_{next(self._numbers)}",
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "metadata": parameters.get("metadata", {}),
            "status": "pending" if self.refunds_wait else "succeeded",
            "failure_reason": None,
        }
        self.refunds[str(refund["id"])] = refund
        return refund

    def list_refunds(self, parameters: dict[str, Any]) -> dict[str, Any]:
        found = [r for r in reversed(self.refunds.values()) if r["payment_intent"] == parameters["payment_intent"]]
        return _page(found, parameters, "/v1/refunds")

    def _succeed(self, intent: dict[str, Any]) -> None:
        charge = {"id": f"ch_{intent['id']}", "object": "charge", "amount_refunded": 0}
        intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charge)


ID = re.compile("pi_[^/]+")
ROUTES = {
    "POST /v1/payment_intents": re.compile("POST /v1/payment_intents"),
    "GET /v1/payment_intents": re.compile("GET /v1/payment_intents"),
    "GET /v1/payment_intents/search": re.compile("GET /v1/payment_intents/search"),
    "GET /v1/payment_intents/{id}": re.compile("GET /v1/payment_intents/pi_[^/]+"),
    "POST /v1/payment_intents/{id}/cancel": re.compile("POST /v1/payment_intents/pi_[^/]+/cancel"),
    "POST /v1/refunds": re.compile("POST /v1/refunds"),
    "GET /v1/refunds": re.compile("GET /v1/refunds"),
}
WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "POST /v1/payment_intents": StripeStub.create_intent,
    "GET /v1/payment_intents": StripeStub.list_intents,
    "GET /v1/payment_intents/search": StripeStub.search_intents,
    "GET /v1/payment_intents/{id}": StripeStub.retrieve_intent,
    "POST /v1/payment_intents/{id}/cancel": StripeStub.cancel_intent,
    "POST /v1/refunds": StripeStub.create_refund,
    "GET /v1/refunds": StripeStub.list_refunds,
}


@contextmanager
def open_stripe_stub() -> Iterator[StripeStub]:
    stub = StripeStub()
    with serve_application(stub, threaded=True) as address:
        stub.address = address
        yield stub


def find_route(method: str, path: str) -> str:
    """The kind of a request; empty where Stripe has none such."""
    return next((name for name, pattern in ROUTES.items() if pattern.fullmatch(f"{method} {path}")), "")


def read_parameters(request: Request) -> dict[str, Any]:
    """`metadata[order_id]=x` and `expand[0]=y` as nested objects."""
    read: dict[str, Any] = {}
    values = request.form if request.method == "POST" else request.args
    for name, value in values.items(multi=True):
        *path, last = re.findall(r"[^\[\]]+", name)
        place = read
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return read


def make_event(number: int | str, type_: str, subject: dict[str, Any]) -> bytes:
    event = {"id": f"evt_{number}", "object": "event", "type": type_, "data": {"object": subject}}
    return json.dumps(event, indent=2).encode()


def sign(payload: bytes, *secrets: str, at: datetime | None = None) -> str:
    """The header Stripe-Signature. https://docs.stripe.com/webhooks/signature"""
    seconds = int((at or datetime.now(UTC)).timestamp())
    signed = f"{seconds}.".encode() + payload
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={seconds}", *(f"v1={signature}" for signature in made)])


def _check_names(parameters: dict[str, Any], known: Any) -> None:
    for name in parameters.keys() - known.__annotations__.keys():
        raise StripeError(400, "invalid_request_error", keep=False, code="parameter_unknown", param=name)


def _page(found: list[dict[str, Any]], parameters: dict[str, Any], url: str) -> dict[str, Any]:
    after = parameters.get("starting_after")
    start = next((at + 1 for at, item in enumerate(found) if item["id"] == after), 0)
    end = start + int(parameters.get("limit", 10))
    return {"object": "list", "url": url, "has_more": end < len(found), "data": found[start:end]}


def _to_response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, {"content-type": "application/json", **(headers or {})})
