from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.gateway_message import GatewayMessage
from ...models.idempotency_in_progress import IdempotencyInProgress
from ...models.internal_error import InternalError
from ...models.invalid_json import InvalidJson
from ...models.invalid_signature import InvalidSignature
from ...models.received import Received
from ...models.store_unavailable import StoreUnavailable
from ...models.stripe_event import StripeEvent
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: StripeEvent,
    stripe_signature: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(stripe_signature, Unset):
        headers["Stripe-Signature"] = stripe_signature

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/webhooks/stripe",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidJson
    | InvalidSignature
    | Received
    | None
):
    if response.status_code == 200:
        response_200 = Received.from_dict(response.json())

        return response_200

    if response.status_code == 400:

        def _parse_response_400(data: object) -> InvalidJson | InvalidSignature:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_400_type_0 = InvalidJson.from_dict(data)

                return response_400_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_400_type_1 = InvalidSignature.from_dict(data)

            return response_400_type_1

        response_400 = _parse_response_400(response.json())

        return response_400

    if response.status_code == 409:
        response_409 = IdempotencyInProgress.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = GatewayMessage.from_dict(response.json())

        return response_413

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
    GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidJson
    | InvalidSignature
    | Received
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
    body: StripeEvent,
    stripe_signature: str | Unset = UNSET,
) -> Response[
    GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidJson
    | InvalidSignature
    | Received
]:
    """Receive an event of Stripe's

     For Stripe to call, where it is the gateway. What an event says is not read but which payment it is
    about, by `payment_id` in the metadata of its object; that payment is then settled as if it were
    due. Events of other things are received and left alone.

    Args:
        stripe_signature (str | Unset):
        body (StripeEvent): An event as Stripe sends it; of its members only these are looked at.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidJson | InvalidSignature | Received]
    """

    kwargs = _get_kwargs(
        body=body,
        stripe_signature=stripe_signature,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: StripeEvent,
    stripe_signature: str | Unset = UNSET,
) -> (
    GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidJson
    | InvalidSignature
    | Received
    | None
):
    """Receive an event of Stripe's

     For Stripe to call, where it is the gateway. What an event says is not read but which payment it is
    about, by `payment_id` in the metadata of its object; that payment is then settled as if it were
    due. Events of other things are received and left alone.

    Args:
        stripe_signature (str | Unset):
        body (StripeEvent): An event as Stripe sends it; of its members only these are looked at.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidJson | InvalidSignature | Received
    """

    return sync_detailed(
        client=client,
        body=body,
        stripe_signature=stripe_signature,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: StripeEvent,
    stripe_signature: str | Unset = UNSET,
) -> Response[
    GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidJson
    | InvalidSignature
    | Received
]:
    """Receive an event of Stripe's

     For Stripe to call, where it is the gateway. What an event says is not read but which payment it is
    about, by `payment_id` in the metadata of its object; that payment is then settled as if it were
    due. Events of other things are received and left alone.

    Args:
        stripe_signature (str | Unset):
        body (StripeEvent): An event as Stripe sends it; of its members only these are looked at.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidJson | InvalidSignature | Received]
    """

    kwargs = _get_kwargs(
        body=body,
        stripe_signature=stripe_signature,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: StripeEvent,
    stripe_signature: str | Unset = UNSET,
) -> (
    GatewayMessage
    | InternalError
    | StoreUnavailable
    | IdempotencyInProgress
    | InvalidJson
    | InvalidSignature
    | Received
    | None
):
    """Receive an event of Stripe's

     For Stripe to call, where it is the gateway. What an event says is not read but which payment it is
    about, by `payment_id` in the metadata of its object; that payment is then settled as if it were
    due. Events of other things are received and left alone.

    Args:
        stripe_signature (str | Unset):
        body (StripeEvent): An event as Stripe sends it; of its members only these are looked at.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GatewayMessage | GatewayMessage | InternalError | GatewayMessage | StoreUnavailable | IdempotencyInProgress | InvalidJson | InvalidSignature | Received
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            stripe_signature=stripe_signature,
        )
    ).parsed
