"""Ordinary entries, many at a time: cut into parts, each different part read once, and put together as columns.

What `sources/entry.py` describes as `Ordinary`. A part is turned into columns by the very code that does so for whole
records (`columns.py`), once, and taken from there by every entry that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import compress
from operator import getitem
from typing import Any

import msgspec
from arro3.core import Array, DataType, Table

from quowarranto.case import cutting
from quowarranto.case.columns import (
    Located,
    action_columns,
    fact_columns,
    int_column,
    json_text,
    text_column,
    texts_column,
)
from quowarranto.case.cutting import Piece
from quowarranto.case.redaction import redact
from quowarranto.records import Action, AuthorityFact, Origin
from quowarranto.sources.entry import Cut, Ordinary, Part

_KEPT = 50_000
"""Parts of one kind that are remembered from one table to the next."""
_NOWHERE = Origin("", 0, 0, "")
BATCH = 400
"""Entries that are taken at a time: few enough that all that is cut from them stays in the processor's cache."""
_UNUSUAL = -1
_NEWLINE = re.compile(rb"\n")

_COLUMNS_OF = {
    "principal": ("principal_type", "principal_id"),
    "resource": ("resource_type", "resource_id"),
}
_FACT_COLUMNS_OF = {
    "principal": ("principal_type", "principal_id", "principal_like"),
    "request.subject": ("request_subject_type", "request_subject_id"),
    "request.action": ("request_action",),
    "request.resource": ("request_resource_type", "request_resource_id"),
    "cites": ("cites_said", "cites"),
}
"""Columns of the fields that are not one column of their own name."""

_Records = tuple[Action, AuthorityFact | None]
_encode = msgspec.json.Encoder(order="deterministic").encode


class Place(msgspec.Struct, frozen=True):
    """The input that entries come from: its path, and the name that it is shown under."""

    file: str
    source: str


class _Numbers(dict[Any, int]):
    """The different members of one part, numbered as they are met; `_UNUSUAL` for those that are not ordinary."""

    def __init__(self, part: Part, memory: dict[Any, _Records | None]) -> None:
        super().__init__()
        self._part = part
        self._memory = memory
        self.records: list[_Records] = []
        self.made: list[bool] = []
        """Whether there is a fact, by number."""

    def __missing__(self, member: Any) -> int:
        if member not in self._memory:
            if len(self._memory) >= _KEPT:
                self._memory.clear()
            self._memory[member] = _clean(self._part.read(member))
        records = self._memory[member]
        number = _UNUSUAL
        if records is not None and self.records and not (self._part.action or self._part.fact):
            number = 0
        elif records is not None:
            number = len(self.records)
            self.records.append(records)
            self.made.append(records[1] is not None)
        self[member] = number
        return number


class _Rows:
    """Columns of the records to come: what entries have for themselves, and the numbers of their parts."""

    def __init__(self, parts: int) -> None:
        self.names: list[str] = []
        self.times: list[int | None] = []
        self.stages: list[int] = []
        self.digests: list[str] = []
        self.offsets: list[int] = []
        self.lines: list[int] = []
        self.places: list[int] = []
        self.parts: list[list[int]] = [[] for _ in range(parts)]
        self.said: dict[str, list[str]] = {}

    def add(
        self,
        selected: Sequence[bool],
        cut: Cut,
        numbers: Sequence[Sequence[int]],
        digests: Sequence[str],
        offsets: Sequence[int],
        lines: Sequence[int],
        place: int,
    ) -> None:
        before = len(self.names)
        self.names += compress(cut.names, selected)
        self.times += compress(cut.times, selected)
        self.stages += compress(cut.stages, selected)
        self.digests += compress(digests, selected)
        self.offsets += compress(offsets, selected)
        self.lines += compress(lines, selected)
        self.places += [place] * (len(self.names) - before)
        for part, column in zip(self.parts, numbers, strict=True):
            part += compress(column, selected)
        for name, said in cut.said.items():
            self.said.setdefault(name, []).extend(compress(said, selected))


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


