"""What each function takes and answers, and what is to be said of it to those who call it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel
from pydantic_core import CoreSchema

from checkout import errors, schemas
from checkout.errors import CheckoutError
from checkout.queries import LIST_ORDERS_QUERY
from tools import openapi_models as answers

__all__ = ["DESCRIPTION", "NO_OPERATIONS", "OPERATIONS", "PARAMETERS", "TAGS", "Operation"]

Model = type[BaseModel]
Refusals = Sequence[type[CheckoutError]]

DESCRIPTION = """
Orders, payments and refunds for a checkout of your own.

A purchase is five calls: see what there is (`GET /products`), create an order (`POST /orders`), charge a card for it
(`POST /pay`), link the payment (`PATCH /orders/{order_id}/pay`), and see it in the history (`GET /orders`).

Every example is recorded from a checkout that runs locally, and replayed by a test; only ids, times, keys and hashes
are made alike. What API Gateway answers in the checkout's place, the local runtime answers in AWS's words.

## Who is asking

Send `Authorization: Bearer <JWT>`: RS256, by a key of the configured key set. The token's `sub` is the customer, its
`scope` a list parted by spaces, in which staff hold `orders:manage`. What belongs to another customer is answered as
what does not exist.

## Money, times, ids

Amounts are integers in the currency's minor unit: `1800` in `usd` is $18.00, `2400` in `jpy` is ¥2400. Currencies are
ISO 4217 codes, in any case in requests, in lower case in answers. Times are RFC 3339 in UTC, with milliseconds. Ids are
opaque strings that sort by the time of their making.

## Sending it again

`POST /orders`, `POST /pay` and refunds need an `Idempotency-Key`: a string of your own, new for each thing that you
want to happen, the same for each attempt at it. Whatever went wrong on the way, the same request with the same key is
safe: a result, which is a success or a decline, is kept for 24 hours and answered again with
`Idempotent-Replayed: true`. A 202 and all other refusals are not kept, and may be tried again with the same key.

## When the outcome is not known

A 202 says that the gateway has not told yet. Nobody needs to do anything: the payment or refund is settled by itself
within minutes. Ask for it after `Retry-After` seconds, at its `Location` or with the same request.

## Refusals

