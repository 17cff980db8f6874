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
        SELECT a, term, start_us, end_us, ended_by, grace_us, time AS decided_us, FALSE AS point, principal_type,
               principal_id, by_type, by_id, effect, scope, issued_by, requested_by, justification, ticket, owner
        FROM term
        UNION ALL
        SELECT a, term, at_us, until_us, NULL, NULL, at_us, TRUE, principal_type, principal_id, NULL, NULL, effect,
               scope, issued_by, NULL, NULL, NULL, NULL
        FROM decision""",
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
