"""Verdicts, chains and findings from the engine into the tables of the case."""

from __future__ import annotations

from quowarranto.case.store import Writer
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.records.codes import CODES

STREAMS = {"verdict": "verdicts", "action_use": "steps", "fault": "faults"}
"""Results that the engine writes itself, slab by slab, under `Writer.new_file` of the table (`DuckDB.streamed`)."""

_RESULTS: dict[str, str] = {
    "chains": """
        SELECT v.use, v.node, v.kind, v.term, v.at_us, CAST(v.depth AS BIGINT) AS depth, c.codes, v.lent
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


def save_results(engine: DuckDB, writer: Writer) -> None:
    """Write the engine's relations as files and stage them in place of those of the run before."""
    engine.create(
        "severity_of",
        " UNION ALL ".join(f"SELECT '{c.code}' AS code, '{c.severity}' AS severity" for c in CODES.values()),
    )
    for relation, table in STREAMS.items():
        files = engine.streamed.get(relation, [])
        writer.stage(table, [(str(path), rows) for path, rows in files], replace=True)
    for table, sql in _RESULTS.items():
        path = writer.new_file(table)
        rows = engine.write_parquet(sql, path)
        writer.stage(table, [(str(path), rows)] if rows else [], replace=True)
