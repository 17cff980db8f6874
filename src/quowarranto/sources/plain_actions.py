"""Native actions with nothing in them that could be of any type: decoded in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from quowarranto.records import Principal

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


def _decoded(data: bytes | memoryview) -> PlainAction | None:
    try:
        return _decode(data)
    except (ValueError, RecursionError):  # a DecodeError and a UnicodeDecodeError are ValueErrors
        return None
