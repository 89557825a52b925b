"""Stripe as the payment gateway: PaymentIntents, confirmed at once, through the official SDK (FR-219, FR-221, FR-222).

The payment id is Stripe's idempotency key and in the intent's metadata. Stripe keeps what it first answered to a key
for a day at least, and refuses the key with other parameters (https://docs.stripe.com/api/idempotent_requests); that is
how a charge that never arrived is prevented: its key is taken by an intent that is never confirmed.

What leaves open whether Stripe acted is OutcomeUnknown; RequestNotTaken and InvalidToken are for what surely had no
effect, with all the attempts of the SDK counted.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NoReturn

import requests
import stripe
from urllib3.exceptions import MaxRetryError, NewConnectionError

from checkout.clock import Clock, Deadline
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

__all__ = ["StripeGateway"]

# The SDK writes what it sends, tokens included, wherever the root logger is at DEBUG.
logging.getLogger("stripe").setLevel(logging.WARNING)

MAX_RETRIES = 2
LONGEST_PAUSE = stripe.HTTPClient.MAX_DELAY
CONNECT_SECONDS = 3.0
SHORTEST_ATTEMPT_SECONDS = 1.0
PAGE = 100
LONGEST_REQUEST = timedelta(minutes=10)
"""After that a request is no longer at work at Stripe, whatever became of it; it is over within a minute or so."""

# Parameters of a charge that only the card's token can be wrong about.
TOKEN_PARAMETERS = ("payment_method", "payment_method_data")
TOKEN_CODES = {"token_already_used", "token_in_use", "payment_method_unexpected_state"}
KEY_IN_USE = {"idempotency_key_in_use", "lock_timeout"}

Intent = Mapping[str, Any]
"""An object of Stripe's API, as JSON."""


