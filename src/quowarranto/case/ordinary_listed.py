"""Rows of ordinary entries that wait to be written, cut by `Ordinary.cut` and kept in lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import chain, compress, repeat
from typing import Any

from arro3.core import Array, DataType

from quowarranto.case import cutting
from quowarranto.case.columns import int_column, json_text, text_column, texts_column
from quowarranto.case.cutting import Piece
from quowarranto.case.ordinary_rows import (
    KEPT,
    UNUSUAL,
    ByPart,
    ByUnion,
    Chosen,
    Memory,
    OwnList,
    OwnMoment,
    OwnName,
    OwnTime,
    Said,
    Text,
    Union,
    clean_part,
)
from quowarranto.case.redaction import are_clean, is_clean
from quowarranto.sources.entry import Cut, Fields, Ordinary, Part

BATCH = 400
"""Entries that are taken at a time: few enough that all that is cut from them stays in the processor's cache."""
_NEWLINE = re.compile(rb"\n")


class _Numbers(dict[Any, int]):
    """The different members of one part, numbered as they are met; `UNUSUAL` for those that are not ordinary."""

    def __init__(self, part: Part, memory: dict[Any, Fields | None]) -> None:
        super().__init__()
        self._part = part
        self._memory = memory
        self.records: list[Fields] = []
        self.made: list[bool] = []
        """Whether there is a fact, by number."""

    def __missing__(self, member: Any) -> int:
        if member not in self._memory:
            if len(self._memory) >= KEPT:
                self._memory.clear()
            self._memory[member] = clean_part(self._part.read(member))
        records = self._memory[member]
        number = UNUSUAL
        if records is not None and self.records and not (self._part.action or self._part.fact):
            number = 0
        elif records is not None:
            number = len(self.records)
            self.records.append(records)
            self.made.append(records[1] is not None)
        self[member] = number
        return number


_COLUMNS = ("names", "moments", "levels", "digests", "starts", "numbers", "inputs", "decides")


