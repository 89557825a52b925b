"""Equal requests at once charge once."""

import pytest

from benchmarks.metering import capture_log
from benchmarks.throughput import burst_ours
from local.dynamodb_local import DynamoDBLocal
from local.tables import connect, create_tables, load_products
from tests.integration.conftest import open_racing_checkout


@pytest.mark.dynamodb_local
@pytest.mark.proves("FR-712")
def test_no_burst_charges_twice() -> None:
    with DynamoDBLocal() as database:
        create_tables(connect(database.endpoint))
        load_products(connect(database.endpoint))
        with open_racing_checkout(database.endpoint) as shop, capture_log():
            assert burst_ours(shop, bursts=3) == 0
