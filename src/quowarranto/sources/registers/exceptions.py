"""A register of exceptions: accepted, dated departures from policy, each with an owner.

Reads     rows of CSV with a header, JSON lines or arrays, YAML (documents, or a list under `items`); the settings
          name the columns, so that the export of a ticket system needs no code.
Yields    an exception per row that was granted, and its end where it was withdrawn before its time.
Time      RFC 3339, or as the settings say; an exception begins at `valid_from`, failing that when it was decided.
Not seen  whether whoever granted it might: a register states results, it is no log of calls.
Source    docs/reference/sources/exceptions.md
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.registers.rows import Layout, Row, column, columns_of, layout, stated, with_its_end

FIELDS = (
    "id",
    "status",
    "owner",
    "principal",
    "actions",
    "resources",
    "decided_at",
    "decided_by",
    "requested_by",
    "valid_from",
    "valid_until",
    "ended_at",
    "justification",
    "ticket",
    "aliases",
)
STATUSES = {
    "granted": ("granted", "approved", "accepted", "active"),
    "expired": ("expired",),
    "revoked": ("revoked", "closed", "withdrawn"),
    "not granted": ("denied", "rejected", "declined", "pending", "draft", "requested", "open"),
}


def read(entry: Entry, columns: Layout = Layout()) -> Outcome:  # noqa: B008 - frozen
    """The exception of one row; an owner or an end that it lacks is a finding of its own (QW305), and no fault.

    Raises:
        RejectedEntry: a field that must be there is missing, or one is not what it should be.
    """
    row = Row(entry, columns)
    name = row.needed("id")
    status = row.status(STATUSES) if row.has("status") or columns.status else "granted"
    if status == "not granted":
        return Skipped("not granted")
    decided_at = row.time("decided_at")
    at = decided_at if decided_at is not None else row.time("valid_from")
    if at is None:
        raise RejectedEntry("`valid_from` and `decided_at` are missing")
    exception = stated(row, "exception", f"exceptions/{name}", at)
    if status == "expired" and exception.valid_until is None and row.time("ended_at") is None:
        raise RejectedEntry("it has expired, and `valid_until` is missing")  # else it would go on for ever
    owned = msgspec.structs.replace(exception, owner=row.person("owner"))
    return with_its_end(row, owned, revoked=status == "revoked")


def recognise(sample: Sample, columns: Layout = Layout()) -> int:  # noqa: B008 - frozen
    """By its columns: an id, an owner and an end. Where somebody requests, approvals are more likely."""
    needed = {column(field, columns) for field in ("id", "owner", "valid_until")}
    here = [found for found in columns_of(sample) if needed <= found]
    if not here:
        return 0
    return 70 if any(column("requested_by", columns) in found for found in here) else 85


def configure(settings: Mapping[str, Any]) -> Source:
    """The source for a register with the columns, words and times that the settings describe."""
    columns = layout("exceptions", settings, FIELDS, tuple(STATUSES))
    return msgspec.structs.replace(
        SOURCE, read=partial(read, columns=columns), recognise=partial(recognise, columns=columns)
    )


SOURCE = Source(
    name="exceptions",
    title="Register of exceptions",
    reads=("tables of exceptions: CSV, JSON lines, YAML",),
    recognise=recognise,
    read=read,
    documents=(".yaml", ".yml"),
    csv="header",
    configure=configure,
    ceiling="proven",
    raise_it="logs whose actions name the exception: by its id, by one of its `aliases`, or by its ticket",
)
