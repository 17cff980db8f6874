"""One audit event: the action, the decision that let it pass, and what it changed.

The stages of one request share an `auditID`. Each gives an Action with its `stage`, of which the case keeps the last;
all else that several stages say is equal, so that it counts once.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Record, Resource
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes import issuance, rbac
from quowarranto.sources.kubernetes.names import NOBODY, PREFIX, ground_of, principal_of
from quowarranto.sources.losses import lost
from quowarranto.sources.strict import reason_of
from quowarranto.sources.times import instant

STAGES = {"RequestReceived": 1, "ResponseStarted": 2, "ResponseComplete": 3, "Panic": 4}

_DECISION = "authorization.k8s.io/decision"
_REASON = "authorization.k8s.io/reason"
_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_POD = "authentication.kubernetes.io/pod-name"
_POD_SECURITY = "pod-security.kubernetes.io/enforce-policy"
_TRUNCATED = "audit.k8s.io/truncated"
_EFFECTS: dict[str, Literal["allow", "deny"]] = {"allow": "allow", "forbid": "deny"}
WRITES: dict[str, rbac.Change] = {
    "create": "create",
    "update": "update",
    "patch": "update",
    "delete": "delete",
    "deletecollection": "delete",
}
_LONGEST_QUERY = 4096
_ACCEPTED = 202
"""What a deletion is answered with that is not done yet. Source: apiserver pkg/endpoints/handlers/delete.go."""
_LONGEST_NOTE = 256
"""Characters of free text (user agent, an authorizer's own reason) that are kept."""


class _User(msgspec.Struct, frozen=True, gc=False):
    username: str | None = None
    extra: dict[str, list[str]] | None = None


class _ObjectRef(msgspec.Struct, frozen=True, gc=False):
    resource: str | None = None
    subresource: str | None = None
    namespace: str | None = None
    name: str | None = None
    apiGroup: str | None = None


class _Status(msgspec.Struct, frozen=True, gc=False):
    code: int | None = None
    message: str | None = None


class Event(msgspec.Struct, frozen=True):
    """One event as the API server writes it; only the fields we read."""

    verb: str
    auditID: str | None = None
    stage: Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] = "ResponseComplete"
    requestReceivedTimestamp: str | None = None
    stageTimestamp: str | None = None
    timestamp: str | None = None
    metadata: rbac.Metadata | None = None
    requestURI: str | None = None
    user: _User | None = None
    impersonatedUser: _User | None = None
    sourceIPs: list[str] | None = None
    userAgent: str | None = None
    objectRef: _ObjectRef | None = None
    responseStatus: _Status | None = None
    annotations: dict[str, str] | None = None
    requestObject: Any = None
    responseObject: Any = None


_NO_USER = _User()
_NO_OBJECT = _ObjectRef()
_NO_STATUS = _Status()
_NO_NOTES: dict[str, str] = {}


def records(value: dict[str, Any], raw: bytes, collected_at: str | None = None) -> list[Record | Observation]:
    """Everything that one event says.

    Args:
        raw: the entry as it was read; names the action where the event has no `auditID`.
        collected_at: the time of the envelope, for an event that has lost its own.
    """
    try:
        event = msgspec.convert(value, Event)
    except msgspec.ValidationError as error:
        raise RejectedEntry(f"not an audit event: {reason_of(error)}") from None
    audit_id = event.auditID or "sha256:" + hashlib.sha256(raw).hexdigest()
    at = _received_at(event, collected_at)
    code = (event.responseStatus or _NO_STATUS).code
    who, whom = actor(event, code), impersonated(event)
    verb, resource = operation(event)
    cites: tuple[str, ...] = ()
    out: list[Record | Observation] = []
    decided = effect(event)
    if decided is not None:
        out.append(_decision(event, audit_id, at, whom or who, verb, resource, decided))
        cites = (f"{PREFIX}decision/{audit_id}",)
    action = Action(
        id=PREFIX + audit_id,
        time=at,
        principal=who,
        on_behalf_of=() if whom is None else (whom,),
        action=verb,
        resource=resource,
        outcome=outcome(event.responseStatus, decided),
        origin=peer(event.sourceIPs),
        cites=cites + credentials(event),
        attributes=attributes(event, code),
        stage=STAGES[event.stage],
    )
    out.append(action)
    if event.verb in WRITES and event.stage == "ResponseComplete" and code is not None and 200 <= code < 300:
        out += _effects(event, action, code)
    elif event.verb in WRITES and event.stage == "Panic":
        out += _interrupted(event, at)
    return out


