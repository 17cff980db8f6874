"""Rows of Parquet files as JSON entries; a row's place is its number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from quowarranto.case.cutting import Piece

MAGIC = b"PAR1"
_ROWS = 2_000
"""Rows that are taken from the file at a time."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def cut_parquet(path: Path, most: int | None = None, *, first: int = 0) -> Iterator[Piece]:
    """Each row as an object without the columns that are null in it; `offset` counts rows from 0, `line` from 1.

    Args:
        most: rows to be read at most.
        first: the row to begin with.
    """
    number = first
    connection = duckdb.connect(config={"threads": 1})
    try:
        limit = f" OFFSET {first}" + ("" if most is None else f" LIMIT {most}")
        found = connection.execute(f"SELECT to_json(r)::VARCHAR FROM read_parquet(?) r{limit}", [str(path)])
        while rows := found.fetchmany(_ROWS):
            for (text,) in rows:
                yield Piece(_encode(_said(_decode(text))), number, number + 1)
                number += 1
    except duckdb.Error:
        yield Piece(b"", number, number + 1, broken="the Parquet file is damaged")
    finally:
        connection.close()


def _said(value: Any) -> Any:
    """The value without what is null: a table has every column in every row."""
    if isinstance(value, dict):
        return {name: _said(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_said(one) for one in value]
    return value
