"""Every refusal of the checkout, with its stable code, its HTTP status and the facts a client needs.

    CheckoutError
    ├── InvalidRequest                  the request itself is wrong
    │   ├── InvalidJson                     400 invalid_json
    │   ├── ValidationFailed                422 validation_error
    │   ├── CardNumberRefused               422 card_number_refused
    │   ├── IdempotencyKeyRequired          400 idempotency_key_required
    │   ├── IdempotencyKeyConflict          400 idempotency_key_conflict
    │   ├── IdempotencyKeyReused            422 idempotency_key_reused
    │   ├── InvalidCursor                   400 invalid_cursor
    │   ├── InvalidSignature                400 invalid_signature
    │   ├── InvalidToken                    422 invalid_token
    │   ├── ProductNotFound                 422 product_not_found
    │   ├── AmountOutOfRange                422 amount_out_of_range
    │   └── AmountMismatch                  422 amount_mismatch
    ├── InsufficientScope               403 insufficient_scope
    ├── NotFound                        nothing there, or not the caller's
    │   ├── OrderNotFound                   404 order_not_found
    │   └── PaymentNotFound                 404 payment_not_found
    ├── Conflict                        the request is right, the state says no
    │   ├── IdempotencyInProgress           409 idempotency_in_progress
    │   ├── PriceChanged                    409 price_changed
    │   ├── InvalidTransition               409 invalid_transition
    │   ├── OrderNotPayable                 409 order_not_payable
    │   ├── OrderAlreadyPaid                409 order_already_paid
    │   ├── PaymentInProgress               409 payment_in_progress
    │   ├── PaymentAlreadySucceeded         409 payment_already_succeeded
    │   ├── PaymentNotSucceeded             409 payment_not_succeeded
    │   ├── PaymentMismatch                 409 payment_mismatch
    │   ├── RefundExceedsPayment            409 refund_exceeds_payment
    │   └── RefundFailed                    409 refund_failed
    ├── CardDeclined                        402 card_declined
    ├── TooManyAttempts                     429 too_many_attempts
    └── Unavailable                     try again
        ├── GatewayUnavailable              503 gateway_unavailable
        ├── StoreUnavailable                503 store_unavailable
        └── Unhealthy                       503 unhealthy

A fact named here is a member of the problem document (RFC 9457) that the caller receives (FR-004).
"""

from collections.abc import Mapping
from typing import ClassVar

__all__ = [
    "AmountMismatch",
    "AmountOutOfRange",
    "CardDeclined",
    "CardNumberRefused",
    "CheckoutError",
    "Conflict",
    "GatewayUnavailable",
    "IdempotencyInProgress",
    "IdempotencyKeyConflict",
    "IdempotencyKeyRequired",
    "IdempotencyKeyReused",
    "InsufficientScope",
    "InvalidCursor",
    "InvalidJson",
    "InvalidRequest",
    "InvalidSignature",
    "InvalidToken",
    "InvalidTransition",
    "NotFound",
    "OrderAlreadyPaid",
    "OrderNotFound",
    "OrderNotPayable",
    "PaymentAlreadySucceeded",
    "PaymentInProgress",
    "PaymentMismatch",
    "PaymentNotFound",
    "PaymentNotSucceeded",
    "PriceChanged",
    "ProductNotFound",
    "RefundExceedsPayment",
    "RefundFailed",
    "StoreUnavailable",
    "TooManyAttempts",
    "Unavailable",
    "Unhealthy",
    "ValidationFailed",
]


class CheckoutError(Exception):
    """A refusal: `status` and `code` by class, `title` from its docstring, `detail` and `facts` by instance."""

    status: ClassVar[int]
    code: ClassVar[str]
    retry_after: int | None = None
    """Seconds after which the same request is worth sending again; None where it is not."""

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts: Mapping[str, object] = facts

    @property
    def title(self) -> str:
        return self.code.replace("_", " ").capitalize()


class InvalidRequest(CheckoutError):
    """The request itself is wrong: sent again unchanged, it is refused again."""

    status = 422


