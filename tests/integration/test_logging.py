"""What is in the log of a run in which everything goes wrong that can, and what is not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from checkout import api
from checkout.order_reader import OrderReader
from checkout.order_table import OrderTable
from checkout.simulated_gateway import TOKENS, SimulatedGateway
from local.keys import issue_token, read_jwks
from tests.integration.conftest import Checkout
from tests.integration.test_authorize import ask, environment
from tests.integration.test_pay import failing, is_claim, is_outcome

CUSTOMER = "carol@example.com"
KEY = "a-key-of-their-own"
CARD = "4242424242424242"
PHONE = "555-0100"
SECRET = "what-an-exception-says"


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def pay_in_every_way(checkout: Checkout) -> None:
    for token in (*TOKENS.keys() - {"tok_slow"}, "tok_unheard", CARD):
        order = checkout.create_order(customer=CUSTOMER)
        for _ in range(2):
            checkout.pay(order, token, key=f"{KEY}-{order['id']}", customer=CUSTOMER)


def fail_in_every_way(checkout: Checkout) -> None:
    order = checkout.create_order(customer=CUSTOMER)
    for chosen in (is_claim, is_outcome):
        for after in (False, True):
            with failing(checkout, chosen, after=after):
                checkout.pay(order, key=KEY, customer=CUSTOMER)
    for target, name in ((OrderReader, "get_order"), (OrderTable, "claim_order"), (SimulatedGateway, "charge")):
        with patch.object(target, name, side_effect=RuntimeError(SECRET, CUSTOMER, CARD, "tok_visa")):
            checkout.pay(checkout.create_order(customer=CUSTOMER), key=KEY + name, customer=CUSTOMER)


def ask_badly(checkout: Checkout) -> None:
    item = {"product_id": "mug", "quantity": 1}
    for body in ({"items": [item], "metadata": {"phone": PHONE}}, {"items": [item], PHONE: KEY}, CARD, {}):
        checkout.call("create_order", body, key=KEY, customer=CUSTOMER)
    checkout.call("get_order", path={"order_id": CARD}, customer=CUSTOMER)
    checkout.call("get_payment", path={"transaction_id": f"pay_{CARD}"}, customer=CUSTOMER)
    checkout.call("list_orders", query={"cursor": f"{CUSTOMER}.{CARD}", "limit": "1"}, customer=CUSTOMER)
    checkout.call("list_orders", query={"status": PHONE}, customer=CUSTOMER)


@pytest.mark.proves("FR-310")
def test_a_test_that_reads_a_secret_fails(read_log: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    # It is not to be in this test's own report.
    monkeypatch.setattr(api.logger._logger, "propagate", False)
    api.logger.info("asked with Bearer one")
    with pytest.raises(AssertionError, match="Bearer one"):
        read_log()


@pytest.mark.proves("FR-031", "FR-032")
@pytest.mark.parametrize("run", [pay_in_every_way, fail_in_every_way, ask_badly])
def test_no_line_tells_what_is_not_for_logs(checkout: Checkout, read_log: Callable[[], str], run: Any) -> None:
    run(checkout)
    log = read_log()
    for word in (CUSTOMER, "tok_", KEY, CARD, PHONE, SECRET, "Traceback"):
        assert word not in log
    for line in read_lines(log):
        assert "_aws" in line or {"level", "request_id", "operation"} <= line.keys()


@pytest.mark.proves("FR-032")
def test_a_line_has_the_ids_of_its_own_request_only(checkout: Checkout, read_log: Callable[[], str]) -> None:
    order = checkout.create_order()
    transaction_id = checkout.pay(order).body["transaction_id"]
    checkout.call("get_payment", path={"transaction_id": transaction_id})
    checkout.list_orders()
    answered = [line for line in read_lines(read_log()) if "_aws" not in line]
    ids = [(line["operation"], line.get("order_id"), line.get("transaction_id")) for line in answered]
    assert ids == [
        ("create_order", order["id"], None),
        ("pay", order["id"], None),
        ("get_payment", None, transaction_id),
        ("list_orders", None, None),
    ]


@pytest.mark.proves("FR-032")
def test_a_payment_is_counted_once_though_its_record_is_lost(checkout: Checkout, read_log: Callable[[], str]) -> None:
    order = checkout.create_order()
    checkout.pay(order, key="key")
    checkout.forget_idempotency()
    assert checkout.pay(order, key="key").status == 201
    assert [line["outcome"] for line in read_lines(read_log()) if "Payments" in line] == ["succeeded"]


@pytest.mark.proves("FR-037", "FR-032")
def test_why_the_store_did_not_serve_is_in_the_log(checkout: Checkout, read_log: Callable[[], str]) -> None:
    order = checkout.create_order()
    read_log()
    with failing(checkout, is_claim):
        checkout.pay(order)
    [line] = [line for line in read_lines(read_log()) if "_aws" not in line]
    assert (line["code"], line["cause"]) == ("store_unavailable", "ConnectTimeoutError")


@pytest.mark.proves("FR-001", "FR-031")
def test_the_authorizer_logs_why_and_never_the_token(tmp_path: Path, read_log: Callable[[], str]) -> None:
    with environment(Jwks=read_jwks(tmp_path)):
        good = issue_token(CUSTOMER, data=tmp_path)
        expired = issue_token(CUSTOMER, data=tmp_path, seconds=-60)
        assert [ask(f"Bearer {token}")["isAuthorized"] for token in (good, expired, "a.b.c")] == [True, False, False]
    text = read_log()
    assert [line["reason"] for line in read_lines(text) if "_aws" not in line] == [
        "ExpiredSignatureError",
        "DecodeError",
    ]
    for token in (good, expired):
        assert not any(part in text for part in token.split("."))
    assert CUSTOMER not in text