def _interrupted(event: Event, at: Instant) -> list[Record | Observation]:
    """A write that ended in a panic may have been stored: what it changed is not known from then on."""
    ref = event.objectRef or _NO_OBJECT
    kind = rbac.CHANGED.get(ref.resource or "")
    if kind is None or kind == "serviceaccount" or ref.subresource:
        return []
    verb: rbac.Change = "create" if event.verb == "create" else "update"
    return [rbac.some(kind, verb, ref.namespace, (at, max(_answered(event, at), at + 1)))]


def _received_at(event: Event, collected_at: str | None) -> Instant:
    """When the API server received the request; older logs have only coarser times."""
    if event.requestReceivedTimestamp:
        return instant("requestReceivedTimestamp", event.requestReceivedTimestamp)
    created = event.metadata and event.metadata.creationTimestamp
    for field, text in (
        ("timestamp", event.timestamp),
        ("stageTimestamp", event.stageTimestamp),
        ("metadata.creationTimestamp", created),
        ("time", collected_at),
    ):
        if text:
            return instant(field, text)
    raise RejectedEntry("an audit event without a time")


def actor(event: Event, code: int | None) -> Principal:
    """The authenticated identity, also when it impersonates another."""
    username = event.user and event.user.username
    if username:
        return principal_of(username)
    if code == 401:
        return NOBODY
    raise RejectedEntry("an audit event without `user.username`")


def impersonated(event: Event) -> Principal | None:
    """Whom the authenticated identity acts for."""
    username = event.impersonatedUser and event.impersonatedUser.username
    return principal_of(username) if username else None


def operation(event: Event) -> tuple[str, Resource]:
    """`get pods/log` on `pods:NAMESPACE/NAME`, `list pods` on `pods:NAMESPACE/*`, `get` on `url:/healthz`."""
    ref = event.objectRef or _NO_OBJECT
    if not event.verb:
        raise RejectedEntry("an audit event without a `verb`")
    if not ref.resource:
        path = (event.requestURI or "").partition("?")[0]  # a query may carry a token
        if not path:
            raise RejectedEntry("an audit event that names neither an object nor a URI")
        return event.verb, Resource("url", path)
    name = ref.name or "*"
    inside = ref.namespace and ref.resource != "namespaces"  # a namespace is said to be within itself
    return _verb(event.verb, ref.resource, ref.subresource), Resource(
        ref.resource, f"{ref.namespace}/{name}" if inside else name
    )


@lru_cache(maxsize=4096)
def _verb(verb: str, resource: str, subresource: str | None) -> str:
    return f"{verb} {resource}/{subresource}" if subresource else f"{verb} {resource}"


def effect(event: Event) -> Literal["allow", "deny"] | None:
    """What was decided, where the API server says so."""
    decision = (event.annotations or _NO_NOTES).get(_DECISION)
    if decision is None:
        return None
    if decision not in _EFFECTS:
        raise RejectedEntry(f"`{_DECISION}` is neither allow nor forbid")
    return _EFFECTS[decision]


def _decision(
    event: Event,
    audit_id: str,
    at: Instant,
    subject: Principal,
    verb: str,
    resource: Resource,
    effect: Literal["allow", "deny"],
) -> AuthorityFact:
    """Decided for the impersonated identity where there is one; rests on the binding that the reason names."""
    cites, said = grounds(event)
    return AuthorityFact(
        kind="decision",
        id=f"{PREFIX}decision/{audit_id}",
        time=at,
        principal=subject,
        effect=effect,
        cites=cites,
        request={
            "subject": {"type": subject.type, "id": subject.id},
            "action": {"name": verb},
            "resource": {"type": resource.type, "id": resource.id},
        },
        attributes=said,
    )


def grounds(event: Event) -> tuple[tuple[str, ...] | None, dict[str, Any]]:
    """What a decision rests on: the binding that its reason names, as a citation, and what the reason says besides."""
    reason = (event.annotations or _NO_NOTES).get(_REASON, "")
    ground = ground_of(reason)
    if ground is not None:
        return (PREFIX + ground.binding,), {"role": ground.role, "subject": ground.subject}
    return None, ({"reason": reason[:_LONGEST_NOTE]} if reason else {})


def credentials(event: Event) -> tuple[str, ...]:
    """The key of the credential that the request was authenticated by, where the API server names it."""
    named = _extra(event).get(_CREDENTIAL_ID)
    return (f"{PREFIX}credential/{named[0]}",) if named else ()


def _extra(event: Event) -> dict[str, list[str]]:
    return (event.user or _NO_USER).extra or {}


def outcome(status: _Status | None, effect: str | None) -> Outcome:
    """A forbidden request that got through is no refusal: the `deny` in its chain then speaks (QW205)."""
    code = status.code if status is not None and status.code is not None else 0
    if effect == "deny":
        return "success" if 200 <= code < 300 else "denied"
    if code < 400:
        return "success"
    if effect is None and status is not None and (code == 401 or (code == 403 and _by_authorizer(status.message))):
        return "denied"
    return "failure"


