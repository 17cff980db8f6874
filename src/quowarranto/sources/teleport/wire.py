"""An audit event as Teleport writes it, with only the fields that are read; who and what it names."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant, Principal
from quowarranto.sources.times import instant

_HOST = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[^\s/]+")
_BOT = 2  # USER_KIND_BOT
_NEVER = "0001-01-01"


class Event(msgspec.Struct, frozen=True):
    """One event; fields that several kinds of events share bear one meaning."""

    event: str
    code: str
    time: str
    uid: str = ""
    cluster_name: str = ""
    # who
    user: str | dict[str, Any] | None = None
    login: str | None = None
    impersonator: str | None = None
    user_kind: int | str | None = None
    bot_name: str | None = None
    bot_instance_id: str | None = None
    user_roles: list[str] | None = None
    access_requests: list[str] | None = None
    node_name: str | None = None
    host_id: str | None = None
    # where
    remote: str | None = msgspec.field(name="addr.remote", default=None)
    addr_remote: str | None = None
    server_id: str | None = None
    kubernetes_cluster: str | None = None
    request_path: str | None = None
    kubernetes_pod_namespace: str | None = None
    kubernetes_pod_name: str | None = None
    db_service: str | None = None
    db_name: str | None = None
    app_name: str | None = None
    desktop_name: str | None = None
    desktop_addr: str | None = None
    # how it went
    success: bool | None = None
    error: str | None = None
    status: dict[str, Any] | str | None = None
    response_code: int | None = None
    return_code: int | None = None
    action: int | str | None = None
    verb: str | None = None
    method: str | None = None
    program: str | None = None
    # sessions
    sid: str | None = None
    session_stop: str | None = None
    # access requests
    id: str | None = None
    state: str | None = None
    roles: list[str] | None = None
    reason: str | None = None
    reviewer: str | None = None
    proposed_state: str | None = None
    updated_by: str | None = None
    delegator: str | None = None
    expires: str | int | None = None
    max_duration: str | int | None = None
    assume_start_time: str | int | None = None
    resource_ids: list[dict[str, Any]] | None = None
    # resources of the cluster
    name: str | None = None
    target: dict[str, Any] | str | None = None
    identity: dict[str, Any] | None = None
    cert_type: str | None = None
    token_name: str | None = None
    join_method: str | None = None
    attributes: dict[str, Any] | None = None

    @property
    def username(self) -> str:
        """The name of the user; events of trusted devices have it one level deeper."""
        found = self.user.get("user") if isinstance(self.user, dict) else self.user
        return found if isinstance(found, str) else ""

    @property
    def is_bot(self) -> bool:
        return self.user_kind in (_BOT, "USER_KIND_BOT") or bool(self.bot_name)


def principal_named(name: str) -> Principal:
    """Whom a user name stands for: bots are users called `bot-NAME`, hosts are `UUID.CLUSTER`."""
    if name.startswith("bot-") and len(name) > 4:
        return Principal("bot", name[4:])
    return Principal("host" if _HOST.fullmatch(name) else "user", name)


def of_user(event: Event) -> Principal | None:
    """Whose name and roles the event shows."""
    if event.event == "cert.create":
        name = (event.identity or {}).get("user")
        return principal_named(name) if isinstance(name, str) and name else None
    if event.is_bot and (name := event.bot_name or event.username.removeprefix("bot-")):
        return Principal("bot", name)
    if event.username:
        return principal_named(event.username)
    host = event.host_id or event.node_name
    return Principal("host", host) if host else None


def impersonator_of(event: Event) -> Principal | None:
    """Who uses, or asks for, a certificate in another user's name; bots do so in their own name as well."""
    found = (event.identity or {}).get("impersonator") if event.event == "cert.create" else event.impersonator
    return principal_named(found) if isinstance(found, str) and found else None


def actor(event: Event) -> tuple[Principal, tuple[Principal, ...]]:
    """Who acted, and for whom."""
    user, impersonator = of_user(event), impersonator_of(event)
    if impersonator is not None and impersonator != user:
        return impersonator, (user,) if user else ()
    if user is not None:
        return user, ()
    by = event.updated_by or event.reviewer
    return principal_named(by) if by else Principal("anonymous", address(event) or "unknown"), ()


def address(event: Event) -> str | None:
    """The client's address without its port, as ports change with every connection."""
    remote = event.remote or event.addr_remote
    if not remote:
        return None
    host, colon, port = remote.rpartition(":")
    return host.strip("[]") if colon and port.isdecimal() else remote


def moment(field: str, value: object) -> Instant | None:
    """A time that need not be there: Teleport writes the year 1 for none."""
    if not isinstance(value, str) or not value or value.startswith(_NEVER):
        return None
    return instant(field, value)


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list inside a part that is not typed.

    Raises:
        RejectedEntry: it is something else.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise RejectedEntry("a list of texts was expected")
    return tuple(value)
