from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.amount_out_of_range import AmountOutOfRange
from ...models.card_number_refused import CardNumberRefused
from ...models.create_order_body import CreateOrderBody
from ...models.gateway_message import GatewayMessage
from ...models.idempotency_key_conflict import IdempotencyKeyConflict
from ...models.idempotency_key_required import IdempotencyKeyRequired
from ...models.idempotency_key_reused import IdempotencyKeyReused
from ...models.internal_error import InternalError
from ...models.invalid_json import InvalidJson
from ...models.order import Order
from ...models.price_changed import PriceChanged
from ...models.product_not_found import ProductNotFound
from ...models.store_unavailable import StoreUnavailable
from ...models.validation_failed import ValidationFailed
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: CreateOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/orders",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    AmountOutOfRange
    | CardNumberRefused
    | IdempotencyKeyReused
    | ProductNotFound
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | Order
    | PriceChanged
    | None
):
    if response.status_code == 201:
        response_201 = Order.from_dict(response.json())

        return response_201

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
        response_403 = GatewayMessage.from_dict(response.json())

        return response_403

    if response.status_code == 409:
        response_409 = PriceChanged.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = GatewayMessage.from_dict(response.json())

        return response_413

    if response.status_code == 422:

        def _parse_response_422(
            data: object,
        ) -> AmountOutOfRange | CardNumberRefused | IdempotencyKeyReused | ProductNotFound | ValidationFailed:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_0 = AmountOutOfRange.from_dict(data)

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
                response_422_type_3 = ProductNotFound.from_dict(data)

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
    AmountOutOfRange
    | CardNumberRefused
    | IdempotencyKeyReused
    | ProductNotFound
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | Order
    | PriceChanged
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
    body: CreateOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    AmountOutOfRange
    | CardNumberRefused
    | IdempotencyKeyReused
    | ProductNotFound
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | Order
    | PriceChanged
]:
    """Create an order

     The order has the catalogue's names and prices. Send the `unit_price` that the customer saw, and an
    order at another price is refused instead of made. All products of an order are in one currency.

    Args:
        idempotency_key (str | Unset):
        body (CreateOrderBody): POST /orders.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AmountOutOfRange | CardNumberRefused | IdempotencyKeyReused | ProductNotFound | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | Order | PriceChanged]
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
    body: CreateOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    AmountOutOfRange
    | CardNumberRefused
    | IdempotencyKeyReused
    | ProductNotFound
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | Order
    | PriceChanged
    | None
):
    """Create an order

     The order has the catalogue's names and prices. Send the `unit_price` that the customer saw, and an
    order at another price is refused instead of made. All products of an order are in one currency.

    Args:
        idempotency_key (str | Unset):
        body (CreateOrderBody): POST /orders.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AmountOutOfRange | CardNumberRefused | IdempotencyKeyReused | ProductNotFound | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | Order | PriceChanged
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: CreateOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> Response[
    AmountOutOfRange
    | CardNumberRefused
    | IdempotencyKeyReused
    | ProductNotFound
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | Order
    | PriceChanged
]:
    """Create an order

     The order has the catalogue's names and prices. Send the `unit_price` that the customer saw, and an
    order at another price is refused instead of made. All products of an order are in one currency.

    Args:
        idempotency_key (str | Unset):
        body (CreateOrderBody): POST /orders.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AmountOutOfRange | CardNumberRefused | IdempotencyKeyReused | ProductNotFound | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | Order | PriceChanged]
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
    body: CreateOrderBody,
    idempotency_key: str | Unset = UNSET,
) -> (
    AmountOutOfRange
    | CardNumberRefused
    | IdempotencyKeyReused
    | ProductNotFound
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyKeyConflict
    | IdempotencyKeyRequired
    | InvalidJson
    | Order
    | PriceChanged
    | None
):
    """Create an order

     The order has the catalogue's names and prices. Send the `unit_price` that the customer saw, and an
    order at another price is refused instead of made. All products of an order are in one currency.

    Args:
        idempotency_key (str | Unset):
        body (CreateOrderBody): POST /orders.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AmountOutOfRange | CardNumberRefused | IdempotencyKeyReused | ProductNotFound | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyKeyConflict | IdempotencyKeyRequired | InvalidJson | Order | PriceChanged
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
