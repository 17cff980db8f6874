"""AWS: an access key of a user is created, asks who it is, and is deleted.

Source  IAM API reference, CreateAccessKey and DeleteAccessKey; STS API reference, GetCallerIdentity, which needs no
        permission, so that a refusal is about the key.
"""

from __future__ import annotations

import importlib
from typing import Any

from quowarranto.canary.measure import Answer, CanaryError
from quowarranto.records import Resource


class Aws:
    """The account that the environment's own credentials reach; the user must exist and have room for a key."""

    verb = "sts:GetCallerIdentity"
    resource = Resource("service", "sts.amazonaws.com")

    def __init__(self, user: str, *, region: str = "us-east-1", address: str | None = None) -> None:
        try:
            self._session = importlib.import_module("botocore.session")
            self._config = importlib.import_module("botocore.config").Config(retries={"total_max_attempts": 1})
            self._errors = importlib.import_module("botocore.exceptions")
        except ImportError:
            raise CanaryError("`botocore` is not installed", hint="pip install 'quowarranto[aws]'") from None
        self._user, self._region, self._address = user, region, address
        self._iam = self._client("iam")
        self._sts: Any = None
        self._key = ""

    def issue(self) -> str:
        """A key; its secret stays in the client that uses it."""
        try:
            made = self._iam.create_access_key(UserName=self._user)["AccessKey"]
        except (self._errors.BotoCoreError, self._errors.ClientError) as error:
            raise CanaryError(
                f"no access key was created ({_reason(error)})", need="`iam:CreateAccessKey`, and fewer than two keys"
            ) from None
        self._key = made["AccessKeyId"]
        self._sts = self._client("sts", made["AccessKeyId"], made["SecretAccessKey"])
        return f"aws/key/{self._key}"

    def use(self) -> Answer:
        """Only a success and 403 are answers about the key."""
        try:
            self._sts.get_caller_identity()
        except self._errors.ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return "refused" if status in (401, 403) else "unclear"
        except self._errors.BotoCoreError:
            return "unclear"
        return "accepted"

    def revoke(self) -> None:
        """The key is deleted; one that is gone already is no error."""
        try:
            self._iam.delete_access_key(UserName=self._user, AccessKeyId=self._key)
        except (self._errors.BotoCoreError, self._errors.ClientError) as error:
            if _reason(error) != "NoSuchEntity":
                raise CanaryError(
                    f"the access key was not deleted ({_reason(error)}): delete it by hand",
                    at=f"key `{self._key}` of user `{self._user}`",
                    need="`iam:DeleteAccessKey`",
                ) from None

    def _client(self, service: str, key: str | None = None, secret: str | None = None) -> Any:
        return self._session.get_session().create_client(
            service,
            region_name=self._region,
            endpoint_url=self._address,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=self._config,
        )


def _reason(error: Any) -> str:
    """The error's own code or kind: its text might quote the request."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
