"""The local runtime as its users run it: in a process of its own, over HTTP."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.child_process import find_free_port
from local.keys import issue_token
from local.tables import connect
from local.template import ROOT, read_template
from tests.programs import play_demo, serve_locally

pytestmark = pytest.mark.proves("FR-035")

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"))


def copy_project(copy: Path) -> Path:
    """A copy whose code a test may change."""
    for name in ("functions", "layers/checkout", "local", "web", "template.yaml"):
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (copy / ".data").mkdir()
    issue_token("alice")
    for key in ("token-key.pem", "cursor-secret"):
        if (ROOT / ".data" / key).exists():
            shutil.copy(ROOT / ".data" / key, copy / ".data" / key)
    return copy


@pytest.fixture(scope="module")
def runtime(project: Path) -> Iterator[httpx.Client]:
    port = find_free_port()
    environment = {"PYTHONPATH": f"{project}:{project / 'layers' / 'checkout'}"}
    headers = {"authorization": f"Bearer {issue_token('alice')}"}
    with (
        serve_locally(port, project, environment),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


def create_order(runtime: httpx.Client, key: str) -> httpx.Response:
    body = {"items": [{"product_id": "mug", "quantity": 1}]}
    return runtime.post("/orders", json=body, headers={"idempotency-key": key})


def test_it_answers_as_api_gateway_does(runtime: httpx.Client) -> None:
    assert runtime.get("/products").status_code == 200
    assert (runtime.get("/nowhere").status_code, runtime.get("/nowhere").json()) == (404, {"message": "Not Found"})
    assert runtime.delete("/orders").status_code == 404
    anonymous = runtime.get("/products", headers={"authorization": ""})
    assert (anonymous.status_code, anonymous.json()) == (401, {"message": "Unauthorized"})
    refused = runtime.get("/products", headers={"authorization": "Bearer x"})
    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
    large = runtime.post("/orders", content=b"x" * (10 * 1024 * 1024 + 1))
    assert large.status_code == 413


@pytest.mark.proves("FR-401")
def test_a_path_may_take_all_that_follows(runtime: httpx.Client, project: Path) -> None:
    (project / "web" / "of" / "a").mkdir(parents=True)
    (project / "web" / "of" / "a" / "kind.js").write_text("1", encoding="utf-8")
    for path in ("/web/of/a/kind.js", "/web/of%2Fa/kind.js"):
        assert (runtime.get(path).status_code, runtime.get(path).text) == (200, "1")
    assert runtime.get("/web/of/a").status_code == 404
    assert runtime.get("/web").status_code == 404


def test_its_tables_are_the_templates(runtime: httpx.Client, project: Path) -> None:
    running = json.loads((project / ".data" / "running.json").read_text(encoding="utf-8"))
    assert set(connect(running["database"]).list_tables()["TableNames"]) == set(read_template().tables)


def test_a_template_that_is_half_written_or_replaced_costs_nothing(runtime: httpx.Client, project: Path) -> None:
    order_id = create_order(runtime, "template").json()["id"]
    template = project / "template.yaml"
    right = template.read_text(encoding="utf-8")
    for broken in (right + "\n  half: [", right.replace("      Handler: app.pay\n", ""), ""):
        template.write_text(broken, encoding="utf-8")
        time.sleep(1)
        assert runtime.get("/health").status_code == 200
    # As editors save: another file in its place, again and again.
    for version in ("one", "two"):
        draft = project / "template.draft"
        draft.write_text(right.replace("Default: dev", f"Default: {version}"), encoding="utf-8")
        draft.replace(template)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while runtime.get("/health").json()["version"] != version:
            assert time.monotonic() < deadline, "the change was not taken up"
            time.sleep(0.1)
    assert order_id in runtime.get("/orders").text


def test_it_takes_up_code_that_changes_and_keeps_its_data(runtime: httpx.Client, project: Path) -> None:
    order = create_order(runtime, "reload").json()
    documents = project / "layers" / "checkout" / "checkout" / "documents.py"
    documents.write_text(documents.read_text(encoding="utf-8").replace('"id": order', '"changed_id": order'))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "changed_id" not in runtime.get(f"/orders/{order['id']}").json():
        assert time.monotonic() < deadline, "the change was not taken up"
        time.sleep(0.1)


def test_a_function_that_fails_is_a_500_of_the_gateways(runtime: httpx.Client, project: Path) -> None:
    handler = project / "functions" / "list_products" / "app.py"
    handler.write_text("def list_products(event, context):\n    raise RuntimeError\n", encoding="utf-8")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := runtime.get("/products")).status_code != 500:
        assert time.monotonic() < deadline, "the change was not taken up"
        time.sleep(0.1)
    assert answer.json() == {"message": "Internal Server Error"}


def test_a_port_that_is_taken_is_said_in_one_line(runtime: httpx.Client) -> None:
    serve = subprocess.run(
        [sys.executable, "-m", "local.serve", "--port", str(runtime.base_url.port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert serve.returncode == 2
    assert f"Port {runtime.base_url.port} cannot be used: Address already in use. Name another" in serve.stderr
    assert "Traceback" not in serve.stderr


@pytest.mark.proves("FR-001")
def test_token_prints_only_a_token() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "local.token", "--customer", "bob", "--scope", "orders:manage"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", printed.stdout)


@pytest.mark.proves("FR-036", "FR-608")
def test_the_demo_shows_every_answer_and_succeeds() -> None:
    # Neither a proxy that leads nowhere from here nor a profile that is not there is in its way.
    nowhere = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    demo = play_demo(environment={**nowhere, "AWS_PROFILE": "nobody"})
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.count("✓") == 12
    assert "12 steps, every answer as it should be" in demo.stdout
    assert "\033" not in demo.stdout, "no colours where there is no terminal"
    assert demo.stderr == ""


@pytest.mark.proves("FR-036")
def test_the_demo_fails_where_an_answer_is_wrong(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    transitions = project / "layers" / "checkout" / "checkout" / "transitions.py"
    right = transitions.read_text(encoding="utf-8")
    transitions.write_text(right.replace("OrderStatus.PAID: (", "OrderStatus.PAID: (OrderStatus.CANCELLED, "))
    demo = play_demo(project, {"PYTHONPATH": f"{project}:{project / 'layers' / 'checkout'}"})
    assert demo.returncode == 1
    assert "✗" in demo.stdout
    assert "That answer was wrong" in demo.stdout
