from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.amount_mismatch import AmountMismatch
from ...models.card_declined import CardDeclined
from ...models.card_number_refused import CardNumberRefused
from ...models.gateway_message import GatewayMessage
from ...models.gateway_unavailable import GatewayUnavailable
from ...models.idempotency_in_progress import IdempotencyInProgress
from ...models.idempotency_key_conflict import IdempotencyKeyConflict
from ...models.idempotency_key_required import IdempotencyKeyRequired
from ...models.idempotency_key_reused import IdempotencyKeyReused
from ...models.internal_error import InternalError
from ...models.invalid_json import InvalidJson
from ...models.invalid_token import InvalidToken
from ...models.order_not_found import OrderNotFound
from ...models.order_not_payable import OrderNotPayable
from ...models.pay_body import PayBody
from ...models.payment_already_succeeded import PaymentAlreadySucceeded
from ...models.payment_in_progress import PaymentInProgress
from ...models.payment_not_succeeded import PaymentNotSucceeded
from ...models.payment_pending import PaymentPending
from ...models.payment_result import PaymentResult
from ...models.store_unavailable import StoreUnavailable
from ...models.too_many_attempts import TooManyAttempts
from ...models.validation_failed import ValidationFailed
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: PayBody,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/pay",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    AmountMismatch
    | CardNumberRefused
    | IdempotencyKeyReused
    | InvalidToken
    | ValidationFailed
    | CardDeclined
    | GatewayMessage
    | GatewayUnavailable
    | StoreUnavailable
    | InternalError
    | TooManyAttempts
    | IdempotencyInProgress
    | OrderNotPayable
    | PaymentAlreadySucceeded
    | PaymentInProgress
    | PaymentNotSucceeded
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | PaymentPending
    | PaymentResult
    | None
):
    if response.status_code == 201:
        response_201 = PaymentResult.from_dict(response.json())

        return response_201

    if response.status_code == 202:
        response_202 = PaymentPending.from_dict(response.json())

        return response_202

    if response.status_code == 400:

        def _parse_response_400(data: object) -> IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_400_type_0 = IdempotencyKeyConflict.from_dict(data)

                return response_400_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_400_type_1 = IdempotencyKeyRequired.from_dict(data)

                return response_400_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_400_type_2 = InvalidJson.from_dict(data)

            return response_400_type_2

        response_400 = _parse_response_400(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = GatewayMessage.from_dict(response.json())

        return response_401

    if response.status_code == 402:
        response_402 = CardDeclined.from_dict(response.json())

        return response_402

    if response.status_code == 403:
        response_403 = GatewayMessage.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = OrderNotFound.from_dict(response.json())

        return response_404

    if response.status_code == 409:

        def _parse_response_409(
            data: object,
        ) -> (
            IdempotencyInProgress | OrderNotPayable | PaymentAlreadySucceeded | PaymentInProgress | PaymentNotSucceeded
        ):
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_0 = IdempotencyInProgress.from_dict(data)

                return response_409_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_1 = OrderNotPayable.from_dict(data)

                return response_409_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_2 = PaymentAlreadySucceeded.from_dict(data)

                return response_409_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_3 = PaymentInProgress.from_dict(data)

                return response_409_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_409_type_4 = PaymentNotSucceeded.from_dict(data)

            return response_409_type_4

        response_409 = _parse_response_409(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = GatewayMessage.from_dict(response.json())

        return response_413

    if response.status_code == 422:

        def _parse_response_422(
            data: object,
        ) -> AmountMismatch | CardNumberRefused | IdempotencyKeyReused | InvalidToken | ValidationFailed:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_0 = AmountMismatch.from_dict(data)

                return response_422_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_1 = CardNumberRefused.from_dict(data)

                return response_422_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_2 = IdempotencyKeyReused.from_dict(data)

                return response_422_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_3 = InvalidToken.from_dict(data)

                return response_422_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_422_type_4 = ValidationFailed.from_dict(data)

            return response_422_type_4

        response_422 = _parse_response_422(response.json())

        return response_422

    if response.status_code == 429:

        def _parse_response_429(data: object) -> GatewayMessage | TooManyAttempts:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_429_type_0 = TooManyAttempts.from_dict(data)

                return response_429_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_429_type_1 = GatewayMessage.from_dict(data)

            return response_429_type_1

        response_429 = _parse_response_429(response.json())

        return response_429

    if response.status_code == 500:

        def _parse_response_500(data: object) -> GatewayMessage | InternalError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_500_type_0 = InternalError.from_dict(data)

                return response_500_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_500_type_1 = GatewayMessage.from_dict(data)

            return response_500_type_1

        response_500 = _parse_response_500(response.json())

        return response_500

    if response.status_code == 503:

        def _parse_response_503(data: object) -> GatewayMessage | GatewayUnavailable | StoreUnavailable:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_503_type_0 = GatewayUnavailable.from_dict(data)

                return response_503_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_503_type_1 = StoreUnavailable.from_dict(data)

                return response_503_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_503_type_2 = GatewayMessage.from_dict(data)

            return response_503_type_2

        response_503 = _parse_response_503(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[
    AmountMismatch
    | CardNumberRefused
    | IdempotencyKeyReused
    | InvalidToken
    | ValidationFailed
    | CardDeclined
    | GatewayMessage
    | GatewayUnavailable
    | StoreUnavailable
    | InternalError
    | TooManyAttempts
    | IdempotencyInProgress
    | OrderNotPayable
    | PaymentAlreadySucceeded
    | PaymentInProgress
    | PaymentNotSucceeded
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | PaymentPending
    | PaymentResult
]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: PayBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    AmountMismatch
    | CardNumberRefused
    | IdempotencyKeyReused
    | InvalidToken
    | ValidationFailed
    | CardDeclined
    | GatewayMessage
    | GatewayUnavailable
    | StoreUnavailable
    | InternalError
    | TooManyAttempts
    | IdempotencyInProgress
    | OrderNotPayable
    | PaymentAlreadySucceeded
    | PaymentInProgress
    | PaymentNotSucceeded
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | PaymentPending
    | PaymentResult
]:
    """Charge a card for an order

     Takes hold of the order, then charges the card: at most one charge of an order is alive, whatever
    clients do. The order does not become `paid` by this but by linking the payment (`PATCH
    /orders/{order_id}/pay`), which happens by itself if nobody calls.

    `token` is the payment gateway's. With Stripe it is a payment method, `pm_…`. The simulated gateway
    takes:

    | token | what happens |
    |---|---|
    | `tok_visa`, `tok_mastercard`, `tok_amex` | succeeds |
    | `tok_slow` | succeeds after 2 s |
    | `tok_chargeDeclined` | declined: `generic_decline` |
    | `tok_chargeDeclinedInsufficientFunds` | declined: `insufficient_funds` |
    | `tok_chargeDeclinedExpiredCard` | declined: `expired_card` |
    | `tok_timeoutBeforeCharge` | the request is lost on its way: 202 |
    | `tok_timeoutAfterCharge`, `tok_errorAfterCharge` | charged, and the answer is lost: 202 |
    | `tok_unavailable` | the gateway does not take the request: 503 |

    Args:
        idempotency_key (str | Unset):
        body (PayBody): POST /pay. The amount may be any: one that is not the order's is a
            mismatch, not a mistake of form.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AmountMismatch | CardNumberRefused | IdempotencyKeyReused | InvalidToken | ValidationFailed | CardDeclined | GatewayMessage | GatewayMessage | GatewayUnavailable | StoreUnavailable | GatewayMessage | InternalError | GatewayMessage | TooManyAttempts | IdempotencyInProgress | OrderNotPayable | PaymentAlreadySucceeded | PaymentInProgress | PaymentNotSucceeded | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | PaymentPending | PaymentResult]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: PayBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    AmountMismatch
    | CardNumberRefused
    | IdempotencyKeyReused
    | InvalidToken
    | ValidationFailed
    | CardDeclined
    | GatewayMessage
    | GatewayUnavailable
    | StoreUnavailable
    | InternalError
    | TooManyAttempts
    | IdempotencyInProgress
    | OrderNotPayable
    | PaymentAlreadySucceeded
    | PaymentInProgress
    | PaymentNotSucceeded
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | PaymentPending
    | PaymentResult
    | None
):
    """Charge a card for an order

     Takes hold of the order, then charges the card: at most one charge of an order is alive, whatever
    clients do. The order does not become `paid` by this but by linking the payment (`PATCH
    /orders/{order_id}/pay`), which happens by itself if nobody calls.

    `token` is the payment gateway's. With Stripe it is a payment method, `pm_…`. The simulated gateway
    takes:

    | token | what happens |
    |---|---|
    | `tok_visa`, `tok_mastercard`, `tok_amex` | succeeds |
    | `tok_slow` | succeeds after 2 s |
    | `tok_chargeDeclined` | declined: `generic_decline` |
    | `tok_chargeDeclinedInsufficientFunds` | declined: `insufficient_funds` |
    | `tok_chargeDeclinedExpiredCard` | declined: `expired_card` |
    | `tok_timeoutBeforeCharge` | the request is lost on its way: 202 |
    | `tok_timeoutAfterCharge`, `tok_errorAfterCharge` | charged, and the answer is lost: 202 |
    | `tok_unavailable` | the gateway does not take the request: 503 |

    Args:
        idempotency_key (str | Unset):
        body (PayBody): POST /pay. The amount may be any: one that is not the order's is a
            mismatch, not a mistake of form.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AmountMismatch | CardNumberRefused | IdempotencyKeyReused | InvalidToken | ValidationFailed | CardDeclined | GatewayMessage | GatewayMessage | GatewayUnavailable | StoreUnavailable | GatewayMessage | InternalError | GatewayMessage | TooManyAttempts | IdempotencyInProgress | OrderNotPayable | PaymentAlreadySucceeded | PaymentInProgress | PaymentNotSucceeded | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | PaymentPending | PaymentResult
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: PayBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    AmountMismatch
    | CardNumberRefused
    | IdempotencyKeyReused
    | InvalidToken
    | ValidationFailed
    | CardDeclined
    | GatewayMessage
    | GatewayUnavailable
    | StoreUnavailable
    | InternalError
    | TooManyAttempts
    | IdempotencyInProgress
    | OrderNotPayable
    | PaymentAlreadySucceeded
    | PaymentInProgress
    | PaymentNotSucceeded
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | PaymentPending
    | PaymentResult
]:
    """Charge a card for an order

     Takes hold of the order, then charges the card: at most one charge of an order is alive, whatever
    clients do. The order does not become `paid` by this but by linking the payment (`PATCH
    /orders/{order_id}/pay`), which happens by itself if nobody calls.

    `token` is the payment gateway's. With Stripe it is a payment method, `pm_…`. The simulated gateway
    takes:

    | token | what happens |
    |---|---|
    | `tok_visa`, `tok_mastercard`, `tok_amex` | succeeds |
    | `tok_slow` | succeeds after 2 s |
    | `tok_chargeDeclined` | declined: `generic_decline` |
    | `tok_chargeDeclinedInsufficientFunds` | declined: `insufficient_funds` |
    | `tok_chargeDeclinedExpiredCard` | declined: `expired_card` |
    | `tok_timeoutBeforeCharge` | the request is lost on its way: 202 |
    | `tok_timeoutAfterCharge`, `tok_errorAfterCharge` | charged, and the answer is lost: 202 |
    | `tok_unavailable` | the gateway does not take the request: 503 |

    Args:
        idempotency_key (str | Unset):
        body (PayBody): POST /pay. The amount may be any: one that is not the order's is a
            mismatch, not a mistake of form.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AmountMismatch | CardNumberRefused | IdempotencyKeyReused | InvalidToken | ValidationFailed | CardDeclined | GatewayMessage | GatewayMessage | GatewayUnavailable | StoreUnavailable | GatewayMessage | InternalError | GatewayMessage | TooManyAttempts | IdempotencyInProgress | OrderNotPayable | PaymentAlreadySucceeded | PaymentInProgress | PaymentNotSucceeded | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | PaymentPending | PaymentResult]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: PayBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    AmountMismatch
    | CardNumberRefused
    | IdempotencyKeyReused
    | InvalidToken
    | ValidationFailed
    | CardDeclined
    | GatewayMessage
    | GatewayUnavailable
    | StoreUnavailable
    | InternalError
    | TooManyAttempts
    | IdempotencyInProgress
    | OrderNotPayable
    | PaymentAlreadySucceeded
    | PaymentInProgress
    | PaymentNotSucceeded
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | PaymentPending
    | PaymentResult
    | None
):
    """Charge a card for an order

     Takes hold of the order, then charges the card: at most one charge of an order is alive, whatever
    clients do. The order does not become `paid` by this but by linking the payment (`PATCH
    /orders/{order_id}/pay`), which happens by itself if nobody calls.

    `token` is the payment gateway's. With Stripe it is a payment method, `pm_…`. The simulated gateway
    takes:

    | token | what happens |
    |---|---|
    | `tok_visa`, `tok_mastercard`, `tok_amex` | succeeds |
    | `tok_slow` | succeeds after 2 s |
    | `tok_chargeDeclined` | declined: `generic_decline` |
    | `tok_chargeDeclinedInsufficientFunds` | declined: `insufficient_funds` |
    | `tok_chargeDeclinedExpiredCard` | declined: `expired_card` |
    | `tok_timeoutBeforeCharge` | the request is lost on its way: 202 |
    | `tok_timeoutAfterCharge`, `tok_errorAfterCharge` | charged, and the answer is lost: 202 |
    | `tok_unavailable` | the gateway does not take the request: 503 |

    Args:
        idempotency_key (str | Unset):
        body (PayBody): POST /pay. The amount may be any: one that is not the order's is a
            mismatch, not a mistake of form.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AmountMismatch | CardNumberRefused | IdempotencyKeyReused | InvalidToken | ValidationFailed | CardDeclined | GatewayMessage | GatewayMessage | GatewayUnavailable | StoreUnavailable | GatewayMessage | InternalError | GatewayMessage | TooManyAttempts | IdempotencyInProgress | OrderNotPayable | PaymentAlreadySucceeded | PaymentInProgress | PaymentNotSucceeded | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | PaymentPending | PaymentResult
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
