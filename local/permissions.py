"""What a function may do, as in AWS: a call that its policies in template.yaml do not allow is refused.

A call belongs to the function that is being invoked; what tools and tests call by themselves is theirs. Keys of items
are not looked at: the template has no conditions on them.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from botocore import handlers
from botocore.exceptions import ClientError

__all__ = ["Invocation", "Permission", "describe_call", "invoking"]

Permission = tuple[str, str]
"""An IAM action and a resource: the ARN of a table (`OrdersTable.Arn`), of its index, or of a parameter."""


@dataclass
class Invocation:
    """A function at work: what it may do, what it did, and what it was refused."""

    function: str
    allowed: frozenset[Permission]
    used: set[Permission] = field(default_factory=set)
    refused: set[Permission] = field(default_factory=set)


_invocation: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


@contextmanager
def invoking(invocation: Invocation | None) -> Iterator[None]:
    """What is called within is called by the function; or by none."""
    token = _invocation.set(invocation)
    try:
        yield
    finally:
        _invocation.reset(token)


def describe_call(operation: str, params: Mapping[str, Any]) -> set[Permission]:
    """What a call of DynamoDB or Parameter Store needs.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    if operation == "TransactWriteItems":
        needed = set()
        for action in params["TransactItems"]:
            [(kind, parameters)] = action.items()
            name = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            needed.add((f"dynamodb:{name}", f"{parameters['TableName']}.Arn"))
        return needed
    if operation == "BatchGetItem":
        return {("dynamodb:BatchGetItem", f"{table}.Arn") for table in params["RequestItems"]}
    if operation == "GetParameter":
        return {("ssm:GetParameter", f"parameter{params['Name']}")}
    index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
    return {(f"dynamodb:{operation}", f"{params['TableName']}.Arn{index}")}


def _check(params: dict[str, Any], model: Any, **_: Any) -> None:
    invocation = _invocation.get()
    if invocation is None:
        return
    needed = describe_call(model.name, params)
    invocation.used |= needed
    refused = needed - invocation.allowed
    if refused:
        invocation.refused |= refused
        print(f"{invocation.function} may not, by template.yaml: {sorted(refused)}", file=sys.stderr, flush=True)
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "by template.yaml"}}, model.name)


# Of every client that is made from here on.
handlers.BUILTIN_HANDLERS.append(("provide-client-params", _check))
