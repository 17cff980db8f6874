"""One reader's work: entries of some inputs become records, are skipped with a reason, or are quarantined."""

from __future__ import annotations

import gc
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from arro3.core import Table

from quowarranto.case import cutting
from quowarranto.case.columns import Located, action_table, fact_table, json_text
from quowarranto.case.cutting import Piece
from quowarranto.case.cutting_csv import cut_csv
from quowarranto.case.cutting_nested import may_be, nested
from quowarranto.case.cutting_parquet import cut_parquet
from quowarranto.case.cutting_yaml import cut_yaml
from quowarranto.case.envelopes import opened
from quowarranto.case.inputs import Input
from quowarranto.case.ordinary import Alternatives, Observed, Place
from quowarranto.case.ordinary_listed import BATCH
from quowarranto.case.ordinary_rows import Memory
from quowarranto.case.redaction import redact, redact_json, redact_text
from quowarranto.case.store import write_parquet
from quowarranto.case.tables import OBSERVATIONS, QUARANTINE, rows_of
from quowarranto.case.unpacking import blocks
from quowarranto.compiled.counting import newlines
from quowarranto.errors import CaseError, RejectedEntry
from quowarranto.records import Action, Origin
from quowarranto.sources import Entry, Observation, Skipped, by_name, configured

_FLUSH = 150_000
"""Records that are kept before a file is written."""
_AT_ONCE = 256 * 1024
"""Bytes of a range that are read at a time: few enough that the processor still has them at hand when they are cut."""
_LONGEST_LINE = 512 * 1024 * 1024
"""A longer line is quarantined without being kept in memory."""
READER_FAILED = "the reader failed on it"
"""How a reason begins where an entry met a fault of its reader: that is ours to mend, and no sample may keep it."""
_TOO_MANY = "more records than one reading task can number"
SEQUENCE_BITS = 28
TASK_BITS = 18


class Stretch(msgspec.Struct, frozen=True):
    """One input, whole, or the bytes [begin, end) of a file of lines whose first line is number `line`.

    `place` is the input's place among those of the run, `source_name` what its records are shown under. A packed file
    of lines can only be unpacked from its beginning: several stretches each unpack it and read the blocks of their own
    `share`, which costs far less than reading all of it in one go.
    """

    place: int
    input: Input
    source_name: str
    begin: int = 0
    end: int = 0
    line: int = 1
    share: int = 0
    shares: int = 1


class Task(msgspec.Struct, frozen=True):
    """What one reader reads in one go: a part of a large input, or many small inputs."""

    number: int
    stretches: tuple[Stretch, ...]


class Counts(msgspec.Struct):
    """What became of the entries of one input; recorded + skipped + quarantined = entries."""

    entries: int = 0
    recorded: int = 0
    skipped: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = {}


class Read(msgspec.Struct):
    """What came of a task: files written per table as (path, rows), and counts by the input's place."""

    files: dict[str, list[tuple[str, int]]] = {}
    counts: dict[int, Counts] = {}
    bytes: int = 0


class Job(msgspec.Struct, frozen=True):
    """What all tasks of a run share: the case folder, the commit they will be part of, when it began, and what
    `quo.toml` says of sources."""

    folder: str
    commit: int
    read_at: int
    settings: dict[str, dict[str, Any]] = {}


def first_number(commit: int, task: int) -> int:
    """The number of a task's first record; numbers are unique in a case."""
    return (commit << (TASK_BITS + SEQUENCE_BITS)) | (task << SEQUENCE_BITS)


def read_task(job: Job, task: Task) -> Read:
    """Read one task in this process and write its records as Parquet files of the case.

    Raises:
        CaseError: the case cannot be written.
    """
    collecting = gc.isenabled()
    gc.disable()  # records are no cycles, and looking for some among 100,000 of them takes a third of the time
    try:
        return _Reader(job, task).run()
    finally:
        if collecting:
            gc.enable()


_memories: dict[str, Memory] = {}
"""Parts of ordinary entries that this process has read, by source: the next task meets most of them again."""


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """The engine of this process, which only writes files; one thread, since there is a reader per core already."""
    return duckdb.connect(config={"threads": 1})


