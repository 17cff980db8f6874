"""An audit event of Boundary, with the fields that are read, and what its path asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant
from quowarranto.sources.strict import read_as
from quowarranto.sources.times import instant

EVENT = "APIRequest"
_PATH = re.compile(r"/v1/(?P<things>[a-z-]+)(?:/(?P<id>[^/:?]+))?(?::(?P<custom>[a-z-]+))?")
_METHODS = {"POST": "create", "GET": "read", "PATCH": "update", "DELETE": "delete"}
_DEEPEST = 12
COLLECTION = "-"
"""Stands for the id where a request is for no single resource."""


class RequestInfo(msgspec.Struct, frozen=True):
    """The request as it came."""

    id: str = ""
    method: str = ""
    path: str = ""
    client_ip: str = ""


class UserInfo(msgspec.Struct, frozen=True):
    """Who asked."""

    id: str = ""
    auth_account_id: str = ""


class Grant(msgspec.Struct, frozen=True):
    """One of the user's grants that were looked at."""

    grant: str = ""
    role_id: str = ""
    scope_id: str = ""


class GrantsInfo(msgspec.Struct, frozen=True):
    """All of the user's grants that were looked at."""

    grants: tuple[Grant, ...] = ()


class Auth(msgspec.Struct, frozen=True):
    """How the request was authenticated, and by which grants it was judged."""

    auth_token_id: str = ""
    user_info: UserInfo | None = None
    grants_info: GrantsInfo | None = None


class Body(msgspec.Struct, frozen=True):
    """What was asked or answered; secrets in it are redacted by Boundary itself."""

    details: Any = None
    status_code: int = 0


class Audit(msgspec.Struct, frozen=True):
    """The data of an audit event."""

    id: str
    timestamp: str
    type: str = EVENT
    request_info: RequestInfo | None = None
    auth: Auth | None = None
    request: Body | None = None
    response: Body | None = None
    correlation_id: str = ""


class Request(msgspec.Struct, frozen=True):
    """An audit event understood: the verb by Boundary's names of actions, the type and id of what it is for."""

    audit: Audit
    at: Instant
    verb: str
    thing: str
    id: str

    @property
    def status(self) -> int:
        """The HTTP status of the answer; 0 where there is none."""
        return self.audit.response.status_code if self.audit.response is not None else 0

    @property
    def asked(self) -> Any:
        """The body of the request."""
        return self.audit.request.details if self.audit.request is not None else None

    @property
    def answered(self) -> Any:
        """The body of the answer."""
        return self.audit.response.details if self.audit.response is not None else None


def understood(data: dict[str, Any]) -> Request:
    """The request of an audit event.

    Raises:
        RejectedEntry: it is none.
    """
    audit = read_as(data, Audit)
    info = audit.request_info or RequestInfo()
    found = _PATH.match(info.path)
    if not audit.id or not info.method:
        raise RejectedEntry("an audit event without `id` or `request_info.method`")
    at = instant("timestamp", audit.timestamp)
    if found is None:
        return Request(audit, at, info.method.lower(), "path", info.path or COLLECTION)
    thing = found["things"].removesuffix("s")
    name = found["id"] or COLLECTION
    verb = found["custom"] or _METHODS.get(info.method.upper(), info.method.lower())
    if verb == "read" and name == COLLECTION:
        verb = "list"
    return Request(audit, at, verb, thing, name)


def objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every object in a body, outer ones first."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from objects(one, depth + 1)


def texts(value: Any) -> list[str]:
    """The texts of a list."""
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []


def moment(value: Any) -> Instant | None:
    """A time in a body: RFC 3339, or seconds and nanoseconds since the epoch."""
    if isinstance(value, str):
        try:
            return instant("a time in the body", value)
        except RejectedEntry:
            return None
    if isinstance(value, dict) and isinstance(seconds := value.get("seconds"), int) and 0 < seconds < 253_402_300_800:
        nanos = value.get("nanos")
        return seconds * 1_000_000 + (nanos // 1000 if isinstance(nanos, int) and 0 <= nanos < 10**9 else 0)
    return None
