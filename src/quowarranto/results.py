"""Verdicts, chains and findings from the engine into the tables of the case."""

from __future__ import annotations

from pathlib import Path
from string import Template

from quowarranto.case.store import Writer, parquet_rows
from quowarranto.case.tables import TABLES
from quowarranto.linkage.engines import Engine
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.records.codes import CODES

NUMBERS = 1 << 40
"""Chains, authorities and findings are numbered within a run; one that adds to others lifts its numbers by its own."""

STREAMS = {"verdict": "verdicts", "action_use": "steps", "fault": "faults"}
"""Results whose relations have the columns of their tables: an engine may write them slab by slab (`Engine.stream`)."""

_RESULTS: dict[str, str] = {
    **{table: f"SELECT *, NULL AS run FROM {relation}" for relation, table in STREAMS.items()},
    "chains": """
        SELECT v.use, v.node, v.kind, v.term, v.at_us, v.depth, c.codes, v.lent
        FROM use_visit v JOIN code_text c ON c.bits = v.bits""",
    "parents": "SELECT use, node, parent FROM use_parent",
    "authorities": "SELECT a, id, kind FROM authority",
    "keys": "SELECT key, a FROM key_of",
    "terms": """
        SELECT s.a, s.term, s.start_us, s.end_us, t.ended_by, t.grace_us, s.decided_us, s.kind = 'decision' AS point,
               s.principal_type, s.principal_id, s.by_type, s.by_id, s.effect, s.scope, s.issued_by, s.requested_by,
               s.justification, s.ticket, s.owner
        FROM says s LEFT JOIN term t ON t.term = s.term""",
    "findings": """
        SELECT f.finding, f.code, s.severity, n.id AS key, n.kind, p.type AS principal_type, p.id AS principal_id,
               f.actions AS count, f.first_us, f.last_us
        FROM finding f JOIN severity_of s ON s.code = f.code
        LEFT JOIN authority n ON n.a = f.a LEFT JOIN principal p ON p.p = f.p""",
    "samples": "SELECT finding, rec, nth, action FROM sample",
}

TABLES_OF_RESULTS = tuple(_RESULTS)


def queries(engine: Engine) -> dict[str, str]:
    """The query of every table of results that is not written yet, over the relations of an engine that has linked.

    Columns and types are those of `TABLES` on every engine.
    """
    name_severities(engine)
    written = {STREAMS[relation] for relation in engine.streamed}
    return {table: _typed(table, sql) for table, sql in _RESULTS.items() if table not in written}


_PART: dict[str, str] = {
    "verdicts": "SELECT v.*, $run AS run FROM verdict v WHERE v.rec IN (SELECT rec FROM mine)",
    "steps": """
        SELECT v.rec, v.use + $base AS use, v.how, v.under + $base AS under, $run AS run
        FROM action_use v WHERE v.rec IN (SELECT rec FROM mine)""",
    "faults": """
        SELECT v.rec, v.code, v.a + $base AS a, v.time, v.about, $run AS run
        FROM fault v WHERE v.rec IN (SELECT rec FROM mine)""",
    "chains": "SELECT * REPLACE (use + $base AS use, node + $base AS node) FROM ($whole) v WHERE use IN ($uses)",
    "parents": """
        SELECT use + $base AS use, node + $base AS node, parent + $base AS parent
        FROM ($whole) v WHERE use IN ($uses)""",
    **dict.fromkeys(
        ("authorities", "keys", "terms"), "SELECT * REPLACE (a + $base AS a) FROM ($whole) v WHERE a IN ($nodes)"
    ),
}
"""The results of the actions in `mine`, with lifted numbers."""


def save_part(engine: DuckDB, writer: Writer, folder: Path) -> None:
    """Write what the engine concludes of the actions in its relation `mine`, beside the results of the runs before.

    Findings are another matter: they are folded over all runs (revision/folding.py).
    """
    uses = "SELECT use FROM action_use WHERE rec IN (SELECT rec FROM mine)"
    engine.create("mine_use", f"SELECT DISTINCT use FROM ({uses}) u")
    engine.create("mine_node", "SELECT DISTINCT node AS a FROM use_visit WHERE use IN (SELECT use FROM mine_use)")
    values = {
        "run": str(writer.number),
        "base": str(writer.number * NUMBERS),
        "uses": "SELECT use FROM mine_use",
        "nodes": "SELECT a FROM mine_node",
    }
    for table, sql in _PART.items():
        text = Template(sql).substitute(values, whole=_RESULTS[table])
        stage_query(engine, writer, folder, table, text)


def stage_query(engine: Engine, writer: Writer, folder: Path, table: str, sql: str, *, replace: bool = False) -> None:
    """Write a query's rows as files of a table, and stage them beside what it has, or in place of it.

    Args:
        folder: for what is not finished, on the storage of the case.
    """
    written = []
    for path in engine.write(_typed(table, sql), folder / table):
        if rows := parquet_rows(path):
            written.append((str(path.rename(writer.new_file(table))), rows))
    if written or replace:
        writer.stage(table, written, replace=replace)


def save_results(engine: Engine, writer: Writer, folder: Path) -> None:
    """Write the engine's relations as files and stage them in place of those of the run before.

    Args:
        engine: has linked.
        writer: of the case.
        folder: for what is not finished, on the storage of the case.
    """
    for relation, table in STREAMS.items():
        if relation in engine.streamed:
            files = [(str(path), rows) for path, rows in engine.streamed[relation]]
            writer.stage(table, files, replace=True)
    for table, sql in queries(engine).items():
        stage_query(engine, writer, folder, table, sql, replace=True)


def _typed(table: str, sql: str) -> str:
    columns = [
        f"CAST({name} AS {'STRING' if kind == 'VARCHAR' else kind}) AS {name}"  # Spark has no VARCHAR without a length
        for name, kind in TABLES[table].columns()
    ]
    return f"SELECT {', '.join(columns)} FROM ({sql}) result"


def name_severities(engine: Engine) -> None:
    """A relation with the severity of each code."""
    severities = ", ".join(f"('{c.code}', '{c.severity}')" for c in CODES.values())
    engine.create("severity_of", f"SELECT * FROM (VALUES {severities}) AS t(code, severity)")