def _by_authorizer(message: str | None) -> bool:
    """Without annotations only the text tells the authorizer (`User "x" cannot get …`) from admission."""
    return not message or ('User "' in message and '" cannot ' in message)


def peer(addresses: list[str] | None) -> str | None:
    """The last address is the connection's own; those before it are headers that a client can write."""
    return (addresses[-1] or None) if addresses else None


def attributes(event: Event, code: int | None) -> dict[str, Any]:
    """What else is worth keeping."""
    ref, notes = event.objectRef or _NO_OBJECT, event.annotations or _NO_NOTES
    out: dict[str, Any] = {}
    if ref.apiGroup:
        out["api_group"] = ref.apiGroup
    if code is not None:
        out["code"] = code
    if event.userAgent:
        out["user_agent"] = event.userAgent[:_LONGEST_NOTE]
    if event.stage != "ResponseComplete":
        out["stage"] = event.stage
    if pod := _extra(event).get(_POD):
        out["pod"] = pod[0]
    if len(notes) > 2:
        if policy := notes.get(_POD_SECURITY):
            out["pod_security"] = policy[:_LONGEST_NOTE]
        if _TRUNCATED in notes:
            out["truncated"] = True
    return out


def _effects(event: Event, action: Action, code: int) -> list[Record | Observation]:
    """What a write that succeeded brought about."""
    ref = event.objectRef or _NO_OBJECT
    resource, query = ref.resource or "", (event.requestURI or "").partition("?")[2]
    if resource not in rbac.CHANGED and resource not in issuance.WATCHED:
        return []
    request = _body(event.requestObject)
    if "dryRun=" in query or (request is not None and request.get("dryRun")):
        return []  # nothing was changed
    verb: rbac.Change = "create" if code == 201 and event.verb != "delete" else WRITES[event.verb]
    change = issuance.Change(
        action=action,
        at=_takes_effect_at(event, action.time, verb),
        answered=max(_answered(event, action.time), action.time + 1),
        resource=resource,
        subresource=ref.subresource or "",
        namespace=ref.namespace,
        name=ref.name,
        verb=verb,
        request=request,
        response=_body(event.responseObject),
        whole_request=event.verb in ("create", "update"),
    )
    told: list[Record | Observation] = []
    if _TRUNCATED in (event.annotations or _NO_NOTES):  # the event was too large, and lost its bodies
        told.append(lost("bodies of changes", change.at))
    if resource in issuance.WATCHED and (ref.subresource or resource not in rbac.CHANGED):
        return told + issuance.facts(change, event.annotations or _NO_NOTES)
    if ref.subresource:
        return told
    return told + _observed(change, code, everything=event.verb == "deletecollection", query=query)


def _takes_effect_at(event: Event, received: Instant, verb: rbac.Change) -> Instant:
    """A change is not in force yet for the request that makes it; what a deletion ends holds until it is answered."""
    if verb == "create":
        return received
    return max(_answered(event, received) if verb == "delete" else received, received + 1)


def _answered(event: Event, otherwise: Instant) -> Instant:
    return instant("stageTimestamp", event.stageTimestamp) if event.stageTimestamp else otherwise


def _observed(change: issuance.Change, code: int, *, everything: bool, query: str) -> list[Record | Observation]:
    """A change of a role or a binding, the beginning or end of a service account, for `history`."""
    kind, name = rbac.CHANGED[change.resource], change.name
    if change.resource == "serviceaccounts" and change.verb == "update":
        return []
    told = (change.action.time, change.answered)
    if everything:
        name = _selected(query)
        if name is None:
            return [rbac.some(kind, "delete", change.namespace, told)]
    body = change.after() if change.verb != "delete" else None
    found = rbac.change(kind, change.verb, change.at, change.action.id, (change.namespace, name), body, told)
    if found is None:
        return [rbac.some(kind, change.verb, change.namespace, told)]
    if change.lingers or (change.verb == "delete" and code == _ACCEPTED):
        found.data["lingers"] = True
    return [found]


def _selected(query: str) -> str | None:
    """Which objects of a collection a query selects: all (`*`), one by its name; None where that is not in the log."""
    asked = parse_qs(query[:_LONGEST_QUERY])  # an empty selector selects everything
    selectors = [one for name in ("labelSelector", "fieldSelector") for one in asked.get(name, ())]
    named = [one.removeprefix("metadata.name=") for one in selectors if one.startswith("metadata.name=")]
    if not selectors:
        return "*"
    return named[0] if len(selectors) == len(named) == 1 and named[0] and "," not in named[0] else None


def _body(value: Any) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise RejectedEntry("not an audit event: a body that is not an object")
