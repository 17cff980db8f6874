"""LogEvent objects of the Okta system log, with the fields that are read."""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.sources.strict import read_as

_NAMES = (
    *("actor", "authenticationContext", "client", "debugContext", "displayMessage", "eventType", "legacyEventType"),
    *("outcome", "published", "request", "securityContext", "severity", "target", "transaction", "uuid", "version"),
)
_SPELLED = {name.lower(): name for name in _NAMES}
"""Some collectors write the names of members in small letters."""


class Actor(msgspec.Struct, frozen=True):
    """Who did it; `alternate_id` is the log-in of a user."""

    id: str = ""
    type: str = ""
    alternateId: str | None = None


class Target(msgspec.Struct, frozen=True):
    """What it was done to, one of several."""

    id: str | None = None
    type: str | None = None
    alternateId: str | None = None
    displayName: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How it ended."""

    result: str | None = None
    reason: str | None = None


class UserAgent(msgspec.Struct, frozen=True):
    """As the client named itself."""

    rawUserAgent: str | None = None


class Client(msgspec.Struct, frozen=True):
    """Where it came from."""

    ipAddress: str | None = None
    userAgent: UserAgent | None = None
    id: str | None = None


class Authentication(msgspec.Struct, frozen=True):
    """Sessions: the one that it was done in, and the one that was opened first."""

    externalSessionId: str | None = None
    rootSessionId: str | None = None


class Transaction(msgspec.Struct, frozen=True):
    """The request."""

    id: str | None = None
    type: str | None = None
    detail: dict[str, Any] | None = None


class Debug(msgspec.Struct, frozen=True):
    """Texts that differ from event to event."""

    debugData: dict[str, Any] | None = None


class Event(msgspec.Struct, frozen=True):
    """A LogEvent."""

    uuid: str
    published: str
    eventType: str
    actor: Actor
    target: tuple[Target, ...] | None = None
    outcome: Outcome | None = None
    client: Client | None = None
    authenticationContext: Authentication | None = None
    transaction: Transaction | None = None
    debugContext: Debug | None = None

    def targets(self, *types: str) -> list[Target]:
        """Those of one of these types that have an id."""
        return [one for one in self.target or () if one.type in types and one.id]

    def debug(self, name: str) -> str | None:
        """A text of the debug data."""
        found = (self.debugContext.debugData or {}).get(name) if self.debugContext is not None else None
        return found if isinstance(found, str) and found else None


def events_of(value: Any) -> list[Any]:
    """The events of an entry: itself, those of an event hook, or that of an event of Amazon EventBridge."""
    if not isinstance(value, dict):
        raise RejectedEntry("not a JSON object")
    data, detail = value.get("data"), value.get("detail")
    if isinstance(data, dict) and isinstance(data.get("events"), list):
        return list(data["events"])
    if isinstance(detail, dict) and "detail-type" in value:
        return [detail]
    return [value]


def understood(value: Any) -> Event:
    """An event, whatever the case of its members' names.

    Raises:
        RejectedEntry: it is none.
    """
    if not isinstance(value, dict):
        raise RejectedEntry("an event that is not a JSON object")
    named = {_SPELLED.get(name.lower(), name): member for name, member in value.items()}
    if len(named) != len(value):
        raise RejectedEntry("a member in two spellings")
    event = read_as(named, Event)
    if not event.uuid or not event.eventType:
        raise RejectedEntry("an event without an id or a type")
    return event
