"""Verdicts and findings as rows of plain columns, for spreadsheets and columnar files.

A row is what `quo verdicts` or `quo findings` prints of one (SPEC 10), with what is nested laid side by side:
`principal` becomes `principal_type` and `principal_id`, a finding's `subject` the columns of authority or principal.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from quowarranto.case.query import verdicts
from quowarranto.case.store import Snapshot
from quowarranto.export.formats.wanted import Wanted
from quowarranto.findings import present
from quowarranto.findings.whole import found_whole

Columns = tuple[tuple[str, str], ...]
"""(name, type in SQL) of every column, in order."""

_LIST = "VARCHAR[]"
TABLES: dict[str, Columns] = {
    "verdicts": (
        *(("action", "VARCHAR"), ("time", "TIMESTAMPTZ"), ("source", "VARCHAR")),
        *(("principal_type", "VARCHAR"), ("principal_id", "VARCHAR"), ("verb", "VARCHAR")),
        *(("resource_type", "VARCHAR"), ("resource_id", "VARCHAR"), ("outcome", "VARCHAR")),
        *(("verdict", "VARCHAR"), ("linkage", "VARCHAR"), ("basis", "VARCHAR"), ("method", "VARCHAR")),
        *(("codes", _LIST), ("root_cause", "VARCHAR")),
        *(("authorities", "STRUCT(key VARCHAR, kind VARCHAR)[]"), ("because", "VARCHAR")),
    ),
    "findings": (
        *(("code", "VARCHAR"), ("severity", "VARCHAR")),
        *(("authority_kind", "VARCHAR"), ("authority_key", "VARCHAR")),
        *(("principal_type", "VARCHAR"), ("principal_id", "VARCHAR")),
        *(("count", "BIGINT"), ("first", "TIMESTAMPTZ"), ("last", "TIMESTAMPTZ")),
        *(("sample", _LIST), ("summary", "VARCHAR"), ("controls", _LIST)),
    ),
}


def rows_of(snapshot: Snapshot, table: str, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The rows of a table of `TABLES`, one at a time, lists and times as they are in JSON.

    Args:
        wanted: of verdicts only its filters count; of several codes an action bears all, a finding any.
    """
    if table == "verdicts":
        return (side_by_side(present.verdict(row)) for row in verdicts(snapshot, wanted.filters))
    return (_finding(row) for row in found_whole(snapshot, wanted.filters, wanted.severity))


def _finding(row: dict[str, Any]) -> dict[str, Any]:
    row["sample"] = [sample["id"] for sample in row["samples"]]
    said = present.finding(row)
    subject = said["subject"]
    whom = subject.get("principal", {})
    about = {
        "authority_kind": subject.get("kind"),
        "authority_key": subject.get("key"),
        "principal_type": whom.get("type"),
        "principal_id": whom.get("id"),
    }
    return {name: about[name] if name in about else said[name] for name, _ in TABLES["findings"]}


def side_by_side(row: dict[str, Any]) -> dict[str, Any]:
    """A row in which every `{type, id}` has become two columns."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and set(value) == {"type", "id"}:
            out[f"{name}_type"], out[f"{name}_id"] = value["type"], value["id"]
        else:
            out[name] = value
    return out


def cells(row: dict[str, Any]) -> dict[str, Any]:
    """A row for CSV: a list of words parted by spaces, anything else that is nested as JSON, no cell a formula."""
    return {name: harmless(_cell(value)) for name, value in side_by_side(row).items()}


def _cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) and not set(item) & set(" \n") for item in value):
        return " ".join(value)
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a text begins that some spreadsheet would work out; the wide signs count in Japanese editions."""


def harmless(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is marked as text, by an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class Writes(Protocol):
    """Takes text."""

    def write(self, text: str, /) -> int: ...


def csv_writer(out: Writes, columns: Sequence[str]) -> csv.DictWriter[str]:
    """Writes rows of `cells`, each ended by a line feed.

    The library quotes a carriage return only where it ends its lines with one, and a bare one would end a row.
    """
    return csv.DictWriter(_LineFeeds(out), columns, lineterminator="\r\n", extrasaction="ignore", restval="")


class _LineFeeds:
    """Takes rows, one at a time, that end with carriage return and line feed."""

    def __init__(self, out: Writes) -> None:
        self._out = out

    def write(self, row: str) -> int:
        return self._out.write(row.removesuffix("\r\n") + "\n")


def in_parts(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Rows, so many at a time."""
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part
