"""Rows of ordinary entries that wait to be written: what they offer, however they are kept.

Entries are taken, each different part of them is read once, and columns are made of what waits. `ordinary_listed.py`
does that in Python, `ordinary_compiled.py` in the library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
from arro3.core import Array

from quowarranto.case.cutting import Piece
from quowarranto.case.redaction import is_clean
from quowarranto.sources.entry import Fields

KEPT = 50_000
"""Parts of one kind that are remembered from one table to the next."""
UNUSUAL = -1

Memory = dict[Any, Any]
"""What was read from members before, per part of a source, and what else is kept from one collection to the next."""


class ByPart(msgspec.Struct, frozen=True):
    """Text that a part decides: by the number of its member."""

    part: int
    texts: Sequence[str]


class ByUnion(msgspec.Struct, frozen=True):
    """Text that several parts decide together: by the number that `Chosen.unite` gave them last."""

    texts: Sequence[str]


class OwnName(msgspec.Struct, frozen=True):
    """The entry's name."""


class OwnTime(msgspec.Struct, frozen=True):
    """The entry's time, as a number."""


class Said(msgspec.Struct, frozen=True):
    """What the entry says for itself, "" where it says nothing."""

    name: str


class OwnList(msgspec.Struct, frozen=True):
    """A list that the entry has for itself, as JSON."""

    name: str
    absent: str = "null"


class OwnMoment(msgspec.Struct, frozen=True):
    """A moment that the entry has for itself, as a number."""

    name: str
    absent: str = "null"


Text = str | ByPart | ByUnion | OwnName | OwnTime | Said | OwnList | OwnMoment


class Union(msgspec.Struct, frozen=True):
    """A combination of parts that occurs: `kinds` in the order they were asked for, and what such entries say."""

    kinds: tuple[int, ...]
    says: tuple[str, ...]


class Chosen(Protocol):
    """Rows of which there is an action, or of which there is a fact, in one order throughout."""

    @property
    def count(self) -> int:
        """Of rows."""

    def numbered(self, first: int) -> Array:
        """The whole numbers from `first` on."""

    def index(self, part: int) -> Array:
        """The numbers of a part's members."""

    def times(self) -> Array:
        """Microseconds."""

    def stages(self) -> Array:
        """Of requests."""

    def lines(self) -> Array:
        """Numbers of lines."""

    def offsets(self) -> Array:
        """Bytes before the entry."""

    def places(self) -> Array:
        """Numbers of the inputs that were entered."""

    def sha256(self) -> Array:
        """Digests of the entries, in hexadecimal."""

    def unite(self, asked: Sequence[tuple[int, Sequence[int]]], says: bool) -> list[Union]:
        """Number the combinations of some parts (each with the kind that its number stands for) and of what is said."""

    def texts(self, pieces: Sequence[Text], *, digested: bool = False, or_null: bool = False) -> Array:
        """A text of these pieces for every row, or its SHA-256; an empty one is null if `or_null`."""

    def own_lists(self, name: str) -> Any:
        """Lists of texts that entries have for themselves, empty where they have none."""

    def has_lists(self, name: str) -> Array:
        """Whether they have one."""

    def own_moments(self, name: str) -> Array:
        """Microseconds that entries have for themselves, or null."""

    def lists(self, own: Sequence[Text], groups: Sequence[tuple[int, Sequence[Sequence[str]]]], *, last: bool) -> Any:
        """Lists of texts: what each of some parts gives, before it (or as the `last`) a text of the pieces `own` for
        entries that make a fact."""


class Rows(Protocol):
    """What waits to be written."""

    def __len__(self) -> int:
        """Of entries."""

    def read(self, part: int) -> list[Fields]:
        """What the different members of a part say, by number."""

    def lines_left(self, block: bytes, offset: int, line: int, place: int) -> tuple[int, Iterator[Piece]]:
        """Take the ordinary lines of a block; returns how many those were, and the others."""

    def take(
        self, entries: Sequence[bytes | memoryview], offsets: Sequence[int], lines: Sequence[int], place: int
    ) -> Sequence[int]:
        """Take the ordinary ones among entries; returns which are left."""

    def chosen(self, which: int) -> Chosen:
        """The rows that make an action (0) or a fact (1)."""

    def begin(self) -> None:
        """Nothing waits any more."""


def clean_part(fields: Fields | None) -> Fields | None:
    """A part that holds a secret is not ordinary: the entry says what was removed from it."""
    return fields if fields is not None and is_clean([*fields[0].values(), *(fields[1] or {}).values()]) else None
