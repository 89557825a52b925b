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

from ..types import UNSET, Unset

T = TypeVar("T", bound="TooManyAttempts")


@_attrs_define
class TooManyAttempts:
    """Facts: limit, and what has reached it: an order's payments or declined_payments, a customer's hourly_declines.

    Attributes:
        type_ (str): a name of the code, as a relative reference
        title (str):
        status (Literal[429]):
        detail (str): for people; may change
        code (Literal['too_many_attempts']):
        request_id (str): under which the request is in the log
        limit (int):
        payments (int | Unset):
        declined_payments (int | Unset):
        hourly_declines (int | Unset):
    """

    type_: str
    title: str
    status: Literal[429]
    detail: str
    code: Literal["too_many_attempts"]
    request_id: str
    limit: int
    payments: int | Unset = UNSET
    declined_payments: int | Unset = UNSET
    hourly_declines: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

        limit = self.limit

        payments = self.payments

        declined_payments = self.declined_payments

        hourly_declines = self.hourly_declines

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
                "limit": limit,
            }
        )
        if payments is not UNSET:
            field_dict["payments"] = payments
        if declined_payments is not UNSET:
            field_dict["declined_payments"] = declined_payments
        if hourly_declines is not UNSET:
            field_dict["hourly_declines"] = hourly_declines

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = cast(Literal[429], d.pop("status"))
        if status != 429:
            raise ValueError(f"status must match const 429, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["too_many_attempts"], d.pop("code"))
        if code != "too_many_attempts":
            raise ValueError(f"code must match const 'too_many_attempts', got '{code}'")

        request_id = d.pop("request_id")

        limit = d.pop("limit")

        payments = d.pop("payments", UNSET)

        declined_payments = d.pop("declined_payments", UNSET)

        hourly_declines = d.pop("hourly_declines", UNSET)

        too_many_attempts = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
            limit=limit,
            payments=payments,
            declined_payments=declined_payments,
            hourly_declines=hourly_declines,
        )

        too_many_attempts.additional_properties = d
        return too_many_attempts

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
