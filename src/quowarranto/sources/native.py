"""Native records (SPEC 2): what every other source is turned into, and what a user may write by hand.

Reads     JSON lines, arrays or a stream of objects, each with a `kind`.
Yields    an Action, or an AuthorityFact of one of the eight kinds, per entry.
Time      RFC 3339 with a zone; cut to microseconds.
Not seen  anything the writer left out: nothing is guessed.
Source    docs/reference/formats/native.md
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import (
    KINDS,
    Action,
    AuthorityFact,
    Principal,
    Resource,
    Rule,
)
from quowarranto.sources.entry import Entry, Outcome, Sample, Source
from quowarranto.sources.native_ordinary import ACTIONS, facts
from quowarranto.sources.plain_actions import Name, PlainAction, Who, plain_action, principals
from quowarranto.sources.strict import reason_of, strict_object
from quowarranto.sources.times import instant


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actions: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    resources: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class _Action(msgspec.Struct):
    time: str
    principal: Who
    action: str
    resource: Who
    id: Name | None = None
    source: str | None = None
    on_behalf_of: tuple[Who, ...] = ()
    outcome: Literal["success", "failure", "denied"] = "success"
    origin: str | None = None
    cites: tuple[Name, ...] = ()
    correlates: tuple[Name, ...] = ()
    attributes: dict[str, Any] = {}


class _Fact(msgspec.Struct):
    kind: Literal["policy", "grant", "approval", "exception", "session", "credential", "decision", "delegation"]
    id: Name
    time: str
    fact: Literal["established", "ended"] = "established"
    aliases: tuple[Name, ...] = ()
    source: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    end: Literal["revoked", "expired", "rotated", "superseded", "closed"] | None = None
    grace_until: str | None = None
    successor: str | None = None
    series: Name | None = None
    principal: Who | None = None
    by: Who | None = None
    effect: Literal["allow", "deny"] | None = None
    scope: _Rule | tuple[_Rule, ...] | None = None
    cites: tuple[Name, ...] | None = None
    issued_by: str | None = None
    correlates: tuple[Name, ...] = ()
    standing: bool | None = None
    requested_by: Who | None = None
    decided_by: tuple[Who, ...] | None = None
    justification: str | None = None
    ticket: str | None = None
    owner: Who | str | None = None
    request: dict[str, Any] | None = None
    attributes: dict[str, Any] = {}


_ACTION_FIELDS = frozenset(_Action.__struct_fields__) | {"kind"}
_FACT_FIELDS = frozenset(_Fact.__struct_fields__)


def read(entry: Entry) -> Outcome:
    """One record per entry; anything that is not exactly a record is rejected with the field that is wrong."""
    plain = plain_action(entry.data)
    if plain is not None:
        return (_made(plain, plain.id, {}),)
    value = strict_object(entry.data)
    kind = value.get("kind")
    try:
        if kind == "action":
            return (_action(value, entry.data),)
        if kind in KINDS:
            return (_fact(value),)
    except msgspec.ValidationError as error:
        raise RejectedEntry(reason_of(error)) from None
    raise RejectedEntry("`kind` is missing" if kind is None else "`kind` is not one of the nine")


def _action(value: dict[str, Any], data: bytes) -> Action:
    wire = msgspec.convert(value, _Action)
    name = wire.id or "sha256:" + hashlib.sha256(data).hexdigest()
    return _made(wire, name, _rest(value, _ACTION_FIELDS, wire.attributes))


def _made(wire: _Action | PlainAction, name: str, attributes: dict[str, Any]) -> Action:
    return Action(
        id=name,
        time=instant("time", wire.time),
        principal=Principal(wire.principal.type, wire.principal.id),
        action=wire.action,
        resource=Resource(wire.resource.type, wire.resource.id),
        source=wire.source,
        on_behalf_of=principals(wire.on_behalf_of),
        outcome=wire.outcome or "success",
        origin=wire.origin,
        cites=wire.cites,
        correlates=wire.correlates,
        attributes=attributes,
    )


def _fact(value: dict[str, Any]) -> AuthorityFact:
    wire = msgspec.convert(value, _Fact)
    if wire.end is not None and wire.fact != "ended":
        raise RejectedEntry("`end` on a fact that is not `ended`")
    return AuthorityFact(
        kind=wire.kind,
        id=wire.id,
        time=instant("time", wire.time),
        fact=wire.fact,
        aliases=wire.aliases,
        source=wire.source,
        valid_from=_optional_instant("valid_from", wire.valid_from),
        valid_until=_optional_instant("valid_until", wire.valid_until),
        end=wire.end,
        grace_until=_optional_instant("grace_until", wire.grace_until),
        successor=wire.successor,
        series=wire.series,
        principal=_principal(wire.principal),
        by=_principal(wire.by),
        effect=wire.effect,
        scope=_scope(wire.scope),
        cites=wire.cites,
        issued_by=wire.issued_by,
        correlates=wire.correlates,
        standing=wire.standing,
        requested_by=_principal(wire.requested_by),
        decided_by=None if wire.decided_by is None else tuple(Principal(who.type, who.id) for who in wire.decided_by),
        justification=wire.justification,
        ticket=wire.ticket,
        owner=wire.owner if isinstance(wire.owner, str) else _principal(wire.owner),
        request=wire.request,
        attributes=_rest(value, _FACT_FIELDS, wire.attributes),
    )


def _principal(wire: Who | None) -> Principal | None:
    return None if wire is None else Principal(wire.type, wire.id)


def _scope(wire: _Rule | tuple[_Rule, ...] | None) -> tuple[Rule, ...] | None:
    if wire is None:
        return None
    rules = (wire,) if isinstance(wire, _Rule) else wire
    return tuple(Rule(_listed(rule.actions), _listed(rule.resources)) for rule in rules)


def _listed(patterns: tuple[str, ...] | msgspec.UnsetType) -> tuple[str, ...] | None:
    return None if isinstance(patterns, msgspec.UnsetType) else patterns


def _optional_instant(field: str, text: str | None) -> int | None:
    return None if text is None else instant(field, text)


def _rest(value: dict[str, Any], known: frozenset[str], attributes: dict[str, Any]) -> dict[str, Any]:
    """Unknown fields are kept under `attributes` (SPEC 2); a field that is in both places keeps the attribute."""
    if value.keys() <= known:
        return attributes
    return {name: item for name, item in value.items() if name not in known} | attributes


def recognise(sample: Sample) -> int:
    """Objects with a `kind` of SPEC 2 and, for actions, a `principal`."""
    for document in sample.documents:
        if isinstance(document, dict):
            kind = document.get("kind")
            if kind in KINDS and isinstance(document.get("id"), str) and "time" in document:
                return 95
            if kind == "action" and "principal" in document:
                return 95
    return 0


SOURCE = Source(
    name="native",
    title="Quo Warranto's own record format",
    reads=("JSON lines of actions and authority facts",),
    recognise=recognise,
    read=read,
    ordinary=(ACTIONS, facts(_fact)),
    ceiling="proven",
    raise_it="write the keys of what allowed the action into `cites`",
)
