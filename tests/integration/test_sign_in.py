"""The sign-in for development."""

import json
from http import HTTPStatus
from typing import Any

import jwt
import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from checkout.caller import STAFF_SCOPE
from local.sign_in import SignIn
from local.template import read_template

pytestmark = pytest.mark.proves("FR-410")


@pytest.fixture
def client() -> Client:
    return Client(SignIn(Response("behind it", HTTPStatus.IM_A_TEAPOT)))


def ask_token(client: Client, name: Any, **request: Any) -> Any:
    return client.post("/local/token", json={"name": name}, base_url="http://127.0.0.1:3000", **request)


def test_everybody_there_is_gets_a_token(client: Client) -> None:
    people = client.get("/local/people", base_url="http://localhost:3000").get_json()["people"]
    assert {person["name"]: person["is_staff"] for person in people} == {"alice": False, "bob": False, "sam": True}
    for person in people:
        answer = ask_token(client, person["name"])
        assert answer.headers["cache-control"] == "no-store"
        claims = jwt.decode(answer.get_json()["token"], options={"verify_signature": False})
        assert claims["sub"] == person["name"]
        assert claims["scope"] == (STAFF_SCOPE if person["is_staff"] else "")


@pytest.mark.parametrize("name", ["mallory", "", None, 1, ["alice"], {"alice": 1}])
def test_nobody_else_does(client: Client, name: Any) -> None:
    assert ask_token(client, name).status_code == 422


def test_a_page_from_elsewhere_gets_none(client: Client) -> None:
    form = client.post(
        "/local/token", data=json.dumps({"name": "alice"}), content_type="text/plain", base_url="http://127.0.0.1:3000"
    )
    assert form.status_code == 422
    for host in ("attacker.example:3000", "127.0.0.1.attacker.example:3000", "attacker.example"):
        assert client.get("/local/people", base_url=f"http://{host}").status_code == HTTPStatus.IM_A_TEAPOT
        answer = client.post("/local/token", json={"name": "alice"}, base_url=f"http://{host}")
        assert answer.status_code == HTTPStatus.IM_A_TEAPOT


def test_all_else_goes_through(client: Client) -> None:
    for path in ("/", "/local", "/local/token", "/local/people/"):
        assert client.get(path, base_url="http://127.0.0.1:3000").status_code == HTTPStatus.IM_A_TEAPOT


def test_the_template_does_not_have_it() -> None:
    assert not [route for route in read_template().routes if "local" in route.path]
