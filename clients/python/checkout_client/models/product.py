from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Product")


@_attrs_define
class Product:
    """
    Attributes:
        product_id (str):
        name (str):
        unit_price (int): in minor units of the currency
        currency (str): ISO 4217, in lower case
    """

    product_id: str
    name: str
    unit_price: int
    currency: str

    def to_dict(self) -> dict[str, Any]:
        product_id = self.product_id

        name = self.name

        unit_price = self.unit_price

        currency = self.currency

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "product_id": product_id,
                "name": name,
                "unit_price": unit_price,
                "currency": currency,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        product_id = d.pop("product_id")

        name = d.pop("name")

        unit_price = d.pop("unit_price")

        currency = d.pop("currency")

        product = cls(
            product_id=product_id,
            name=name,
            unit_price=unit_price,
            currency=currency,
        )

        return product
