"""Verdicts, chains and findings from the engine into the tables of the case."""

from __future__ import annotations

from pathlib import Path

from quowarranto.case.store import Writer, parquet_rows
from quowarranto.case.tables import TABLES
from quowarranto.linkage.engines import Engine
from quowarranto.records.codes import CODES

STREAMS = {"verdict": "verdicts", "action_use": "steps", "fault": "faults"}
"""Results whose relations have the columns of their tables: an engine may write them slab by slab (`Engine.stream`)."""

_RESULTS: dict[str, str] = {
    **{table: f"SELECT * FROM {relation}" for relation, table in STREAMS.items()},
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
    _name_severities(engine)
    written = {STREAMS[relation] for relation in engine.streamed}
    return {table: _typed(table, sql) for table, sql in _RESULTS.items() if table not in written}


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
        written = []
        for path in engine.write(sql, folder / table):
            rows = parquet_rows(path)
            if rows:
                written.append((str(path.rename(writer.new_file(table))), rows))
        writer.stage(table, written, replace=True)


def _typed(table: str, sql: str) -> str:
    columns = [
        f"CAST({name} AS {'STRING' if kind == 'VARCHAR' else kind}) AS {name}"  # Spark has no VARCHAR without a length
        for name, kind in TABLES[table].columns()
    ]
    return f"SELECT {', '.join(columns)} FROM ({sql}) result"


def _name_severities(engine: Engine) -> None:
    severities = ", ".join(f"('{c.code}', '{c.severity}')" for c in CODES.values())
    engine.create("severity_of", f"SELECT * FROM (VALUES {severities}) AS t(code, severity)")
