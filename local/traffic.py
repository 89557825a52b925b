"""Mixed traffic of customers and staff, for as long as one wants to look at it."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from checkout.caller import STAFF_SCOPE
from local.keys import issue_token
from local.shopper import Shopper, new_key, new_order, payment_of

__all__ = ["make_traffic"]

CUSTOMERS = 4
PRODUCTS = ("mug", "tea", "whisk", "teapot")
TOKENS = {
    "tok_visa": 14,
    "tok_chargeDeclined": 2,
    "tok_timeoutAfterCharge": 2,
    "tok_timeoutBeforeCharge": 1,
    "tok_unavailable": 1,
}
"""How a payment goes, and how often of twenty times."""


def make_traffic(address: str, seconds: float, *, seed: int = 0, progress: Callable[[], object] = lambda: None) -> None:
    """Customers who shop, one after the other and several at once; each does at least one round.

    `progress` is called after each. What they do is drawn by a seeded chance.
    """

    def shop_on(number: int) -> None:
        chance = random.Random(f"{seed} {number}")  # noqa: S311  nothing here is secret
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
            customer = Shopper(http, issue_token(f"customer-{number}"))
            staff = Shopper(http, issue_token("sam", scope=STAFF_SCOPE))
            until = time.monotonic() + seconds
            while True:
                shop(customer, staff, chance)
                progress()
                if time.monotonic() >= until:
                    return

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        for done in [pool.submit(shop_on, number) for number in range(CUSTOMERS)]:
            done.result()


def shop(customer: Shopper, staff: Shopper, chance: random.Random) -> None:
    """One round: an order that is paid, or not, and what follows."""
    customer.ask("GET", "/products")
    lines = [(product, chance.randint(1, 3)) for product in chance.sample(PRODUCTS, chance.randint(1, 3))]
    order = customer.ask("POST", "/orders", new_order(*lines), key=new_key()).json()
    path = f"/orders/{order['id']}"
    if chance.random() < 0.1:
        customer.ask("POST", f"{path}/cancel")
        return
    [token] = chance.choices(list(TOKENS), weights=list(TOKENS.values()))
    key = new_key()
    answer = customer.ask("POST", "/pay", payment_of(order, token), key=key)
    if answer.status_code == httpx.codes.PAYMENT_REQUIRED:
        answer = customer.ask("POST", "/pay", payment_of(order), key=new_key())
    if answer.status_code == httpx.codes.CREATED:
        transaction_id = answer.json()["transaction_id"]
        customer.ask("GET", f"/payments/{transaction_id}")
        customer.ask("PATCH", f"{path}/pay", {"transaction_id": transaction_id})
        finish(staff, path, chance)
    customer.ask("GET", path)
    customer.ask("GET", f"{path}/audit")
    customer.ask("GET", "/orders?limit=5")
    customer.ask("GET", "/health")


def finish(staff: Shopper, path: str, chance: random.Random) -> None:
    """What staff do with a paid order."""
    if chance.random() < 0.6:
        staff.ask("POST", f"{path}/fulfil")
    if chance.random() < 0.15:
        staff.ask("POST", f"{path}/refunds", {"amount": 500, "reason": "one handle was off"}, key=new_key())
    if chance.random() < 0.1:
        staff.ask("POST", f"{path}/refunds", {}, key=new_key())
