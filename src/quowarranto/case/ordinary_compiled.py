"""Rows of ordinary entries that wait to be written, cut and kept in machine memory (`compiled/cutter.c`).

The same as `ordinary_listed.ListedRows`, for sources that declare a layout, where the library was made.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64
from itertools import accumulate, chain
from typing import Any

from arro3.core import Array, DataType, list_array

from quowarranto.case import cutting
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
from quowarranto.case.redaction import is_clean
from quowarranto.compiled.library import (
    MOST_MEMBERS,
    MOST_MOMENTS,
    MOST_OWN,
    MOST_PARTS,
    ArrowArray,
    ArrowSchema,
    Field,
    PartOf,
    capsules,
    library,
    sha256_of_openssl,
)
from quowarranto.compiled.library import Piece as Written
from quowarranto.records.secret_shapes import HINTS
from quowarranto.sources.entry import Fields, Ordinary
from quowarranto.sources.layout import Layout, parent

_KINDS = {
    how: number
    for number, how in enumerate(
        (
            *("raw", "text", "written", "exact", "stage", "name", "time", "said"),
            *("object", "called", "own", "list", "moment"),
        )
    )
}
_TIMES, _LINES, _OFFSETS, _STAGES, _PLACES, _UNIONS, _PARTS = range(7)
_CONSTANT, _BY_PART, _BY_UNION, _OWN_NAME, _SAID, _OWN_TIME, _OWN_DIGEST, _OWN_LIST, _OWN_MOMENT = range(9)
_HINTS = "\0".join(HINTS).encode()
_NOWHERE = -1
_LONGEST = 1 << 30
"""Bytes of a block: places in it are numbers of 31 bits."""


class _Machine:
    """A cutter of the library for one layout, kept for all collections of a source in this process."""

    def __init__(self, layout: Layout, acts: bool) -> None:
        self.library = library()
        place = {member.name: number for number, member in enumerate(layout.members)}
        self.members = [
            [
                (place[name], layout.members[place[name]].how, place.get(layout.unless.get(name, ""), _NOWHERE))
                for name in part
            ]
            for part in layout.parts
        ]
        """Per part, of each member: its place in the layout, how it is read, and the place of the one beside which it
        says nothing."""
        self._fields = (Field * len(layout.members))(
            *(
                Field(
                    member.name.rpartition(".")[2].encode(),
                    _KINDS[member.how],
                    member.required,
                    place.get(parent(member), _NOWHERE),
                    "\0".join(member.values).encode(),
                    len(member.values),
                )
                for member in layout.members
            )
        )
        self._parts = (PartOf * len(layout.parts))(
            *(
                PartOf(
                    (c_int32 * MOST_MEMBERS)(*(one for one, _, _ in part)),
                    (c_int32 * MOST_MEMBERS)(*(beside for _, _, beside in part)),
                    len(part),
                )
                for part in self.members
            )
        )
        self.said = [member.called for member in layout.own("said")]
        self.own = [*self.said, *(member.called for member in layout.own("own", "list"))]
        """What entries have for themselves, in the order in which the library keeps it."""
        self.moments = [member.called for member in layout.own("moment")]
        self.handle = self.library.qw_new(
            self._fields,
            len(self._fields),
            self._parts,
            len(self._parts),
            acts,
            _HINTS,
            len(HINTS),
            int.from_bytes(os.urandom(8), "little"),
            sha256_of_openssl(),
        )
        if not self.handle:
            raise MemoryError
        weakref.finalize(self, self.library.qw_free, self.handle)
        self.read: list[list[Fields | None]] = [[] for _ in layout.parts]
        """What was read from the members of each part, by the number that the library gave them."""
        self.clean: list[bool] = []
        """The same of texts that could hold a secret."""

    def checked(self, result: int) -> int:
        """A result that is no failure."""
        if result < 0:
            raise MemoryError
        return result


class CompiledRows:
    """Rows that the library keeps."""

    def __init__(self, ordinary: Ordinary, machine: _Machine) -> None:
        self._ordinary = ordinary
        self._machine = machine
        self.begin()

    @classmethod
    def made(cls, ordinary: Ordinary, memory: Memory) -> CompiledRows | None:
        """None where it cannot be done in this way."""
        layout = ordinary.layout
        if layout is None or library() is None:
            return None
        own, moments = layout.own("said", "own", "list"), layout.own("moment")
        if len(layout.members) > MOST_MEMBERS or len(layout.parts) > MOST_PARTS:
            return None
        if len(own) > MOST_OWN or len(moments) > MOST_MOMENTS:
            return None
        if "machine" not in memory:
            memory["machine"] = _Machine(layout, ordinary.action_id is not None)
        return cls(ordinary, memory["machine"])

    def begin(self) -> None:
        machine = self._machine
        machine.library.qw_begin_anew(machine.handle)
        for part, read in enumerate(machine.read):
            if len(read) > KEPT:
                machine.library.qw_forget(machine.handle, part)
                read.clear()
        if len(machine.clean) > KEPT:
            machine.library.qw_forget(machine.handle, MOST_PARTS)
            machine.clean.clear()
        self._records: list[list[Fields]] = [[] for _ in machine.read]

    def __len__(self) -> int:
        return int(self._machine.library.qw_waiting(self._machine.handle))

    def read(self, part: int) -> list[Fields]:
        return self._records[part]

    def lines_left(self, block: bytes, offset: int, line: int, place: int) -> tuple[int, Iterator[Piece]]:
        machine = self._machine
        if len(block) > _LONGEST:
            return 0, cutting.cut_lines(block, offset, line)
        left = self._taken(machine.library.qw_scan_lines(machine.handle, block, len(block), offset, line, place), block)
        count = machine.library.qw_entries(machine.handle)
        where = [(machine.library.qw_begin(machine.handle, one), machine.library.qw_end(machine.handle, one), one)
                 for one in left]  # fmt: skip
        return count - len(left), chain.from_iterable(
            cutting.cut_lines(block[begin:end], offset + begin, line + one) for begin, end, one in where
        )

    def take(
        self, entries: Sequence[bytes | memoryview], offsets: Sequence[int], lines: Sequence[int], place: int
    ) -> Sequence[int]:
        machine, block = self._machine, b"".join(entries)
        if len(block) > _LONGEST:
            return range(len(entries))
        ends = _longs(accumulate(map(len, entries)), len(entries))
        found = machine.library.qw_scan_entries(
            machine.handle, block, ends, _longs(offsets), _longs(lines), len(entries), place
        )
        return self._taken(found, block)

    def _taken(self, fresh: int, block: bytes) -> list[int]:
        """Read the parts that were not met since `begin`, and take what is ordinary; returns which entries are left."""
        machine = self._machine
        if machine.checked(fresh):
            met = machine.library.qw_fresh(machine.handle)
            spans = machine.library.qw_fresh_spans(machine.handle)
            width = len(machine._fields)
            for one in range(fresh):
                self._meet(met[one], spans, one * width, block)
        count = machine.checked(machine.library.qw_take(machine.handle))
        return machine.library.qw_left(machine.handle)[:count] if count else []

    def _meet(self, met: Any, spans: Any, first: int, block: bytes) -> None:
        machine = self._machine
        if met.part == MOST_PARTS:
            self._look_at(met.number, block[spans[first].begin : spans[first].end])
            return
        part = self._ordinary.parts[met.part]
        read, records = machine.read[met.part], self._records[met.part]
        if met.number == len(read):
            read.append(clean_part(part.read(self._members(met.part, spans, first, block))))
        fields = read[met.number]
        if fields is None:
            machine.library.qw_assign(machine.handle, met.part, met.number, UNUSUAL, 0)
            return
        if not records or part.action or part.fact:
            records.append(fields)
        machine.library.qw_assign(machine.handle, met.part, met.number, len(records) - 1, fields[1] is not None)

    def _look_at(self, number: int, text: bytes) -> None:
        """Whether a text that could hold a secret does."""
        machine = self._machine
        if number == len(machine.clean):
            machine.clean.append(is_clean(text.decode()))
        machine.library.qw_assign(machine.handle, MOST_PARTS, number, 0 if machine.clean[number] else UNUSUAL, 0)

    def _members(self, part: int, spans: Any, first: int, block: bytes) -> tuple[Any, ...]:
        def written(place: int) -> bytes:
            return block[spans[first + place].begin : spans[first + place].end]

        found: list[bytes | str] = []
        for place, how, beside in self._machine.members[part]:
            value = b"" if beside != _NOWHERE and written(beside) else written(place)
            found.append(value if how in ("raw", "written") else value.decode())
        return tuple(found)

    def chosen(self, which: int) -> Chosen:
        return _Columns(self._machine, which)


class _Columns:
    """The rows of which there is an action, or a fact."""

    def __init__(self, machine: _Machine, which: int) -> None:
        self._machine = machine
        self._which = which
        self.count = machine.checked(machine.library.qw_choose(machine.handle, which))

    def _numbers(self, column: int) -> Array:
        machine = self._machine
        array, schema = ArrowArray(), ArrowSchema()
        machine.checked(machine.library.qw_numbers(machine.handle, self._which, column, byref(array), byref(schema)))
        return _taken_in(array, schema)

    def numbered(self, first: int) -> Array:
        machine = self._machine
        array, schema = ArrowArray(), ArrowSchema()
        machine.checked(machine.library.qw_range(machine.handle, self._which, first, byref(array), byref(schema)))
        return _taken_in(array, schema)

    def index(self, part: int) -> Array:
        return self._numbers(_PARTS + part)

    def times(self) -> Array:
        return self._numbers(_TIMES)

    def stages(self) -> Array:
        return self._numbers(_STAGES)

    def lines(self) -> Array:
        return self._numbers(_LINES)

    def offsets(self) -> Array:
        return self._numbers(_OFFSETS)

    def places(self) -> Array:
        return self._numbers(_PLACES)

    def sha256(self) -> Array:
        return self._written([Written(_OWN_DIGEST, 0, None, None)])

    def unite(self, asked: Sequence[tuple[int, Sequence[int]]], says: bool) -> list[Union]:
        machine, which = self._machine, self._which
        parts = (c_int32 * len(asked))(*(part for part, _ in asked))
        kinds: list[Any] = [(c_int32 * max(1, len(one)))(*one) for _, one in asked]
        rows = (c_int64 * max(1, self.count))()
        found = machine.checked(
            machine.library.qw_unite(
                machine.handle,
                which,
                parts,
                (POINTER(c_int32) * len(asked))(*kinds),
                len(asked),
                says,
                rows,
            )
        )
        unions = []
        for row in rows[:found]:
            has = machine.library.qw_has_at(machine.handle, which, row) if says else 0
            unions.append(
                Union(
                    tuple(one[machine.library.qw_part_at(machine.handle, which, part, row)] for part, one in asked),
                    tuple(name for place, name in enumerate(machine.said) if has >> place & 1),
                )
            )
        return unions

    def texts(self, pieces: Sequence[Text], *, digested: bool = False, or_null: bool = False) -> Array:
        return self._written([self._piece(piece) for piece in pieces], digested=digested, or_null=or_null)

    def _piece(self, piece: Text) -> Written:
        match piece:
            case ByPart(part, texts):
                return Written(_BY_PART, part, *_texts(texts))
            case ByUnion(texts):
                return Written(_BY_UNION, 0, *_texts(texts))
            case OwnName():
                return Written(_OWN_NAME, 0, None, None)
            case OwnTime():
                return Written(_OWN_TIME, 0, None, None)
            case Said(name):
                return Written(_SAID, self._machine.own.index(name), None, None)
            case OwnList(name, absent):
                return Written(_OWN_LIST, self._machine.own.index(name), *_texts([absent]))
            case OwnMoment(name, absent):
                return Written(_OWN_MOMENT, self._machine.moments.index(name), *_texts([absent]))
            case str():
                return Written(_CONSTANT, 0, *_texts([piece]))

    def _written(self, pieces: Sequence[Written], *, digested: bool = False, or_null: bool = False) -> Array:
        machine = self._machine
        array, schema = ArrowArray(), ArrowSchema()
        machine.checked(
            machine.library.qw_texts(
                machine.handle,
                self._which,
                (Written * len(pieces))(*pieces),
                len(pieces),
                digested,
                or_null,
                byref(array),
                byref(schema),
            )
        )
        return _taken_in(array, schema)

    def own_lists(self, name: str) -> Any:
        machine, number = self._machine, self._machine.own.index(name)
        offsets, offsets_schema, array, schema = ArrowArray(), ArrowSchema(), ArrowArray(), ArrowSchema()
        arrows = (byref(offsets), byref(offsets_schema), byref(array), byref(schema))
        machine.checked(machine.library.qw_own_lists(machine.handle, self._which, number, *arrows))
        return list_array(_taken_in(offsets, offsets_schema), _taken_in(array, schema))

    def has_lists(self, name: str) -> Array:
        machine, number = self._machine, self._machine.own.index(name)
        array, schema = ArrowArray(), ArrowSchema()
        machine.checked(machine.library.qw_has_lists(machine.handle, self._which, number, byref(array), byref(schema)))
        return _taken_in(array, schema).cast(DataType.bool())

    def own_moments(self, name: str) -> Array:
        machine, number = self._machine, self._machine.moments.index(name)
        array, schema = ArrowArray(), ArrowSchema()
        machine.checked(machine.library.qw_moments(machine.handle, self._which, number, byref(array), byref(schema)))
        return _taken_in(array, schema)

    def lists(self, own: Sequence[Text], groups: Sequence[tuple[int, Sequence[Sequence[str]]]], *, last: bool) -> Any:
        machine, pieces = self._machine, [self._piece(piece) for piece in own]
        texts, ends, lists = [], [], []
        for _, given in groups:
            flat, until = _texts([text for group in given for text in group])
            texts.append(flat)
            ends.append(until)
            lists.append(_longs(accumulate(map(len, given)), len(given)))
        offsets, offsets_schema, array, schema = ArrowArray(), ArrowSchema(), ArrowArray(), ArrowSchema()
        count = len(groups)
        machine.checked(
            machine.library.qw_lists(
                *(machine.handle, self._which, (Written * len(pieces))(*pieces), len(pieces), last),
                (c_int32 * count)(*(part for part, _ in groups)),
                (c_char_p * count)(*texts),
                (POINTER(c_int64) * count)(*ends),
                (POINTER(c_int64) * count)(*lists),
                *(count, byref(offsets), byref(offsets_schema), byref(array), byref(schema)),
            )
        )
        return list_array(_taken_in(offsets, offsets_schema), _taken_in(array, schema))


def _longs(values: Any, count: int | None = None) -> Any:
    """Numbers of 64 bits as the library takes them."""
    return (c_int64 * max(1, len(values) if count is None else count))(*values)


def _texts(texts: Sequence[str]) -> tuple[bytes, Any]:
    """Texts as the library takes them: one after the other, and where each ends."""
    encoded = [text.encode() for text in texts]
    return b"".join(encoded), _longs(accumulate(map(len, encoded)), len(encoded))


def _taken_in(array: ArrowArray, schema: ArrowSchema) -> Array:
    return Array.from_arrow_pycapsule(*capsules(array, schema))
