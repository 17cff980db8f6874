"""Loose ends: what enforcement records tell of and no action shows, and whether it may not have been logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.store import Case
from quowarranto.findings.reconcile import MEANING, reconcile
from quowarranto.pipeline import link_paths
from tests.quo import quo

CI = {"type": "workload", "id": "ci"}
NOBODY = {"type": "workload", "id": "nobody"}


def fact(kind: str, key: str, hour: int = 9, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "id": key, "time": f"2026-03-01T{hour:02}:30:00Z", "principal": CI} | more


def actions() -> list[dict[str, Any]]:
    """Every minute from 09:00 to 11:00, but none from 10:00 to 10:59."""
    return [
        {
            "kind": "action",
            "id": f"a{hour}{minute}",
            "time": f"2026-03-01T{hour:02}:{minute:02}:00Z",
            "principal": CI,
            "action": "read",
            "resource": {"type": "t", "id": "t"},
            "cites": ["used"],
        }
        for hour in (9, 11)
        for minute in range(60)
    ]


USED = fact("policy", "used", 8, principal=None)


def ends(folder: Path, *facts: dict[str, Any]) -> list[tuple[str, int, int]]:
    """What, how many, and how many of them may not be logged."""
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in (*actions(), USED, *facts)))
    case = Case(folder / "quo.case")
    link_paths(case, [str(log)], threads=1)
    return [(one["what"], one["count"], one["may_not_be_logged"]) for one in reconcile(case.snapshot())]


REQUEST = {
    "subject": {"type": "workload", "id": "ci"},
    "action": {"name": "write"},
    "resource": {"type": "t", "id": "other"},
}


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ([], []),
        ([fact("decision", "d", request=REQUEST)], [("decision without an action", 1, 0)]),
        ([fact("decision", "d", 10, request=REQUEST)], [("decision without an action", 1, 1)]),
        ([fact("decision", "d", request=REQUEST, effect="deny")], []),
        ([fact("approval", "x", valid_until="2026-03-01T10:00:00Z")], [("approval never used", 1, 0)]),
        ([fact("approval", "x", principal=NOBODY)], [("approval never used", 1, 1)]),
        ([fact("approval", "x", 1, valid_until="2026-03-01T02:00:00Z")], []),
        ([fact("approval", "x", 12)], []),
        ([fact("exception", "x", 10)], [("exception never used", 1, 0)]),
        ([fact("credential", "c", 10), fact("credential", "c2")], [("credential never used", 2, 1)]),
        ([fact("grant", "g", 10)], [("grant never used", 1, 0)]),
        ([fact("grant", "g", scope=[{"actions": ["write"]}])], [("grant never used", 1, 0)]),
        ([fact("session", "s", fact="ended", end="revoked")], [("end of something never seen", 1, 0)]),
        ([fact("session", "s", 8), fact("session", "s", fact="ended")], [("session without activity", 1, 1)]),
    ],
)
def test_a_loose_end_is_told_and_whether_the_logs_were_silent(
    tmp_path: Path, facts: list[dict[str, Any]], found: list[tuple[str, int, int]]
) -> None:
    """Silent: from 10:00 to 10:59 nobody acts; before 09:00 and after 12:00 neither; `nobody` never does."""
    assert ends(tmp_path, *facts) == found


def test_numbers_that_never_came_are_counted(tmp_path: Path) -> None:
    """Repeated and unordered deliveries are no gap; each stream has its own numbers."""
    numbered = [
        fact("policy", f"p{n}", attributes={"sequence": {"stream": stream, "number": n}}, principal=None)
        for stream, n in (("a", 1), ("a", 5), ("a", 2), ("a", 2), ("b", 9), ("b", 10))
    ]
    found = ends(tmp_path, *numbered)
    assert [one for one in found if one[0] == "numbers missing"] == [("numbers missing", 2, 2)]


def test_the_command_prints_a_table_and_every_kind_has_a_meaning(tmp_path: Path) -> None:
    ends(tmp_path, fact("approval", "x"))
    ran = quo(tmp_path, "reconcile")
    assert ran.code == 0, ran.err
    assert "approval never used" in ran.out
    (row,) = json.loads(quo(tmp_path, "reconcile", "--format", "json").out)
    assert (row["sample"], row["means"]) == (["x"], MEANING[row["what"]])
