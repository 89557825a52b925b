"""The function that docs/how-to/webhooks.md offers: real entries, a real receiver, signatures that verify."""

import base64
import hashlib
import hmac
import importlib.util
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import boto3
import pytest

from local.template import ROOT
from tests.integration.conftest import Checkout

pytestmark = pytest.mark.proves("FR-611")

FOLDER = ROOT / "docs" / "how-to" / "webhooks"
KEY = bytes(range(32))


class Receiver:
    """Takes what is posted to it, as long as it is willing."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refuses: set[int] = set()
        """The numbers of the messages that it does not take, counted from 0."""
        self.asked = 0

    def take(self, headers: dict[str, str], body: bytes) -> int:
        number, self.asked = self.asked, self.asked + 1
        if number in self.refuses:
            return 503
        self.taken.append((headers, body))
        return 204


@contextmanager
def serve(receiver: Receiver) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiver.take({name.lower(): value for name, value in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhooks"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sender() -> ModuleType:
    spec = importlib.util.spec_from_file_location("send_entries", FOLDER / "send_entries.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def receiver(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    secret = f"whsec_{base64.b64encode(KEY).decode()}"
    boto3.client("ssm").put_parameter(Name="/webhooks/secret", Value=secret, Type="SecureString")
    receiver = Receiver()
    with serve(receiver) as address:
        for name, value in {"RECEIVER": address, "SECRET_PARAMETER": "/webhooks/secret", "no_proxy": "*"}.items():
            monkeypatch.setenv(name, value)
        yield receiver


@pytest.fixture
def stream(checkout: Checkout) -> dict[str, Any]:
    """What Lambda gives of the stream: the entries of a paid order, and a record that is none."""
    checkout.buy()
    images = sorted(
        checkout.database.scan(TableName="AuditTable")["Items"], key=lambda item: int(item["sequence"]["N"])
    )
    records = [
        {"eventName": "INSERT", "dynamodb": {"SequenceNumber": f"{number}00", "NewImage": image}}
        for number, image in enumerate(images, start=1)
    ]
    return {"Records": [*records, {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "900"}}]}


def test_every_entry_arrives_signed(sender: ModuleType, receiver: Receiver, stream: dict[str, Any]) -> None:
    assert sender.send_entries(stream, None) == {"batchItemFailures": []}
    messages = [json.loads(body) for _, body in receiver.taken]
    assert [message["type"] for message in messages] == [
        "checkout.order_created",
        "checkout.payment_started",
        "checkout.payment_succeeded",
        "checkout.order_paid",
    ]
    assert [message["data"]["sequence"] for message in messages] == [1, 2, 3, 4]
    assert not {"hash", "previous_hash", "request_id", "customer_id"} & messages[0]["data"].keys()
    for (headers, body), message in zip(receiver.taken, messages, strict=True):
        assert headers["webhook-id"] == f"{message['data']['order_id']}.{message['data']['sequence']}"
        # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"


def test_what_is_not_taken_is_told_and_sent_again(
    sender: ModuleType, receiver: Receiver, stream: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.refuses = {2}
    assert sender.send_entries(stream, None) == {"batchItemFailures": [{"itemIdentifier": "300"}]}
    assert len(receiver.taken) == 2
    assert "127.0.0.1" not in capsys.readouterr().out
    again = {"Records": stream["Records"][2:]}
    assert sender.send_entries(again, None) == {"batchItemFailures": []}
    assert [json.loads(body)["data"]["sequence"] for _, body in receiver.taken] == [1, 2, 3, 4]


def test_a_receiver_that_is_not_there_is_no_fault_of_the_function(
    sender: ModuleType, receiver: Receiver, stream: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECEIVER", "http://127.0.0.1:1/webhooks")
    assert sender.send_entries(stream, None) == {"batchItemFailures": [{"itemIdentifier": "100"}]}
