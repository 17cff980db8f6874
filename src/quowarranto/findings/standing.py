"""Findings about authorities themselves, which no verdict bears (SPEC 8): QW404, QW407, QW501, QW502, QW602.

Worked out over the whole case when they are asked for, so they are never behind what was judged. Rows are as those of
`case.query.findings`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import duckdb

from quowarranto.case.config import Config
from quowarranto.case.query import Row, connect, fetched, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.gaps import gaps
from quowarranto.findings.privileges import too_wide
from quowarranto.records import matches
from quowarranto.records.codes import CODES

_TABLES = (
    "actions",
    "facts",
    "derived",
    "verdicts",
    "steps",
    "chains",
    "authorities",
    "terms",
    "observations",
    "inputs",
)
MOST_GRANTS = 2_000
"""With more grants that were used, whether they are too wide is for `quo privileges` to say: it takes minutes."""
_PEOPLE = frozenset(("user", "person", "human", "root"))
"""Types of principals that are persons, or may be: their credentials are theirs to use."""

_USES = """
    CREATE TEMP VIEW credential_use AS
    SELECT s.rec, c.node AS a
    FROM steps s JOIN (
      SELECT use, node, depth, min(depth) OVER (PARTITION BY use) AS nearest FROM chains WHERE kind = 'credential'
    ) c ON c.use = s.use AND c.depth = c.nearest
