"""Declared joins (`[[correlate]]` in `quo.toml`): what one system calls a thing equals what another calls it.

Each join makes one shared key of the value that two records have in common, beside the keys that their sources gave
them (`correlates`, SPEC 4.2). It is done when the case is judged, so that a join may be declared after the logs were
read. Values that only one side has join nothing and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import msgspec

from quowarranto.case.store import Snapshot, write_query
from quowarranto.case.tables import TABLES
from quowarranto.errors import ConfigError
from quowarranto.sources import by_name

FIELDS = {
    "id": "id",
    "principal.type": "principal_type",
    "principal.id": "principal_id",
    "resource.type": "resource_type",
    "resource.id": "resource_id",
    "action": "action",
    "origin": "origin",
    "ticket": "ticket",
    "justification": "justification",
    "issued_by": "issued_by",
}
"""Fields of records by their columns; besides these `attributes.NAME` and `attributes.NAME.NAME`."""
_OF = {"actions": "actions", "facts": "facts", "derived": "facts"}
_SHORTEST = 3
"""Shorter values join nothing: too much has them in common."""


class Side(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side of a join: the type of the source whose records are meant, the field, and which part of its text.

    `pattern` is a regular expression (RE2); its first group, or without one the whole match, is the value.
    """

    source: str
    field: str
    pattern: str | None = None


class Correlate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Records whose values are equal on both sides share the key `correlate/NAME/VALUE`."""

    name: str
    left: Side
    right: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both; which is which makes no difference."""
        return self.left, self.right


def check(side: Side) -> None:
    """Whether a side can be obeyed.

    Raises:
        ConfigError: no such field, one that whoever acts writes as they like, or a pattern that is none.
    """
    if side.field not in FIELDS and not re.fullmatch(r"attributes\.[^\"]+", side.field):
        raise ConfigError(f"`{side.field}` is not a field", need="one of " + ", ".join((*FIELDS, "attributes.NAME")))
    known = by_name(side.source)
    if known is not None and _bare(side.field) in known.chosen:
        raise ConfigError(
            f"`{side.field}` of {side.source} is what the caller calls itself: it proves nothing",
            need="a field that the system itself wrote or has checked, such as the subject of a token",
        )
    if side.pattern is not None:
        try:
            duckdb.execute("SELECT regexp_extract('', ?)", [side.pattern]).fetchall()
        except duckdb.Error:
            raise ConfigError(f"`{side.pattern}` is not a regular expression", need="one of RE2") from None


def _bare(field: str) -> str:
    """The name of an attribute, however deep it is said to lie."""
    return field.removeprefix("attributes.").split(".")[0].strip('"')


def correlated(snapshot: Snapshot, joins: Sequence[Correlate], folder: Path) -> dict[str, str]:
    """The records that a join gives a key, with it, as one file per table (`actions`, `facts`, `derived`) in `folder`.

    They take the place of the rows of the same `rec`.
    """
    connection = duckdb.connect()
    snapshot.attach(connection, "inputs", *_OF)
    connection.execute("CREATE TEMP TABLE typed AS SELECT DISTINCT file, type FROM inputs")
    connection.execute("CREATE TEMP TABLE shared (rec BIGINT, key VARCHAR)")
    for join in joins:
        for name, side in zip(("here", "there"), join.sides, strict=True):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {side_rows(connection, side)}")
        connection.execute(
            "INSERT INTO shared SELECT rec, ? || value FROM (SELECT * FROM here UNION SELECT * FROM there) "
            "WHERE value IN (SELECT value FROM here) AND value IN (SELECT value FROM there)",
            [f"correlate/{join.name}/"],
        )
    keys = "SELECT rec, list(DISTINCT key ORDER BY key) AS keys FROM shared GROUP BY rec"
    connection.execute(f"CREATE TEMP TABLE keyed AS {keys}")
    files: dict[str, str] = {}
    for table in _OF:
        path = folder / f"correlated-{table}.parquet"
        columns = ", ".join(name for name, _ in TABLES[table].columns())
        longer = "t.* REPLACE (list_concat(t.correlates, k.keys) AS correlates)"
        keyed = f"SELECT {longer} FROM {table} t JOIN keyed k ON k.rec = t.rec"
        write_query(connection, f"SELECT {columns} FROM ({keyed})", path)
        files[table] = str(path)
    connection.close()
    return files


def side_rows(connection: duckdb.DuckDBPyConnection, side: Side) -> str:
    """SQL that gives (rec, value) of one side; views `actions`, `facts`, `derived` and the table `typed` are there."""
    parts = []
    for table in _OF:
        known = {name for name, _ in TABLES[table].columns()}
        if side.field in FIELDS and FIELDS[side.field] not in known:
            continue
        parts.append(f"SELECT t.rec, {value_of(side)} AS value FROM {table} t WHERE t.file IN {_files(side.source)}")
    whole = " UNION ALL ".join(parts)
    return f"SELECT DISTINCT rec, value FROM ({whole}) WHERE length(value) >= {_SHORTEST}"


def value_of(side: Side) -> str:
    """SQL for the value of a field, or of the part of it that the pattern finds."""
    if side.field in FIELDS:
        text = f"t.{FIELDS[side.field]}"
    else:
        name = side.field.removeprefix("attributes.")
        nested = "".join(f'."{part}"' for part in name.split("."))
        paths = (_literal(f'$."{name}"'), _literal(f"${nested}"))
        text = f"coalesce({', '.join(f'json_extract_string(t.attributes, {path})' for path in paths)})"
    if side.pattern is None:
        return text
    group = 1 if re.search(r"(?<!\\)\((?!\?)", side.pattern) else 0
    return f"regexp_extract({text}, {_literal(side.pattern)}, {group})"


def _files(source: str) -> str:
    return f"(SELECT file FROM typed WHERE type = {_literal(source)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
