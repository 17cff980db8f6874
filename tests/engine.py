"""The engine's answer for a list of records, in the shape of the plain model's, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from quowarranto.case.columns import Located, action_table, fact_table
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import Clock, link
from quowarranto.records import Action, AuthorityFact, Origin, Record, content_digest
from quowarranto.records.codes import names
from tests.model import Judgement


def judge(
    records: Iterable[Record],
    *,
    skew_us: int = 2_000_000,
    window_us: int = 30_000_000,
    engine: DuckDB | None = None,
    numbers: Iterable[int] | None = None,
) -> list[Judgement]:
    """Judge with the embedded engine; one judgement per action record that counts. `numbers`: each record's `rec`."""
    numbered = zip(numbers or count(1), records, strict=False)
    rows = [Located(record, Origin("world", n, 0, ""), "world", n) for n, record in numbered]
    actions = [row for row in rows if isinstance(row.record, Action)]
    facts = [row for row in rows if isinstance(row.record, AuthorityFact)]
    engine = engine or DuckDB(threads=1)
    engine.connection.register("arrow_actions", action_table(actions, 0))
    engine.connection.register("arrow_facts", fact_table(facts, 0))
    engine.create("actions_in", "SELECT * FROM arrow_actions")
    engine.create("facts_in", "SELECT * FROM arrow_facts")
    link(engine, Clock(skew_us, window_us))
    chains: dict[int, set[tuple[str, str]]] = {}
    for rec, key, kind in engine.rows(
        "SELECT DISTINCT x.rec, n.id, n.kind FROM action_use x "
        "JOIN use_visit v ON v.use = x.use JOIN authority n ON n.a = v.node"
    ):
        chains.setdefault(rec, set()).add((key, kind))
    by_rec = {row.rec: row.record for row in actions}
    return [
        Judgement(
            action=by_rec[rec].id,
            content=content_digest(by_rec[rec]),
            verdict=verdict,
            linkage=linkage,
            basis=basis,
            method=method,
            codes=names(bits),
            root_cause=root_cause,
            authorities=tuple(sorted(chains.get(rec, ()))),
        )
        for rec, verdict, linkage, basis, method, bits, root_cause in engine.rows(
            "SELECT rec, verdict, linkage, basis, method, bits, root_cause FROM verdict"
        )
    ]
