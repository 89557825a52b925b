from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="MarkOrderPaidBody")


@_attrs_define
class MarkOrderPaidBody:
    """PATCH /orders/{order_id}/pay.

    Attributes:
        transaction_id (str): of a payment of the order that succeeded
    """

    transaction_id: str

    def to_dict(self) -> dict[str, Any]:
        transaction_id = self.transaction_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "transaction_id": transaction_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        transaction_id = d.pop("transaction_id")

        mark_order_paid_body = cls(
            transaction_id=transaction_id,
        )

        return mark_order_paid_body
