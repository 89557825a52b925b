from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.card_number_refused import CardNumberRefused
from ...models.gateway_message import GatewayMessage
from ...models.idempotency_in_progress import IdempotencyInProgress
from ...models.idempotency_key_conflict import IdempotencyKeyConflict
from ...models.idempotency_key_required import IdempotencyKeyRequired
from ...models.idempotency_key_reused import IdempotencyKeyReused
from ...models.insufficient_scope import InsufficientScope
from ...models.internal_error import InternalError
from ...models.invalid_json import InvalidJson
from ...models.invalid_transition import InvalidTransition
from ...models.order_not_found import OrderNotFound
from ...models.refund import Refund
from ...models.refund_exceeds_payment import RefundExceedsPayment
from ...models.refund_failed import RefundFailed
from ...models.refund_order_body import RefundOrderBody
from ...models.store_unavailable import StoreUnavailable
from ...models.validation_failed import ValidationFailed
from ...types import UNSET, Response, Unset


def _get_kwargs(
    order_id: str,
    *,
    body: RefundOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/orders/{order_id}/refunds".format(
            order_id=quote(str(order_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    CardNumberRefused
    | IdempotencyKeyReused
    | ValidationFailed
    | GatewayMessage
    | InsufficientScope
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidTransition
    | RefundExceedsPayment
    | RefundFailed
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | Refund
    | None
):
    if response.status_code == 201:
        response_201 = Refund.from_dict(response.json())

        return response_201

    if response.status_code == 202:
        response_202 = Refund.from_dict(response.json())

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

    if response.status_code == 403:

        def _parse_response_403(data: object) -> GatewayMessage | InsufficientScope:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_403_type_0 = InsufficientScope.from_dict(data)

                return response_403_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_403_type_1 = GatewayMessage.from_dict(data)

            return response_403_type_1

        response_403 = _parse_response_403(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = OrderNotFound.from_dict(response.json())

        return response_404

    if response.status_code == 409:

        def _parse_response_409(
            data: object,
        ) -> IdempotencyInProgress | InvalidTransition | RefundExceedsPayment | RefundFailed:
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
                response_409_type_1 = InvalidTransition.from_dict(data)

                return response_409_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_2 = RefundExceedsPayment.from_dict(data)

                return response_409_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_409_type_3 = RefundFailed.from_dict(data)

            return response_409_type_3

        response_409 = _parse_response_409(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = GatewayMessage.from_dict(response.json())

        return response_413

    if response.status_code == 422:

        def _parse_response_422(data: object) -> CardNumberRefused | IdempotencyKeyReused | ValidationFailed:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_0 = CardNumberRefused.from_dict(data)

                return response_422_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_1 = IdempotencyKeyReused.from_dict(data)

                return response_422_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_422_type_2 = ValidationFailed.from_dict(data)

            return response_422_type_2

        response_422 = _parse_response_422(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = GatewayMessage.from_dict(response.json())

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

        def _parse_response_503(data: object) -> GatewayMessage | StoreUnavailable:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_503_type_0 = StoreUnavailable.from_dict(data)

                return response_503_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_503_type_1 = GatewayMessage.from_dict(data)

            return response_503_type_1

        response_503 = _parse_response_503(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[
    CardNumberRefused
    | IdempotencyKeyReused
    | ValidationFailed
    | GatewayMessage
    | InsufficientScope
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidTransition
    | RefundExceedsPayment
    | RefundFailed
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | Refund
]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    order_id: str,
    *,
    client: AuthenticatedClient,
    body: RefundOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    CardNumberRefused
    | IdempotencyKeyReused
    | ValidationFailed
    | GatewayMessage
    | InsufficientScope
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidTransition
    | RefundExceedsPayment
    | RefundFailed
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | Refund
]:
    """Refund an order

     Gives money back: `amount`, or all that is left. A whole refund makes the order `refunded`, a part
    raises its `refunded_amount`. A refund on record will be made: one that the gateway did not take is
    a 202.

    Args:
        order_id (str):
        idempotency_key (str | Unset):
        body (RefundOrderBody): POST /orders/{order_id}/refunds: all that is left, where no amount
            is sent.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CardNumberRefused | IdempotencyKeyReused | ValidationFailed | GatewayMessage | GatewayMessage | InsufficientScope | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidTransition | RefundExceedsPayment | RefundFailed | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | Refund]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    order_id: str,
    *,
    client: AuthenticatedClient,
    body: RefundOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    CardNumberRefused
    | IdempotencyKeyReused
    | ValidationFailed
    | GatewayMessage
    | InsufficientScope
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidTransition
    | RefundExceedsPayment
    | RefundFailed
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | Refund
    | None
):
    """Refund an order

     Gives money back: `amount`, or all that is left. A whole refund makes the order `refunded`, a part
    raises its `refunded_amount`. A refund on record will be made: one that the gateway did not take is
    a 202.

    Args:
        order_id (str):
        idempotency_key (str | Unset):
        body (RefundOrderBody): POST /orders/{order_id}/refunds: all that is left, where no amount
            is sent.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CardNumberRefused | IdempotencyKeyReused | ValidationFailed | GatewayMessage | GatewayMessage | InsufficientScope | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidTransition | RefundExceedsPayment | RefundFailed | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | Refund
    """

    return sync_detailed(
        order_id=order_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    order_id: str,
    *,
    client: AuthenticatedClient,
    body: RefundOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    CardNumberRefused
    | IdempotencyKeyReused
    | ValidationFailed
    | GatewayMessage
    | InsufficientScope
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidTransition
    | RefundExceedsPayment
    | RefundFailed
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | Refund
]:
    """Refund an order

     Gives money back: `amount`, or all that is left. A whole refund makes the order `refunded`, a part
    raises its `refunded_amount`. A refund on record will be made: one that the gateway did not take is
    a 202.

    Args:
        order_id (str):
        idempotency_key (str | Unset):
        body (RefundOrderBody): POST /orders/{order_id}/refunds: all that is left, where no amount
            is sent.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CardNumberRefused | IdempotencyKeyReused | ValidationFailed | GatewayMessage | GatewayMessage | InsufficientScope | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidTransition | RefundExceedsPayment | RefundFailed | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | Refund]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    order_id: str,
    *,
    client: AuthenticatedClient,
    body: RefundOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    CardNumberRefused
    | IdempotencyKeyReused
    | ValidationFailed
    | GatewayMessage
    | InsufficientScope
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidTransition
    | RefundExceedsPayment
    | RefundFailed
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | OrderNotFound
    | Refund
    | None
):
    """Refund an order

     Gives money back: `amount`, or all that is left. A whole refund makes the order `refunded`, a part
    raises its `refunded_amount`. A refund on record will be made: one that the gateway did not take is
    a 202.

    Args:
        order_id (str):
        idempotency_key (str | Unset):
        body (RefundOrderBody): POST /orders/{order_id}/refunds: all that is left, where no amount
            is sent.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CardNumberRefused | IdempotencyKeyReused | ValidationFailed | GatewayMessage | GatewayMessage | InsufficientScope | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidTransition | RefundExceedsPayment | RefundFailed | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | OrderNotFound | Refund
    """

    return (
        await asyncio_detailed(
            order_id=order_id,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
