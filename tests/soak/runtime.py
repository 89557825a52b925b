"""A local runtime whose calls of DynamoDB fail by chance: `python -m tests.soak.runtime PORT ENDPOINT LOG SCHEDULES`.

It is killed now and then, so it counts faults in a file, LOG, a byte for each.
"""

import importlib
import os
import random
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from local.keys import local_parameters
from local.runtime import Runtime
from local.schedules import run_schedules
from local.template import read_template
from local.wsgi import serve_application
from tests.e2e.faulty_runtime import make_response

PARAMETERS = {
    "SettleAfterSeconds": "2",
    # Neither closes the shop for customers who have done nothing.
    "CircuitFailures": "1000000",
    "MaxHourlyDeclines": "1000000",
}
LIKELIHOOD = 0.03


class RandomFaults:
    """One call in so many is throttled, conflicts, fails before or after it took effect, or times out after it did."""

    def __init__(self, log: Path) -> None:
        self._http = URLLib3Session(max_pool_connections=50)
        self._chance = random.SystemRandom()
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def listen(self, client: Any) -> None:
        client.meta.events.register("before-send.dynamodb", self._send, unique_id="soak-send")

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        if self._chance.random() > LIKELIHOOD:
            return None
        os.write(self._log, b".")
        fault = self._chance.choice(["throttled", "conflict", "fails", "fails after", "times out after"])
        is_transaction = request.headers["X-Amz-Target"].endswith(b"TransactWriteItems")
        if fault.endswith("after"):
            self._http.send(request)
        if fault.startswith("fails"):
            return make_response(request, 500, {"__type": "InternalServerError"})
        if fault == "times out after":
            raise ReadTimeoutError(endpoint_url=request.url)
        if not is_transaction:
            return make_response(request, 400, {"__type": "ProvisionedThroughputExceededException"})
        reason = "ThrottlingError" if fault == "throttled" else "TransactionConflict"
        reasons = [{"Code": reason}, {"Code": "None"}]
        return make_response(request, 400, {"__type": "TransactionCanceledException", "CancellationReasons": reasons})


def main() -> None:
    port, endpoint, log, schedules = sys.argv[1:]
    runtime = Runtime(read_template({**local_parameters(endpoint), **PARAMETERS}))
    RandomFaults(Path(log)).listen(importlib.import_module("checkout.wiring").dynamodb_client())
    with (
        serve_application(runtime, int(port), threaded=True),
        run_schedules(runtime) if schedules == "schedules" else nullcontext(),
    ):
        threading.Event().wait()


if __name__ == "__main__":
    main()
