"""Contains all the data models used in inputs/outputs"""

from .amount_mismatch import AmountMismatch
from .amount_out_of_range import AmountOutOfRange
from .audit_entry import AuditEntry
from .audit_entry_actor import AuditEntryActor
from .audit_entry_facts import AuditEntryFacts
from .audit_trail import AuditTrail
from .card_declined import CardDeclined
from .card_number_refused import CardNumberRefused
from .create_order_body import CreateOrderBody
from .create_order_body_metadata import CreateOrderBodyMetadata
from .field_error import FieldError
from .gateway_message import GatewayMessage
from .gateway_unavailable import GatewayUnavailable
from .health import Health
from .health_checks import HealthChecks
from .idempotency_in_progress import IdempotencyInProgress
from .idempotency_key_conflict import IdempotencyKeyConflict
from .idempotency_key_required import IdempotencyKeyRequired
from .idempotency_key_reused import IdempotencyKeyReused
from .insufficient_scope import InsufficientScope
from .internal_error import InternalError
from .invalid_cursor import InvalidCursor
from .invalid_json import InvalidJson
from .invalid_signature import InvalidSignature
from .invalid_token import InvalidToken
from .invalid_transition import InvalidTransition
from .mark_order_paid_body import MarkOrderPaidBody
from .order import Order
from .order_already_paid import OrderAlreadyPaid
from .order_item import OrderItem
from .order_line_body import OrderLineBody
from .order_metadata import OrderMetadata
from .order_not_found import OrderNotFound
from .order_not_payable import OrderNotPayable
from .order_page import OrderPage
from .order_status import OrderStatus
from .pay_body import PayBody
from .payment import Payment
from .payment_already_succeeded import PaymentAlreadySucceeded
from .payment_in_progress import PaymentInProgress
from .payment_mismatch import PaymentMismatch
from .payment_not_found import PaymentNotFound
from .payment_not_succeeded import PaymentNotSucceeded
from .payment_pending import PaymentPending
from .payment_pending_next_action_type_0 import PaymentPendingNextActionType0
from .payment_result import PaymentResult
from .payment_result_status import PaymentResultStatus
from .payment_status import PaymentStatus
from .price_changed import PriceChanged
from .product import Product
from .product_list import ProductList
from .product_not_found import ProductNotFound
from .received import Received
from .refund import Refund
from .refund_exceeds_payment import RefundExceedsPayment
from .refund_failed import RefundFailed
from .refund_order_body import RefundOrderBody
from .refund_status import RefundStatus
from .store_unavailable import StoreUnavailable
from .stripe_event import StripeEvent
from .stripe_event_data import StripeEventData
from .too_many_attempts import TooManyAttempts
from .unhealthy import Unhealthy
from .unhealthy_checks import UnhealthyChecks
from .validation_failed import ValidationFailed

__all__ = (
    "AmountMismatch",
    "AmountOutOfRange",
    "AuditEntry",
    "AuditEntryActor",
    "AuditEntryFacts",
    "AuditTrail",
    "CardDeclined",
    "CardNumberRefused",
    "CreateOrderBody",
    "CreateOrderBodyMetadata",
    "FieldError",
    "GatewayMessage",
    "GatewayUnavailable",
    "Health",
    "HealthChecks",
    "IdempotencyInProgress",
    "IdempotencyKeyConflict",
    "IdempotencyKeyRequired",
    "IdempotencyKeyReused",
    "InsufficientScope",
    "InternalError",
    "InvalidCursor",
    "InvalidJson",
    "InvalidSignature",
    "InvalidToken",
    "InvalidTransition",
    "MarkOrderPaidBody",
    "Order",
    "OrderAlreadyPaid",
    "OrderItem",
    "OrderLineBody",
    "OrderMetadata",
    "OrderNotFound",
    "OrderNotPayable",
    "OrderPage",
    "OrderStatus",
    "PayBody",
    "Payment",
    "PaymentAlreadySucceeded",
    "PaymentInProgress",
    "PaymentMismatch",
    "PaymentNotFound",
    "PaymentNotSucceeded",
    "PaymentPending",
    "PaymentPendingNextActionType0",
    "PaymentResult",
    "PaymentResultStatus",
    "PaymentStatus",
    "PriceChanged",
    "Product",
    "ProductList",
    "ProductNotFound",
    "Received",
    "Refund",
    "RefundExceedsPayment",
    "RefundFailed",
    "RefundOrderBody",
    "RefundStatus",
    "StoreUnavailable",
    "StripeEvent",
    "StripeEventData",
    "TooManyAttempts",
    "Unhealthy",
    "UnhealthyChecks",
    "ValidationFailed",
)
