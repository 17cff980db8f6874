"""Joins that nobody declared yet: values that weakly linked actions of one system share with authorities of another.

What is proposed can be written into `quo.toml` as it stands (`[[correlate]]`). It is a proposal: that two values are
equal does not prove that they mean the same thing, so each comes with how many different values met.
"""

from __future__ import annotations

from typing import Any

import duckdb

from quowarranto.case.correlating import FIELDS
from quowarranto.case.query import connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.sources import SOURCES

_ACTIONS = 20_000
_FACTS = 100_000
"""Records of one source that are looked at, at most; shares are of these."""
_MOST = 3
"""Proposals per source."""
_LEAST_SHARE = 0.02
_SHAPES = (
    "",
    "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "[0-9a-f]{16,}",
    "[A-Z]{2,10}-[0-9]{1,9}",
    "[0-9]{5,}",
)
"""Parts of texts that are worth a look: all of it, a UUID, a long hexadecimal number, a ticket, a long number."""


def proposals(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """Per type of source, the joins that would link most of its actions for which nothing, or only a guess, was found.

    Returns: `left` and `right` as `[[correlate]]` writes them, `actions` (the share of the source's weakly linked
        actions that have such a partner), `count` (how many that are, of those looked at) and `values` (how many
        different values met).
    """
    connection = connect(snapshot, "inputs", "actions", "facts", "derived", "verdicts")
    connection.execute("CREATE TEMP TABLE typed AS SELECT DISTINCT file, type FROM inputs WHERE type IS NOT NULL")
    connection.execute(
        f"""
        CREATE TEMP TABLE weak AS
        SELECT a.*, t.type FROM actions a JOIN verdicts v ON v.rec = a.rec JOIN typed t ON t.file = a.file
        WHERE v.linkage IN ('missing', 'inferred')
        QUALIFY row_number() OVER (PARTITION BY t.type ORDER BY hash(a.rec)) <= {_ACTIONS}"""
    )
    if not connection.execute("SELECT count(*) FROM weak").fetchall()[0][0]:
        return {}
    connection.execute(
        f"""
        CREATE TEMP TABLE known AS
        SELECT f.*, t.type FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived) f JOIN typed t ON t.file = f.file
        WHERE f.fact = 'established'
        QUALIFY row_number() OVER (PARTITION BY t.type ORDER BY hash(f.rec)) <= {_FACTS}"""
    )
    _values(connection, "weak", ("id", "principal.id", "resource.id", "origin"))
    _values(connection, "known", ("id", "ticket", "justification", "issued_by"))
    found = rows(
        connection,
        f"""
        WITH met AS (
          SELECT w.type AS type, w.field AS field, w.pattern AS pattern, k.type AS other, k.field AS other_field,
                 k.pattern AS other_pattern, count(DISTINCT w.rec) AS n, count(DISTINCT w.value) AS different,
                 count(DISTINCT k.rec) AS partners
          FROM weak_value w JOIN known_value k ON k.value = w.value AND k.type <> w.type
          JOIN weak a ON a.rec = w.rec JOIN known f ON f.rec = k.rec
          WHERE f.principal_type IS NULL
             OR (f.principal_type = a.principal_type AND a.principal_id LIKE f.principal_like ESCAPE '!')
          GROUP BY ALL),
        best AS (
          SELECT * FROM met QUALIFY row_number() OVER (
            PARTITION BY type, field, other, other_field
            ORDER BY n DESC, length(pattern) + length(other_pattern), pattern, other_pattern) = 1),
        total AS (SELECT type, count(*) AS n FROM weak GROUP BY type)
        SELECT met.*, met.n / total.n AS share FROM best AS met JOIN total ON total.type = met.type
        WHERE different >= 2 AND partners <= 20 * different AND met.n / total.n >= {_LEAST_SHARE}
        QUALIFY row_number() OVER (
          PARTITION BY met.type, other
          ORDER BY met.n DESC, different DESC, length(pattern) + length(other_pattern), field, other_field) <= {_MOST}
        ORDER BY met.type, met.n DESC, other, field, other_field""",
    )
    out: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        proposal = {
            "left": _side(row["type"], row["field"], row["pattern"]),
            "right": _side(row["other"], row["other_field"], row["other_pattern"]),
            "actions": row["share"],
            "count": row["n"],
            "values": row["different"],
        }
        mine = out.setdefault(row["type"], [])
        if len(mine) < _MOST:
            mine.append(proposal)
    return out


def _values(connection: duckdb.DuckDBPyConnection, table: str, fields: tuple[str, ...]) -> None:
    """Build `TABLE_value`: every text that a record says, whole and in the parts of `_SHAPES`."""
    texts = [f"SELECT rec, type, '{field}' AS field, {FIELDS[field]} AS value FROM {table}" for field in fields]
    texts.append(
        f"""
        SELECT rec, type, 'attributes.' || name, json_extract_string(attributes, '$."' || name || '"')
        FROM (SELECT rec, type, attributes, unnest(json_keys(attributes)) AS name FROM {table}
              WHERE attributes IS NOT NULL) WHERE NOT contains(name, '"')"""
    )
    connection.execute(f"CREATE TEMP TABLE {table}_text AS {' UNION ALL '.join(texts)}")
    chosen = [(source.name, f"attributes.{name}") for source in SOURCES for name in sorted(source.chosen)]
    for told in chosen:  # what whoever acts writes as they like joins nothing
        connection.execute(f"DELETE FROM {table}_text WHERE type = ? AND field = ?", told)
    shaped = [
        f"SELECT rec, type, field, '{shape}' AS pattern, "
        + (f"regexp_extract(value, '{shape}')" if shape else "value")
        + f" AS value FROM {table}_text WHERE length(value) <= 300"
        for shape in _SHAPES
    ]
    connection.execute(
        f"CREATE TEMP TABLE {table}_value AS "
        f"SELECT DISTINCT * FROM ({' UNION ALL '.join(shaped)}) WHERE length(value) >= 5"
    )


def _side(source: str, field: str, pattern: str) -> dict[str, str]:
    return {"source": source, "field": field, **({"pattern": pattern} if pattern else {})}
