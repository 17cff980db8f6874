"""Reading inputs into a case: every entry becomes records, is skipped with a reason, or is quarantined."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import zstandard

from quowarranto.case import cutting
from quowarranto.case.columns import Located, action_table, fact_table, json_text
from quowarranto.case.cutting import Piece
from quowarranto.case.inputs import Input, open_input
from quowarranto.case.redaction import redact, redact_json
from quowarranto.case.store import Writer, write_parquet
from quowarranto.case.tables import INPUTS, OBSERVATIONS, QUARANTINE, rows_of
from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, Origin
from quowarranto.sources import SOURCES, Entry, Observation, Skipped, Source, by_name

_RANGE = 32 * 1024 * 1024
"""Bytes of a file of lines that one worker reads at a time."""
_ALONE = 24 * 1024 * 1024
"""Inputs smaller than this are read in this process: starting workers costs more than it saves."""
_COUNTS = ("entries", "recorded", "skipped", "quarantined")
_FLUSH = 100_000
"""Records that are kept before a file is written."""
_SEQUENCE_BITS = 24
_TASK_BITS = 20


class Task(msgspec.Struct, frozen=True):
    """A stretch of one input: whole, or the bytes [begin, end) of a file of lines whose first line is number `line`."""

    number: int
    input: Input
    source_name: str
    begin: int = 0
    end: int = 0
    line: int = 1


class Read(msgspec.Struct):
    """What came of a task: files written per table, and the counts that must add up."""

    task: int
    files: dict[str, list[tuple[str, int]]] = {}
    entries: int = 0
    recorded: int = 0
    skipped: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = {}
    bytes: int = 0
    newest: int | None = None


class Totals(msgspec.Struct):
    """The counts of a whole run."""

    files: int = 0
    entries: int = 0
    recorded: int = 0
    skipped: int = 0
    quarantined: int = 0
    unread: int = 0
    bytes: int = 0


def ingest(
    writer: Writer,
    inputs: list[Input],
    *,
    names: dict[str, str] | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Totals:
    """Read inputs and stage what they hold; the caller commits.

    Args:
        writer: of the case.
        inputs: recognised files; one without a source is quarantined as a whole.
        names: source names by path, where the configuration gives one; else a file's stem.
        workers: processes; default one per core.
        progress: told how many bytes more have been read.
    """
    read_at = int(time.time() * 1_000_000)
    tasks = list(_tasks(inputs, names or {}))
    results: list[Read] = []
    job = _Job(str(writer.folder), writer.number, read_at)
    total = sum(one.size for one in inputs)
    processes = workers or os.cpu_count() or 1
    if processes == 1 or total < _ALONE or len(tasks) < 2:
        for task in tasks:
            results.append(read_task(job, task))
            progress(results[-1].bytes)
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            waiting: list[Future[Read]] = [pool.submit(read_task, job, task) for task in tasks]
            for done in as_completed(waiting):
                results.append(done.result())
                progress(results[-1].bytes)
    return _stage(writer, inputs, tasks, results, read_at)


def _tasks(inputs: list[Input], names: dict[str, str]) -> Iterator[Task]:
    number = 0
    for one in inputs:
        if one.source is None:
            continue
        name = names.get(one.path, one.stem)
        if one.shape == "lines" and one.packing == "plain" and one.size > _RANGE:
            for begin, end, line in _ranges(one.path):
                yield Task(number, one, name, begin, end, line)
                number += 1
        else:
            yield Task(number, one, name)
            number += 1


def _ranges(path: str) -> Iterator[tuple[int, int, int]]:
    """Stretches of whole lines, with the number of the line that each begins with."""
    begin, line = 0, 1
    with Path(path).open("rb") as file:
        while True:
            block = file.read(_RANGE)
            if not block:
                return
            rest = b"" if block.endswith(b"\n") else file.readline()
            end = begin + len(block) + len(rest)
            yield begin, end, line
            line += block.count(b"\n") + rest.count(b"\n")
            begin = end


class _Job(msgspec.Struct, frozen=True):
    folder: str
    commit: int
    read_at: int


def read_task(job: _Job, task: Task) -> Read:
    """Read one task in this process and write its records as Parquet files of the case."""
    return _Reader(job, task).run()


class _Reader:
    def __init__(self, job: _Job, task: Task) -> None:
        source = by_name(task.input.source or "")
        if source is None:
            raise ValueError("a task without a source")
        self.job = job
        self.task = task
        self.source: Source = source
        self.read = Read(task.number)
        self.connection = duckdb.connect()
        self.actions: list[Located] = []
        self.facts: list[Located] = []
        self.observations: list[tuple[Any, ...]] = []
        self.quarantined: list[tuple[Any, ...]] = []
        self.reasons: Counter[str] = Counter()
        self.next = (job.commit << (_TASK_BITS + _SEQUENCE_BITS)) | (task.number << _SEQUENCE_BITS)

    def run(self) -> Read:
        for piece in self._pieces():
            self._entry(piece)
            if len(self.actions) + len(self.facts) >= _FLUSH:
                self._flush()
        self._flush()
        self.read.reasons = dict(self.reasons)
        return self.read

    def _pieces(self) -> Iterator[Piece]:
        wrappers = self.source.wrappers
        for piece in self._cut():
            if piece.broken is None and wrappers:
                yield from cutting.unwrap(piece, wrappers)
            else:
                yield piece

    def _cut(self) -> Iterator[Piece]:
        one, task = self.task.input, self.task
        if task.end:
            with Path(one.path).open("rb") as file:
                file.seek(task.begin)
                block = file.read(task.end - task.begin)
            self.read.bytes += len(block)
            yield from cutting.cut_lines(block, task.begin, task.line)
        elif one.shape == "lines":
            yield from self._streamed_lines()
        else:
            yield from self._whole()

    def _streamed_lines(self) -> Iterator[Piece]:
        """Lines of a file that cannot be read from the middle; memory is bounded by the longest line."""
        offset, line, rest = 0, 1, b""
        with open_input(self.task.input.path, self.task.input.packing) as file:
            while True:
                block, damage = _next_block(file)
                if block:
                    whole = rest + block if rest else block
                    cut = whole.rfind(b"\n") + 1
                    if cut:
                        part = whole[:cut]
                        yield from cutting.cut_lines(part[:-1], offset, line)
                        offset += cut
                        line += part.count(b"\n")
                    rest = whole[cut:]
                if damage is not None:
                    yield Piece(rest, offset, line, broken=damage)
                    break
                if not block:
                    if rest:
                        yield from cutting.cut_lines(rest, offset, line)
                    break
        self.read.bytes += self.task.input.size

    def _whole(self) -> Iterator[Piece]:
        one = self.task.input
        parts: list[bytes] = []
        damage = None
        with open_input(one.path, one.packing) as file:
            while True:
                block, damage = _next_block(file)
                if block:
                    parts.append(block)
                if damage is not None or not block:
                    break
        data = b"".join(parts)
        self.read.bytes += one.size
        if one.shape == "document":
            yield Piece(data, 0, 1)
        elif one.shape == "yaml":
            yield from cutting.cut_yaml(data)
        elif one.shape == "array":
            yield from cutting.cut_array(data)
        else:
            yield from cutting.cut_stream(data)
        if damage is not None:
            yield Piece(b"", len(data), 1 + data.count(b"\n"), broken=damage)

    def _entry(self, piece: Piece) -> None:
        read = self.read
        read.entries += 1
        if piece.broken is not None:
            self._quarantine(piece, piece.broken)
            return
        data = piece.data
        if data[-1:] == b"\r":
            data = data[:-1]
        if not data or data.isspace():
            read.entries -= 1  # an empty line is no entry
            return
        try:
            outcome = self.source.read(Entry(data, self.task.input.path, self.task.input.modified_at))
        except RejectedEntry as error:
            self._quarantine(piece, str(error))
            return
        if isinstance(outcome, Skipped):
            read.skipped += 1
            self.reasons[outcome.reason] += 1
            return
        read.recorded += 1
        raw = data if piece.raw is None else piece.raw
        origin = Origin(self.task.input.path, piece.line, piece.offset, hashlib.sha256(raw).hexdigest())
        for item in outcome:
            if isinstance(item, Observation):
                self._observe(item, origin)
                continue
            row = Located(redact(item), origin, item.source or self.task.source_name, self.next)
            self.next += 1
            (self.actions if isinstance(item, Action) else self.facts).append(row)

    def _observe(self, item: Observation, origin: Origin) -> None:
        self.observations.append(
            (
                self.next,
                self.source.name,
                item.name,
                item.at,
                json_text(redact_json(item.data)),
                self.task.source_name,
                origin.file,
                origin.line,
                origin.offset,
                origin.sha256,
            )
        )
        self.next += 1

    def _quarantine(self, piece: Piece, reason: str) -> None:
        self.read.quarantined += 1
        place = (self.task.input.path, piece.line, piece.offset, self.task.source_name)
        self.quarantined.append((*place, reason[:500]))

    def _flush(self) -> None:
        self._write("actions", self.actions, lambda rows: action_table(rows, self.job.read_at))
        self._write("facts", self.facts, lambda rows: fact_table(rows, self.job.read_at))
        self._write("observations", self.observations, lambda rows: rows_of(OBSERVATIONS, rows))
        self._write("quarantine", self.quarantined, lambda rows: rows_of(QUARANTINE, rows))

    def _write(self, table: str, rows: list[Any], to_table: Callable[[list[Any]], Any]) -> None:
        if not rows:
            return
        name = f"part-{self.job.commit:06d}-{self.task.number:06d}-{self.next:x}-{os.urandom(4).hex()}.parquet"
        path = Path(self.job.folder) / table / name
        write_parquet(to_table(rows), path, self.connection)
        self.read.files.setdefault(table, []).append((str(path), len(rows)))
        rows.clear()


def _next_block(file: Any) -> tuple[bytes, str | None]:
    """The next bytes, and what is wrong with the file where it cannot be read on."""
    try:
        return file.read(8 * 1024 * 1024), None
    except EOFError:
        return b"", "the compressed file ends too early"
    except (OSError, zstandard.ZstdError):
        return b"", "the compressed file is damaged"


def _stage(writer: Writer, inputs: list[Input], tasks: list[Task], results: list[Read], read_at: int) -> Totals:
    totals = Totals(files=len(inputs))
    by_path: dict[str, list[Read]] = {}
    for result in results:
        by_path.setdefault(tasks[result.task].input.path, []).append(result)
        for table, files in result.files.items():
            writer.stage(table, files)
    rows, unread = [], []
    for one in inputs:
        reads = by_path.get(one.path, [])
        if one.source is None:
            totals.unread += 1
            unread.append((one.path, 1, 0, one.stem, one.why_not or "not recognised"))
        reasons: Counter[str] = Counter()
        for read in reads:
            reasons.update(read.reasons)
        counts = [
            sum(getattr(read, name) for read in reads) for name in ("entries", "recorded", "skipped", "quarantined")
        ]
        name = next((task.source_name for task in tasks if task.input.path == one.path), one.stem)
        rows.append((one.path, name, one.source, one.size, *counts, json_text(dict(reasons)), read_at))
        totals.entries += counts[0]
        totals.recorded += counts[1]
        totals.skipped += counts[2]
        totals.quarantined += counts[3]
        totals.bytes += one.size
    _stage_rows(writer, "inputs", rows_of(INPUTS, rows), len(rows))
    if unread:
        _stage_rows(writer, "quarantine", rows_of(QUARANTINE, unread), len(unread))
    return totals


def _stage_rows(writer: Writer, table: str, rows: Any, count: int, *, replace: bool = False) -> None:
    if not count and not replace:
        return
    files = []
    if count:
        path = writer.new_file(table)
        write_parquet(rows, path)
        files.append((str(path), count))
    writer.stage(table, files, replace=replace)


def derive(writer: Writer, fresh: Iterable[str], known: str) -> int:
    """Turn all observations of the case into facts (`Source.derive`); they take the place of those derived before.

    Args:
        writer: of the case.
        fresh: paths of observation files staged in this run.
        known: SQL that reads the observations of the state before.
    Returns: how many facts there are now.
    """
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in fresh)
    scan = known + (f" UNION ALL SELECT * FROM read_parquet([{listed}])" if listed else "")
    rows = (
        duckdb.connect()
        .execute(
            f"SELECT DISTINCT ON (type, name, at_us, data) * FROM ({scan}) "
            "ORDER BY type, name, at_us, data, file, line, rec"
        )
        .fetchall()
    )
    located: list[Located] = []
    number = (writer.number << (_TASK_BITS + _SEQUENCE_BITS)) | (((1 << _TASK_BITS) - 1) << _SEQUENCE_BITS)
    for source in SOURCES:
        if source.derive is None:
            continue
        mine = [row for row in rows if row[1] == source.name]
        observed = [Observation(row[2], row[3], msgspec.json.decode(row[4])) for row in mine]
        places = {id(item): row for item, row in zip(observed, mine, strict=True)}
        for fact, item in source.derive(observed):
            row = places[id(item)]
            number += 1
            located.append(Located(redact(fact), Origin(*row[6:10]), row[5], number))
    _stage_rows(writer, "derived", fact_table(located, int(time.time() * 1_000_000)), len(located), replace=True)
    return len(located)
