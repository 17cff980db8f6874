"""Native actions with nothing in them that could be of any type: decoded in one step, many at a time.

They have few parts in common: who acts on what is mostly an entry's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from quowarranto.records import Principal, Resource, instants
from quowarranto.sources.entry import Cut, Fields, Ordinary, Part

Name = Annotated[str, msgspec.Meta(min_length=1)]


class Who(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A principal or a resource, as it is written."""

    type: Name
    id: Name


class PlainAction(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An action without attributes; its `id` is said."""

    kind: Literal["action"]
    id: Name
    time: str
    principal: Who
    action: str
    resource: Who
    source: str | None = None
    on_behalf_of: tuple[Who, ...] = ()
    outcome: Literal["success", "failure", "denied"] | None = None
    origin: str | None = None
    cites: tuple[Name, ...] = ()
    correlates: tuple[Name, ...] = ()


_decode = msgspec.json.Decoder(PlainAction).decode
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def plain_action(data: bytes | memoryview) -> PlainAction | None:
    """The action, if it is one and nothing about it is unusual.

    Written again it has as many bytes as were read: writing can only shorten it (repeated keys, spaces, spelled-out
    characters, nulls), so equal length means that nothing was dropped.
    """
    wire = _decoded(data)
    return wire if wire is not None and len(_encode(wire)) == len(data) else None


def principals(several: Sequence[Who]) -> tuple[Principal, ...]:
    """Of those on whose behalf something was done."""
    return tuple(Principal(who.type, who.id) for who in several) if several else ()


def cut(entries: Sequence[bytes | memoryview]) -> Cut:
    """Actions, of which all is their own but what was done and how it ended."""
    wires = list(map(_decoded, entries))
    whole = [wire is not None for wire in wires]
    found = [_NONE if wire is None else wire for wire in wires]
    written = [len(data) + 1 for data, yes in zip(entries, whole, strict=True) if yes]
    if sum(written) != len(_encode_lines([wire for wire in wires if wire is not None])):
        whole = [yes and len(_encode(wire)) == len(data) for yes, wire, data in zip(whole, found, entries, strict=True)]
    times = instants([wire.time for wire in found])
    return Cut(
        ordinary=[yes and at is not None for yes, at in zip(whole, times, strict=True)],
        names=[wire.id for wire in found],
        times=times,
        stages=[0] * len(entries),
        members=([(wire.action, wire.outcome, wire.source) for wire in found],),
        own={
            "principal": [Principal(wire.principal.type, wire.principal.id) for wire in found],
            "resource": [Resource(wire.resource.type, wire.resource.id) for wire in found],
            "on_behalf_of": [principals(wire.on_behalf_of) for wire in found],
            "origin": [wire.origin for wire in found],
            "cites": [wire.cites for wire in found],
            "correlates": [wire.correlates for wire in found],
        },
    )


_NONE = PlainAction("action", "-", "", Who("-", "-"), "", Who("-", "-"))


def _decoded(data: bytes | memoryview) -> PlainAction | None:
    try:
        return _decode(data)
    except (ValueError, RecursionError):  # a DecodeError and a UnicodeDecodeError are ValueErrors
        return None


def _how(members: tuple[str, Literal["success", "failure", "denied"] | None, str | None]) -> Fields:
    action, outcome, source = members
    return {"action": action, "outcome": outcome or "success", "source": source}, None


ORDINARY = Ordinary(cut=cut, parts=(Part(_how, ("action", "outcome", "source")),), action_id="")
