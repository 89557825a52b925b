"""GET /orders/{order_id}/audit: what happened to one of the caller's orders (FR-111)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_audit_entry


@endpoint
def get_order_audit(request: Request) -> Response:
    entries = wiring.order_service().get_order_audit(request.caller, request.path("order_id"))
    return Response(200, {"entries": [describe_audit_entry(entry) for entry in entries]})
