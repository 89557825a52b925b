"""POST /webhooks/stripe: something happened to a payment; what, is asked of Stripe (FR-224, FR-225)."""

from checkout import wiring
from checkout.api import Request, Response, endpoint, note
from checkout.clock import read_utc_clock
from checkout.errors import StoreUnavailable
from checkout.gateway import OutcomeUnknown, RequestNotTaken
from checkout.idempotency import Result, run_once
from checkout.metrics import count_settled
from checkout.stripe_events import verify_event


@endpoint
def receive_stripe_event(request: Request) -> Response:
    event = verify_event(
        request.read_body(),
        request.header("stripe-signature"),
        wiring.stripe_webhook_secrets(),
        now=read_utc_clock(),
    )

    def settle() -> Result:
        if event.payment_id:
            note(payment_id=event.payment_id)
            settlement = wiring.settlement_service().settle_payment(request.system, event.payment_id)
            count_settled(orders_paid=settlement.order_paid, refunds_rejected=settlement.refunds_rejected)
        return {"received": True}

    try:
        result, _ = run_once(
            settle,
            operation="receive_stripe_event",
            customer_id="stripe",
            key=event.event_id,
            payload={},
            persistence=wiring.idempotency_persistence(),
            lambda_context=request.context,
        )
    except (OutcomeUnknown, RequestNotTaken) as fault:
        # Stripe sends the event again; and if it does not, the payment comes up by itself.
        raise StoreUnavailable from fault
    return Response(200, result)
