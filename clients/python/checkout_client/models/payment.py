from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.payment_status import PaymentStatus

T = TypeVar("T", bound="Payment")


@_attrs_define
class Payment:
    """A payment as it is now.

    Attributes:
        transaction_id (str):
        order_id (str):
        amount (int): in minor units of the currency
        currency (str): ISO 4217, in lower case
        status (PaymentStatus):
        refunded_amount (int): in minor units of the currency
        decline_code (None | str): null unless the card was declined
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
    """

    transaction_id: str
    order_id: str
    amount: int
    currency: str
    status: PaymentStatus
    refunded_amount: int
    decline_code: None | str
    created_at: datetime.datetime
    updated_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        transaction_id = self.transaction_id

        order_id = self.order_id

        amount = self.amount

        currency = self.currency

        status = self.status.value

        refunded_amount = self.refunded_amount

        decline_code: None | str
        decline_code = self.decline_code

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "transaction_id": transaction_id,
                "order_id": order_id,
                "amount": amount,
                "currency": currency,
                "status": status,
                "refunded_amount": refunded_amount,
                "decline_code": decline_code,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        transaction_id = d.pop("transaction_id")

        order_id = d.pop("order_id")

        amount = d.pop("amount")

        currency = d.pop("currency")

        status = PaymentStatus(d.pop("status"))

        refunded_amount = d.pop("refunded_amount")

        def _parse_decline_code(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        decline_code = _parse_decline_code(d.pop("decline_code"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        payment = cls(
            transaction_id=transaction_id,
            order_id=order_id,
            amount=amount,
            currency=currency,
            status=status,
            refunded_amount=refunded_amount,
            decline_code=decline_code,
            created_at=created_at,
            updated_at=updated_at,
        )

        return payment
