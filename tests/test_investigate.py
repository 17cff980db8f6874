"""The story of some actions: what broke first, grouped by cause, with what would mend most."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quowarranto.case.query import Filters, verdicts
from quowarranto.case.store import Case
from quowarranto.findings.investigate import investigate, remedy
from quowarranto.pipeline import link_paths
from quowarranto.records.codes import CODES
from tests.quo import quo

SHOP = [
    {"kind": "policy", "id": "p", "time": "2026-03-01T00:00:00Z"},
    {"kind": "grant", "id": "g", "time": "2026-03-01T00:00:00Z", "valid_until": "2026-03-01T09:30:00Z"},
    {"kind": "approval", "id": "x", "time": "2026-03-01T11:00:00Z", "ticket": "T"},
    *(
        {
            "kind": "action",
            "id": f"a{number}",
            "time": f"2026-03-01T{at}:00Z",
            "principal": {"type": "workload", "id": who},
            "action": "read",
            "resource": {"type": "t", "id": "t"},
            "cites": cites,
        }
        for number, (at, who, cites) in enumerate(
            [
                ("09:00", "ci", ["g"]),
                ("10:00", "ci", ["g"]),
                ("10:30", "ci", ["g"]),
                ("10:40", "etl", ["x"]),
                ("12:00", "etl", ["p"]),
                ("12:30", "etl", []),
            ]
        )
    ),
]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("investigate")
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in SHOP))
    made = Case(folder / "quo.case")
    link_paths(made, [str(folder / "log.jsonl")], threads=1)
    return made


def test_the_story_tells_what_broke_first_and_why(case: Case) -> None:
    found = investigate(case.snapshot(), Filters())
    assert (found["actions"], found["verdicts"]) == (6, {"unauthorised": 3, "authorised": 2, "unproven": 1})
    first = found["broke_first"]
    assert (first["action"], first["code"], first["key"]) == ("a1", "QW201", "g")
    assert [(one["root_cause"], one["code"], one["key"], one["actions"], one["sample"]) for one in found["causes"]] == [
        ("stale-authority", "QW201", "g", 2, ["a1", "a2"]),
        ("weak-approval", "QW302", "x", 1, ["a3"]),
        ("telemetry-gap", "QW105", None, 1, ["a5"]),
    ]
    assert (found["repairs"][0]["actions"], found["repairs"][0]["codes"]) == (2, ["QW201"])


def test_an_unauthorised_action_is_told_by_what_did_not_hold_whatever_else_its_log_left_out(tmp_path: Path) -> None:
    """A decision that names no ground (QW109) makes nothing unauthorised; that it was another's (QW207) does."""
    decision = {
        "kind": "decision",
        "id": "d",
        "time": "2026-03-01T09:00:00Z",
        "principal": {"type": "user", "id": "ann"},
    }
    action = {
        "kind": "action",
        "id": "x1",
        "time": "2026-03-01T09:00:00Z",
        "principal": {"type": "user", "id": "bob"},
        "action": "read",
        "resource": {"type": "t", "id": "t"},
        "cites": ["d"],
    }
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in (decision, action)))
    made = Case(tmp_path / "quo.case")
    link_paths(made, [str(tmp_path / "log.jsonl")], threads=1)
    found = investigate(made.snapshot(), Filters())
    (row,) = verdicts(made.snapshot())
    assert {"QW109", "QW207"} <= set(row["codes"].split(",") if isinstance(row["codes"], str) else row["codes"])
    assert found["broke_first"]["code"] == "QW207"
    assert [(one["code"], one["unauthorised"]) for one in found["causes"]] == [("QW207", 1)]


def test_the_story_of_a_principal_leaves_the_others_out(case: Case) -> None:
    found = investigate(case.snapshot(), Filters(principal_like="etl"))
    assert [one["principal_id"] for one in found["principals"]] == ["etl"]
    assert found["broke_first"]["action"] == "a3"


def test_the_story_of_a_credential_is_that_of_the_actions_that_rest_on_it(case: Case) -> None:
    found = investigate(case.snapshot(), Filters(authority="p"))
    assert (found["actions"], found["broke_first"], found["causes"], found["repairs"]) == (1, None, [], [])


def test_nothing_chosen_is_told_as_nothing(case: Case) -> None:
    assert investigate(case.snapshot(), Filters(principal_like="nobody"))["actions"] == 0


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_remedy_that_reads_as_a_sentence(code: str) -> None:
    text = remedy(code)
    assert 15 < len(text) < 250
    assert text[:1].isupper() or text.startswith("`")
    assert not set("\n[]") & set(text)


def test_the_command_tells_it_in_a_page(case: Case) -> None:
    ran = quo(case.folder.parent, "investigate", "--principal", "ci")
    assert ran.code == 0, ran.err
    for part in ("Who acted", "Under what", "What broke first", "QW201 expired, grant g", "What would mend most"):
        assert part in ran.out
    assert quo(case.folder.parent, "investigate", "--limit", "3").code == 2
    assert quo(case.folder.parent, "investigate", "--principal", "nobody").out.startswith(
        "no action matches, of 6 in the case\n"
    )
