"""Changes in the directory (Entra audit log): secrets, roles, consents, policies; requests and activations of PIM."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from quowarranto.records import (
    Action,
    AuthorityFact,
    EndReason,
    Instant,
    Outcome,
    Principal,
    Record,
    Resource,
    Rule,
    parse_instant,
)
from quowarranto.sources.azure.names import identifier, key_key, of_type, service_principal, user
from quowarranto.sources.azure.wire import Event, first, items, part, text_of
from quowarranto.sources.entry import Observation
from quowarranto.sources.folding import folded

_KEY = re.compile(r"KeyIdentifier=([0-9a-fA-F-]{36})")
_CONSENT = re.compile(r"(?P<name>ClientId|ResourceId|Scope|ConsentType|PrincipalId):\s*(?P<value>[^,\]\[]*)")
DIRECTORY = ("entra:*", "graph:*", "application:*")
"""What roles of the directory are about; not what lies in subscriptions."""
_STEPS = {"requested": "asked", "approved": "approved", "denied": "denied", "completed": "done", "canceled": "over"}


def changed(event: Event) -> list[Record | Observation]:
    """A change as an action, and what it brought about."""
    activity = " ".join(first((event.said("activityDisplayName"), event.operation)).replace("\u2013", "-").split())
    targets = items(event.properties, "targetResources")
    action = Action(
        id=f"entra/audit/{event.said('id') or event.digest}",
        time=event.at,
        principal=initiator(event),
        action=activity or "change",
        resource=_target(event, targets),
        outcome=_outcome(event),
        origin=first((text_of(part(event.properties, "initiatedBy", "user"), "ipAddress"), event.address)) or None,
        attributes=_attributes(event, targets),
    )
    out: list[Record | Observation] = [action]
    if action.outcome == "success":
        out += _effects(event, action, activity.lower(), targets)
    return out


def initiator(event: Event) -> Principal:
    """A person or an application; Entra itself where neither is named."""
    app, person = part(event.properties, "initiatedBy", "app"), part(event.properties, "initiatedBy", "user")
    if object_id := first((text_of(app, "servicePrincipalId"), text_of(app, "appId"))):
        return service_principal(object_id)
    if name := first((text_of(person, "id"), text_of(person, "userPrincipalName"))):
        return user(name)
    shown = first((text_of(app, "displayName"), text_of(person, "displayName")))
    if not shown and isinstance(event.envelope.get("identity"), str):
        shown = event.envelope["identity"]
    return Principal("service", shown or event.said("loggedByService") or "unknown")


def _target(event: Event, targets: list[dict[str, Any]]) -> Resource:
    for one in targets:
        if name := text_of(one, "id"):
            return Resource("entra", f"{folded(text_of(one, 'type')) or 'object'}/{identifier(name)}")
    return Resource("entra", folded(event.resource) or "directory")


def _outcome(event: Event) -> Outcome:
    result = first((event.said("result"), text_of(event.envelope, "result"))).lower()
    if result not in ("failure", "failed", "timeout"):
        return "success"
    reason = event.said("resultReason").lower()
    return "denied" if "authoriz" in reason or "privileges" in reason or "forbidden" in reason else "failure"


def _attributes(event: Event, targets: list[dict[str, Any]]) -> dict[str, Any]:
    said = {
        "category": event.said("category") or event.category,
        "service": event.said("loggedByService"),
        "name": text_of(part(event.properties, "initiatedBy", "user"), "userPrincipalName")
        or text_of(part(event.properties, "initiatedBy", "app"), "displayName"),
        "target": next((text_of(one, "displayName") for one in targets if text_of(one, "displayName")), ""),
        "correlation": event.correlation,
    }
    return {name: value for name, value in said.items() if value}


def _effects(event: Event, action: Action, activity: str, targets: list[dict[str, Any]]) -> list[Record | Observation]:
    """A change holds from one microsecond after it: nobody's right covers the call that made it."""
    if "to role" in activity or "from role" in activity:
        if event.said("loggedByService").upper() == "PIM" or "pim" in activity:
            return _requested(event, action, activity, targets)
        return _member(action, targets, ended=activity.startswith("remove"))
    if "credentials" in activity or "certificates and secrets" in activity:
        return _credentials(action, targets)
    if "app role assignment" in activity and "service principal" in activity:
        return _app_role(action, targets, ended=activity.startswith("remove"))
    if activity == "consent to application" or "delegated permission grant" in activity:
        return _consent(action, targets, ended=activity.startswith("remove"))
    if (step := _STANDING.get(activity)) is not None:
        return _standing(action, targets, step)
    if "policy" in activity and any(text_of(one, "type").lower() == "policy" for one in targets):
        return _policy(action, targets, ended="delete" in activity)
    return []


