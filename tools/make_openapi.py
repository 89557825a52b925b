"""Writes web/openapi.json: `python -m tools.make_openapi`.

Routes are the template's, request bodies and parameters the models that validate, refusals the classes of
checkout.errors, examples exchanges that took place: nothing of the contract is said twice. A test fails where the file
differs. This keeps the examples that the file has; tests/e2e/examples.py records them anew: `make openapi`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import CoreSchema

from checkout import schemas
from local.template import ROOT, Route, read_template
from tools import openapi_models as answers
from tools.openapi_examples import Example, read_examples
from tools.openapi_operations import DESCRIPTION, OPERATIONS, PARAMETERS, TAGS, Operation

__all__ = ["TARGET", "render_openapi", "write_openapi"]

TARGET = ROOT / "web" / "openapi.json"
REFERENCE = "#/components/schemas/{model}"
PROBLEM, JSON = "application/problem+json", "application/json"

Model = type[BaseModel]

TITLES = {
    200: "Done",
    201: "Made",
    202: "Accepted; the outcome is not known yet",
    400: "The request cannot be read",
    401: "No token",
    402: "The card was declined",
    403: "Not for this token",
    404: "Not there, or not the caller's",
    409: "The request is right, the state of things says no",
    413: "The body is too large",
    422: "The request is wrong",
    429: "Too often",
    500: "A fault; the same request may be sent again",
    503: "Not available: the same request may be sent again",
}
HEADERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "location": ("Location", "Where it can be read.", {"type": "string"}),
    "retry-after": ("Retry-After", "Seconds after which to ask again.", {"type": "integer", "minimum": 1}),
    "idempotent-replayed": (
        "Idempotent-Replayed",
        "`true` where an earlier request with the same key got this answer.",
        {"type": "string", "enum": ["true"]},
    ),
}
NUMBERS = re.compile(r" \(FR-\d{3}[^)]*\)")
"""Requirements, which only this project knows."""
HEADER_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255}


def render_openapi(examples: Sequence[Example] | None = None) -> str:
    """The document as the file has it, with these examples, or else with those that are in the file."""
    if examples is None:
        examples = read_examples(json.loads(TARGET.read_text(encoding="utf-8")))
    by_operation: dict[str, list[Example]] = defaultdict(list)
    for example in sorted(examples, key=lambda each: each.status):
        by_operation[example.operation].append(example)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    routes = {route.function.name: route for route in read_template().routes}
    # In the order of the table, which is the order of a purchase.
    for name in OPERATIONS:
        paths[routes[name].path][routes[name].method.lower()] = _describe_operation(routes[name], by_operation[name])
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Checkout",
            "version": "1",
            "summary": "An order and payment backend of your own",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {"url": "/", "description": "where this document is from"},
            {"url": "http://127.0.0.1:3000", "description": "the local runtime, `make serve`"},
        ],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _describe_models(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "RS256; `sub` is the customer. `make token` prints one for the local runtime, "
                    "`make token SCOPE=orders:manage` one of staff.",
                }
            },
        },
        "security": [{"token": []}],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_openapi(examples: Sequence[Example] | None = None, target: Path = TARGET) -> None:
    target.write_text(render_openapi(examples), encoding="utf-8")


def _describe_models() -> dict[str, Any]:
    models: dict[Model, None] = {answers.GatewayMessage: None, answers.InternalError: None}
    for operation in OPERATIONS.values():
        models |= dict.fromkeys(
            [*operation.answers.values(), *(answers.PROBLEMS[refusal] for refusal in operation.all_refusals)]
        )
        models |= dict.fromkeys(filter(None, [operation.body]))
    _, made = models_json_schema(
        [(model, "validation" if _is_request(model) else "serialization") for model in models],
        ref_template=REFERENCE,
    )
    for schema in made["$defs"].values():
        if "description" in schema:
            schema["description"] = NUMBERS.sub("", schema["description"])
        for described in schema.get("properties", {}).values():
            # Pydantic makes them of the names.
            described.pop("title", None)
    return dict(sorted(made["$defs"].items()))


def _is_request(model: Model) -> bool:
    return model.__module__ == schemas.__name__


def _describe_operation(route: Route, examples: Sequence[Example]) -> dict[str, Any]:
    operation = OPERATIONS[route.function.name]
    parameters = [
        *_describe_path(route.path, examples),
        *_describe_query(operation.query),
        *(_describe_header(name, examples) for name in operation.headers),
    ]
    described: dict[str, Any] = {
        "operationId": route.function.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": parameters,
    }
    if operation.body:
        content: dict[str, Any] = {"schema": _refer(operation.body)}
        successes = [example for example in examples if example.is_success]
        if successes:
            content["examples"] = {
                example.name: {"summary": example.summary, "value": example.request["body"]} for example in successes
            }
        described["requestBody"] = {"required": True, "content": {JSON: content}}
    described["responses"] = _describe_responses(operation, examples, has_token=route.authorizer is not None)
    if route.authorizer is None:
        described["security"] = []
    elif operation.scope:
        described["security"] = [{"token": [operation.scope]}]
    return described


def _describe_path(path: str, examples: Sequence[Example]) -> list[dict[str, Any]]:
    parts = path.split("/")
    shown = examples[0].request["path"].partition("?")[0].split("/") if examples else parts
    return [
        {
            "name": part.strip("{}"),
            "in": "path",
            "required": True,
            "description": PARAMETERS[part.strip("{}")],
            "schema": {"type": "string", "minLength": 1},
            "example": value,
        }
        for part, value in zip(parts, shown, strict=True)
        if part.startswith("{")
    ]


def _describe_query(query: CoreSchema | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = GenerateJsonSchema().generate(query)
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": PARAMETERS[name],
            "schema": _refer_to_enum(property_),
        }
        for name, property_ in schema["properties"].items()
    ]


def _refer_to_enum(schema: dict[str, Any]) -> dict[str, Any]:
    """An enumeration is described once, with the answers that have it."""
    title = schema.pop("title")
    return {"$ref": REFERENCE.format(model=title)} if "enum" in schema else schema


def _describe_header(name: str, examples: Sequence[Example]) -> dict[str, Any]:
    described = {"name": name, "in": "header", "required": False, "description": PARAMETERS[name]}
    sent = [
        example.request["headers"][name.lower()] for example in examples if name.lower() in example.request["headers"]
    ]
    return {**described, "schema": HEADER_SCHEMA, **({"example": sent[0]} if sent else {})}


def _describe_responses(operation: Operation, examples: Sequence[Example], *, has_token: bool) -> dict[str, Any]:
    codes: dict[int, dict[str, Model]] = defaultdict(dict)
    for refusal in operation.all_refusals:
        codes[refusal.status][refusal.code] = answers.PROBLEMS[refusal]
    codes[HTTPStatus.INTERNAL_SERVER_ERROR.value]["internal_error"] = answers.InternalError
    contents: dict[int, dict[str, Any]] = {
        status: {JSON: {"schema": _refer(model)}} for status, model in operation.answers.items()
    }
    for status, of_status in codes.items():
        contents[status] = {PROBLEM: {"schema": _choose(of_status)}}
    # What API Gateway answers in the function's place.
    for status in [429, 500, 503, *([401, 403] if has_token else []), *([413] if operation.body else [])]:
        contents.setdefault(status, {})[JSON] = {"schema": _refer(answers.GatewayMessage)}
    for example in examples:
        place = contents[example.status][example.response["type"]]
        place.setdefault("examples", {})[example.name] = example.to_document()
    return {
        str(status): _describe_response(
            ": ".join([TITLES[status], *filter(None, [", ".join(f"`{code}`" for code in sorted(codes[status]))])]),
            contents[status],
            [example.response["headers"] for example in examples if example.status == status],
        )
        for status in sorted(contents)
    }


def _describe_response(description: str, content: dict[str, Any], sent: Sequence[dict[str, str]]) -> dict[str, Any]:
    """With the headers that its examples have; required are those that all have."""
    headers = {
        title: {
            "description": text,
            "required": all(name in headers for headers in sent),
            "schema": schema,
            "example": _read_value(next(headers[name] for headers in sent if name in headers)),
        }
        for name, (title, text, schema) in HEADERS.items()
        if any(name in headers for headers in sent)
    }
    return {"description": description, **({"headers": headers} if headers else {}), "content": content}


def _read_value(sent: str) -> str | int:
    return int(sent) if sent.isdigit() else sent


def _choose(models: dict[str, Model]) -> dict[str, Any]:
    """One of the refusals, told apart by their codes."""
    references = {code: _refer(model) for code, model in sorted(models.items())}
    if len(references) == 1:
        return next(iter(references.values()))
    mapping = {code: reference["$ref"] for code, reference in references.items()}
    return {"oneOf": list(references.values()), "discriminator": {"propertyName": "code", "mapping": mapping}}


def _refer(model: Model) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}


if __name__ == "__main__":
    write_openapi()
