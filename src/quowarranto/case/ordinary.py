"""Ordinary entries, many at a time: cut into parts, each different part read once, and put together as columns.

What `sources/entry.py` describes as `Ordinary`. A part is turned into columns by the very code that does so for whole
records (`columns.py`), once, and taken from there by every entry that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain, compress, repeat
from typing import Any

import msgspec
from arro3.core import Array, DataType, Table
from msgspec.structs import astuple

from quowarranto.case import cutting
from quowarranto.case.columns import (
    ACTION_FIELDS,
    FACT_FIELDS,
    Column,
    action_columns,
    fact_columns,
    int_column,
    json_text,
    text_column,
    texts_column,
)
from quowarranto.case.cutting import Piece
from quowarranto.case.redaction import are_clean, is_clean
from quowarranto.records import Action, AuthorityFact
from quowarranto.sources.entry import Cut, Fields, Ordinary, Part

_KEPT = 50_000
"""Parts of one kind that are remembered from one table to the next."""
BATCH = 400
"""Entries that are taken at a time: few enough that all that is cut from them stays in the processor's cache."""
_UNUSUAL = -1
_NEWLINE = re.compile(rb"\n")
_ASKED = {
    "request.subject": ("request_subject_type", "request_subject_id"),
    "request.action": ("request_action",),
    "request.resource": ("request_resource_type", "request_resource_id"),
}
"""The columns that each part of a request decides."""
_encode = msgspec.json.Encoder(order="deterministic").encode


class Place(msgspec.Struct, frozen=True):
    """The input that entries come from: its path, and the name that it is shown under."""

    file: str
    source: str


Memory = list[dict[Any, Fields | None]]
"""Per part of a source: what was read from members before."""


def new_memory(ordinary: Ordinary) -> Memory:
    """Nothing was read yet."""
    return [{} for _ in ordinary.parts]


