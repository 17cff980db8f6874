"""Records of Azure and Entra in their shapes, brought to one: what is common to all, and the rest as it was.

Diagnostic settings write an envelope (`time`, `category`, `operationName`, `properties`, …) whose names some collectors
fold to lower case; the REST interface and the portal write activity log events with `{"value": …}` for enumerations;
Microsoft Graph writes what stands under `properties` alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant
from quowarranto.sources.strict import strict_json
from quowarranto.sources.times import instant

_NAMES = (
    *("time", "resourceId", "operationName", "category", "resultType", "resultSignature", "callerIpAddress"),
    *("correlationId", "identity", "properties", "tenantId", "uri", "statusCode", "statusText", "claims", "caller"),
    *("authorization", "eventTimestamp", "eventDataId", "status", "subStatus", "httpRequest", "operationId", "id"),
)
_SPELLED = {name.lower(): name for name in _NAMES}
_TIMES = ("createdDateTime", "activityDateTime", "eventTimestamp", "timeGenerated", "time")
"""Of a sign-in and of a change in the directory: when it happened, not when the record was made of it."""


class Event(msgspec.Struct, frozen=True):
    """One record; texts are empty and objects too where it has none.

    `digest` tells a record without an id from all others; `result` and `signature` are how it ended, in the words of
    its service.
    """

    at: Instant
    category: str
    operation: str
    resource: str
    result: str
    signature: str
    address: str
    correlation: str
    tenant: str
    uri: str
    status_code: int
    identity: dict[str, Any]
    properties: dict[str, Any]
    envelope: dict[str, Any]
    digest: str

    def said(self, name: str) -> str:
        """A text of the properties, under its name in any case."""
        return text_of(self.properties, name)

    @property
    def authorization(self) -> dict[str, Any]:
        """What Azure Resource Manager checked, and what allowed it."""
        return part(self.identity, "authorization") or part(self.envelope, "authorization")

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the token; Key Vault writes `claim`."""
        return part(self.identity, "claims") or part(self.identity, "claim") or part(self.envelope, "claims")


def spelled(value: dict[str, Any]) -> dict[str, Any]:
    """The record with the names of its envelope as Azure spells them; nulls are left out."""
    return {_SPELLED.get(name.lower(), name): one for name, one in value.items() if one is not None}


def understood(value: dict[str, Any], raw: bytes) -> Event:
    """The record, from one that `spelled` gave.

    Raises:
        RejectedEntry: it has no time with a zone, or `properties` are no object.
    """
    properties = value.get("properties", {})
    if isinstance(properties, str) and properties.lstrip().startswith("{"):
        properties = strict_json(properties.encode())
    if not isinstance(properties, dict):
        raise RejectedEntry("`properties` is not an object")
    if "properties" not in value and ("createdDateTime" in value or "activityDateTime" in value):
        properties = value  # as Microsoft Graph has it
    status = value.get("statusCode")
    return Event(
        at=_time_of(value, properties),
        category=named(value.get("category")) or _category_of(properties),
        operation=named(value.get("operationName")) or text_of(properties, "activityDisplayName"),
        resource=named(value.get("resourceId")) or named(value.get("resourceUri")),
        result=named(value.get("resultType")) or named(value.get("status")),
        signature=named(value.get("resultSignature")) or named(value.get("subStatus")),
        address=address_of(
            named(value.get("callerIpAddress")) or text_of(part(value, "httpRequest"), "clientIpAddress")
        ),
        correlation=named(value.get("correlationId")) or text_of(properties, "correlationId"),
        tenant=named(value.get("tenantId")),
        uri=named(value.get("uri")),
        status_code=status if isinstance(status, int) else _number(status),
        identity=part(value, "identity"),
        properties=properties,
        envelope=value,
        digest="sha256:" + hashlib.sha256(raw).hexdigest(),
    )


def _category_of(properties: dict[str, Any]) -> str:
    if "activityDisplayName" in properties:
        return "AuditLogs"
    if "createdDateTime" in properties and "appId" in properties:
        return "ServicePrincipalSignInLogs" if properties.get("servicePrincipalId") else "SignInLogs"
    return ""


def _time_of(value: dict[str, Any], properties: dict[str, Any]) -> Instant:
    refused: RejectedEntry | None = None
    for holder in (properties, value):
        for name in _TIMES:
            if isinstance(text := holder.get(name), str) and text:
                try:
                    return instant(name, text)
                except RejectedEntry as error:
                    refused = refused or error
    raise refused or RejectedEntry("`time` is missing")


def named(value: Any) -> str:
    """A text, a number, or the `value` of an enumeration."""
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _number(value: Any) -> int:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6 else 0


def address_of(text: str) -> str:
    """An address without its port."""
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and "." in host:
        return host
    return text.rpartition("]")[0].removeprefix("[") if text.startswith("[") else text


def part(value: Any, *names: str) -> dict[str, Any]:
    """An object within an object, under its name in any case; an empty one where there is none."""
    for name in names:
        value = _member(value, name)
    return value if isinstance(value, dict) else {}


def text_of(value: Any, *names: str) -> str:
    """The first of several names under which a text or a number stands, in any case."""
    for name in names:
        found = _member(value, name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
    return ""


def items(value: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects within an object; what is none is left out."""
    found = _member(value, name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def body(value: Any) -> dict[str, Any]:
    """A body that stands as JSON in a text, or as an object."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        return None
    if name in value:
        return value[name]
    low = name.lower()
    if len(value) > _MOST_NAMES:
        return next((one for key, one in value.items() if key.lower() == low), None)
    key = _in_any_case(tuple(value)).get(low)
    return None if key is None else value[key]


_MOST_NAMES = 64
"""Of a record whose names are kept: a hostile one could fill the memory."""


@lru_cache(maxsize=4096)
def _in_any_case(names: tuple[str, ...]) -> dict[str, str]:
    """The first of these names by each one in lower case; records of one kind have the same ones."""
    return {name.lower(): name for name in reversed(names)}


def first(values: Iterable[str]) -> str:
    """The first that is not empty."""
    return next((one for one in values if one), "")
