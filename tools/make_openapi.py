"""Writes specs/openapi.json: `python -m tools.make_openapi`.

Routes are the template's, request bodies and parameters the models that validate, refusals the classes of
checkout.errors: nothing of the contract is said twice. A test fails where the file differs.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from checkout import errors, schemas
from checkout.errors import CheckoutError
from local.template import ROOT, Route, read_template
from tools import openapi_models as answers

__all__ = ["TARGET", "render_openapi"]

TARGET = ROOT / "specs" / "openapi.json"
REFERENCE = "#/components/schemas/{model}"
PROBLEM, JSON = "application/problem+json", "application/json"

Model = type[BaseModel]
Refusals = Sequence[type[CheckoutError]]

OF_BODY: Refusals = (errors.InvalidJson, errors.ValidationFailed, errors.CardNumberRefused)
OF_KEY: Refusals = (
    errors.IdempotencyKeyRequired,
    errors.IdempotencyKeyConflict,
    errors.IdempotencyKeyReused,
    errors.IdempotencyInProgress,
)


@dataclass(frozen=True)
class Operation:
    """What a function takes and answers: a model by status, and its refusals but StoreUnavailable, which all have."""

    summary: str
    answers: Mapping[int, Model]
    refusals: Refusals = ()
    body: Model | None = None
    query: Model | None = None
    takes_key: bool = False


OPERATIONS: Mapping[str, Operation] = {
    "create_order": Operation(
        "Create an order of products at the catalogue's prices",
        {201: answers.Order},
        (*OF_BODY, *OF_KEY, errors.ProductNotFound, errors.PriceChanged, errors.AmountOutOfRange),
        body=schemas.CreateOrderBody,
        takes_key=True,
    ),
    "list_orders": Operation(
        "List one's own orders, newest first",
        {200: answers.OrderPage},
        (errors.ValidationFailed, errors.InvalidCursor),
        query=schemas.ListOrdersQuery,
    ),
    "get_order": Operation("Get an order", {200: answers.Order}, (errors.OrderNotFound,)),
    "get_order_audit": Operation("Get an order's audit trail", {200: answers.AuditTrail}, (errors.OrderNotFound,)),
    "cancel_order": Operation(
        "Cancel an order",
        {200: answers.Order},
        (errors.OrderNotFound, errors.InvalidTransition, errors.PaymentInProgress),
    ),
    "pay": Operation(
        "Charge a card for an order, once",
        {201: answers.PaymentResult, 202: answers.PaymentPending},
        (
            *OF_BODY,
            *OF_KEY,
            errors.CardDeclined,
            errors.OrderNotFound,
            errors.OrderNotPayable,
            errors.AmountMismatch,
            errors.TooManyAttempts,
            errors.PaymentInProgress,
            errors.PaymentAlreadySucceeded,
            errors.InvalidToken,
            errors.GatewayUnavailable,
        ),
        body=schemas.PayBody,
        takes_key=True,
    ),
    "mark_order_paid": Operation(
        "Link a payment to its order",
        {200: answers.Order},
        (
            *OF_BODY,
            errors.OrderNotFound,
            errors.PaymentNotFound,
            errors.PaymentMismatch,
            errors.OrderAlreadyPaid,
            errors.InvalidTransition,
            errors.PaymentNotSucceeded,
        ),
        body=schemas.MarkOrderPaidBody,
    ),
    "get_payment": Operation("Get a payment", {200: answers.Payment}, (errors.PaymentNotFound,)),
    "fulfil_order": Operation(
        "Fulfil an order (staff)",
        {200: answers.Order},
        (errors.InsufficientScope, errors.OrderNotFound, errors.InvalidTransition),
    ),
    "refund_order": Operation(
        "Refund an order, in whole or in part (staff)",
        {201: answers.Refund, 202: answers.Refund},
        (
            *OF_BODY,
            *OF_KEY,
            errors.InsufficientScope,
            errors.OrderNotFound,
            errors.InvalidTransition,
            errors.RefundExceedsPayment,
            errors.RefundFailed,
        ),
        body=schemas.RefundOrderBody,
        takes_key=True,
    ),
    "list_products": Operation("List the catalogue", {200: answers.ProductList}),
    "health": Operation("Look whether it works", {200: answers.Health}, (errors.Unhealthy,)),
    "receive_stripe_event": Operation(
        "Receive an event of Stripe's",
        {200: answers.Received},
        (errors.InvalidSignature, errors.InvalidJson, errors.IdempotencyInProgress),
    ),
}
STATUS_TITLES = {
    200: "Done",
    201: "Made",
    202: "Accepted; not known yet",
    400: "The request cannot be read",
    401: "No token",
    402: "The card was declined",
    403: "A token that lets nobody in, or not here",
    404: "Not there, or not the caller's",
    409: "The state of things says no",
    422: "The request is wrong",
    429: "Too often",
    503: "Not available; ask again",
}


def render_openapi() -> str:
    """The document, as the file has it."""
    models = _list_models()
    _, defined = models_json_schema(
        [(model, "validation" if _is_request(model) else "serialization") for model in models],
        ref_template=REFERENCE,
    )
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in read_template().routes:
        paths[route.path][route.method.lower()] = _describe_operation(route)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Checkout",
            "version": "1",
            "description": "Orders, payments, refunds. Amounts are integers in minor units; times are RFC 3339 in UTC.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://127.0.0.1:3000", "description": "the local runtime"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(defined["$defs"].items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"token": []}],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _list_models() -> list[Model]:
    models: dict[Model, None] = {answers.Problem: None, answers.GatewayMessage: None}
    for operation in OPERATIONS.values():
        models |= dict.fromkeys([*operation.answers.values(), *filter(None, [operation.body, operation.query])])
    return list(models)


def _is_request(model: Model) -> bool:
    return model.__module__ == schemas.__name__


def _describe_operation(route: Route) -> dict[str, Any]:
    operation = OPERATIONS[route.function.name]
    described: dict[str, Any] = {
        "operationId": route.function.name,
        "summary": operation.summary,
        "parameters": [*_describe_path(route.path), *_describe_query(operation.query), *_describe_key(operation)],
        "responses": _describe_responses(operation, has_token=route.authorizer is not None),
    }
    if route.authorizer is None:
        described["security"] = []
    if operation.body:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _refer(operation.body)}}}
    return described


def _describe_path(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    names = re.findall(r"\{(\w+)\}", path)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _describe_query(model: Model | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(ref_template=REFERENCE)
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(property_)}
        for name, property_ in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not there."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", "default", "title"}}
    return {**kept, **choices[0]} if choices else kept


def _describe_key(operation: Operation) -> list[dict[str, Any]]:
    if not operation.takes_key:
        return []
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Required, unless idempotency_key is in the body.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
    return [key]


def _describe_responses(operation: Operation, *, has_token: bool) -> dict[str, Any]:
    codes: dict[int, set[str]] = defaultdict(set)
    refusals: list[type[CheckoutError]] = [*operation.refusals, errors.StoreUnavailable]
    for refusal in refusals:
        codes[refusal.status].add(refusal.code)
    responses: dict[int, dict[str, Any]] = {
        status: {JSON: {"schema": _refer(model)}} for status, model in operation.answers.items()
    }
    for status, of_status in codes.items():
        enumerated = {"properties": {"code": {"enum": sorted(of_status)}}}
        responses[status] = {PROBLEM: {"schema": {"allOf": [_refer(answers.Problem), enumerated]}}}
    if has_token:
        for status in (401, 403):
            responses.setdefault(status, {})[JSON] = {"schema": _refer(answers.GatewayMessage)}
    return {
        str(status): {"description": STATUS_TITLES[status], "content": content}
        for status, content in sorted(responses.items())
    }


def _refer(model: Model) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def main(target: Path = TARGET) -> None:
    target.write_text(render_openapi(), encoding="utf-8")


if __name__ == "__main__":
    main()
