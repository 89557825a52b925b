"""GET /products: what can be ordered, and at what price (FR-115)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_product


@endpoint
def list_products(request: Request) -> Response:  # noqa: ARG001 - the catalogue is the same for everybody
    products = wiring.order_service().list_products()
    return Response(200, {"products": [describe_product(product) for product in products]})
