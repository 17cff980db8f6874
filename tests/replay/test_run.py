"""A case replayed: what is kept, what it is laid over, and what a candidate would have said."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.store import Case
from quowarranto.findings.overview import overview
from quowarranto.findings.whole import all_findings
from quowarranto.pipeline import link_paths
from quowarranto.records import parse_instant
from quowarranto.replay.compare import Tally
from quowarranto.replay.run import Asked, replay_case
from tests.quo import quo, rows
from tests.replay.test_cases import all_verdicts, linked, replayed, shown_findings

ANN = '@id("ann") permit(principal == User::"ann", action, resource);'
ALL = '@id("all") permit(principal, action, resource);'
NOT_BOB = 'forbid(principal == User::"bob", action, resource);'


def decision(number: int, who: str, at: str = "08:59:59", **more: Any) -> dict[str, Any]:
    request = {
        "subject": {"type": "User", "id": who},
        "action": {"name": "read"},
        "resource": {"type": "Document", "id": "d"},
    }
    time = f"2026-03-01T{at}Z"
    made = {"kind": "decision", "id": f"pdp/{number}", "time": time, "cites": ["policy/v1"], "request": request}
    return made | more


def action(number: int, who: str, **more: Any) -> dict[str, Any]:
    principal, resource = {"type": "User", "id": who}, {"type": "Document", "id": "d"}
    made = {"kind": "action", "id": f"a{number}", "time": "2026-03-01T09:00:00Z", "action": "read"}
    return made | {"principal": principal, "resource": resource, "cites": [f"pdp/{number}"]} | more


def policy(**more: Any) -> dict[str, Any]:
    return {"kind": "policy", "id": "policy/v1", "time": "2026-03-01T07:00:00Z", **more}


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


SAID = policy(attributes={"language": "cedar", "text": ANN})


def codes(case: Case, folder: Path | None = None) -> dict[str, str | None]:
    return {one.decision: one.code for one in replayed(case, Asked(texts=folder, workers=1))}


# how a text is found: what the policy's fact says, and the files
FINDING: list[tuple[str, dict[str, Any], dict[str, str], str | None]] = [
    ("by its key", {}, {"policy-v1.cedar": ANN}, None),
    ("by an alias", {"aliases": ["shop"]}, {"shop.cedar": ANN}, None),
    ("by its revision", {"attributes": {"revision": "r7"}}, {"r7/a.cedar": ANN}, None),
    ("by its digest", {"attributes": {"digest": "sha256:" + hashlib.sha256(ANN.encode()).hexdigest()}},
     {"x.cedar": ANN, "policy-v1.cedar": ALL}, None),
    ("by name, but of another digest", {"attributes": {"sha256": "0" * 64}}, {"policy-v1.cedar": ANN}, "QW605"),
    ("by name and time", {"attributes": {"name": "shop"}},
     {"shop@2026-03-01T00:00:00Z.cedar": ANN, "shop@2026-03-01T08:59:59.cedar": ALL, "shop@2026-03-02T00:00:00Z.cedar":
      ALL}, None),
    ("one policy of a set never stands for the set", {"attributes": {"revision": "r7", "policy": "policy0"}},
     {"policy-v1.cedar": ALL, "r7/all.cedar": ALL, "r7/bob.cedar": NOT_BOB},
     None),
    ("in two files that differ", {}, {"policy-v1.cedar": ANN, "old/policy-v1.cedar": ALL}, "QW605"),
]  # fmt: skip


@pytest.mark.parametrize("said, files, code", [row[1:] for row in FINDING], ids=[row[0] for row in FINDING])
def test_a_text_is_found(tmp_path: Path, said: dict[str, Any], files: dict[str, str], code: str | None) -> None:
    """Bob was denied, as only ANN says; with ALL the replay would disagree."""
    folder = tmp_path / "policies"
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    case = linked(tmp_path, lines(decision(1, "bob", effect="deny"), policy(**said)))
    assert codes(case, folder) == {"pdp/1": code}


def test_answers_outlive_new_records_and_follow_their_actions(tmp_path: Path) -> None:
    """An action that comes later and rests on a decision that replay contradicts is disputed at once."""
    case = linked(tmp_path, lines(action(1, "bob"), decision(1, "bob"), SAID))
    replayed(case)
    (tmp_path / "more.jsonl").write_text(lines(action(2, "bob", cites=["pdp/1"]), action(3, "cid", cites=[])))
    link_paths(case, [f"native={tmp_path / 'more.jsonl'}"], threads=1)
    assert {row["id"]: row["verdict"] for row in all_verdicts(case)} == {
        "a1": "disputed",
        "a2": "disputed",
        "a3": "unproven",
    }
    assert shown_findings(case) == {"QW601 policy/v1 1 a1 a2"}


def test_what_was_judged_before_a_replay_stays_what_was_known_then(tmp_path: Path) -> None:
    case = linked(tmp_path, lines(action(1, "bob"), decision(1, "bob"), SAID))
    before = case.snapshot().commit.at
    replayed(case)
    from quowarranto.case.query import verdicts

    assert [row["verdict"] for row in verdicts(case.snapshot(before))] == ["authorised"]
    assert [row["verdict"] for row in verdicts(case.snapshot())] == ["disputed"]
    assert case.snapshot().commit.what == "replayed"


def test_records_that_wait_to_be_judged_still_wait_after_a_replay(tmp_path: Path) -> None:
    case = linked(tmp_path, lines(action(1, "bob"), decision(1, "bob"), SAID))
    (tmp_path / "more.jsonl").write_text(lines(action(2, "bob")))
    link_paths(case, [f"native={tmp_path / 'more.jsonl'}"], judge=False, threads=1)
    replayed(case)
    assert not case.snapshot().commit.judged


def test_a_second_replay_takes_the_place_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "policy-v1.cedar").write_text(ANN)
    case = linked(tmp_path, lines(action(1, "bob"), decision(1, "bob"), policy()))
    assert codes(case, folder) == {"pdp/1": "QW601"}
    (folder / "policy-v1.cedar").write_text(ALL)
    assert codes(case, folder) == {"pdp/1": None}
    assert [row["verdict"] for row in all_verdicts(case)] == ["authorised"]
    assert all_findings(case.snapshot()) == []


def test_answers_outside_the_time_that_is_looked_at_stay(tmp_path: Path) -> None:
    case = linked(tmp_path, lines(decision(1, "bob", "08:00:00"), decision(2, "bob", "10:00:00"), SAID))
    replayed(case)
    tally = Tally()
    nine = parse_instant("2026-03-01T09:00:00Z")
    assert [one.decision for one in replayed(case, Asked(since=nine, workers=1), tally)] == ["pdp/2"]
    assert shown_findings(case) == {"QW601 policy/v1 2"}


def test_a_replay_that_is_not_taken_to_its_end_leaves_nothing(tmp_path: Path) -> None:
    case = linked(tmp_path, lines(*(decision(number, "bob") for number in range(9)), SAID))
    started = replay_case(case, Asked(workers=1), Tally())
    next(started)
    started.close()
    assert shown_findings(case) == set()
    assert len(replayed(case)) == 9


def test_a_case_of_an_earlier_version_has_no_replays_yet(tmp_path: Path) -> None:
    """Its commits name no version of the table."""
    case = linked(tmp_path, lines(action(1, "bob"), decision(1, "bob"), SAID))
    snapshot = case.snapshot()
    del snapshot.commit.versions["replays"]
    assert snapshot.files("replays") == []
    assert overview(snapshot)["verdicts"].keys() == {"authorised"}


def test_what_an_engine_quotes_is_searched_for_secrets(tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    text = f'permit(principal, action, resource) when {{ User::"{secret}".name == "x" }};'
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "policy-v1.cedar").write_text(text)
    case = linked(tmp_path, lines(decision(1, "bob"), policy()))
    (answer,) = replayed(case, Asked(texts=folder, workers=1))
    assert answer.replayed == "indeterminate"
    assert secret not in str(answer)
    assert not any(secret.encode() in path.read_bytes() for path in (tmp_path / "quo.case").rglob("*.parquet"))


def test_the_host_line_behind_a_decision_of_cedar_is_asked_in_full(tmp_path: Path) -> None:
    """The context is in the host's line alone, and the set of policies in its `policy_set`."""
    line = {"time": "2026-03-01T09:00:00Z", "principal": 'User::"ann"', "action": 'Action::"read"'}
    line |= {"resource": 'Document::"d"', "policy_set": "s1", "request_id": "r1"}
    host = tmp_path / "host.jsonl"
    host.write_text(
        lines(
            line | {"decision": "Allow", "reason": ["policy0"], "context": {"vpn": True}},
            line | {"decision": "Deny", "request_id": "r2", "context": {"vpn": False}},
        )
    )
    case = Case(tmp_path / "quo.case")
    link_paths(case, [f"cedar={host}"], threads=1)
    folder = tmp_path / "policies"
    (folder / "s1").mkdir(parents=True)
    (folder / "s1" / "all.cedar").write_text("permit(principal, action, resource) when { context.vpn };")
    answers = replayed(case, Asked(texts=folder, workers=1))
    assert [(one.recorded, one.replayed, one.code) for one in answers] == [
        ("permit", "permit", None),
        ("deny", "deny", None),
    ]


