"""What replays of decisions say, laid over the verdicts, faults and findings that the engine left.

The engine judges records; a replay asks an engine of policies, which no SQL can. So its answers lie in a table of their
own, and whoever reads the case sees both together. Why: docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Callable
from string import Template

from quowarranto.records.codes import CODES, REPLAYED

_SHOWN = 5
_DISPUTES = "QW601"

# one row per (action, code) and decision that it rests on; of an authority that a later run numbered anew, any number
_RESTING = """
    SELECT DISTINCT s.rec, r.code, r.decision, r.policy, n.a AS node, r.time, r.principal_type, r.principal_id
    FROM (SELECT * FROM $replays WHERE code IS NOT NULL) r
    JOIN $authorities n ON n.id = r.decision AND n.kind = 'decision'
    JOIN $chains c ON c.node = n.a JOIN $steps s ON s.use = c.use
"""

# SPEC 6: a refused action stays refused, and a disputed one has no root cause
_VERDICTS = """
    SELECT v.* REPLACE (
      CASE WHEN d.disputed AND v.verdict <> 'refused' THEN 'disputed' ELSE v.verdict END AS verdict,
      CASE WHEN d.disputed AND v.verdict <> 'refused' THEN NULL ELSE v.root_cause END AS root_cause,
      CASE WHEN d.rec IS NULL THEN v.codes ELSE array_to_string(
        list_sort(list_distinct(list_concat(list_filter(string_split(v.codes, ','), lambda x: x <> ''), d.codes))), ',')
      END AS codes)
    FROM $verdicts v LEFT JOIN (
      SELECT rec, bool_or(code = '$disputes') AS disputed, list(DISTINCT code) AS codes FROM ($resting) GROUP BY rec
    ) d ON d.rec = v.rec
"""

# `about` is empty where the finding is about the authority, as in the table `faults`
_FAULTS = """
    SELECT * FROM $faults UNION ALL BY NAME
    SELECT DISTINCT r.rec, r.code, coalesce(p.a, r.node) AS a, v.time,
           CASE WHEN p.a IS NULL THEN 0 END AS about, NULL AS run
    FROM ($resting) r JOIN $verdicts v ON v.rec = r.rec
    LEFT JOIN (SELECT id, max(a) AS a FROM $authorities GROUP BY id) p ON p.id = r.policy
    WHERE v.verdict <> 'refused'
"""

# decisions that only refused actions rest on raise none (SPEC 6)
_RAISED = """
    SELECT r.*, CASE WHEN r.policy IS NULL THEN r.principal_type END AS about_type,
           CASE WHEN r.policy IS NULL THEN r.principal_id END AS about_id
    FROM (SELECT * FROM $replays WHERE code IS NOT NULL) r
    LEFT JOIN (
      SELECT x.decision, bool_and(v.verdict = 'refused') AS refused
      FROM ($resting) x JOIN $verdicts v ON v.rec = x.rec GROUP BY x.decision
    ) u ON u.decision = r.decision
    WHERE NOT coalesce(u.refused, FALSE)
"""

# numbers below zero, so that they are none of the engine's; the order is that of their subjects
_NUMBERED = """
    SELECT -row_number() OVER (ORDER BY code, policy, about_type, about_id) AS finding, code, policy, about_type,
           about_id, count(DISTINCT decision) AS count, min(time) AS first_us, max(time) AS last_us
    FROM ($raised) GROUP BY code, policy, about_type, about_id
"""

_FINDINGS = """
    SELECT * FROM $findings UNION ALL BY NAME
    SELECT finding, code, $severity AS severity, policy AS key, CASE WHEN policy IS NOT NULL THEN 'policy' END AS kind,
           about_type AS principal_type, about_id AS principal_id, count, first_us, last_us
    FROM ($numbered)
"""

_SAMPLES = """
    SELECT * FROM $samples UNION ALL BY NAME
    SELECT finding, rec, nth, action FROM (
      SELECT n.finding, i.rec, i.id AS action,
             row_number() OVER (PARTITION BY n.finding ORDER BY i.time, i.id, i.rec) AS nth
      FROM (SELECT DISTINCT g.code, g.policy, g.about_type, g.about_id, x.rec
            FROM ($raised) g JOIN ($resting) x ON x.decision = g.decision AND x.code = g.code) b
      JOIN ($numbered) n ON n.code = b.code AND n.policy IS NOT DISTINCT FROM b.policy
        AND n.about_type IS NOT DISTINCT FROM b.about_type AND n.about_id IS NOT DISTINCT FROM b.about_id
      JOIN $actions i ON i.rec = b.rec JOIN $verdicts v ON v.rec = b.rec WHERE v.verdict <> 'refused')
    WHERE nth <= $shown
"""


def overlaid(scan: Callable[[str], str], current: Callable[[str], str]) -> dict[str, str]:
    """SQL for a FROM clause in place of a table, by the table's name.

    Args:
        scan: SQL that reads all of a table, `current`: what holds of it.
    """
    severity = "CASE code " + " ".join(f"WHEN '{code}' THEN '{CODES[code].severity}'" for code in REPLAYED) + " END"
    values = {table: current(table) for table in ("verdicts", "faults", "findings", "samples", "steps")}
    values |= {table: scan(table) for table in ("replays", "authorities", "chains", "actions")}
    values |= {"disputes": _DISPUTES, "severity": severity, "shown": str(_SHOWN)}
    for name, text in (("resting", _RESTING), ("raised", _RAISED), ("numbered", _NUMBERED)):
        values[name] = Template(text).substitute(values)
    over = {"verdicts": _VERDICTS, "faults": _FAULTS, "findings": _FINDINGS, "samples": _SAMPLES}
    return {table: f"({Template(text).substitute(values)})" for table, text in over.items()}