class InvalidJson(InvalidRequest):
    """The body is not JSON in UTF-8, or is JSON of another kind than is received there."""

    status = 400
    code = "invalid_json"


class ValidationFailed(InvalidRequest):
    """Facts: errors, a list of {field, message}."""

    code = "validation_error"

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("The request has fields that cannot be accepted.", errors=errors)

    @classmethod
    def of_field(cls, field: str, message: str) -> "ValidationFailed":
        return cls([{"field": field, "message": message}])


class CardNumberRefused(InvalidRequest):
    code = "card_number_refused"

    def __init__(self) -> None:
        super().__init__("The request holds what looks like a card number. Send a token of your payment gateway.")


class IdempotencyKeyRequired(InvalidRequest):
    status = 400
    code = "idempotency_key_required"

    def __init__(self) -> None:
        super().__init__("Send an Idempotency-Key header, or idempotency_key in the body.")


class IdempotencyKeyConflict(InvalidRequest):
    status = 400
    code = "idempotency_key_conflict"

    def __init__(self) -> None:
        super().__init__("The Idempotency-Key header and idempotency_key in the body differ.")


class IdempotencyKeyReused(InvalidRequest):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used with another payload.")


class InvalidCursor(InvalidRequest):
    status = 400
    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("The cursor was altered, has expired, or belongs to another list.")


class InvalidSignature(InvalidRequest):
    status = 400
    code = "invalid_signature"

    def __init__(self) -> None:
        super().__init__("The event is not signed with a secret of this endpoint, or not lately.")


class InvalidToken(InvalidRequest):
    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("The payment gateway does not know this token.")


class ProductNotFound(InvalidRequest):
    """Facts: product_id."""

    code = "product_not_found"

    def __init__(self, product_id: str) -> None:
        super().__init__("A product of the order is not in the catalogue.", product_id=product_id)


class AmountOutOfRange(InvalidRequest):
    """Facts: total_amount, minimum, maximum, in minor units of currency."""

    code = "amount_out_of_range"

    def __init__(self, *, total_amount: int, minimum: int, maximum: int, currency: str) -> None:
        super().__init__(
            "The total of the order is out of range.",
            total_amount=total_amount,
            minimum=minimum,
            maximum=maximum,
            currency=currency,
        )


class AmountMismatch(InvalidRequest):
    """Facts: expected_amount, expected_currency."""

    code = "amount_mismatch"

    def __init__(self, *, expected_amount: int, expected_currency: str) -> None:
        super().__init__(
            "Amount or currency is not the order's.",
            expected_amount=expected_amount,
            expected_currency=expected_currency,
        )


class InsufficientScope(CheckoutError):
    """Facts: required_scope."""

    status = 403
    code = "insufficient_scope"

    def __init__(self, *, required_scope: str) -> None:
        super().__init__("Your token does not allow this.", required_scope=required_scope)


class NotFound(CheckoutError):
    """Nothing there, or not the caller's: the answer does not tell which (FR-003)."""

    status = 404


class OrderNotFound(NotFound):
    code = "order_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such order.")


class PaymentNotFound(NotFound):
    code = "payment_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such payment.")


class Conflict(CheckoutError):
    """The request is right; the state of what it is about says no."""

    status = 409


class IdempotencyInProgress(Conflict):
    code = "idempotency_in_progress"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("A request with this idempotency key is still running.")


class PriceChanged(Conflict):
    """Facts: product_id, expected (what the client sent), current, in minor units."""

    code = "price_changed"

    def __init__(self, *, product_id: str, expected: int, current: int) -> None:
        super().__init__(
            "The price of a product is not the one sent.", product_id=product_id, expected=expected, current=current
        )


class InvalidTransition(Conflict):
    """Facts: current_status, requested_status, allowed_transitions (FR-116)."""

    code = "invalid_transition"

    def __init__(self, *, current_status: str, requested_status: str, allowed_transitions: list[str]) -> None:
        super().__init__(
            f"An order that is {current_status} cannot become {requested_status}.",
            current_status=current_status,
            requested_status=requested_status,
            allowed_transitions=allowed_transitions,
        )


