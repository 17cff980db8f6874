"""Findings after a run that judged only some actions: those that its faults belonged to, or belong to, are folded anew.

SPEC 8: one finding per code and authority, or per code and principal. A fault of the latter kind has the principal's
number in `about`; of the former kind `about` is empty, and its authority's key is compared, since every run has numbers
of its own for authorities.
"""

from __future__ import annotations

from pathlib import Path

from quowarranto.case.store import Writer
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.results import NUMBERS, name_severities, stage_query

_STEPS: dict[str, str] = {
    "new_fault": """
        SELECT f.rec, f.code, f.time, f.about, n.id AS key FROM fault f
        LEFT JOIN authority n ON n.a = f.a AND f.about IS NULL WHERE f.rec IN (SELECT rec FROM mine)""",
    "old_fault": """
        SELECT f.code, f.about, n.id AS key FROM old_faults f
        LEFT JOIN old_authorities n ON n.a = f.a AND f.about IS NULL WHERE f.rec IN (SELECT rec FROM mine)""",
    # the findings to be folded, and their subjects
    "folded": """
        SELECT row_number() OVER (ORDER BY f.code, f.key, f.about) + $base AS finding, f.code, f.about, f.key,
               p.type AS principal_type, p.id AS principal_id
        FROM (SELECT code, about, key FROM new_fault UNION SELECT code, about, key FROM old_fault) f
        LEFT JOIN (SELECT CAST(p % 4611686018427387904 AS BIGINT) AS about, type, id FROM principal) p
          ON p.about = f.about""",
    "folded_node": """
        SELECT g.finding, g.code, n.a FROM folded g JOIN old_authorities n ON n.id = g.key WHERE g.about IS NULL""",
    "every_fault": """
        SELECT g.finding, f.rec, f.time FROM old_faults f JOIN folded g ON g.code = f.code AND g.about = f.about
        WHERE f.rec NOT IN (SELECT rec FROM mine)
        UNION ALL
        SELECT g.finding, f.rec, f.time FROM old_faults f JOIN folded_node g ON g.code = f.code AND g.a = f.a
        WHERE f.about IS NULL AND f.rec NOT IN (SELECT rec FROM mine)
        UNION ALL
        SELECT g.finding, f.rec, f.time FROM new_fault f JOIN folded g
        ON g.code = f.code AND g.about IS NOT DISTINCT FROM f.about AND g.key IS NOT DISTINCT FROM f.key""",
    "before": """
        SELECT g.finding AS now, f.finding, f.kind FROM old_findings f JOIN folded g
        ON g.code = f.code AND g.key IS NOT DISTINCT FROM f.key
           AND g.principal_type IS NOT DISTINCT FROM f.principal_type
           AND g.principal_id IS NOT DISTINCT FROM f.principal_id""",
    "early": """
        SELECT finding, rec, time FROM (
          SELECT finding, rec, time, rank() OVER (PARTITION BY finding ORDER BY time) AS nth FROM every_fault) r
        WHERE nth <= 5""",
    "id_of": """
        SELECT DISTINCT rec, action AS id FROM old_samples WHERE rec IN (SELECT rec FROM early)
        UNION SELECT rec, id FROM task WHERE rec IN (SELECT rec FROM early)""",
    "id_missing": "SELECT DISTINCT rec FROM early WHERE rec NOT IN (SELECT rec FROM id_of)",
}
_FINDINGS = """
    SELECT g.finding, g.code, s.severity, g.key, coalesce(n.kind, b.kind) AS kind, g.principal_type, g.principal_id,
           t.count, t.first_us, t.last_us
    FROM (SELECT finding, count(*) AS count, min(time) AS first_us, max(time) AS last_us
          FROM every_fault GROUP BY finding) t
    JOIN folded g ON g.finding = t.finding JOIN severity_of s ON s.code = g.code
    LEFT JOIN authority n ON n.id = g.key LEFT JOIN (SELECT now, max(kind) AS kind FROM before GROUP BY now) b
      ON b.now = g.finding"""
_SAMPLES = """
    SELECT finding, rec, nth, id AS action FROM (
      SELECT e.finding, e.rec, i.id, row_number() OVER (PARTITION BY e.finding ORDER BY e.time, i.id, e.rec) AS nth
      FROM early e JOIN id_of i ON i.rec = e.rec) s WHERE nth <= 5"""


def fold_findings(engine: DuckDB, writer: Writer, folder: Path) -> None:
    """Stage the findings that changed in place of what they were; needs `mine`, `task` and the relations of a run."""
    for name, sql in _STEPS.items():
        engine.create(name, sql.replace("$base", str(writer.number * NUMBERS)))
    if engine.count("id_missing"):
        engine.create(
            "id_found",
            "SELECT rec, id FROM id_of UNION ALL SELECT rec, id FROM new_action "
            "WHERE rec IN (SELECT rec FROM id_missing)",
        )
        engine.rename("id_found", "id_of")
    name_severities(engine)
    stage_query(engine, writer, folder, "withdrawn", "SELECT finding FROM before")
    stage_query(engine, writer, folder, "findings", _FINDINGS)
    stage_query(engine, writer, folder, "samples", _SAMPLES)
