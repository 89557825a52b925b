"""Reads template.yaml: what runs, when, for whom, with which tables; so that the local runtime declares nothing again.

Resources are named by their logical ids, as `sam local` does. What the template may say and this does not know is an
error, not silence.
"""

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

__all__ = [
    "REGION",
    "ROOT",
    "Authorizer",
    "Function",
    "Route",
    "Schedule",
    "Template",
    "TemplateError",
    "read_document",
    "read_template",
]

ROOT = Path(__file__).parents[1]
REGION = "us-east-1"
"""Any that AWS has: moto knows no others."""

PSEUDO_PARAMETERS = {
    "AWS::Region": REGION,
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "localhost",
    "AWS::StackName": "checkout",
}

SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


class TemplateError(Exception):
    """The template says something that is not known here."""


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function: its code's folder, `module.name` of its handler, its limits and variables."""

    logical_id: str
    code: Path
    handler: str
    timeout_seconds: int
    memory_mb: int
    environment: Mapping[str, str]
    permissions: frozenset[tuple[str, str]]
    """IAM actions, each with the resource that it is allowed on."""

    @property
    def name(self) -> str:
        """Of its folder, and of its handler."""
        return self.code.name


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, as `GET /orders/{order_id}`, and who answers; `authorizer` None where all may ask."""

    method: str
    path: str
    function: Function
    authorizer: "Authorizer | None"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that is called by itself, each so many seconds."""

    function: Function
    seconds: int


@dataclass(frozen=True, slots=True)
class Authorizer:
    """The function that lets a request in, and the header without which it is not asked."""

    function: Function
    header: str


@dataclass(frozen=True, slots=True)
class Template:
    routes: tuple[Route, ...]
    schedules: tuple[Schedule, ...]
    tables: Mapping[str, Mapping[str, Any]]
    """The properties of each table, by name."""
    dashboards: Mapping[str, Any]
    """The body of each dashboard, by name."""
    alarms: Mapping[str, Mapping[str, Any]]
    """The properties of each alarm, by name."""

    @property
    def functions(self) -> dict[str, Function]:
        """All that a route, an authorizer or a schedule calls, by name."""
        functions = [route.function for route in self.routes]
        functions += [schedule.function for schedule in self.schedules]
        functions += [route.authorizer.function for route in self.routes if route.authorizer]
        return {function.name: function for function in functions}

    @property
    def environment(self) -> dict[str, str]:
        """The variables of all functions: what two of them have, they have with one value."""
        merged: dict[str, str] = {}
        for function in self.functions.values():
            for name, value in function.environment.items():
                if merged.setdefault(name, value) != value:
                    raise TemplateError(f"{name} differs between functions, which share one process here")
        return merged


