"""How long revoked credentials and sessions were still accepted, per system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from quowarranto.case.store import Case
from quowarranto.findings.propagation import propagation
from quowarranto.pipeline import link_paths
from tests.quo import quo

WHO = {"type": "workload", "id": "etl"}


def established(key: str, kind: str = "session") -> dict[str, Any]:
    return {"kind": kind, "id": key, "time": "2026-03-02T08:00:00Z", "principal": WHO, "cites": ["g"]}


def ended(key: str, at: str, how: str = "revoked", kind: str = "session") -> dict[str, Any]:
    return {"kind": kind, "id": key, "fact": "ended", "end": how, "time": f"2026-03-02T{at}Z"}


def action(at: str, key: str, outcome: str = "success") -> dict[str, Any]:
    return {
        "kind": "action", "id": f"{key}@{at}", "time": f"2026-03-02T{at}Z", "principal": WHO, "action": "read",
        "resource": {"type": "table", "id": "orders"}, "cites": [key], "outcome": outcome,
    }  # fmt: skip


CONTROLS = [
    {"kind": "grant", "id": "g", "time": "2026-03-01T00:00:00Z", "principal": WHO},
    *(established(f"s{number}") for number in range(1, 6)),
    established("c", "credential"),
    established("old"),
    *(ended(f"s{number}", "09:00:00") for number in range(1, 5)),
    ended("s5", "09:00:00", "closed"),
    ended("c", "09:00:00", "rotated", "credential"),
    ended("old", "09:00:00", "expired"),
]
SLOW = [
    action("08:30:00", "s1"), action("09:01:00", "s1"), action("09:02:00", "s1"),  # two minutes, two uses
    action("09:00:10", "s2"),
    action("09:10:00", "s3"), action("09:20:00", "s3", "denied"),  # ten minutes, then refused
    action("08:30:00", "s4"),  # never tried again
    action("09:30:00", "s5", "failure"),  # allowed, then went wrong: no success
    action("09:30:00", "c"), action("09:30:00", "old"),  # neither was revoked
]  # fmt: skip
PROMPT = [action("08:40:00", "s1"), action("09:05:00", "s1", "denied")]


def case_of(folder: Path) -> Case:
    for name, records in (("idp", CONTROLS), ("slow", SLOW), ("prompt", PROMPT)):
        text = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    case = Case(folder / "quo.case")
    link_paths(case, [str(folder / f"{name}.jsonl") for name in ("idp", "slow", "prompt")], threads=1)
    return case


def test_delays_are_told_per_system_from_the_revocation_to_the_last_accepted_use(tmp_path: Path) -> None:
    """Of three that were accepted: 10 s, 2 min and 10 min. Rotated, expired and failed ones are none of it."""
    slow, prompt = propagation(case_of(tmp_path).snapshot())
    assert slow == {
        "system": "slow", "revocations": 5, "accepted_after": 3, "refused_after": 1, "uses_after": 4,
        "p50_s": 120.0, "p95_s": 600.0, "max_s": 600.0, "slowest": "s3",
    }  # fmt: skip
    assert prompt == {
        "system": "prompt", "revocations": 1, "accepted_after": 0, "refused_after": 1, "uses_after": 0,
        "p50_s": None, "p95_s": None, "max_s": None, "slowest": None,
    }  # fmt: skip


def test_systems_of_one_type_are_one_where_that_is_asked_for(tmp_path: Path) -> None:
    (both,) = propagation(case_of(tmp_path).snapshot(), "type")
    assert (both["system"], both["revocations"], both["accepted_after"], both["max_s"]) == ("native", 5, 3, 600.0)


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    case_of(tmp_path)
    ran = quo(tmp_path, "propagation")
    assert ran.code == 0, ran.err
    line = next(line.split() for line in ran.out.splitlines() if line.startswith("slow"))
    assert line == ["slow", "5", "3", "1", "4", "2.0", "min", "10.0", "min", "10.0", "min", "s3"]


def test_where_nothing_was_revoked_it_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(json.dumps(one) + "\n" for one in (CONTROLS[0], established("s1"), SLOW[0])), encoding="utf-8"
    )
    link_paths(Case(tmp_path / "quo.case"), [str(log)], threads=1)
    assert "no credential or session of the case was revoked and used" in quo(tmp_path, "propagation").out
