"""The dashboard and the alarms of template.yaml, and what is worked out of a recording."""

import html
import re
from dataclasses import replace
from typing import Any

import pytest

from local.recording import Metric, Sample
from local.template import ROOT, read_document, read_template
from tools.dashboard import Graph, Line, Text, evaluate, read_widgets

DOCUMENT = read_document()
TEMPLATE = read_template()
[BODY] = TEMPLATE.dashboards.values()
WIDGETS = read_widgets(BODY)
GRAPHS = {widget.title: widget for widget in WIDGETS if isinstance(widget, Graph)}
COST = "USD for each order paid, by what it pays"
FUNCTIONS = {function.logical_id: function.name for function in TEMPLATE.functions.values()}


def metrics_of(graph: Graph) -> list[Metric]:
    return [line.metric for line in graph.lines if line.metric]


@pytest.mark.proves("FR-601")
def test_money_comes_first() -> None:
    in_order = sorted(WIDGETS, key=lambda widget: (widget.y, widget.x))
    headings = [widget.markdown.splitlines()[0] for widget in in_order if isinstance(widget, Text)]
    assert headings == ["# Money", "# Functions", "# Database", "# Cost"]
    first = [widget.title for widget in in_order if isinstance(widget, Graph)][:5]
    assert first == [
        "Orders",
        "Payments by outcome",
        "Age of the oldest unsettled charge",
        "Refunds",
        "What does not agree, or did not settle",
    ]


@pytest.mark.proves("FR-601")
@pytest.mark.parametrize("title", [title for title in GRAPHS if "by function" in title])
def test_every_function_is_in_each_graph_by_function(title: str) -> None:
    shown = {dict(metric.dimensions).get("FunctionName") for metric in metrics_of(GRAPHS[title])}
    operations = {dict(metric.dimensions).get("operation") for metric in metrics_of(GRAPHS[title])}
    assert FUNCTIONS.keys() == shown or set(FUNCTIONS.values()) == operations
    assert {line.label for line in GRAPHS[title].lines} == set(FUNCTIONS.values())


@pytest.mark.proves("FR-601", "FR-604")
@pytest.mark.parametrize(
    "title",
    ["Write units by table and index", "Read units by table and index", COST],
)
def test_every_table_and_index_is_counted(title: str) -> None:
    declared = {(table, "") for table in TEMPLATE.tables}
    for table, properties in TEMPLATE.tables.items():
        declared |= {(table, index["IndexName"]) for index in properties.get("GlobalSecondaryIndexes", [])}
    for unit in {metric.name for metric in metrics_of(GRAPHS[title]) if metric.namespace == "AWS/DynamoDB"}:
        dimensions = [dict(metric.dimensions) for metric in metrics_of(GRAPHS[title]) if metric.name == unit]
        counted = [(found["TableName"], found.get("GlobalSecondaryIndexName", "")) for found in dimensions]
        assert sorted(counted) == sorted(declared)


AWS_METRICS = {
    "AWS/Lambda": ({"Invocations", "Errors", "Throttles", "Duration"}, {"FunctionName"}),
    "AWS/ApiGateway": ({"Count", "4xx", "5xx"}, {"ApiId"}),
    "AWS/DynamoDB": (
        {"ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits", "WriteThrottleEvents", "TransactionConflict"},
        {"TableName", "GlobalSecondaryIndexName"},
    ),
    "AWS/Logs": ({"IncomingBytes"}, {"LogGroupName"}),
}
"""https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html"""


def metric_of(alarm: Any) -> Metric:
    dimensions = frozenset((dimension["Name"], dimension["Value"]) for dimension in alarm["Dimensions"])
    return Metric(alarm["Namespace"], alarm["MetricName"], dimensions)


@pytest.mark.proves("FR-602")
def test_what_is_named_of_aws_exists_there_and_here() -> None:
    named = [metric for graph in GRAPHS.values() for metric in metrics_of(graph)]
    named += [metric_of(alarm) for alarm in TEMPLATE.alarms.values()]
    for metric in named:
        if metric.namespace == "Checkout":
            continue
        names, dimensions = AWS_METRICS[metric.namespace]
        assert metric.name in names
        for dimension, value in metric.dimensions:
            assert dimension in dimensions
            assert dimension == "GlobalSecondaryIndexName" or value in DOCUMENT["Resources"]


@pytest.mark.proves("FR-604")
def test_cost_is_that_of_the_prices_and_of_the_memory_that_are_declared() -> None:
    graph = GRAPHS[COST]
    expressions = {line.label: line.expression for line in graph.lines if line.expression}
    prices = DOCUMENT["Mappings"]["Prices"]
    memory = DOCUMENT["Globals"]["Function"]["MemorySize"]
    assert {function.memory_mb for function in TEMPLATE.functions.values()} == {memory}
    assert f"* {memory} / 1024 * {prices['Lambda']['GBSecondsX86']} / 1000000" in expressions["function time"]
    for label, (service, name) in {
        "write units": ("DynamoDB", "WriteUnits"),
        "read units": ("DynamoDB", "ReadUnits"),
        "function calls": ("Lambda", "Requests"),
        "API requests": ("ApiGateway", "Requests"),
        "logs": ("Logs", "GB"),
    }.items():
        assert f" * {prices[service][name]} / " in expressions[label]
    called = {dict(metric.dimensions).get("FunctionName") for metric in metrics_of(graph)} - {None}
    assert called == FUNCTIONS.keys()