class StripeGateway:
    """`key` gives Stripe's secret key, at each call, and may raise RequestNotTaken. `base_address` is Stripe's own by
    default."""

    def __init__(self, key: Callable[[], str], *, clock: Clock, base_address: str = "") -> None:
        self._key = key
        self._clock = clock
        self._base_address = base_address
        self._local = threading.local()

    def check_token(self, token: str) -> None:
        """https://docs.stripe.com/testing and https://docs.stripe.com/api/tokens: pm_… and, from before, tok_…"""
        if not token.startswith(("pm_", "tok_")):
            raise InvalidToken

    def charge(self, payment: Payment, token: str, deadline: Deadline) -> Charge:
        self.check_token(token)
        card: dict[str, Any] = (
            {"payment_method": token}
            if token.startswith("pm_")
            else {"payment_method_data": {"type": "card", "card": {"token": token}}}
        )
        with self._asking(deadline) as (client, attempts):
            try:
                made = client.v1.payment_intents.create(
                    {
                        **_describe(payment),  # type: ignore[typeddict-item]
                        **card,
                        "confirm": True,
                    },
                    {"idempotency_key": payment.payment_id},
                )
            except stripe.CardError as declined:
                return self._read_decline(client, payment, declined)
            except stripe.IdempotencyError:
                return self._find_what_took_the_key(client, payment)
            except stripe.InvalidRequestError as error:
                if _is_about_token(error) and not attempts.left_open:
                    raise InvalidToken from None
                raise
            intent: Intent = made.to_dict()
            if made.status != "succeeded" and made.last_response and _was_replayed(made.last_response.headers):
                # What was answered first; what has become of it since is another question.
                intent = self._retrieve(client, made.id)
                if intent["status"] == "requires_payment_method":
                    # The client has the secret of the intent, and could confirm it with another card.
                    intent = self._cancel(client, intent)
            if intent["status"] == "canceled" and not intent.get("last_payment_error"):
                raise RequestRefused
            return _to_charge(intent)

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        """The search lags by up to a minute: None is no proof. https://docs.stripe.com/search#data-freshness"""
        with self._asking(deadline) as (client, _):
            intent = self._find_intent(client, payment)
            return _to_charge(intent) if intent and intent["status"] != "canceled" else None

    def prevent_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        with self._asking(deadline) as (client, _):
            intent = self._find_intent(client, payment) or self._take_key(client, payment)
            if intent is None:
                return None
            if intent["status"] not in {"succeeded", "processing", "canceled"}:
                intent = self._cancel(client, intent)
            if intent["status"] == "canceled":
                return _to_charge(intent) if intent.get("last_payment_error") else None
            return _to_charge(intent)

    def refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund:
        with self._asking(deadline) as (client, attempts):
            try:
                made = client.v1.refunds.create(
                    {
                        "payment_intent": str(payment.gateway_reference),
                        "amount": refund.money.amount,
                        "metadata": {
                            "refund_id": refund.refund_id,
                            "payment_id": refund.payment_id,
                            "order_id": refund.order_id,
                        },
                    },
                    {"idempotency_key": refund.refund_id},
                )
            except stripe.InvalidRequestError as error:
                if attempts.left_open or error.code in KEY_IN_USE:
                    raise
                return GatewayRefund(None, RefundOutcome.FAILED, error.code or "refused")
            except stripe.APIError as error:
                is_over = datetime.fromisoformat(refund.created_at) < self._clock() - LONGEST_REQUEST
                if not (is_over and _was_replayed(error.headers or {})):
                    raise
                # It will be answered the same for a day; what came of it is in the list.
                found = self._look_for_refund(client, refund, payment)
                return found or GatewayRefund(None, RefundOutcome.FAILED, "gateway_error")
            return _to_refund(made.to_dict())

    def find_refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund | None:
        with self._asking(deadline) as (client, _):
            return self._look_for_refund(client, refund, payment)

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        """All but intents that were cancelled: nothing was ever charged by those."""
        with self._asking(deadline) as (client, _):
            for intent in self._list_intents(client, since, until):
                if intent["status"] != "canceled":
                    yield _to_charge(intent)

    @contextmanager
    def _asking(self, deadline: Deadline) -> Iterator[tuple[stripe.StripeClient, "_Attempts"]]:
        """A client of Stripe for the time left; its errors as what they mean of what was asked."""
        key = self._key()
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        attempts = _Attempts(deadline, self._local.session)
        client = stripe.StripeClient(
            key,
            http_client=attempts,
            max_network_retries=MAX_RETRIES,
            base_addresses={"api": self._base_address} if self._base_address else None,
        )
        try:
            yield client, attempts
        except stripe.StripeError as error:
            # Not from the error: its text and its fields may hold what must not be logged.
            _raise_meaning(error, attempts)

    def _retrieve(self, client: stripe.StripeClient, reference: str) -> Intent:
        return client.v1.payment_intents.retrieve(reference, {"expand": ["latest_charge"]}).to_dict()

    def _find_intent(self, client: stripe.StripeClient, payment: Payment) -> Intent | None:
        if payment.gateway_reference:
            return self._retrieve(client, payment.gateway_reference)
        found = client.v1.payment_intents.search(
            {"query": f'metadata["payment_id"]:"{payment.payment_id}"', "expand": ["data.latest_charge"]}
        )
        return next((intent.to_dict() for intent in found.data), None)

    def _look_for_refund(self, client: stripe.StripeClient, refund: Refund, payment: Payment) -> GatewayRefund | None:
        listed = client.v1.refunds.list({"payment_intent": str(payment.gateway_reference), "limit": PAGE})
        refunds = (made.to_dict() for made in listed.auto_paging_iter())
        return next((_to_refund(made) for made in refunds if _read_id(made, "refund_id") == refund.refund_id), None)

    def _take_key(self, client: stripe.StripeClient, payment: Payment) -> Intent | None:
        """The intent that takes the payment's idempotency key, and is not confirmed; or the one that has taken it.

        None where the key was taken by a request that made no intent: it is answered the same for ever.
        """
        try:
            return client.v1.payment_intents.create(
                {**_describe(payment)},  # type: ignore[typeddict-item]
                {"idempotency_key": payment.payment_id},
            ).to_dict()
        except stripe.IdempotencyError:
            # The list, other than the search, has everything at once. https://docs.stripe.com/search#data-freshness
            started = datetime.fromisoformat(payment.created_at) - timedelta(minutes=1)
            intents = self._list_intents(client, started, self._clock() + timedelta(minutes=1))
            made = next((intent for intent in intents if _read_id(intent, "payment_id") == payment.payment_id), None)
            if made is None and datetime.fromisoformat(payment.asked_at) > self._clock() - LONGEST_REQUEST:
                # What took the key may still be at work.
                raise OutcomeUnknown from None
            return made

    def _find_what_took_the_key(self, client: stripe.StripeClient, payment: Payment) -> Charge:
        """The key was used with other parameters: the charge was prevented, or it was made by an earlier release."""
        intent = self._find_intent(client, payment) or self._take_key(client, payment)
        if intent is None:
            raise RequestRefused
        if intent["status"] in {"canceled", "requires_payment_method"} and not intent.get("last_payment_error"):
            raise RequestRefused
        return _to_charge(intent)

    def _cancel(self, client: stripe.StripeClient, intent: Intent) -> Intent:
        """As it is once it cannot be charged any more; or what it became meanwhile."""
        try:
            return client.v1.payment_intents.cancel(intent["id"]).to_dict()
        except stripe.InvalidRequestError:
            # It is no longer in a state that can be cancelled.
            return self._retrieve(client, intent["id"])

    def _read_decline(self, client: stripe.StripeClient, payment: Payment, declined: stripe.CardError) -> Charge:
        body: Any = declined.json_body
        intent: Intent | None = body["error"].get("payment_intent")
        if intent is None:
            # Declined before there was an intent.
            error = body["error"]
            return Charge(
                payment_id=payment.payment_id,
                reference=error.get("charge") or "",
                status=ChargeStatus.DECLINED,
                money=payment.money,
                decline_code=error.get("decline_code") or error.get("code"),
            )
        if _was_replayed(declined.headers or {}):
            intent = self._retrieve(client, intent["id"])
        return _to_charge(intent)

    def _list_intents(self, client: stripe.StripeClient, since: datetime, until: datetime) -> Iterator[Intent]:
        listed = client.v1.payment_intents.list(
            {
                "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
                "limit": PAGE,
                "expand": ["data.latest_charge"],
            }
        )
        yield from (intent.to_dict() for intent in listed.auto_paging_iter())


