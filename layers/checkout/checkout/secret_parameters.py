"""Secrets, from AWS Systems Manager Parameter Store: never in the environment, a log or an error (FR-220)."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters import GetParameterError, SSMProvider

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient

__all__ = ["SecretParameters", "SecretsUnavailable"]

KEPT_SECONDS = 300


class SecretsUnavailable(Exception):
    """Parameter Store does not give a parameter, or there is nothing in it."""


class SecretParameters:
    """Reads parameters, each kept for 5 minutes: a secret that is replaced is taken up within that time."""

    def __init__(self, client: "SSMClient") -> None:
        self._provider = SSMProvider(boto3_client=client)

    def read(self, name: str) -> list[str]:
        """The values of a parameter, one or more parted by commas. Raises SecretsUnavailable."""
        try:
            value = self._provider.get(name, max_age=KEPT_SECONDS, decrypt=True)
        except GetParameterError as error:
            raise SecretsUnavailable from error
        secrets = [secret.strip() for secret in str(value).split(",") if secret.strip()]
        if not secrets:
            raise SecretsUnavailable
        return secrets
