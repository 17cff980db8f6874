"""Parquet: verdicts or findings with their types, for engines and notebooks.

Reads     verdicts or findings, one at a time (`formats.flat`).
Writes    one file: times as timestamps in UTC, lists as lists, the chain as a list of (key, kind).
Choices   rows are laid down in parts beside the file and put together by the engine, so that memory does not grow with
          their number; the parts are gone when it is done.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from arro3.core import Array, DataType, Table

from quowarranto.case.store import Snapshot, parquet, write_parquet, write_query
from quowarranto.export.formats.flat import TABLES, Columns, in_parts, rows_of
from quowarranto.export.formats.wanted import Wanted

_PART = 50_000
"""Rows of a part."""


def write(snapshot: Snapshot, wanted: Wanted, table: str, path: Path) -> None:
    """Write a table of `flat.TABLES` to a file.

    Raises:
        CaseError: it cannot be written.
    """
    columns = TABLES[table]
    with tempfile.TemporaryDirectory(prefix=".quo-parts-", dir=path.parent) as folder:
        parts = []
        connection = duckdb.connect()
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        for number, rows in enumerate(in_parts(rows_of(snapshot, table, wanted), _PART)):
            parts.append(str(Path(folder) / f"{number:06}.parquet"))
            write_parquet(_plain(rows, columns), Path(parts[-1]), connection)
        if not parts:
            parts.append(str(Path(folder) / "none.parquet"))
            write_parquet(_plain([], columns), Path(parts[0]), connection)
        typed = ", ".join(_typed(name, kind) for name, kind in columns)
        write_query(connection, f"SELECT {typed} FROM {parquet(parts)}", path)
        connection.close()


def _plain(rows: list[dict[str, Any]], columns: Columns) -> Table:
    """Rows with numbers and text only: what is nested is JSON."""
    return Table.from_pydict(
        {name: Array([_text(row[name]) for row in rows], type=_arrow(kind)) for name, kind in columns}
    )


def _arrow(kind: str) -> DataType:
    return DataType.int64() if kind == "BIGINT" else DataType.string()


def _text(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, list) else value


def _typed(name: str, kind: str) -> str:
    if kind == "VARCHAR[]":
        return f'from_json("{name}", \'["VARCHAR"]\') AS "{name}"'
    if kind.startswith("STRUCT"):
        return f'from_json("{name}", \'[{{"key":"VARCHAR","kind":"VARCHAR"}}]\') AS "{name}"'
    return f'CAST("{name}" AS {kind}) AS "{name}"'