class _Numbers(dict[Any, int]):
    """The different members of one part, numbered as they are met; `_UNUSUAL` for those that are not ordinary."""

    def __init__(self, part: Part, memory: dict[Any, Fields | None]) -> None:
        super().__init__()
        self._part = part
        self._memory = memory
        self.records: list[Fields] = []
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
        self.own: dict[str, list[Any]] = {}

    def add(
        self,
        selected: Sequence[bool],
        cut: Cut,
        numbers: Sequence[Sequence[int]],
        entries: Sequence[bytes | memoryview],
        offsets: Sequence[int],
        lines: Sequence[int],
        place: int,
    ) -> None:
        before = len(self.names)
        self.names += compress(cut.names, selected)
        self.times += compress(cut.times, selected)
        self.stages += compress(cut.stages, selected)
        self.digests += [sha256(entry).hexdigest() for entry in compress(entries, selected)]
        self.offsets += compress(offsets, selected)
        self.lines += compress(lines, selected)
        self.places += [place] * (len(self.names) - before)
        for part, column in zip(self.parts, numbers, strict=True):
            part += compress(column, selected)
        for name, said in cut.said.items():
            self.said.setdefault(name, []).extend(compress(said, selected))
        for name, own in cut.own.items():
            self.own.setdefault(name, []).extend(compress(own, selected))

    def only(self, selected: Sequence[bool]) -> _Rows:
        """Some of them."""
        if all(selected):
            return self
        out = _Rows(len(self.parts))
        for name in ("names", "times", "stages", "digests", "offsets", "lines", "places"):
            setattr(out, name, list(compress(getattr(self, name), selected)))
        out.parts = [list(compress(part, selected)) for part in self.parts]
        out.said = {name: list(compress(said, selected)) for name, said in self.said.items()}
        out.own = {name: list(compress(own, selected)) for name, own in self.own.items()}
        return out

    def index(self, part: int) -> Array:
        """The numbers of a part as an Arrow array."""
        return Array(self.parts[part], type=DataType.int32())


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
    """Collects ordinary entries of one source until they are written.

    Args:
        ordinary: of the source.
        memory: what parts were read already, kept by the caller from one collection of this source to the next.
    """

    def __init__(self, ordinary: Ordinary, memory: Memory | None = None) -> None:
        self._ordinary = ordinary
        self._defaults = (_defaults(Action), _defaults(AuthorityFact) | {"kind": ordinary.fact_kind})
        self._memory = memory or new_memory(ordinary)
        self.places: list[Place] = []
        self.count = 0
        self._begin()

    def _begin(self) -> None:
        self._numbers = [
            _Numbers(part, memory) for part, memory in zip(self._ordinary.parts, self._memory, strict=True)
        ]
        self._rows = _Rows(len(self._numbers))
        self._acts: list[bool] = []
        """Of which rows the action is kept."""
        self._decides: list[bool] = []
        """Of which rows there is a fact."""

    def __len__(self) -> int:
        """An upper bound of the records that wait here."""
        return 2 * len(self._acts)

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
        taken = cut.ordinary
        if cut.own and not are_clean(_texts([cut.names, *cut.own.values()])):
            own = zip(cut.names, *cut.own.values(), strict=True)
            taken = [yes and is_clean(values) for yes, values in zip(taken, own, strict=True)]
        if all(taken):
            numbers = [
                list(map(of.__getitem__, members)) for of, members in zip(self._numbers, cut.members, strict=True)
            ]
        else:
            numbers = [
                [of[member] if yes else _UNUSUAL for yes, member in zip(taken, members, strict=True)]
                for of, members in zip(self._numbers, cut.members, strict=True)
            ]
        if min(map(min, numbers)) < 0:
            taken = [_UNUSUAL not in parts for parts in zip(*numbers, strict=True)]
        acts = _last_stages(cut, taken)
        decides = self._deciding(taken, numbers)
        selected = [action or fact for action, fact in zip(acts, decides, strict=True)]
        self._rows.add(selected, cut, numbers, entries, offsets, lines, len(self.places) - 1)
        self._acts += compress(acts, selected)
        self._decides += compress(decides, selected)
        self.count += sum(taken)
        return [] if all(taken) else [number for number, yes in enumerate(taken) if not yes]

    def _deciding(self, taken: Sequence[bool], numbers: Sequence[Sequence[int]]) -> Sequence[bool]:
        """Which entries make a fact: those of which every part says something of one."""
        decides = taken
        for of, column in zip(self._numbers, numbers, strict=True):
            if not all(of.made):
                decides = [yes and of.made[number] for yes, number in zip(decides, column, strict=True)]
        return decides

    # ---- from parts to columns ---------------------------------------------------------------------------------------

    def tables(self, first: int, read_at: int) -> tuple[Table | None, Table | None]:
        """What was taken as a table of actions and one of facts, numbered from `first` on; nothing is left."""
        actions = facts = None
        if any(self._acts):
            actions = _in_order(self._action_columns(first, read_at), _ACTION_COLUMNS)
        if any(self._decides):
            facts = _in_order(self._fact_columns(first + len(self._acts), read_at), _FACT_COLUMNS)
        self._begin()
        return actions, facts

    def _action_columns(self, first: int, read_at: int) -> dict[str, Any]:
        rows = self._rows.only(self._acts)
        decides = list(compress(self._decides, self._acts))
        columns = self._placed(rows, first, read_at)
        columns["id"] = text_column([self._ordinary.action_id + name for name in rows.names])
        columns["time"] = int_column(rows.times)
        columns["stage"] = Array(rows.stages, type=DataType.int8())
        if "cites" not in rows.own:
            columns["cites"] = self._citations(rows, decides)
        columns["attributes"] = text_column(_merged(self._sharing(0, "attributes"), rows, rows.said))
        for name, of in ACTION_FIELDS.items():
            if name in rows.own:
                columns |= of(rows.own[name])
            elif name not in ("id", "time", "stage", "cites", "attributes"):
                columns |= self._decided(0, name, of, rows)
        return columns

    def _decided(self, record: int, name: str, of: Column, rows: _Rows) -> dict[str, Any]:
        """Columns of a field: taken from the part that decides it, else its default throughout."""
        for place, part in enumerate(self._ordinary.parts):
            if name in (part.fact if record else part.action):
                values = self._values(place, record, name)
                return {column: array.take(rows.index(place)) for column, array in of(values).items()}
        default = of([self._defaults[record][name]])
        nowhere = Array([0] * len(rows.names), type=DataType.int32())
        return {column: array.take(nowhere) for column, array in default.items()}

    def _values(self, place: int, record: int, name: str) -> list[Any]:
        """What the members of a part say of a field, by their number."""
        return [(fields[record] or {}).get(name) for fields in self._numbers[place].records]

    def _sharing(self, record: int, prefix: str) -> list[tuple[int, list[dict[str, Any]]]]:
        """The parts that contribute to an object: their number, and by the number of each member what it adds."""
        found = []
        for place, part in enumerate(self._ordinary.parts):
            names = [name for name in (part.fact if record else part.action) if name.startswith(prefix)]
            if names:
                values = [_added(fields[record] or {}, names) for fields in self._numbers[place].records]
                found.append((place, values))
        return found

    def _citations(self, rows: _Rows, decides: Sequence[bool]) -> Any:
        """What each action cites: the fact of its own entry first."""
        prefix = self._ordinary.fact_id
        out: list[tuple[str, ...]] = [
            (prefix + name,) if yes else () for name, yes in zip(rows.names, decides, strict=True)
        ]
        for place, part in enumerate(self._ordinary.parts):
            if "cites" in part.action:
                cites = self._values(place, 0, "cites")
                out = [before + cites[number] for before, number in zip(out, rows.parts[place], strict=True)]
        return texts_column(out)

    def _fact_columns(self, first: int, read_at: int) -> dict[str, Any]:
        rows = self._rows.only(self._decides)
        columns = self._placed(rows, first, read_at)
        ids = [self._ordinary.fact_id + name for name in rows.names]
        columns["id"] = text_column(ids)
        columns["time"] = int_column(rows.times)
        requests = _merged(self._sharing(1, "request."), rows, {})
        columns["request"] = text_column(requests)
        for place, part in enumerate(self._ordinary.parts):
            for name in _ASKED.keys() & set(part.fact):
                asked = [{name.partition(".")[2]: said} for said in self._values(place, 1, name)]
                found = FACT_FIELDS["request"](asked)
                columns |= {column: found[column].take(rows.index(place)) for column in _ASKED[name]}
        for name, of in FACT_FIELDS.items():
            if name not in ("id", "time", "request"):
                columns |= self._decided(1, name, of, rows)
        columns["digest"] = text_column(self._digests(rows, ids, requests))
        return columns

    def _digests(self, rows: _Rows, ids: list[str], requests: list[str | None]) -> list[str]:
        """What `content_digest` gives: the fact as JSON, field by field, each from the part that decides it."""
        deciding = {name: place for place, part in enumerate(self._ordinary.parts) for name in part.fact}
        fixed = "{"
        pieces: list[Any] = []
        for name in AuthorityFact.__struct_fields__:
            fixed += f'"{name}":'
            if name == "id":
                pieces.append([f"{fixed}{_encode(key).decode()}" for key in ids])
            elif name == "time":
                pieces.append([f"{fixed}{at}" for at in rows.times])
            elif name == "request":
                pieces.append([f"{fixed}{request or 'null'}" for request in requests])
            elif name in deciding:
                values = self._values(deciding[name], 1, name)
                texts = [fixed + _encode(value).decode() for value in values]
                pieces.append([texts[number] for number in rows.parts[deciding[name]]])
            else:
                fixed += _encode(self._defaults[1][name]).decode() + ","
                continue
            fixed = ","
        end = fixed.rstrip(",") + "}"
        return [sha256(("".join(row) + end).encode()).hexdigest() for row in zip(*pieces, strict=True)]

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


