"""Ordinary native records, read many at a time: actions, and facts of the eight kinds, each by its own layout.

Who acts on what, and what is cited, is mostly an entry's own. What was done and how it ended repeats; so does, among
facts, who is empowered, by whom and to do what.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import KINDS, AuthorityFact
from quowarranto.sources.entry import Fields, Ordinary, Part
from quowarranto.sources.layout import Layout, Member
from quowarranto.sources.members import cutter, together
from quowarranto.sources.plain_actions import Who, principals
from quowarranto.sources.strict import strict_json

_Members = tuple[Any, ...]
_OUTCOMES = ("success", "failure", "denied")

_ACTIONS = Layout(
    members=(
        Member("kind", "exact", ("action",), required=True),
        Member("id", "called", required=True),
        Member("time", "time", required=True),
        Member("principal", "object", required=True),
        Member("principal.type", "own", required=True, called="principal.type"),
        Member("principal.id", "own", required=True, called="principal.id"),
        Member("action", "text", required=True),
        Member("resource", "object", required=True),
        Member("resource.type", "own", required=True, called="resource.type"),
        Member("resource.id", "own", required=True, called="resource.id"),
        Member("origin", "own", called="origin"),
        Member("cites", "list", called="cites"),
        Member("source", "text"),
        Member("on_behalf_of"),
        Member("outcome", "exact", _OUTCOMES),
        Member("correlates", "list", called="correlates"),
        Member("attributes"),
    ),
    parts=(("action", "outcome", "source"), ("on_behalf_of",), ("attributes",)),
)
"""Actions as (what and how, for whom, the rest)."""


def _how(members: _Members) -> Fields:
    action, outcome, source = members
    return {"action": action, "outcome": outcome or "success", "source": source or None}, None


def _for_whom(members: _Members) -> Fields | None:
    (several,) = members
    try:
        found = msgspec.convert(strict_json(several), tuple[Who, ...]) if several else ()
    except (RejectedEntry, msgspec.ValidationError):
        return None
    return {"on_behalf_of": principals(found)}, None


def _attributes(members: _Members) -> Fields | None:
    (written,) = members
    try:
        found = strict_json(written) if written else {}
    except RejectedEntry:
        return None
    return ({"attributes": found}, {"attributes": found}) if isinstance(found, dict) else None


ACTIONS = Ordinary(
    cut=cutter(_ACTIONS),
    layout=_ACTIONS,
    parts=(
        Part(_how, ("action", "outcome", "source")),
        Part(_for_whom, ("on_behalf_of",)),
        Part(_attributes, ("attributes",)),
    ),
    action_id="",
)

_OF_FACTS = (
    ("kind", "fact", "source", "end", "effect", "standing"),
    ("principal", "by"),
    ("scope",),
    ("aliases", "successor", "series", "issued_by", "correlates"),
    ("requested_by", "decided_by", "justification", "ticket", "owner"),
    ("request",),
    ("attributes",),
)
"""Fields of facts that are read together: what, who, to do what, in which row, why, on which question, the rest."""
_MOMENTS = ("valid_from", "valid_until", "grace_until")
_FACTS = Layout(
    members=(
        Member("kind", "exact", KINDS, required=True),
        Member("id", "called", required=True),
        Member("time", "time", required=True),
        Member("effect"),
        *(Member(name, "moment", called=name) for name in _MOMENTS),
        *(Member(name) for name in ("series", "principal", "by", "scope")),
        Member("cites", "list", called="cites"),
        *(
            Member(name)
            for part in _OF_FACTS
            for name in part
            if name not in ("kind", "effect", "series", "principal", "by", "scope")
        ),
    ),
    parts=_OF_FACTS,
)


def facts(read: Callable[[dict[str, Any]], AuthorityFact]) -> Ordinary:
    """Of facts, each part of which is read by `read` as a fact that says nothing else."""

    def part(names: tuple[str, ...]) -> Part:
        def of(members: _Members) -> Fields | None:
            said = dict(zip(names, members, strict=True))
            try:
                value = _NOTHING_SAID | strict_json(together(said))
                fact = read(value)
            except (RejectedEntry, msgspec.ValidationError):
                return None
            return {}, {name: getattr(fact, name) for name in names}

        return Part(of, (), names)

    return Ordinary(cut=cutter(_FACTS), layout=_FACTS, parts=tuple(map(part, _OF_FACTS)), action_id=None)


_NOTHING_SAID = {"kind": "policy", "id": "-", "time": "1970-01-01T00:00:00Z"}
