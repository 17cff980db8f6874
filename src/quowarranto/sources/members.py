"""Entries cut into their members, many at a time, with proof that nothing else is in them (`entry.Ordinary.cut`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple, fields

NOTHING = msgspec.Raw(b"")
"""The default of an optional member that is kept as it is written; that of one that is a text is ""."""


class Members:
    """Reads entries as one struct and tells which of them hold its members and nothing else.

    Args:
        wire: has a field for every member that an ordinary entry may have (`str`, a `Literal` of texts, or
            `msgspec.Raw` for what is to be read later or not at all), and forbids unknown ones.
        nothing: stands for an entry that is not even that.
    """

    def __init__(self, wire: type[msgspec.Struct], nothing: msgspec.Struct) -> None:
        self._decode = msgspec.json.Decoder(wire).decode
        self._nothing = astuple(nothing)
        self._names = [field.name for field in fields(wire)]
        self._raw = [field.type is msgspec.Raw for field in fields(wire)]
        self._around = _Around(self._names, self._raw)

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
        columns: list[Sequence[Any]] = [
            list(map(bytes, column)) if raw else column
            for raw, column in zip(self._raw, zip(*rows, strict=True), strict=True)
        ]
        present = zip(*(map(bool, column) for column in columns), strict=True)
        texts = zip(*(column for raw, column in zip(self._raw, columns, strict=True) if not raw), strict=True)
        values = zip(*(column for raw, column in zip(self._raw, columns, strict=True) if raw), strict=True)
        whole = [
            length == around + len("".join(text)) + len(b"".join(value))
            for length, around, text, value in zip(
                map(len, entries), map(self._around.__getitem__, present), texts, values, strict=True
            )
        ]
        return whole, columns


class _Around(dict[tuple[bool, ...], int]):
    """Bytes of an entry around the values of its members, by which of them it has."""

    def __init__(self, names: Sequence[str], raw: Sequence[bool]) -> None:
        super().__init__()
        self._lengths = [
            len(f'"{name}":') + (0 if as_it_is else len('""')) for name, as_it_is in zip(names, raw, strict=True)
        ]

    def __missing__(self, present: tuple[bool, ...]) -> int:
        lengths = [length for length, there in zip(self._lengths, present, strict=True) if there]
        self[present] = around = len("{}") + sum(lengths) + max(0, len(lengths) - 1) * len(",")
        return around


def together(members: dict[str, bytes | str]) -> bytes:
    """An object of these members, as JSON; texts are such as `Members` gives them, with nothing in them to escape."""
    return b"{%b}" % b",".join(
        [
            b'"%b":%b' % (name.encode(), value) if isinstance(value, bytes) else f'"{name}":"{value}"'.encode()
            for name, value in members.items()
            if value
        ]
    )
