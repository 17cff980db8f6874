"""What a case comes to, in a few numbers."""

from __future__ import annotations

from typing import Any

from quowarranto.case.query import connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings import present
from quowarranto.findings.whole import counted_findings
from quowarranto.records.codes import SEVERITIES

MEANING: dict[str, str] = {
    "unauthorised": "its authority is on record and did not hold",
    "disputed": "several authorities could have allowed it and disagree",
    "unproven": "no authority for it was found, or none that held",
    "presumed": "an authority would have allowed it, but the record does not prove which",
    "authorised": "every link of its chain is on record and held",
    "refused": "the control worked",
}


def overview(snapshot: Snapshot) -> dict[str, Any]:
    """Counts of the case: actions, facts, authorities, verdicts (gravest first), severities, the worst findings."""
    connection = connect(snapshot, "verdicts", "runs")
    verdicts = {
        row["verdict"]: row["n"] for row in rows(connection, "SELECT verdict, count(*) AS n FROM verdicts GROUP BY 1")
    }
    actions = sum(verdicts.values())
    severities, worst = counted_findings(snapshot, 8)
    run = rows(connection, "SELECT facts, authorities FROM runs ORDER BY run DESC LIMIT 1")
    return {
        "actions": actions,
        "facts": run[0]["facts"] if run else 0,
        "authorities": run[0]["authorities"] if run else 0,
        "verdicts": {
            name: {"count": verdicts[name], "share": verdicts[name] / actions, "means": means}
            for name, means in MEANING.items()
            if name in verdicts
        },
        "severities": {name: severities[name] for name in reversed(SEVERITIES) if name in severities},
        "worst": [present.finding(row) for row in worst],
    }
