"""What template.yaml declares of tables, logs and the API."""

from typing import Any

import pytest
import yaml

from local.template import ROOT, TemplateError, read_document, read_template

DOCUMENT: dict[str, Any] = read_document()
RESOURCES: dict[str, Any] = DOCUMENT["Resources"]


def resources(kind: str) -> dict[str, Any]:
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == kind}


TABLES = resources("AWS::DynamoDB::Table")
FUNCTIONS = resources("AWS::Serverless::Function")


@pytest.mark.proves("FR-034", "FR-039")
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_tables_are_on_demand_encrypted_recoverable_and_kept(table: dict[str, Any]) -> None:
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectTables", True, False]}
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"


@pytest.mark.proves("FR-039")
def test_no_record_of_business_runs_out() -> None:
    running_out = {name for name, table in TABLES.items() if "TimeToLiveSpecification" in table["Properties"]}
    assert running_out == {"IdempotencyTable", "DeclinesTable", "CircuitTable"}


@pytest.mark.proves("FR-034")
def test_logs_run_out() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert {group["Properties"]["RetentionInDays"]["Ref"] for group in groups.values()} == {"LogRetentionDays"}
    assert DOCUMENT["Globals"]["Function"]["LoggingConfig"]["LogGroup"]["Ref"] in groups


@pytest.mark.proves("FR-034")
def test_the_api_is_throttled_and_its_access_logged() -> None:
    [api] = resources("AWS::Serverless::HttpApi").values()
    assert set(api["Properties"]["DefaultRouteSettings"]) == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
    assert api["Properties"]["RouteSettings"].keys() <= {
        f"{each.method} {each.path}" for each in read_template().routes
    }
    assert api["Properties"]["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}


@pytest.mark.proves("FR-414")
def test_neither_files_nor_other_routes_use_up_what_payments_may_be_asked() -> None:
    [api] = resources("AWS::Serverless::HttpApi").values()
    settings = api["Properties"]["RouteSettings"]
    of_files = {
        "ThrottlingRateLimit": {"Ref": "WebThrottlingRate"},
        "ThrottlingBurstLimit": {"Ref": "WebThrottlingBurst"},
    }
    assert settings["GET /web/{file+}"] == of_files
    assert settings["POST /pay"] == api["Properties"]["DefaultRouteSettings"]


def test_every_table_of_the_books_is_an_output_that_the_guide_to_exports_names() -> None:
    guide = (ROOT / "docs" / "how-to" / "export.md").read_text(encoding="utf-8")
    for table in ("Orders", "Payments", "Refunds", "Audit", "Products"):
        assert read_document()["Outputs"][f"{table}TableName"] == {"Value": {"Ref": f"{table}Table"}}
        assert f"`{table}TableName`" in guide


def statements(function: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in function["Properties"].get("Policies", []) for statement in policy["Statement"]]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.proves("FR-033")
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_no_statement_has_a_wildcard(function: dict[str, Any]) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in as_list(statement["Action"]))
        assert not any("*" in str(resource) for resource in as_list(statement["Resource"]))


