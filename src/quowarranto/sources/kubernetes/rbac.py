"""Roles, bindings and service accounts: what an exported object or a logged change says of them.

Each becomes an `Observation` named like the object (`clusterrole/NAME`, `rolebinding/NAMESPACE/NAME`, …); `history`
makes facts of all of them together. The `data` of an observation:

    change    `snapshot`, `create`, `update`, `delete`; the last with a name that ends in `/*` means all of a namespace
    action    id of the action that made the change
    created   when the object says it was created, microseconds; `None` when it does not say
    rules     of a role, as RBAC writes them; `None` when they were not logged
    uid       of a service account; `None` when it was not logged
    role      of a binding: the observation name of its role
    subjects  of a binding: lists `[kind, namespace, name]`; `None` when they were not logged
    asked, answered  of a logged change: when the server received and answered it
    lingers   the server answered that the object is only marked as to be deleted

For replay (`replay/rbac/timeline.py`) there are two more. `history` makes nothing of them.

    exported/NAME        an object as the server had it when it was exported (`at`); `since`: its last change, where the
                         object lists its managers; `created`, `rules`, `role`, `subjects` as above
    some/KIND/NAMESPACE  a change of objects that the log does not name: `change`, `asked`, `answered`
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes.names import object_name
from quowarranto.sources.strict import reason_of
from quowarranto.sources.times import instant

Change = Literal["create", "update", "delete"]

ROLES = {"clusterroles": "clusterrole", "roles": "role"}
BINDINGS = {"clusterrolebindings": "clusterrolebinding", "rolebindings": "rolebinding"}
CHANGED = {**ROLES, **BINDINGS, "serviceaccounts": "serviceaccount"}
"""Resources whose changes are observed, by the plural that the audit log uses."""
KINDS = {"ClusterRole": "clusterrole", "Role": "role"} | {
    "ClusterRoleBinding": "clusterrolebinding",
    "RoleBinding": "rolebinding",
}
GROUP = "rbac.authorization.k8s.io"
EXPORTED, SOME = "exported/", "some/"
_NAMESPACED = frozenset({"role", "rolebinding", "serviceaccount"})
_ROLE_KINDS = frozenset({"clusterrole", "role"})


class Metadata(msgspec.Struct, frozen=True):
    name: str | None = None
    namespace: str | None = None
    creationTimestamp: str | None = None
    deletionTimestamp: str | None = None
    uid: str | None = None
    managedFields: Any = None


class _PolicyRule(msgspec.Struct, frozen=True, omit_defaults=True):
    verbs: list[str] | None = None
    apiGroups: list[str] | None = None
    resources: list[str] | None = None
    resourceNames: list[str] | None = None
    nonResourceURLs: list[str] | None = None


class _RoleRef(msgspec.Struct, frozen=True):
    kind: str
    name: str


class _Subject(msgspec.Struct, frozen=True):
    kind: str
    name: str
    namespace: str | None = None


class _Object(msgspec.Struct, frozen=True):
    """A role or a binding; only the fields we read."""

    metadata: Metadata | None = None
    rules: list[_PolicyRule] | None = None
    aggregationRule: Any = None
    roleRef: _RoleRef | None = None
    subjects: list[_Subject] | None = None


def snapshot(value: dict[str, Any], modified_at: Instant, exported_at: Instant | None = None) -> list[Observation]:
    """An object as `kubectl get -o yaml` writes it; it is taken to have been so since its creation.

    Args:
        modified_at: the time of the file, which is that of its last copy.
        exported_at: where that is known, an object of the server (which alone gives a `uid`) was so at this time.
    """
    kind = KINDS[value["kind"]]
    body = _convert(value)
    meta = body.metadata or Metadata()
    if not meta.name or (kind in _NAMESPACED and not meta.namespace):
        raise RejectedEntry("a role or binding without a name or namespace")
    namespace = meta.namespace if kind in _NAMESPACED else None
    created = _created(body)
    name, content = object_name(kind, namespace, meta.name), _content(kind, namespace, body)
    data = {"change": "snapshot", "action": None, "created": created} | content
    out = [Observation(name, modified_at if created is None else created, data)]
    if meta.uid and exported_at is not None:
        shown = {"created": created, "since": _last_managed(meta.managedFields)} | content
        out.append(Observation(EXPORTED + name, exported_at, shown))
    return out


def _last_managed(fields: Any) -> Instant | None:
    """When any manager of an object's fields last changed one; `None` where one of them does not say.

    Source: the reference "Server-Side Apply", `metadata.managedFields`, `time`.
    """
    listed = fields if isinstance(fields, list) else []
    times = [one.get("time") if isinstance(one, dict) else None for one in listed]
    if not times or not all(isinstance(one, str) for one in times):
        return None
    return max(instant("managedFields", str(one)) for one in times)


def change(
    kind: str,
    verb: Change,
    at: Instant,
    action: str,
    named: tuple[str | None, str | None],
    body: Any,
    told: tuple[Instant, Instant] | None = None,
) -> Observation | None:
    """One logged change; `None` when the log does not say of what.

    Args:
        kind: `clusterrole`, `rolebinding`, `serviceaccount`, …
        named: namespace and name as far as the request's own path gave them.
        body: the whole object after the change, when it was logged.
        told: when the server received and answered the request.
    """
    content = _convert(body) if isinstance(body, dict) else None
    meta = (content and content.metadata) or Metadata()
    namespace = (named[0] or meta.namespace) if kind in _NAMESPACED else None
    name = named[1] or meta.name
    if not name or (kind in _NAMESPACED and not namespace):
        return None
    data: dict[str, Any] = {"change": verb, "action": action}
    if told is not None:
        data |= {"asked": told[0], "answered": told[1]}
    if verb != "delete":
        data["created"] = None if content is None else _created(content)
        data |= _content(kind, namespace, content)
    return Observation(object_name(kind, namespace, name), at, data)


def some(kind: str, verb: Change, namespace: str | None, told: tuple[Instant, Instant]) -> Observation:
    """A change of objects that the log does not name; without a namespace of any of the kind."""
    data = {"change": verb, "asked": told[0], "answered": told[1]}
    return Observation(f"{SOME}{kind}/{namespace or ''}", told[1], data)


def _convert(body: dict[str, Any]) -> _Object:
    try:
        return msgspec.convert(body, _Object)
    except msgspec.ValidationError as error:
        raise RejectedEntry(f"a role or binding: {reason_of(error)}") from None


def _created(body: _Object) -> Instant | None:
    text = body.metadata and body.metadata.creationTimestamp
    return instant("creationTimestamp", text) if text else None


def _content(kind: str, namespace: str | None, body: _Object | None) -> dict[str, Any]:
    if kind == "serviceaccount":
        return {"uid": body.metadata.uid if body is not None and body.metadata is not None else None}
    if kind in _ROLE_KINDS:
        return {"rules": None if body is None else _rules(body)}
    if body is None or body.roleRef is None:
        return {"role": None, "subjects": None}
    return {"role": _role(body.roleRef, namespace), "subjects": _subjects(body.subjects or [], namespace)}


def _rules(body: _Object) -> list[dict[str, Any]] | None:
    """An aggregated role is written without rules; a controller fills them in later."""
    if not body.rules and body.aggregationRule is not None:
        return None
    return [{k: v for k, v in msgspec.to_builtins(rule).items() if v} for rule in body.rules or []]


def _role(ref: _RoleRef, namespace: str | None) -> str | None:
    kind = KINDS.get(ref.kind)
    if kind not in _ROLE_KINDS or (kind == "role" and namespace is None):
        return None
    return object_name(kind, namespace if kind == "role" else None, ref.name)


def _subjects(subjects: list[_Subject], namespace: str | None) -> list[list[str]]:
    """Sorted and each once; a service account without a namespace is of the binding's own."""
    listed = {
        (s.kind, (s.namespace or namespace or "") if s.kind == "ServiceAccount" else "", s.name) for s in subjects
    }
    return [list(subject) for subject in sorted(listed)]
