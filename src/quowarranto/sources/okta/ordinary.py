"""Ordinary events, read by their parts: who, to what and how it ended, in which session, what was noted beside it.

Events that begin or end something are read as a whole.
"""

from __future__ import annotations

from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact
from quowarranto.sources.entry import Fields, Ordinary, Part
from quowarranto.sources.layout import ANY_HEXADECIMAL, Layout, Member
from quowarranto.sources.members import cutter, sound, together
from quowarranto.sources.okta.history import told_by
from quowarranto.sources.okta.records import PREFIX, action_of, transaction_of
from quowarranto.sources.okta.wire import Event, understood
from quowarranto.sources.strict import strict_json

_Members = tuple[Any, ...]
_LAYOUT = Layout(
    members=(
        Member("uuid", "name", (ANY_HEXADECIMAL,), required=True),
        Member("published", "time", required=True),
        Member("eventType", "text", required=True),
        Member("version"),
        Member("severity"),
        Member("legacyEventType"),
        Member("displayMessage"),
        Member("actor", required=True),
        Member("client"),
        Member("device"),
        Member("authenticationContext"),
        Member("outcome"),
        Member("securityContext"),
        Member("debugContext"),
        Member("transaction", "object"),
        Member("transaction.type"),
        Member("transaction.id"),
        Member("transaction.detail"),
        Member("request"),
        Member("target"),
    ),
    parts=(
        ("actor", "client"),
        ("eventType", "outcome", "target"),
        ("eventType", "authenticationContext", "transaction.type", "transaction.detail"),
        ("eventType", "transaction.id"),
        ("debugContext",),
        ("version", "severity", "legacyEventType", "displayMessage"),
        ("device", "securityContext", "request"),
    ),
)
_NEUTRAL: dict[str, Any] = {"uuid": "-", "published": "-", "eventType": "-", "actor": {}}


def _event(transaction: dict[str, bytes | str] | None = None, **members: bytes | str) -> Event:
    """The event as far as these members tell it.

    Raises:
        RejectedEntry: one of them is not what it should be, or names a key twice.
    """
    value: dict[str, Any] = strict_json(together(members))
    if transaction is not None:
        value["transaction"] = strict_json(together(transaction))
    return understood(_NEUTRAL | value)


def _said(event: Event, *names: str) -> dict[str, Any]:
    action: Action = action_of(event, 0)
    return {name: getattr(action, name) for name in names}


def _who(members: _Members) -> Fields | None:
    actor, client = members
    try:
        event = _event(actor=actor, client=client)
    except RejectedEntry:
        return None
    said = _said(event, "principal", "origin", "attributes")
    return said, {"principal": said["principal"]}


def _what(members: _Members) -> Fields | None:
    kind, outcome, target = members
    try:
        event = _event(eventType=kind, outcome=outcome, target=target)
        # one that would begin or end something, if only it named what
        whole = _event({"id": b'"-"'}, eventType=kind, outcome=outcome, target=target, authenticationContext=_SESSION)
    except RejectedEntry:
        return None
    said = _said(event, "action", "resource", "outcome", "attributes")
    match told_by(whole, 0)[1:]:
        case []:
            return said, None
        case [AuthorityFact(kind="decision", effect=effect, cites=cites)]:
            return said, {"effect": effect, "cites": cites}
    return None


_SESSION = b'{"externalSessionId":"-"}'


def _within(members: _Members) -> Fields | None:
    kind, context, of, detail = members
    try:
        event = _event({"type": of, "detail": detail}, eventType=kind, authenticationContext=context)
    except RejectedEntry:
        return None
    return _said(event, "cites"), {}


def _request(members: _Members) -> Fields | None:
    kind, name = members
    try:
        event = _event({"id": name}, eventType=kind)
    except RejectedEntry:
        return None
    return _said(event, "correlates"), {"correlates": transaction_of(event)}


def _noted(members: _Members) -> Fields | None:
    try:
        event = _event(debugContext=members[0])
    except RejectedEntry:
        return None
    return _said(event, "attributes"), {}


ORDINARY = Ordinary(
    cut=cutter(_LAYOUT),
    layout=_LAYOUT,
    parts=(
        Part(_who, ("principal", "origin", "attributes"), ("principal",)),
        Part(_what, ("action", "resource", "outcome", "attributes"), ("effect", "cites")),
        Part(_within, ("cites",)),
        Part(_request, ("correlates",), ("correlates",)),
        Part(_noted, ("attributes",)),
        Part(sound, ()),
        Part(sound, ()),
    ),
    action_id=PREFIX,
    fact_id=f"{PREFIX}decision/",
)
