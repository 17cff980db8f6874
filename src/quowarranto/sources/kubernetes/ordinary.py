"""Ordinary audit events, read by their parts: who asked, for what, and how it was answered.

An API server repeats itself: a controller asks for the same few things under the same few names all day long. What
differs from one event to the next is its `auditID` and its times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import instants
from quowarranto.sources.entry import Cut, Fields, Ordinary, Part
from quowarranto.sources.kubernetes import audit, issuance, rbac
from quowarranto.sources.kubernetes.names import PREFIX
from quowarranto.sources.members import NOTHING, Members, together
from quowarranto.sources.strict import strict_json

_Members = tuple[Any, ...]


class _Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The members of an event without bodies; what is `Raw` is read as a part."""

    kind: Literal["Event"]
    apiVersion: Literal["audit.k8s.io/v1"]
    auditID: str
    stage: Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
    verb: str
    requestReceivedTimestamp: str
    level: str = ""
    stageTimestamp: str = ""
    requestURI: msgspec.Raw = NOTHING
    user: msgspec.Raw = NOTHING
    impersonatedUser: msgspec.Raw = NOTHING
    sourceIPs: msgspec.Raw = NOTHING
    userAgent: msgspec.Raw = NOTHING
    objectRef: msgspec.Raw = NOTHING
    responseStatus: msgspec.Raw = NOTHING
    annotations: msgspec.Raw = NOTHING


_cutting = Members(_Event)


def cut(entries: Sequence[bytes | memoryview]) -> Cut:
    """Events without bodies, as (who, what, how)."""
    whole, columns = _cutting.columns(entries)
    _, _, names, stages, verbs, received, _, _, uris, users, targets, addresses, agents, refs, statuses, notes = columns
    times = instants(received)
    ordinary = whole
    if None in times or not _plain(names, uris):
        ordinary = [
            yes and at is not None and _plain((name,), (uri,))
            for yes, at, name, uri in zip(whole, times, names, uris, strict=True)
        ]
    return Cut(
        ordinary=ordinary,
        names=names,
        times=times,
        stages=[audit.STAGES.get(stage, 0) for stage in stages],
        members=(
            list(zip(users, targets, addresses, agents, strict=True)),
            list(zip(verbs, refs, [b"" if ref else uri for ref, uri in zip(refs, uris, strict=True)], strict=True)),
            list(zip(statuses, notes, stages, strict=True)),
        ),
    )


def _plain(names: Sequence[str], uris: Sequence[bytes]) -> bool:
    """Whether these are audit ids that the API server made, and URIs that nobody need look at beside an object."""
    return (
        set(map(len, names)) == {36}
        and not "".join(names).strip("0123456789abcdef-")
        and b"".join(uris).isascii()
        and all(uri[:1] in (b'"', b"") for uri in uris)
    )


def _event(**members: bytes | str) -> audit.Event:
    """The event as far as these members tell it.

    Raises:
        RejectedEntry: one of them is not what it should be, or names a key twice.
    """
    value: dict[str, Any] = strict_json(together(members))
    if None in value.values():
        raise RejectedEntry("a member that is null")
    try:
        return msgspec.convert({"verb": "", **value}, audit.Event)
    except msgspec.ValidationError:
        raise RejectedEntry("not an audit event") from None


def _who(members: _Members) -> Fields | None:
    user, target, addresses, agent = members
    try:
        event = _event(user=user, impersonatedUser=target, sourceIPs=addresses, userAgent=agent)
        actor = audit.actor(event, None)
    except RejectedEntry:
        return None
    whom = audit.impersonated(event)
    subject = whom or actor
    action = {
        "principal": actor,
        "on_behalf_of": () if whom is None else (whom,),
        "origin": audit.peer(event.sourceIPs),
        "cites": audit.credentials(event),
        "attributes": audit.attributes(event, None),
    }
    return action, {"principal": subject, "request.subject": {"type": subject.type, "id": subject.id}}


def _what(members: _Members) -> Fields | None:
    verb, ref, uri = members
    try:
        event = _event(objectRef=ref, requestURI=uri, verb=verb)
        operation, resource = audit.operation(event)
    except RejectedEntry:
        return None
    changed = event.objectRef.resource if event.objectRef is not None else None
    if verb in audit.WRITES and (changed in rbac.CHANGED or changed in issuance.WATCHED):
        return None  # it may have brought something about
    action = {"action": operation, "resource": resource, "attributes": audit.attributes(event, None)}
    return action, {
        "request.action": {"name": operation},
        "request.resource": {"type": resource.type, "id": resource.id},
    }


def _how(members: _Members) -> Fields | None:
    status, annotations, stage = members
    try:
        event = _event(responseStatus=status, annotations=annotations, stage=stage)
        effect = audit.effect(event)
    except RejectedEntry:
        return None
    code = None if event.responseStatus is None else event.responseStatus.code
    action = {"outcome": audit.outcome(event.responseStatus, effect), "attributes": audit.attributes(event, code)}
    if effect is None:
        return action, None
    cites, grounds = audit.grounds(event)
    return action, {"effect": effect, "cites": cites, "attributes": grounds}


ORDINARY = Ordinary(
    cut=cut,
    parts=(
        Part(_who, ("principal", "on_behalf_of", "origin", "cites", "attributes"), ("principal", "request.subject")),
        Part(_what, ("action", "resource", "attributes"), ("request.action", "request.resource")),
        Part(_how, ("outcome", "attributes"), ("effect", "cites", "attributes")),
    ),
    action_id=PREFIX,
    fact_id=f"{PREFIX}decision/",
)
