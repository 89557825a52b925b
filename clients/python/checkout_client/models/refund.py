from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.refund_status import RefundStatus

T = TypeVar("T", bound="Refund")


@_attrs_define
class Refund:
    """A refund of an order's payment.

    Attributes:
        refund_id (str):
        order_id (str):
        transaction_id (str):
        status (RefundStatus):
        amount (int): in minor units of the currency
        currency (str): ISO 4217, in lower case
        created_at (datetime.datetime):
    """

    refund_id: str
    order_id: str
    transaction_id: str
    status: RefundStatus
    amount: int
    currency: str
    created_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        refund_id = self.refund_id

        order_id = self.order_id

        transaction_id = self.transaction_id

        status = self.status.value

        amount = self.amount

        currency = self.currency

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "refund_id": refund_id,
                "order_id": order_id,
                "transaction_id": transaction_id,
                "status": status,
                "amount": amount,
                "currency": currency,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        refund_id = d.pop("refund_id")

        order_id = d.pop("order_id")

        transaction_id = d.pop("transaction_id")

        status = RefundStatus(d.pop("status"))

        amount = d.pop("amount")

        currency = d.pop("currency")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        refund = cls(
            refund_id=refund_id,
            order_id=order_id,
            transaction_id=transaction_id,
            status=status,
            amount=amount,
            currency=currency,
            created_at=created_at,
        )

        return refund