class OrderNotPayable(Conflict):
    """Facts: current_status."""

    code = "order_not_payable"

    def __init__(self, *, current_status: str) -> None:
        super().__init__(f"An order that is {current_status} takes no payment.", current_status=current_status)


class OrderAlreadyPaid(Conflict):
    """Facts: payment_transaction_id, the payment that is linked."""

    code = "order_already_paid"

    def __init__(self, *, payment_transaction_id: str) -> None:
        super().__init__("The order is paid by another payment.", payment_transaction_id=payment_transaction_id)


class PaymentInProgress(Conflict):
    """Facts: transaction_id of the payment that holds the order."""

    code = "payment_in_progress"
    retry_after = 1

    def __init__(self, *, transaction_id: str) -> None:
        super().__init__("A payment of this order is under way.", transaction_id=transaction_id)


class PaymentAlreadySucceeded(Conflict):
    """Facts: transaction_id of the payment that succeeded."""

    code = "payment_already_succeeded"

    def __init__(self, *, transaction_id: str) -> None:
        super().__init__("A payment of this order has succeeded.", transaction_id=transaction_id)


class PaymentNotSucceeded(Conflict):
    """Facts: transaction_id, payment_status."""

    code = "payment_not_succeeded"

    def __init__(self, *, transaction_id: str, payment_status: str) -> None:
        super().__init__("The payment has not succeeded.", transaction_id=transaction_id, payment_status=payment_status)


class PaymentMismatch(Conflict):
    """Facts: transaction_id."""

    code = "payment_mismatch"

    def __init__(self, *, transaction_id: str) -> None:
        super().__init__("The payment is for another order.", transaction_id=transaction_id)


class RefundExceedsPayment(Conflict):
    """Facts: requested_amount, refundable_amount, in minor units of currency; what is on its way back counts."""

    code = "refund_exceeds_payment"

    def __init__(self, *, requested_amount: int, refundable_amount: int, currency: str) -> None:
        super().__init__(
            "The payment has not that much left to refund.",
            requested_amount=requested_amount,
            refundable_amount=refundable_amount,
            currency=currency,
        )


class RefundFailed(Conflict):
    """Facts: refund_id, transaction_id, failure_reason. The money is still there, and may be refunded again."""

    code = "refund_failed"

    def __init__(self, *, refund_id: str, transaction_id: str, failure_reason: str) -> None:
        super().__init__(
            "The payment gateway could not refund the payment.",
            refund_id=refund_id,
            transaction_id=transaction_id,
            failure_reason=failure_reason,
        )


class CardDeclined(CheckoutError):
    """Facts: decline_code, transaction_id. The order stays payable."""

    status = 402
    code = "card_declined"

    def __init__(self, *, decline_code: str, transaction_id: str) -> None:
        super().__init__("The card was declined.", decline_code=decline_code, transaction_id=transaction_id)


class TooManyAttempts(CheckoutError):
    """Facts: limit, and what has reached it: an order's payments or declined_payments, a customer's hourly_declines."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, detail: str, *, limit: int, retry_after: int | None = None, **reached: int) -> None:
        super().__init__(detail, **reached, limit=limit)
        self.retry_after = retry_after


class Unavailable(CheckoutError):
    """Something the checkout needs does not answer; nothing was taken from the customer by this request."""

    status = 503
    retry_after = 5


class GatewayUnavailable(Unavailable):
    code = "gateway_unavailable"

    def __init__(self) -> None:
        super().__init__("The payment gateway is not available. The card was not charged.")


class StoreUnavailable(Unavailable):
    code = "store_unavailable"

    def __init__(self) -> None:
        super().__init__("The checkout is busy. Send the same request again.")


class Unhealthy(Unavailable):
    """Facts: version, checks, a result by name."""

    code = "unhealthy"

    def __init__(self, *, version: str, checks: Mapping[str, str]) -> None:
        super().__init__("A check failed.", version=version, checks=dict(checks))
