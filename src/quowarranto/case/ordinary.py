"""Ordinary entries, many at a time: cut into parts, each different part read once, and put together as columns.

What `sources/entry.py` describes as `Ordinary`. A part is turned into columns by the very code that does so for whole
records (`columns.py`), once, and taken from there by every entry that has it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from arro3.core import Array, Table

from quowarranto.case.columns import (
    ACTION_FIELDS,
    FACT_FIELDS,
    Column,
    action_columns,
    fact_columns,
    json_text,
    text_column,
)
from quowarranto.case.cutting import Piece
from quowarranto.case.ordinary_compiled import CompiledRows
from quowarranto.case.ordinary_listed import BATCH, ListedRows
from quowarranto.case.ordinary_rows import (
    ByPart,
    ByUnion,
    Chosen,
    Memory,
    OwnList,
    OwnMoment,
    OwnName,
    OwnTime,
    Rows,
    Said,
    Text,
)
from quowarranto.records import Action, AuthorityFact
from quowarranto.sources.entry import OBSERVED, Ordinary

COMPILED = True
"""Whether the compiled part is used where there is one."""
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


Observed = tuple[str, int, str, str, str, int, int, str]
"""Of an observation: name, time, data as JSON, shown source, file, line, offset, digest."""
Tables = tuple[Table | None, Table | None, list[Observed]]


class Ordinaries:
    """Collects ordinary entries of one source until they are written.

    Args:
        ordinary: of the source.
        memory: what was read already, kept by the caller from one collection of this source to the next.
    """

    def __init__(self, ordinary: Ordinary, memory: Memory | None = None) -> None:
        self._ordinary = ordinary
        self._defaults = (_defaults(Action), _defaults(AuthorityFact) | {"kind": ordinary.fact_kind})
        memory = {} if memory is None else memory
        made = CompiledRows.made(ordinary, memory) if COMPILED else None
        self._rows: Rows = ListedRows(ordinary, memory) if made is None else made
        layout = ordinary.layout
        self._acts = ordinary.action_id is not None
        self._said = sorted(one.called for one in layout.own("said")) if layout else []
        own = layout.own("own", "list", "moment") if layout else []
        self._own = {one.called: one.how for one in own}
        self._own_fields = {one.called.partition(".")[0] for one in own}
        self._found: dict[tuple[int, int, str], list[Any]] = {}
        self._many_attributes = sum("attributes" in part.fact for part in ordinary.parts) > 1
        """Of facts: united once, so such an entry's request must be decided by one part."""
        self.places: list[Place] = []
        self.count = 0

    def __len__(self) -> int:
        """An upper bound of the records that wait here."""
        return (2 if self._acts else 1) * len(self._rows)

    def enter(self, place: Place) -> None:
        """What comes next is from there; `count` says how many entries were taken since."""
        self.places.append(place)
        self.count = 0

    def lines(self, block: bytes, offset: int, line: int) -> Iterator[Piece]:
        """Take the ordinary lines of a block; yield the others, as `cutting.cut_lines` would."""
        taken, left = self._rows.lines_left(block, offset, line, len(self.places) - 1)
        self.count += taken
        yield from left

    def take(
        self, entries: Sequence[bytes | memoryview], offsets: Sequence[int], lines: Sequence[int]
    ) -> Sequence[int]:
        """Take the ordinary ones among entries; returns which are left."""
        left = self._rows.take(entries, offsets, lines, len(self.places) - 1)
        self.count += len(entries) - len(left)
        return left

    def of_pieces(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Take the ordinary ones among pieces; yield the others."""
        waiting = iter(pieces)
        while batch := list(islice(waiting, BATCH)):
            whole = [piece for piece in batch if piece.broken is None and piece.nothing is None]
            entries = (
                [piece.data for piece in whole],
                [piece.offset for piece in whole],
                [piece.line for piece in whole],
            )
            left = {id(whole[number]) for number in self.take(*entries)}
            yield from (piece for piece in batch if piece.broken is not None or piece.nothing or id(piece) in left)

    # ---- from parts to columns ---------------------------------------------------------------------------------------

    def tables(self, first: int, read_at: int) -> Tables:
        """What was taken as a table of actions and one of facts, numbered from `first` on, and as observations; nothing
        is left."""
        actions = facts = None
        observed: list[Observed] = []
        self._found.clear()
        acting = self._rows.chosen(0)
        if acting.count:
            actions = _in_order(self._action_columns(acting, first, read_at), _ACTION_COLUMNS)
        deciding = self._rows.chosen(1)
        if deciding.count:
            columns = self._fact_columns(deciding, first + (len(self._rows) if self._acts else 0), read_at)
            facts = _in_order(columns, _FACT_COLUMNS)
            observed = [
                one
                for place, part in enumerate(self._ordinary.parts)
                if OBSERVED in part.fact
                for one in self._observed(deciding, self._values(place, 1, OBSERVED), deciding.index(place))
            ]
        self._rows.begin()
        return actions, facts, observed

    def _observed(self, rows: Chosen, seen: list[Any], numbers: Array) -> Iterator[Observed]:
        """Observations of those rows whose part makes some, each with the origin of its entry."""
        texts = [[(name, json_text(data)) for name, data in one or ()] for one in seen]
        if not any(texts):
            return
        places = [self.places[number] for number in rows.places().to_pylist()]
        where = zip(
            *(numbers.to_pylist(), places, rows.times().to_pylist(), rows.lines().to_pylist()),
            *(rows.offsets().to_pylist(), rows.sha256().to_pylist()),
            strict=True,
        )
        for number, place, at, line, offset, digest in where:
            for name, data in texts[number]:
                yield name, at, data, place.source, place.file, line, offset, digest

    def _action_columns(self, rows: Chosen, first: int, read_at: int) -> dict[str, Any]:
        columns = self._placed(rows, first, read_at)
        columns["id"] = rows.texts(self._key(0))
        columns["stage"] = rows.stages()
        columns |= self._own_columns(rows)
        if "cites" not in self._own_fields:
            groups = [
                (place, self._values(place, 0, "cites"))
                for place, part in enumerate(self._ordinary.parts)
                if "cites" in part.action
            ]
            columns["cites"] = rows.lists(self._key(1), groups, last=self._ordinary.cited_last)
        columns["attributes"] = rows.texts(self._merged(rows, 0, "attributes"), or_null=True)
        for name, of in ACTION_FIELDS.items():
            if name not in self._own_fields and name not in ("id", "time", "stage", "cites", "attributes"):
                columns |= self._decided(0, name, of, rows)
        return columns

    def _key(self, record: int) -> list[Text]:
        """What the id of the action (0) or the fact (1) is made of."""
        one = self._ordinary
        decided: list[Text] = [
            ByPart(place, [text or "" for text in self._values(place, record, "id")])
            for place, part in enumerate(one.parts)
            if "id" in (part.fact if record else part.action)
        ]
        return [one.fact_id if record else one.action_id or "", *decided, OwnName(), one.fact_tail if record else ""]

    def _own_columns(self, rows: Chosen) -> dict[str, Any]:
        """Columns of fields that entries have for themselves."""
        columns: dict[str, Any] = {}
        for name, how in self._own.items():
            if how == "own":
                columns[name.replace(".", "_")] = rows.texts([Said(name)], or_null=True)
            elif how == "moment":
                columns[name] = rows.own_moments(name)
            else:
                columns[name] = rows.own_lists(name)
                if name == "cites" and not self._acts:
                    columns["cites_said"] = rows.has_lists(name)
        return columns

    def _decided(self, record: int, name: str, of: Column, rows: Chosen) -> dict[str, Any]:
        """Columns of a field: taken from the part that decides it, else its default throughout."""
        for place, part in enumerate(self._ordinary.parts):
            if name in (part.fact if record else part.action):
                values = self._values(place, record, name)
                if values.count(None) == len(values):
                    return _throughout(of([None]), rows)
                index = rows.index(place)
                return {name: column.take(index) for name, column in of(values).items()}
        return _throughout(of([self._defaults[record][name]]), rows)

    def _values(self, place: int, record: int, name: str) -> list[Any]:
        """What the members of a part say of a field, by their number."""
        found = self._found.get((place, record, name))
        if found is None:
            found = [(fields[record] or _NO_FIELDS).get(name) for fields in self._rows.read(place)]
            self._found[place, record, name] = found
        return found

    def _merged(self, rows: Chosen, record: int, prefix: str) -> list[Text]:
        """An object to which several parts and, of an action, the entries themselves contribute: as pieces of JSON
        with sorted keys, all empty where nothing is said.

        Each different union of parts is written once.
        """
        asked: list[tuple[int, list[int]]] = []
        different: list[list[dict[str, Any]]] = []
        for place, part in enumerate(self._ordinary.parts):
            names = [name for name in (part.fact if record else part.action) if name.startswith(prefix)]
            if names:
                values = [_added(fields[record] or {}, names) for fields in self._rows.read(place)]
                seen: dict[str, int] = {}
                asked.append((place, [seen.setdefault(json_text(value), len(seen)) for value in values]))
                different.append([msgspec.json.decode(one) for one in seen])
        said = [] if record else self._said
        if len(asked) == 1 and not said:
            ((place, kinds),) = asked
            texts = [json_text(one) if one else "" for one in different[0]]
            return [ByPart(place, [texts[kind] for kind in kinds])]
        around = []
        for union in rows.unite(asked, bool(said)):
            numbered = zip(different, union.kinds, strict=True)
            whole = {name: value for known, number in numbered for name, value in known[number].items()}
            around.append(_around(whole, said, union.says))
        pieces: list[Text] = [ByUnion([texts[0] for texts in around])]
        for place, name in enumerate(said, 1):
            pieces += [Said(name), ByUnion([texts[place] for texts in around])]
        return pieces

    def _fact_columns(self, rows: Chosen, first: int, read_at: int) -> dict[str, Any]:
        columns = self._placed(rows, first, read_at)
        columns["id"] = rows.texts(self._key(1))
        asked = [name for part in self._ordinary.parts for name in part.fact if name.startswith("request.")]
        request = self._merged(rows, 1, "request.") if asked else []
        if asked:
            columns["request"] = rows.texts(request, or_null=True)
        attributes = self._merged(rows, 1, "attributes") if self._many_attributes else []
        if attributes:
            columns["attributes"] = rows.texts(attributes, or_null=True)
        columns["digest"] = rows.texts(self._content(request, attributes), digested=True)
        if not self._acts:
            columns |= self._own_columns(rows)
        for place, part in enumerate(self._ordinary.parts):
            for name in _ASKED.keys() & set(part.fact):
                asking = [{name.partition(".")[2]: said} for said in self._values(place, 1, name)]
                found, index = FACT_FIELDS["request"](asking), rows.index(place)
                columns |= {column: found[column].take(index) for column in _ASKED[name]}
        for name, of in FACT_FIELDS.items():
            own = not self._acts and name in self._own_fields
            apart = (name == "request" and asked) or (name == "attributes" and attributes)
            if not own and not apart and name not in ("id", "time"):
                columns |= self._decided(1, name, of, rows)
        return columns

    def _content(self, request: list[Text], attributes: list[Text]) -> list[Text]:
        """What `content_digest` digests: the fact as JSON, field by field, each from the part that decides it."""
        deciding = {name: place for place, part in enumerate(self._ordinary.parts) for name in part.fact}
        pieces: list[Text] = ["{"]
        for name in AuthorityFact.__struct_fields__:
            said = f'"{name}":'
            if name == "id":
                pieces += [f'{said}"', *self._key(1), '",']
            elif name == "time":
                pieces += [said, OwnTime(), ","]
            elif name == "request" and request:
                pieces.append(_each_text(request, partial(_field, said, "null")))
            elif name == "attributes" and attributes:
                pieces.append(_each_text(attributes, partial(_field, said, "{}")))
            elif not self._acts and name in self._own:
                moment = self._own[name] == "moment"
                absent = _encode(self._defaults[1][name]).decode()
                pieces += [said, OwnMoment(name) if moment else OwnList(name, absent), ","]
            elif name in deciding:
                values = self._values(deciding[name], 1, name)
                if values.count(None) == len(values):
                    pieces.append(f"{said}null,")
                else:
                    pieces.append(ByPart(deciding[name], [f"{said}{_encode(value).decode()}," for value in values]))
            else:
                pieces.append(f"{said}{_encode(self._defaults[1][name]).decode()},")
        last = pieces.pop()
        if isinstance(last, str):
            return [*pieces, last.rstrip(",") + "}"]
        return [*pieces, _each_text([last], lambda text: text.removesuffix(",") + "}")]

    def _placed(self, rows: Chosen, first: int, read_at: int) -> dict[str, Any]:
        where = rows.places()
        return {
            "rec": rows.numbered(first),
            "source": text_column([place.source for place in self.places]).take(where),
            "file": text_column([place.file for place in self.places]).take(where),
            "line": rows.lines(),
            "byte_offset": rows.offsets(),
            "sha256": rows.sha256(),
            "read_at": Array.from_buffer(array("q", [read_at]) * rows.count),
            "time": rows.times(),
        }


class Alternatives:
    """The kinds of ordinary entries that a source has: each takes of what those before it leave.

    Args:
        ordinary: of the source.
        memory: as for `Ordinaries`, per kind.
    """

    def __init__(self, ordinary: Sequence[Ordinary], memory: Memory) -> None:
        self._kinds = [Ordinaries(one, memory.setdefault(place, {})) for place, one in enumerate(ordinary)]

    def __len__(self) -> int:
        """An upper bound of the records that wait here."""
        return sum(map(len, self._kinds))

    @property
    def count(self) -> int:
        """How many entries were taken since `enter`."""
        return sum(one.count for one in self._kinds)

    def enter(self, place: Place) -> None:
        """What comes next is from there."""
        for one in self._kinds:
            one.enter(place)

    def lines(self, block: bytes, offset: int, line: int) -> Iterator[Piece]:
        """Take the ordinary lines of a block; yield the others, as `cutting.cut_lines` would."""
        left = self._kinds[0].lines(block, offset, line)
        for one in self._kinds[1:]:
            left = one.of_pieces(left)
        return left

    def of_pieces(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Take the ordinary ones among pieces; yield the others."""
        left = iter(pieces)
        for one in self._kinds:
            left = one.of_pieces(left)
        return left

    def tables(self, first: int, read_at: int) -> Iterator[Tables]:
        """What was taken, as tables of actions and of facts, numbered from `first` on, and as observations; nothing is
        left."""
        for one in self._kinds:
            more = len(one)
            yield one.tables(first, read_at)
            first += more


_ACTION_COLUMNS = tuple(action_columns([], 0))
_FACT_COLUMNS = tuple(fact_columns([], 0))


def _in_order(columns: dict[str, Any], names: tuple[str, ...]) -> Table:
    """All files of a table have their columns in one order."""
    return Table.from_pydict({name: columns[name] for name in names})


def _field(said: str, absent: str, text: str) -> str:
    return f"{said}{text or absent},"


def _each_text(pieces: Sequence[Text], change: Callable[[str], str]) -> Text:
    """The one piece that these are, of different texts, with each of them changed."""
    (piece,) = pieces
    assert isinstance(piece, (ByPart, ByUnion))
    return msgspec.structs.replace(piece, texts=[change(text) for text in piece.texts])


def _throughout(one: dict[str, Any], rows: Chosen) -> dict[str, Any]:
    """Columns of one row, repeated for all."""
    nowhere = Array.from_buffer(array("i", [0]) * rows.count)
    return {name: column.take(nowhere) for name, column in one.items()}


_NO_FIELDS: dict[str, Any] = {}


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


_HOLE = "\ufdd0"
"""A character that stands in no text."""


def _around(value: dict[str, Any], said: Sequence[str], says: Sequence[str]) -> list[str]:
    """The object's JSON, cut where the values of `said` come; of these it has those in `says`, the others are empty."""
    whole = value | dict.fromkeys(says, _HOLE)
    pieces = iter(json_text(whole).split(_HOLE) if whole else [""])
    return [next(pieces), *(next(pieces) if name in says else "" for name in said)]
