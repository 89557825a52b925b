from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.card_number_refused import CardNumberRefused
from ...models.gateway_message import GatewayMessage
from ...models.internal_error import InternalError
from ...models.invalid_json import InvalidJson
from ...models.invalid_transition import InvalidTransition
from ...models.mark_order_paid_body import MarkOrderPaidBody
from ...models.order import Order
from ...models.order_already_paid import OrderAlreadyPaid
from ...models.order_not_found import OrderNotFound
from ...models.payment_mismatch import PaymentMismatch
from ...models.payment_not_found import PaymentNotFound
from ...models.payment_not_succeeded import PaymentNotSucceeded
from ...models.store_unavailable import StoreUnavailable
from ...models.validation_failed import ValidationFailed
from ...types import Response


def _get_kwargs(
    order_id: str,
    *,
    body: MarkOrderPaidBody,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/orders/{order_id}/pay".format(
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
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | InvalidJson
    | InvalidTransition
    | OrderAlreadyPaid
    | PaymentMismatch
    | PaymentNotSucceeded
    | Order
    | OrderNotFound
    | PaymentNotFound
    | None
):
    if response.status_code == 200:
        response_200 = Order.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = InvalidJson.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = GatewayMessage.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = GatewayMessage.from_dict(response.json())

        return response_403

    if response.status_code == 404:

        def _parse_response_404(data: object) -> OrderNotFound | PaymentNotFound:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_404_type_0 = OrderNotFound.from_dict(data)

                return response_404_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_404_type_1 = PaymentNotFound.from_dict(data)

            return response_404_type_1

        response_404 = _parse_response_404(response.json())

        return response_404

    if response.status_code == 409:

        def _parse_response_409(
            data: object,
        ) -> InvalidTransition | OrderAlreadyPaid | PaymentMismatch | PaymentNotSucceeded:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_0 = InvalidTransition.from_dict(data)

                return response_409_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_1 = OrderAlreadyPaid.from_dict(data)

                return response_409_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_409_type_2 = PaymentMismatch.from_dict(data)

                return response_409_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_409_type_3 = PaymentNotSucceeded.from_dict(data)

            return response_409_type_3

        response_409 = _parse_response_409(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = GatewayMessage.from_dict(response.json())

        return response_413

    if response.status_code == 422:

        def _parse_response_422(data: object) -> CardNumberRefused | ValidationFailed:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_422_type_0 = CardNumberRefused.from_dict(data)

                return response_422_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_422_type_1 = ValidationFailed.from_dict(data)

            return response_422_type_1

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
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | InvalidJson
    | InvalidTransition
    | OrderAlreadyPaid
    | PaymentMismatch
    | PaymentNotSucceeded
    | Order
    | OrderNotFound
    | PaymentNotFound
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
    client: AuthenticatedClient | Client,
    body: MarkOrderPaidBody,
) -> Response[
    CardNumberRefused
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | InvalidJson
    | InvalidTransition
    | OrderAlreadyPaid
    | PaymentMismatch
    | PaymentNotSucceeded
    | Order
    | OrderNotFound
    | PaymentNotFound
]:
    """Link a payment to its order

     The order becomes `paid`. The same payment again changes nothing and is answered alike, also when
    the order has gone on since.

    Args:
        order_id (str):
        body (MarkOrderPaidBody): PATCH /orders/{order_id}/pay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CardNumberRefused | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | InvalidJson | InvalidTransition | OrderAlreadyPaid | PaymentMismatch | PaymentNotSucceeded | Order | OrderNotFound | PaymentNotFound]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    order_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: MarkOrderPaidBody,
) -> (
    CardNumberRefused
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | InvalidJson
    | InvalidTransition
    | OrderAlreadyPaid
    | PaymentMismatch
    | PaymentNotSucceeded
    | Order
    | OrderNotFound
    | PaymentNotFound
    | None
):
    """Link a payment to its order

     The order becomes `paid`. The same payment again changes nothing and is answered alike, also when
    the order has gone on since.

    Args:
        order_id (str):
        body (MarkOrderPaidBody): PATCH /orders/{order_id}/pay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CardNumberRefused | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | InvalidJson | InvalidTransition | OrderAlreadyPaid | PaymentMismatch | PaymentNotSucceeded | Order | OrderNotFound | PaymentNotFound
    """

    return sync_detailed(
        order_id=order_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    order_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: MarkOrderPaidBody,
) -> Response[
    CardNumberRefused
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | InvalidJson
    | InvalidTransition
    | OrderAlreadyPaid
    | PaymentMismatch
    | PaymentNotSucceeded
    | Order
    | OrderNotFound
    | PaymentNotFound
]:
    """Link a payment to its order

     The order becomes `paid`. The same payment again changes nothing and is answered alike, also when
    the order has gone on since.

    Args:
        order_id (str):
        body (MarkOrderPaidBody): PATCH /orders/{order_id}/pay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CardNumberRefused | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | InvalidJson | InvalidTransition | OrderAlreadyPaid | PaymentMismatch | PaymentNotSucceeded | Order | OrderNotFound | PaymentNotFound]
    """

    kwargs = _get_kwargs(
        order_id=order_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    order_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: MarkOrderPaidBody,
) -> (
    CardNumberRefused
    | ValidationFailed
    | GatewayMessage
    | InternalError
    | StoreUnavailable
    | InvalidJson
    | InvalidTransition
    | OrderAlreadyPaid
    | PaymentMismatch
    | PaymentNotSucceeded
    | Order
    | OrderNotFound
    | PaymentNotFound
    | None
):
    """Link a payment to its order

     The order becomes `paid`. The same payment again changes nothing and is answered alike, also when
    the order has gone on since.

    Args:
        order_id (str):
        body (MarkOrderPaidBody): PATCH /orders/{order_id}/pay.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CardNumberRefused | ValidationFailed | GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | InvalidJson | InvalidTransition | OrderAlreadyPaid | PaymentMismatch | PaymentNotSucceeded | Order | OrderNotFound | PaymentNotFound
    """

    return (
        await asyncio_detailed(
            order_id=order_id,
            client=client,
            body=body,
        )
    ).parsed
