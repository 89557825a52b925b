from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RefundExceedsPayment")


@_attrs_define
class RefundExceedsPayment:
    """Facts: requested_amount, refundable_amount, in minor units of currency; what is on its way back counts.

    Attributes:
        type_ (str): a name of the code, as a relative reference
        title (str):
        status (Literal[409]):
        detail (str): for people; may change
        code (Literal['refund_exceeds_payment']):
        request_id (str): under which the request is in the log
        requested_amount (int):
        refundable_amount (int):
        currency (str):
    """

    type_: str
    title: str
    status: Literal[409]
    detail: str
    code: Literal["refund_exceeds_payment"]
    request_id: str
    requested_amount: int
    refundable_amount: int
    currency: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

        requested_amount = self.requested_amount

        refundable_amount = self.refundable_amount

        currency = self.currency

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "title": title,
                "status": status,
                "detail": detail,
                "code": code,
                "request_id": request_id,
                "requested_amount": requested_amount,
                "refundable_amount": refundable_amount,
                "currency": currency,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = cast(Literal[409], d.pop("status"))
        if status != 409:
            raise ValueError(f"status must match const 409, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["refund_exceeds_payment"], d.pop("code"))
        if code != "refund_exceeds_payment":
            raise ValueError(f"code must match const 'refund_exceeds_payment', got '{code}'")

        request_id = d.pop("request_id")

        requested_amount = d.pop("requested_amount")

        refundable_amount = d.pop("refundable_amount")

        currency = d.pop("currency")

        refund_exceeds_payment = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
            requested_amount=requested_amount,
            refundable_amount=refundable_amount,
            currency=currency,
        )

        refund_exceeds_payment.additional_properties = d
        return refund_exceeds_payment

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
