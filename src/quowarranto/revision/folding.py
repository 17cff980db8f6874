"""Findings after a run that judged only some actions: only those that its faults belonged to, or belong to, are folded.

SPEC 8: one finding per code and authority, or principal; `about` is that subject as a number.
"""

from __future__ import annotations

from quowarranto.case.store import Writer
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.results import NUMBERS, write

_STEPS: dict[str, str] = {
    # what this run says
    "new_fault": """
        SELECT f.rec, f.code, x.time, coalesce(n.about, p.about) AS about, n.a, x.p
        FROM fault f JOIN action x ON x.rec = f.rec LEFT JOIN about_authority n ON n.a = f.a
        LEFT JOIN about_principal p ON p.p = x.p WHERE f.rec IN (SELECT rec FROM mine)""",
    "folded": """
        SELECT DISTINCT code, about FROM new_fault
        UNION SELECT DISTINCT code, about FROM old_faults WHERE rec IN (SELECT rec FROM mine)""",
    "every_fault": """
        SELECT f.rec, f.code, f.about, f.time FROM old_faults f JOIN folded g ON g.code = f.code AND g.about = f.about
        WHERE f.rec NOT IN (SELECT rec FROM mine)
        UNION ALL SELECT rec, code, about, time FROM new_fault""",
    "tally": """
        SELECT row_number() OVER (ORDER BY code, about) + $base AS finding, code, about, count(*) AS count,
               min(time) AS first_us, max(time) AS last_us FROM every_fault GROUP BY code, about""",
    # the subject as this run names it, else as the finding did before
    "subject_named": """
        SELECT code, about, max(n.id) AS key, max(n.kind) AS kind,
               max(CASE WHEN f.a IS NULL THEN p.type END) AS principal_type,
               max(CASE WHEN f.a IS NULL THEN p.id END) AS principal_id
        FROM new_fault f LEFT JOIN authority n ON n.a = f.a LEFT JOIN principal p ON p.p = f.p GROUP BY code, about""",
    "before": "SELECT f.* FROM old_findings f JOIN folded g ON g.code = f.code AND g.about = f.about",
    "early": """
        SELECT finding, rec, time FROM (
          SELECT t.finding, f.rec, f.time, rank() OVER (PARTITION BY t.finding ORDER BY f.time) AS nth
          FROM every_fault f JOIN tally t ON t.code = f.code AND t.about = f.about) r WHERE nth <= 5""",
    "id_of": """
        SELECT DISTINCT rec, action AS id FROM old_samples WHERE rec IN (SELECT rec FROM early)
        UNION SELECT rec, id FROM task WHERE rec IN (SELECT rec FROM early)""",
    "id_missing": "SELECT DISTINCT rec FROM early WHERE rec NOT IN (SELECT rec FROM id_of)",
}


def fold_findings(engine: DuckDB, writer: Writer) -> None:
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
    write(engine, writer, "withdrawn", "SELECT finding FROM before")
    write(
        engine,
        writer,
        "findings",
        "SELECT t.finding, t.code, s.severity, coalesce(n.key, CASE WHEN n.code IS NULL THEN b.key END) AS key, "
        "coalesce(n.kind, CASE WHEN n.code IS NULL THEN b.kind END) AS kind, "
        "coalesce(n.principal_type, CASE WHEN n.code IS NULL THEN b.principal_type END) AS principal_type, "
        "coalesce(n.principal_id, CASE WHEN n.code IS NULL THEN b.principal_id END) AS principal_id, "
        "t.count, t.first_us, t.last_us, t.about "
        "FROM tally t JOIN severity_of s ON s.code = t.code "
        "LEFT JOIN subject_named n ON n.code = t.code AND n.about = t.about "
        "LEFT JOIN before b ON b.code = t.code AND b.about = t.about",
    )
    write(
        engine,
        writer,
        "samples",
        "SELECT finding, rec, nth, id AS action FROM ("
        "SELECT e.finding, e.rec, i.id, row_number() OVER (PARTITION BY e.finding ORDER BY e.time, i.id, e.rec) AS nth "
        "FROM early e JOIN id_of i ON i.rec = e.rec) s WHERE nth <= 5",
    )
