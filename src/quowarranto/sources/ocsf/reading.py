"""One event: the action, the decisions in it, and what it says of sessions, privileges and policies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Principal, Resource
from quowarranto.records import model as records
from quowarranto.sources import keys
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped
from quowarranto.sources.folding import folded
from quowarranto.sources.ocsf.wire import Authorization, Event, Named, Role, User, in_range, principal_of, resource_of
from quowarranto.sources.strict import read_as, strict_object

API, AUTHENTICATION, AUTHORIZE, ENTITY, ACCESS, USERS = 6003, 3002, 3003, 3004, 3005, 3007
_CRUD = {1: "create", 2: "read", 3: "update", 4: "delete"}
_LOGON, _LOGOFF, _SWITCH = 1, 2, 7
_CLASSES: dict[int, tuple[str, dict[int, str]]] = {
    API: ("api", _CRUD),
    AUTHENTICATION: (
        "authentication",
        {1: "logon", 2: "logoff", 3: "ticket", 4: "service_ticket", 5: "renew_ticket", 6: "preauth", 7: "switch"},
    ),
    AUTHORIZE: ("session", {1: "assign_privileges", 2: "assign_groups", 3: "assign_roles"}),
    ENTITY: (
        "entity",
        _CRUD
        | {5: "move", 6: "enroll", 7: "unenroll", 8: "enable", 9: "disable", 10: "activate", 11: "deactivate"}
        | {12: "suspend", 13: "resume"},
    ),
    ACCESS: ("access", {1: "assign_privileges", 2: "revoke_privileges", 3: "assign_role", 4: "remove_role"}),
    3001: ("account", {}),
    3006: ("group", {}),
    USERS: ("user", {14: "assign_privileges", 15: "remove_privileges", 16: "assign_roles", 17: "remove_roles"}),
    3008: ("role", {}),
}
_GIVES = {(ACCESS, 1), (ACCESS, 3), (USERS, 14), (USERS, 16)}
_TAKES = {(ACCESS, 2), (ACCESS, 4), (USERS, 15), (USERS, 17)}
_POLICY = 5
"""The type of an entity that is a policy."""
_ALLOWS = frozenset(
    ("allow", "allowed", "approve", "approved", "grant", "granted", "permit", "permitted", "accept", "accepted")
)
_DENIES = frozenset(
    ("deny", "denied", "reject", "rejected", "refuse", "refused", "block", "blocked", "forbid", "forbidden")
)
_BLOCKED = frozenset((2, 3, 4, 6))  # dispositions: blocked, quarantined, isolated, dropped
_REFUSAL = re.compile(r"access.?denied|unauthori[sz]ed|forbidden|permission.?denied|not.?authori[sz]ed|40[13]", re.I)
_AWS_KEY = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")


def read(entry: Entry) -> Outcome:
    """The records of one event.

    Raises:
        RejectedEntry: it is none; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    if isinstance(value.get("class_uid"), int) and "metadata" in value and value["class_uid"] not in _CLASSES:
        return Skipped("a class of events that tells neither what a principal did nor what it may do")
    event = _event(value)
    name = event.metadata.uid or "sha256:" + hashlib.sha256(entry.data).hexdigest()
    action = _action(event, f"ocsf/event/{event.product}/{name}")
    decisions, policies = _decisions(event, action)
    action = msgspec.structs.replace(action, cites=(*action.cites, *(one.id for one in decisions)))
    return [action, *decisions, *policies, *_told(event, action)]


def _event(value: dict[str, Any]) -> Event:
    """The event; nulls where none belong are left out first, which costs more than all the rest of the reading."""
    try:
        return msgspec.convert(value, Event)
    except msgspec.ValidationError:
        pass
    return read_as(_without_nulls(value), Event)


def _without_nulls(value: Any) -> Any:
    """Lakes write every column of a table into every event."""
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value if one is not None] if isinstance(value, list) else value


# ---- the action ------------------------------------------------------------------------------------------------------


