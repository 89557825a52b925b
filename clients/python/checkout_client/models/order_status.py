from enum import StrEnum


class OrderStatus(StrEnum):
    ARCHIVED = "archived"
    CANCELLED = "cancelled"
    CREATED = "created"
    FULFILLED = "fulfilled"
    PAID = "paid"
    REFUNDED = "refunded"

    def __str__(self) -> str:
        return str(self.value)