_ACTION_COLUMNS = tuple(action_columns([], 0))
_FACT_COLUMNS = tuple(fact_columns([], 0))


def _in_order(columns: dict[str, Any], names: tuple[str, ...]) -> Table:
    """All files of a table have their columns in one order."""
    return Table.from_pydict({name: columns[name] for name in names})


def _clean(fields: Fields | None) -> Fields | None:
    """A part that holds a secret is not ordinary: the entry says what was removed from it."""
    return fields if fields is not None and is_clean([*fields[0].values(), *(fields[1] or {}).values()]) else None


def _texts(columns: Sequence[Sequence[Any]]) -> list[str]:
    """The different texts in columns of fields: texts, lists, principals and resources."""
    out: list[str] = []
    for column in columns:
        different = set(column)
        texts = [value for value in different if value.__class__ is str]
        out += texts
        if len(texts) < len(different):
            others = [value for value in different if value.__class__ is not str and value]
            lists = [value if value.__class__ is tuple else astuple(value) for value in others]
            if lists:
                out += _texts([list(chain.from_iterable(lists))])
    return out


def _defaults(record: type[msgspec.Struct]) -> dict[str, Any]:
    """What the fields of a record are where nothing is said; of those that must be said, nothing."""
    return {
        field.name: field.default_factory()
        if field.default_factory is not msgspec.NODEFAULT
        else (None if field.default is msgspec.NODEFAULT else field.default)
        for field in msgspec.structs.fields(record)
    }


