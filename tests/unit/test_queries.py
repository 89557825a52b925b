"""The parameters of a list."""

import pytest

from checkout.errors import ValidationFailed
from checkout.queries import ListOrdersQuery, parse_list_orders_query
from checkout.transitions import OrderStatus

pytestmark = pytest.mark.proves("FR-107", "FR-108")


def refused(**parameters: str) -> list[str]:
    with pytest.raises(ValidationFailed) as failure:
        parse_list_orders_query(parameters)
    return [error["field"] for error in failure.value.facts["errors"]]


@pytest.mark.parametrize("limit", ["0", "101", "abc", "", "-1", "1.0", "1e1", "1_0", " 10", "9" * 5000, "\u0661"])
def test_a_bad_limit_is_refused(limit: str) -> None:
    assert refused(limit=limit) == ["limit"]


def test_every_parameter_that_is_wrong_is_told() -> None:
    assert refused(limit="none", status="shipped") == ["limit", "status"]


def test_a_list_is_of_ten_orders_of_any_status_unless_asked() -> None:
    assert parse_list_orders_query({}) == ListOrdersQuery(limit=10, status=None, cursor=None)
    asked = parse_list_orders_query({"limit": "100", "status": "paid", "cursor": "abc"})
    assert asked == ListOrdersQuery(limit=100, status=OrderStatus.PAID, cursor="abc")


def test_parameters_that_it_does_not_know_are_left_alone() -> None:
    assert parse_list_orders_query({"utm_source": "letter", "limit": "1"}) == ListOrdersQuery(limit=1)
