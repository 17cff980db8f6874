"""The engine's answer for a list of records, in the shape of the plain model's, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Protocol

from quowarranto.case.columns import Located, action_table, fact_table
from quowarranto.linkage.engines import Engine
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import Clock, link
from quowarranto.records import Action, Expectation, Origin, Record, content_digest
from tests.model import Judgement


class Readable(Engine, Protocol):
    """An engine whose relations can be read."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...


def judge(
    records: Iterable[Record],
    *,
    skew_us: int = 2_000_000,
    window_us: int = 30_000_000,
    engine: DuckDB | None = None,
    numbers: Iterable[int] | None = None,
    slab: int | None = None,
    expectations: Sequence[Expectation] = (),
) -> list[Judgement]:
    """Judge with the embedded engine; one judgement per action record that counts. `numbers`: each record's `rec`;
    `slab`: how many actions are judged at a time.
    """
    rows = located(records, numbers)
    engine = engine or DuckDB(threads=1)
    take_in(engine, rows)
    return judged(engine, rows, Clock(skew_us, window_us), slab, expectations)


def located(records: Iterable[Record], numbers: Iterable[int] | None = None) -> list[Located]:
    """The records as rows of a case."""
    numbered = zip(numbers or count(1), records, strict=False)
    return [Located(record, Origin("world", n, 0, ""), "world", n) for n, record in numbered]


def take_in(engine: DuckDB, rows: list[Located]) -> None:
    """Give the embedded engine its inputs."""
    engine.connection.register("arrow_actions", action_table([row for row in rows if _acts(row)], 0))
    engine.connection.register("arrow_facts", fact_table([row for row in rows if not _acts(row)], 0))
    engine.create("actions_in", "SELECT * FROM arrow_actions")
    engine.create("facts_in", "SELECT * FROM arrow_facts")


def _acts(row: Located) -> bool:
    return isinstance(row.record, Action)


def judged(
    engine: Readable,
    rows: list[Located],
    clock: Clock,
    slab: int | None = None,
    expectations: Sequence[Expectation] = (),
) -> list[Judgement]:
    """What an engine that has its inputs, made of these rows, concludes."""
    link(engine, clock, slab=slab, expectations=expectations)
    chains: dict[int, set[tuple[str, str]]] = {}
    for rec, key, kind in engine.rows(
        "SELECT DISTINCT x.rec, n.id, n.kind FROM action_use x "
        "JOIN use_visit v ON v.use = x.use JOIN authority n ON n.a = v.node"
    ):
        chains.setdefault(rec, set()).add((key, kind))
    by_rec = {row.rec: row.record for row in rows}
    return [
        Judgement(
            action=by_rec[rec].id,
            content=content_digest(by_rec[rec]),
            verdict=verdict,
            linkage=linkage,
            basis=basis,
            method=method,
            codes=tuple(codes.split(",")) if codes else (),
            root_cause=root_cause,
            authorities=tuple(sorted(chains.get(rec, ()))),
        )
        for rec, verdict, linkage, basis, method, codes, root_cause in engine.rows(
            "SELECT rec, verdict, linkage, basis, method, codes, root_cause FROM verdict"
        )
    ]