def _action(event: Event, name: str) -> Action:
    who, behalf = _acting(event)
    return Action(
        id=name,
        time=event.at,
        principal=who,
        on_behalf_of=behalf,
        action=_verb(event),
        resource=_resource(event),
        outcome=_outcome(event),
        origin=(event.src_endpoint.ip or event.src_endpoint.called or None) if event.src_endpoint else None,
        cites=tuple(dict.fromkeys(_cites(event))),
        correlates=tuple(sorted(set(_correlates(event)))),
        attributes=_attributes(event),
    )


def _acting(event: Event) -> tuple[Principal, tuple[Principal, ...]]:
    """Who acted: an agent that is named, on behalf of the user beside it; else the user; else what else is named."""
    actor = event.actor
    user = principal_of(actor.user)
    if event.class_uid == AUTHENTICATION and event.activity_id != _SWITCH:
        user = principal_of(event.user) or user  # the actor is often the system's own process
    agent = event.ai_agent or (actor.process.ai_agent if actor.process else None)
    if agent is not None and (name := agent.uid or agent.name):
        return Principal("agent", name), (user,) if user else ()
    if user is not None:
        return user, ()
    if actor.iam_role is not None and actor.iam_role.called:
        return principal_of(User(uid=actor.iam_role.called)) or Principal("role", "unknown"), ()
    if name := actor.app_uid or actor.app_name or actor.invoked_by:
        return Principal("application", name), ()
    if actor.process is not None and (name := actor.process.name or actor.process.uid):
        return Principal("process", name), ()
    return Principal("anonymous", event.src_endpoint.called if event.src_endpoint else "unknown"), ()


def _verb(event: Event) -> str:
    family, names = _CLASSES[event.class_uid]
    plain = event.activity_name or str(event.activity_id)
    if event.class_uid != API:
        return f"{family}:{names.get(event.activity_id) or plain.lower().replace(' ', '_')}"
    operation = event.api.operation or names.get(event.activity_id) or plain
    service = event.api.service.called.removesuffix(".amazonaws.com") if event.api.service else ""
    return f"{service}:{operation}" if service and ":" not in operation else operation


def _resource(event: Event) -> Resource:
    if event.class_uid == ENTITY and (entity := event.entity) is not None and entity.called:
        return Resource(folded(entity.type or "entity"), entity.called)
    if event.class_uid == AUTHENTICATION:
        place = next((one for one in (event.service, event.dst_endpoint) if one and one.called), None)
        return Resource("service", place.called) if place else Resource("product", event.product)
    if event.class_uid == AUTHORIZE and (session := event.signed_in) is not None and session.uid:
        return Resource("session", session.uid)
    if event.class_uid in (ACCESS, USERS, 3001) and (whom := principal_of(event.user)) is not None:
        return Resource(whom.type, whom.id)
    if event.class_uid == 3006 and event.group is not None and event.group.called:
        return Resource("group", event.group.called)
    if event.class_uid == 3008 and event.iam_role is not None and event.iam_role.called:
        return Resource("role", event.iam_role.called)
    named = [one for one in event.target if one.called]
    first = next((one for one in named if one.role_id in (1, 3)), named[0] if named else None)
    if first is not None:
        return resource_of(first, "resource")
    service = event.api.service.called if event.api.service else ""
    return Resource("service", service) if service else Resource("product", event.product)


def _outcome(event: Event) -> records.Outcome:
    """A control that blocked it, a refusal that is spelled out, a log-on that failed: denied. Unknown is a success."""
    if event.action_id == 2 or event.disposition_id in _BLOCKED:
        return "denied"
    if event.status_id != 2:
        return "success"
    answered = event.api.response
    said = (str(event.status_code or ""), answered.error or "" if answered else "")
    refused = any(_REFUSAL.search(text) for text in said) or (answered is not None and answered.code in (401, 403))
    decided = any(_effect(one) == "deny" for one in _authorizations(event))
    return "denied" if refused or decided or event.class_uid == AUTHENTICATION else "failure"


def _cites(event: Event) -> Iterator[str]:
    if event.class_uid == AUTHENTICATION and event.activity_id != _LOGOFF:  # the session in it is the one that begins
        session, user = event.actor.session, event.actor.user if event.activity_id == _SWITCH else event.user
    else:
        session, user = event.signed_in if event.class_uid != AUTHORIZE else event.actor.session, event.actor.user
    if session is not None and session.uid:
        yield session_key(event, session.uid)
    for credential in (user.credential_uid if user else None, session.credential_uid if session else None):
        if credential:
            yield credential_key(event, credential)


