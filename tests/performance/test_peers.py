"""The two layers that are measured beside each other do the same: the work once, and its answer again."""

import importlib
import json
import sys
from typing import Any

import pytest
from moto import mock_aws

from benchmarks.probing import ORDER, make_event, write_floor_items
from local.tables import connect, create_tables
from local.template import ROOT


class Context:
    function_name = "function"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 15_000


@pytest.mark.proves("FR-702")
@pytest.mark.parametrize(
    ("peer", "calls"),
    [
        ("stock_layer", ["PutItem", "TransactWriteItems", "UpdateItem"]),
        ("transactional_layer", ["TransactWriteItems"]),
    ],
)
def test_a_layer_works_once_and_answers_again(peer: str, calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ITEMS": str(write_floor_items()[0]),
        "IDEMPOTENCY_TABLE": "IdempotencyTable",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "peers"))
    with mock_aws():
        for module in ("floor_transaction", peer):
            monkeypatch.delitem(sys.modules, module, raising=False)
        create_tables(connect(None))
        handler = importlib.import_module(peer).create_order
        made: list[str] = []
        client: Any = sys.modules["floor_transaction"].client
        client.meta.events.register("before-call.dynamodb", lambda model, **_: made.append(model.name))

        first = handler(make_event(ORDER, key="key"), Context())
        assert made == calls
        again = handler(make_event(ORDER, key="key"), Context())

        assert first["statusCode"] == 201
        assert again == first
        assert client.scan(TableName="OrdersTable")["Count"] == 1


@pytest.mark.proves("FR-701")
def test_the_floors_write_the_items_that_create_order_does() -> None:
    """Each time others: the ids are drawn anew."""
    written = [[action["Put"] for action in json.loads(path.read_text())] for path in write_floor_items()]
    assert [[put["TableName"] for put in puts] for puts in written] == [
        ["OrdersTable", "AuditTable"],
        ["OrdersTable", "AuditTable", "IdempotencyTable"],
    ]
    order, entry, record = (put["Item"] for put in written[1])
    assert order["order_id"] == entry["order_id"] == record["made_id"] == {"S": "ORDER_ID"}
    assert record["id"]["S"].endswith("ORDER_ID")
    assert "data" in record