def get_ready() -> None:
    """Open what the first task of this process will need; by then all is imported that it needs, too."""
    _connection()


class _Reader:
    def __init__(self, job: Job, task: Task) -> None:
        self.job = job
        self.task = task
        self.sources = configured(job.settings)
        self.read = Read()
        self.connection = _connection()
        self.actions: list[Located] = []
        self.facts: list[Located] = []
        self.staged: dict[str, int] = {}
        self.many: dict[str, Alternatives] = {}
        self.ordinaries: Alternatives | None = None
        self.observations: list[tuple[Any, ...]] = []
        self.timeless: set[tuple[str, str, str]] = set()
        self.quarantined: list[tuple[Any, ...]] = []
        self.next = first_number(job.commit, task.number)
        self.last = self.next + (1 << SEQUENCE_BITS)

    def run(self) -> Read:
        for stretch in self.task.stretches:
            self._stretch(stretch)
        self._flush()
        return self.read

    def _stretch(self, stretch: Stretch) -> None:
        source = by_name(stretch.input.source or "", self.sources)
        if source is None:
            raise ValueError("a task without a source")
        self.stretch, self.source = stretch, source
        self.counts = self.read.counts.setdefault(stretch.place, Counts())
        self.reasons: Counter[str] = Counter()
        self.ordinaries = None
        if source.ordinary and stretch.input.envelope is None:
            if source.name not in self.many:
                settings = json_text(self.job.settings.get(source.name, {}))  # they decide what parts say
                memory = _memories.setdefault(f"{source.name} {settings}", {})
                self.many[source.name] = Alternatives(source.ordinary, memory)
            self.ordinaries = self.many[source.name]
            self.ordinaries.enter(Place(stretch.input.path, stretch.source_name))
        for piece in self._pieces():
            self._entry(piece)
            if len(self.actions) + len(self.facts) + len(self.quarantined) + len(self.observations) >= _FLUSH:
                self._flush()
        if self.ordinaries is not None:
            self.counts.entries += self.ordinaries.count
            self.counts.recorded += self.ordinaries.count
        self.counts.reasons = dict(self.reasons)

    def _many(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Those of the pieces that must be looked at one by one."""
        if self.ordinaries is None:
            yield from pieces
            return
        while batch := list(islice(pieces, BATCH)):
            yield from self.ordinaries.of_pieces(batch)
            if len(self.ordinaries) >= _FLUSH:
                self._flush()

    def _lines(self, block: bytes, offset: int, line: int) -> Iterator[Piece]:
        """The lines of a block that must be looked at one by one."""
        if self.ordinaries is None:
            yield from cutting.cut_lines(block, offset, line)
            return
        yield from self.ordinaries.lines(block, offset, line)
        if len(self.ordinaries) >= _FLUSH:
            self._flush()

    # ---- from bytes to pieces ----------------------------------------------------------------------------------------

    def _pieces(self) -> Iterator[Piece]:
        wrappers, listed = self.source.wrappers, self.stretch.input.listed
        for piece in self._cut():
            if listed is not None and may_be(piece.data, listed.partition(".")[0]):
                yield from self._many(nested(piece, listed))
            elif wrappers and cutting.may_wrap(piece.data, wrappers):
                yield from self._many(cutting.unwrap(piece, wrappers))
            else:
                yield piece

    def _cut(self) -> Iterator[Piece]:
        one = self.stretch.input
        try:
            if self.stretch.end:
                yield from self._range()
            elif one.shape == "lines":
                yield from self._streamed_lines()
            else:
                yield from self._whole()
        except OSError as error:  # it was there a moment ago
            yield Piece(b"", 0, 1, broken=f"it cannot be read: {error.strerror or 'input/output error'}")

    def _range(self) -> Iterator[Piece]:
        stretch = self.stretch
        at, line = stretch.begin, stretch.line
        with stretch.input.location.open("rb") as file:
            file.seek(at)
            while block := file.read(min(_AT_ONCE, stretch.end - at)):
                if not block.endswith(b"\n"):
                    block += file.readline(stretch.end - at - len(block))
                text, mark = cutting.without_bom(block) if at == 0 else (block, 0)
                yield from self._lines(text[:-1] if text.endswith(b"\n") else text, at + mark, line)
                at += len(block)
                line += newlines(block)
        self.read.bytes += at - stretch.begin
        if at < stretch.end:
            yield Piece(b"", at, line, broken="the file became shorter while it was read")

    def _streamed_lines(self) -> Iterator[Piece]:
        """Lines of a file that cannot be read from the middle; memory is bounded by the longest line."""
        one, shares = self.stretch.input, self.stretch.shares
        offset, line, waiting, held, number = 0, 1, [], 0, 0
        too_long = False
        damage = None
        for block in blocks(one.location, one.packing):
            if isinstance(block, str):
                damage = block
                break
            cut = block.rfind(b"\n") + 1
            if not cut:
                waiting.append(block)
                held += len(block)
                if held > _LONGEST_LINE:
                    too_long = True
                    waiting = [block[:1]]
                continue
            if too_long:
                end = block.find(b"\n") + 1
                if not self.stretch.share:
                    yield Piece(b"", offset, line, broken=f"a line longer than {_LONGEST_LINE:,} bytes")
                offset, line = offset + held + end, line + 1
                part, too_long = block[end:cut], False
            else:
                part = b"".join([*waiting, block[:cut]]) if waiting else block[:cut]
            if number % shares == self.stretch.share:
                text, mark = cutting.without_bom(part) if offset == 0 else (part, 0)
                yield from self._lines(text[:-1], offset + mark, line)
            number += 1
            offset += len(part)
            line += newlines(part)
            waiting, held = ([block[cut:]], len(block) - cut) if cut < len(block) else ([], 0)
        self.read.bytes += one.size // shares
        if self.stretch.share:
            return  # what is left, and what is wrong with it, is for the first
        rest = b"".join(waiting)
        if damage is not None or too_long:
            yield Piece(rest, offset, line, broken=damage or f"a line longer than {_LONGEST_LINE:,} bytes")
        elif rest:
            text, mark = cutting.without_bom(rest) if offset == 0 else (rest, 0)
            yield from self._lines(text, offset + mark, line)

    def _whole(self) -> Iterator[Piece]:
        one = self.stretch.input
        if one.shape == "parquet" and one.packing == "plain":
            self.read.bytes += one.size
            yield from self._many(cut_parquet(one.location))
            return
        parts: list[bytes] = []
        damage = None
        for block in blocks(one.location, one.packing):
            if isinstance(block, str):
                damage = block
            else:
                parts.append(block)
        data = b"".join(parts)
        self.read.bytes += one.size
        if one.shape == "document":
            if data.strip():
                yield Piece(data, 0, 1)
        elif one.shape == "yaml":
            yield from cut_yaml(data)
        elif one.shape == "csv":
            yield from cut_csv(data, self.source.csv or "bare")
        elif one.shape == "array":
            yield from self._many(cutting.cut_array(data))
        else:
            yield from self._many(cutting.cut_stream(data))
        if damage is not None:
            yield Piece(b"", len(data), 1 + data.count(b"\n"), broken=damage)

    # ---- from pieces to records --------------------------------------------------------------------------------------

    def _entry(self, piece: Piece) -> None:
        counts, one = self.counts, self.stretch.input
        counts.entries += 1
        if piece.broken is not None:
            self._quarantine(piece, piece.broken)
            return
        if piece.nothing is not None:
            self._skip(piece.nothing)
            return
        try:
            data = piece.data if one.envelope is None else opened(piece.data, one.envelope)
            outcome = self.source.read(Entry(data, one.path, one.modified_at))
        except RejectedEntry as error:
            self._quarantine(piece, str(error))
            return
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            # a fault of the reader must not stop the run nor lose the line; a traceback could quote it
            self._quarantine(piece, f"{READER_FAILED} ({type(error).__name__}): please report this")
            return
        if isinstance(outcome, Skipped):
            self._skip(outcome.reason)
            return
        counts.recorded += 1
        raw = piece.data if piece.raw is None else piece.raw
        origin = Origin(one.path, piece.line, piece.offset, hashlib.sha256(raw).hexdigest())
        for item in outcome:
            number = self.next
            self.next = number + 1
            if isinstance(item, Observation):
                self._observe(item, origin, number)
                continue
            row = Located(item, origin, item.source or self.stretch.source_name, number)
            if not isinstance(item, Action):
                self.facts.append(row)
            elif item.stage:
                self._stage(row, item.id, item.stage)
            else:
                self.actions.append(row)
        if self.next > self.last:
            raise CaseError(_TOO_MANY, hint="split the file")

    def _stage(self, row: Located, action: str, stage: int) -> None:
        """Keep a stage of a request; an earlier one of the same request that still waits here is not kept beside it.

        Which stage counts is settled when the case is judged (SPEC 10, "folded"); this only saves writing most of those
        that cannot.
        """
        place = self.staged.get(action)
        if place is None:
            self.staged[action] = len(self.actions)
            self.actions.append(row)
            return
        before: int = self.actions[place].record.stage  # type: ignore[union-attr]
        if stage > before:
            self.actions[place] = row
        elif stage == before:
            self.actions.append(row)

    def _observe(self, item: Observation, origin: Origin, number: int) -> None:
        name, data = redact_json(item.name), json_text(redact_json(item.data))
        place = (origin.file, origin.line, origin.offset, origin.sha256)
        if item.at == 0:  # what many entries say that has no time, such as the name of their cluster, is kept once
            if (self.source.name, name, data) in self.timeless:
                return
            self.timeless.add((self.source.name, name, data))
        self.observations.append((number, self.source.name, name, item.at, data, self.stretch.source_name, *place))

    def _observed(self, source: str, observed: Sequence[Observed]) -> None:
        """Observations of ordinary entries, numbered; nothing in them had to be removed."""
        for name, at, data, shown, *place in observed:
            self.observations.append((self.next, source, name, at, data, shown, *place))
            self.next += 1

    def _skip(self, reason: str) -> None:
        self.counts.skipped += 1
        self.reasons[reason] += 1

    def _quarantine(self, piece: Piece, reason: str) -> None:
        self.counts.quarantined += 1
        place = (self.stretch.input.path, piece.line, piece.offset, self.stretch.source_name)
        self.quarantined.append((*place, redact_text(reason[:500])))

    # ---- from records to files ---------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Write all that waits, to one file per table: a file costs as much as some hundred records."""
        self.staged.clear()
        self.timeless.clear()
        read_at, waiting = self.job.read_at, dict[str, list[Table]]()
        for source, ordinaries in self.many.items():
            first, self.next = self.next, self.next + len(ordinaries)
            if self.next > self.last:
                raise CaseError(_TOO_MANY, hint="split the file")
            for actions, facts, observed in ordinaries.tables(first, read_at):
                for name, table in (("actions", actions), ("facts", facts)):
                    if table is not None:
                        waiting.setdefault(name, []).append(table)
                self._observed(source, observed)
        one_by_one: tuple[tuple[str, list[Any], Callable[[list[Any]], Table]], ...] = (
            ("actions", _redacted(self.actions), lambda rows: action_table(rows, read_at)),
            ("facts", _redacted(self.facts), lambda rows: fact_table(rows, read_at)),
            ("observations", self.observations, lambda rows: rows_of(OBSERVATIONS, rows)),
            ("quarantine", self.quarantined, lambda rows: rows_of(QUARANTINE, rows)),
        )
        for name, rows, to_table in one_by_one:
            if rows:
                waiting.setdefault(name, []).append(to_table(rows))
                rows.clear()
        for name, tables in waiting.items():
            batches = [batch for table in tables for batch in table.to_batches()]
            self._write_table(name, Table.from_batches(batches), sum(table.num_rows for table in tables))

    def _write_table(self, table: str, rows: Any, count: int) -> None:
        name = f"part-{self.job.commit:06d}-{self.task.number:06d}-{os.urandom(8).hex()}.parquet"
        path = Path(self.job.folder) / table / name
        write_parquet(rows, path, self.connection)
        self.read.files.setdefault(table, []).append((str(path), count))


def _redacted(rows: list[Located]) -> list[Located]:
    """The rows without secrets; the list itself, so that it is emptied once it is written."""
    for place, row in enumerate(rows):
        record = redact(row.record)
        if record is not row.record:
            rows[place] = Located(record, row.origin, record.source or row.source, row.rec)
    return rows
