"""What the report shows, gathered from the case: plain data, no markup."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from quowarranto import __version__
from quowarranto.case.query import connect, quarantine, read_counts, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings import present
from quowarranto.findings.explain import Explainer
from quowarranto.findings.whole import all_findings
from quowarranto.records import format_instant
from quowarranto.records.codes import CODES
from quowarranto.sources import by_name

_BUCKETS = 48
_EXPLAINED = 120
_PER_FINDING = 2
_SOURCES = 12
_FINDINGS = 2_000

LIMITS = (
    "Verdicts are about what the records say; a record that is false, or missing, is beyond them.",
    "A missing record is not proof of a missing control: see QW105, and the silences that `quo coverage` lists.",
    "Findings provide evidence relevant to the controls named; they do not say that anything complies with them.",
    "What is called presumed or inferred was not named by the record itself.",
    "The lines shown were read again from their files and compared with their SHA-256; secrets in them were removed.",
)


def report_data(snapshot: Snapshot, title: str) -> dict[str, Any]:
    """Everything that `export.report.report_html` shows of a case."""
    connection = connect(snapshot)
    found = [present.finding(row) | {"name": CODES[row["code"]].name} for row in all_findings(snapshot, _FINDINGS)]
    span = rows(connection, "SELECT min(time) AS first_us, max(time) AS last_us FROM verdicts")[0]
    return {
        "title": title,
        "generated_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "case": str(snapshot.folder),
        "version": __version__,
        "totals": _totals(connection),
        "span": {
            "first": None if span["first_us"] is None else format_instant(span["first_us"]),
            "last": None if span["last_us"] is None else format_instant(span["last_us"]),
        },
        "over_time": _over_time(connection, span),
        "sources": _sources(snapshot, connection),
        "findings": found,
        "root_causes": _counts(connection, "root_cause", "WHERE root_cause IS NOT NULL"),
        "explained": _explained(snapshot, found),
        "quarantine": [row for row, _ in zip(quarantine(snapshot), range(50), strict=False)],
        "limits": list(LIMITS),
    }


def _counts(connection: Any, column: str, where: str = "") -> dict[str, int]:
    return {
        row["name"]: row["n"]
        for row in rows(
            connection, f"SELECT {column} AS name, count(*) AS n FROM verdicts {where} GROUP BY 1 ORDER BY n DESC, name"
        )
    }


def _totals(connection: Any) -> dict[str, Any]:
    read = read_counts(connection)
    facts = rows(
        connection,
        "SELECT count(DISTINCT digest) AS n FROM (SELECT digest FROM facts UNION ALL SELECT digest FROM derived)",
    )[0]
    verdicts = _counts(connection, "verdict")
    return {
        "actions": sum(verdicts.values()),
        "verdicts": verdicts,
        "linkage": _counts(connection, "linkage"),
        "facts": facts["n"],
        **read,
    }


def _over_time(connection: Any, span: dict[str, Any]) -> list[dict[str, Any]]:
    if span["first_us"] is None:
        return []
    width = max(1, -(-(span["last_us"] - span["first_us"] + 1) // _BUCKETS))
    counted = rows(
        connection,
        f"SELECT (time - {span['first_us']}) // {width} AS slot, verdict, count(*) AS n "
        "FROM verdicts GROUP BY 1, 2 ORDER BY 1",
    )
    slots: dict[int, dict[str, int]] = {slot: {} for slot in range((span["last_us"] - span["first_us"]) // width + 1)}
    for row in counted:
        slots[row["slot"]][row["verdict"]] = row["n"]
    return [
        {
            "start": format_instant(span["first_us"] + slot * width),
            "end": format_instant(span["first_us"] + (slot + 1) * width),
            "verdicts": verdicts,
        }
        for slot, verdicts in sorted(slots.items())
    ]


def _sources(snapshot: Snapshot, connection: Any) -> list[dict[str, Any]]:
    """Linkage per source; where there are very many (a trail of small files), per type."""
    linked = rows(
        connection,
        """
        SELECT n.source, n.type, v.linkage, v.verdict, count(*) AS n
        FROM verdicts v JOIN actions i ON i.rec = v.rec
        JOIN (SELECT file, any_value(source) AS source, any_value(type) AS type FROM inputs GROUP BY file) n
          ON n.file = i.file
        GROUP BY ALL ORDER BY n.source, n.type""",
    )
    many = len({(row["source"], row["type"]) for row in linked}) > _SOURCES
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for row in linked:
        kind = row["type"] or "?"
        name = f"all {kind} logs" if many else row["source"]
        source = by_name(kind)
        one = out.setdefault(
            (name, kind),
            {
                "source": name,
                "type": kind,
                "actions": 0,
                "linkage": Counter(),
                "verdicts": Counter(),
                "ceiling": source.ceiling if source else None,
                "raise_it": source.raise_it if source else None,
            },
        )
        one["actions"] += row["n"]
        one["linkage"][row["linkage"]] += row["n"]
        one["verdicts"][row["verdict"]] += row["n"]
    return list(out.values())


def _explained(snapshot: Snapshot, found: list[dict[str, Any]]) -> dict[str, Any]:
    """The sample actions of the gravest findings, explained."""
    wanted: dict[str, None] = {}
    for finding in found:
        for action in finding["sample"][:_PER_FINDING]:
            wanted.setdefault(action)
        if len(wanted) >= _EXPLAINED:
            break
    shown = list(wanted)[:_EXPLAINED]
    explainer = Explainer(snapshot, shown)
    return {action: explainer.explain(action)[0] for action in shown}
