from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="PayBody")


@_attrs_define
class PayBody:
    """POST /pay. The amount may be any: one that is not the order's is a mismatch, not a mistake of form.

    Attributes:
        order_id (str):
        token (str): the gateway's
        amount (int): the order's total, in minor units
        currency (str): the order's, ISO 4217
        idempotency_key (None | str | Unset): in place of the header Idempotency-Key
    """

    order_id: str
    token: str
    amount: int
    currency: str
    idempotency_key: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        order_id = self.order_id

        token = self.token

        amount = self.amount

        currency = self.currency

        idempotency_key: None | str | Unset
        if isinstance(self.idempotency_key, Unset):
            idempotency_key = UNSET
        else:
            idempotency_key = self.idempotency_key

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "order_id": order_id,
                "token": token,
                "amount": amount,
                "currency": currency,
            }
        )
        if idempotency_key is not UNSET:
            field_dict["idempotency_key"] = idempotency_key

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        order_id = d.pop("order_id")

        token = d.pop("token")

        amount = d.pop("amount")

        currency = d.pop("currency")

        def _parse_idempotency_key(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        idempotency_key = _parse_idempotency_key(d.pop("idempotency_key", UNSET))

        pay_body = cls(
            order_id=order_id,
            token=token,
            amount=amount,
            currency=currency,
            idempotency_key=idempotency_key,
        )

        return pay_body