class _Columns:
    """Columns of rows, as lists."""

    def __init__(self, parts: int) -> None:
        self.names: list[str] = []
        self.moments: list[int | None] = []
        self.levels: list[int] = []
        self.digests: list[str] = []
        self.starts: list[int] = []
        self.numbers: list[int] = []
        self.inputs: list[int] = []
        self.decides: list[bool] = []
        self.parts: list[list[int]] = [[] for _ in range(parts)]
        self.said: dict[str, list[str]] = {}
        self.own: dict[str, list[Any]] = {}
        self._unions: list[int] = []

    @property
    def count(self) -> int:
        return len(self.names)

    def only(self, selected: Sequence[bool]) -> _Columns:
        """Some of them."""
        if all(selected):
            return self
        out = _Columns(len(self.parts))
        for name in _COLUMNS:
            setattr(out, name, list(compress(getattr(self, name), selected)))
        out.parts = [list(compress(part, selected)) for part in self.parts]
        out.said = {name: list(compress(said, selected)) for name, said in self.said.items()}
        out.own = {name: list(compress(own, selected)) for name, own in self.own.items()}
        return out

    def numbered(self, first: int) -> Array:
        return int_column(range(first, first + self.count))

    def index(self, part: int) -> Array:
        return Array(self.parts[part], type=DataType.int32())

    def times(self) -> Array:
        return int_column(self.moments)

    def stages(self) -> Array:
        return Array(self.levels, type=DataType.int8())

    def lines(self) -> Array:
        return int_column(self.numbers)

    def offsets(self) -> Array:
        return int_column(self.starts)

    def places(self) -> Array:
        return Array(self.inputs, type=DataType.int32())

    def sha256(self) -> Array:
        return text_column(self.digests)

    def unite(self, asked: Sequence[tuple[int, Sequence[int]]], says: bool) -> list[Union]:
        columns: list[Any] = [[kinds[number] for number in self.parts[part]] for part, kinds in asked]
        names = list(self.said) if says else []
        present = zip(*(map(bool, self.said[name]) for name in names), strict=True) if names else repeat((), self.count)
        rows = zip(zip(*columns, strict=True) if columns else repeat((), self.count), present, strict=True)
        known: dict[Any, int] = {}
        self._unions = [known.setdefault(row, len(known)) for row in rows]
        return [Union(kinds, tuple(compress(names, has))) for kinds, has in known]

    def texts(self, pieces: Sequence[Text], *, digested: bool = False, or_null: bool = False) -> Array:
        columns = [self._texts(piece) for piece in pieces]
        whole = map("".join, zip(*columns, strict=True)) if len(columns) > 1 else iter(columns[0])
        if digested:
            return text_column([sha256(text.encode()).hexdigest() for text in whole])
        return text_column([text or None for text in whole] if or_null else list(whole))

    def _texts(self, piece: Text) -> Any:
        match piece:
            case ByPart(part, texts):
                return [texts[number] for number in self.parts[part]]
            case ByUnion(texts):
                return [texts[number] for number in self._unions]
            case OwnName():
                return self.names
            case OwnTime():
                return list(map(str, self.moments))
            case Said(name):
                return self.said[name] if name in self.said else [text or "" for text in self.own[name]]
            case OwnList(name, absent):
                return [absent if one is None else json_text(one) for one in self.own[name]]
            case OwnMoment(name, absent):
                return [absent if one is None else str(one) for one in self.own[name]]
            case str():
                return [piece] * self.count

    def own_lists(self, name: str) -> Any:
        return texts_column([one or () for one in self.own[name]])

    def has_lists(self, name: str) -> Array:
        return Array([one is not None for one in self.own[name]], type=DataType.bool())

    def own_moments(self, name: str) -> Array:
        return int_column(self.own[name])

    def lists(self, own: Sequence[Text], groups: Sequence[tuple[int, Sequence[Sequence[str]]]], *, last: bool) -> Any:
        keys = map("".join, zip(*(self._texts(piece) for piece in own), strict=True))
        pairs = zip(keys, self.decides, strict=True)
        mine: list[tuple[str, ...]] = [(key,) if yes else () for key, yes in pairs]
        out = [()] * self.count if last else mine
        for part, given in groups:
            out = [before + tuple(given[number]) for before, number in zip(out, self.parts[part], strict=True)]
        if last:
            out = [before + after for before, after in zip(out, mine, strict=True)]
        return texts_column(out)


