"""Makes from template.yaml what the documents show of it: `python -m tools.describe_template`.

The architecture as a Mermaid diagram and as a table of what each function reads and writes; the parameters; the alarms.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from checkout.order_items import DUE_SHARDS
from local.template import Function, Template, read_document, read_template
from tools.generated import write_generated

__all__ = [
    "DOCUMENTS",
    "draw_architecture",
    "list_alarms",
    "list_functions",
    "list_parameters",
    "list_prices",
    "list_schedules",
]

MONTH_HOURS = 730
IDLE_SECONDS = 0.1
IDLE_QUERIES = {"settle_payments": 2 * DUE_SHARDS}
"""What a run asks of the index of what is due where it finds nothing: each of its shards, and for the oldest again."""
DOCS = Path(__file__).parent.parent / "docs"
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
BESIDE = {"IdempotencyTable", "CircuitTable", "SimulatedGatewayTable", "DeclinesTable"}
"""Tables that serve a call and are no record of it: in the table, not in the diagram, which they would hide."""


def tables_of(function: Function, *, written: bool) -> list[str]:
    """The tables that a function may write, or read."""
    found = {
        resource.partition(".")[0]
        for action, resource in function.permissions
        if resource.partition(".")[0].endswith("Table") and (action.partition(":")[2] in WRITES) == written
    }
    return sorted(found)


def name_of(table: str) -> str:
    """In words, as `SimulatedGatewayTable` is `simulated gateway`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in table.removesuffix("Table"))
    return words.strip()


def calls_gateway(document: Mapping[str, Any], function: Function) -> bool:
    layers = document["Resources"][function.logical_id]["Properties"].get("Layers", [])
    return {"Ref": "StripeLayer"} in layers


def draw_architecture(template: Template, document: Mapping[str, Any]) -> str:
    """Who calls which function, and what each writes."""
    lines = ["flowchart LR", "    client([client]) --> api[API Gateway]", "    stripe([Stripe]) --> api"]
    lines += ["    clock([EventBridge])", "    gateway([payment gateway])", "    subgraph functions"]
    lines += [f"        {name}" for name in sorted(template.functions)]
    lines += ["    end", "    subgraph DynamoDB"]
    lines += [f"        {table}[({name_of(table)})]" for table in template.tables if table not in BESIDE]
    lines.append("    end")
    lines += [f'    api -- "{route.method} {route.path}" --> {route.function.name}' for route in template.routes]
    lines += [f"    api -. token .-> {name}" for name in sorted(authorizers_of(template))]
    lines += [f"    clock -- each {spell_seconds(s.seconds)} --> {s.function.name}" for s in template.schedules]
    for name, function in sorted(template.functions.items()):
        lines += [f"    {name} --> {table}" for table in tables_of(function, written=True) if table not in BESIDE]
        if calls_gateway(document, function):
            lines.append(f"    {name} ==> gateway")
    return "\n".join(["```mermaid", *lines, "```"])


def authorizers_of(template: Template) -> set[str]:
    return {route.authorizer.function.name for route in template.routes if route.authorizer}


def spell_seconds(seconds: int) -> str:
    return {60: "minute", 3600: "hour", 86400: "day"}.get(seconds, f"{seconds} s")


def list_functions(template: Template) -> str:
    """A row for each function: when it runs, what it reads and writes."""
    called: dict[str, str] = {}
    for route in template.routes:
        others = f"{called[route.function.name]}, " if route.function.name in called else ""
        called[route.function.name] = f"{others}`{route.method} {route.path}`"
    called |= {found.function.name: f"each {spell_seconds(found.seconds)}" for found in template.schedules}
    called |= dict.fromkeys(authorizers_of(template), "each request with a token")
    rows = [
        (
            f"`{name}`",
            called[name],
            ", ".join(map(name_of, tables_of(function, written=False))) or "-",
            ", ".join(map(name_of, tables_of(function, written=True))) or "-",
        )
        for name, function in sorted(template.functions.items())
    ]
    return make_table(("function", "runs at", "reads", "writes"), rows)