Refusals are `application/problem+json` (RFC 9457). Compare `code`, which is stable; `detail` is for people and may
change; `type` is an identifier, as the RFC allows, and no address to open. Members besides the common ones are the
facts of the code; new ones may come. Where more than one refusal stands against a request, the first that is found is
answered. A fault of the checkout itself is 500 `internal_error`, and is in its log under the `request_id`. What API
Gateway answers by itself is `{"message": "…"}`: 401, 403, 404, 413 (a body above 10 MB), 429 and 503, of which nothing
was done, and 500 where a function ended without an answer.
""".strip()

TAGS: Mapping[str, str] = {
    "Orders": "What a customer wants to have, at the catalogue's prices.",
    "Payments": "Charging a card for an order: once, whatever happens on the way.",
    "Staff": "For tokens with the scope `orders:manage`.",
    "Catalogue": "What can be ordered.",
    "Operation": "Whether it works, and what the payment gateway tells.",
}

PARAMETERS: Mapping[str, str] = {
    "order_id": "An order's `id`.",
    "transaction_id": "A payment's `transaction_id`.",
    "limit": "How many orders a page has at most.",
    "status": "Only orders in this state; all by default.",
    "cursor": "The `next_cursor` of the page before, asked for with the same `status`. It is good for 24 hours.",
    "Idempotency-Key": (
        "Names this request, so that it can be sent again: bare, or in double quotes. Required, unless "
        "`idempotency_key` is in the body; where both are sent they must agree."
    ),
    "Stripe-Signature": "Stripe's signature of the body, scheme `v1`, not older than five minutes.",
}

OF_BODY: Refusals = (errors.InvalidJson, errors.ValidationFailed, errors.CardNumberRefused)
OF_KEY: Refusals = (
    errors.IdempotencyKeyRequired,
    errors.IdempotencyKeyConflict,
    errors.IdempotencyKeyReused,
)


@dataclass(frozen=True)
class Operation:
    """What a function takes and answers: a model by status, and its refusals but StoreUnavailable.

    That one all have but those that are asked whether the store is there.
    """

    tag: str
    summary: str
    description: str
    answers: Mapping[int, Model]
    refusals: Refusals = ()
    body: Model | None = None
    query: CoreSchema | None = None
    headers: Sequence[str] = field(default_factory=tuple)
    scope: str | None = None
    asks_for_store: bool = False

    @property
    def all_refusals(self) -> Refusals:
        return self.refusals if self.asks_for_store else (*self.refusals, errors.StoreUnavailable)


KEY = ("Idempotency-Key",)
STAFF_SCOPE = "orders:manage"
OPERATIONS: Mapping[str, Operation] = {
    "create_order": Operation(
        "Orders",
        "Create an order",
        "The order has the catalogue's names and prices. Send the `unit_price` that the customer saw, and an order at "
        "another price is refused instead of made. All products of an order are in one currency.",
        {201: answers.Order},
        (*OF_BODY, *OF_KEY, errors.ProductNotFound, errors.PriceChanged, errors.AmountOutOfRange),
        body=schemas.CreateOrderBody,
        headers=KEY,
    ),
    "list_orders": Operation(
        "Orders",
        "List one's own orders",
        "Newest first, a page at a time. A new order is in the very next answer. Parameters that are not known are "
        "left alone.",
        {200: answers.OrderPage},
        (errors.ValidationFailed, errors.InvalidCursor),
        query=LIST_ORDERS_QUERY,
    ),
    "get_order": Operation(
        "Orders",
        "Get an order",
        "One of the caller's own; staff get any.",
        {200: answers.Order},
        (errors.OrderNotFound,),
    ),
    "get_order_audit": Operation(
        "Orders",
        "Get an order's audit trail",
        "Every change of the order and its payments, oldest first: who, when, what. `hash` is the SHA-256, in "
        "hexadecimal, of the RFC 8785 form of the entry without `hash` and with `order_id`, and is the next entry's "
        "`previous_hash`; so whoever holds the trail can check that nothing in it was changed.",
        {200: answers.AuditTrail},
        (errors.OrderNotFound,),
    ),
    "cancel_order": Operation(
        "Orders",
        "Cancel an order",
        "One that nobody has paid or is paying. No body is read. An order that is cancelled already is answered as it "
        "is.",
        {200: answers.Order},
        (errors.OrderNotFound, errors.InvalidTransition, errors.PaymentInProgress),
    ),
    "pay": Operation(
        "Payments",
        "Charge a card for an order",
        "Takes hold of the order, then charges the card: at most one charge of an order is alive, whatever clients do. "
        "The order does not become `paid` by this but by linking the payment (`PATCH /orders/{order_id}/pay`), "
        "which happens by itself if nobody calls.\n\n"
        "`token` is the payment gateway's. With Stripe it is a payment method, `pm_…`. The simulated gateway takes:\n\n"
        "| token | what happens |\n"
        "|---|---|\n"
        "| `tok_visa`, `tok_mastercard`, `tok_amex` | succeeds |\n"
        "| `tok_slow` | succeeds after 2 s |\n"
        "| `tok_chargeDeclined` | declined: `generic_decline` |\n"
        "| `tok_chargeDeclinedInsufficientFunds` | declined: `insufficient_funds` |\n"
        "| `tok_chargeDeclinedExpiredCard` | declined: `expired_card` |\n"
        "| `tok_timeoutBeforeCharge` | the request is lost on its way: 202 |\n"
        "| `tok_timeoutAfterCharge`, `tok_errorAfterCharge` | charged, and the answer is lost: 202 |\n"
        "| `tok_unavailable` | the gateway does not take the request: 503 |",
        {201: answers.PaymentResult, 202: answers.PaymentPending},
        (
            *OF_BODY,
            *OF_KEY,
            errors.IdempotencyInProgress,
            errors.CardDeclined,
            errors.OrderNotFound,
            errors.OrderNotPayable,
            errors.AmountMismatch,
            errors.TooManyAttempts,
            errors.PaymentInProgress,
            errors.PaymentAlreadySucceeded,
            errors.PaymentNotSucceeded,
            errors.InvalidToken,
            errors.GatewayUnavailable,
        ),
        body=schemas.PayBody,
        headers=KEY,
    ),
    "mark_order_paid": Operation(
        "Payments",
        "Link a payment to its order",
        "The order becomes `paid`. The same payment again changes nothing and is answered alike, also when the order "
        "has gone on since.",
        {200: answers.Order},
        (
            *OF_BODY,
            errors.OrderNotFound,
            errors.PaymentNotFound,
            errors.PaymentMismatch,
            errors.OrderAlreadyPaid,
            errors.InvalidTransition,
            errors.PaymentNotSucceeded,
        ),
        body=schemas.MarkOrderPaidBody,
    ),
    "get_payment": Operation(
        "Payments",
        "Get a payment",
        "One of the caller's own; staff get any. `status` is `pending` also while the outcome is not known.",
        {200: answers.Payment},
        (errors.PaymentNotFound,),
    ),
    "fulfil_order": Operation(
        "Staff",
        "Fulfil an order",
        "The goods of a paid order were sent. No body is read. One that is fulfilled already is answered as it is.",
        {200: answers.Order},
        (errors.InsufficientScope, errors.OrderNotFound, errors.InvalidTransition),
        scope=STAFF_SCOPE,
    ),
    "refund_order": Operation(
        "Staff",
        "Refund an order",
        "Gives money back: `amount`, or all that is left. A whole refund makes the order `refunded`, a part raises its "
        "`refunded_amount`. A refund on record will be made: one that the gateway did not take is a 202.",
        {201: answers.Refund, 202: answers.Refund},
        (
            *OF_BODY,
            *OF_KEY,
            errors.IdempotencyInProgress,
            errors.InsufficientScope,
            errors.OrderNotFound,
            errors.InvalidTransition,
            errors.RefundExceedsPayment,
            errors.RefundFailed,
        ),
        body=schemas.RefundOrderBody,
        headers=KEY,
        scope=STAFF_SCOPE,
    ),
    "list_products": Operation("Catalogue", "List the catalogue", "All products, by id.", {200: answers.ProductList}),
    "health": Operation(
        "Operation",
        "Look whether it works",
        "Looks at each part that an order needs. Without a token.",
        {200: answers.Health},
        (errors.Unhealthy,),
        asks_for_store=True,
    ),
    "receive_stripe_event": Operation(
        "Operation",
        "Receive an event of Stripe's",
        "For Stripe to call, where it is the gateway. What an event says is not read but which payment it is about, by "
        "`payment_id` in the metadata of its object; that payment is then settled as if it were due. Events of other "
        "things are received and left alone.",
        {200: answers.Received},
        (errors.InvalidSignature, errors.InvalidJson, errors.IdempotencyInProgress),
        body=answers.StripeEvent,
        headers=("Stripe-Signature",),
    ),
}
NO_OPERATIONS = {"get_web_file"}
"""Functions that answer browsers, not programs."""