@pytest.mark.proves("FR-604")
@pytest.mark.parametrize(("architecture", "gb_seconds"), [("x86_64", 16.6667), ("arm64", 13.3334)])
def test_cost_of_an_order_is_worked_out_from_all_that_was_consumed(architecture: str, gb_seconds: float) -> None:
    [body] = read_template({"Architecture": architecture}).dashboards.values()
    [graph] = [widget for widget in read_widgets(body) if isinstance(widget, Graph) and widget.title == COST]
    consumed = [
        (Metric.of("AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="OrdersTable"), 30),
        (Metric.of("AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="AuditTable"), 10),
        (Metric.of("AWS/Lambda", "Duration", FunctionName="PayFunction"), 200),
        (Metric.of("AWS/ApiGateway", "Count", ApiId="CheckoutApi"), 4),
        (Metric.of("Checkout", "OrdersMarkedPaid", service="checkout"), 2),
    ]
    cost = evaluate(graph, [Sample(metric, 0, value) for metric, value in consumed], period=1, periods=2)
    assert cost["write units"] == [pytest.approx(40 * 0.625 / 1_000_000 / 2), None]
    assert cost["function time"] == [pytest.approx(0.2 * 0.5 * gb_seconds / 1_000_000 / 2), None]
    assert cost["API requests"] == [pytest.approx(4 * 1.0 / 1_000_000 / 2), None]
    assert cost["read units"] == [0, None]


@pytest.mark.proves("FR-605")
def test_alarms_are_there_only_for_somebody_and_say_what_to_do() -> None:
    resources = DOCUMENT["Resources"]
    assert resources["AlarmTopic"]["Condition"] == "HasAlarms"
    assert resources["Dashboard"]["Condition"] == "HasDashboard"
    assert len(TEMPLATE.alarms) == 10
    for name, alarm in TEMPLATE.alarms.items():
        assert resources[name]["Condition"] == "HasAlarms"
        assert alarm["AlarmActions"] == ["AlarmTopic"]
        assert len(alarm["AlarmDescription"]) > 40
        stopped = name == "SettlingStoppedAlarm"
        assert alarm["TreatMissingData"] == ("breaching" if stopped else "notBreaching")


SUMMED = Line(label="a", metric=Metric.of("N", "M"), statistic="Sum", expression="", id="a", visible=True)
SAMPLES = [Sample(Metric.of("N", "M"), 0.5, value) for value in (100, 1, 4, 2, 3)]


def graph_of(*lines: Line) -> Graph:
    return Graph(0, 0, 1, 1, title="", stacked=False, limit=None, lines=lines)


@pytest.mark.proves("FR-606")
@pytest.mark.parametrize(("statistic", "expected"), [("Sum", 110), ("Maximum", 100), ("p50", 3), ("p99", 100)])
def test_a_statistic_is_of_the_values_of_a_period(statistic: str, expected: float) -> None:
    shown = evaluate(graph_of(replace(SUMMED, statistic=statistic)), SAMPLES, period=1, periods=2)
    assert shown == {"a": [expected, None]}


@pytest.mark.proves("FR-606")
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a * 2 - 10", [210, None]),
        ("a / b", [55, None]),
        ("b / (b - b)", [None, None]),
        ('SUM(FILL(METRICS("a"), 0))', [110, 0]),
        ('SUM(FILL(METRICS("c_"), 0)) / 2', [12, 0]),
    ],
)
def test_metric_math(expression: str, expected: list[float | None]) -> None:
    hidden = replace(SUMMED, visible=False)
    lines = [
        hidden,
        *(replace(hidden, id=key, metric=Metric.of("N", key)) for key in ("b", "c_1", "c_2")),
        replace(SUMMED, label="shown", metric=None, expression=expression),
    ]
    samples = [
        *SAMPLES,
        *(Sample(Metric.of("N", key), 0, value) for key, value in {"b": 2, "c_1": 4, "c_2": 20}.items()),
    ]
    assert evaluate(graph_of(*lines), samples, period=1, periods=2) == {"shown": expected}


@pytest.mark.proves("FR-606")
@pytest.mark.parametrize("expression", ["RATE(a)", "unheard + 1", "a ** 2", "1 + 1"])
def test_math_that_is_not_known_here_is_an_error(expression: str) -> None:
    line = replace(SUMMED, label="shown", metric=None, expression=expression)
    with pytest.raises(ValueError, match=r"not known here|no series"):
        evaluate(graph_of(SUMMED, line), SAMPLES, period=1, periods=2)


@pytest.mark.proves("FR-606")
def test_rows_that_are_shortened_are_read_as_cloudwatch_reads_them() -> None:
    rows = [["N", "M", "X", "1", "Y", "2"], ["...", "3"], [".", "O", ".", "4"]]
    place = {"x": 0, "y": 0, "width": 6, "height": 6}
    properties = {"title": "", "stat": "Sum", "metrics": rows}
    [graph] = read_widgets({"widgets": [{"type": "metric", **place, "properties": properties}]})
    assert isinstance(graph, Graph)
    assert metrics_of(graph) == [
        Metric.of("N", "M", X="1", Y="2"),
        Metric.of("N", "M", X="1", Y="3"),
        Metric.of("N", "O", X="4"),
    ]


@pytest.mark.proves("FR-606")
def test_the_picture_in_the_documents_is_of_this_dashboard() -> None:
    picture = html.unescape((ROOT / "docs" / "images" / "dashboard.svg").read_text(encoding="utf-8"))
    shown = set(re.findall(r"<text[^>]*>([^<]+)</text>", picture))
    assert GRAPHS.keys() <= shown, "run: make dashboard"
