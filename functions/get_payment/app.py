"""GET /payments/{transaction_id}: one of the caller's payments (FR-024)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint
from checkout.documents import describe_payment


@endpoint
def get_payment(request: Request) -> Response:
    payment = wiring.payment_service().get_payment(request.caller, request.path("transaction_id"))
    return Response(200, describe_payment(payment))
