"""Draws the results as SVG, by matplotlib, in an environment of its own: `python -m benchmarks.plots FOLDER`."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "checkout", "font.size": 10, "axes.axisbelow": True})

FOLDER = Path(sys.argv[1])
OURS, THEIRS, GREY = "#2b6cb0", "#dd6b20", "#a0aec0"


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def save(figure: Figure, name: str) -> None:
    figure.savefig(FOLDER / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})


def make_axes(title: str, width: float = 8, height: float = 3.6) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#e2e8f0")
    return figure, axes


def draw_latency() -> None:
    latency = load("latency")
    starts, medians = latency["starts_times_floor"], latency["medians"]
    names = list(starts)[::-1]
    warm = {name: medians[name]["warm_ms"] / medians["floor"]["warm_ms"] for name in names}
    warm["create_order"] = latency["calls_times_floor"]["floor"]["warm_ms"][1]
    drawn = {
        "import and first call, in turns": [starts[name]["import_and_first_call"][1] for name in names],
        "warm call; of create_order in turns, of others in the rounds": [warm[name] for name in names],
    }
    figure, axes = make_axes("Times the floor, a bare handler with one transaction (medians)", height=6.4)
    for shift, ((label, ratios), color) in enumerate(zip(drawn.items(), (OURS, THEIRS), strict=True)):
        places = [index + 0.2 - 0.4 * shift for index in range(len(names))]
        bars = axes.barh(places, ratios, 0.36, label=label, color=color)
        axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(1, color="#2d3748", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    save(figure, "latency")


def draw_units() -> None:
    operations = load("cost")["operations"]
    names = ["create_order", "pay", "mark_order_paid"][::-1]
    places = sorted({place for name in names for place in operations[name]["write_units"]})
    figure, axes = make_axes("Write units of a checkout, by what they buy")
    left = dict.fromkeys(names, 0.0)
    colors = mpl.colormaps["tab20"]
    for number, place in enumerate(places):
        widths = [operations[name]["write_units"].get(place, 0) for name in names]
        axes.barh(names, widths, 0.6, left=list(left.values()), label=place, color=colors(number))
        for name, width in zip(names, widths, strict=True):
            left[name] += width
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, "units")


def draw_price() -> None:
    million = load("cost")["million"]
    parts = sorted(million["parts"].items(), key=lambda part: part[1])
    figure, axes = make_axes(f"A million checkouts: ${million['total']:.2f} ({million['region']})")
    bars = axes.barh([name for name, _ in parts], [dollars for _, dollars in parts], 0.6, color=OURS)
    axes.bar_label(bars, fmt="$%.2f", padding=3)
    save(figure, "price")


def draw_starts() -> None:
    instructions = load("start")["instructions"]
    names = list(instructions)[::-1]
    figure, axes = make_axes("Millions of instructions, import and first call", height=2.6)
    colors = [GREY if name.startswith("floor") else OURS for name in names]
    bars = axes.barh(names, [instructions[name]["millions"] for name in names], 0.6, color=colors)
    axes.bar_label(bars, fmt="%.0f", padding=3)
    save(figure, "starts")


def draw_scale() -> None:
    scale = load("scale")
    names = list(scale["full_ms"])[::-1]
    figure, axes = make_axes(f"Median milliseconds with {scale['items']:,} items in all (DynamoDB Local)", height=4.6)
    customers = list(scale["full_ms"][names[0]])
    for number, customer in enumerate(customers):
        places = [index + 0.27 - 0.27 * number for index in range(len(names))]
        shade = (GREY, "#63b3ed", OURS)[number]
        axes.barh(places, [scale["full_ms"][name][customer] for name in names], 0.25, label=customer, color=shade)
    axes.set_yticks(range(len(names)), names)
    axes.legend(frameon=False)
    save(figure, "scale")


def draw_memory() -> None:
    memory = load("memory")
    figure, axes = make_axes("Resident memory over the calls, MB", height=2.6)
    sizes = memory["mb"]
    axes.plot([memory["calls"] * number / (len(sizes) - 1) for number in range(len(sizes))], sizes, color=OURS)
    axes.set_ylim(0, max(sizes) * 1.2)
    axes.set_xlabel("calls")
    axes.set_ylabel("MB")
    save(figure, "memory")


def draw_heat() -> None:
    rows = [row for row in load("heat")["rows"] if row["kind"] == "write"]
    places = sorted({row["place"] for row in rows}, reverse=True)
    figure, axes = make_axes("Write units a second of the hottest key; a partition takes 1,000", height=4.6)
    cases = sorted({(row["rate"], row["share"]) for row in rows})
    colors = mpl.colormaps["viridis"]
    for number, (rate, share) in enumerate(cases):
        found = {row["place"]: row["hottest_key"] for row in rows if (row["rate"], row["share"]) == (rate, share)}
        label = f"{rate:,} a second, one customer {share:.0%}"
        points = [max(0.5, found.get(place, 0.5)) for place in places]
        # A little beside each other: what is the same in all cases would be one point.
        beside = (number - len(cases) / 2) * 0.09
        axes.scatter(
            points, [at - beside for at in range(len(places))], label=label, color=colors(number / len(cases)), s=36
        )
    axes.axvline(1000, color="#c53030", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(places)), places)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, "heat")


def draw_throughput() -> None:
    measured = load("throughput")
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    kinds = {"ours": "this checkout", "course": "the course's design"}
    figures = measured["medians"]
    bars = left.bar(kinds.values(), [figures[kind]["per_second"] for kind in kinds], 0.5, color=[OURS, THEIRS])
    left.bar_label(bars, fmt="%.1f")
    left.set_title("Checkouts a second", loc="left")
    wrong = measured["bursts_wrong"]
    bars = right.bar(kinds.values(), [wrong[kind] for kind in kinds], 0.5, color=[OURS, THEIRS])
    right.bar_label(bars)
    right.set_title(f"{wrong['how'].capitalize()}, of {measured['bursts']} bursts", loc="left")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, "throughput")


if __name__ == "__main__":
    for draw in (
        draw_latency,
        draw_units,
        draw_price,
        draw_starts,
        draw_scale,
        draw_memory,
        draw_heat,
        draw_throughput,
    ):
        draw()
