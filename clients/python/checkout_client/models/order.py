from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.order_status import OrderStatus

if TYPE_CHECKING:
    from ..models.order_item import OrderItem
    from ..models.order_metadata import OrderMetadata


T = TypeVar("T", bound="Order")


@_attrs_define
class Order:
    """An order as its customer sees it.

    Attributes:
        id (str):
        status (OrderStatus):
        total_amount (int): in minor units of the currency
        currency (str): ISO 4217, in lower case
        items (list[OrderItem]):
        payment_transaction_id (None | str): null until the order is paid
        refunded_amount (int): in minor units of the currency
        metadata (OrderMetadata): the client's own, as it was sent
        version (int): counts the changes that clients see
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
    """

    id: str
    status: OrderStatus
    total_amount: int
    currency: str
    items: list[OrderItem]
    payment_transaction_id: None | str
    refunded_amount: int
    metadata: OrderMetadata
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        status = self.status.value

        total_amount = self.total_amount

        currency = self.currency

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        payment_transaction_id: None | str
        payment_transaction_id = self.payment_transaction_id

        refunded_amount = self.refunded_amount

        metadata = self.metadata.to_dict()

        version = self.version

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "status": status,
                "total_amount": total_amount,
                "currency": currency,
                "items": items,
                "payment_transaction_id": payment_transaction_id,
                "refunded_amount": refunded_amount,
                "metadata": metadata,
                "version": version,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.order_item import OrderItem  # noqa: PLC0415
        from ..models.order_metadata import OrderMetadata  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        status = OrderStatus(d.pop("status"))

        total_amount = d.pop("total_amount")

        currency = d.pop("currency")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = OrderItem.from_dict(items_item_data)

            items.append(items_item)

        def _parse_payment_transaction_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        payment_transaction_id = _parse_payment_transaction_id(d.pop("payment_transaction_id"))

        refunded_amount = d.pop("refunded_amount")

        metadata = OrderMetadata.from_dict(d.pop("metadata"))

        version = d.pop("version")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        order = cls(
            id=id,
            status=status,
            total_amount=total_amount,
            currency=currency,
            items=items,
            payment_transaction_id=payment_transaction_id,
            refunded_amount=refunded_amount,
            metadata=metadata,
            version=version,
            created_at=created_at,
            updated_at=updated_at,
        )

        return order
