from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.unhealthy_checks import UnhealthyChecks


T = TypeVar("T", bound="Unhealthy")


@_attrs_define
class Unhealthy:
    """Facts: version, checks, a result by name.

    Attributes:
        type_ (str): a name of the code, as a relative reference
        title (str):
        status (Literal[503]):
        detail (str): for people; may change
        code (Literal['unhealthy']):
        request_id (str): under which the request is in the log
        version (str):
        checks (UnhealthyChecks):
    """

    type_: str
    title: str
    status: Literal[503]
    detail: str
    code: Literal["unhealthy"]
    request_id: str
    version: str
    checks: UnhealthyChecks
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        code = self.code

        request_id = self.request_id

        version = self.version

        checks = self.checks.to_dict()

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
                "version": version,
                "checks": checks,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.unhealthy_checks import UnhealthyChecks  # noqa: PLC0415

        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = cast(Literal[503], d.pop("status"))
        if status != 503:
            raise ValueError(f"status must match const 503, got '{status}'")

        detail = d.pop("detail")

        code = cast(Literal["unhealthy"], d.pop("code"))
        if code != "unhealthy":
            raise ValueError(f"code must match const 'unhealthy', got '{code}'")

        request_id = d.pop("request_id")

        version = d.pop("version")

        checks = UnhealthyChecks.from_dict(d.pop("checks"))

        unhealthy = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            code=code,
            request_id=request_id,
            version=version,
            checks=checks,
        )

        unhealthy.additional_properties = d
        return unhealthy

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