def _correlates(event: Event) -> Iterator[str]:
    found = (
        keys.maybe(keys.trace, event.trace.uid if event.trace else None),
        keys.maybe(keys.trace, event.metadata.correlation_uid),
        keys.maybe(keys.request, event.api.request.uid if event.api.request else None),
    )
    yield from (key for key in found if key)


def _attributes(event: Event) -> dict[str, Any]:
    session, actor = event.signed_in, event.actor
    undecided = sum(_effect(one) is None for one in _authorizations(event))
    agent = event.ai_agent or (actor.process.ai_agent if actor.process else None)
    others = [one.called for one in event.target if one.called]
    groups = [one.called for one in (*event.groups, event.group) if one is not None and one.called]
    said: dict[str, Any] = {
        "product": event.metadata.product.name,
        "invoked_by": actor.invoked_by,
        "session_issuer": session.issuer if session else None,
        "mfa": session.is_mfa if session else None,
        "agent_instance": agent.instance_uid if agent else None,
        "session_name": _session_name(actor.user),
        "resources": others if len(others) > 1 else None,
        "groups": groups or None,  # what a member may do is told by nobody, so this is no grant
        "count": event.count if event.count != 1 else None,
        "authorizations_not_understood": undecided or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _session_name(user: User | None) -> str | None:
    name = (user.uid or "") if user else ""
    return name.rpartition("/")[2] if keys.maybe(keys.role_of_session, name) else None


# ---- decisions and policies ------------------------------------------------------------------------------------------


def _authorizations(event: Event) -> list[Authorization]:
    return list(dict.fromkeys((*event.actor.authorizations, *event.authorizations)))


def _effect(one: Authorization) -> str | None:
    word = (one.decision or "").strip().lower()
    return "allow" if word in _ALLOWS else "deny" if word in _DENIES else None


def _decisions(event: Event, action: Action) -> tuple[list[AuthorityFact], list[Observation]]:
    found: list[AuthorityFact] = []
    policies: list[Observation] = []
    for place, one in enumerate(_authorizations(event)):
        if (effect := _effect(one)) is None:
            continue
        key = policy_key(event, one.policy)
        if key is not None and one.policy is not None:
            series = policy_series(event, one.policy.called)
            policies.append(Observation(f"decided/{key}", action.time, {"key": key, "series": series}))
        found.append(
            AuthorityFact(
                kind="decision",
                id=f"ocsf/decision/{action.id.removeprefix('ocsf/event/')}/{place}",
                time=action.time,
                effect="allow" if effect == "allow" else "deny",
                principal=action.principal,
                cites=(key,) if key else (),
                # Without a `request`: it is about this event, and must be found for no other.
                attributes={"policy": one.policy.called} if one.policy and one.policy.called else {},
            )
        )
    return found, policies


def policy_series(event: Event, policy: str) -> str:
    return f"ocsf/policy/{event.product}/{policy}"


def policy_key(event: Event, policy: Named | None) -> str | None:
    """One version of a policy; a policy without its version is nothing that could be in force or not."""
    if policy is None or not policy.called or not policy.version:
        return None
    return f"{policy_series(event, policy.called)}@{policy.version}"


def session_key(event: Event, session: str) -> str:
    return f"ocsf/session/{event.within}/{session}"


def credential_key(event: Event, credential: str) -> str:
    """Ids of access keys of AWS are unique everywhere, and CloudTrail's own log names them too."""
    return (
        f"aws/key/{credential}" if _AWS_KEY.fullmatch(credential) else f"ocsf/credential/{event.product}/{credential}"
    )


# ---- what the event says of authority --------------------------------------------------------------------------------


def _told(event: Event, action: Action) -> Iterator[Observation | AuthorityFact]:
    """Only of what succeeded; an event that does not say whether it did gives no authority, but may end one."""
    succeeded, failed = event.status_id == 1 and action.outcome == "success", action.outcome != "success"
    what = (event.class_uid, event.activity_id)
    if failed:
        return
    if event.class_uid == AUTHENTICATION:
        yield from _of_session(event, action, succeeded)
    elif event.class_uid == AUTHORIZE and succeeded:
        session = event.signed_in
        if session is not None and session.uid:
            yield from _given(event, action, event.user, during=session_key(event, session.uid))
    elif what in _GIVES and succeeded:
        yield from _given(event, action, event.user)
    elif what in _TAKES:
        yield from _given(event, action, event.user, taken=True)
    elif event.class_uid == ENTITY:
        yield from _of_policy(event, action, succeeded)


def _of_session(event: Event, action: Action, succeeded: bool) -> Iterator[Observation | AuthorityFact]:
    session, whom = event.session, principal_of(event.user)
    until = session.expiration_time if session else None
    if session is not None and session.uid:
        key = session_key(event, session.uid)
        if event.activity_id == _LOGOFF:
            # One microsecond later: the log-off itself is judged by what stood before.
            yield Observation(f"session/{key}", action.time + 1, {"key": key, "over": action.id})
        elif succeeded and event.activity_id in (_LOGON, _SWITCH):
            data: dict[str, Any] = {"key": key, "action": action.id, "who": whom and [whom.type, whom.id]}
            if until is not None:
                data["until"] = in_range("session.expiration_time", until)
            yield Observation(f"session/{key}", action.time, data)
    if event.activity_id == _SWITCH and succeeded and whom is not None and event.actor.user is not None:
        yield AuthorityFact(
            kind="delegation",
            id=f"ocsf/delegation/{action.id.removeprefix('ocsf/event/')}",
            time=action.time,
            valid_until=in_range("session.expiration_time", until) if until is not None else None,
            principal=action.principal,
            by=whom,
            issued_by=action.id,
        )


def _given(
    event: Event, action: Action, user: User | None, *, during: str | None = None, taken: bool = False
) -> Iterator[Observation]:
    """Privileges and roles, given or taken: each is a grant of its own, so that each can end by itself."""
    whom = principal_of(user)
    if whom is None:
        return
    base = f"ocsf/grant/{event.product}/{whom.type}:{whom.id}" if during is None else f"ocsf/grant/{during}"
    places = [f"{one.type or 'resource'}:{one.called}" for one in event.target if one.called]
    roles: list[Role] = [one for one in (*event.iam_roles, event.iam_role) if one is not None and one.called]
    named: list[tuple[str, str, list[str] | None]] = [("privilege", name, [name]) for name in event.privileges if name]
    named += [("role", one.called, list(one.privileges) if one.privileges else None) for one in roles]
    for kind, name, privileges in named:
        for place in (*places,) or (None,):
            key = f"{base}/{kind}/{name}" + (f"/on/{place}" if place else "")
            data = {"key": key, "whole": f"{base}/{kind}/{name}", "taken": taken, "action": action.id}
            data |= {"who": [whom.type, whom.id], "privileges": privileges, "place": place, "session": during}
            if kind != "privilege" and privileges is None:
                data["holds"] = f"ocsf/role/{event.product}/{name}"
            own = taken and whom == action.principal
            yield Observation(f"grant/{key}", action.time + own, data)


def _of_policy(event: Event, action: Action, succeeded: bool) -> Iterator[Observation]:
    before, after = event.entity, event.updated_entity or event.entity_result or event.entity
    if before is None or after is None or before.type_id != _POLICY:
        return
    name = before.called
    version = next((v for one in (after, before) for v in (one.policy and one.policy.version, one.version) if v), None)
    if not name:
        return
    series = policy_series(event, name)
    data: dict[str, Any] = {"series": series, "action": action.id}
    if event.activity_id in (4, 9, 11, 12):
        yield Observation(f"managed/{series}", action.time, data | {"over": True})
    elif event.activity_id in (1, 3, 8, 10, 13) and version and succeeded:
        yield Observation(f"managed/{series}", action.time, data | {"key": f"{series}@{version}", "over": False})


def recognise(sample: Sample) -> int:
    """By a class and an activity in numbers, and the metadata that every event has."""
    return max((_likely(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likely(document: dict[str, Any]) -> int:
    if not isinstance(document.get("class_uid"), int) or not isinstance(document.get("metadata"), dict):
        return 0
    return 95 if {"activity_id", "type_uid", "category_uid"} & document.keys() else 60
