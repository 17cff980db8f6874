"""How long revoked credentials and sessions were still accepted, per system: the spread of QW406.

A delay runs from the revocation, by the clock of who revoked, to the last use after it that a system let succeed, by
its own clock. Nobody may have tried again later, so a delay is the least that the revocation took to arrive.
"""

from __future__ import annotations

from typing import Any, Literal

from quowarranto.case.query import connect, rows
from quowarranto.case.store import Snapshot

By = Literal["source", "type"]
_TABLES = ("actions", "inputs", "faults", "steps", "chains", "authorities", "terms")


def propagation(snapshot: Snapshot, by: By = "source") -> list[dict[str, Any]]:
    """One dictionary per system, as docs/reference/formats/propagation.md describes it; the slowest first.

    Args:
        snapshot: a judged state.
        by: what a system is: the name that its records are shown under, or the type of its log.
    """
    connection = connect(snapshot, *_TABLES)
    try:
        found = rows(connection, _QUERY.format(system="coalesce(t.type, '?')" if by == "type" else "i.source"))
    finally:
        connection.close()
    return [_told(row) for row in found]


_QUERY = """
    WITH typed AS (SELECT file, any_value(type) AS type FROM inputs GROUP BY file),
    revoked AS (
      SELECT DISTINCT t.a, n.id, t.end_us AS ended_us FROM terms t JOIN authorities n ON n.a = t.a
      WHERE n.kind IN ('credential', 'session') AND t.ended_by IN ('revoked', 'closed')),
    used AS (
      SELECT DISTINCT c.node AS a, i.rec, i.time, i.outcome, {system} AS system
      FROM chains c JOIN steps s ON s.use = c.use JOIN actions i ON i.rec = s.rec LEFT JOIN typed t ON t.file = i.file
      WHERE c.node IN (SELECT a FROM revoked)),
    late AS (
      SELECT u.system, u.a, r.id, r.ended_us, count(*) AS uses, max(u.time) - r.ended_us AS delay_us
      FROM (SELECT u.* FROM used u JOIN faults f ON f.rec = u.rec AND f.a = u.a WHERE f.code = 'QW406') u
      ASOF JOIN revoked r ON r.a = u.a AND r.ended_us <= u.time
      GROUP BY u.system, u.a, r.id, r.ended_us),
    known AS (
      SELECT u.system, r.a, r.ended_us, bool_or(u.outcome = 'denied' AND u.time >= r.ended_us) AS refused
      FROM used u JOIN revoked r ON r.a = u.a GROUP BY ALL)
    SELECT k.system, count(*) AS revocations, count(l.a) AS accepted_after,
           count(*) FILTER (WHERE k.refused) AS refused_after,
           CAST(coalesce(sum(l.uses), 0) AS BIGINT) AS uses_after, quantile_disc(l.delay_us, 0.5) AS p50_us,
           quantile_disc(l.delay_us, 0.95) AS p95_us, max(l.delay_us) AS max_us,
           arg_max(l.id, (l.delay_us, l.id)) AS slowest
    FROM known k LEFT JOIN late l ON l.system = k.system AND l.a = k.a AND l.ended_us = k.ended_us
    GROUP BY k.system ORDER BY max_us DESC NULLS LAST, k.system"""
"""A revocation counts for each system that has ever been shown the credential or session, before or after it."""


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Microseconds as seconds."""
    delays = {f"{name}_s": None if row[f"{name}_us"] is None else row[f"{name}_us"] / 1e6 for name in _DELAYS}
    counts = {name: row[name] for name in ("system", "revocations", "accepted_after", "refused_after", "uses_after")}
    return counts | delays | {"slowest": row["slowest"]}


_DELAYS = ("p50", "p95", "max")
