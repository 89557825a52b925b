"""Draws what tools/record_dashboard.py prints: `python tools/plot_dashboard.py dashboard.json dashboard.svg`.

It runs in an environment of its own, with matplotlib and nothing of this project.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

COLUMNS = 24
COLUMN_INCHES, ROW_INCHES = 0.58, 0.4
MARGIN = 0.12
"""Around each widget, in inches."""
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa3ad",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e9ed",
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "checkout",
}
COLOURS = [mpl.colors.to_hex(colour) for colour in [*mpl.colormaps["tab10"].colors, *mpl.colormaps["Dark2"].colors]]


class Sheet:
    """A figure that is measured in inches from its top left."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = plt.figure(figsize=(width, height), facecolor="#f2f4f6")
        self._width, self._height = width, height

    def place(self, x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
        """A rectangle as matplotlib takes it."""
        return x / self._width, 1 - (y + height) / self._height, width / self._width, height / self._height

    def write(self, text: str, x: float, y: float, **style: Any) -> None:
        self.figure.text(x / self._width, 1 - y / self._height, text, va="top", **style)


def draw(dashboard: dict[str, Any], path: Path) -> None:
    """Writes the picture: each widget where the dashboard has it."""
    widgets = dashboard["widgets"]
    rows = max(widget["y"] + widget["height"] for widget in widgets)
    mpl.rcParams.update(STYLE)
    sheet = Sheet(COLUMNS * COLUMN_INCHES, rows * ROW_INCHES + 0.4)
    for widget in widgets:
        x, y = widget["x"] * COLUMN_INCHES, widget["y"] * ROW_INCHES
        width, height = widget["width"] * COLUMN_INCHES, widget["height"] * ROW_INCHES
        if "text" in widget:
            heading, _, note = widget["text"].removeprefix("# ").partition("\n")
            sheet.write(heading, x + MARGIN, y + 0.12, size=13, weight="bold")
            sheet.write(note, x + 1.2, y + 0.19, size=8, color="#5a6470")
        else:
            plot(sheet, widget, dashboard["period"], x + MARGIN, y, width - 2 * MARGIN, height - MARGIN)
    sheet.write(dashboard["note"], MARGIN, rows * ROW_INCHES + 0.1, size=8, color="#5a6470")
    sheet.figure.savefig(path, format="svg", metadata={"Date": None, "Title": "The dashboard, from a local recording"})
    plt.close(sheet.figure)


def plot(sheet: Sheet, widget: dict[str, Any], period: float, x: float, y: float, width: float, height: float) -> None:
    card = mpl.patches.Rectangle((0, 0), 1, 1, facecolor="white", edgecolor="#dfe3e8")
    back = sheet.figure.add_axes(sheet.place(x, y, width, height))
    back.add_patch(card)
    back.set_axis_off()
    sheet.write(widget["title"], x + 0.12, y + 0.1, size=8.5, weight="bold")
    lines = [line for line in widget["lines"] if any(line["values"])]
    columns = max(1, int(width / 1.35))
    legend = 0.16 * math.ceil(len(lines) / columns)
    axes = sheet.figure.add_axes(sheet.place(x + 0.55, y + 0.38, width - 0.75, height - 0.68 - legend))
    if not lines:
        said = any(value is not None for line in widget["lines"] for value in line["values"])
        axes.text(0.5, 0.5, "0 throughout" if said else "no data", ha="center", color="#9aa3ad")
        axes.set_axis_off()
        return
    times = [at * period for at in range(len(lines[0]["values"]))]
    if widget["stacked"]:
        values = [[value or 0 for value in line["values"]] for line in lines]
        axes.stackplot(times, values, labels=[line["label"] for line in lines], colors=COLOURS, alpha=0.85)
    else:
        for number, line in enumerate(lines):
            # Points with none between them are not joined: a line would tell of values that were not there.
            points = [math.nan if value is None else value for value in line["values"]]
            style = ("-", "--")[number // 10 % 2]
            axes.plot(times, points, style, label=line["label"], color=COLOURS[number], marker=".", lw=1)
    axes.set_xlim(0, times[-1] or 1)
    axes.set_ylim(bottom=0)
    if widget["limit"] is not None and widget["limit"] <= axes.get_ylim()[1]:
        axes.axhline(widget["limit"], color="#c0392b", linewidth=1)
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=axes.get_ylim()[1] > 2))
    axes.xaxis.set_major_formatter("{x:g} s")
    below = (x + 0.2, y + height - legend - 0.08, width - 0.3, legend)
    sheet.figure.legend(
        *axes.get_legend_handles_labels(),
        loc="upper left",
        bbox_to_anchor=sheet.place(*below),
        ncols=columns,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.4,
        columnspacing=1,
        labelspacing=0.3,
    )


if __name__ == "__main__":
    recorded, picture = map(Path, sys.argv[1:])
    draw(json.loads(recorded.read_text(encoding="utf-8")), picture)
