"""Role assignments and role definitions: as the activity log, `az role … list` and the REST interface have them."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Instant, Record, Rule, parse_instant
from quowarranto.sources.azure.names import assignment_key, covering, role_id
from quowarranto.sources.azure.wire import items, part, text_of, texts
from quowarranto.sources.entry import Observation
from quowarranto.sources.folding import folded

_BUILT_IN: dict[str, tuple[str, ...]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": ("*",),  # Owner
    "b24988ac-6180-42a0-ab88-20f7382dd24c": ("*",),  # Contributor
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": ("*/read",),  # Reader
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": ("*/read", "microsoft.authorization/*"),  # User Access Administrator
}
"""Source: Microsoft, "Azure built-in roles"; all others are told by `az role definition list`."""
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_DATA_VERBS = {"microsoft.keyvault": "keyvault", "microsoft.storage": "storage"}
_KINDS = {"secrets": "Secret*", "keys": "Key*", "certificates": "Certificate*"}


def is_assignment(value: dict[str, Any]) -> bool:
    return _is(value, "microsoft.authorization/roleassignments") and bool(_said(value, "principalId"))


def is_definition(value: dict[str, Any]) -> bool:
    listed = value.get("permissions", part(value, "properties").get("permissions"))
    return _is(value, "microsoft.authorization/roledefinitions") and isinstance(listed, list)


def _is(value: dict[str, Any], kind: str) -> bool:
    return text_of(value, "type").lower() == kind or f"/{kind}/" in text_of(value, "id").lower()


def _said(value: dict[str, Any], name: str) -> str:
    return text_of(value, name) or text_of(part(value, "properties"), name)


def details(value: dict[str, Any]) -> dict[str, str]:
    """What a body says of an assignment; empty texts where it says nothing."""
    return {
        "principal": _said(value, "principalId"),
        "kind": _said(value, "principalType"),
        "role": _said(value, "roleDefinitionId"),
        "scope": _said(value, "scope"),
        "condition": _said(value, "condition"),
    }


def scope_in(resource: str) -> str:
    """The scope of an assignment by its own id, which stands below it; empty where the id does not show one."""
    scope, found, _ = folded(resource).partition("/providers/microsoft.authorization/roleassignments/")
    return (scope or "/") if found else ""


def assignment_shown(value: dict[str, Any], modified_at: Instant) -> list[Record | Observation]:
    """An assignment as it is listed, in force since it was made."""
    key = assignment_key(text_of(value, "name")) or assignment_key(text_of(value, "id"))
    if key is None:
        return []
    since = _instant(_said(value, "createdOn"))
    told = details(value)
    told["scope"] = told["scope"] or scope_in(text_of(value, "id"))
    data = told | {"key": key, "change": "seen", "by": None, "since": since}
    return [Observation(name=f"azure-assignment/{key}", at=modified_at if since is None else since, data=data)]


def definition_shown(value: dict[str, Any], modified_at: Instant) -> list[Record | Observation]:
    """What a role permits."""
    role = role_id(text_of(value, "name") if "-" in text_of(value, "name") else text_of(value, "id"))
    listed = items(value, "permissions") or items(part(value, "properties"), "permissions")
    data = {
        "role": role,
        "actions": sorted({folded(one) for entry in listed for one in texts(entry.get("actions"))}),
        "data": sorted({folded(one) for entry in listed for one in texts(entry.get("dataActions"))}),
        "except": any(texts(entry.get("notActions")) or texts(entry.get("notDataActions")) for entry in listed),
    }
    return [Observation(name=f"azure-role/{role}", at=modified_at, data=data)] if role else []


def _instant(text: str) -> Instant | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None


def scope_of(data: dict[str, Any], roles: dict[str, dict[str, Any]]) -> tuple[tuple[Rule, ...] | None, dict[str, Any]]:
    """What an assignment covers, and what is to be said of it besides.

    Actions whose role is not known are not limited, for Azure itself says that the assignment allowed them.
    """
    role = role_id(data["role"])
    said: dict[str, Any] = {"role": role} if role else {}
    if data["condition"]:
        said["conditional"] = True
    resources = covering(data["scope"]) if data["scope"] else None
    actions: tuple[str, ...] | None
    if (known := roles.get(role)) is not None:
        actions = (*known["actions"], *known["data"], *_verbs_of_data(known["data"]))
        if known["except"]:
            said["without_exceptions"] = True
    else:
        actions = _BUILT_IN.get(role)
        if actions is None:
            said["role_permissions"] = "not seen"
        elif role == _CONTRIBUTOR:
            said["without_exceptions"] = True
    return (None if actions is None and resources is None else (Rule(actions, resources),)), said


def _verbs_of_data(actions: list[str]) -> list[str]:
    """The names under which services log what a data action permits: kinds of objects, not single operations."""
    found: dict[str, None] = {}
    for one in actions:
        provider, _, path = one.partition("/")
        kind = next((verbs for name, verbs in _KINDS.items() if f"/{name}/" in f"/{path}/"), "*")
        for name, verb in _DATA_VERBS.items():
            if provider in (name, "*"):
                found[f"{verb}:{kind if name == 'microsoft.keyvault' else '*'}"] = None
    return list(found)
