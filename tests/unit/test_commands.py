"""A command that cannot do its work says in a sentence what is missing and what to do, and fails."""

import os
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ProfileNotFound

from local import chromium, dynamodb_local
from local.commands import CannotWork, describe_fault, how_to_install, run_command
from local.containers import engine
from local.tables import load_products, read_endpoint
from local.template import ROOT
from local.wsgi import serve_application
from tools.stack import read_outputs

pytestmark = pytest.mark.proves("FR-609")

NOWHERE = "http://127.0.0.1:9"
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with Python, and nothing else: neither programs nor an account of AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COV", "BASE_URL"))}
    paths = f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'checkout'}"
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path), "PATH": str(tmp_path), "PYTHONPATH": paths}
    return kept | nothing


@pytest.mark.parametrize(
    ("command", "account", "missing", "advice"),
    [
        ("tools.load_products --endpoint {nowhere} --file none.json", {}, "none.json cannot be read", "FILE=…"),
        ("tools.load_products --stack shop", KEYS, "No AWS region is chosen", "Set AWS_DEFAULT_REGION"),
        ("tools.verify_audit --stack shop", KEYS, "No AWS region is chosen", "Set AWS_DEFAULT_REGION"),
        ("tools.reconcile --stack shop", {"AWS_DEFAULT_REGION": "us-east-1"}, "no AWS credentials", "Set AWS_PROFILE"),
        ("tools.verify_audit --endpoint {nowhere}", {}, "Could not connect", "`make serve` starts one"),
        ("tests.soak --seconds 1", {}, "needs Java 17 or newer", "`apt-get install default-jre-headless`"),
        ("tests.exploration --only zzz", {}, "No scenario has zzz in its name", "One is called"),
        ("tests.exploration --replay xx", {}, "'xx' is no schedule", "One is 'created: pay | cancel @ 0 "),
        ("local.serve --port 80999", {}, "'80999' is no port", "from 0 to 65535, as PORT=3000"),
        ("local.serve --port -5", {}, "'-5' is no port", "from 0 to 65535"),
        ("local.serve --port 0", {"DYNAMODB_ENDPOINT": "abc"}, "'abc' is no address of a DynamoDB", "; one is "),
        ("tools.verify_audit --endpoint abc", {}, "'abc' is no address of a DynamoDB", "DYNAMODB_ENDPOINT=http://"),
        ("tools.load_products --endpoint abc", {}, "'abc' is no address of a DynamoDB", "; one is "),
        ("tools.reconcile --endpoint abc", {}, "'abc' is no address of a DynamoDB", "; one is "),
        ("local.serve --port 0 --db dynamodb-local", {}, "needs Java 17 or newer", "Install it"),
        ("local.sam_local --port 0", {}, "need Docker", "`apt-get install docker.io`"),
        ("tools.reconcile --endpoint {nowhere} --day yesterday", {}, "'yesterday' is no day", "; one is 20"),
        ("local.token --customer=", {}, "A token is somebody's", "CUSTOMER=alice"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    command: str, account: dict[str, str], missing: str, advice: str, machine: dict[str, str]
) -> None:
    arguments = command.format(nowhere=NOWHERE).split()
    ran = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=machine | account, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    last = ran.stderr.splitlines()[-1]
    assert missing in last
    assert advice in last


def test_an_end_to_end_run_against_nobody_ends_at_once(machine: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/e2e/test_web.py", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=machine | {"BASE_URL": NOWHERE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert f"Nothing answers at BASE_URL={NOWHERE}" in ran.stdout
    assert "`make serve` starts one here" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("look", [dynamodb_local.missing, engine.missing, chromium.missing])
def test_a_program_that_is_not_installed_is_told_with_how_to_install_it(
    look: Callable[[], str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    reason = look()
    assert reason is not None
    assert "is not installed. Install it: on Debian that is `apt-get install " in reason


def test_a_status_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    for returned, expected in ((0, 0), (1, 1), (None, None)):
        with pytest.raises(SystemExit) as ended:
            run_command("test", lambda returned=returned: returned)  # type: ignore[misc]
        assert ended.value.code == expected
    assert capsys.readouterr() == ("", "")


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    def fail() -> None:
        raise KeyError("order_id")

    with pytest.raises(KeyError):
        run_command("test", fail)


def test_what_aws_refuses_is_told_with_its_reason() -> None:
    gone = ClientError({"Error": {"Code": "ValidationError", "Message": "Stack x does not exist"}}, "DescribeStacks")
    assert describe_fault(gone) == (
        "AWS refused DescribeStacks: ValidationError, Stack x does not exist. "
        "Are stack, region and credentials the right ones?"
    )
    far, here = (EndpointConnectionError(endpoint_url=url) for url in ("https://dynamodb.x.amazonaws.com/", NOWHERE))
    assert "is the region the right one?" in describe_fault(far)
    assert "`make serve` starts one here" in describe_fault(here)
    assert "list-profiles" in describe_fault(ProfileNotFound(profile="shop"))
    assert how_to_install("java") == "Install it: on Debian that is `apt-get install default-jre-headless`, as root."


def test_another_stack_than_ours_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class CloudFormation:
        def describe_stacks(self, **_: str) -> dict[str, list[dict[str, list[dict[str, str]]]]]:
            return {"Stacks": [{"Outputs": [{"OutputKey": "A", "OutputValue": "a"}]}]}

    monkeypatch.setattr("boto3.client", lambda _: CloudFormation())
    assert read_outputs("shop", ["A"]) == ["a"]
    with pytest.raises(CannotWork, match="The stack shop has no B"):
        read_outputs("shop", ["A", "B"])


@pytest.mark.parametrize("content", ["", '{"products": []}', "[1]", '[{"product_id": "mug"}]', "\udcff"])
def test_a_file_that_is_no_catalogue_loads_nothing(content: str, tmp_path: Path) -> None:
    file = tmp_path / "products.json"
    file.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(CannotWork, match=r"no list of products .* local/products.json is one"):
        load_products(None, file)  # type: ignore[arg-type]


def test_a_port_that_is_taken_is_named_and_another_advised() -> None:
    with serve_application(lambda *_: [], threaded=False) as address:
        port = int(address.rpartition(":")[2])
        with (
            pytest.raises(CannotWork, match=rf"Port {port} cannot be used: .* PORT={port + 1}\."),
            serve_application(lambda *_: [], port, threaded=False),
        ):
            pass


@pytest.mark.parametrize("address", ["", "127.0.0.1:8000", "ftp://here", "http://", "http://[::1", "http://a:99999"])
def test_what_is_no_address_is_refused_before_it_is_asked(address: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no address of a DynamoDB"):
        read_endpoint(address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://[::1]:8000/", "https://dynamodb.example"])
def test_an_address_is_taken_as_it_is(address: str) -> None:
    assert read_endpoint(address) == address


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("build ARCH=sparc", "Lambda runs on ARCH=x86_64 or arm64."),
        ("mutate ONLY=zzz", "invalid choice: 'zzz' (choose from 'money', "),
        ("bench ONLY=zzz", "invalid choice: 'zzz' (choose from 'latency', "),
        ("serve PORT=zz", "'zz' is no port; one is a number"),
        ("sam-local PORT=zz", "'zz' is no port; one is a number"),
    ],
)
def test_a_wrong_word_is_told_before_an_environment_is_made(command: str, said: str, tmp_path: Path) -> None:
    """Here none can be made: there are no locks. The Python that is asked has its standard library alone."""
    for name in ("Makefile", "local", "benchmarks", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    python = f"PYTHON={sys.executable} -S"
    made = subprocess.run(["make", *command.split(), python], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 2
    assert said in made.stderr
    assert "Traceback" not in made.stderr
