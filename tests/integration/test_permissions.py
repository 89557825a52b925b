"""Each function's calls against its policy in template.yaml (FR-033)."""

from collections import defaultdict
from typing import Any

import pytest

from local.template import read_document
from tests.integration.conftest import Answer, Checkout

pytestmark = pytest.mark.proves("FR-033")

Permissions = dict[str, set[tuple[str, str]]]
"""IAM actions with the resource, by function."""


class RecordingCheckout(Checkout):
    """Remembers what each function did to which table."""

    def __init__(self, checkout: Checkout) -> None:
        super().__init__(checkout.database)
        self.used: Permissions = defaultdict(set)
        self._function = ""
        checkout.database.meta.events.register("provide-client-params.dynamodb", self._record)

    def call(self, function: str, *arguments: Any, **keywords: Any) -> Answer:
        self._function = function
        try:
            return super().call(function, *arguments, **keywords)
        finally:
            self._function = ""

    def _record(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if not self._function:
            return
        used = self.used[self._function]
        if model.name == "TransactWriteItems":
            for action in params["TransactItems"]:
                [(kind, parameters)] = action.items()
                name = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
                used.add((f"dynamodb:{name}", parameters["TableName"]))
        elif model.name == "BatchGetItem":
            used.update(("dynamodb:BatchGetItem", table) for table in params["RequestItems"])
        else:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            used.add((f"dynamodb:{model.name}", params["TableName"] + index))


@pytest.fixture
def used(checkout: Checkout) -> Permissions:
    """What the functions do in a journey through all of them, refusals and retries included."""
    recording = RecordingCheckout(checkout)
    order = recording.create_order()
    recording.create_order()
    recording.call("create_order", {"items": [{"product_id": "ufo", "quantity": 1}]}, key="refused")
    recording.pay(order, "tok_chargeDeclined", key="declined")
    recording.pay(order, "tok_chargeDeclined", key="declined")
    recording.pay(order, "tok_timeoutBeforeCharge", key="key")
    payment = recording.pay(order, "tok_timeoutBeforeCharge", key="key")
    recording.pay(order)
    recording.mark_paid(order, payment.body["transaction_id"])
    recording.cancel(recording.create_order())
    recording.get_order(order)
    recording.list_orders(limit="1")
    recording.list_orders(status="paid")
    recording.call("get_order_audit", path={"order_id": order["id"]})
    recording.call("get_payment", path={"transaction_id": payment.body["transaction_id"]})
    recording.call("list_products")
    recording.call("health")
    return recording.used


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read_resource(resource: dict[str, Any]) -> str:
    """`Table`, or `Table/index/name`."""
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    return str(resource["Fn::Sub"]).replace("${", "").replace(".Arn}", "")


def read_allowed() -> Permissions:
    document = read_document()
    allowed: Permissions = {}
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            allowed[properties["Handler"].removeprefix("app.")] = {
                (action, read_resource(target))
                for policy in properties.get("Policies", [])
                for statement in policy["Statement"]
                for action in as_list(statement["Action"])
                for target in as_list(statement["Resource"])
            }
    return allowed


# Powertools reads a record by itself only where the failed write did not bring it along.
NOT_SEEN = {("dynamodb:GetItem", "IdempotencyTable")}


def test_functions_may_do_what_they_do_and_no_more(used: Permissions) -> None:
    allowed = read_allowed()
    assert allowed.pop("authorize") == set()
    for function, permissions in allowed.items():
        assert used[function] - permissions == set(), f"{function} is not allowed to"
        assert permissions - used[function] - NOT_SEEN == set(), f"{function} need not"


def test_no_function_could_do_with_anothers_role(used: Permissions) -> None:
    """But for those that do the same: the check can fail."""
    allowed = read_allowed()
    assert not used["pay"] <= allowed["create_order"]
    assert not used["mark_order_paid"] <= allowed["cancel_order"]
    assert not used["list_orders"] <= allowed["get_order"]
    assert not used["get_order_audit"] <= allowed["get_order"]
    assert not used["list_products"] <= allowed["health"]
