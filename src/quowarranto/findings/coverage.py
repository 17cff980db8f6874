"""Per source: what was read, how it is linked, what its logs can give at best, and the one setting that raises it."""

from __future__ import annotations

from typing import Any

from quowarranto.case.query import connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.records import format_instant
from quowarranto.sources import by_name

_LINKAGES = ("attested", "proven", "partial", "inferred", "missing")
_GAP_FACTOR = 20
"""A silence is a gap when it is that many times the usual distance of two actions (and at least a minute)."""


def coverage(snapshot: Snapshot) -> list[dict[str, Any]]:
    """One dictionary per source and type, as docs/reference/formats/coverage.md describes it."""
    connection = connect(snapshot, "inputs", "actions", "facts", "derived", "verdicts")
    connection.execute(
        """
        CREATE TEMP TABLE typed AS
        SELECT file, any_value(type) AS type, any_value(source) AS source FROM inputs GROUP BY file""",
    ).fetchall()
    read = rows(
        connection,
        """
        SELECT source, type, count(DISTINCT file) AS files, sum(bytes) AS bytes, sum(entries) AS entries,
               sum(recorded) AS recorded, sum(skipped) AS skipped, sum(quarantined) AS quarantined
        FROM inputs GROUP BY source, type ORDER BY source, type""",
    )
    return [_one(connection, row) for row in read]


def _one(connection: Any, row: dict[str, Any]) -> dict[str, Any]:
    place = [row["source"], row["type"]]
    mine = "file IN (SELECT file FROM typed WHERE source = ? AND type IS NOT DISTINCT FROM ?)"
    kinds = rows(
        connection,
        f"""
        SELECT kind, count(*) AS n, min(time) AS first_us, max(time) AS last_us FROM (
          SELECT 'action' AS kind, i.time FROM actions i JOIN verdicts v ON v.rec = i.rec WHERE {mine}
          UNION ALL SELECT kind, time FROM facts WHERE {mine}
          UNION ALL SELECT kind, time FROM derived WHERE {mine}) GROUP BY kind ORDER BY kind""",
        place * 3,
    )
    linked = {
        found["linkage"]: found["n"]
        for found in rows(
            connection,
            f"SELECT v.linkage, count(*) AS n FROM verdicts v JOIN actions i ON i.rec = v.rec WHERE {mine} GROUP BY 1",
            place,
        )
    }
    actions = sum(linked.values())
    source = by_name(row["type"] or "")
    return {
        **{
            name: row[name]
            for name in ("source", "type", "files", "bytes", "entries", "recorded", "skipped", "quarantined")
        },
        "records": {found["kind"]: found["n"] for found in kinds},
        "first": format_instant(min(found["first_us"] for found in kinds)) if kinds else None,
        "last": format_instant(max(found["last_us"] for found in kinds)) if kinds else None,
        "linkage": {name: linked[name] / actions for name in _LINKAGES if name in linked},
        "gaps": _gaps(connection, mine, place),
        "ceiling": source.ceiling if source else None,
        "raise_it": source.raise_it if source else None,
    }


def _gaps(connection: Any, mine: str, place: list[Any]) -> list[dict[str, Any]]:
    """The longest silences between two actions of a source: the log may be missing there."""
    found = rows(
        connection,
        f"""
        WITH step AS (
          SELECT i.time AS from_us, lead(i.time) OVER (ORDER BY i.time) AS until_us
          FROM actions i JOIN verdicts v ON v.rec = i.rec WHERE {mine}),
        usual AS (SELECT median(until_us - from_us) AS us FROM step WHERE until_us > from_us)
        SELECT from_us, until_us FROM step CROSS JOIN usual
        WHERE until_us - from_us > greatest(60000000, {_GAP_FACTOR} * us)
        ORDER BY until_us - from_us DESC, from_us LIMIT 5""",
        place,
    )
    return [
        {
            "from": format_instant(row["from_us"]),
            "until": format_instant(row["until_us"]),
            "length": _length(row["until_us"] - row["from_us"]),
        }
        for row in found
    ]


def _length(us: int) -> str:
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000)):
        if us >= size:
            return f"{us / size:.1f} {unit}"
    return f"{us / 1_000_000:.1f} s"
