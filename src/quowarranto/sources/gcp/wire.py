"""A log entry as Cloud Logging writes it, with only the fields that are read, and the spellings of its exports."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant
from quowarranto.sources.strict import read_as, strict_json
from quowarranto.sources.times import instant

PERMISSION_DENIED = 7
_TOP = {
    "insertid": "insertId",
    "logname": "logName",
    "protopayload": "protoPayload",
    "protopayload_auditlog": "protoPayload",
    "receivetimestamp": "receiveTimestamp",
}
"""Names at the top as some exports spell them (BigQuery, collectors that fold the case), and as the API does."""
_AUDITED = re.compile(r"logs/cloudaudit\.googleapis\.com(?:%2F|/)(?P<log>\w+)", re.IGNORECASE)
_BIGQUERY_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC")


class Third(msgspec.Struct, frozen=True):
    principalEmail: str | None = None


class Delegate(msgspec.Struct, frozen=True):
    """One identity that lent itself to the next; which of the fields it has depends on what it is."""

    principalSubject: str | None = None
    firstPartyPrincipal: Third | None = None


class Authentication(msgspec.Struct, frozen=True):
    principalEmail: str | None = None
    principalSubject: str | None = None
    serviceAccountKeyName: str | None = None
    serviceAccountDelegationInfo: list[Delegate] | None = None
    oauthInfo: Any = None


class Checked(msgspec.Struct, frozen=True):
    """One permission that was checked. A `granted` that is not there says nothing by itself."""

    permission: str | None = None
    resource: str | None = None
    granted: bool | None = None
    resourceAttributes: Any = None

    @property
    def on(self) -> str | None:
        if self.resource:
            return self.resource
        named = self.resourceAttributes.get("name") if isinstance(self.resourceAttributes, dict) else None
        return named if isinstance(named, str) else None


class Status(msgspec.Struct, frozen=True):
    code: int | None = None
    message: str | None = None
    details: Any = None


class AuditLog(msgspec.Struct, frozen=True):
    serviceName: str = ""
    methodName: str = ""
    resourceName: str = ""
    authenticationInfo: Authentication | None = None
    authorizationInfo: list[Checked] | None = None
    requestMetadata: Any = None
    status: Status | None = None
    request: Any = None
    response: Any = None
    serviceData: Any = None
    metadata: Any = None
    timestamp: str | None = None


class Operation(msgspec.Struct, frozen=True):
    """A call that goes on: its first entry says that it was let in, its last one how it ended."""

    id: str = ""
    producer: str = ""
    first: bool = False
    last: bool = False


class LogEntry(msgspec.Struct, frozen=True):
    protoPayload: AuditLog
    insertId: str = ""
    logName: str = ""
    timestamp: str | None = None
    receiveTimestamp: str | None = None
    resource: Any = None
    labels: dict[str, Any] | None = None
    operation: Operation | None = None
    trace: str | None = None

    @property
    def call(self) -> AuditLog:
        return self.protoPayload

    @property
    def place(self) -> dict[str, str]:
        """The labels of the monitored resource: `project_id`, `email_id`, `unique_id`, `cluster_name`, …"""
        labels = self.resource.get("labels") if isinstance(self.resource, dict) else None
        texts = labels.items() if isinstance(labels, dict) else ()
        return {name: value for name, value in texts if isinstance(value, str) and value}

    @property
    def kind(self) -> str:
        """The type of the monitored resource: `gcs_bucket`, `service_account`, …"""
        kind = self.resource.get("type") if isinstance(self.resource, dict) else None
        return kind if isinstance(kind, str) and kind else "resource"

    @property
    def parent(self) -> str:
        """What the log belongs to: `projects/p`, `organizations/1`, …; empty where it is not said."""
        found = re.match(r"(?:projects|organizations|folders|billingAccounts)/[^/]+", self.logName)
        if found:
            return found[0]
        project = self.place.get("project_id")
        return f"projects/{project}" if project else ""

    @property
    def log(self) -> str:
        """`activity`, `data_access`, `system_event` or `policy`."""
        found = _AUDITED.search(self.logName)
        return found["log"] if found else ""

    @property
    def goes_on(self) -> bool:
        """Whether other entries tell of the same call."""
        operation = self.operation
        return operation is not None and bool(operation.id) and not (operation.first and operation.last)


def unwrapped(value: Any) -> Any:
    """The entry in a message of Pub/Sub (its `data` is base64), else what came in."""
    for _ in range(2):
        if not isinstance(value, dict):
            return value
        inner = value.get("message")
        if isinstance(inner, dict) and "data" in inner:
            value = inner
        data = value.get("data")
        if not isinstance(data, str) or not ("messageId" in value or "message_id" in value or "attributes" in value):
            return value
        try:
            value = strict_json(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):
            raise RejectedEntry("a message of Pub/Sub whose `data` is not base64") from None
    return value


def spelled(value: dict[str, Any]) -> dict[str, Any]:
    """The entry with the names of the API at its top; nulls are left out."""
    return {_TOP.get(name.lower(), name): one for name, one in value.items() if one is not None}


def understood(value: dict[str, Any]) -> LogEntry:
    """The entry, from one that `spelled` gave.

    Raises:
        RejectedEntry: a field is not what it should be, or nothing says what was done.
    """
    entry = read_as(_without_nulls(value), LogEntry)
    if not entry.call.methodName and not any(one.permission for one in entry.call.authorizationInfo or ()):
        raise RejectedEntry("neither `methodName` nor a permission says what was done")
    return entry


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    payload = value.get("protoPayload")
    if isinstance(payload, dict) and None in payload.values():
        return value | {"protoPayload": {name: one for name, one in payload.items() if one is not None}}
    return value


def time_of(entry: LogEntry) -> Instant:
    """When it happened; where a collector has cut off the zone, the next time that has one.

    Raises:
        RejectedEntry: no time has a zone.
    """
    call = entry.call
    attributes = part(part(call.requestMetadata), "requestAttributes").get("time")
    texts = (entry.timestamp, call.timestamp, attributes, entry.receiveTimestamp)
    refused: RejectedEntry | None = None
    for text in texts:
        if isinstance(text, str) and text:
            try:
                return instant("timestamp", _BIGQUERY_TIME.sub(r"\1Z", text))
            except RejectedEntry as error:
                refused = refused or error
    raise refused or RejectedEntry("`timestamp` is missing")


def name_of(entry: LogEntry, raw: bytes) -> str:
    """What tells an entry from all others: `insertId` is unique within a log, a digest stands in for it."""
    if not entry.insertId:
        return "sha256:" + hashlib.sha256(raw).hexdigest()
    return "/".join(part for part in (entry.parent, entry.log, entry.insertId) if part)


def part(value: Any, *names: str) -> dict[str, Any]:
    """An object within an object; an empty one where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def text_of(value: Any, *names: str) -> str:
    """The first of several names under which a text stands; APIs and proto JSON spell them in two ways."""
    for name in names:
        if isinstance(value, dict) and isinstance(found := value.get(name), str) and found:
            return found
    return ""


def items(value: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects within an object; what is none is left out."""
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
