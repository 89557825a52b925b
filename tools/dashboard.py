"""Reads the dashboard of template.yaml, and works out what its graphs show of a recording.

Of CloudWatch's metric math this knows what the dashboard uses: arithmetic, SUM, FILL with a number, METRICS.
"""

import ast
import math
import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.recording import Metric, Sample

__all__ = ["Graph", "Line", "Text", "evaluate", "read_widgets"]

Series = Sequence[float | None]
"""A value for each period; None where there is no data."""

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


@dataclass(frozen=True)
class Line:
    """A metric with a statistic, or an expression; `id` is what expressions call it."""

    label: str
    metric: Metric | None
    statistic: str
    expression: str
    id: str
    visible: bool


@dataclass(frozen=True)
class Widget:
    """Where it is on a grid of 24 columns."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Text(Widget):
    markdown: str


@dataclass(frozen=True)
class Graph(Widget):
    title: str
    stacked: bool
    limit: float | None
    """A line that the values should stay below."""
    lines: tuple[Line, ...]


def read_widgets(body: Mapping[str, Any]) -> list[Text | Graph]:
    """The widgets of a dashboard's body.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    return [_read_widget(widget) for widget in body["widgets"]]


def _read_widget(widget: Mapping[str, Any]) -> Text | Graph:
    place = {name: widget[name] for name in ("x", "y", "width", "height")}
    properties = widget["properties"]
    if widget["type"] == "text":
        return Text(**place, markdown=properties["markdown"])
    annotations = properties.get("annotations", {}).get("horizontal", [])
    return Graph(
        **place,
        title=properties["title"],
        stacked=properties.get("stacked", False),
        limit=annotations[0]["value"] if annotations else None,
        lines=tuple(_read_lines(properties)),
    )


def _read_lines(properties: Mapping[str, Any]) -> Iterable[Line]:
    before: list[str] = []
    for row in properties["metrics"]:
        options = row[-1] if isinstance(row[-1], dict) else {}
        fields = [field for field in row if isinstance(field, str)]
        metric = None
        if fields:
            before = _expand(fields, before)
            metric = Metric(before[0], before[1], frozenset(zip(before[2::2], before[3::2], strict=True)))
        yield Line(
            label=str(options.get("label", "")),
            metric=metric,
            statistic=options.get("stat", properties["stat"]),
            expression=options.get("expression", ""),
            id=options.get("id", ""),
            visible=options.get("visible", True),
        )


def _expand(fields: Sequence[str], before: Sequence[str]) -> list[str]:
    """With `...` and `.` as what stands in the row before."""
    if fields[0] == "...":
        own = fields[1:]
        return [*before[: len(before) - len(own)], *own]
    return [before[at] if field == "." else field for at, field in enumerate(fields)]


def evaluate(graph: Graph, samples: Iterable[Sample], *, period: float, periods: int) -> dict[str, Series]:
    """The visible lines of a graph, by label."""
    buckets: dict[Metric, list[list[float]]] = defaultdict(lambda: [[] for _ in range(periods)])
    for sample in samples:
        at = int(sample.at / period)
        if at < periods:
            buckets[sample.metric][at].append(sample.value)
    known = {line.id: _summarise(buckets[line.metric], line.statistic) for line in graph.lines if line.metric}
    shown: dict[str, Series] = {}
    for line in graph.lines:
        if not line.visible:
            continue
        if line.metric:
            shown[line.label] = _summarise(buckets[line.metric], line.statistic)
        else:
            shown[line.label] = _Expression(known, periods).evaluate(line.expression)
    return shown


def _summarise(buckets: Sequence[Sequence[float]], statistic: str) -> Series:
    return [summarise(values, statistic) if values else None for values in buckets]


def summarise(values: Sequence[float], statistic: str) -> float:
    """`Sum`, `Maximum` or a percentile such as `p99`, the nearest rank. Raises ValueError where it is another."""
    if statistic == "Sum":
        return sum(values)
    if statistic == "Maximum":
        return max(values)
    if statistic[0] == "p":
        return sorted(values)[max(0, math.ceil(len(values) * float(statistic[1:]) / 100) - 1)]
    raise ValueError(f"a statistic that is not known here: {statistic}")


class _Expression:
    """Metric math; what is not known here raises ValueError."""

    def __init__(self, known: Mapping[str, Series], periods: int) -> None:
        self._known = known
        self._periods = periods

    def evaluate(self, expression: str) -> Series:
        value = self._evaluate(ast.parse(expression, mode="eval").body)
        if not isinstance(value, list):
            raise ValueError(f"no series: {expression}")
        return value

    def _evaluate(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self._known:
                return list(self._known[name])
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return self._calculate(self._evaluate(left), self._evaluate(right), OPERATORS[type(op)])
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, [self._evaluate(argument) for argument in arguments])
        raise ValueError(f"not known here: {ast.unparse(node)}")

    def _calculate(self, left: Any, right: Any, operate: Any) -> Any:
        if not isinstance(left, list) and not isinstance(right, list):
            return operate(left, right)
        return [
            # As in CloudWatch: no data with something without data, and none where it is divided by nothing.
            None
            if one is None or other is None or (operate is operator.truediv and other == 0)
            else operate(one, other)
            for one, other in zip(self._spread(left), self._spread(right), strict=True)
        ]

    def _spread(self, value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value] * self._periods

    def _call(self, name: str, arguments: list[Any]) -> Any:
        if name == "METRICS":
            return tuple(list(series) for key, series in self._known.items() if key and arguments[0] in key)
        if name == "FILL":
            return tuple([arguments[1] if value is None else value for value in series] for series in arguments[0])
        if name == "SUM":
            return [sum(values) for values in zip(*arguments[0], strict=True)]
        raise ValueError(f"not known here: {name}")
