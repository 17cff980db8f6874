"""Ordinary audit events, read by their parts: who asked, for what, and how it was answered.

An API server repeats itself: a controller asks for the same few things under the same few names all day long. What
differs from one event to the next is its `auditID` and its times.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.sources.entry import Fields, Ordinary, Part
from quowarranto.sources.kubernetes import audit, issuance, rbac
from quowarranto.sources.kubernetes.names import PREFIX
from quowarranto.sources.layout import HEXADECIMAL, Layout, Member
from quowarranto.sources.members import cutter, together
from quowarranto.sources.strict import strict_json

_Members = tuple[Any, ...]


_LAYOUT = Layout(
    members=(
        Member("kind", "exact", ("Event",), required=True),
        Member("apiVersion", "exact", ("audit.k8s.io/v1",), required=True),
        Member("level", "text"),
        Member("auditID", "name", (HEXADECIMAL,), required=True),
        Member("stage", "stage", ("", *audit.STAGES), required=True),
        Member("requestURI", "written"),
        Member("verb", "text", required=True),
        Member("user"),
        Member("impersonatedUser"),
        Member("sourceIPs"),
        Member("userAgent"),
        Member("objectRef"),
        Member("responseStatus"),
        Member("requestReceivedTimestamp", "time", required=True),
        Member("stageTimestamp", "text"),
        Member("annotations"),
    ),
    parts=(
        ("user", "impersonatedUser", "sourceIPs", "userAgent"),
        ("verb", "objectRef", "requestURI"),
        ("responseStatus", "annotations", "stage"),
    ),
    unless={"requestURI": "objectRef"},
)
"""Events without bodies, as (who, what, how). A URI says nothing that the object does not."""


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
    cut=cutter(_LAYOUT),
    layout=_LAYOUT,
    parts=(
        Part(_who, ("principal", "on_behalf_of", "origin", "cites", "attributes"), ("principal", "request.subject")),
        Part(_what, ("action", "resource", "attributes"), ("request.action", "request.resource")),
        Part(_how, ("outcome", "attributes"), ("effect", "cites", "attributes")),
    ),
    action_id=PREFIX,
    fact_id=f"{PREFIX}decision/",
)
