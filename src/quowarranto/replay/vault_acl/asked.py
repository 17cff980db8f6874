"""What a request asks of the server, as far as it is known. `None` is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant
from quowarranto.replay.language import Request
from quowarranto.replay.vault_acl.hcl import Malformed
from quowarranto.replay.vault_acl.policy import seconds
from quowarranto.sources.times import instant

CAPABILITY_OF = {
    **{name: name for name in ("read", "list", "update", "delete", "create", "patch", "scan", "recover", "subscribe")},
    **dict.fromkeys(("revoke", "renew", "rollback"), "update"),
}
"""The capability that an operation demands."""
HELP = "help"
WRITE = "write"
"""A POST or PUT of which it is not said whether it creates or updates."""


class Unusable(Exception):
    """A request that cannot be evaluated at all; `missing` names the input."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The request as the server sees it."""

    operation: str
    path: str
    """From the root namespace on, without a leading slash."""
    policies: tuple[str, ...] | None
    """Names of the token's policies in lower case; `None`: all that are given."""
    identity: Mapping[str, Any]
    namespace: str | None
    """Path of the request's namespace, with a slash at its end; empty for the root namespace."""
    namespaces: Mapping[str, Any]
    """Paths of other namespaces, by id."""
    exists: bool | None
    parameters: Mapping[str, Any] | None
    event_type: str | None
    wrap_ttl_s: float | None
    root_protected: bool | None
    mfa: bool | None
    control_group: bool | None
    list_matching: str | None
    default_policy: str | None
    time: Instant | None


def asked(request: Request) -> Asked:
    """Read a request.

    Raises:
        Unusable: what nothing can be said without is missing or of the wrong type.
    """
    operation, path = request.action.get("name"), request.resource.get("id")
    if not isinstance(operation, str) or operation not in {*CAPABILITY_OF, HELP, WRITE}:
        raise Unusable("action.name")
    if not isinstance(path, str) or not path.lstrip("/"):
        raise Unusable("resource.id")
    subject = _mapping(request.subject, "properties", "subject.properties")
    action = _mapping(request.action, "properties", "action.properties")
    resource = _mapping(request.resource, "properties", "resource.properties")
    context = request.context
    return Asked(
        operation=operation,
        path=path.lstrip("/"),
        policies=_policies(subject),
        identity=_mapping(subject, "identity", "subject.properties.identity"),
        namespace=_namespace(context),
        namespaces=_mapping(context, "namespaces", "context.namespaces"),
        exists=_flag(resource, "exists", "resource.properties"),
        parameters=_parameters(action),
        event_type=_text(action, "event_type", "action.properties"),
        wrap_ttl_s=_wrap_ttl(context),
        root_protected=_flag(resource, "root_protected", "resource.properties"),
        mfa=_flag(context, "mfa_satisfied", "context"),
        control_group=_flag(context, "control_group_satisfied", "context"),
        list_matching=_text(context, "list_matching", "context"),
        default_policy=_text(context, "default_policy", "context"),
        time=_time(context),
    )


def _mapping(outer: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    found = outer.get(key)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise Unusable(name)
    return found


def _policies(subject: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Names do not tell upper from lower case."""
    if "policies" not in subject:
        return None
    found = subject["policies"]
    if not isinstance(found, list | tuple) or not all(isinstance(name, str) for name in found):
        raise Unusable("subject.properties.policies")
    return tuple(sorted({name.lower() for name in found}))


def _namespace(context: Mapping[str, Any]) -> str | None:
    if "namespace" not in context:
        return ""
    found = _text(context, "namespace", "context")
    if found is None:
        return None
    found = found.strip("/")
    return f"{found}/" if found else ""


def _parameters(action: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = action.get("parameters")
    if found is not None and (not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found)):
        raise Unusable("action.properties.parameters")
    return found


def _wrap_ttl(context: Mapping[str, Any]) -> float | None:
    found = context.get("wrap_ttl")
    if found is None:
        return None
    try:
        return seconds("wrap_ttl", found)
    except Malformed:
        raise Unusable("context.wrap_ttl") from None


def _time(context: Mapping[str, Any]) -> Instant | None:
    found = _text(context, "time", "context")
    if found is None:
        return None
    try:
        return instant("time", found)
    except RejectedEntry:
        raise Unusable("context.time") from None


def _flag(outer: Mapping[str, Any], key: str, where: str) -> bool | None:
    found = outer.get(key)
    if found is not None and not isinstance(found, bool):
        raise Unusable(f"{where}.{key}")
    return found


def _text(outer: Mapping[str, Any], key: str, where: str) -> str | None:
    found = outer.get(key)
    if found is not None and not isinstance(found, str):
        raise Unusable(f"{where}.{key}")
    return found
