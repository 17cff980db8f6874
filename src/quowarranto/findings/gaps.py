"""Gaps in enforcement logs (QW602): numbers that never came, and records that a log itself says it lost.

Where records of a log are numbered (`attributes.sequence`: `stream` and `number`), every number between the first and
the last that came is expected once. Where a source reads that its log lost records, it observes `lost/STREAM`.
"""

from __future__ import annotations

from typing import Any

import duckdb

from quowarranto.case.query import Row, fetched, rows

LOST = "lost/"
"""How observations of losses begin."""

_STREAM = "json_extract_string(attributes, '$.sequence.stream')"
_NUMBER = "TRY_CAST(json_extract_string(attributes, '$.sequence.number') AS BIGINT)"
_SAID = "(SELECT source, attributes, time FROM facts UNION ALL SELECT source, attributes, time FROM derived)"


def placed(records: str) -> str:
    """A query: per source, stream and number the time, the time of the next number, and how many are missing between.

    Args:
        records: a relation with `source`, `attributes` and `time`. Numbers below zero count for nothing.
    """
    return f"""
        SELECT source, stream, number, time,
               lead(number) OVER (PARTITION BY source, stream ORDER BY number) - number - 1 AS missing,
               lead(time) OVER (PARTITION BY source, stream ORDER BY number) AS next_us
        FROM (
          SELECT source, {_STREAM} AS stream, {_NUMBER} AS number, min(time) AS time FROM {records}
          WHERE contains(attributes, '"sequence"') GROUP BY ALL)
        WHERE stream IS NOT NULL AND number >= 0"""


def gaps(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row per stream of an enforcement log with a gap, as `findings.standing` shows them; `count` is of records.

    A stream is an enforcement log's where some fact about an authority is in it; its actions are numbered with it.
    """
    found = [*_lost(connection)]
    if rows(connection, f"SELECT 1 FROM {_SAID} WHERE contains(attributes, '\"sequence\"') LIMIT 1"):
        found += _missing(connection)
    by_key: dict[str, Row] = {}
    for row in found:
        before = by_key.setdefault(row["key"], row | {"count": 0})
        before["count"] += row["count"]
        before["first_us"] = min(before["first_us"], row["first_us"])
        before["last_us"] = max(before["last_us"], row["last_us"])
    return list(by_key.values())


def _missing(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    every = f"(SELECT * FROM {_SAID} UNION ALL SELECT source, attributes, time FROM actions)"
    return rows(
        connection,
        f"""
        WITH enforcing AS (SELECT DISTINCT source, {_STREAM} AS stream FROM {_SAID}
                           WHERE contains(attributes, '"sequence"'))
        SELECT p.source || '/' || p.stream AS key, 'log' AS kind, CAST(sum(p.missing) AS BIGINT) AS count,
               min(least(p.time, p.next_us)) AS first_us, max(greatest(p.time, p.next_us)) AS last_us, [] AS sample
        FROM ({placed(every)}) p JOIN enforcing e ON e.source = p.source AND e.stream = p.stream
        WHERE p.missing > 0 GROUP BY ALL""",
    )


def _lost(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What logs say they lost; the same line read twice is one loss."""
    return list(
        fetched(
            connection,
            f"""
            SELECT source || '/' || substr(name, {len(LOST) + 1}) AS key, 'log' AS kind,
                   CAST(least(sum(count), {2**62}) AS BIGINT) AS count, min(at_us) AS first_us, max(at_us) AS last_us,
                   [] AS sample
            FROM (SELECT DISTINCT source, name, at_us, sha256,
                         greatest(coalesce(TRY_CAST(json_extract_string(data, '$.count') AS BIGINT), 1), 1) AS count
                  FROM observations WHERE starts_with(name, '{LOST}'))
            GROUP BY ALL""",
        )
    )
