"""One audit log entry as an action, and the decisions that it tells of: one per permission that was checked.

A call of a service account that another lent it, and one that goes on over several entries, is put together in
`history`: the log does not say with which token the one was made, and the entries of the other complete each other.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Record, Resource
from quowarranto.sources import keys as shared
from quowarranto.sources.entry import Observation
from quowarranto.sources.gcp.names import PREFIX, caller, delegates, delegation_key, key_of, origin, placed, resource_of
from quowarranto.sources.gcp.wire import PERMISSION_DENIED, Checked, LogEntry, items, name_of, part, text_of

_LONGEST_NOTE = 256


def action_id(entry: LogEntry, raw: bytes) -> str:
    """By the operation, where other entries tell of the same call."""
    operation = entry.operation
    if entry.goes_on and operation is not None:
        return f"{PREFIX}operation/{operation.producer or entry.call.serviceName}/{operation.id}"
    return PREFIX + name_of(entry, raw)


def called(entry: LogEntry, at: Instant, raw: bytes) -> list[Record | Observation]:
    """The action with its decisions; an observation of the action where `history` must complete it."""
    who = caller(entry)
    checked = decisions(entry, at, who, name_of(entry, raw))
    action = _action(entry, at, who, raw, tuple(one.id for one in checked))
    lender = action.on_behalf_of[0] if action.on_behalf_of and who.type == "service_account" else None
    if not entry.goes_on and lender is None:
        return [action, *checked]
    return [_to_be_completed(entry, action, lender), *checked]


def _action(entry: LogEntry, at: Instant, who: Principal, raw: bytes, checked: tuple[str, ...]) -> Action:
    return Action(
        id=action_id(entry, raw),
        time=at,
        principal=who,
        on_behalf_of=delegates(entry),
        action=verb_of(entry),
        resource=resource_of(entry),
        outcome=outcome_of(entry),
        origin=origin(entry),
        cites=own_key(entry) + checked,
        correlates=traced(entry),
        attributes=attributes(entry),
    )


def own_key(entry: LogEntry) -> tuple[str, ...]:
    """The key of the service account that called, if one is named."""
    said = entry.call.authenticationInfo
    key = key_of(said.serviceAccountKeyName) if said is not None else None
    return (key,) if key else ()


def traced(entry: LogEntry) -> tuple[str, ...]:
    """The trace that the call was part of."""
    trace = shared.maybe(shared.trace, (entry.trace or "").rpartition("/")[2])
    return (trace,) if trace else ()


def verb_of(entry: LogEntry) -> str:
    """The permission that was checked, which is what roles speak of; the method where none is named.

    Of several permissions it is the one that the method is called after, else the first.
    """
    permissions = [one.permission for one in entry.call.authorizationInfo or () if one.permission]
    method = entry.call.methodName
    named = [one for one in permissions if method.endswith(one)]
    return next(iter(named or permissions), method)


def outcome_of(entry: LogEntry) -> Outcome:
    """Where nothing is said of the end, a call of which every permission was refused did not get through."""
    status, checked = entry.call.status, entry.call.authorizationInfo or ()
    if status is None:
        return "denied" if checked and all(one.granted is False for one in checked) else "success"
    if status.code == PERMISSION_DENIED or status.code == 16:  # UNAUTHENTICATED
        return "denied"
    return "failure" if status.code else "success"


def decisions(entry: LogEntry, at: Instant, who: Principal, name: str) -> list[AuthorityFact]:
    """One per permission, resource and answer; `name` is the entry's."""
    found: dict[tuple[str, Resource, bool], AuthorityFact] = {}
    refused = entry.call.status is not None and entry.call.status.code == PERMISSION_DENIED
    for one in entry.call.authorizationInfo or ():
        granted = one.granted if one.granted is not None else (False if refused else None)
        if not one.permission or granted is None:
            continue  # JSON leaves `false` out, but collectors leave out more than that
        on = _checked_on(entry, one)
        if (one.permission, on, granted) not in found:
            key = f"{PREFIX}decision/{name}/{len(found)}"
            found[one.permission, on, granted] = _decision(key, at, who, one.permission, on, granted=granted)
    return list(found.values())


def _checked_on(entry: LogEntry, one: Checked) -> Resource:
    return Resource(entry.kind, placed(one.on, entry)) if one.on else resource_of(entry)


def _decision(key: str, at: Instant, who: Principal, permission: str, on: Resource, *, granted: bool) -> AuthorityFact:
    return AuthorityFact(
        kind="decision",
        id=key,
        time=at,
        principal=who,
        effect="allow" if granted else "deny",
        request={
            "subject": {"type": who.type, "id": who.id},
            "action": {"name": permission},
            "resource": {"type": on.type, "id": on.id},
        },
    )


def attributes(entry: LogEntry) -> dict[str, Any]:
    """What else is kept of the entry, by name."""
    call, operation = entry.call, entry.operation
    status = call.status
    said: dict[str, Any] = {
        "method": call.methodName,
        "service": call.serviceName,
        "log": entry.log,
        "project": entry.place.get("project_id", ""),
        "operation": operation.id if operation is not None else "",
        "code": status.code if status is not None else 0,
        "denied_by": _denied_by(entry),
        "oauth_client": text_of(part(call.authenticationInfo and call.authenticationInfo.oauthInfo), "oauthClientId"),
        "user_agent": text_of(part(call.requestMetadata), "callerSuppliedUserAgent")[:_LONGEST_NOTE],
    }
    return {name: value for name, value in said.items() if value}


def _denied_by(entry: LogEntry) -> str:
    """What other than a missing permission refused the call."""
    status = entry.call.status
    for detail in items({"details": status.details if status is not None else None}, "details"):
        for violation in items(detail, "violations"):
            if text_of(violation, "type") == "VPC_SERVICE_CONTROLS":
                return "VPC Service Controls"
    return "an organisation policy" if part(entry.call.metadata, "policyViolationInfo") else ""


def _to_be_completed(entry: LogEntry, action: Action, lender: Principal | None) -> Observation:
    operation = entry.operation
    data = {
        "action": msgspec.to_builtins(action),
        "begins": operation is None or operation.first or not operation.last,
        "lent": delegation_key(action.principal.id, lender) if lender is not None else None,
    }
    return Observation(name=f"gcp-call/{action.id}", at=action.time, data=data)
