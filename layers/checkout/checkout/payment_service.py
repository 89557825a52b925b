"""Looking at payments, and linking them to their orders."""

from checkout.caller import Caller
from checkout.errors import OrderNotFound, PaymentMismatch, PaymentNotFound
from checkout.order_access import get_visible_payment
from checkout.order_reader import OrderReader, hold_order
from checkout.order_table import decide_on_latest
from checkout.orders import Order
from checkout.payment_recorder import PaymentRecorder
from checkout.payments import Payment

__all__ = ["PaymentService"]


class PaymentService:
    """One method an operation. Each may raise StoreUnavailable besides what it says."""

    def __init__(self, orders: OrderReader, recorder: PaymentRecorder) -> None:
        self._orders = orders
        self._recorder = recorder

    def get_payment(self, caller: Caller, transaction_id: str) -> Payment:
        """FR-024. Raises PaymentNotFound, also where the payment is another customer's (FR-003)."""
        return get_visible_payment(self._orders, caller, transaction_id)

    def mark_order_paid(self, caller: Caller, order_id: str, transaction_id: str) -> tuple[Order, bool]:
        """The order, paid by the payment, and whether this call made it so (FR-025, FR-026).

        Raises OrderNotFound, PaymentNotFound, PaymentMismatch, OrderAlreadyPaid, InvalidTransition,
        PaymentNotSucceeded (FR-027).
        """

        def link() -> tuple[Order, bool]:
            order, payment = self._orders.get_order_and_payment(
                caller.customer_id, order_id, transaction_id, caller.deadline
            )
            if order is None:
                raise OrderNotFound
            if payment is None or payment.customer_id != caller.customer_id:
                raise PaymentNotFound
            if payment.order_id != order.order_id:
                raise PaymentMismatch(transaction_id=payment.payment_id)
            return self._recorder.link(caller, hold_order(order, payment), payment)

        return decide_on_latest(link)
