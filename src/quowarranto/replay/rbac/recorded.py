"""A recorded decision of the API server as a request, and a logged or exported object as a policy.

The record says `get pods/log` on `pods:NAMESPACE/NAME` (`sources/kubernetes/audit.py`). The API group and the groups of
whoever asked stand in the event itself; without it they are not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.replay.language import Policy, Request, in_shape
from quowarranto.replay.rbac.documents import read
from quowarranto.sources.strict import strict_json


class _User(msgspec.Struct, frozen=True):
    username: str | None = None
    groups: list[str] | None = None


class _ObjectRef(msgspec.Struct, frozen=True):
    apiGroup: str | None = None


class _Event(msgspec.Struct, frozen=True):
    """An audit event; only what the record leaves out."""

    user: _User | None = None
    impersonatedUser: _User | None = None
    objectRef: _ObjectRef | None = None
    annotations: dict[str, str] | None = None
    requestObject: Any = None
    responseObject: Any = None


def request_of(recorded: Mapping[str, Any] | None, raw: str | None = None) -> Request | None:
    """The request of a decision.

    Args:
        recorded: what the record keeps under `request`: as source `kubernetes` writes it, or in this evaluator's own
            terms (`resource` with `properties`), which stand as they are.
        raw: the audit event behind it.
    Returns: `None` where the record is no such decision.
    """
    found = in_shape(recorded)
    if found is None or "properties" in found.resource:
        return found
    name, kind, place = found.action.get("name"), found.resource.get("type"), found.resource.get("id")
    if not (isinstance(name, str) and isinstance(kind, str) and isinstance(place, str)):
        return None
    event = _event(raw)
    verb, _, what = name.partition(" ")
    properties = {"nonResourceURL": place} if kind == "url" else _properties(verb, what, place, event)
    return Request(
        subject={**found.subject, "properties": _groups(found.subject.get("id"), event)},
        action={"name": verb},
        resource={**found.resource, "properties": properties},
        context=_by_another((event.annotations if event else None) or {}),
    )


def _properties(verb: str, what: str, place: str, event: _Event | None) -> dict[str, Any]:
    resource, _, subresource = what.partition("/")
    namespace, _, name = place.rpartition("/")
    name = "" if name == "*" else name
    if verb == "create" and not subresource:
        name = ""  # an object is created without one; the log takes it from the object itself
    if resource == "namespaces":
        namespace = name  # a namespace is asked for within itself
    group = None if event is None else (event.objectRef or _ObjectRef()).apiGroup or ""
    return {
        "apiGroup": group,
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }


def _by_another(notes: Mapping[str, str]) -> dict[str, bool]:
    """RBAC gives a reason for all that it allows, and for a refusal at most that a role is not there.

    So what was allowed without one, another authorizer let in; and where a refusal has another's reason, that one may
    have refused before RBAC was asked, as a webhook may.
    """
    decision, reason = notes.get("authorization.k8s.io/decision"), notes.get("authorization.k8s.io/reason", "")
    if decision == "allow" and not reason.startswith("RBAC:"):
        return {"allowed_by_another": True}
    if decision == "forbid" and any(line and not line.startswith("RBAC:") for line in reason.splitlines()):
        return {"denied_by_another": True}
    return {}


def _groups(asking: object, event: _Event | None) -> dict[str, Any]:
    """The groups of the identity that the decision is about, the impersonated one where there is one.

    An event leaves the list out where there are none.
    """
    user = event and (event.impersonatedUser or event.user)
    return {"groups": user.groups or []} if user and user.username == asking else {}


def _event(raw: str | None) -> _Event | None:
    """The event of a line, also as Azure wraps it; what cannot be read says nothing."""
    value = _json(raw)
    inner = value.get("properties") if isinstance(value, dict) else None
    if isinstance(inner, dict) and isinstance(inner.get("log"), str):
        value = _json(inner["log"])
    try:
        return msgspec.convert(value, _Event) if isinstance(value, dict) and "verb" in value else None
    except msgspec.ValidationError:
        return None


def _json(text: str | None) -> Any:
    try:
        return None if text is None else strict_json(text.encode())
    except (RejectedEntry, UnicodeEncodeError):
        return None


def documents_of(raw: str) -> tuple[Policy, ...]:
    """The roles and bindings that a line holds: an exported object, or the body of a logged change.

    Returns: nothing where there is none, or not all of it can be read. The name is the object's.
    """
    event = _event(raw)
    bodies = [raw] if event is None else [json.dumps(one) for one in _bodies(event)]
    for body in bodies:
        found = read([Policy("", body)])
        keys = sorted({*found.roles, *found.bindings})
        if keys and not found.unread:
            return (Policy(keys[0] if len(keys) == 1 else "", body),)
    return ()


def _bodies(event: _Event) -> list[Any]:
    """The object as the server stored it before the one that was sent, which lacks what the server adds."""
    return [one for one in (event.responseObject, event.requestObject) if isinstance(one, dict)]
