"""One audit event: the action, the decision that let it pass, and what it changed.

The stages of one request share an `auditID`. Each gives an Action with its `stage`, of which the case keeps the last;
all else that several stages say is equal, so that it counts once.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Literal, cast

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Record, Resource
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes import issuance, rbac
from quowarranto.sources.kubernetes.names import NOBODY, PREFIX, ground_of, instant, principal_of
from quowarranto.sources.strict import reason_of

STAGES = {"RequestReceived": 1, "ResponseStarted": 2, "ResponseComplete": 3, "Panic": 4}

_DECISION = "authorization.k8s.io/decision"
_REASON = "authorization.k8s.io/reason"
_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_POD = "authentication.kubernetes.io/pod-name"
_POD_SECURITY = "pod-security.kubernetes.io/enforce-policy"
_TRUNCATED = "audit.k8s.io/truncated"
_EFFECTS: dict[str, Literal["allow", "deny"]] = {"allow": "allow", "forbid": "deny"}
_WRITES: dict[str, rbac.Change] = {
    "create": "create",
    "update": "update",
    "patch": "update",
    "delete": "delete",
    "deletecollection": "delete",
}
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


class _Event(msgspec.Struct, frozen=True):
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


class _PlainUser(_User, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    uid: str | None = None
    groups: list[str] | None = None


class _PlainObjectRef(_ObjectRef, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    uid: str | None = None
    apiVersion: str | None = None
    resourceVersion: str | None = None


class _PlainStatus(_Status, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    metadata: dict[str, str] | None = None
    status: str | None = None
    reason: str | None = None


class _Plain(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An event without bodies: all that the API server writes of most requests, and nothing that can be of any type."""

    verb: str
    auditID: str
    stage: Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
    requestReceivedTimestamp: str
    kind: Literal["Event"]
    apiVersion: Literal["audit.k8s.io/v1"]
    level: str | None = None
    stageTimestamp: str | None = None
    requestURI: str | None = None
    user: _PlainUser | None = None
    impersonatedUser: _PlainUser | None = None
    sourceIPs: list[str] | None = None
    userAgent: str | None = None
    objectRef: _PlainObjectRef | None = None
    responseStatus: _PlainStatus | None = None
    annotations: dict[str, str] | None = None
    timestamp: None = None
    metadata: None = None
    requestObject: None = None
    responseObject: None = None


_decode_plain = msgspec.json.Decoder(_Plain).decode
_encode = msgspec.json.Encoder().encode


