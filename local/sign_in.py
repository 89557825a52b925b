"""A sign-in for development in front of the local runtime; the template has none, so it is nowhere else (FR-410).

`GET /local/people` says who there is, `POST /local/token` with `{"name": "alice"}` gives a token of theirs.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.wrappers import Request, Response

from checkout.caller import STAFF_SCOPE
from local.keys import issue_token

__all__ = ["SignIn"]

PEOPLE = {"alice": "", "bob": "", "sam": STAFF_SCOPE}
"""Whom one can be, and with which scope."""

# A page from elsewhere, whose host's name has been made to lead here, gets nothing.
HOSTS = {"127.0.0.1", "localhost"}


class SignIn:
    """A WSGI application: these two routes, and for all else the one behind it."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        is_here = request.host.split(":")[0] in HOSTS
        if is_here and (request.method, request.path) == ("GET", "/local/people"):
            people = [{"name": name, "is_staff": scope == STAFF_SCOPE} for name, scope in PEOPLE.items()]
            return _say(HTTPStatus.OK, {"people": people})(environ, start_response)
        if is_here and (request.method, request.path) == ("POST", "/local/token"):
            return _give_token(request)(environ, start_response)
        return self._application(environ, start_response)


def _give_token(request: Request) -> Response:
    # Only JSON: other types are what a page from elsewhere can send.
    asked = request.get_json(silent=True)
    name = asked.get("name") if isinstance(asked, dict) else None
    if not isinstance(name, str) or name not in PEOPLE:
        return _say(HTTPStatus.UNPROCESSABLE_ENTITY, {"message": f"There is {', '.join(PEOPLE)}."})
    return _say(HTTPStatus.OK, {"token": issue_token(name, scope=PEOPLE[name])})


def _say(status: HTTPStatus, document: dict[str, Any]) -> Response:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(json.dumps(document), status, headers)
