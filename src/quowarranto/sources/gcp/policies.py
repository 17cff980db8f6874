"""Changes of policies and roles, and exports of them, as observations of which `history` makes grants.

A binding gives a role on a resource to a member. The log has what was added and removed (`policyDelta`), or the whole
policy; exports have whole policies. What a role permits is told by other entries.
"""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Action, Instant, Record, parse_instant
from quowarranto.sources.entry import Observation
from quowarranto.sources.gcp.names import bare, canonical, resource_of
from quowarranto.sources.gcp.wire import LogEntry, items, part, text_of

_CLAUSE = re.compile(
    r"\s*request\.time\s*(?P<sign><=?|>=?)\s*timestamp\(\s*(?:\"(?P<one>[^\"]+)\"|'(?P<two>[^']+)')\s*\)\s*"
)
_MOST_MEMBERS = 20_000
_NUMBER = re.compile(r"projects/(\d+)")


# ---- from the log ----------------------------------------------------------------------------------------------------


def has_delta(entry: LogEntry) -> bool:
    return bool(_deltas(entry))


def _deltas(entry: LogEntry) -> list[dict[str, Any]]:
    call = entry.call
    for holder in (call.serviceData, part(call.metadata)):
        if found := items(part(holder, "policyDelta"), "bindingDeltas"):
            return found
    return items(part(call.metadata, "servicedata_v1_iam", "policyDelta"), "bindingDeltas")


def policy_changed(entry: LogEntry, action: Action) -> list[Record | Observation]:
    """What was added and removed; where only the whole policy is told, that."""
    resource = canonical(resource_of(entry).id)
    out: list[Record | Observation] = []
    at = action.time + 1
    deltas = _deltas(entry)
    for delta in deltas:
        change = {"ADD": "add", "REMOVE": "remove"}.get(text_of(delta, "action"))
        if change is not None and (data := _binding(delta, text_of(delta, "member"))) is not None:
            out.append(_observed(resource, at, {"change": change, "by": action.id, "bindings": [data]}))
    if deltas:
        return out
    whole = part(entry.call.response) if "bindings" in part(entry.call.response) else part(entry.call.request, "policy")
    if "bindings" in whole:
        data_of_all = {"change": "set", "by": action.id, "bindings": _bindings(whole)}
        out.append(_observed(resource, at, data_of_all))
    return out


def role_changed(entry: LogEntry, action: Action, *, gone: bool) -> list[Record | Observation]:
    answer = part(entry.call.response)
    asked = part(entry.call.request, "role")
    name = text_of(answer, "name") or entry.call.resourceName
    if "/roles/" not in name:
        return []
    listed = next(
        (
            holder[spelling]
            for holder in (answer, asked)
            for spelling in ("included_permissions", "includedPermissions")
            if isinstance(holder.get(spelling), list)
        ),
        None,
    )
    data = {"role": name, "permissions": None if listed is None else _texts(listed), "gone": gone, "by": action.id}
    return [Observation(name=f"gcp-role/{name}", at=action.time + 1, data=data)]


def account_seen(email: str, unique: str, at: Instant, change: str, by: str | None) -> Observation:
    data = {"email": email, "unique": unique, "change": change, "by": by}
    return Observation(name=f"gcp-account/{email}", at=at, data=data)


def account_key(account: str, key: str, at: Instant) -> Observation:
    return Observation(name=f"gcp-key/{key}", at=at, data={"key": key, "account": account})


# ---- exports ---------------------------------------------------------------------------------------------------------


def is_policy(value: dict[str, Any]) -> bool:
    """What `get-iam-policy` prints."""
    listed = value.get("bindings")
    return (
        isinstance(listed, list)
        and all(isinstance(one, dict) and "role" in one for one in listed)
        and ("etag" in value or bool(listed))
    )


def policy_shown(policy: dict[str, Any], resource: str, at: Instant, since: Instant | None) -> Observation:
    """A whole policy as it was found. The time since when it holds is not told by `get-iam-policy`.

    Args:
        resource: what it is the policy of; empty where that is not said.
    """
    data = {"change": "seen", "by": None, "since": since, "bindings": _bindings(policy)}
    return _observed(canonical(bare(resource)), at, data)