@pytest.mark.proves("FR-029", "FR-033")
def test_audit_entries_can_only_be_put_and_read() -> None:
    actions = {
        action
        for function in FUNCTIONS.values()
        for statement in statements(function)
        if {"Fn::GetAtt": ["AuditTable", "Arn"]} in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    assert actions == {"dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:Query"}


@pytest.mark.proves("FR-039")
def test_nothing_can_delete_what_must_be_kept() -> None:
    for function in FUNCTIONS.values():
        for statement in statements(function):
            if "dynamodb:DeleteItem" in as_list(statement["Action"]):
                assert as_list(statement["Resource"]) == [{"Fn::GetAtt": ["IdempotencyTable", "Arn"]}]


@pytest.mark.proves("FR-032")
def test_functions_are_traced() -> None:
    assert DOCUMENT["Globals"]["Function"]["Tracing"] == {"Ref": "Tracing"}
    assert DOCUMENT["Parameters"]["Tracing"]["Default"] == "Active"


@pytest.mark.proves("FR-709")
def test_the_authorizer_alone_loads_what_verifies_signatures() -> None:
    layers = {name: function["Properties"].get("Layers", []) for name, function in FUNCTIONS.items()}
    assert [name for name, used in layers.items() if {"Ref": "TokensLayer"} in used] == ["AuthorizeFunction"]
    assert DOCUMENT["Resources"]["AuthorizeFunction"]["IgnoreGlobals"] == ["Layers"]
    assert {"Ref": "CheckoutLayer"} in layers["AuthorizeFunction"]


@pytest.mark.proves("FR-001", "FR-035")
def test_every_route_has_the_authorizer_but_for_health_what_is_signed_and_files() -> None:
    routes = read_template().routes
    assert len(routes) == 17
    open_routes = {f"{route.method} {route.path}" for route in routes if route.authorizer is None}
    files = {"GET /", "GET /web/{file+}", "GET /docs", "GET /openapi.json"}
    assert open_routes == {"GET /health", "POST /webhooks/stripe", *files}


def test_a_function_is_named_alike_everywhere() -> None:
    for logical_id, function in FUNCTIONS.items():
        folder = function["Properties"]["CodeUri"].split("/")[1]
        assert function["Properties"]["Handler"] == f"app.{folder}"
        assert logical_id == "".join(word.capitalize() for word in folder.split("_")) + "Function"


@pytest.mark.proves("FR-035")
@pytest.mark.parametrize(
    "change",
    [
        {"Environment": {"Variables": {"X": {"Fn::ImportValue": "y"}}}},
        {"Environment": {"Variables": {"X": {"Ref": "Unheard"}}}},
        {"Environment": {"Variables": {"MAX_DECLINES": "99"}}},
    ],
)
def test_what_the_runtime_does_not_know_is_an_error(tmp_path: Any, change: dict[str, Any]) -> None:
    document = read_document()
    document["Resources"]["PayFunction"]["Properties"].update(change)
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(TemplateError):
        read_template(path=tmp_path / "template.yaml").environment  # noqa: B018


@pytest.mark.proves("FR-035")
def test_parameters_reach_the_functions() -> None:
    assert read_template({"MaxDeclines": "3"}).environment["MAX_DECLINES"] == "3"
    assert read_template().environment["MAX_DECLINES"] == "10"
    with pytest.raises(TemplateError):
        read_template({"Unheard": "1"})


@pytest.mark.proves("FR-205", "FR-229", "FR-232")
def test_what_runs_by_itself_is_declared_with_how_often() -> None:
    schedules = {schedule.function.code.name: schedule.seconds for schedule in read_template().schedules}
    assert schedules == {"settle_payments": 60, "reconcile_payments": 3600}


@pytest.mark.proves("FR-219", "FR-223")
def test_stripes_layer_is_on_the_functions_that_call_the_gateway_and_no_others() -> None:
    with_layer = {
        function["Properties"]["Handler"].removeprefix("app.")
        for function in FUNCTIONS.values()
        if {"Ref": "StripeLayer"} in function["Properties"].get("Layers", [])
    }
    assert with_layer == {"pay", "refund_order", "settle_payments", "reconcile_payments", "receive_stripe_event"}


@pytest.mark.proves("FR-402")
def test_the_function_that_hands_out_files_may_do_nothing_else() -> None:
    function = FUNCTIONS["GetWebFileFunction"]["Properties"]
    assert "Policies" not in function
    assert function["Layers"] == [{"Ref": "WebLayer"}]
    assert RESOURCES["WebLayer"]["Properties"]["ContentUri"] == "web/"


@pytest.mark.proves("FR-206")
def test_a_payment_is_settled_only_after_those_who_make_it_must_have_ended() -> None:
    """By default; a run that comes earlier does no harm, but prevents charges that are on their way."""
    pay = FUNCTIONS["PayFunction"]["Properties"]
    assert DOCUMENT["Parameters"]["SettleAfterSeconds"]["Default"] > 2 * pay["Timeout"]