def plain_event(data: bytes) -> _Event | None:
    """The event, where it is an ordinary one that nothing about its JSON makes doubtful; else None, and ask `records`.

    Written again, it has as many bytes as were read. Every field is named and typed, so writing can only shorten it
    (repeated keys, spaces, spelled-out characters, nulls): equal length means that nothing was dropped.
    """
    try:
        event = _decode_plain(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return cast(_Event, event) if len(_encode(event)) == len(data) else None


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
        event = msgspec.convert(value, _Event)
    except msgspec.ValidationError as error:
        raise RejectedEntry(f"not an audit event: {reason_of(error)}") from None
    return records_of(event, raw, collected_at)


def records_of(event: _Event, raw: bytes, collected_at: str | None = None) -> list[Record | Observation]:
    """The same of an event that was decoded already."""
    audit_id = event.auditID or "sha256:" + hashlib.sha256(raw).hexdigest()
    at = _received_at(event, collected_at)
    ref = event.objectRef or _NO_OBJECT
    notes = event.annotations or _NO_NOTES
    code = (event.responseStatus or _NO_STATUS).code
    actor, target = _actor(event, code), _impersonated(event)
    verb, resource = _operation(event, ref)
    cites: tuple[str, ...] = ()
    out: list[Record | Observation] = []
    effect = _effect(notes)
    if effect is not None:
        decision = _decision(audit_id, at, target or actor, verb, resource, effect, notes.get(_REASON, ""))
        cites = (decision.id,)
        out.append(decision)
    extra = (event.user or _NO_USER).extra or {}
    if credential := extra.get(_CREDENTIAL_ID):
        cites += (f"{PREFIX}credential/{credential[0]}",)
    action = Action(
        id=PREFIX + audit_id,
        time=at,
        principal=actor,
        on_behalf_of=() if target is None else (target,),
        action=verb,
        resource=resource,
        outcome=_outcome(event.responseStatus, effect),
        origin=_peer(event.sourceIPs),
        cites=cites,
        attributes=_attributes(event, ref, code, notes, extra),
        stage=STAGES[event.stage],
    )
    out.append(action)
    if event.verb in _WRITES and event.stage == "ResponseComplete" and code is not None and 200 <= code < 300:
        out += _effects(event, ref, action, code, notes)
    return out


def _received_at(event: _Event, collected_at: str | None) -> Instant:
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


def _actor(event: _Event, code: int | None) -> Principal:
    """The authenticated identity, also when it impersonates another."""
    username = event.user and event.user.username
    if username:
        return principal_of(username)
    if code == 401:
        return NOBODY
    raise RejectedEntry("an audit event without `user.username`")


def _impersonated(event: _Event) -> Principal | None:
    username = event.impersonatedUser and event.impersonatedUser.username
    return principal_of(username) if username else None


def _operation(event: _Event, ref: _ObjectRef) -> tuple[str, Resource]:
    """`get pods/log` on `pods:NAMESPACE/NAME`, `list pods` on `pods:NAMESPACE/*`, `get` on `url:/healthz`."""
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


def _effect(notes: dict[str, str]) -> Literal["allow", "deny"] | None:
    decision = notes.get(_DECISION)
    if decision is None:
        return None
    if decision not in _EFFECTS:
        raise RejectedEntry(f"`{_DECISION}` is neither allow nor forbid")
    return _EFFECTS[decision]


def _decision(
    audit_id: str,
    at: Instant,
    subject: Principal,
    verb: str,
    resource: Resource,
    effect: Literal["allow", "deny"],
    reason: str,
) -> AuthorityFact:
    """Decided for the impersonated identity where there is one; rests on the binding that the reason names."""
    ground = ground_of(reason)
    return AuthorityFact(
        kind="decision",
        id=f"{PREFIX}decision/{audit_id}",
        time=at,
        principal=subject,
        effect=effect,
        cites=None if ground is None else (PREFIX + ground.binding,),
        request={
            "subject": {"type": subject.type, "id": subject.id},
            "action": {"name": verb},
            "resource": {"type": resource.type, "id": resource.id},
        },
        attributes=dict(_grounds(reason)),
    )


@lru_cache(maxsize=4096)
def _grounds(reason: str) -> dict[str, Any]:
    """What the reason says besides the binding."""
    ground = ground_of(reason)
    if ground is not None:
        return {"role": ground.role, "subject": ground.subject}
    return {"reason": reason[:_LONGEST_NOTE]} if reason else {}


def _outcome(status: _Status | None, effect: str | None) -> Outcome:
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


def _peer(addresses: list[str] | None) -> str | None:
    """The last address is the connection's own; those before it are headers that a client can write."""
    return (addresses[-1] or None) if addresses else None


def _attributes(
    event: _Event, ref: _ObjectRef, code: int | None, notes: dict[str, str], extra: dict[str, list[str]]
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if ref.apiGroup:
        out["api_group"] = ref.apiGroup
    if code is not None:
        out["code"] = code
    if event.userAgent:
        out["user_agent"] = event.userAgent[:_LONGEST_NOTE]
    if event.stage != "ResponseComplete":
        out["stage"] = event.stage
    if pod := extra.get(_POD):
        out["pod"] = pod[0]
    if len(notes) > 2:
        if policy := notes.get(_POD_SECURITY):
            out["pod_security"] = policy[:_LONGEST_NOTE]
        if _TRUNCATED in notes:
            out["truncated"] = True
    return out


def _effects(
    event: _Event, ref: _ObjectRef, action: Action, code: int, notes: dict[str, str]
) -> list[Record | Observation]:
    """What a write that succeeded brought about."""
    resource, query = ref.resource or "", (event.requestURI or "").partition("?")[2]
    if resource not in rbac.CHANGED and resource not in issuance.WATCHED:
        return []
    request = _body(event.requestObject)
    if "dryRun=" in query or (request is not None and request.get("dryRun")):
        return []  # nothing was changed
    verb: rbac.Change = "create" if code == 201 and event.verb != "delete" else _WRITES[event.verb]
    change = issuance.Change(
        action=action,
        at=_takes_effect_at(event, action.time, verb),
        resource=resource,
        subresource=ref.subresource or "",
        namespace=ref.namespace,
        name=ref.name,
        verb=verb,
        request=request,
        response=_body(event.responseObject),
        whole_request=event.verb in ("create", "update"),
    )
    if resource in issuance.WATCHED and (ref.subresource or resource not in rbac.CHANGED):
        return issuance.facts(change, notes)
    if ref.subresource:
        return []
    return _observed(change, everything=event.verb == "deletecollection", query=query)


def _takes_effect_at(event: _Event, received: Instant, verb: rbac.Change) -> Instant:
    """A change is not in force yet for the request that makes it; what a deletion ends holds until it is answered."""
    if verb == "create":
        return received
    answered = (
        instant("stageTimestamp", event.stageTimestamp) if verb == "delete" and event.stageTimestamp else received
    )
    return max(answered, received + 1)


def _observed(change: issuance.Change, *, everything: bool, query: str) -> list[Record | Observation]:
    """A change of a role or a binding, or the end of a service account, for `history`."""
    if change.resource == "serviceaccounts" and change.verb != "delete":
        return []
    name = change.name
    if everything:
        if "elector=" in query:  # a label or field selector: which ones it hit is not in the log
            return []
        name = "*"
    found = rbac.change(
        rbac.CHANGED[change.resource],
        change.verb,
        change.at,
        change.action.id,
        (change.namespace, name),
        change.after() if change.verb != "delete" else None,
    )
    return [] if found is None else [found]


def _body(value: Any) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise RejectedEntry("not an audit event: a body that is not an object")