def read_template(parameters: Mapping[str, str] | None = None, path: Path = ROOT / "template.yaml") -> Template:
    """The template with these parameters, the others by default. Raises TemplateError."""
    given = tuple(sorted((parameters or {}).items()))
    try:
        return _read(path.read_text(encoding="utf-8"), given, path.parent)
    except yaml.YAMLError as error:
        raise TemplateError(f"{path.name} is not YAML: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Something is missing, or not of the kind that AWS takes.
        raise TemplateError(f"{path.name} cannot be read: {type(error).__name__}: {error}") from error


def read_document(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """The template as it is written; `!Ref x` and its like are in their long form, {"Ref": "x"}."""
    return copy.deepcopy(_parse(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=8)
def _read(text: str, parameters: tuple[tuple[str, str], ...], folder: Path) -> Template:
    """Nobody changes what is read: it is the same for as long as the file is."""
    return _Reader(_parse(text), dict(parameters), folder).read()


@lru_cache(maxsize=2)
def _parse(text: str) -> dict[str, Any]:
    document: dict[str, Any] = _TemplateLoader(text).get_single_data()
    return document


class _TemplateLoader(yaml.CSafeLoader):
    """Turns the short forms of intrinsic functions, `!Ref x`, into the long ones, {"Ref": "x"}."""


def _read_intrinsic(loader: yaml.CSafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        value: Any = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = loader.construct_scalar(node)  # type: ignore[arg-type]
    if name == "GetAtt":
        value = value.split(".", 1)
    return {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}


_TemplateLoader.add_multi_constructor("!", _read_intrinsic)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _read_resource(resolved: str) -> str:
    """`OrdersTable.Arn`, also with an index; of a parameter's ARN what follows the account."""
    return resolved.rpartition(":")[2]


class _Reader:
    def __init__(self, document: dict[str, Any], parameters: dict[str, str], folder: Path) -> None:
        self._folder = folder
        self._globals = document.get("Globals", {})
        self._resources = document["Resources"]
        self._conditions = document.get("Conditions", {})
        self._mappings = document.get("Mappings", {})
        declared = document.get("Parameters", {})
        if unknown := parameters.keys() - declared.keys():
            raise TemplateError(f"the template has no parameter {', '.join(sorted(unknown))}")
        self._parameters = {
            name: str(parameters.get(name, declaration.get("Default", ""))) for name, declaration in declared.items()
        }

    def read(self) -> Template:
        routes: list[Route] = []
        schedules: list[Schedule] = []
        tables: dict[str, Mapping[str, Any]] = {}
        dashboards: dict[str, Any] = {}
        alarms: dict[str, Mapping[str, Any]] = {}
        for logical_id, resource in self._resources.items():
            if resource["Type"] == "AWS::Serverless::Function":
                for event in resource["Properties"].get("Events", {}).values():
                    if event["Type"] == "HttpApi":
                        routes.append(self._read_route(logical_id, event))
                    elif event["Type"] == "Schedule":
                        schedules.append(self._read_schedule(logical_id, event))
                    else:
                        raise TemplateError(f"{logical_id} has an event of type {event['Type']}")
            elif resource["Type"] == "AWS::DynamoDB::Table":
                tables[logical_id] = self._resolve(resource["Properties"])
            elif resource["Type"] == "AWS::CloudWatch::Dashboard":
                dashboards[logical_id] = json.loads(self._resolve(resource["Properties"]["DashboardBody"]))
            elif resource["Type"] == "AWS::CloudWatch::Alarm":
                alarms[logical_id] = self._resolve(resource["Properties"])
        return Template(tuple(routes), tuple(schedules), tables, dashboards, alarms)

    def _read_route(self, logical_id: str, event: Mapping[str, Any]) -> Route:
        properties = self._resolve(event["Properties"])
        auth = self._globals["HttpApi"]["Auth"]
        name = properties.get("Auth", {}).get("Authorizer", auth["DefaultAuthorizer"])
        authorizer = None if name == "NONE" else self._read_authorizer(auth["Authorizers"][name])
        return Route(properties["Method"], properties["Path"], self._read_function(logical_id), authorizer)

    def _read_schedule(self, logical_id: str, event: Mapping[str, Any]) -> Schedule:
        rate = self._resolve(event["Properties"])["Schedule"]
        match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", rate)
        if match is None:
            raise TemplateError(f"{logical_id} has the schedule {rate}")
        return Schedule(self._read_function(logical_id), int(match[1]) * SECONDS[match[2]])

    def _read_authorizer(self, declared: Mapping[str, Any]) -> Authorizer:
        [header] = declared["Identity"]["Headers"]
        logical_id = declared["FunctionArn"]["Fn::GetAtt"][0]
        return Authorizer(self._read_function(logical_id), header)

    def _read_function(self, logical_id: str) -> Function:
        shared = self._globals["Function"]
        own = self._resources[logical_id]["Properties"]
        environment = {
            **shared.get("Environment", {}).get("Variables", {}),
            **own.get("Environment", {}).get("Variables", {}),
        }
        return Function(
            logical_id=logical_id,
            code=self._folder / own["CodeUri"],
            handler=own["Handler"],
            timeout_seconds=int(own.get("Timeout", shared["Timeout"])),
            memory_mb=int(own.get("MemorySize", shared["MemorySize"])),
            environment={name: str(self._resolve(value)) for name, value in environment.items()},
            permissions=self._read_permissions(own.get("Policies", [])),
        )

    def _read_permissions(self, policies: Sequence[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
        allowed = set()
        for statement in [statement for policy in policies for statement in policy["Statement"]]:
            if statement["Effect"] != "Allow" or statement.keys() - {"Effect", "Action", "Resource"}:
                raise TemplateError(f"a statement that is not known here: {statement}")
            for action in _as_list(statement["Action"]):
                for resource in _as_list(statement["Resource"]):
                    allowed.add((action, _read_resource(self._resolve(resource))))
        return frozenset(allowed)

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref":
                return self._refer(argument)
            if name.startswith("Fn::"):
                return self._call(name, argument)
        return {name: self._resolve(item) for name, item in value.items()}

    def _refer(self, name: str, variables: Mapping[str, str] = MappingProxyType({})) -> str:
        if name in self._resources:
            return name
        known = {**self._parameters, **PSEUDO_PARAMETERS, **variables}
        if name not in known:
            raise TemplateError(f"Ref of {name}, which is not known")
        return known[name]

    def _call(self, name: str, argument: Any) -> Any:
        if name == "Fn::GetAtt":
            return ".".join(argument)
        if name == "Fn::Sub":
            text, variables = argument if isinstance(argument, list) else (argument, {})
            values = {name: str(self._resolve(value)) for name, value in variables.items()}
            pattern = r"\$\{([^}.]+)(\.[^}]+)?\}"
            return re.sub(pattern, lambda match: self._refer(match[1], values) + (match[2] or ""), text)
        if name == "Fn::FindInMap":
            mapping, first, second = argument
            return str(self._mappings[mapping][first][second])
        if name == "Fn::If":
            condition, then, otherwise = argument
            return self._resolve(then if self._resolve(self._conditions[condition]) else otherwise)
        if name == "Fn::Equals":
            left, right = argument
            return self._resolve(left) == self._resolve(right)
        raise TemplateError(f"{name} is not known")
