from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.payment_result_status import PaymentResultStatus

T = TypeVar("T", bound="PaymentResult")


@_attrs_define
class PaymentResult:
    """The card was charged.

    Attributes:
        transaction_id (str):
        order_id (str):
        amount (int): in minor units of the currency
        currency (str): ISO 4217, in lower case
        status (PaymentResultStatus):
        duplicate (bool): whether an earlier request with the same key got this answer
        created_at (datetime.datetime):
    """

    transaction_id: str
    order_id: str
    amount: int
    currency: str
    status: PaymentResultStatus
    duplicate: bool
    created_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        transaction_id = self.transaction_id

        order_id = self.order_id

        amount = self.amount

        currency = self.currency

        status = self.status.value

        duplicate = self.duplicate

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "transaction_id": transaction_id,
                "order_id": order_id,
                "amount": amount,
                "currency": currency,
                "status": status,
                "duplicate": duplicate,
                "created_at": created_at,
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

        status = PaymentResultStatus(d.pop("status"))

        duplicate = d.pop("duplicate")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        payment_result = cls(
            transaction_id=transaction_id,
            order_id=order_id,
            amount=amount,
            currency=currency,
            status=status,
            duplicate=duplicate,
            created_at=created_at,
        )

        return payment_result
