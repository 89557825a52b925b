"""Somebody who calls the checkout over HTTP, and what they send."""

import uuid
from typing import Any

import httpx

__all__ = ["Shopper", "new_key", "new_order", "payment_of"]


class Shopper:
    """A caller with a token."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http = http
        self._token = token

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None) -> httpx.Response:
        """Sends a request, with an idempotency key where one is given."""
        headers = {"authorization": f"Bearer {self._token}"}
        if key:
            headers["idempotency-key"] = key
        return self._http.request(method, path, json=body, headers=headers)


def new_order(*lines: tuple[str, int]) -> dict[str, Any]:
    return {"items": [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]}


def payment_of(order: dict[str, Any], token: str = "tok_visa") -> dict[str, Any]:  # noqa: S107  a test token
    return {
        "order_id": order["id"],
        "token": token,
        "amount": order["total_amount"],
        "currency": order["currency"],
    }


def new_key() -> str:
    return str(uuid.uuid4())
