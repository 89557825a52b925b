"""Stripe as the payment gateway: PaymentIntents, confirmed at once, through the official SDK (FR-219, FR-221, FR-222).

The payment id is Stripe's idempotency key and in the intent's metadata. Stripe keeps what it first answered to a key
for a day at least, and refuses the key with other parameters (https://docs.stripe.com/api/idempotent_requests); that is
how a charge that never arrived is prevented: its key is taken by an intent that is never confirmed.

What leaves open whether Stripe acted is OutcomeUnknown; RequestNotTaken and InvalidToken are for what surely had no
effect, with all the attempts of the SDK counted.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import requests
import stripe

from checkout.clock import Clock, Deadline
from checkout.errors import InvalidToken
from checkout.gateway import (
    Charge,
    ChargeStatus,
    GatewayRefund,
    OutcomeUndecided,
    OutcomeUnknown,
    OutOfTime,
    RefundOutcome,
    RequestNotTaken,
    RequestRefused,
)
from checkout.identifiers import is_payment_id
from checkout.payments import RESUMED_FOR, Payment
from checkout.refunds import Refund
from checkout.stripe_amounts import from_stripe_amount, to_stripe_amount
from checkout.stripe_http import MAX_RETRIES, DeadlineClient, was_replayed

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

__all__ = ["StripeGateway"]

# The SDK writes what it sends, tokens included, wherever the root logger is at DEBUG.
logging.getLogger("stripe").setLevel(logging.WARNING)
stripe.enable_telemetry = False

logger = logging.getLogger(__name__)

PAGE = 100
LONGEST_REQUEST = RESUMED_FOR + timedelta(minutes=2)
"""After that a request is no longer at work at Stripe, whatever became of it; it is over within a minute or so.

Longer than a payment is resumed: what was read just before it was resumed for the last time tells of the time before.
"""

KEYS_KEPT = timedelta(hours=23)
"""A day at least, less what clocks are apart and a request takes. https://docs.stripe.com/api/idempotent_requests"""

CLOCKS_APART = timedelta(minutes=1)

