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
    "disputed": "authorities that could have allowed it disagree, or a replay with the decision",
    "unproven": "no authority for it was found, or none that held",
    "presumed": "an authority would have allowed it, but the record does not prove which",
    "authorised": "every link of its chain is on record and held",
    "refused": "the control worked",
}


LARGE = 1_000_000
"""From so many actions on, what stands of credentials and grants takes longer than judging a few new records."""


def overview(snapshot: Snapshot, *, at_once: bool = False) -> dict[str, Any]:
    """Counts of the case: actions, facts, authorities, verdicts (gravest first), severities, the worst findings.

    Args:
        snapshot: a judged state.
        at_once: in a large case to which records were added, leave out the findings about credentials and grants
            themselves, which take a look at everything; `all_findings` of the answer says whether they are in it.
    """
    connection = connect(snapshot, "verdicts", "runs")
    verdicts = {
        row["verdict"]: row["n"] for row in rows(connection, "SELECT verdict, count(*) AS n FROM verdicts GROUP BY 1")
    }
    actions = sum(verdicts.values())
    run = rows(connection, "SELECT whole, facts, authorities FROM runs ORDER BY run DESC LIMIT 1")
    everything = not (at_once and actions > LARGE and run and not run[0]["whole"])
    severities, worst = counted_findings(snapshot, 8, about_authorities=everything)
    return {
        "actions": actions,
        "facts": run[0]["facts"] if run else 0,
        "authorities": run[0]["authorities"] if run else 0,
        "verdicts": {
            name: {"count": verdicts[name], "share": verdicts[name] / actions, "means": means}
            for name, means in MEANING.items()
            if name in verdicts
        },
        "all_findings": everything,
        "severities": {name: severities[name] for name in reversed(SEVERITIES) if name in severities},
        "worst": [present.finding(row) for row in worst],
    }