def test_policies_that_were_linked_as_files_are_found_by_the_digest_of_their_set(tmp_path: Path) -> None:
    """Source `cedar` names a set by its digest; a denial by default cites none of its policies."""
    text = '@id("vpn") permit(principal, action, resource) when { context.vpn };'
    (tmp_path / "set.cedar").write_text(text)
    line = {"time": "2026-03-01T09:00:00Z", "principal": 'User::"ann"', "action": 'Action::"read"'}
    line |= {"resource": 'Document::"d"', "policy_set": "sha256:" + hashlib.sha256(text.encode()).hexdigest()}
    (tmp_path / "host.jsonl").write_text(
        lines(
            line | {"decision": "Allow", "reason": ["vpn"], "request_id": "r1", "context": {"vpn": True}},
            line | {"decision": "Deny", "request_id": "r2", "context": {"vpn": False}},
            line | {"decision": "Deny", "request_id": "r3", "context": {"vpn": True}},
        )
    )
    case = Case(tmp_path / "quo.case")
    link_paths(case, [f"cedar={tmp_path / name}" for name in ("set.cedar", "host.jsonl")], threads=1)
    assert [one.code for one in replayed(case)] == [None, None, "QW601"]


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_counts_and_fails_on_what_disagrees(tmp_path: Path) -> None:
    linked(tmp_path, lines(action(1, "bob"), decision(1, "bob"), decision(2, "ann"), SAID))
    done = quo(tmp_path, "replay", "--fail-on", "critical")
    assert done.code == 10
    assert "1 agree, 1 disagree (QW601), 0 could not be decided (QW605)" in done.out
    assert "User:bob read Document:d" in done.out
    shown = rows(tmp_path, "replay", "--only", "disagree")
    assert [(row["decision"], row["recorded"], row["replayed"], row["code"]) for row in shown] == [
        ("pdp/1", "permit", "deny", "QW601")
    ]
    assert quo(tmp_path, "link", "--fail-on", "critical").code == 10
    assert "asked again" in quo(tmp_path, "explain", "a1").out
    assert "QW601" in quo(tmp_path, "findings", "--severity", "critical").out


