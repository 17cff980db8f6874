"""What falls if an authority is revoked: everything that rests on it, and the actions that nothing else would carry.

The question is put to the engine itself. The authority and all that rests on it are taken out of the records, and the
actions whose chain holds any of it are judged again by what is left: some have another live authority that carries
them, the others fall.

Where the case shows that the authority was in fact revoked, the prediction is made from what came before and held
against what came after.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case.correlating import Correlate, correlated
from quowarranto.case.query import rows
from quowarranto.case.store import SPILL, Snapshot
from quowarranto.case.tables import TABLES
from quowarranto.errors import CaseError
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import Clock, LinkageError, link
from quowarranto.records import format_instant

DAY = 86_400_000_000
_TABLES = ("actions", "facts", "derived", "verdicts", "steps", "chains", "authorities", "keys", "terms")


class Window(msgspec.Struct, frozen=True):
    """[since, until) in microseconds; None: without that bound."""

    since: int | None = None
    until: int | None = None

    def condition(self, column: str) -> str:
        """As SQL."""
        parts = [f"{column} >= {self.since}"] * (self.since is not None)
        parts += [f"{column} < {self.until}"] * (self.until is not None)
        return " AND ".join(parts) or "TRUE"


def impact(
    snapshot: Snapshot,
    key: str,
    clock: Clock,
    window: Window = Window(),  # noqa: B008 - frozen
    joins: Sequence[Correlate] = (),
) -> dict[str, Any]:
    """What would fall with the authority, as docs/reference/formats/impact.md describes it.

    Args:
        snapshot: a judged state.
        key: an id or alias of the authority.
        clock: the tolerances.
        window: which actions are looked at; by default all, or, where the authority was revoked, those before that.
        joins: those that the case was judged with, since they may be what else carries an action.

    Raises:
        CaseError: no authority of the case has that key.
    """
    engine = _judged_without(snapshot, key, clock, window, joins)
    connection = engine.connection
    try:
        (authority,) = rows(connection, "SELECT a, id, kind FROM chosen")
        ((revoked,),) = engine.rows("SELECT revoked_us FROM chosen")
        return {
            "authority": {"key": authority["id"], "kind": authority["kind"]},
            **_span(connection),
            "below": _below(connection),
            **_counts(connection),
            "principals": _principals(connection),
            "days": _days(connection),
            "revoked": None if revoked is None else _scored(connection, revoked),
        }
    finally:
        connection.close()


def _judged_without(snapshot: Snapshot, key: str, clock: Clock, window: Window, joins: Sequence[Correlate]) -> DuckDB:
    """An engine that holds `chosen`, `fallen`, `touched` and, of the touched actions, the verdict by what is left."""
    for strong in (False, True):
        engine = DuckDB(strong_hashes=strong)
        snapshot.attach(engine.connection, *_TABLES)
        _join(engine.connection, snapshot, joins)
        _prepare(engine, key, window)
        try:
            link(engine, clock)
        except LinkageError:
            engine.connection.close()
            if strong:
                raise
        else:
            break
    return engine


def _join(connection: Any, snapshot: Snapshot, joins: Sequence[Correlate]) -> None:
    """Lay the keys of declared joins over the records."""
    if not joins:
        return
    with tempfile.TemporaryDirectory(prefix=SPILL) as folder:
        for table, file in correlated(snapshot, joins, Path(folder)).items():
            columns = ", ".join(name for name, _ in TABLES[table].columns())
            connection.execute(f"CREATE TEMP TABLE keyed_{table} AS SELECT * FROM read_parquet(?)", [file])
            connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT {columns} FROM {snapshot.current(table)} "
                f"WHERE rec NOT IN (SELECT rec FROM keyed_{table}) UNION ALL SELECT {columns} FROM keyed_{table}"
            )


def _prepare(engine: DuckDB, key: str, window: Window) -> None:
    connection = engine.connection
    ended = "CASE WHEN ended_by IN ('revoked', 'closed') THEN end_us END"
    last = f"SELECT a, max_by({ended}, end_us) AS at FROM terms GROUP BY a"
    connection.execute(
        f"CREATE TEMP TABLE chosen AS SELECT n.a, n.id, n.kind, e.at AS revoked_us "
        f"FROM keys k JOIN authorities n ON n.a = k.a LEFT JOIN ({last}) e ON e.a = n.a WHERE k.key = ?",
        [key],
    )
    found = engine.rows("SELECT revoked_us FROM chosen")
    if not found:
        hint = "`quo explain ACTION` shows the keys of a chain; `quo records --kind credential` lists credentials"
        raise CaseError(f"no authority of the case is called `{key}`", need="an id or an alias", hint=hint)
    until = found[0][0] if window.until is None else window.until
    for name, query in _RELATIONS.items():
        engine.create(name, query.format(window=Window(window.since, until).condition("v.time")))


_RELATIONS = {
    "rests": """
        SELECT DISTINCT k.a, c.a AS upon FROM (
          SELECT id, unnest(cites) AS cited FROM facts WHERE len(cites) > 0
          UNION ALL SELECT id, unnest(cites) FROM derived WHERE len(cites) > 0) f
        JOIN keys k ON k.key = f.id JOIN keys c ON c.key = f.cited WHERE k.a <> c.a""",
    "fallen": """
        WITH RECURSIVE down(a, depth) AS (
          SELECT a, 0 FROM chosen
          UNION SELECT r.a, d.depth + 1 FROM down d JOIN rests r ON r.upon = d.a WHERE d.depth < 16)
        SELECT a, min(depth) AS depth FROM down GROUP BY a""",
    "gone_key": "SELECT key FROM keys WHERE a IN (SELECT a FROM fallen)",
    "touched": """
        SELECT DISTINCT v.rec, v.time, v.verdict FROM chains c JOIN fallen f ON f.a = c.node
        JOIN steps s ON s.use = c.use JOIN verdicts v ON v.rec = s.rec
        WHERE v.verdict IN ('authorised', 'presumed') AND {window}""",
    "cited_still": """
        SELECT rec, list(key) AS cites
        FROM (SELECT rec, unnest(cites) AS key FROM actions WHERE rec IN (SELECT rec FROM touched))
        WHERE key NOT IN (SELECT key FROM gone_key) GROUP BY rec""",
    "actions_in": """
        SELECT a.* REPLACE (coalesce(c.cites, []::VARCHAR[]) AS cites)
        FROM actions a JOIN touched t ON t.rec = a.rec LEFT JOIN cited_still c ON c.rec = a.rec""",
    "facts_in": """
        SELECT * FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived)
        WHERE id NOT IN (SELECT key FROM gone_key)""",
}
"""What rests on what; what falls; which actions it carried; and the records without it, for the engine."""

_JUDGED = """
    SELECT a.rec, a.time, a.principal_type, a.principal_id, a.action, a.resource_type, a.resource_id,
           v.verdict = 'authorised'
             OR (v.verdict = 'presumed' AND (t.verdict = 'presumed' OR g.rec IS NOT NULL)) AS carried
    FROM actions_in a JOIN verdict v ON v.rec = a.rec JOIN touched t ON t.rec = a.rec
    LEFT JOIN (SELECT DISTINCT s.rec FROM action_use s JOIN use_visit c ON c.use = s.use WHERE c.kind = 'grant') g
      ON g.rec = a.rec"""
"""Each touched action and whether something else carries it: it is authorised still; or a live grant covers it; or it
was never more than presumed, and is that still. A token that works is not enough where there was a ground before."""


def _span(connection: Any) -> dict[str, Any]:
    (row,) = rows(connection, "SELECT min(time) AS first, max(time) AS last FROM touched")
    return {name: None if row[name] is None else format_instant(row[name]) for name in ("first", "last")}


def _below(connection: Any) -> list[dict[str, Any]]:
    """What rests on the authority: credentials, sessions and the rest, nearest first; `live` in the newest moment."""
    return rows(
        connection,
        """
        SELECT n.id AS key, n.kind, f.depth, any_value(t.principal_type) AS principal_type,
               any_value(t.principal_id) AS principal_id,
               coalesce(max(t.end_us) > (SELECT max(time) FROM actions), FALSE) AS live
        FROM fallen f JOIN authorities n ON n.a = f.a LEFT JOIN terms t ON t.a = f.a
        WHERE f.depth > 0 AND n.kind <> 'decision' GROUP BY n.id, n.kind, f.depth ORDER BY f.depth, n.kind, n.id""",
    )


def _counts(connection: Any) -> dict[str, Any]:
    (row,) = rows(
        connection,
        f"SELECT count(*) AS actions, count(*) FILTER (WHERE NOT carried) AS falling, "
        f"count(*) FILTER (WHERE carried) AS carried FROM ({_JUDGED})",
    )
    return row


def _principals(connection: Any) -> list[dict[str, Any]]:
    """Who would be hit, hardest first."""
    return rows(
        connection,
        f"""
        SELECT principal_type, principal_id, count(*) AS actions, count(*) FILTER (WHERE NOT carried) AS falling,
               count(DISTINCT action) AS verbs, count(DISTINCT resource_id) AS resources
        FROM ({_JUDGED}) GROUP BY ALL ORDER BY falling DESC, actions DESC, principal_type, principal_id""",
    )


def _days(connection: Any) -> list[dict[str, Any]]:
    """Actions per day (UTC)."""
    found = rows(
        connection,
        f"""
        SELECT CAST(floor(time / {DAY}) AS BIGINT) AS day, count(*) FILTER (WHERE NOT carried) AS falling,
               count(*) FILTER (WHERE carried) AS carried
        FROM ({_JUDGED}) GROUP BY day ORDER BY day""",
    )
    return [{"day": format_instant(row.pop("day") * DAY)[:10], **row} for row in found]


def _scored(connection: Any, revoked: int) -> dict[str, Any]:
    """What was predicted of each (principal, verb, resource) against what it did after the revocation.

    Predicted to fall and right: it was not seen again, or not authorised again. Predicted to go on and right: it was
    authorised or presumed again.
    """
    (row,) = rows(
        connection,
        f"""
        WITH predicted AS (
          SELECT principal_type, principal_id, action, resource_type, resource_id, bool_and(NOT carried) AS falls
          FROM ({_JUDGED}) GROUP BY ALL),
        seen AS (
          SELECT a.principal_type, a.principal_id, a.action, a.resource_type, a.resource_id,
                 bool_or(v.verdict IN ('authorised', 'presumed')) AS carried, bool_or(v.verdict = 'refused') AS refused,
                 bool_or(v.verdict = 'unauthorised' AND a.outcome = 'success') AS accepted
          FROM actions a JOIN verdicts v ON v.rec = a.rec WHERE a.time >= {revoked} GROUP BY ALL)
        SELECT count(*) FILTER (WHERE falls) AS predicted_to_fall,
               count(*) FILTER (WHERE falls AND NOT coalesce(s.carried, FALSE)) AS fell,
               count(*) FILTER (WHERE falls AND coalesce(s.accepted, FALSE)) AS accepted_all_the_same,
               count(*) FILTER (WHERE NOT falls) AS predicted_to_go_on,
               count(*) FILTER (WHERE NOT falls AND coalesce(s.carried, FALSE)) AS went_on,
               count(*) FILTER (WHERE NOT falls AND s.action IS NULL) AS not_seen_again
        FROM predicted p LEFT JOIN seen s USING (principal_type, principal_id, action, resource_type, resource_id)""",
    )
    return {"at": format_instant(revoked), **row}
