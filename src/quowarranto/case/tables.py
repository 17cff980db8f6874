"""The tables of a case: their names and columns (described in docs/reference/formats/case.md)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from arro3.core import Array, DataType, Schema, Table

from quowarranto.case.columns import action_table, fact_table

if TYPE_CHECKING:
    import duckdb

_SQL = {"int64": "BIGINT", "int32": "INTEGER", "int8": "TINYINT", "string": "VARCHAR", "bool": "BOOLEAN"}
_ARROW = {
    "int64": DataType.int64,
    "string": DataType.string,
    "bool": DataType.bool,
}


class TableShape(msgspec.Struct, frozen=True):
    """Name and columns of one table."""

    name: str
    empty: Callable[[], Table]

    def schema(self) -> Schema:
        """Its Arrow schema."""
        return self.empty().schema

    def columns(self) -> list[tuple[str, str]]:
        """(name, SQL type) of every column."""
        return _columns(self)


@cache
def scratch() -> duckdb.DuckDBPyConnection:
    """An engine for small questions, each with a `cursor` of its own: opening one costs more than they do."""
    import duckdb

    return duckdb.connect()


@cache
def _columns(shape: TableShape) -> list[tuple[str, str]]:
    connection = scratch().cursor()
    connection.register("shape", shape.empty())
    return [(row[0], row[1]) for row in connection.execute("DESCRIBE SELECT * FROM shape").fetchall()]


def rows_of(columns: dict[str, str], rows: list[tuple[Any, ...]]) -> Table:
    """Rows as an Arrow table; `columns` maps names to `int64`, `string` or `bool`."""
    return table_of(columns, {name: [row[place] for row in rows] for place, name in enumerate(columns)})


def table_of(columns: dict[str, str], values: dict[str, list[Any]]) -> Table:
    """Values by column as an Arrow table; `columns` maps names to `int64`, `string` or `bool`."""
    return Table.from_pydict({name: Array(values[name], type=_ARROW[kind]()) for name, kind in columns.items()})


def _plain(name: str, /, **columns: str) -> TableShape:
    return TableShape(name, lambda: rows_of(columns, []))


PLACE = {"source": "string", "file": "string", "line": "int64", "byte_offset": "int64", "sha256": "string"}
OBSERVATIONS = {"rec": "int64", "type": "string", "name": "string", "at_us": "int64", "data": "string", **PLACE}
QUARANTINE = {"file": "string", "line": "int64", "byte_offset": "int64", "source": "string", "reason": "string"}
INPUTS = {
    "file": "string",
    "source": "string",
    "type": "string",
    "bytes": "int64",
    "entries": "int64",
    "recorded": "int64",
    "skipped": "int64",
    "quarantined": "int64",
    "reasons": "string",
    "read_at": "int64",
}
REPLAYS = {
    "decision": "string",
    "time": "int64",
    "source": "string",
    "language": "string",
    "recorded": "string",
    "replayed": "string",
    "code": "string",
    "policy": "string",
    "principal_type": "string",
    "principal_id": "string",
    "question": "string",
    "policies": "string",
    "determining": "string",
    "missing": "string",
    "errors": "string",
}

BY_ACTION = ("verdicts", "steps", "faults", "seeking", "sharing", "dangling")
"""Results of which the newest run that judged an action (`rejudged`) has the last word."""
BY_FINDING = ("findings", "samples")
"""Results that hold until their finding is withdrawn."""
JUDGED = (
    *BY_ACTION,
    *BY_FINDING,
    *(
        "runs",
        "chains",
        "parents",
        "authorities",
        "terms",
        "keys",
        "named",
        "subjects",
        "loose",
        "rejudged",
        "withdrawn",
    ),
)
"""What judging leaves behind; all other tables hold what was read."""

TABLES: dict[str, TableShape] = {
    shape.name: shape
    for shape in (
        TableShape("actions", lambda: action_table([], 0)),
        TableShape("facts", lambda: fact_table([], 0)),
        TableShape("derived", lambda: fact_table([], 0)),
        _plain("observations", **OBSERVATIONS),
        _plain("quarantine", **QUARANTINE),
        _plain("inputs", **INPUTS),
        _plain("runs", run="int64", whole="bool", skew_us="int64", window_us="int64", engine="string", facts="int64",
               authorities="int64", first_us="int64", last_us="int64", judged="int64"),
        _plain(
            "verdicts",
            rec="int64", time="int64", verdict="string", linkage="string", basis="string", method="string",
            codes="string", root_cause="string", run="int64",
        ),
        _plain("steps", rec="int64", use="int64", how="int64", under="int64", run="int64"),
        _plain(
            "chains",
            use="int64", node="int64", kind="string", term="int64", at_us="int64", depth="int64", codes="string",
            lent="bool",
        ),
        _plain("parents", use="int64", node="int64", parent="int64"),
        _plain("authorities", a="int64", id="string", kind="string"),
        _plain(
            "terms",
            a="int64", term="int64", start_us="int64", end_us="int64", ended_by="string", grace_us="int64",
            decided_us="int64", point="bool", principal_type="string", principal_id="string", by_type="string",
            by_id="string", effect="string", scope="string", issued_by="string", requested_by="string",
            justification="string", ticket="string", owner="string",
        ),
        _plain("keys", key="string", a="int64"),
        _plain("faults", rec="int64", code="string", a="int64", time="int64", about="int64", run="int64"),
        _plain(
            "findings",
            finding="int64", code="string", severity="string", key="string", kind="string", principal_type="string",
            principal_id="string", count="int64", first_us="int64", last_us="int64",
        ),
        _plain("samples", finding="int64", rec="int64", nth="int64", action="string"),
        _plain("named", rec="int64", time="int64", id_hash="int64", origin_hash="int64"),
        _plain("seeking", rec="int64", time="int64", subject="int64", question="int64", run="int64"),
        _plain("subjects", subject="int64", type="string", id="string"),
        _plain("sharing", rec="int64", value_hash="int64", run="int64"),
        _plain("dangling", rec="int64", key="string", origin="string", run="int64"),
        _plain("loose", a="int64", key="string"),
        _plain("replays", **REPLAYS),
        _plain("rejudged", rec="int64", run="int64"),
        _plain("withdrawn", finding="int64"),
    )
}  # fmt: skip
