"""The catalogue's entries."""

from dataclasses import dataclass

from checkout.money import Money

__all__ = ["Product"]


@dataclass(frozen=True, slots=True)
class Product:
    """What can be ordered, at its present price for one."""

    product_id: str
    name: str
    unit_price: Money
