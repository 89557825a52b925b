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

T = TypeVar("T", bound="AmountMismatch")


@_attrs_define
class AmountMismatch:
    """Facts: expected_amount, expected_currency.

    Attributes:
        type_ (str): a name of the code, as a relative reference
        title (str):
        status (Literal[422]):
        detail (str): for people; may change
        code (Literal['amount_mismatch']):
        request_id (str): under which the request is in the log
        expected_amount (int):
        expected_currency (str):
    """

    type_: str
    title: str
    status: Literal[422]
    detail: str
    code: Literal["amount_mismatch"]
    request_id: str
    expected_amount: int
    expected_currency: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

        expected_amount = self.expected_amount

        expected_currency = self.expected_currency

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
                "expected_amount": expected_amount,
                "expected_currency": expected_currency,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = cast(Literal[422], d.pop("status"))
        if status != 422:
            raise ValueError(f"status must match const 422, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["amount_mismatch"], d.pop("code"))
        if code != "amount_mismatch":
            raise ValueError(f"code must match const 'amount_mismatch', got '{code}'")

        request_id = d.pop("request_id")

        expected_amount = d.pop("expected_amount")

        expected_currency = d.pop("expected_currency")

        amount_mismatch = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
            expected_amount=expected_amount,
            expected_currency=expected_currency,
        )

        amount_mismatch.additional_properties = d
        return amount_mismatch

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
