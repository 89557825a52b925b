"""Removes from installed packages what no function reads: `python prune.py FOLDER` (FR-708).

botocore knows every service of AWS, 28 MB of descriptions, and reads the addresses of all of them when a client is
made. Here it knows the services that the functions call. Names, versions and licences (*.dist-info) stay: they are
what scanners look for.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

SERVICES = ("dynamodb", "ssm")
"""What the functions call."""

UNUSED = (
    "aws_lambda_powertools/event_handler",  # no router: specs/decisions/0004
    "boto3/data",
    "boto3/examples",
    "pydantic/mypy.py",
    "pydantic/v1",
    "wrapt/*.c",
    "wrapt-stubs",
    "bin",
    "**/*.pyi",
    "**/__pycache__",
)


def prune(folder: Path) -> None:
    """Raises FileNotFoundError where botocore keeps its data otherwise than it did."""
    data = folder / "botocore" / "data"
    for service in data.iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    for name in SERVICES:
        for version in sorted((data / name).iterdir())[:-1]:
            shutil.rmtree(version)
        for examples in (data / name).glob("*/examples-1.json"):
            examples.unlink()
        for packed in (data / name).glob("*/*.json.gz"):
            # Unpacked and without its manual it is read faster, and the layer is compressed as a whole anyway.
            _write(packed.with_suffix(""), _leave_out(json.loads(gzip.decompress(packed.read_bytes()))))
            packed.unlink()
    endpoints = data / "endpoints.json"
    _write(endpoints, _keep_services(json.loads(endpoints.read_text(encoding="utf-8"))))
    for pattern in UNUSED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _keep_services(endpoints: dict[str, Any]) -> dict[str, Any]:
    """Every partition and region, with the addresses of the services that are left."""
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in SERVICES if name in services}
    return endpoints


def _leave_out(node: Any) -> Any:
    """The manual, and which members of a request name tables of other accounts: botocore looks for those in each
    request, to call the other account's address, and the checkout's tables are of its own."""
    if isinstance(node, list):
        return [_leave_out(child) for child in node]
    if isinstance(node, dict):
        return {
            name: _leave_out(child)
            for name, child in node.items()
            if name != "operationContextParams" and (name != "documentation" or not isinstance(child, str))
        }
    return node


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
