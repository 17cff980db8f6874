"""Per source: what was read, how it is linked, what its logs can give at best, and the one setting that raises it."""

from __future__ import annotations

from typing import Any

from quowarranto.case.query import READ_ONCE, connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.minimum_fields import minimum_fields
from quowarranto.findings.present import length
from quowarranto.findings.proposals import proposals
from quowarranto.records import LINKAGES, format_instant
from quowarranto.sources import by_name

_GAP_FACTOR = 20
"""A silence is a gap when it is that many times the usual distance of two actions (and at least a minute)."""
_GAPS = 5


Source = tuple[str, str | None]
"""What a source is shown under, and its type."""


def coverage(snapshot: Snapshot) -> list[dict[str, Any]]:
    """One dictionary per source and type, as docs/reference/formats/coverage.md describes it."""
    connection = connect(snapshot, "inputs", "actions", "facts", "derived", "verdicts", "steps", "chains")
    _prepare(connection)
    read = rows(
        connection,
        f"""
        SELECT source, type, count(DISTINCT file) AS files, sum(bytes) AS bytes, sum(entries) AS entries,
               sum(recorded) AS recorded, sum(skipped) AS skipped, sum(quarantined) AS quarantined
        FROM {READ_ONCE} GROUP BY source, type ORDER BY source, type""",
    )
    kinds, linkage, gaps = _kinds(connection), _linkage(connection), _gaps(connection)
    fields, joins = minimum_fields(connection), proposals(snapshot)
    out = []
    for row in read:
        one: Source = (row["source"], row["type"])
        known = by_name(row["type"] or "")
        found = kinds.get(one, [])
        actions = sum(linkage.get(one, {}).values())
        out.append(
            row
            | {
                "records": {kind["kind"]: kind["n"] for kind in found},
                "first": format_instant(min(kind["first_us"] for kind in found)) if found else None,
                "last": format_instant(max(kind["last_us"] for kind in found)) if found else None,
                "linkage": {name: linkage[one][name] / actions for name in LINKAGES if name in linkage.get(one, {})},
                "gaps": gaps.get(one, []),
                "minimum_fields": fields.get(one, {}),
                "ceiling": known.ceiling if known else None,
                "raise_it": known.raise_it if known else None,
                "proposals": joins.get(row["type"] or "", []),
            }
        )
    return out


def _prepare(connection: Any) -> None:
    """The records with the type of the file that they were read from: judged actions as `acted`, facts as `said`."""
    for query in (
        "CREATE TEMP TABLE typed AS SELECT file, any_value(type) AS type FROM inputs GROUP BY file",
        "CREATE TEMP VIEW acted AS SELECT a.*, t.type, v.linkage "
        "FROM actions a JOIN verdicts v ON v.rec = a.rec LEFT JOIN typed t ON t.file = a.file",
        "CREATE TEMP VIEW said AS SELECT f.*, t.type "
        "FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived) f LEFT JOIN typed t ON t.file = f.file",
    ):
        connection.execute(query)


def _by_source(found: list[dict[str, Any]]) -> dict[Source, list[dict[str, Any]]]:
    out: dict[Source, list[dict[str, Any]]] = {}
    for row in found:
        out.setdefault((row["source"], row["type"]), []).append(row)
    return out


def _kinds(connection: Any) -> dict[Source, list[dict[str, Any]]]:
    """Records of each kind; copies of a fact are one record, as among actions those that count are."""
    return _by_source(
        rows(
            connection,
            """
            SELECT source, type, kind, count(*) AS n, min(time) AS first_us, max(time) AS last_us FROM (
              SELECT source, type, 'action' AS kind, time FROM acted
              UNION ALL SELECT source, type, kind, min(time) FROM said GROUP BY source, type, kind, digest)
            GROUP BY ALL ORDER BY ALL""",
        )
    )


def _linkage(connection: Any) -> dict[Source, dict[str, int]]:
    found = _by_source(rows(connection, "SELECT source, type, linkage, count(*) AS n FROM acted GROUP BY ALL"))
    return {source: {row["linkage"]: row["n"] for row in mine} for source, mine in found.items()}


def _gaps(connection: Any) -> dict[Source, list[dict[str, Any]]]:
    """The longest silences between two actions of a source: the log may be missing there."""
    found = _by_source(
        rows(
            connection,
            f"""
            WITH step AS (
              SELECT source, type, time AS from_us,
                     lead(time) OVER (PARTITION BY source, type ORDER BY time) AS until_us FROM acted),
            usual AS (
              SELECT source, type, median(until_us - from_us) AS us FROM step WHERE until_us > from_us GROUP BY ALL)
            SELECT s.source, s.type, from_us, until_us
            FROM step s JOIN usual u ON u.source = s.source AND u.type IS NOT DISTINCT FROM s.type
            WHERE until_us - from_us > greatest(60000000, {_GAP_FACTOR} * us)
            QUALIFY row_number() OVER (
              PARTITION BY s.source, s.type ORDER BY until_us - from_us DESC, from_us) <= {_GAPS}
            ORDER BY until_us - from_us DESC, from_us""",
        )
    )
    return {source: [_gap(row) for row in mine] for source, mine in found.items()}


def _gap(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "from": format_instant(row["from_us"]),
        "until": format_instant(row["until_us"]),
        "length": length(row["until_us"] - row["from_us"]),
    }
