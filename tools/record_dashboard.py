"""Records a local runtime under mixed traffic, and works out the dashboard of template.yaml from it:

    python -m tools.record_dashboard --seconds 30 > dashboard.json

What it prints is what tools/plot_dashboard.py draws.
"""

import argparse
import importlib
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from local.database import open_database
from local.keys import local_parameters
from local.progress import show_bar
from local.recording import LogReader, Recording, UnitCounter, watch_api
from local.runtime import Runtime
from local.schedules import run_schedules
from local.tables import connect, create_tables, load_products
from local.template import ROOT, read_template
from local.traffic import make_traffic
from local.wsgi import serve_application
from tools.dashboard import Graph, Text, evaluate, read_widgets

__all__ = ["describe", "record"]

NOTE = (
    "From a local runtime under mixed traffic, all functions in one process, the database embedded: times, and what "
    "follows from them, are not Lambda's. Units of indexes are not counted."
)
PERIODS = 16
LOG = ROOT / ".data" / "dashboard.log"


def record(seconds: float) -> Recording:
    """Metrics of a runtime with an embedded database, its schedules at work; its log is in LOG."""
    with open_database() as endpoint:
        database = connect(endpoint)
        create_tables(database)
        load_products(database)
        template = read_template(local_parameters(endpoint))
        recording = Recording()
        runtime = Runtime(template, recording.add_invocation)
        keys = {
            table: tuple(key["AttributeName"] for key in properties["KeySchema"])
            for table, properties in template.tables.items()
        }
        units = UnitCounter(recording, keys)
        units.listen(importlib.import_module("checkout.wiring").dynamodb_client())
        api = watch_api(runtime, recording, "CheckoutApi")
        LOG.parent.mkdir(exist_ok=True)
        with (
            LOG.open("w", encoding="utf-8") as log,
            show_bar(total=round(seconds), desc="recording", unit="s") as bar,
            redirect_stdout(LogReader(recording, "FunctionLogGroup")),
            redirect_stderr(log),
            serve_application(api, threaded=True) as address,
            run_schedules(runtime),
        ):
            make_traffic(
                address, seconds, progress=lambda: bar.update(min(round(seconds), round(recording.seconds)) - bar.n)
            )
        units.count_writes(database)
    return recording


def describe(recording: Recording) -> dict[str, Any]:
    """The dashboard's widgets with what each shows, as JSON values, in about PERIODS periods."""
    [body] = read_template().dashboards.values()
    period = max(1, round(recording.seconds / PERIODS))
    periods = max(1, int(recording.seconds / period))
    widgets: list[dict[str, Any]] = []
    for widget in read_widgets(body):
        place = {"x": widget.x, "y": widget.y, "width": widget.width, "height": widget.height}
        match widget:
            case Text():
                widgets.append({**place, "text": widget.markdown})
            case Graph():
                lines = evaluate(widget, recording.samples, period=period, periods=periods)
                widgets.append(
                    {
                        **place,
                        "title": widget.title,
                        "stacked": widget.stacked,
                        "limit": widget.limit,
                        "lines": [{"label": label, "values": list(values)} for label, values in lines.items()],
                    }
                )
    return {"period": period, "widgets": widgets, "note": NOTE}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make dashboard", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of traffic")
    print(json.dumps(describe(record(parser.parse_args().seconds))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