# ---- whether a principal is there ------------------------------------------------------------------------------------

_STANDING = {
    "delete user": "gone",
    "hard delete user": "gone",
    "disable account": "gone",
    "remove service principal": "gone",
    "hard delete service principal": "gone",
    "restore user": "back",
    "enable account": "back",
    "restore service principal": "back",
}
"""Activities after which a principal can do nothing any more, or again what it could.

Source: Microsoft Entra, "Audit log activity reference".
"""


def _standing(action: Action, targets: list[dict[str, Any]], step: str) -> list[Record | Observation]:
    """`history` puts the role assignments of whoever is gone out of force."""
    return [
        Observation(
            name=f"azure-standing/{who.id}", at=action.time + 1, data={"who": who.id, "step": step, "by": action.id}
        )
        for one in targets
        if (who := of_type(text_of(one, "type"), text_of(one, "id"))) is not None
    ]


# ---- secrets and certificates ----------------------------------------------------------------------------------------


def _credentials(action: Action, targets: list[dict[str, Any]]) -> list[Record | Observation]:
    """Keys that are in the list after the change and were not before, and the other way round."""
    out: list[Record | Observation] = []
    for target in targets:
        holder = None
        if text_of(target, "type").lower() == "serviceprincipal" and text_of(target, "id"):
            holder = service_principal(text_of(target, "id"))
        for one in items(target, "modifiedProperties"):
            if text_of(one, "displayName") not in ("KeyDescription", "KeyCredentials", "PasswordCredentials"):
                continue
            before, after = (set(_KEY.findall(text_of(one, name))) for name in ("oldValue", "newValue"))
            out += [_key(action, key, holder, ended=False) for key in sorted(after - before)]
            out += [_key(action, key, holder, ended=True) for key in sorted(before - after)]
    return out


def _key(action: Action, key_id: str, holder: Principal | None, *, ended: bool) -> AuthorityFact:
    return AuthorityFact(
        kind="credential",
        id=key_key(key_id) or f"entra/key/{folded(key_id)}",
        time=action.time + 1 if ended else action.time,
        fact="ended" if ended else "established",
        end="revoked" if ended else None,
        principal=holder,
        issued_by=None if ended else action.id,
        attributes={"ended_by": action.id} if ended else {},
    )


# ---- roles and permissions -------------------------------------------------------------------------------------------


def _modified(targets: list[dict[str, Any]], *names: str, old: bool = False) -> str:
    """A changed property by the first of its names; the value is JSON in a text."""
    for name in names:
        for target in targets:
            for one in items(target, "modifiedProperties"):
                if text_of(one, "displayName") == name:
                    for field in ("oldValue", "newValue") if old else ("newValue", "oldValue"):
                        if found := _plain(text_of(one, field)):
                            return found
    return ""


def _plain(text: str) -> str:
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _who_in(targets: list[dict[str, Any]]) -> Principal | None:
    for one in targets:
        if (found := of_type(text_of(one, "type"), text_of(one, "id"))) is not None:
            return found
    return None


def role_key(who: Principal, role: str) -> str:
    return f"entra/role/{who.id}/{identifier(role)}"


def _member(action: Action, targets: list[dict[str, Any]], *, ended: bool) -> list[Record | Observation]:
    """A role of the directory given without PIM, or taken."""
    who = _who_in(targets)
    role = _modified(targets, "Role.TemplateId", "Role.ObjectID", "Role.DisplayName", old=ended)
    if who is None or not role:
        return []
    name = _modified(targets, "Role.DisplayName", old=ended)
    said = {"role": name} if name else {}
    return [_grant(role_key(who, role), action, who, (Rule(resources=DIRECTORY),), said, ended=ended)]


def _app_role(action: Action, targets: list[dict[str, Any]], *, ended: bool) -> list[Record | Observation]:
    """A permission of an application of its own, such as `Directory.Read.All` of Microsoft Graph."""
    holder = _modified(targets, "ServicePrincipal.ObjectID", old=ended)
    role = _modified(targets, "AppRole.Value", "AppRole.Id", old=ended)
    resource = next(
        (one for one in targets if text_of(one, "id") and identifier(text_of(one, "id")) != identifier(holder)), {}
    )
    if not holder or not role:
        return []
    who = service_principal(holder)
    name, shown = identifier(text_of(resource, "id")) or "unknown", text_of(resource, "displayName")
    rules = (Rule(resources=("graph:*",) if shown == "Microsoft Graph" else (f"application:{name}",)),)
    key = f"entra/app-role/{who.id}/{name}/{role}"
    return [_grant(key, action, who, rules, {"role": role, "on": shown}, ended=ended)]


