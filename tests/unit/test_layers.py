"""What the layers leave out of their packages, and what they keep."""

import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local.template import ROOT

pytestmark = pytest.mark.proves("FR-708")


def load_prune() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prune", ROOT / "layers" / "dependencies" / "prune.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    data = tmp_path / "botocore" / "data"
    for service in ("dynamodb", "ssm", "ec2"):
        write(data / service / "2011-01-01" / "service-2.json", {"version": "old"})
        write(data / service / "2012-01-01" / "service-2.json", {"version": "new"})
        write(data / service / "2012-01-01" / "examples-1.json", {})
    services = {name: {"endpoints": {}} for name in ("dynamodb", "ssm", "ec2")}
    write(data / "endpoints.json", {"partitions": [{"regions": {"us-east-1": {}}, "services": services}]})
    write(tmp_path / "boto3" / "data" / "ec2.json", {})
    write(tmp_path / "boto3-1.0.dist-info" / "METADATA", {})
    load_prune().prune(tmp_path)
    return tmp_path


def test_botocore_knows_the_services_that_are_called_in_their_last_version(pruned: Path) -> None:
    data = pruned / "botocore" / "data"
    assert sorted(file.relative_to(data).as_posix() for file in data.rglob("*.json")) == [
        "dynamodb/2012-01-01/service-2.json",
        "endpoints.json",
        "ssm/2012-01-01/service-2.json",
    ]


def test_every_region_stays(pruned: Path) -> None:
    endpoints = json.loads((pruned / "botocore" / "data" / "endpoints.json").read_text(encoding="utf-8"))
    [partition] = endpoints["partitions"]
    assert partition["regions"] == {"us-east-1": {}}
    assert sorted(partition["services"]) == ["dynamodb", "ssm"]


def test_what_nobody_reads_goes_and_what_scanners_read_stays(pruned: Path) -> None:
    assert not (pruned / "boto3" / "data").exists()
    assert (pruned / "boto3-1.0.dist-info" / "METADATA").exists()


def test_a_description_goes_without_its_manual_and_without_what_names_other_accounts(tmp_path: Path) -> None:
    described = {
        "operations": {
            "GetItem": {
                "documentation": "<p>Reads an item.</p>",
                "operationContextParams": {"ResourceArn": {"path": "TableName"}},
                "input": {"shape": "Key"},
            }
        },
        "shapes": {"Key": {"members": {"documentation": {"shape": "Key"}}}},
    }
    for service in ("dynamodb", "ssm"):
        packed = tmp_path / "botocore" / "data" / service / "2012-01-01" / "service-2.json.gz"
        packed.parent.mkdir(parents=True)
        packed.write_bytes(gzip.compress(json.dumps(described).encode()))
    write(tmp_path / "botocore" / "data" / "endpoints.json", {"partitions": []})
    load_prune().prune(tmp_path)
    [left] = (tmp_path / "botocore" / "data" / "dynamodb").rglob("service-2.json*")
    assert json.loads(left.read_text(encoding="utf-8")) == {
        "operations": {"GetItem": {"input": {"shape": "Key"}}},
        "shapes": {"Key": {"members": {"documentation": {"shape": "Key"}}}},
    }