class ListedRows:
    """Rows in lists, cut by `Ordinary.cut`."""

    def __init__(self, ordinary: Ordinary, memory: Memory) -> None:
        self._ordinary = ordinary
        self._memory: list[dict[Any, Fields | None]] = memory.setdefault("members", [{} for _ in ordinary.parts])
        self.begin()

    def begin(self) -> None:
        self._numbers = [
            _Numbers(part, memory) for part, memory in zip(self._ordinary.parts, self._memory, strict=True)
        ]
        self._columns = _Columns(len(self._numbers))
        self._acts: list[bool] = []
        """Of which rows the action is kept."""

    def __len__(self) -> int:
        return len(self._acts)

    def read(self, part: int) -> list[Fields]:
        return self._numbers[part].records

    def lines_left(self, block: bytes, offset: int, line: int, place: int) -> tuple[int, Iterator[Piece]]:
        ends = [found.start() for found in _NEWLINE.finditer(block)]
        begins = [0, *[end + 1 for end in ends]]
        ends.append(len(block))
        view = memoryview(block)
        pieces: list[Iterator[Piece]] = []
        for first in range(0, len(begins), BATCH):
            starts = begins[first : first + BATCH]
            entries = [view[begin:end] for begin, end in zip(starts, ends[first:], strict=False)]
            number = line + first
            offsets = [offset + begin for begin in starts]
            pieces += [
                cutting.cut_lines(bytes(entries[left]), offset + starts[left], number + left)
                for left in self.take(entries, offsets, range(number, number + len(starts)), place)
            ]
        return len(begins) - len(pieces), chain.from_iterable(pieces)

    def take(
        self, entries: Sequence[bytes | memoryview], offsets: Sequence[int], lines: Sequence[int], place: int
    ) -> Sequence[int]:
        if not entries:
            return []
        cut = self._ordinary.cut(entries)
        taken = cut.ordinary
        if (cut.own or cut.any_names) and not are_clean(_texts([cut.names, *cut.own.values()])):
            own = zip(cut.names, *cut.own.values(), strict=True)
            taken = [yes and is_clean(values) for yes, values in zip(taken, own, strict=True)]
        if all(taken):
            numbers = [
                list(map(of.__getitem__, members)) for of, members in zip(self._numbers, cut.members, strict=True)
            ]
        else:
            numbers = [
                [of[member] if yes else UNUSUAL for yes, member in zip(taken, members, strict=True)]
                for of, members in zip(self._numbers, cut.members, strict=True)
            ]
        if min(map(min, numbers)) < 0:
            taken = [UNUSUAL not in parts for parts in zip(*numbers, strict=True)]
        acts = _last_stages(cut, taken) if self._ordinary.action_id is not None else [False] * len(taken)
        decides = self._deciding(taken, numbers)
        selected = [action or fact for action, fact in zip(acts, decides, strict=True)]
        self._add(selected, cut, numbers, entries, place)
        self._columns.starts += compress(offsets, selected)
        self._columns.numbers += compress(lines, selected)
        self._columns.decides += compress(decides, selected)
        self._acts += compress(acts, selected)
        return [] if all(taken) else [number for number, yes in enumerate(taken) if not yes]

    def _add(
        self,
        selected: Sequence[bool],
        cut: Cut,
        numbers: Sequence[Sequence[int]],
        entries: Sequence[bytes | memoryview],
        place: int,
    ) -> None:
        rows = self._columns
        before = len(rows.names)
        rows.names += compress(cut.names, selected)
        rows.moments += compress(cut.times, selected)
        rows.levels += compress(cut.stages, selected)
        rows.digests += [sha256(entry).hexdigest() for entry in compress(entries, selected)]
        rows.inputs += [place] * (len(rows.names) - before)
        for part, column in zip(rows.parts, numbers, strict=True):
            part += compress(column, selected)
        for name, said in cut.said.items():
            rows.said.setdefault(name, []).extend(compress(said, selected))
        for name, own in cut.own.items():
            rows.own.setdefault(name, []).extend(compress(own, selected))

    def _deciding(self, taken: Sequence[bool], numbers: Sequence[Sequence[int]]) -> Sequence[bool]:
        """Which entries make a fact: those of which every part says something of one."""
        decides = taken
        for of, column in zip(self._numbers, numbers, strict=True):
            if not all(of.made):
                decides = [yes and of.made[number] for yes, number in zip(decides, column, strict=True)]
        return decides

    def chosen(self, which: int) -> Chosen:
        return self._columns.only(self._columns.decides if which else self._acts)


def _last_stages(cut: Cut, taken: Sequence[bool]) -> list[bool]:
    """Which entries to keep an action of: not an earlier stage beside a later one of the same request.

    Which stage counts is settled when the case is judged (SPEC 10, "folded"); this only saves writing most others.
    """
    kept = list(taken)
    if not any(cut.stages):
        return kept
    latest: dict[str, int] = {}
    for number, (yes, name, stage) in enumerate(zip(taken, cut.names, cut.stages, strict=True)):
        if yes and stage:
            before = latest.setdefault(name, number)
            if before != number:
                if stage > cut.stages[before]:
                    kept[before] = False
                    latest[name] = number
                elif stage < cut.stages[before]:
                    kept[number] = False
    return kept


def _texts(columns: Sequence[Sequence[Any]]) -> list[str]:
    """The different texts in columns of fields: texts and lists of them."""
    out: list[str] = []
    for column in columns:
        for value in set(column):
            if value.__class__ is str:
                out.append(value)
            elif value.__class__ is tuple:
                out += value
    return out