def list_parameters(document: Mapping[str, Any]) -> str:
    """A row for each parameter of the template."""
    rows = [
        (
            f"`{name}`",
            f"`{declared['Default']}`"
            if declared.get("Default", "") != ""
            else "-"
            if "Default" in declared
            else "needed",
            declared.get("Description") or spell_values(declared),
        )
        for name, declared in document["Parameters"].items()
    ]
    return make_table(("parameter", "default", "what it is"), rows)


def spell_values(declared: Mapping[str, Any]) -> str:
    return "one of " + ", ".join(map(str, declared["AllowedValues"]))


def list_prices(document: Mapping[str, Any]) -> str:
    """A row for each price of the template."""
    of = {"WriteUnits": "million write units", "ReadUnits": "million read units"}
    of |= {"GBSecondsX86": "million GB-seconds on x86_64", "GBSecondsArm": "million GB-seconds on arm64"}
    of |= {"Requests": "million requests", "GB": "GB taken in"}
    rows = [
        (f"{service}, a {of[name]}", price)
        for service, prices in document["Mappings"]["Prices"].items()
        for name, price in prices.items()
    ]
    return make_table(("what", "USD"), rows)


def list_schedules(template: Template, document: Mapping[str, Any]) -> str:
    """What a month of each scheduled function costs on x86_64 where nothing is to be done: its calls, reads, time."""
    prices = document["Mappings"]["Prices"]
    rows = []

    def add(what: str, product: str) -> None:
        dollars = math.prod(float(factor.split()[0].replace(",", "")) for factor in product.split(" x ")) / 1_000_000
        rows.append((f"{what}: {product} / 1,000,000", f"{dollars:.3f}"))

    for schedule in template.schedules:
        name = f"`{schedule.function.name}`"
        runs = f"{MONTH_HOURS * 3600 // schedule.seconds:,}"
        add(f"{name}, calls", f"{runs} x {prices['Lambda']['Requests']}")
        add(
            f"{name}, time, were it {IDLE_SECONDS} s",
            f"{runs} x {IDLE_SECONDS} s x 0.5 GB x {prices['Lambda']['GBSecondsX86']}",
        )
        if queries := IDLE_QUERIES.get(schedule.function.name):
            reads = f"{runs} x {queries} queries x 0.5 units x {prices['DynamoDB']['ReadUnits']}"
            add(f"{name}, reads where nothing is due", reads)
    return make_table(("what", "USD"), rows)


def list_alarms(template: Template) -> str:
    """A row for each alarm: when it is raised, and what it says."""
    rows = []
    for name, alarm in template.alarms.items():
        comparison = "<" if alarm["ComparisonOperator"].startswith("Less") else ">="
        dimensions = [f" {found['Value']}" for found in alarm["Dimensions"] if found["Name"] != "service"]
        measured = f"`{alarm['MetricName']}{''.join(dimensions)}` {comparison} {alarm['Threshold']}"
        minutes = alarm["Period"] // 60
        rows.append(
            (f"`{name}`", f"{measured}, {alarm['DatapointsToAlarm']} x {minutes} min", alarm["AlarmDescription"])
        )
    return make_table(("alarm", "when", "what it says"), rows)


def make_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


TEMPLATE, DOCUMENT = read_template(), read_document()
DOCUMENTS: Mapping[Path, Mapping[str, str]] = {
    DOCS / "explanation" / "architecture.md": {
        "tools/describe_template.py: architecture": draw_architecture(TEMPLATE, DOCUMENT),
        "tools/describe_template.py: functions": list_functions(TEMPLATE),
    },
    DOCS / "costs.md": {
        "tools/describe_template.py: prices": list_prices(DOCUMENT),
        "tools/describe_template.py: schedules": list_schedules(TEMPLATE, DOCUMENT),
    },
    DOCS / "reference.md": {
        "tools/describe_template.py: parameters": list_parameters(DOCUMENT),
        "tools/describe_template.py: alarms": list_alarms(TEMPLATE),
    },
}
"""What each document shows, by the mark where it stands."""


if __name__ == "__main__":
    write_generated(DOCUMENTS)
