from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.payment_pending_next_action_type_0 import PaymentPendingNextActionType0


T = TypeVar("T", bound="PaymentPending")


@_attrs_define
class PaymentPending:
    """The outcome is not known yet, or waits for the customer: `next_action` is what the client needs for that.

    Attributes:
        transaction_id (str):
        order_id (str):
        amount (int): in minor units of the currency
        currency (str): ISO 4217, in lower case
        status (Literal['pending']):
        duplicate (bool): whether an earlier request with the same key got this answer
        created_at (datetime.datetime):
        next_action (None | PaymentPendingNextActionType0 | Unset):
    """

    transaction_id: str
    order_id: str
    amount: int
    currency: str
    status: Literal["pending"]
    duplicate: bool
    created_at: datetime.datetime
    next_action: None | PaymentPendingNextActionType0 | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.payment_pending_next_action_type_0 import (
            PaymentPendingNextActionType0,  # noqa: PLC0415
        )

        transaction_id = self.transaction_id

        order_id = self.order_id

        amount = self.amount

        currency = self.currency

        status = self.status

        duplicate = self.duplicate

        created_at = self.created_at.isoformat()

        next_action: dict[str, Any] | None | Unset
        if isinstance(self.next_action, Unset):
            next_action = UNSET
        elif isinstance(self.next_action, PaymentPendingNextActionType0):
            next_action = self.next_action.to_dict()
        else:
            next_action = self.next_action

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
        if next_action is not UNSET:
            field_dict["next_action"] = next_action

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.payment_pending_next_action_type_0 import (
            PaymentPendingNextActionType0,  # noqa: PLC0415
        )

        d = dict(src_dict)
        transaction_id = d.pop("transaction_id")

        order_id = d.pop("order_id")

        amount = d.pop("amount")

        currency = d.pop("currency")

        status = cast(Literal["pending"], d.pop("status"))
        if status != "pending":
            raise ValueError(f"status must match const 'pending', got '{status}'")

        duplicate = d.pop("duplicate")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_next_action(data: object) -> None | PaymentPendingNextActionType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                next_action_type_0 = PaymentPendingNextActionType0.from_dict(data)

                return next_action_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PaymentPendingNextActionType0 | Unset, data)

        next_action = _parse_next_action(d.pop("next_action", UNSET))

        payment_pending = cls(
            transaction_id=transaction_id,
            order_id=order_id,
            amount=amount,
            currency=currency,
            status=status,
            duplicate=duplicate,
            created_at=created_at,
            next_action=next_action,
        )

        return payment_pending
