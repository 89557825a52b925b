"""The local runtime: template.yaml's API as a WSGI application that hands requests to the functions, in this process.

It answers what API Gateway itself answers: no route, no token, a refused token, a fault in a function; a limit that is
reached, where somebody says so.
"""

import importlib.util
import os
import re
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from local.events import Answer, HttpRequest, make_authorizer_event, make_event, read_answer
from local.permissions import Invocation, invoking
from local.template import REGION, Function, Route, Schedule, Template

__all__ = ["MAX_BODY_BYTES", "LambdaContext", "Observer", "Overload", "Runtime"]

Handler = Callable[[dict[str, Any], "LambdaContext"], Any]
Observer = Callable[[str, float, bool], None]
"""Is told of each invocation: the function's logical id, its milliseconds, whether it failed."""

MAX_BODY_BYTES = 10 * 1024 * 1024
CODE = ("checkout", "functions")
# As in Lambda, but for keys that open nothing; what functions call is here, and is not called through a proxy.
LAMBDA_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "no_proxy": "*",
}


class Overload(StrEnum):
    """Who takes no more: API Gateway no more requests than its limits, Lambda no more functions at once."""

    API_GATEWAY = "API Gateway"
    LAMBDA = "Lambda"


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What Lambda tells a function of its invocation; the time runs out as the template says."""

    function_name: str
    memory_limit_in_mb: int
    timeout_seconds: int
    started: float = field(default_factory=time.monotonic)
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.started + self.timeout_seconds - time.monotonic()) * 1000))


class Runtime:
    """A WSGI application. Requests may run at the same time; each function's code is imported at its first."""

    def __init__(self, template: Template, observe: Observer | None = None) -> None:
        self._observe = observe
        self.overload: Overload | None = None
        self._importing = threading.Lock()
        self.load(template)

    def load(self, template: Template) -> None:
        """Takes up the template, and the functions' code, afresh. Raises TemplateError, and then keeps what it has."""
        environment = {**LAMBDA_ENVIRONMENT, **template.environment}
        with self._importing:
            for name in [name for name in sys.modules if name.split(".")[0] in CODE]:
                del sys.modules[name]
            os.environ.update(environment)
            self._handlers: dict[str, Handler] = {}
            # The more exact path goes first, as in API Gateway; one that takes all that follows goes last.
            ordered = sorted(template.routes, key=lambda route: ("+}" in route.path, route.path.count("{")))
            self._routes = [(route, _compile_path(route.path)) for route in ordered]
            self.schedules = template.schedules

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MAX_BODY_BYTES
        try:
            body = request.get_data()
        except RequestEntityTooLarge:
            answer = _say(413, "Request Entity Too Large")
        else:
            answer = self.answer(_read_request(request, body))
        response = Response(answer.body, answer.status)
        response.headers.clear()
        response.headers.extend(answer.headers)
        response.headers["content-length"] = str(len(answer.body))
        return response(environ, start_response)

    def answer(self, request: HttpRequest) -> Answer:
        for route, pattern in self._routes:
            match = pattern.fullmatch(request.path)
            if match and route.method == request.method:
                if self.overload is Overload.API_GATEWAY:
                    return _say(429, "Too Many Requests")
                return self._answer_route(request, route, match.groupdict())
        return _say(404, "Not Found")

    def run(self, schedule: Schedule) -> Any:
        """Calls a scheduled function, as EventBridge does; what it returns. Raises what it raises."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": [f"arn:aws:events:{REGION}:000000000000:rule/{schedule.function.logical_id}"],
            "detail": {},
        }
        return self._invoke(schedule.function, event)

    def _answer_route(self, request: HttpRequest, route: Route, path_parameters: Mapping[str, str]) -> Answer:
        key = f"{route.method} {route.path}"
        try:
            identity: Mapping[str, Any] | None = None
            if route.authorizer:
                header = route.authorizer.header
                if not request.joined_headers.get(header.lower()):
                    return _say(401, "Unauthorized")
                event = make_authorizer_event(request, key, path_parameters, header)
                decision = self._invoke(route.authorizer.function, event)
                if decision.get("isAuthorized") is not True:
                    return _say(403, "Forbidden")
                identity = decision.get("context") or {}
            if self.overload is Overload.LAMBDA:
                return _say(503, "Service Unavailable")
            event = make_event(request, key, path_parameters, identity)
            return read_answer(self._invoke(route.function, event))
        except (Exception, SystemExit):
            # As in Lambda: a function that fails, or ends, is API Gateway's 500, and its trace is in the log.
            traceback.print_exc()
            return _say(500, "Internal Server Error")

    def _invoke(self, function: Function, event: dict[str, Any]) -> Any:
        context = LambdaContext(function.logical_id, function.memory_mb, function.timeout_seconds)
        handler = self._find_handler(function)
        started, failed = time.perf_counter(), True
        try:
            with invoking(Invocation(function.name, function.permissions)):
                answer = handler(event, context)
            failed = False
        finally:
            if self._observe:
                self._observe(function.logical_id, (time.perf_counter() - started) * 1000, failed)
        return answer

    def _find_handler(self, function: Function) -> Handler:
        with self._importing:
            if function.logical_id not in self._handlers:
                self._handlers[function.logical_id] = _import_handler(function)
            return self._handlers[function.logical_id]


def _import_handler(function: Function) -> Handler:
    module_name, name = function.handler.split(".")
    path = Path(function.code) / f"{module_name}.py"
    full_name = f"functions.{path.parent.name}.{module_name}"
    spec = importlib.util.spec_from_file_location(full_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no handler in {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    spec.loader.exec_module(module)
    handler: Handler = getattr(module, name)
    return handler


def _compile_path(path: str) -> re.Pattern[str]:
    """`{name}` is one part of a path, `{name+}` all that follows, with its slashes."""
    pattern = ""
    for literal, name, rest in re.findall(r"([^{]*)(?:\{(\w+)(\+?)\})?", path):
        pattern += re.escape(literal)
        if name:
            pattern += f"(?P<{name}>.+)" if rest else f"(?P<{name}>[^/]+)"
    return re.compile(pattern, re.DOTALL)


def _read_request(request: Request, body: bytes) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        path=request.path,
        query_string=request.query_string.decode("latin-1"),
        headers=list(request.headers.items()),
        body=body,
        source_ip=request.remote_addr or "",
        protocol=str(request.environ.get("SERVER_PROTOCOL", "")),
    )


def _say(status: int, message: str) -> Answer:
    """An answer of API Gateway's own."""
    return Answer(status, [("content-type", "application/json")], f'{{"message":"{message}"}}'.encode())
