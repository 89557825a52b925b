"""One function in a process of its own, as Lambda starts it: `python -S probe.py MODULE FUNCTION EVENTS [MODE]`.

EVENTS is a file with the events of the first call, of warm calls, of calls that were answered before, and of calls that
another process has answered. Prints what was measured, as JSON; what the function logged comes on standard error. As
`memory` DynamoDB is in the process, so that what it executes is the same each time. In `turns` each call but the first
waits for a line on standard input, and its milliseconds are a line on standard output.
"""

import sys
import time

modules_before = set(sys.modules)
started, started_cpu = time.perf_counter(), time.process_time()

module_name, function_name, events_file, *mode = sys.argv[1:]
handler = getattr(__import__(module_name, fromlist=[function_name]), function_name)
if module_name.startswith("functions") and function_name != "authorize":
    # What Lambda's start does besides.
    __import__("checkout.wiring", fromlist=["wiring"]).dynamodb_client()

imported, imported_cpu = time.perf_counter(), time.process_time()
modules = sorted(set(sys.modules) - modules_before)

import contextlib  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
from pathlib import Path  # noqa: E402


class Context:
    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id = "invocation"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 15_000


def use_memory() -> None:
    sys.path.append(str(Path(__file__).parent.parent))
    from benchmarks.memory_transport import answer_from_memory
    from tests.exploration.memory_store import MemoryStore

    tables = json.loads(Path(events_file).with_name("tables.json").read_text(encoding="utf-8"))
    store = MemoryStore(tables["tables"])
    for product in tables["products"]:
        store.answer("PutItem", {"TableName": "ProductsTable", "Item": product})
    wiring = sys.modules.get("checkout.wiring")
    answer_from_memory(wiring.dynamodb_client() if wiring else sys.modules[module_name].client, store)


def call_all(events: list[dict]) -> tuple[list[float], float]:  # type: ignore[type-arg]
    """Milliseconds of each, and processor milliseconds of one."""
    times = []
    began = time.process_time()
    for event in events:
        at = time.perf_counter()
        with contextlib.redirect_stdout(log):
            answer = handler(event, Context())
        times.append((time.perf_counter() - at) * 1000)
        if answer.get("statusCode", 200) >= 300 or answer.get("isAuthorized") is False:
            sys.exit(f"{function_name} answered {answer}")
    return times, (time.process_time() - began) * 1000 / max(1, len(events))


def take_turns(events: list[dict]) -> None:  # type: ignore[type-arg]
    for event, _ in zip(events, sys.stdin, strict=False):
        times, _ = call_all([event])
        print(*times, flush=True)


log = io.StringIO()
logger = getattr(sys.modules.get("checkout.api"), "logger", None)
if logger:
    logger.registered_handler.setStream(log)
events = json.loads(Path(events_file).read_text(encoding="utf-8"))
if "memory" in mode and function_name != "authorize":
    use_memory()
first, first_cpu = call_all(events["first"])
if "turns" in mode:
    take_turns([*events["warm"], *events["replay"], *events["answered"]])
    sys.exit()
warm, warm_cpu = call_all(events["warm"])
replay, _ = call_all(events["replay"])
answered, _ = call_all(events["answered"])
print(
    json.dumps(
        {
            "import_ms": (imported - started) * 1000,
            "import_cpu_ms": (imported_cpu - started_cpu) * 1000,
            "first_ms": sum(first),
            "first_cpu_ms": first_cpu,
            "warm_ms": warm,
            "warm_cpu_ms": warm_cpu,
            "replay_ms": replay,
            "answered_ms": answered,
            "peak_mb": int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024,
            "modules": modules,
        }
    )
)
sys.stderr.write(log.getvalue())
