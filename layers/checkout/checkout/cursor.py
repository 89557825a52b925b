"""Cursors of list_orders: where a page begins, signed, and good for one customer's list only (FR-109)."""

import hashlib
from traceback import clear_frames

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from checkout.clock import Clock
from checkout.errors import InvalidCursor
from checkout.transitions import OrderStatus

__all__ = ["CursorSigner"]

MAX_AGE_SECONDS = 24 * 60 * 60


class CursorSigner:
    """Writes and reads cursors; the customer and the status are part of the signature, not of the cursor."""

    def __init__(self, secret: str, *, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def sign(self, order_id: str, customer_id: str, status: OrderStatus | None) -> str:
        return str(self._serializer(customer_id, status).dumps(order_id))

    def read(self, cursor: str, customer_id: str, status: OrderStatus | None) -> str:
        """The order id that the page begins with. Raises InvalidCursor."""
        try:
            order_id = str(self._serializer(customer_id, status).loads(cursor, max_age=MAX_AGE_SECONDS))
            # Base64 has several spellings of the same bytes; only the one that was given out is the cursor.
            signature = cursor.rpartition(".")[2]
            if base64_encode(base64_decode(signature)).decode() != signature:
                raise InvalidCursor
        except (BadData, UnicodeError) as error:
            # itsdangerous keeps its error in a frame that the error keeps, and so the whole request until it is found.
            clear_frames(error.__traceback__)
            raise InvalidCursor from error
        return order_id

    def _serializer(self, customer_id: str, status: OrderStatus | None) -> URLSafeTimedSerializer:
        clock = self._clock

        class ClockedSigner(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(clock().timestamp())

        return URLSafeTimedSerializer(
            self._secret,
            salt=f"list_orders|{status or ''}|{customer_id}",
            signer=ClockedSigner,
            signer_kwargs={"digest_method": hashlib.sha256},
        )
