"""A register of approvals: who asked for what, who decided, and until when.

Reads     rows of CSV with a header, JSON lines or arrays, YAML (documents, or a list under `items`); the settings
          name the columns, so that the export of a ticket system needs no code.
Yields    an approval per decided request, with effect `deny` where it was refused; its end where it was withdrawn.
Time      RFC 3339, or as the settings say; an approval begins when it was decided, or later where `valid_from` says so.
Not seen  whether deciding was allowed to who did it: a register states results, it is no log of calls.
Source    docs/reference/sources/approvals.md
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
    "requested_by",
    "decided_at",
    "decided_by",
    "principal",
    "actions",
    "resources",
    "valid_from",
    "valid_until",
    "ended_at",
    "justification",
    "ticket",
    "aliases",
)
STATUSES = {
    "approved": ("approved", "granted", "accepted"),
    "denied": ("denied", "rejected", "declined", "refused"),
    "revoked": ("revoked",),
    "withdrawn": ("withdrawn", "cancelled", "canceled"),
    "undecided": ("pending", "open", "requested"),
}


def read(entry: Entry, columns: Layout = Layout()) -> Outcome:  # noqa: B008 - frozen
    """The approval of one row.

    Raises:
        RejectedEntry: a field that must be there is missing, or one is not what it should be.
    """
    row = Row(entry, columns)
    name, status = row.needed("id"), row.status(STATUSES)
    if status == "undecided":
        return Skipped("not decided")
    decided_at = row.time("decided_at")
    if status == "withdrawn" and decided_at is None:
        return Skipped("not decided")
    if decided_at is None:
        raise RejectedEntry("`decided_at` is missing")
    approval = stated(row, "approval", f"approvals/{name}", decided_at)
    if status == "denied":  # nobody finds it by its ticket, and it cannot end
        return [msgspec.structs.replace(approval, effect="deny", correlates=())]
    # What was withdrawn after it had been decided was an approval, and another row may have told of it.
    return with_its_end(row, approval, revoked=status in ("revoked", "withdrawn"))


def recognise(sample: Sample, columns: Layout = Layout()) -> int:  # noqa: B008 - frozen
    """By its columns: an id, when it was decided, and by whom or how."""
    here = columns_of(sample)
    needed = {column("id", columns), column("decided_at", columns)}
    told = {column("status", columns), column("decided_by", columns)}
    return 80 if any(needed <= found and told & found for found in here) else 0


def configure(settings: Mapping[str, Any]) -> Source:
    """The source for a register with the columns, words and times that the settings describe."""
    columns = layout("approvals", settings, FIELDS, tuple(STATUSES))
    return msgspec.structs.replace(
        SOURCE, read=partial(read, columns=columns), recognise=partial(recognise, columns=columns)
    )


SOURCE = Source(
    name="approvals",
    title="Register of approvals",
    reads=("tables of approvals: CSV, JSON lines, YAML",),
    recognise=recognise,
    read=read,
    documents=(".yaml", ".yml"),
    csv="header",
    configure=configure,
    ceiling="proven",
    raise_it="logs whose actions name the approval: by its id, by one of its `aliases`, or by its ticket",
)
