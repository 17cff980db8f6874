"""Both directions: what the enforcement records tell of and no action shows.

A decision without an action, an approval that nobody used, a session in which nothing was done, a revocation of
something never seen: each is either how it was, or a sign that a log is missing. Two things tell these apart. Where the
records of an enforcement log are numbered (`attributes.sequence`), a missing number is a lost record. And where the
source that shows what a principal does was silent at that moment, or none shows anything of that principal, the action
may have happened and not been logged.
"""

from __future__ import annotations

from typing import Any

from quowarranto.case.losses import placed
from quowarranto.case.query import connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.records import format_instant

MEANING = {
    "decision without an action": "it was allowed, and no record shows that it was done",
    "approval never used": "it was asked for and given, and nothing was done with it",
    "exception never used": "nothing relied on it while it stood",
    "session without activity": "it was opened, and nothing was done in it",
    "credential never used": "it was issued, and nothing was done with it",
    "grant never used": "it stood, and nothing was done by it",
    "end of something never seen": "it was revoked or ended, and no record shows that it had begun",
    "numbers missing": "records of an enforcement log are numbered, and some numbers never came",
}
"""Kinds of loose ends, in the order in which they are shown, and what each means."""
_KINDS = {
    "decision": "decision without an action",
    "approval": "approval never used",
    "exception": "exception never used",
    "session": "session without activity",
    "credential": "credential never used",
    "grant": "grant never used",
}
_SAMPLES = 5
_QUIET = 20
"""A source is silent at a moment when the actions on both sides of it lie so many usual distances apart."""


def reconcile(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Loose ends by kind and source, as docs/reference/formats/reconcile.md describes them.

    Only what overlaps the time that the actions cover counts: nobody can have used in the logs what ended before them.
    """
    connection = connect(snapshot)
    _prepare(connection)
    found = rows(
        connection,
        f"""
        SELECT what, source, count(*) AS count, min(told_us) AS first_us, max(told_us) AS last_us,
               count(*) FILTER (WHERE unseen) AS principal_not_in_any_action_log,
               count(*) FILTER (WHERE NOT unseen AND silent) AS action_log_silent,
               list(id ORDER BY told_us, id)[:{_SAMPLES}] AS sample
        FROM loose_end GROUP BY what, source""",
    )
    out = [_row(row) for row in (*found, *_missing_numbers(connection))]
    order = list(MEANING)
    return sorted(out, key=lambda row: (order.index(row["what"]), -row["count"], row["source"]))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    first, last = row.pop("first_us"), row.pop("last_us")
    unexplained = row["principal_not_in_any_action_log"] + row["action_log_silent"]
    return {
        **row,
        "first": format_instant(first),
        "last": format_instant(last),
        "may_not_be_logged": unexplained,
        "means": MEANING[row["what"]],
    }


def _prepare(connection: Any) -> None:
    kinds = " ".join(f"WHEN '{kind}' THEN '{what}'" for kind, what in _KINDS.items())
    for query in (
        "CREATE TEMP TABLE span AS SELECT min(time) AS first_us, max(time) AS last_us FROM actions",
        "CREATE TEMP VIEW said AS SELECT * FROM facts UNION ALL SELECT * FROM derived",
        "CREATE TEMP TABLE used AS SELECT DISTINCT c.node AS a FROM chains c JOIN steps s ON s.use = c.use",
        # who acts anywhere, and how densely
        """
        CREATE TEMP TABLE acted AS
        SELECT principal_type, principal_id, time,
               lead(time) OVER (PARTITION BY principal_type, principal_id ORDER BY time) AS next_us FROM actions""",
        """
        CREATE TEMP TABLE usual AS
        SELECT principal_type, principal_id, median(next_us - time) AS us, min(time) AS first_us, max(time) AS last_us
        FROM acted GROUP BY ALL""",
        f"""
        CREATE TEMP TABLE unused AS
        SELECT CASE n.kind {kinds} END AS what, n.id, any_value(f.source) AS source, min(f.time) AS told_us,
               any_value(t.principal_type) AS principal_type, any_value(t.principal_id) AS principal_id
        FROM authorities n JOIN terms t ON t.a = n.a JOIN keys k ON k.a = n.a AND k.key = n.id
        JOIN said f ON f.id = n.id CROSS JOIN span p
        WHERE n.kind IN ({", ".join(f"'{kind}'" for kind in _KINDS)}) AND n.a NOT IN (SELECT a FROM used)
          AND coalesce(t.effect, 'allow') = 'allow' AND coalesce(t.start_us, t.decided_us) <= p.last_us
          AND coalesce(t.end_us, t.start_us, t.decided_us) >= p.first_us
          AND f.fact = 'established'
        GROUP BY n.kind, n.id""",
        """
        CREATE TEMP TABLE never_begun AS
        SELECT 'end of something never seen' AS what, f.id, any_value(f.source) AS source, min(f.time) AS told_us,
               any_value(f.principal_type) AS principal_type, any_value(f.principal_id) AS principal_id
        FROM said f JOIN keys k ON k.key = f.id
        WHERE f.fact = 'ended' AND k.a NOT IN (
          SELECT k.a FROM said f JOIN keys k ON k.key = f.id WHERE f.fact = 'established')
        GROUP BY f.id""",
        # a principal that may be a pattern is seen where any that it names is; a grant waits for whenever it is needed
        f"""
        CREATE TEMP TABLE loose_end AS
        SELECT e.what, e.id, e.source, e.told_us,
               e.principal_id IS NOT NULL AND NOT contains(e.principal_id, '*') AND u.principal_id IS NULL AS unseen,
               e.what NOT IN ('grant never used', 'exception never used') AND coalesce(
                 e.told_us < u.first_us OR e.told_us > u.last_us
                 OR d.next_us - d.time > greatest(60000000, {_QUIET} * u.us), FALSE) AS silent
        FROM (SELECT * FROM unused UNION ALL SELECT * FROM never_begun) e
        LEFT JOIN usual u ON u.principal_type = e.principal_type AND u.principal_id = e.principal_id
        ASOF LEFT JOIN acted d
          ON d.principal_type = e.principal_type AND d.principal_id = e.principal_id AND d.time <= e.told_us""",
    ):
        rows(connection, query)


def _missing_numbers(connection: Any) -> list[dict[str, Any]]:
    """Per numbered stream, how many numbers between its first and its last never came (QW602)."""
    every = "(SELECT source, attributes, time FROM actions UNION ALL SELECT source, attributes, time FROM said)"
    return rows(
        connection,
        f"""
        SELECT 'numbers missing' AS what, source, CAST(least(sum(missing), {2**62}) AS BIGINT) AS count,
               min(time) AS first_us, max(next_us) AS last_us, 0 AS principal_not_in_any_action_log,
               CAST(least(sum(missing), {2**62}) AS BIGINT) AS action_log_silent,
               list(stream || ': ' || (number + 1)
                    || CASE WHEN missing > 1 THEN ' to ' || (number + missing) ELSE '' END
                    ORDER BY time)[:{_SAMPLES}] AS sample
        FROM ({placed(every)}) WHERE missing > 0 GROUP BY source""",
    )
