"""What a client of AWS does for each call."""

import boto3
import pytest

from checkout.call_limit import CLIENT_CONFIG


@pytest.mark.proves("FR-715")
def test_a_client_checks_no_forms_and_names_itself() -> None:
    sent: list[tuple[bytes, bytes]] = []

    class Sent(Exception):
        pass

    def take(request: object, **_: object) -> None:
        sent.append((request.body, request.headers["User-Agent"]))  # type: ignore[attr-defined]
        raise Sent

    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=CLIENT_CONFIG,
    )
    client.meta.events.register_first("before-send.dynamodb", take)
    with pytest.raises(Sent):
        client.get_item(TableName="", Key={"id": {"S": "1"}})
    [(body, agent)] = sent
    assert b'"TableName": ""' in body
    assert agent.split()[0] == b"checkout"