def role_shown(value: dict[str, Any], at: Instant) -> Observation:
    """What `gcloud iam roles describe` prints."""
    name, listed = text_of(value, "name"), value.get("includedPermissions")
    gone = value.get("deleted") is True
    data = {"role": name, "permissions": _texts(listed) if isinstance(listed, list) else [], "gone": gone, "by": None}
    return Observation(name=f"gcp-role/{name}", at=at, data=data)


def asset_shown(value: dict[str, Any], modified_at: Instant) -> list[Record | Observation]:
    """An asset of Cloud Asset Inventory: its policy, its ancestors, and for projects their number and id."""
    name = text_of(value, "name", "resource")
    updated = text_of(value, "updateTime", "update_time")
    try:
        since = parse_instant(updated) if updated else None
    except ValueError:
        since = None
    at = modified_at if since is None else since
    out: list[Record | Observation] = []
    policy = value.get("iamPolicy", value.get("iam_policy", value.get("policy")))
    if name and isinstance(policy, dict) and isinstance(policy.get("bindings"), list):
        out.append(policy_shown(policy, name, at, since))
    above = (
        [one for one in value.get("ancestors") or () if isinstance(one, str)] if _is_list(value, "ancestors") else []
    )
    project = next((one for one in above if one.startswith("projects/")), "") or _own_project(name)
    if project:
        data = {"project": project, "id": _project_id(value, name), "above": [one for one in above if one != project]}
        if data["id"] or data["above"]:
            out.append(Observation(name=f"gcp-project/{project}", at=at, data=data))
    return out


def _own_project(name: str) -> str:
    return bare(name) if name.startswith("//cloudresourcemanager.googleapis.com/projects/") else ""


def _project_id(value: dict[str, Any], name: str) -> str:
    """The id of the project, if this asset is one or is named after one."""
    said = text_of(part(value.get("resource"), "data"), "projectId")
    if said and _own_project(name):
        return said
    path = bare(name)
    found = re.match(r"projects/([a-z][a-z0-9:.-]{4,60})(?:/|\Z)", path)
    return found[1] if found else ""


def _is_list(value: dict[str, Any], name: str) -> bool:
    return isinstance(value.get(name), list)


# ---- bindings --------------------------------------------------------------------------------------------------------


def _observed(resource: str, at: Instant, data: dict[str, Any]) -> Observation:
    return Observation(name=f"gcp-policy/{resource}", at=at, data=data | {"resource": resource})


def _bindings(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """One per role, member and condition."""
    found: list[dict[str, Any]] = []
    for one in items(policy, "bindings"):
        members = one.get("members")
        for member in members[:_MOST_MEMBERS] if isinstance(members, list) else ():
            if isinstance(member, str) and (data := _binding(one, member)) is not None:
                found.append(data)
    return found


def _binding(said: dict[str, Any], member: str) -> dict[str, Any] | None:
    role, condition = text_of(said, "role"), part(said.get("condition"))
    if not role or not member:
        return None
    data: dict[str, Any] = {"role": role, "member": member}
    if expression := text_of(condition, "expression"):
        data |= {"expression": expression} | _window(expression)
        if title := text_of(condition, "title"):
            data["title"] = title
    return data


def _window(expression: str) -> dict[str, Any]:
    """From when and until when a condition lets a binding hold; `other`: what else it demands is not understood."""
    out: dict[str, Any] = {}
    for clause in expression.split("&&"):
        found = _CLAUSE.fullmatch(clause)
        try:
            at = parse_instant(found["one"] or found["two"]) if found else None
        except ValueError:
            at = None
        if found is None or at is None:
            out["other"] = True
        elif found["sign"].startswith("<"):
            out["until"] = min(at, out.get("until", at))
        else:
            out["since"] = max(at, out.get("since", at))
    return out


def _texts(values: list[Any]) -> list[str]:
    return sorted({one for one in values if isinstance(one, str)})