"""
"""Which credential carried an action: the nearest of its chain; what that one was obtained by is not what is used. A
row for each way in which it did."""


def standing(snapshot: Snapshot, config: Config) -> list[Row]:
    """What stands of credentials and grants: rows as `case.query.findings` gives them, in no order.

    Args:
        snapshot: a judged state.
        config: how many origins are too many, and what belongs to a person.
    """
    with ThreadPoolExecutor(1) as beside:  # proposals are made in Python while the engine answers the rest
        wide = beside.submit(_wide, snapshot)
        connection = connect(snapshot, *_TABLES)
        connection.execute(_USES)
        found = [*_sprawling(connection, config), *_human(connection, config), *_unused(connection)]
        found += (_row("QW602", row) for row in gaps(connection))
        return found + wide.result()


def _row(code: str, row: Row) -> Row:
    return {
        "finding": None,
        "code": code,
        "severity": CODES[code].severity,
        "key": row["key"],
        "kind": row["kind"],
        "principal_type": None,
        "principal_id": None,
        "count": row["count"],
        "first_us": row["first_us"],
        "last_us": row["last_us"],
        "sample": row["sample"],
    }


def _sprawling(connection: duckdb.DuckDBPyConnection, config: Config) -> list[Row]:
    """QW404: credentials used from more origins than allowed within a stretch of time; counts the uses that complete
    such a stretch."""
    # most cases have none: looking for any is a quarter of the work
    connection.execute(
        f"""
        CREATE TEMP TABLE several AS
        SELECT a FROM (
          SELECT DISTINCT u.a, i.origin FROM credential_use u JOIN actions i ON i.rec = u.rec
          WHERE i.origin IS NOT NULL AND i.outcome <> 'denied') seen
        GROUP BY a HAVING count(*) > {config.sprawl_origins}"""
    )
    if not rows(connection, "SELECT a FROM several LIMIT 1"):
        return []
    found = fetched(
        connection,
        f"""
        WITH seen AS (
          SELECT DISTINCT u.a, i.rec, i.id, i.origin, i.time FROM credential_use u JOIN actions i ON i.rec = u.rec
          JOIN verdicts v ON v.rec = u.rec
          WHERE i.origin IS NOT NULL AND i.outcome <> 'denied' AND u.a IN (SELECT a FROM several)),
        counted AS (
          SELECT *, count(DISTINCT origin) OVER (
            PARTITION BY a ORDER BY time RANGE BETWEEN {config.sprawl_window_us} PRECEDING AND CURRENT ROW) AS origins
          FROM seen)
        SELECT n.id AS key, n.kind, count(*) AS count, min(c.time) AS first_us, max(c.time) AS last_us,
               list(c.id ORDER BY c.time, c.id)[1:5] AS sample
        FROM counted c JOIN authorities n ON n.a = c.a WHERE c.origins > {config.sprawl_origins} GROUP BY ALL""",
    )
    return [_row("QW404", row) for row in found]


def _human(connection: duckdb.DuckDBPyConnection, config: Config) -> list[Row]:
    """QW407: credentials of principals that are no persons, used from what belongs to a person."""
    asked: list[str] = []
    for column, patterns, belongs in (
        ("i.origin", config.human_origins, _origin),
        ("json_extract_string(i.attributes, '$.user_agent')", config.human_clients, matches),
        ("json_extract_string(i.attributes, '$.client')", config.human_clients, matches),
    ):
        if patterns:
            values = [row["value"] for row in rows(connection, f"SELECT DISTINCT {column} AS value FROM actions i")]
            asked.append(_among(connection, column, _belonging(values, patterns, belongs), len(asked)))
    if config.human_sessions:
        sessions = rows(connection, "SELECT id AS value FROM authorities WHERE kind = 'session'")
        named = _belonging([row["value"] for row in sessions], config.human_sessions, matches)
        held = _among(connection, "n.id", named, len(asked))
        asked.append(
            "i.rec IN (SELECT s.rec FROM steps s JOIN chains c ON c.use = s.use JOIN authorities n ON n.a = c.node "
            f"WHERE {held})"
        )
    if not asked:
        return []
    people = ", ".join(f"'{kind}'" for kind in sorted(_PEOPLE))
    found = fetched(
        connection,
        f"""
        SELECT n.id AS key, n.kind, count(*) AS count, min(i.time) AS first_us, max(i.time) AS last_us,
               list(i.id ORDER BY i.time, i.id)[1:5] AS sample
        FROM (SELECT DISTINCT rec, a FROM credential_use) u
        JOIN actions i ON i.rec = u.rec JOIN authorities n ON n.a = u.a
        WHERE i.outcome <> 'denied' AND i.principal_type NOT IN ({people}) AND ({" OR ".join(asked)}) GROUP BY ALL""",
    )
    return [_row("QW407", row) for row in found]


def _among(connection: duckdb.DuckDBPyConnection, column: str, values: Sequence[str], number: int) -> str:
    connection.execute(f"CREATE TEMP TABLE human_{number} (value VARCHAR)")
    if values:
        connection.executemany(f"INSERT INTO human_{number} VALUES (?)", [[value] for value in values])
    return f"{column} IN (SELECT value FROM human_{number})"


def _belonging(values: Sequence[str | None], patterns: Sequence[str], belongs: Callable[[str, str], bool]) -> list[str]:
    return [value for value in values if value is not None and any(belongs(pattern, value) for pattern in patterns)]


def _origin(pattern: str, origin: str) -> bool:
    """Whether an origin, with or without a port, is in a network, or matches a pattern."""
    try:
        network = ipaddress.ip_network(pattern)
    except ValueError:
        return matches(pattern, origin)
    host = re.sub(r"^\[?([0-9A-Fa-f:.]+?)\]?(?::\d+)?$", r"\1", origin) if origin.count(":") == 1 else origin
    try:
        return ipaddress.ip_address(host.strip("[]")) in network
    except ValueError:
        return False


def _unused(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """QW501: grants in force at some time that the actions cover, on which no action relied."""
    found = fetched(
        connection,
        """
        WITH span AS (SELECT min(time) AS first, max(time) AS last FROM actions),
        used AS (SELECT DISTINCT c.node AS a FROM chains c JOIN steps s ON s.use = c.use WHERE c.kind = 'grant'),
        granted AS (
          SELECT n.a, n.id, n.kind, min(greatest(t.start_us, span.first)) AS first_us,
                 max(least(t.end_us, span.last)) AS last_us,
                 bool_or(coalesce(json_extract_string(f.attributes, '$.break_glass') = 'true', FALSE)) AS break_glass
          FROM authorities n JOIN terms t ON t.a = n.a CROSS JOIN span
          LEFT JOIN (SELECT rec, attributes FROM facts UNION ALL SELECT rec, attributes FROM derived) f
            ON f.rec = t.term
          WHERE n.kind = 'grant' AND coalesce(t.effect, 'allow') = 'allow'
            AND t.end_us > span.first AND t.start_us <= span.last AND n.a NOT IN (SELECT a FROM used)
          GROUP BY ALL)
        SELECT id AS key, kind, 0 AS count, first_us, last_us, [] AS sample FROM granted WHERE NOT break_glass""",
    )
    return [_row("QW501", row) for row in found]


def _wide(snapshot: Snapshot) -> list[Row]:
    """QW502, as `quo privileges` finds it."""
    (watched,) = rows(
        connect(snapshot, "chains", "actions"),
        "SELECT (SELECT count(DISTINCT node) FROM chains WHERE kind = 'grant') AS grants, min(time) AS first_us, "
        "max(time) AS last_us FROM actions",
    )
    if not 0 < watched["grants"] <= MOST_GRANTS:
        return []
    return [
        _row(
            "QW502",
            {
                "key": one["grant"],
                "kind": "grant",
                "count": one["uses"],
                "first_us": watched["first_us"],
                "last_us": watched["last_us"],
                "sample": [],
            },
        )
        for one in too_wide(snapshot)
    ]
