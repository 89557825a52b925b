"""Which orders and payments a caller may see: their own, and staff any (FR-003, FR-216)."""

from checkout.caller import Caller
from checkout.errors import OrderNotFound, PaymentNotFound
from checkout.order_reader import OrderReader
from checkout.orders import Order
from checkout.payments import Payment

__all__ = ["get_visible_order", "get_visible_payment"]


def get_visible_order(orders: OrderReader, caller: Caller, order_id: str) -> Order:
    """Raises OrderNotFound, also where the order is another customer's and the caller is not staff."""
    order = orders.find_order(order_id) if caller.is_staff else orders.get_order(caller.customer_id, order_id)
    if order is None:
        raise OrderNotFound
    return order


def get_visible_payment(orders: OrderReader, caller: Caller, payment_id: str) -> Payment:
    """Raises PaymentNotFound, also where the payment is another customer's and the caller is not staff."""
    payment = orders.find_payment(payment_id, None if caller.is_staff else caller.customer_id)
    if payment is None:
        raise PaymentNotFound
    return payment
