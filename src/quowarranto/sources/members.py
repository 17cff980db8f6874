"""Entries cut into their members, many at a time, with proof that nothing else is in them (`entry.Ordinary.cut`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple, fields

from quowarranto.records import instants
from quowarranto.sources.entry import Cut
from quowarranto.sources.layout import ANY_HEXADECIMAL, CAPITALS, NAME_LENGTH, Layout, Member

NOTHING = msgspec.Raw(b"")
"""The default of an optional member that is kept as it is written; that of one that is a text is ""."""


def cutter(layout: Layout) -> Callable[[Sequence[bytes | memoryview]], Cut]:
    """Cuts entries by a layout, in Python."""
    members = Members(_struct(layout))
    place = {member.name: number for number, member in enumerate(layout.members)}
    checked = [(place[member.name], _CHECKS[member.how], member) for member in layout.members if member.how in _CHECKS]
    names, moments, staged, said = (
        [member for member in layout.members if member.how == how] for how in ("name", "time", "stage", "said")
    )
    stages = {text: number for member in staged for number, text in enumerate(member.values)}

    def column(columns: list[Sequence[Any]], name: str) -> Sequence[Any]:
        beside = layout.unless.get(name)
        if beside is None:
            return columns[place[name]]
        pairs = zip(columns[place[beside]], columns[place[name]], strict=True)
        return [value[:0] if other else value for other, value in pairs]

    def cut(entries: Sequence[bytes | memoryview]) -> Cut:
        ordinary, columns = members.columns(entries)
        times = instants(columns[place[moments[0].name]])
        if None in times:
            ordinary = [yes and time is not None for yes, time in zip(ordinary, times, strict=True)]
        for number, check, member in checked:
            if not check(columns[number], member):
                values = columns[number]
                ordinary = [yes and check((value,), member) for yes, value in zip(ordinary, values, strict=True)]
        return Cut(
            ordinary=ordinary,
            names=columns[place[names[0].name]],
            times=times,
            stages=[stages.get(text, 0) for text in columns[place[staged[0].name]]] if staged else [0] * len(entries),
            members=tuple(list(zip(*(column(columns, name) for name in part), strict=True)) for part in layout.parts),
            said={member.called: columns[place[member.name]] for member in said},
        )

    return cut


def _struct(layout: Layout) -> type[msgspec.Struct]:
    """The wire type of an entry."""
    wire: list[Any] = []
    for member in layout.members:
        kind: Any
        nothing: Any
        if member.how in ("raw", "written"):
            kind, nothing = msgspec.Raw, NOTHING
        else:
            kind, nothing = (Literal[member.values] if member.how in ("exact", "stage") else str), ""
        wire.append((member.name, kind) if member.required else (member.name, kind, nothing))
    return msgspec.defstruct("Entry", wire, forbid_unknown_fields=True, gc=False, kw_only=True)


def _named(values: Sequence[str], member: Member) -> bool:
    return {*map(len, values)} == {NAME_LENGTH} and not "".join(values).strip(member.values[0])


def _written(values: Sequence[bytes], _: Member) -> bool:
    together = b"".join(values)
    return together.isascii() and b"\\" not in together and all(value[:1] in (b'"', b"") for value in values)


def _said(values: Sequence[str], _: Member) -> bool:
    return not "".join(values).strip(ANY_HEXADECIMAL) or all(
        not value.strip(ANY_HEXADECIMAL) or (len(value) == 16 and not value.strip(CAPITALS)) for value in values
    )


_CHECKS: dict[str, Callable[[Sequence[Any], Member], bool]] = {"name": _named, "written": _written, "said": _said}
"""Whether all of many values are as they have to be; an absent one is empty."""


class Members:
    """Reads entries as one struct and tells which of them hold its members and nothing else.

    Args:
        wire: has a field for every member that an ordinary entry may have (`str`, a `Literal` of texts, or
            `msgspec.Raw` for what is to be read later or not at all), and forbids unknown ones.
    """

    def __init__(self, wire: type[msgspec.Struct]) -> None:
        self._decode = msgspec.json.Decoder(wire).decode
        self._raw = [field.type is msgspec.Raw for field in fields(wire)]
        self._nothing = tuple(NOTHING if raw else "" for raw in self._raw)
        self._around = [
            len(f',"{field.name}":') + (0 if raw else len('""'))
            for field, raw in zip(fields(wire), self._raw, strict=True)
        ]
        """Bytes that each member takes besides its value, the comma before it included."""

    def columns(self, entries: Sequence[bytes | memoryview]) -> tuple[list[bool], list[Sequence[Any]]]:
        """Which entries are made of these members alone, and a column per field: `str`, or `bytes` for `Raw`.

        Written in the shortest way, the members of an entry have as many bytes as the entry. A member that stands
        twice, spaces between members, and characters that are spelled out make an entry longer than what is read from
        it, and nothing can make it shorter. All is done column by column: that halves the time.
        """
        rows = []
        for entry in entries:
            try:
                rows.append(astuple(self._decode(entry)))
            except (ValueError, RecursionError):  # a DecodeError and a UnicodeDecodeError are ValueErrors
                rows.append(self._nothing)
        sound = [row is not self._nothing for row in rows]
        columns: list[Sequence[Any]] = [
            list(map(bytes, column)) if raw else column
            for raw, column in zip(self._raw, zip(*rows, strict=True), strict=True)
        ]
        fixed = len("{}") - len(",")
        mixed = []
        for column, around in zip(columns, self._around, strict=True):
            if all(column):
                fixed += around
            elif any(column):
                mixed.append([around if value else 0 for value in column])
        texts = zip(*(column for raw, column in zip(self._raw, columns, strict=True) if not raw), strict=True)
        values = zip(*(column for raw, column in zip(self._raw, columns, strict=True) if raw), strict=True)
        whole = [
            yes and length == fixed + some + len("".join(text)) + len(b"".join(value))
            for yes, length, some, text, value in zip(
                sound,
                map(len, entries),
                map(sum, zip(*mixed, strict=True)) if mixed else repeat(0, len(entries)),
                texts,
                values,
                strict=True,
            )
        ]
        return whole, columns


def together(members: dict[str, bytes | str]) -> bytes:
    """An object of these members, as JSON; texts are such as `Members` gives them, with nothing in them to escape."""
    return b"{%b}" % b",".join(
        [
            b'"%b":%b' % (name.encode(), value) if isinstance(value, bytes) else f'"{name}":"{value}"'.encode()
            for name, value in members.items()
            if value
        ]
    )
