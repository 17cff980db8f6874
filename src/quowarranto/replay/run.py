"""A case replayed: backwards, against what was in force, and forwards, against a policy that never was."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

import msgspec

from quowarranto.case.store import Case, Snapshot, Writer, write_parquet, write_query
from quowarranto.case.tables import REPLAYS, scratch, table_of
from quowarranto.records import Instant
from quowarranto.replay.compare import Comparison, Tally, compare
from quowarranto.replay.decisions import decisions, last_decision, policies
from quowarranto.replay.isolated import Limits, Pool
from quowarranto.replay.language import Policy
from quowarranto.replay.languages import Language
from quowarranto.replay.planning import Planner
from quowarranto.replay.texts import Texts
from quowarranto.replay.told import seen

_PART = 200_000
"""Rows of one file of the table."""
MONTH_US = 30 * 86_400_000_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay is to look at."""

    texts: Path | None = None
    """Folder with the texts of policies (`replay/texts.py`)."""
    language: Language | None = None
    since: Instant | None = None
    until: Instant | None = None
    workers: int | None = None
    limits: Limits = Limits()


def replay_case(case: Case, asked: Asked, tally: Tally) -> Generator[Comparison, None, None]:
    """Compare every decision with what its policies say now, and keep the answers in the case when all are taken.

    They take the place of those of the replay before, apart from answers outside the time that is looked at.

    Raises:
        CaseError, ConfigError, EngineError.
    """
    with case.writing() as writer:
        before = writer.snapshot()
        outside = _outside(writer, before, asked)
        yield from _kept(writer, outside, _compared(before, asked, tally, None))


def forecast(snapshot: Snapshot, asked: Asked, candidate: tuple[Policy, ...], tally: Tally) -> Iterator[Comparison]:
    """Compare decisions with what a candidate would have said of them; nothing is kept.

    Where no time is given, it is the month before the last decision. `code` is QW601 where they differ: it is a
    difference here, not a finding.
    """
    last = last_decision(snapshot)
    if asked.since is None and asked.until is None and last is not None:
        asked = msgspec.structs.replace(asked, since=last - MONTH_US)
    return _compared(snapshot, asked, tally, candidate)


def _compared(
    snapshot: Snapshot, asked: Asked, tally: Tally, candidate: tuple[Policy, ...] | None
) -> Iterator[Comparison]:
    read = partial(seen, snapshot)
    planner = Planner(policies(snapshot), Texts(asked.texts), asked.language, candidate, read)
    with Pool(asked.workers, asked.limits) as pool:
        yield from compare(decisions(snapshot, asked.since, asked.until), planner, pool, tally)


def _outside(writer: Writer, before: Snapshot, asked: Asked) -> list[tuple[str, int]]:
    """The answers of the replay before that this one says nothing of."""
    tests = [f"time < {asked.since}"] * (asked.since is not None) + [f"time >= {asked.until}"] * (
        asked.until is not None
    )
    if not tests or not before.files("replays"):
        return []
    path = writer.new_file("replays")
    sql = f"SELECT * FROM {before.scan('replays')} WHERE {' OR '.join(tests)}"
    return [(str(path), write_query(scratch().cursor(), sql, path))]


def _kept(writer: Writer, outside: list[tuple[str, int]], comparisons: Iterator[Comparison]) -> Iterator[Comparison]:
    held: list[Comparison] = []
    written = [*outside]
    for one in comparisons:
        held.append(one)
        if len(held) >= _PART:
            written.append(_written(writer, held))
            held = []
        yield one
    if held:
        written.append(_written(writer, held))
    writer.stage("replays", written, replace=True)
    writer.commit("replayed" if writer.last.judged else "read")


_JSON = ("policies", "determining", "missing", "errors")


def _written(writer: Writer, comparisons: list[Comparison]) -> tuple[str, int]:
    known: dict[tuple[object, ...], str] = {}
    columns: dict[str, list[object]] = {}
    for name in REPLAYS:
        values = [getattr(one, name) for one in comparisons]
        columns[name] = [_as_json(value, known) for value in values] if name in _JSON else values
    path = writer.new_file("replays")
    write_parquet(table_of(REPLAYS, columns), path)
    return str(path), len(comparisons)


def _as_json(value: tuple[object, ...], known: dict[tuple[object, ...], str]) -> str:
    """Lists as JSON, as everywhere in a case; most of them are the same few."""
    if value not in known:
        known[value] = msgspec.json.encode(value).decode()
    return known[value]
