"""The audit line as the server writes it; only the fields that are read. Every field but three may be absent."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class GrantingPolicy(msgspec.Struct, frozen=True):
    """One policy that allowed the call. Some servers write entries without a name: those are not policies."""

    name: str | None = None
    namespace_id: str | None = None
    type: str | None = None


class PolicyResults(msgspec.Struct, frozen=True):
    """The decision; old servers do not write one."""

    allowed: bool | None = None
    granting_policies: tuple[GrantingPolicy, ...] | None = None


class Auth(msgspec.Struct, frozen=True):
    """The token of the caller, or (in a response) a token that was just made or renewed."""

    accessor: str | None = None
    client_token: str | None = None
    display_name: str | None = None
    entity_id: str | None = None
    metadata: dict[str, Any] | None = None
    policies: tuple[str, ...] | None = None
    policy_results: PolicyResults | None = None
    num_uses: int | None = None
    token_ttl: int | None = None
    """Seconds; absent both when unlimited and when the server does not log it."""
    token_type: str | None = None


class Namespace(msgspec.Struct, frozen=True):
    id: str | None = None
    path: str | None = None


class Request(msgspec.Struct, frozen=True):
    operation: str
    path: str
    id: str | None = None
    client_token: str | None = None
    client_token_accessor: str | None = None
    client_certificate_serial_number: str | None = None
    data: dict[str, Any] | None = None
    forwarded_from: str | None = None
    mount_point: str | None = None
    mount_type: str | None = None
    namespace: Namespace | None = None
    remote_address: str | None = None


class Secret(msgspec.Struct, frozen=True):
    lease_id: str | None = None
    lease_duration: int | None = None


class WrapInfo(msgspec.Struct, frozen=True):
    accessor: str | None = None
    token: str | None = None
    ttl: int | None = None
    creation_path: str | None = None
    wrapped_accessor: str | None = None


class Response(msgspec.Struct, frozen=True):
    auth: Auth | None = None
    data: dict[str, Any] | None = None
    secret: Secret | None = None
    wrap_info: WrapInfo | None = None


class Line(msgspec.Struct, frozen=True):
    type: Literal["request", "response"]
    time: str
    request: Request
    auth: Auth | None = None
    response: Response | None = None
    error: str | None = None


NO_AUTH = Auth()
NO_RESPONSE = Response()
ROOT = Namespace(id="root")