def test_what_could_not_be_decided_is_told_with_what_it_wants(tmp_path: Path) -> None:
    """Backwards what no record tells, forwards a file that is no policy; not a bare number."""
    linked(tmp_path, lines(action(1, "bob"), decision(1, "bob"), decision(2, "ann")))
    done = quo(tmp_path, "replay")
    assert "2 could not be decided (QW605)" in done.out
    assert "Not decided for want of, or because:\n  2 decisions: the language of the policies\n" in done.out
    (tmp_path / "new.cedar").write_text("garbage {")
    assert "\n  2 decisions: " in quo(tmp_path, "replay", "--policy", "new.cedar").out
    (tmp_path / "empty").mkdir()
    assert "docs/howto/replay.md" in quo(tmp_path, "replay", "--policy", "empty").err


def test_forwards_a_candidate_says_what_would_change_and_leaves_the_case_alone(tmp_path: Path) -> None:
    early = decision(9, "old", time="2026-01-15T00:00:00Z")
    now = [decision(1, "bob"), decision(2, "ann"), decision(3, "cid", effect="deny")]
    case = linked(tmp_path, lines(*now, early, SAID))
    (tmp_path / "new.cedar").write_text('permit(principal == User::"cid", action, resource); ' + ANN)
    before = case.snapshot().commit.number
    done = quo(tmp_path, "replay", "--policy", "new.cedar")
    assert done.code == 0
    assert "3 decisions asked" in done.out  # the month before the last one
    assert "2 permit, 1 deny, 0 indeterminate" in done.out
    assert "1 newly denied, 1 newly permitted" in done.out
    assert case.snapshot().commit.number == before
    (tmp_path / "new.txt").write_text(ALL)
    more = ("--policy", "new.txt", "--language", "cedar", "--since", "2026-01-01T00:00:00Z")
    assert "4 permit" in quo(tmp_path, "replay", *more).out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--policy", "nowhere.cedar"], "no policy can be read"),
        (["--policies", "nowhere"], "is not a folder"),
        (["--language", "cobol"], "`cobol` is not one of"),
        (["--policy", "log.jsonl", "--fail-on", "high"], "looks forwards"),
        (["--since", "yesterday"], "--since"),
    ],
)
def test_what_cannot_be_obeyed_is_said(tmp_path: Path, options: list[str], said: str) -> None:
    linked(tmp_path, lines(decision(1, "bob"), SAID))
    done = quo(tmp_path, "replay", *options)
    assert done.code == 2
    assert said in done.err
