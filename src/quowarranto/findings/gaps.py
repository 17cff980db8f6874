"""Gaps in enforcement logs as findings (QW602): one per stream. What a gap is: `case/losses.py`."""

from __future__ import annotations

import duckdb

from quowarranto.case.losses import gaps_query
from quowarranto.case.query import Row, rows


def gaps(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row per stream of an enforcement log with a gap, as `findings.standing` shows them.

    `count` is of records, as far as it is known: of a file that was not read, and of a time when the log was switched
    off, it is one. A gap that is still open ends where it began.
    """
    query = gaps_query(connection)
    if query is None:
        return []
    return rows(
        connection,
        f"""
        SELECT source || '/' || stream AS key, 'log' AS kind, CAST(least(sum(count), {2**62}) AS BIGINT) AS count,
               min(first_us) AS first_us, max(CASE WHEN last_us < {2**62} THEN last_us ELSE first_us END) AS last_us,
               [] AS sample
        FROM ({query}) GROUP BY ALL ORDER BY key""",
    )
