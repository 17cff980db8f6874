"""The envelope around a message, and the message. Nobody has fixed an envelope: each field has several usual names."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from quowarranto.sources.strict import read_as

NAMES = {
    "time": ("time", "timestamp", "ts", "@timestamp", "startedAt"),
    "message": ("message", "payload"),
    "request": ("request", "mcpRequest", "request_body"),
    "response": ("response", "mcpResponse", "response_body"),
    "session": ("session_id", "sessionId", "mcp_session_id", "mcpSessionId", "mcp-session-id", "session"),
    "connection": ("connection_id", "connectionId", "connection"),
    "server": ("server", "server_name", "serverName"),
    "status": ("http_status", "httpStatusCode", "status_code"),
    "request_id": ("request_id", "x-request-id"),
    "origin": ("origin", "client_address", "remote_address"),
}
"""Fields of the envelope by the names they go by; one that is not here goes by its own name alone."""

Id = str | int | float | None


class Who(msgspec.Struct, frozen=True):
    type: str
    id: str


class Actor(msgspec.Struct, frozen=True):
    sub: str | None = None


class Auth(msgspec.Struct, frozen=True):
    """Claims of the access token as whoever logged has verified them (RFC 7519, RFC 8693, RFC 9068)."""

    iss: str | None = None
    sub: str | None = None
    client_id: str | None = None
    azp: str | None = None
    act: Actor | None = None
    jti: str | None = None
    iat: int | float | None = None
    nbf: int | float | None = None
    exp: int | float | None = None


class Decision(msgspec.Struct, frozen=True):
    allow: bool
    id: str | None = None
    time: str | None = None
    policies: tuple[str, ...] = ()
    """Keys of the policies it rests on, as their sources spell them."""


class Policy(msgspec.Struct, frozen=True):
    id: str
    revision: str
    sha256: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A request, a notification, a response, or an error (JSON-RPC 2.0)."""

    id: Id | msgspec.UnsetType = msgspec.UNSET
    method: str | None = None
    params: dict[str, Any] | None = None
    result: Any = msgspec.UNSET
    error: dict[str, Any] | None = None

    @property
    def is_response(self) -> bool:
        return self.method is None and (self.error is not None or self.result is not msgspec.UNSET)


class Envelope(msgspec.Struct, frozen=True):
    time: str
    message: Message | tuple[Message, ...] | None = None
    request: Message | None = None
    response: Message | None = None
    session: str | None = None
    connection: str | None = None
    server: str | None = None
    direction: str | None = None
    event: str | None = None
    http_method: str | None = None
    status: int | None = None
    principal: Who | None = None
    on_behalf_of: tuple[Who, ...] = ()
    auth: Auth = Auth()
    decision: Decision | None = None
    policy: Policy | None = None
    cites: tuple[str, ...] = ()
    request_id: str | None = None
    trace_id: str | None = None
    traceparent: str | None = None
    origin: str | None = None

    @property
    def scope(self) -> str:
        """Within what the ids of requests are unique, as far as the log says."""
        return self.session or self.connection or ""

    @property
    def sender(self) -> Literal["client", "server"] | None:
        """Who sent the message, from whatever words the log has for it."""
        words = (self.direction or "").lower().replace("_", "-").replace("->", "-to-")
        if words in ("client-to-server", "c2s", "inbound", "from-client"):
            return "client"
        return "server" if words in ("server-to-client", "s2c", "outbound", "from-server") else None


def envelope(value: dict[str, Any]) -> Envelope:
    """The envelope of one line.

    Raises:
        RejectedEntry: a field is not what it should be; the reason names it.
    """
    known = {field: found for field in Envelope.__struct_fields__ if (found := _named(value, field)) is not None}
    return read_as(known, Envelope)


def _named(value: dict[str, Any], field: str) -> Any:
    return next((value[name] for name in NAMES.get(field, (field,)) if value.get(name) is not None), None)