class _Attempts(stripe.RequestsClient):
    """The SDK's HTTP client for one call of the gateway: no attempt outlives its deadline, none is begun without time.

    `left_open` once an attempt may have had an effect that its answer did not tell.
    """

    def __init__(self, deadline: Deadline, session: requests.Session) -> None:
        super().__init__(session=session)
        self._deadline = deadline
        self.left_open = False

    def request(  # type: ignore[override]  # the SDK's two signatures differ from each other
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        left = self._deadline()
        if left < SHORTEST_ATTEMPT_SECONDS:
            raise stripe.APIConnectionError("no time left", should_retry=False)  # type: ignore[no-untyped-call]
        self._timeout = (min(CONNECT_SECONDS, left), left)
        try:
            content, status, answered = super().request(method, url, headers, post_data)
        except stripe.APIConnectionError as error:
            self.left_open = self.left_open or not _was_never_sent(error)
            raise
        self.left_open = self.left_open or status >= 500 or status == 409
        return content, status, answered

    def _should_retry(self, *arguments: Any) -> bool:
        """As the SDK decides, where the pause before it and the attempt itself fit into what is left."""
        return self._deadline() > LONGEST_PAUSE + SHORTEST_ATTEMPT_SECONDS and super()._should_retry(*arguments)


def _raise_meaning(error: stripe.StripeError, attempts: _Attempts) -> NoReturn:
    """What was refused before anything happened was not taken; of everything else nothing is known.

    https://docs.stripe.com/api/errors and https://docs.stripe.com/error-low-level
    """
    if attempts.left_open:
        raise OutcomeUnknown from None
    if isinstance(error, stripe.InvalidRequestError):
        raise RequestRefused from None
    if isinstance(
        error,
        stripe.RateLimitError | stripe.AuthenticationError | stripe.PermissionError | stripe.APIConnectionError,
    ):
        raise RequestNotTaken from None
    raise OutcomeUnknown from None


def _was_never_sent(error: stripe.APIConnectionError) -> bool:
    """Whether there was not even a connection."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    reason = cause.args[0] if isinstance(cause, requests.exceptions.ConnectionError) and cause.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)


def _was_replayed(headers: Mapping[str, str]) -> bool:
    """Whether Stripe gave what it had answered before. https://docs.stripe.com/api/idempotent_requests"""
    return any(name.lower() == "idempotent-replayed" and value == "true" for name, value in headers.items())


def _is_about_token(error: stripe.InvalidRequestError) -> bool:
    return (error.param or "").startswith(TOKEN_PARAMETERS) or error.code in TOKEN_CODES


def _describe(payment: Payment) -> dict[str, Any]:
    return {
        "amount": payment.money.amount,
        "currency": payment.money.currency,
        # No way to pay that sends the customer elsewhere, to come back from.
        "payment_method_types": ["card"],
        "metadata": {"payment_id": payment.payment_id, "order_id": payment.order_id},
    }


def _read_id(made: Intent, name: str) -> str | None:
    """An id of ours in the metadata of an intent or a refund."""
    value: str | None = (made.get("metadata") or {}).get(name)
    return value


def _to_charge(intent: Intent) -> Charge:
    """https://docs.stripe.com/payments/paymentintents/lifecycle"""
    status, amount = ChargeStatus.PENDING, intent["amount"]
    decline_code, next_action = None, None
    error, action = intent.get("last_payment_error"), intent.get("next_action")
    if intent["status"] == "succeeded":
        status, amount = ChargeStatus.SUCCEEDED, intent.get("amount_received") or amount
    elif intent["status"] in {"requires_payment_method", "canceled"} and error:
        status, decline_code = ChargeStatus.DECLINED, error.get("decline_code") or error["code"]
    elif intent["status"] == "requires_action" and action:
        next_action = {"type": action["type"], "client_secret": intent["client_secret"]}
    latest = intent.get("latest_charge")
    return Charge(
        payment_id=_read_id(intent, "payment_id"),
        reference=intent["id"],
        status=status,
        money=Money(amount, intent["currency"]),
        decline_code=decline_code,
        next_action=next_action,
        refunded_amount=latest["amount_refunded"] if isinstance(latest, dict) else 0,
    )


def _to_refund(made: Intent) -> GatewayRefund:
    """https://docs.stripe.com/api/refunds/object#refund_object-status"""
    if made["status"] == "succeeded":
        return GatewayRefund(made["id"], RefundOutcome.SUCCEEDED)
    if made["status"] in {"failed", "canceled"}:
        return GatewayRefund(made["id"], RefundOutcome.FAILED, made.get("failure_reason") or made["status"])
    return GatewayRefund(made["id"], RefundOutcome.PENDING)
