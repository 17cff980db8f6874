"""All findings of a case: those of verdicts, and those about authorities themselves."""

from __future__ import annotations

from collections import Counter

from quowarranto.case.config import load_config
from quowarranto.case.query import Row, connect, findings, rows
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


def _gravest(found: list[Row], limit: int | None) -> list[Row]:
    def gravity(row: Row) -> tuple[object, ...]:
        who = (row["key"] or "", row["principal_type"] or "", row["principal_id"] or "")
        return (-SEVERITIES.index(row["severity"]), -row["count"], row["code"], row["key"] is None, *who)

    return sorted(found, key=gravity)[:limit]
