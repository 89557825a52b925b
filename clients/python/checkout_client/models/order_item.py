from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="OrderItem")


@_attrs_define
class OrderItem:
    """
    Attributes:
        product_id (str):
        name (str):
        quantity (int):
        unit_price (int): in minor units of the currency
        amount (int): in minor units of the currency
    """

    product_id: str
    name: str
    quantity: int
    unit_price: int
    amount: int

    def to_dict(self) -> dict[str, Any]:
        product_id = self.product_id

        name = self.name

        quantity = self.quantity

        unit_price = self.unit_price

        amount = self.amount

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "product_id": product_id,
                "name": name,
                "quantity": quantity,
                "unit_price": unit_price,
                "amount": amount,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        product_id = d.pop("product_id")

        name = d.pop("name")

        quantity = d.pop("quantity")

        unit_price = d.pop("unit_price")

        amount = d.pop("amount")

        order_item = cls(
            product_id=product_id,
            name=name,
            quantity=quantity,
            unit_price=unit_price,
            amount=amount,
        )

        return order_item
