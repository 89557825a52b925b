"""GET /, /docs, /openapi.json and /web/…: the console, the API's documentation, and their files (FR-401 to FR-404).

It calls nothing and needs nothing but the files; without pydantic and boto3 a new instance is there at once.
"""

import os
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from checkout.metrics import count_cold_start
from checkout.web_files import answer_file

logger = Logger()

PAGES = {
    "GET /": ["index.html"],
    # The second where the first was not made.
    "GET /docs": ["docs/index.html", "no-docs.html"],
    "GET /openapi.json": ["openapi.json"],
}


def get_web_file(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - it takes no time to speak of
    count_cold_start("get_web_file")
    names = PAGES.get(event["routeKey"]) or [event["pathParameters"]["file"]]
    answer = answer_file(Path(os.environ["WEB_FOLDER"]), names, event.get("headers") or {})
    request_id = event["requestContext"]["requestId"]
    logger.info("answered", request_id=request_id, operation="get_web_file", status=answer["statusCode"])
    return answer
