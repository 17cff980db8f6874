"""Where an enforcement log has gaps (QW602), and the actions on which one may have thrown its shadow.

Where records of a log are numbered (`attributes.sequence`: `stream` and `number`), every number between the first and
the last that came is expected once. What a log says of its gaps itself, its source observes (`sources/losses.py`).
"""

from __future__ import annotations

import duckdb

from quowarranto.sources.losses import LISTED, LOST, SWITCHED

TABLES = ("facts", "derived", "actions", "observations", "inputs", "runs")
"""What the queries look at."""
_NUMBERED = "native"
"""The source of which records may be numbered."""
_NEVER = 8_000_000_000_000_000_000
_SAID = "(SELECT source, attributes, time FROM facts UNION ALL SELECT source, attributes, time FROM derived)"
_EVERY = "(SELECT source, attributes, time FROM actions UNION ALL SELECT * FROM " + _SAID + ")"
_STREAM = "json_extract_string(attributes, '$.sequence.stream')"
_NUMBER = "TRY_CAST(json_extract_string(attributes, '$.sequence.number') AS BIGINT)"


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


# one row per gap: (source, stream, count, first_us, last_us); of one that is open, the end is beyond all times

_MISSING = f"""
    SELECT p.source, p.stream, p.missing AS count, least(p.time, p.next_us) AS first_us,
           greatest(p.time, p.next_us) AS last_us
    FROM ({placed(_EVERY)}) p
    JOIN (SELECT DISTINCT source, {_STREAM} AS stream FROM {_SAID} WHERE contains(attributes, '"sequence"')) e
      ON e.source = p.source AND e.stream = p.stream
    WHERE p.missing > 0"""
"""A stream is an enforcement log's where some fact about an authority is in it; its actions are numbered with it."""

_LOST = f"""
    SELECT source, substr(name, {len(LOST) + 1}) AS stream,
           greatest(coalesce(TRY_CAST(json_extract_string(data, '$.count') AS BIGINT), 1), 1) AS count,
           at_us AS first_us, at_us AS last_us
    FROM (SELECT DISTINCT source, name, at_us, sha256, data FROM observations WHERE starts_with(name, '{LOST}'))"""
"""The same line read twice is one loss."""

_SWITCHED = f"""
    SELECT type AS source, substr(name, {len(SWITCHED) + 1}) AS stream, CAST(1 AS BIGINT) AS count,
           min(at_us) AS first_us, coalesce(on_us, {_NEVER}) AS last_us
    FROM (
      SELECT *, min(at_us) FILTER (WHERE is_on) OVER (
                  PARTITION BY type, name ORDER BY at_us, is_on ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
                ) AS on_us
      FROM (SELECT DISTINCT type, name, at_us, json_extract_string(data, '$.on') = 'true' AS is_on
            FROM observations WHERE starts_with(name, '{SWITCHED}')))
    WHERE NOT is_on GROUP BY type, name, on_us"""
"""From when it was switched off until it was switched on, in whichever file that stands: a log has many. How many
records there would have been is not known."""

_ENDINGS = r"\.(gz|zst|bz2|xz)$"
_LISTED = f"""
    WITH listed AS (
      SELECT DISTINCT type AS source, substr(name, {len(LISTED) + 1}) AS stream, at_us,
             CAST(json_extract_string(data, '$.until') AS BIGINT) AS until_us,
             regexp_replace(json_extract_string(data, '$.file'), '{_ENDINGS}', '') AS file,
             json_extract_string(data, '$.follows') = 'true' AS follows
      FROM observations WHERE starts_with(name, '{LISTED}')
    ), was_read AS (
      SELECT regexp_replace(regexp_extract(file, '[^/]*$'), '{_ENDINGS}', '') AS file FROM inputs
    ), begun AS (
      SELECT source, stream, min(at_us) FILTER (WHERE follows) AS at_us FROM listed GROUP BY ALL
      HAVING count(*) FILTER (WHERE file IN (SELECT file FROM was_read)) > 0
    )
    SELECT l.source, l.stream, CAST(1 AS BIGINT) AS count, min(l.at_us) AS first_us, max(l.until_us) AS last_us
    FROM listed l JOIN begun b ON b.source = l.source AND b.stream = l.stream
    WHERE l.file NOT IN (SELECT file FROM was_read) AND (NOT l.follows OR l.at_us > b.at_us)
    GROUP BY l.source, l.stream, l.file"""
"""Files that a list names and that were not read, by their names, where any of that list bears its name still. Of what
came before the first list nothing is said."""


def gaps_query(connection: duckdb.DuckDBPyConnection) -> str | None:
    """A query of all gaps; `None` where nothing of the case can tell of one, which is found out first: it is cheap.

    Args:
        connection: sees `TABLES`.
    """
    parts = []
    for prefix, query in ((LOST, _LOST), (SWITCHED, _SWITCHED), (LISTED, _LISTED)):
        if _any(connection, f"observations WHERE starts_with(name, '{prefix}')"):
            parts.append(query)
    numbered = _any(connection, f"inputs WHERE type = '{_NUMBERED}'")
    if numbered and _any(connection, f"{_SAID} WHERE contains(attributes, '\"sequence\"')"):
        parts.append(_MISSING)
    return " UNION ALL ".join(f"({part})" for part in parts) or None


def _any(connection: duckdb.DuckDBPyConnection, records: str) -> bool:
    return connection.execute(f"SELECT 1 FROM {records} LIMIT 1").fetchone() is not None


def shadows(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """The stretches of time, in order and apart, in which an action may rest on a record that was lost.

    A record may come before its action by the window of the run, and clocks differ by its skew (SPEC 4, 3a).
    """
    query = gaps_query(connection)
    if query is None:
        return []
    skew, window = connection.execute("SELECT max(skew_us), max(window_us) FROM runs").fetchone() or (0, 0)
    found = f"SELECT DISTINCT first_us, last_us FROM ({query}) ORDER BY ALL"
    out: list[tuple[int, int]] = []
    for first, last in connection.execute(found).fetchall():
        begin, end = first - (skew or 0), min(last + (window or 0), _NEVER)
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


_WEAK = """
    SELECT v.* REPLACE (
      CASE WHEN v.verdict IN ('unproven', 'presumed', 'unauthorised')
             AND v.linkage IN ('missing', 'inferred', 'partial') AND v.time <= s.end_us
           THEN 'telemetry-gap' ELSE v.root_cause END AS root_cause)
    FROM {verdicts} v ASOF LEFT JOIN (SELECT unnest({begins}) AS begin_us, unnest({ends}) AS end_us) s
      ON v.time >= s.begin_us
"""


def under_shadows(verdicts: str, stretches: list[tuple[int, int]]) -> str:
    """SQL for a FROM clause in place of the verdicts: why linkage is weak where a record may be lost (SPEC 8).

    Args:
        verdicts: SQL that reads them.
        stretches: in order and apart (`shadows`).
    """
    begins, ends = [one for one, _ in stretches], [one for _, one in stretches]
    return f"({_WEAK.format(verdicts=verdicts, begins=begins, ends=ends)})" if stretches else verdicts
