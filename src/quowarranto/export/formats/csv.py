"""CSV (RFC 4180): verdicts or findings, a row each, for spreadsheets and for everything that reads nothing else.

Reads     verdicts or findings, one at a time (`formats.flat`).
Writes    UTF-8, a header always, rows parted by a line feed; memory does not grow with their number.
Choices   a cell that begins with `=`, `+`, `-`, `@`, a tab or a line end gets an apostrophe in front, so that no name
          out of a log is worked out as a formula. Lists are parted by spaces, or JSON where an item has a space.
"""

from __future__ import annotations

from typing import BinaryIO

from quowarranto.case.store import Snapshot
from quowarranto.export.formats.flat import TABLES, cells, csv_writer, rows_of
from quowarranto.export.formats.wanted import Wanted


def write(snapshot: Snapshot, wanted: Wanted, table: str, out: BinaryIO) -> None:
    """Write a table of `flat.TABLES`."""
    writer = csv_writer(_Encoded(out), [name for name, _ in TABLES[table]])
    writer.writeheader()
    for row in rows_of(snapshot, table, wanted):
        writer.writerow(cells(row))


class _Encoded:
    """Text into a file of bytes that stays the caller's: a wrapper of the library would close it where it fails."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode("utf-8", "backslashreplace"))