def _added(fields: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """What these fields add to an object: themselves, by what stands after the dot, or their own members."""
    out: dict[str, Any] = {}
    for name in names:
        if name in fields:
            out |= {name.partition(".")[2]: fields[name]} if "." in name else fields[name]
    return out


def _merged(
    sharing: list[tuple[int, list[dict[str, Any]]]], rows: _Rows, said: Mapping[str, Sequence[str]]
) -> list[str | None]:
    """An object to which several parts and the entries themselves contribute, as JSON with sorted keys; None if empty.

    Each different union of parts is written once.
    """
    columns: list[list[int]] = []
    different: list[list[dict[str, Any]]] = []
    for place, values in sharing:
        seen: dict[str, int] = {}
        kinds = [seen.setdefault(json_text(value), len(seen)) for value in values]
        columns.append([kinds[number] for number in rows.parts[place]])
        different.append([msgspec.json.decode(one) for one in seen])
    unions = zip(*columns, strict=True) if columns else repeat((), len(rows.names))
    if not said:
        merged = _Unions(different, [])
        return [merged[union][0] or None for union in unions]
    names = list(said)
    by_presence: dict[tuple[bool, ...], _Unions] = {}
    out: list[str | None] = []
    for union, own in zip(unions, zip(*said.values(), strict=True), strict=True):
        has = tuple(map(bool, own))
        if has not in by_presence:
            by_presence[has] = _Unions(different, list(compress(names, has)))
        pieces = by_presence[has][union]
        filled = pieces[0]
        for value, piece in zip(filter(None, own), pieces[1:], strict=True):
            filled += value + piece
        out.append(filled or None)
    return out


class _Unions(dict[tuple[int, ...], tuple[str, ...]]):
    """The JSON of unions of objects, by their numbers, cut where the values of some names of the entries' own come."""

    def __init__(self, different: list[list[dict[str, Any]]], names: list[str]) -> None:
        super().__init__()
        self._different = different
        self._names = names

    def __missing__(self, union: tuple[int, ...]) -> tuple[str, ...]:
        numbered = zip(self._different, union, strict=True)
        whole = {name: value for known, number in numbered for name, value in known[number].items()}
        self[union] = pieces = _around(whole, self._names)
        return pieces


_HOLE = "\ufdd0"
"""A character that stands in no text."""


def _around(value: dict[str, Any], names: list[str]) -> tuple[str, ...]:
    """The object's JSON, cut where the values of these names come; [""] for an empty object."""
    whole = value | dict.fromkeys(names, _HOLE)
    return tuple(json_text(whole).split(_HOLE)) if whole else ("",)