def _consent(action: Action, targets: list[dict[str, Any]], *, ended: bool) -> list[Record | Observation]:
    """What an application may do for those who are signed in to it."""
    text = _modified(targets, "ConsentAction.Permissions", old=ended)
    after = text.rpartition("=>")[2] if "=>" in text else text
    said = {found["name"]: found["value"].strip() for found in _CONSENT.finditer(after)}
    client = first((said.get("ClientId", ""), _modified(targets, "ServicePrincipal.ObjectID", old=ended)))
    resource = said.get("ResourceId", "")
    scope = first((said.get("Scope", ""), _modified(targets, "DelegatedPermissionGrant.Scope", old=ended)))
    if not client:
        return []
    who = service_principal(client)
    key = f"entra/consent/{who.id}/{identifier(resource) if resource else 'unknown'}"
    for_all = (
        said.get("ConsentType") == "AllPrincipals" or _modified(targets, "ConsentContext.IsAdminConsent") == "True"
    )
    attributes = {"scopes": scope.strip()[:500], "for": "everybody" if for_all else "one person"}
    return [_grant(key, action, who, (Rule(resources=("graph:*", "application:*")),), attributes, ended=ended)]


def _grant(
    key: str, action: Action, who: Principal, scope: tuple[Rule, ...], said: dict[str, Any], *, ended: bool
) -> AuthorityFact:
    return AuthorityFact(
        kind="grant",
        id=key,
        time=action.time + 1,
        fact="ended" if ended else "established",
        end="revoked" if ended else None,
        principal=who,
        scope=scope,
        issued_by=None if ended else action.id,
        attributes={name: value for name, value in said.items() if value} | ({"ended_by": action.id} if ended else {}),
    )


def _policy(action: Action, targets: list[dict[str, Any]], *, ended: bool) -> list[Record | Observation]:
    """A policy of conditional access in the text it has from now on."""
    name = next(text_of(one, "id") for one in targets if text_of(one, "type").lower() == "policy")
    if not name:
        return []
    end: EndReason | None = "revoked" if ended else None
    return [
        AuthorityFact(
            kind="policy",
            id=f"entra/policy/{identifier(name)}",
            time=action.time + 1,
            fact="ended" if ended else "established",
            end=end,
            issued_by=None if ended else action.id,
            attributes={"ended_by": action.id} if ended else {},
        )
    ]


# ---- Privileged Identity Management ----------------------------------------------------------------------------------


def _requested(
    event: Event, action: Action, activity: str, targets: list[dict[str, Any]]
) -> list[Record | Observation]:
    """One step of a request; `history` puts the steps together."""
    told = {text_of(one, "key").lower(): text_of(one, "value") for one in items(event.properties, "additionalDetails")}
    request = first(
        (
            told.get("requestid", ""),
            next((text_of(one, "id") for one in targets if text_of(one, "type").lower() == "request"), ""),
            event.correlation,
        )
    )
    roles = [one for one in targets if text_of(one, "type").lower() == "role"]
    role = first(
        (told.get("templateid", ""), told.get("roledefinitionoriginid", ""), *(text_of(one, "id") for one in roles))
    )
    removed = activity.startswith("remove") or "expired" in activity or "deactivat" in activity
    step = next((name for word, name in _STEPS.items() if word in activity), "")
    step = "ended" if removed and step in ("done", "") else step
    if "approval requested" in activity:
        step = "asked"
    if not request or not step or (removed and step != "ended"):
        return []
    who = _who_in(targets)
    data = {
        "request": identifier(request),
        "step": step,
        "eligible": "eligible" in activity,
        "activation": "activation" in activity,
        "by": [action.principal.type, action.principal.id],
        "who": [who.type, who.id] if who is not None else None,
        "role": identifier(role) if role else "",
        "name": next((text_of(one, "displayName") for one in roles), ""),
        "since": _instant(told.get("starttime", "")),
        "until": _instant(told.get("expirationtime", "")),
        "why": first((told.get("justification", ""), event.said("resultReason")))[:500],
        "ticket": told.get("ticketnumber", ""),
        "directory": _of_directory(event, targets),
        "action": action.id,
    }
    return [Observation(name=f"azure-pim/{data['request']}", at=action.time, data=data)]


def _of_directory(event: Event, targets: list[dict[str, Any]]) -> bool:
    """Whether the role is one of the directory; else of a subscription or a resource."""
    if event.said("category").lower() == "resourcemanagement":
        return False
    kinds = {text_of(one, "type").lower() for one in targets}
    return not kinds & {"subscription", "resourcegroup", "resource", "managementgroup"}


def _instant(text: str) -> Instant | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None