AMOUNT_PARAMETERS = {"amount", "currency"}
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
        """A payment method of Stripe's: https://docs.stripe.com/api/payment_methods"""
        if not token.startswith("pm_"):
            raise InvalidToken

    def charge(self, payment: Payment, token: str, deadline: Deadline) -> Charge:
        self.check_token(token)
        params = _to_params(payment)
        params["payment_method"] = token
        params["confirm"] = True
        with self._asking(deadline) as (client, attempts):
            if payment.gateway_reference:
                # Asked for again, it would be another one as soon as Stripe has forgotten the key, after 24 hours.
                known = self._end_decline(client, self._retrieve(client, payment.gateway_reference))
                return _read_outcome(known)
            try:
                made = client.v1.payment_intents.create(params, {"idempotency_key": payment.payment_id})
            except stripe.CardError as declined:
                return self._read_decline(client, payment, declined)
            except stripe.IdempotencyError:
                return self._find_what_took_the_key(client, payment)
            except stripe.InvalidRequestError as refusal:
                if attempts.left_open:
                    raise
                return self._read_refusal(client, refusal)
            intent = _read(made, "payment_intent")
            if made.last_response and was_replayed(made.last_response.headers):
                # What was answered first; what has become of it since is another question.
                intent = self._end_decline(client, self._retrieve(client, made.id))
            return _read_outcome(intent)

    def find_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        """The search lags by up to a minute: None is no proof. https://docs.stripe.com/search#data-freshness"""
        with self._asking(deadline) as (client, _):
            try:
                intent = self._find_intent(client, payment)
            except stripe.InvalidRequestError as refusal:
                if refusal.code != "resource_missing":
                    raise
                return None
            return _to_charge(intent) if intent and intent["status"] != "canceled" else None

    def prevent_charge(self, payment: Payment, deadline: Deadline) -> Charge | None:
        with self._asking(deadline) as (client, _):
            intent = self._find_intent(client, payment) or self._end_key(client, payment)
            if intent is None:
                return None
            if intent["status"] not in {"succeeded", "processing", "canceled"}:
                intent = self._cancel(client, intent)
            if intent["status"] == "canceled":
                return _to_charge(intent) if intent.get("last_payment_error") else None
            return _to_charge(intent)

    def refund(self, refund: Refund, payment: Payment, deadline: Deadline) -> GatewayRefund:
        try:
            amount = to_stripe_amount(refund.money)
        except ValueError:
            return GatewayRefund(None, RefundOutcome.FAILED, "amount_not_supported")
        with self._asking(deadline) as (client, attempts):
            try:
                made = client.v1.refunds.create(
                    {
                        "payment_intent": str(payment.gateway_reference),
                        "amount": amount,
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
            except stripe.APIError:
                # The SDK repeats a request by itself: what it has just begun is not over.
                is_over = datetime.fromisoformat(refund.asked_at) < self._clock() - LONGEST_REQUEST
                if not (is_over and attempts.were_replays):
                    raise
                # It will be answered the same for a day; what came of it is in the list.
                found = self._look_for_refunds(client, [refund], payment)
                return found.get(refund.refund_id) or GatewayRefund(None, RefundOutcome.FAILED, "gateway_error")
            return _to_refund(_read(made, "refund"))

    def find_refunds(
        self, refunds: Sequence[Refund], payment: Payment, deadline: Deadline
    ) -> Mapping[str, GatewayRefund]:
        with self._asking(deadline) as (client, _):
            return self._look_for_refunds(client, refunds, payment)

    def list_charges(self, since: datetime, until: datetime, deadline: Deadline) -> Iterator[Charge]:
        """All but intents that were cancelled: nothing was ever charged by those."""
        with self._asking(deadline) as (client, _):
            for intent in self._list_intents(client, since, until):
                if intent["status"] != "canceled":
                    yield _to_charge(intent)

    @contextmanager
    def _asking(self, deadline: Deadline) -> Iterator[tuple[stripe.StripeClient, DeadlineClient]]:
        """A client of Stripe for the time left; its errors as what they mean of what was asked."""
        key = self._key()
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        attempts = DeadlineClient(deadline, self._local.session)
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
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # What is no object of Stripe's API tells nothing of what happened.
            logger.error("answer not understood: %s", type(error).__name__)
            raise OutcomeUnknown from None
        finally:
            if attempts.was_abandoned:
                del self._local.session

    def _retrieve(self, client: stripe.StripeClient, reference: str) -> Intent:
        return _read(client.v1.payment_intents.retrieve(reference, {"expand": ["latest_charge"]}), "payment_intent")

    def _find_intent(self, client: stripe.StripeClient, payment: Payment) -> Intent | None:
        if payment.gateway_reference:
            return self._retrieve(client, payment.gateway_reference)
        try:
            found = client.v1.payment_intents.search({"query": f'metadata["payment_id"]:"{payment.payment_id}"'})
        except (stripe.InvalidRequestError, stripe.PermissionError):
            # Not every account may search: https://docs.stripe.com/search
            return self._look_in_list(client, payment)
        # The search may have it as it was a while ago.
        return _choose(self._retrieve(client, intent.id) for intent in found.data)

    def _look_for_refunds(
        self, client: stripe.StripeClient, refunds: Sequence[Refund], payment: Payment
    ) -> dict[str, GatewayRefund]:
        """In the list of the payment's, newest first, as far as it takes."""
        wanted = {refund.refund_id for refund in refunds}
        found: dict[str, GatewayRefund] = {}
        listed = client.v1.refunds.list({"payment_intent": str(payment.gateway_reference), "limit": PAGE})
        for made in (_read(refund, "refund") for refund in listed.auto_paging_iter()):
            refund_id = _read_id(made, "refund_id")
            if refund_id in wanted - found.keys():
                found[refund_id] = _to_refund(made)
            if found.keys() == wanted:
                break
        return found

    def _end_key(self, client: stripe.StripeClient, payment: Payment) -> Intent | None:
        """What became of the payment's idempotency key, once no request can charge with it any more."""
        if datetime.fromisoformat(payment.asked_at) < self._clock() - KEYS_KEPT:
            # It may be free again, and would tell nothing.
            return self._look_in_list(client, payment)
        return self._take_key(client, payment)

    def _take_key(self, client: stripe.StripeClient, payment: Payment) -> Intent | None:
        """The intent that takes the payment's idempotency key, and is not confirmed; or the one that has taken it.

        None where the key was taken by a request that made no intent, as it is answered the same for ever; and where
        Stripe does not take such an amount, from the charge neither.
        """
        try:
            made = client.v1.payment_intents.create(_to_params(payment), {"idempotency_key": payment.payment_id})
            return _read(made, "payment_intent")
        except RequestRefused:
            return None
        except stripe.InvalidRequestError as error:
            if error.param not in AMOUNT_PARAMETERS:
                raise
            return None
        except stripe.IdempotencyError:
            return self._look_for_taker(client, payment)
        except stripe.APIError as error:
            if not was_replayed(error.headers or {}):
                raise
            # A request like this one took the key, and will be answered the same for as long as Stripe keeps it.
            return self._look_for_taker(client, payment)

    def _look_for_taker(self, client: stripe.StripeClient, payment: Payment) -> Intent | None:
        taker = self._look_in_list(client, payment)
        if taker is None and datetime.fromisoformat(payment.asked_at) > self._clock() - LONGEST_REQUEST:
            # What took the key may still be at work.
            raise OutcomeUndecided from None
        return taker

    def _look_in_list(self, client: stripe.StripeClient, payment: Payment) -> Intent | None:
        """The list, other than the search, has everything at once. https://docs.stripe.com/search#data-freshness

        Of the time in which a request to charge the payment can have come to Stripe: the list does not grow with each
        look. What is made later is made to prevent the charge, and nobody has what it takes to confirm it.
        """
        first = datetime.fromisoformat(payment.created_at) - CLOCKS_APART
        last = datetime.fromisoformat(payment.asked_at) + LONGEST_REQUEST + CLOCKS_APART
        intents = self._list_intents(client, first, last)
        return _choose(intent for intent in intents if _read_id(intent, "payment_id") == payment.payment_id)

    def _find_what_took_the_key(self, client: stripe.StripeClient, payment: Payment) -> Charge:
        """The key was used with other parameters: the charge was prevented, or it was made by an earlier release."""
        intent = self._find_intent(client, payment) or self._take_key(client, payment)
        if intent is None:
            raise RequestRefused
        if intent["status"] in {"canceled", "requires_payment_method"} and not intent.get("last_payment_error"):
            raise RequestRefused
        return _to_charge(self._end_decline(client, intent))

    def _end_decline(self, client: stripe.StripeClient, intent: Intent) -> Intent:
        """A client that has the secret of an intent could confirm it with another card, once it was declined."""
        return self._cancel(client, intent) if intent["status"] == "requires_payment_method" else intent

    def _cancel(self, client: stripe.StripeClient, intent: Intent) -> Intent:
        """As it is once it cannot be charged any more, with why it was declined; or what it became meanwhile."""
        try:
            now = _read(client.v1.payment_intents.cancel(intent["id"]), "payment_intent")
            return {**now, "last_payment_error": now.get("last_payment_error") or intent.get("last_payment_error")}
        except stripe.InvalidRequestError:
            # It is no longer in a state that can be cancelled.
            return self._retrieve(client, intent["id"])

    def _read_decline(self, client: stripe.StripeClient, payment: Payment, declined: stripe.CardError) -> Charge:
        body: Any = declined.json_body
        intent: Intent | None = body["error"].get("payment_intent")
        if intent is None:
            # Declined before there was an intent.
            error = body["error"]
            decline_code = error.get("decline_code") or error.get("code")
            if not decline_code:
                raise OutcomeUnknown
            return Charge(
                payment_id=payment.payment_id,
                reference=error.get("charge") or "",
                status=ChargeStatus.DECLINED,
                money=payment.money,
                decline_code=decline_code,
            )
        if was_replayed(declined.headers or {}):
            intent = self._retrieve(client, intent["id"])
        return _to_charge(intent)

    def _read_refusal(self, client: stripe.StripeClient, refusal: stripe.InvalidRequestError) -> Charge:
        """Raises InvalidToken or RequestRefused once nothing can be charged: where Stripe refuses what it had made an
        intent for, that is cancelled (https://docs.stripe.com/api/errors#errors-payment_intent)."""
        body: Any = refusal.json_body
        intent: Intent | None = body["error"].get("payment_intent")
        if intent is not None:
            try:
                intent = self._cancel(client, intent)
            except stripe.StripeError:
                raise OutcomeUnknown from None
            if intent["status"] != "canceled":
                return _to_charge(intent)
        if refusal.param == "payment_method" or refusal.code in TOKEN_CODES:
            raise InvalidToken from None
        raise RequestRefused from None

    def _list_intents(self, client: stripe.StripeClient, since: datetime, until: datetime) -> Iterator[Intent]:
        listed = client.v1.payment_intents.list(
            {
                "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
                "limit": PAGE,
                "expand": ["data.latest_charge"],
            }
        )
        yield from (_read(intent, "payment_intent") for intent in listed.auto_paging_iter())


def _raise_meaning(error: stripe.StripeError, attempts: DeadlineClient) -> NoReturn:
    """What was refused before anything happened was not taken; of everything else nothing is known.

    https://docs.stripe.com/api/errors and https://docs.stripe.com/error-low-level
    """
    if attempts.left_open:
        raise OutcomeUnknown from None
    if attempts.is_out_of_time:
        raise OutOfTime from None
    if isinstance(error, stripe.InvalidRequestError):
        raise RequestRefused from None
    if isinstance(
        error,
        stripe.RateLimitError | stripe.AuthenticationError | stripe.PermissionError | stripe.APIConnectionError,
    ):
        raise RequestNotTaken from None
    raise OutcomeUnknown from None


def _choose(intents: Iterable[Intent]) -> Intent | None:
    """Of a payment's intents the one that can charge, or has; then one that was declined. Others prevent a charge."""
    return min(
        intents,
        key=lambda intent: (intent["status"] == "canceled", not intent.get("last_payment_error")),
        default=None,
    )


def _to_params(payment: Payment) -> "PaymentIntentCreateParams":
    """Raises RequestRefused where Stripe cannot be asked for the amount."""
    try:
        amount = to_stripe_amount(payment.money)
    except ValueError:
        raise RequestRefused from None
    return {
        "amount": amount,
        "currency": payment.money.currency,
        "metadata": {"payment_id": payment.payment_id, "order_id": payment.order_id},
        # No way to pay that sends the customer elsewhere, to come back from.
        "allowed_payment_method_types": ["card"],
    }


def _read(made: stripe.StripeObject, kind: str) -> Intent:
    """An object of Stripe's API as it should be. Raises ValueError where it is another."""
    document: Intent = made.to_dict()
    if document["object"] != kind:
        raise ValueError(f"no {kind}")
    return document


def _read_id(made: Intent, name: str) -> str | None:
    """An id of ours in the metadata of an intent or a refund."""
    value: str | None = (made.get("metadata") or {}).get(name)
    return value


def _read_outcome(intent: Intent) -> Charge:
    """Raises RequestRefused where it was ended without a charge."""
    if intent["status"] == "canceled" and not intent.get("last_payment_error"):
        raise RequestRefused
    return _to_charge(intent)


def _to_charge(intent: Intent) -> Charge:
    """https://docs.stripe.com/payments/paymentintents/lifecycle"""
    status, amount = ChargeStatus.PENDING, intent["amount"]
    decline_code, next_action = None, None
    error, action = intent.get("last_payment_error"), intent.get("next_action")
    if intent["status"] == "succeeded":
        status, amount = ChargeStatus.SUCCEEDED, intent.get("amount_received") or amount
    elif intent["status"] in {"requires_payment_method", "canceled"} and error:
        status, decline_code = ChargeStatus.DECLINED, error.get("decline_code") or error.get("code") or error["type"]
    elif intent["status"] == "requires_action" and action:
        next_action = {"type": action["type"], "client_secret": intent["client_secret"]}
    latest, payment_id = intent.get("latest_charge"), _read_id(intent, "payment_id")
    refunded = latest["amount_refunded"] if isinstance(latest, dict) else 0
    return Charge(
        # Anybody with access to the account may have written there what they like.
        payment_id=payment_id if payment_id and is_payment_id(payment_id) else None,
        reference=intent["id"],
        status=status,
        money=from_stripe_amount(amount, intent["currency"]),
        decline_code=decline_code,
        next_action=next_action,
        refunded_amount=from_stripe_amount(refunded, intent["currency"]).amount,
    )


def _to_refund(made: Intent) -> GatewayRefund:
    """https://docs.stripe.com/api/refunds/object#refund_object-status"""
    if made["status"] == "succeeded":
        return GatewayRefund(made["id"], RefundOutcome.SUCCEEDED)
    if made["status"] in {"failed", "canceled"}:
        return GatewayRefund(made["id"], RefundOutcome.FAILED, made.get("failure_reason") or made["status"])
    return GatewayRefund(made["id"], RefundOutcome.PENDING)
