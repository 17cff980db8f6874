"""Rows of CSV files (RFC 4180) as JSON entries, each with the place and the bytes of its row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Literal

import msgspec

from quowarranto.case.cutting import Piece, without_bom

_LONGEST = 1024 * 1024
"""Bytes of one row at most: a quote that is never closed takes so much with it, and no more."""
_BROKEN = "not a row of CSV"
_encode = msgspec.json.Encoder().encode


def cut_csv(data: bytes, columns: Literal["header", "bare"]) -> Iterator[Piece]:
    """Every row as an object of texts by the names in the first row (`header`), or as an array of texts (`bare`).

    With a header the columns may be parted by commas, semicolons or tabs, whichever the header has most of.
    """
    text, begin = without_bom(data)
    rows = _rows(text, begin)
    if columns == "bare":
        yield from (_piece(row, ",", None) for row in rows)
        return
    first = next(rows, None)
    if first is None:
        return
    delimiter = max(",;\t", key=first.raw.decode("utf-8", "replace").count)
    names = _fields(first.raw, delimiter)
    if names is None or len(set(names)) != len(names):
        yield _broken(first, "the header is not a row of CSV" if names is None else "two columns have one name")
        yield from (_broken(row, "the header cannot be read") for row in rows)
        return
    yield from (_piece(row, delimiter, [name.strip() for name in names]) for row in rows)


class _Row(msgspec.Struct, frozen=True):
    raw: bytes
    offset: int
    line: int


def _rows(data: bytes, offset: int) -> Iterator[_Row]:
    """Rows that are not blank; a row goes on past the end of a line as long as a quote is open."""
    line, waiting, quotes, size = 1, list[bytes](), 0, 0
    for part in data.split(b"\n"):
        waiting.append(part)
        quotes += part.count(b'"')
        size += len(part) + 1
        if quotes % 2 and size < _LONGEST:
            continue
        yield from _row(waiting, offset, line)
        offset, line = offset + size, line + len(waiting)
        waiting, quotes, size = [], 0, 0
    if waiting:
        yield from _row(waiting, offset, line)


def _row(parts: list[bytes], offset: int, line: int) -> Iterator[_Row]:
    raw = b"\n".join(parts)
    if raw.strip():
        yield _Row(raw.removesuffix(b"\r"), offset, line)


def _fields(raw: bytes, delimiter: str) -> list[str] | None:
    try:
        rows = list(csv.reader([raw.decode()], delimiter=delimiter, strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows[0] if len(rows) == 1 else None


def _piece(row: _Row, delimiter: str, names: list[str] | None) -> Piece:
    fields = _fields(row.raw, delimiter)
    if fields is None:
        return _broken(row, _BROKEN)
    if names is not None and len(fields) != len(names):
        return _broken(row, f"a row of {len(fields)} fields where the header has {len(names)}")
    value = fields if names is None else dict(zip(names, fields, strict=True))
    return Piece(_encode(value), row.offset, row.line, raw=row.raw)


def _broken(row: _Row, why: str) -> Piece:
    return Piece(row.raw, row.offset, row.line, broken=why)
