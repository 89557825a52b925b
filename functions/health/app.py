"""GET /health: whether the checkout can do its work; without a token (FR-038)."""

import os

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.health_service import check_health


@endpoint
def health(request: Request) -> Response:  # noqa: ARG001 - the same answer for everybody
    orders, version = wiring.order_table(), os.environ["RELEASE_VERSION"]
    checks = {
        "orders": orders.check_orders,
        "payments": orders.check_payments,
        "products": wiring.product_table().check_products,
    }
    return Response(200, {"status": "healthy", "version": version, "checks": check_health(checks, version=version)})
