"""Verdicts, chains and findings from the engine into the tables of the case."""

from __future__ import annotations

from quowarranto.case.store import Writer
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.records.codes import CODES, names

_RESULTS: dict[str, str] = {
    "verdicts": """
        SELECT j.rec, j.time, j.verdict, j.linkage, j.basis, j.method, c.codes, j.root_cause
        FROM verdict j JOIN code_text c ON c.bits = j.bits""",
    "steps": "SELECT rec, use, CAST(how AS BIGINT) AS how FROM action_use",
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
    "faults": "SELECT rec, code, a FROM fault",
    "findings": """
        SELECT f.finding, f.code, s.severity, n.id AS key, n.kind, p.type AS principal_type, p.id AS principal_id,
               f.actions AS count, f.first_us, f.last_us
        FROM finding f JOIN severity_of s ON s.code = f.code
        LEFT JOIN authority n ON n.a = f.a LEFT JOIN principal p ON p.p = f.p""",
    "samples": """
        SELECT s.finding, s.rec, s.nth, i.id AS action FROM sample s JOIN actions_in i ON i.rec = s.rec""",
}


def save_results(engine: DuckDB, writer: Writer) -> None:
    """Write the engine's relations as files and stage them in place of those of the run before."""
    _name_codes(engine)
    for table, sql in _RESULTS.items():
        path = writer.new_file(table)
        rows = engine.write_parquet(sql, path)
        writer.stage(table, [(str(path), rows)] if rows else [], replace=True)


def _name_codes(engine: DuckDB) -> None:
    """Tables that turn bits into texts; there are few different sets of codes."""
    seen = [
        row[0] for row in engine.rows("SELECT DISTINCT bits FROM verdict UNION SELECT DISTINCT bits FROM use_visit")
    ]
    engine.create(
        "code_text",
        " UNION ALL ".join(f"SELECT {bits} AS bits, '{','.join(names(bits))}' AS codes" for bits in [*seen, -1]),
    )
    engine.create(
        "severity_of",
        " UNION ALL ".join(f"SELECT '{c.code}' AS code, '{c.severity}' AS severity" for c in CODES.values()),
    )
