"""The wire types of an event, and what an event may be wrapped in."""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant
from quowarranto.sources.strict import reason_of, strict_json
from quowarranto.sources.times import instant

_SUFFIX = ".amazonaws.com"


class Issuer(msgspec.Struct, frozen=True):
    """Whose permissions a temporary key has: a role, or the user who asked for the session."""

    type: str | None = None
    arn: str | None = None


class Federation(msgspec.Struct, frozen=True):
    """By which provider's token the session was opened."""

    federatedProvider: str | None = None


class SessionContext(msgspec.Struct, frozen=True):
    """How a temporary key came about, as the event of its use repeats it."""

    sessionIssuer: Issuer | None = None
    attributes: dict[str, Any] | None = None
    sourceIdentity: str | None = None
    ec2RoleDelivery: str | None = None
    webIdFederationData: Federation | None = None


class OnBehalfOf(msgspec.Struct, frozen=True):
    """The directory user whom the session was opened for (trusted identity propagation)."""

    userId: str | None = None


class Identity(msgspec.Struct, frozen=True):
    """`userIdentity`."""

    type: str | None = None
    principalId: str | None = None
    arn: str | None = None
    accountId: str | int | None = None
    accessKeyId: str | None = None
    userName: str | None = None
    invokedBy: str | None = None
    identityProvider: str | None = None
    sessionContext: SessionContext | None = None
    onBehalfOf: OnBehalfOf | None = None


class Event(msgspec.Struct, frozen=True):
    """One event; only the fields that are read. Bodies stay untyped and are never kept."""

    eventSource: str
    eventName: str
    userIdentity: Identity
    eventTime: str | None = None
    timestamp: str | None = msgspec.field(name="@timestamp", default=None)
    """Where log shippers put the event's time when they take it out of the event."""
    eventID: str | None = None
    awsRegion: str | None = None
    recipientAccountId: str | int | None = None
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    errorCode: str | None = None
    errorMessage: str | None = None
    requestID: str | None = None
    sharedEventID: str | None = None
    readOnly: bool | str | None = None
    resources: list[Any] | None = None
    requestParameters: Any = None
    responseElements: Any = None
    additionalEventData: Any = None

    @property
    def service(self) -> str:
        """`s3` of `s3.amazonaws.com`."""
        return self.eventSource.removesuffix(_SUFFIX)

    @property
    def account(self) -> str:
        """The account that the call was made in; empty if the event does not say."""
        return str(self.recipientAccountId or self.userIdentity.accountId or "")

    @property
    def partition(self) -> str:
        """The first part of an ARN after `arn:`, which depends on the region."""
        region = self.awsRegion or ""
        return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"

    @property
    def asked(self) -> dict[str, Any]:
        """The request parameters; empty where the event has none."""
        return self.requestParameters if isinstance(self.requestParameters, dict) else {}

    @property
    def answered(self) -> dict[str, Any]:
        """The response elements; empty where the event has none."""
        return self.responseElements if isinstance(self.responseElements, dict) else {}

    def at(self) -> Instant:
        """When it happened.

        Raises:
            RejectedEntry: there is no `eventTime`, or it is not RFC 3339, or it has no zone.
        """
        text = self.eventTime or self.timestamp
        if text is None:
            raise RejectedEntry("not a CloudTrail event: `eventTime` is missing")
        return instant("eventTime", text)


def text_of(holder: dict[str, Any], *names: str) -> str:
    """The first of these fields that is a text with something in it, else the empty text."""
    for name in names:
        value = holder.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def part_of(holder: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside an object; empty where there is none."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def to_event(value: dict[str, Any]) -> Event:
    """Raises `RejectedEntry` naming the field that is missing or of the wrong type, never what it holds."""
    try:
        event = msgspec.convert(value, Event)
    except msgspec.ValidationError as error:
        raise RejectedEntry(f"not a CloudTrail event: {reason_of(error)}") from None
    if not event.eventSource or not event.eventName:
        raise RejectedEntry("not a CloudTrail event: `eventSource` or `eventName` is empty")
    return event


def unwrapped(value: Any) -> dict[str, Any]:
    """The event inside a LookupEvents item (a text) or an EventBridge event (`detail`); at most one of each."""
    for _ in range(2):
        if not isinstance(value, dict):
            break
        if isinstance(inner := value.get("CloudTrailEvent"), str):
            value = strict_json(inner.encode("utf-8", "surrogatepass"))
        elif isinstance(inner := value.get("detail"), dict) and "eventName" in inner and "eventName" not in value:
            value = inner
        else:
            break
    if not isinstance(value, dict):
        raise RejectedEntry("not a CloudTrail event: not a JSON object")
    return value
