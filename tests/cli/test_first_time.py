"""What a first-time user meets: mistyped names, files that are no logs, the same logs twice, one of something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.quo import quo, rows

ACTION = {
    "kind": "action",
    "id": "a1",
    "time": "2026-03-01T09:00:00Z",
    "principal": {"type": "user", "id": "alice"},
    "action": "read",
    "resource": {"type": "file", "id": "payroll"},
    "cites": ["session/1"],
}
SESSION = {"kind": "session", "id": "session/1", "time": "2026-03-01T08:00:00Z"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One action, one session, two broken lines and a file that is no log, linked."""
    tmp_path = tmp_path_factory.mktemp("first")
    (tmp_path / "logs").mkdir()
    lines = [json.dumps(ACTION), json.dumps(SESSION), "{broken", "{broken too"]
    (tmp_path / "logs" / "native.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "logs" / "strange.log").write_text("nothing that anybody knows\n")
    assert quo(tmp_path, "link", "logs").code == 0
    return tmp_path


@pytest.mark.parametrize(
    ("option", "typed", "nearest"),
    [
        ("--principal", "user:alise", "user:alice"),
        ("--resource", "payrol", "file:payroll"),
        ("--source", "nativ", "native"),
        ("--authority", "sesion/1", "session/1"),
        ("--action", "a2", "a1"),
    ],
)
@pytest.mark.parametrize("command", ["verdicts", "investigate"])
def test_a_mistyped_name_is_not_an_all_clear(folder: Path, command: str, option: str, typed: str, nearest: str) -> None:
    """It is told that nothing bears the name, of how many, and what is nearest."""
    told = quo(folder, command, option, typed).out
    assert told.startswith("no action matches, of 1 in the case\n")
    assert f"none has `{option} {typed}`; nearest: `{nearest}`" in told


def test_filters_that_match_apart_but_not_together_blame_none(folder: Path) -> None:
    """Nothing is wrong with the names then."""
    told = quo(folder, "verdicts", "--principal", "alice", "--since", "2027-01-01T00:00:00Z").out
    assert told == "no action matches, of 1 in the case\n"


def test_an_empty_case_says_that_it_is_empty(tmp_path: Path) -> None:
    """Where nothing was read, nothing was judged either."""
    (tmp_path / "strange.log").write_text("nothing that anybody knows\n")
    assert quo(tmp_path, "link", "strange.log").code == 3
    assert quo(tmp_path, "verdicts").out == "no action matches, of 0 in the case\n"
    assert "holds no action" in quo(tmp_path, "findings").err


def test_what_no_source_recognised_is_named_in_the_summary(folder: Path) -> None:
    """So that nobody has to ask which half of the evidence was left aside."""
    told = quo(folder, "link", "logs").out
    assert "not recognised: logs/strange.log: no source recognises its content" in told
    assert "1 action judged by 1 fact about 1 authority" in told


def test_more_threads_than_any_machine_has_are_refused_and_not_started(folder: Path) -> None:
    """A slip of the key is a usage error, not a machine that stands still."""
    for arguments in (["link", "--threads", "99999", "logs"], ["replay", "--workers", "99999"]):
        ran = quo(folder, *arguments, seconds=60)
        assert ran.code == 2
        assert "1<=x<=512" in ran.err


def test_records_that_share_an_id_are_counted_before_they_are_explained(tmp_path: Path) -> None:
    """Else the second tree looks like a part of the first."""
    two = [ACTION, ACTION | {"action": "write"}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in two))
    assert quo(tmp_path, "link", "log.jsonl").code == 0
    assert quo(tmp_path, "explain", "a1").out.startswith("2 records bear this id (QW606); each is judged by itself\n")


def test_the_quarantine_is_told_by_reason(folder: Path) -> None:
    """The same lines, counted."""
    one_by_one = rows(folder, "quarantine")
    by_reason = [
        json.loads(line) for line in quo(folder, "quarantine", "--by-reason", "--format", "jsonl").out.splitlines()
    ]
    assert sum(row["lines"] for row in by_reason) == len(one_by_one) == 3
    assert by_reason[0] | {"reason": ""} == {"lines": 2, "first": 3, "file": "logs/native.jsonl", "reason": ""}


def test_logs_that_are_linked_twice_count_once(folder: Path) -> None:
    """Entries, and those that could not be read; a file that grew in between is another."""
    before = rows(folder, "coverage")
    assert quo(folder, "link", "logs").code == 0
    assert rows(folder, "coverage") == before
    controls = json.loads(quo(folder, "controls", "--format", "json").out)
    assert controls["entries"] == {"lines": 4, "records": 2, "skipped": 0, "quarantined": 2}
