from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.create_order_body_metadata import CreateOrderBodyMetadata
    from ..models.order_line_body import OrderLineBody


T = TypeVar("T", bound="CreateOrderBody")


@_attrs_define
class CreateOrderBody:
    """POST /orders.

    Attributes:
        items (list[OrderLineBody]):
        currency (None | str | Unset): ISO 4217; the products' by default
        metadata (CreateOrderBodyMetadata | Unset): the client's own; kept with the order and given back
        idempotency_key (None | str | Unset): in place of the header Idempotency-Key
    """

    items: list[OrderLineBody]
    currency: None | str | Unset = UNSET
    metadata: CreateOrderBodyMetadata | Unset = UNSET
    idempotency_key: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        currency: None | str | Unset
        if isinstance(self.currency, Unset):
            currency = UNSET
        else:
            currency = self.currency

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        idempotency_key: None | str | Unset
        if isinstance(self.idempotency_key, Unset):
            idempotency_key = UNSET
        else:
            idempotency_key = self.idempotency_key

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "items": items,
            }
        )
        if currency is not UNSET:
            field_dict["currency"] = currency
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if idempotency_key is not UNSET:
            field_dict["idempotency_key"] = idempotency_key

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.create_order_body_metadata import CreateOrderBodyMetadata  # noqa: PLC0415
        from ..models.order_line_body import OrderLineBody  # noqa: PLC0415

        d = dict(src_dict)
        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = OrderLineBody.from_dict(items_item_data)

            items.append(items_item)

        def _parse_currency(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        currency = _parse_currency(d.pop("currency", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: CreateOrderBodyMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = CreateOrderBodyMetadata.from_dict(_metadata)

        def _parse_idempotency_key(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        idempotency_key = _parse_idempotency_key(d.pop("idempotency_key", UNSET))

        create_order_body = cls(
            items=items,
            currency=currency,
            metadata=metadata,
            idempotency_key=idempotency_key,
        )

        return create_order_body
