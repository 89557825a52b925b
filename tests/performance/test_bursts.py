"""Equal requests at once charge once."""

from typing import Any

import pytest

from benchmarks.metering import capture_log
from benchmarks.throughput import burst_ours
from local.dynamodb_local import DynamoDBLocal
from local.tables import connect, create_tables, load_products
from tests.integration.conftest import open_racing_checkout
from tests.secrets_in_logs import look_through


class ChargesNobody:
    """What `burst_ours` asks of a shop, answered by one that forgets to charge."""

    new_key = staticmethod(lambda: "key")
    create_order = staticmethod(dict)
    pay = staticmethod(lambda *_, **__: None)
    charges = staticmethod(lambda _: [])


@pytest.mark.proves("FR-712")
def test_a_burst_that_charges_nobody_is_wrong_too() -> None:
    shop: Any = ChargesNobody()
    assert burst_ours(shop, bursts=2) == 2


@pytest.mark.dynamodb_local
@pytest.mark.proves("FR-712")
def test_every_burst_charges_once() -> None:
    with DynamoDBLocal() as database:
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        with open_racing_checkout(database.endpoint) as shop, capture_log() as log:
            assert burst_ours(shop, bursts=3) == 0
    look_through(log.getvalue())
