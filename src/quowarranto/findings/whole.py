"""All findings of a case: those of verdicts, and those about authorities themselves."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import msgspec

from quowarranto.case.config import load_config
from quowarranto.case.found import found
from quowarranto.case.query import Filters, Row, connect, findings, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.standing import standing
from quowarranto.records.codes import SEVERITIES


def all_findings(snapshot: Snapshot, limit: int | None = None) -> list[Row]:
    """Rows as `case.query.findings` gives them, the gravest and most frequent first; all, or so many."""
    return _gravest(findings(snapshot, limit) + standing(snapshot, load_config(snapshot.folder)), limit)


def counted_findings(
    snapshot: Snapshot, limit: int, *, about_authorities: bool = True
) -> tuple[Counter[str], list[Row]]:
    """How many findings there are of each severity, and the gravest of them."""
    about = standing(snapshot, load_config(snapshot.folder)) if about_authorities else []
    connection = connect(snapshot, "findings")
    severities = Counter(row["severity"] for row in about)
    for row in rows(connection, "SELECT severity, count(*) AS n FROM findings GROUP BY 1"):
        severities[row["severity"]] += row["n"]
    return severities, _gravest(findings(snapshot, limit) + about, limit)


def found_whole(snapshot: Snapshot, filters: Filters = Filters(), severity: tuple[str, ...] = ()) -> Iterator[Row]:  # noqa: B008 - frozen
    """All findings with what stands behind each, the gravest first, one at a time: rows as those of `case.found.found`.

    A filter of actions leaves out findings about authorities themselves, which are about no action.
    """
    bounds = msgspec.structs.replace(filters, code=(), limit=None)
    about = standing(snapshot, load_config(snapshot.folder)) if bounds == Filters() else []
    kept = [
        row
        for row in sorted(about, key=_gravity)
        if (not filters.code or row["code"] in filters.code) and (not severity or row["severity"] in severity)
    ]
    of_actions = found(snapshot, msgspec.structs.replace(filters, limit=None), severity)
    return islice(heapq.merge(of_actions, _sampled(snapshot, kept), key=_gravity), filters.limit)


def _sampled(snapshot: Snapshot, about: list[Row]) -> list[Row]:
    """Findings about authorities with their sample actions as `case.found.found` has them."""
    connection = connect(snapshot, "actions", "verdicts")
    connection.execute("CREATE TEMP TABLE wanted (id VARCHAR)")
    if wanted := sorted({action for row in about for action in row["sample"]}):
        connection.executemany("INSERT INTO wanted VALUES (?)", [[action] for action in wanted])
    by_id: dict[str, Row] = {}
    for row in rows(
        connection,
        "SELECT i.id, i.time, i.source, i.principal_type, i.principal_id, i.action, i.resource_type, i.resource_id, "
        "i.outcome, v.verdict, v.linkage, i.file, i.line, i.byte_offset, i.sha256 "
        "FROM actions i JOIN verdicts v ON v.rec = i.rec WHERE i.id IN (SELECT id FROM wanted) ORDER BY i.rec",
    ):
        by_id.setdefault(row["id"], row)
    return [_with_samples(row, [by_id[action] for action in row["sample"] if action in by_id]) for row in about]


def _with_samples(row: Row, samples: list[Row]) -> Row:
    who = sorted({(sample["principal_type"], sample["principal_id"]) for sample in samples})
    principals = [{"type": kind, "id": name} for kind, name in who]
    return {**row, "samples": samples, "verdicts": [], "principals": principals, "principal_count": len(who)}


def _gravity(row: Row) -> tuple[object, ...]:
    who = (row["key"] or "", row["principal_type"] or "", row["principal_id"] or "")
    return (-SEVERITIES.index(row["severity"]), -row["count"], row["code"], row["key"] is None, *who)


def _gravest(found: list[Row], limit: int | None) -> list[Row]:
    return sorted(found, key=_gravity)[:limit]