class Ordinaries:
    """Collects ordinary entries of one source until they are written."""

    def __init__(self, ordinary: Ordinary) -> None:
        self._ordinary = ordinary
        self._memory: list[dict[Any, _Records | None]] = [{} for _ in ordinary.parts]
        self.places: list[Place] = []
        self.count = 0
        self._begin()

    def _begin(self) -> None:
        self._numbers = [
            _Numbers(part, memory) for part, memory in zip(self._ordinary.parts, self._memory, strict=True)
        ]
        self._actions = _Rows(len(self._numbers))
        self._facts = _Rows(len(self._numbers))

    def __len__(self) -> int:
        return len(self._actions.names) + len(self._facts.names)

    def enter(self, place: Place) -> None:
        """What comes next is from there; `count` says how many entries were taken since."""
        self.places.append(place)
        self.count = 0

    def lines(self, block: bytes, offset: int, line: int) -> Iterator[Piece]:
        """Take the ordinary lines of a block; yield the others, as `cutting.cut_lines` would."""
        ends = [found.start() for found in _NEWLINE.finditer(block)]
        begins = [0, *[end + 1 for end in ends]]
        ends.append(len(block))
        view = memoryview(block)
        for first in range(0, len(begins), BATCH):
            starts = begins[first : first + BATCH]
            entries = [view[begin:end] for begin, end in zip(starts, ends[first:], strict=False)]
            number = line + first
            for left in self.take(entries, [offset + begin for begin in starts], range(number, number + len(starts))):
                yield from cutting.cut_lines(bytes(entries[left]), offset + starts[left], number + left)

    def take(
        self, entries: Sequence[bytes | memoryview], offsets: Sequence[int], lines: Sequence[int]
    ) -> Sequence[int]:
        """Take the ordinary ones among entries; returns which are left."""
        if not entries:
            return []
        cut = self._ordinary.cut(entries)
        ordinary = cut.ordinary
        numbers = [
            [of[member] if yes else _UNUSUAL for yes, member in zip(ordinary, members, strict=True)]
            for of, members in zip(self._numbers, cut.members, strict=True)
        ]
        taken = [_UNUSUAL not in parts for parts in zip(*numbers, strict=True)]
        kept = _last_stages(cut, taken)
        facts = [of.made for of in self._numbers]
        made = [
            yes and all(map(getitem, facts, parts))
            for yes, parts in zip(taken, zip(*numbers, strict=True), strict=True)
        ]
        digests = [
            sha256(entry).hexdigest() if action or fact else ""
            for entry, action, fact in zip(entries, kept, made, strict=True)
        ]
        place = len(self.places) - 1
        for rows, selected in ((self._actions, kept), (self._facts, made)):
            rows.add(selected, cut, numbers, digests, offsets, lines, place)
        self.count += sum(taken)
        return [number for number, yes in enumerate(taken) if not yes]

    # ---- from parts to columns ---------------------------------------------------------------------------------------

    def tables(self, first: int, read_at: int) -> tuple[Table | None, Table | None]:
        """What was taken as a table of actions and one of facts, numbered from `first` on; nothing is left."""
        actions = facts = None
        if self._actions.names:
            actions = Table.from_pydict(self._action_columns(first, read_at))
        if self._facts.names:
            facts = Table.from_pydict(self._fact_columns(first + len(self._actions.names), read_at))
        self._begin()
        return actions, facts

    def _action_columns(self, first: int, read_at: int) -> dict[str, Any]:
        rows = self._actions
        names, numbers = rows.names, rows.parts
        parts = [[records[0] for records in part.records] for part in self._numbers]
        columns = _taken(
            [action_columns([_located(one) for one in part], read_at) for part in parts],
            [part.action for part in self._ordinary.parts],
            numbers,
            _COLUMNS_OF,
        )
        columns |= self._placed(rows, first, read_at)
        columns["id"] = text_column([self._ordinary.action_id + name for name in names])
        columns["time"] = int_column(rows.times)
        columns["stage"] = Array(rows.stages, type=DataType.int8())
        columns["cites"] = texts_column(self._citations(names, numbers))
        columns["attributes"] = text_column(
            _merged(
                [[one.attributes for one in part] for part in parts],
                [part.action for part in self._ordinary.parts],
                "attributes",
                numbers,
                rows.said,
            )
        )
        return columns

    def _citations(self, names: Sequence[str], numbers: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
        """What each action cites: the fact of its own entry first."""
        citing = [place for place, part in enumerate(self._ordinary.parts) if "cites" in part.action]
        facts = [of.made for of in self._numbers]
        made = [
            self._ordinary.fact_id + name if all(map(getitem, facts, parts)) else None
            for name, parts in zip(names, zip(*numbers, strict=True), strict=True)
        ]
        out: list[tuple[str, ...]] = [() if key is None else (key,) for key in made]
        for place in citing:
            cites = [records[0].cites for records in self._numbers[place].records]
            out = [before + cites[number] for before, number in zip(out, numbers[place], strict=True)]
        return out

    def _fact_columns(self, first: int, read_at: int) -> dict[str, Any]:
        rows = self._facts
        names, numbers = rows.names, rows.parts
        none = _any_fact([numbers.records for numbers in self._numbers])
        parts = [[records[1] or none for records in part.records] for part in self._numbers]
        fields = [part.fact for part in self._ordinary.parts]
        columns = _taken(
            [fact_columns([_located(one) for one in part], read_at) for part in parts],
            fields,
            numbers,
            _FACT_COLUMNS_OF,
        )
        columns |= self._placed(rows, first, read_at)
        ids = [self._ordinary.fact_id + name for name in names]
        columns["id"] = text_column(ids)
        columns["time"] = int_column(rows.times)
        requests = _merged([[one.request or {} for one in part] for part in parts], fields, "request.", numbers, {})
        columns["request"] = text_column(requests)
        columns["digest"] = text_column(_digests(none, parts, fields, numbers, ids, rows.times, requests))
        return columns

    def _placed(self, rows: _Rows, first: int, read_at: int) -> dict[str, Any]:
        where = Array(rows.places, type=DataType.int32())
        return {
            "rec": int_column(range(first, first + len(rows.names))),
            "source": text_column([place.source for place in self.places]).take(where),
            "file": text_column([place.file for place in self.places]).take(where),
            "line": int_column(rows.lines),
            "byte_offset": int_column(rows.offsets),
            "sha256": text_column(rows.digests),
            "read_at": int_column([read_at] * len(rows.names)),
        }


def _clean(records: _Records | None) -> _Records | None:
    """A part that holds a secret is not ordinary: the entry says what was removed from it."""
    if records is None or any(one is not None and redact(one) is not one for one in records):
        return None
    return records


def _located(record: Action | AuthorityFact) -> Located:
    return Located(record, _NOWHERE, "", 0)


def _any_fact(read: list[list[_Records]]) -> AuthorityFact:
    return next(fact for records in read for _, fact in records if fact is not None)


def _taken(
    parts: list[dict[str, Any]],
    fields: list[tuple[str, ...]],
    numbers: Sequence[Sequence[int]],
    columns_of: Mapping[str, tuple[str, ...]],
) -> dict[str, Any]:
    """Every column from the part that decides it; those that none decides are the same in all parts."""
    indices = [Array(part, type=DataType.int32()) for part in numbers]
    deciding = {
        column: place
        for place, names in enumerate(fields)
        for name in names
        for column in columns_of.get(name, (name,))
    }
    return {name: parts[deciding.get(name, 0)][name].take(indices[deciding.get(name, 0)]) for name in parts[0]}


def _merged(
    values: list[list[dict[str, Any]]],
    fields: list[tuple[str, ...]],
    name: str,
    numbers: Sequence[Sequence[int]],
    said: Mapping[str, Sequence[str]],
) -> list[str | None]:
    """An object to which several parts and the entries themselves contribute, as JSON with sorted keys; None if empty.

    Each different union of parts is written once.
    """
    sharing = [place for place, names in enumerate(fields) if any(one.startswith(name) for one in names)]
    kinds: list[list[int]] = []
    different: list[list[dict[str, Any]]] = []
    for place in sharing:
        seen: dict[str, int] = {}
        kinds.append([seen.setdefault(json_text(value), len(seen)) for value in values[place]])
        different.append([msgspec.json.decode(one) for one in seen])
    known: dict[tuple[int, ...], dict[str, Any]] = {}
    texts: dict[tuple[tuple[int, ...], tuple[str, ...]], tuple[str, ...]] = {}
    own = list(zip(*said.values(), strict=True)) if said else None
    out: list[str | None] = []
    unions = zip(
        *([kind[number] for number in numbers[place]] for place, kind in zip(sharing, kinds, strict=True)), strict=True
    )
    for row, union in enumerate(unions):
        if union not in known:
            known[union] = {k: v for place, number in enumerate(union) for k, v in different[place][number].items()}
        has = tuple(name for name, value in zip(said, own[row], strict=True) if value) if own else ()
        pieces = texts.get((union, has))
        if pieces is None:
            pieces = texts[union, has] = _around(known[union], has)
        if not has:
            out.append(pieces[0] or None)
            continue
        filled = pieces[0]
        for value, piece in zip(filter(None, own[row]) if own else (), pieces[1:], strict=True):
            filled += value + piece
        out.append(filled)
    return out


_HOLE = "\ufdd0"
"""A character that stands in no text."""


def _around(value: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """The object's JSON, cut where the values of these names come; [""] for an empty object."""
    whole = value | dict.fromkeys(names, _HOLE)
    return tuple(json_text(whole).split(_HOLE)) if whole else ("",)


def _digests(
    template: AuthorityFact,
    parts: list[list[AuthorityFact]],
    fields: list[tuple[str, ...]],
    numbers: Sequence[Sequence[int]],
    ids: list[str],
    times: Sequence[int | None],
    requests: list[str | None],
) -> list[str]:
    """What `content_digest` gives: the fact as JSON, field by field, each from the part that decides it."""
    deciding = {name: place for place, names in enumerate(fields) for name in names}
    fixed = "{"
    pieces: list[Any] = []
    for name in template.__struct_fields__:
        fixed += f'"{name}":'
        if name == "id":
            pieces.append([f"{fixed}{_encode(key).decode()}" for key in ids])
        elif name == "time":
            pieces.append([f"{fixed}{at}" for at in times])
        elif name == "request":
            pieces.append([f"{fixed}{request}" for request in requests])
        elif name in deciding:
            texts = [fixed + _encode(getattr(one, name)).decode() for one in parts[deciding[name]]]
            pieces.append([texts[number] for number in numbers[deciding[name]]])
        else:
            fixed += _encode(getattr(template, name)).decode() + ","
            continue
        fixed = ","
    end = fixed.rstrip(",") + "}"
    return [sha256(("".join(row) + end).encode()).hexdigest() for row in zip(*pieces, strict=True)]
