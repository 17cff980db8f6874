"""Reading inputs into a case: the work is shared out, and what comes of it is counted and staged."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case.columns import json_text
from quowarranto.case.inputs import Input
from quowarranto.case.reading import TASK_BITS, Counts, Job, Read, Stretch, Task, get_ready, read_task
from quowarranto.case.store import Writer, write_parquet
from quowarranto.case.tables import INPUTS, QUARANTINE, rows_of
from quowarranto.compiled.counting import newlines
from quowarranto.errors import CaseError, SourceError

_RANGE = 32 * 1024 * 1024
"""Bytes of a file of lines that one worker reads at a time; small inputs are gathered to about as much."""
_LARGEST_RANGE = 128 * 1024 * 1024
"""The same where the file is so large that there is enough for every worker: the fewer files are written the better."""
_AT_ONCE = 1024 * 1024
"""Bytes that are looked through at a time for the ends of lines."""
_ALONE = 24 * 1024 * 1024
"""Less than this is read in this process: starting workers costs more than it saves."""
_GROUP = 2000
"""Inputs that one task reads at most."""
_UNPACKED = {"plain": 1, "gzip": 12, "zstd": 12, "zip": 12}
"""How much larger an input tends to be than its file."""


class Totals(msgspec.Struct):
    """The counts of a whole run; `unread` files are quarantined whole, `no_logs` are known for something else."""

    files: int = 0
    entries: int = 0
    recorded: int = 0
    skipped: int = 0
    quarantined: int = 0
    unread: int = 0
    no_logs: int = 0
    bytes: int = 0


@contextmanager
def readers(inputs: list[Input], workers: int | None = None) -> Iterator[Executor | None]:
    """Processes that read inputs, at most one per core or `workers`; None where one has nothing to share out.

    They come up while the caller goes on: it takes as long as opening a new case.
    """
    workers = workers or os.cpu_count() or 1
    processes = min(workers, _parts(inputs, workers))
    if processes < 2 or sum(map(_weight, inputs)) < _ALONE:
        yield None
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for _ in range(processes):
            pool.submit(get_ready)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def ingest(
    writer: Writer,
    inputs: list[Input],
    *,
    pool: Executor | None = None,
    names: dict[str, str] | None = None,
    settings: dict[str, dict[str, Any]] | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Totals:
    """Read inputs and stage what they hold; the caller commits.

    Args:
        writer: of the case.
        inputs: recognised files; one without a source is quarantined as a whole, unless it is no log.
        pool: of `readers`; without one this process reads.
        names: source names by path, where the configuration gives one; else a file's stem.
        settings: of sources, as `Config.sources`.
        workers: processes; default one per core.
        progress: told how many bytes more have been read.

    Raises:
        CaseError: the case cannot be written. SourceError: a reading process was killed.
    """
    job = Job(str(writer.folder), writer.number, int(time.time() * 1_000_000), settings or {})
    shown = [(names or {}).get(one.path, one.stem) for one in inputs]
    workers = workers or os.cpu_count() or 1
    counts = [Counts() for _ in inputs]
    for read in _results(job, _tasks(inputs, shown, workers), pool):
        progress(read.bytes)
        for table, files in read.files.items():
            writer.stage(table, files)
        for place, found in read.counts.items():
            _add(counts[place], found)
    return _stage(writer, inputs, shown, counts, job.read_at)


def _tasks(inputs: list[Input], names: list[str], workers: int) -> Iterator[Task]:
    number, gathered, weight = 0, list[Stretch](), 0
    for place, one in enumerate(inputs):
        if one.source is None:
            continue
        if _is_ranged(one):
            for begin, end, line in _ranges(one.location, max(_RANGE, min(_LARGEST_RANGE, one.size // (4 * workers)))):
                yield Task(number, (Stretch(place, one, names[place], begin, end, line),))
                number += 1
            continue
        if _is_shared(one, workers):
            for share in range(workers):
                yield Task(number, (Stretch(place, one, names[place], share=share, shares=workers),))
                number += 1
            continue
        gathered.append(Stretch(place, one, names[place]))
        weight += _weight(one)
        if weight >= _RANGE or len(gathered) >= _GROUP:
            yield Task(number, tuple(gathered))
            number, gathered, weight = number + 1, [], 0
    if gathered:
        yield Task(number, tuple(gathered))


def _is_ranged(one: Input) -> bool:
    """Whether it is read in stretches that begin in its middle."""
    return one.shape == "lines" and one.packing == "plain" and one.size > _RANGE


def _is_shared(one: Input, workers: int) -> bool:
    """Whether every worker unpacks it and reads a share."""
    return one.shape == "lines" and _weight(one) > _RANGE * workers and workers > 1


def _weight(one: Input) -> int:
    return one.size * _UNPACKED[one.packing]


def _ranges(path: Path, least: int) -> Iterator[tuple[int, int, int]]:
    """Stretches of whole lines of `least` bytes or more, with the number of the line that each begins with."""
    begin = at = 0
    first = line = 1
    block = bytearray(_AT_ONCE)
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            counted = 0
            while (end := block.find(b"\n", max(0, begin + least - 1 - at), size) + 1) > 0:
                line += newlines(block, counted, end)
                yield begin, at + end, first
                begin, first, counted = at + end, line, end
            line += newlines(block, counted, size)
            at += size
    if begin < at:
        yield begin, at, first


def _parts(inputs: list[Input], workers: int) -> int:
    """About how many tasks there will be, without a look into the files."""
    parts, whole = 0, list[Input]()
    for one in inputs:
        if one.source is None:
            continue
        if _is_ranged(one):
            parts += -(-one.size // _RANGE)
        elif _is_shared(one, workers):
            parts += workers
        else:
            whole.append(one)
    return parts + min(len(whole), max(-(-sum(map(_weight, whole)) // _RANGE), -(-len(whole) // _GROUP)))


def _results(job: Job, tasks: Iterator[Task], pool: Executor | None) -> Iterator[Read]:
    if pool is None:
        for task in tasks:
            yield read_task(job, _numbered(task))
        return
    try:
        # readers begin while the ends of lines are still being looked for
        waiting = [pool.submit(read_task, job, _numbered(task)) for task in tasks]
        for done in as_completed(waiting):
            yield done.result()
    except BrokenProcessPool as error:
        raise SourceError(
            "a reading process was ended from outside",
            need="enough memory for one reading process per core",
            hint="run it again with `--threads 1`; the case holds its last complete state",
        ) from error
    pool.shutdown(wait=False)  # what comes next needs the memory, not the time that leaving it takes


def _numbered(task: Task) -> Task:
    if task.number >= 1 << TASK_BITS:
        raise SourceError("too much for one run", hint="link a part of the files first, then the others")
    return task


def _add(counts: Counts, more: Counts) -> None:
    counts.entries += more.entries
    counts.recorded += more.recorded
    counts.skipped += more.skipped
    counts.quarantined += more.quarantined
    counts.reasons = dict(Counter(counts.reasons) + Counter(more.reasons))


def _stage(writer: Writer, inputs: list[Input], names: list[str], counts: list[Counts], read_at: int) -> Totals:
    totals = Totals(files=len(inputs))
    rows, unread = [], []
    for one, name, found in zip(inputs, names, counts, strict=True):
        if one.no_log:
            totals.no_logs += 1
            found.reasons = {one.why_not or "not a log": 1}
        elif one.source is None:
            totals.unread += 1
            unread.append((one.path, 1, 0, name, one.why_not or "not recognised"))
        numbers = (found.entries, found.recorded, found.skipped, found.quarantined)
        rows.append((one.path, name, one.source, one.size, *numbers, json_text(found.reasons), read_at))
        totals.entries += found.entries
        totals.recorded += found.recorded
        totals.skipped += found.skipped
        totals.quarantined += found.quarantined
        totals.bytes += one.size
    if totals.entries != totals.recorded + totals.skipped + totals.quarantined:
        raise CaseError("the counts of the lines read do not add up; please report this")
    stage_rows(writer, "inputs", rows_of(INPUTS, rows), len(rows))
    stage_rows(writer, "quarantine", rows_of(QUARANTINE, unread), len(unread))
    return totals


def stage_rows(writer: Writer, table: str, rows: Any, count: int, *, replace: bool = False) -> None:
    """Write rows as one file and stage it; without rows nothing is written, and `replace` empties the table."""
    files = []
    if count:
        path = writer.new_file(table)
        write_parquet(rows, path)
        files.append((str(path), count))
    if files or replace:
        writer.stage(table, files, replace=replace)
