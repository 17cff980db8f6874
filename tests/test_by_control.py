"""`quo controls`: populations that add up, exclusions with their reason, exceptions, samples that anyone can draw."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import Filters, verdicts
from quowarranto.case.store import Case, Snapshot
from quowarranto.findings.by_control import DENIED, UNLINKED, by_control, controls_of
from quowarranto.findings.controls import FRAMEWORKS, IDS
from quowarranto.findings.examined import Sampling
from quowarranto.pipeline import link_paths
from quowarranto.records import parse_instant
from quowarranto.records.codes import CODES
from quowarranto.simulator import simulate
from tests.docs.project import REFERENCE, columns, text
from tests.quo import quo
from tests.replay.test_cases import replayed

PAY = {"type": "service_account", "id": "pay"}
APPROVAL: dict[str, Any] = {
    "kind": "approval",
    "id": "approval/1",
    "time": "2026-03-01T08:00:00Z",
    "justification": "release",
}
HASTY: dict[str, Any] = APPROVAL | {"id": "approval/2", "requested_by": PAY, "decided_by": [PAY]}
TOKEN: dict[str, Any] = {"kind": "credential", "id": "token/1", "time": "2026-03-01T08:00:00Z", "principal": PAY}
EXPECT = '[[expect]]\nname = "approved"\nrequire = ["approval"]\n'


def act(name: str, *cites: str, time: str = "2026-03-01T09:00:00Z", **more: Any) -> dict[str, Any]:
    resource = {"type": "secret", "id": "kv/db"}
    made = {"kind": "action", "id": name, "time": time, "principal": PAY, "action": "kv:read", "resource": resource}
    return made | {"cites": list(cites)} | more


def asked(number: int, who: str, **more: Any) -> dict[str, Any]:
    """A decision that permitted who it was."""
    subject, resource = {"type": "User", "id": who}, {"type": "Document", "id": "d"}
    request = {"subject": subject, "action": {"name": "read"}, "resource": resource}
    made = {"kind": "decision", "id": f"pdp/{number}", "time": "2026-03-01T08:59:59Z", "cites": ["policy/v1"]}
    return made | {"request": request} | more


def case_of(folder: Path, records: Sequence[dict[str, Any]], settings: str = "") -> Snapshot:
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    case = Case(folder / "quo.case")
    case.folder.mkdir()
    (case.folder / "quo.toml").write_text(settings)
    link_paths(case, [str(log)], threads=1)
    return case.snapshot()


def control(snapshot: Snapshot, framework: str, name: str, **more: Any) -> dict[str, Any]:
    found = by_control(snapshot, (framework,), **more)
    (one,) = [one for one in found["controls"] if one["control"] == name]
    return one  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("organisation")
    simulate(folder, actions=400)
    case = Case(folder / "quo.case")
    link_paths(case, [str(folder / "logs")], threads=1)
    return case.snapshot()


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_of_every_control_the_numbers_add_up(organisation: Snapshot) -> None:
    found = by_control(organisation)
    assert {one["framework"] for one in found["controls"]} == set(FRAMEWORKS)
    for one in found["controls"]:
        assert one["not_applicable"] + one["population"] == found["recorded"]
        assert sum(one["excluded"].values()) + one["examined"] == one["population"]
        assert one["exceptions"] + one["without_exception"] == one["examined"]
        assert max((row["actions"] for row in one["by_code"]), default=0) <= one["exceptions"]
        assert one["exceptions"] <= sum(row["actions"] for row in one["by_code"])


def test_exceptions_are_the_actions_whose_verdict_bears_a_code_of_the_control(organisation: Snapshot) -> None:
    """Counted again from what `quo verdicts` prints."""
    rows = list(verdicts(organisation))
    assert rows
    for one in by_control(organisation)["controls"]:
        wanted = {
            code
            for code, ids in IDS.items()
            if one["control"] in ids[one["framework"]] and code in CODES and CODES[code].severity != "info"
        }
        bearing = [row for row in rows if row["outcome"] != "denied" and wanted & set(row["codes"].split(","))]
        assert one["exceptions"] == len(bearing), one["name"]
        denied = [row for row in rows if row["outcome"] == "denied"]
        assert one["excluded"][DENIED] <= len(denied)


@pytest.mark.parametrize(
    ("records", "settings", "expected"),
    [
        pytest.param([APPROVAL, act("a", "approval/1")], "", (1, 0, 0, 1, 0), id="an approval of somebody else"),
        pytest.param([HASTY, act("a", "approval/2")], "", (1, 0, 0, 1, 1), id="self-approved is an exception"),
        pytest.param(
            [HASTY, act("a", "approval/2", outcome="denied")],
            "",
            (1, 1, 0, 0, 0),
            id="refused is excluded, code or not",
        ),
        pytest.param([TOKEN, act("a", "token/1")], "", (0, 0, 0, 0, 0), id="no approval in the chain: not applicable"),
        pytest.param(
            [APPROVAL, act("a")], "", (1, 0, 1, 0, 0), id="nothing on record: excluded, since nobody can tell"
        ),
        pytest.param([APPROVAL, act("a")], EXPECT, (1, 0, 0, 1, 1), id="an approval was demanded and is not there"),
        pytest.param([TOKEN, act("a", "token/1")], EXPECT, (1, 0, 0, 1, 1), id="demanded of every action"),
    ],
)
def test_an_action_is_counted_where_it_belongs(
    records: list[dict[str, Any]], settings: str, expected: tuple[int, ...], tmp_path: Path
) -> None:
    """Of AC-5 (its codes are about approvals): population, denied, without linkage, examined, exceptions."""
    one = control(case_of(tmp_path, records, settings), "nist-800-53", "AC-5")
    numbers = (
        one["population"],
        one["excluded"][DENIED],
        one["excluded"][UNLINKED],
        one["examined"],
        one["exceptions"],
    )
    assert numbers == expected


def test_a_code_that_is_only_a_note_is_no_exception(tmp_path: Path) -> None:
    """QW604: it holds within the tolerance of the clocks, which is worth a note to who judges the clocks."""
    late = TOKEN | {"time": "2026-03-01T09:00:01Z"}
    one = control(case_of(tmp_path, [late, act("a", "token/1")]), "nist-800-53", "AU-8")
    assert (one["examined"], one["exceptions"], [row["code"] for row in one["notes"]]) == (1, 0, ["QW604"])


def test_what_is_not_looked_for_makes_no_population_and_says_why(tmp_path: Path) -> None:
    """Silence about a control is never a clean result."""
    snapshot = case_of(tmp_path, [APPROVAL, TOKEN, act("a", "approval/1", "token/1")])
    silent = [one for one in by_control(snapshot)["controls"] if set(one["codes"]) == set(one["not_looked_for"])]
    assert silent
    for one in silent:
        assert (one["population"], one["examined"], one["authorities"]) == (0, 0, [])
        assert all(one["not_looked_for"].values())
    assert set(control(snapshot, "nist-800-53", "IA-5")["not_looked_for"]) == {"QW405"}


@pytest.mark.parametrize(
    ("settings", "code", "looked_for"),
    [
        ("", "QW303", False),
        (EXPECT, "QW303", True),
        ("", "QW503", False),
        ('[[expect]]\nname = "x"\nstanding = false\n', "QW503", True),
        ("", "QW405", False),
        ('max_lifetime = "1h"', "QW405", True),
        ("", "QW407", False),
        ('human_origins = ["10.0.0.0/8"]', "QW407", True),
        ("", "QW501", True),
    ],
)
def test_the_settings_say_what_is_looked_for(settings: str, code: str, looked_for: bool, tmp_path: Path) -> None:
    found = by_control(case_of(tmp_path, [TOKEN, act("a", "token/1")], settings))
    naming = [one for one in found["controls"] if code in one["codes"]]
    assert naming
    assert {code not in one["not_looked_for"] for one in naming} == {looked_for}


def test_a_replay_makes_the_population_of_what_it_decided_again(tmp_path: Path) -> None:
    """SI-7 names QW601: until a replay nothing is said; then only of actions whose decision it could answer."""
    text = '@id("ann") permit(principal == User::"ann", action, resource);'
    records = [
        *(asked(1, "bob"), asked(2, "ann"), asked(3, "ann", request=None)),
        *(act(f"a{number}", f"pdp/{number}") for number in (1, 2, 3)),
        {**APPROVAL, "kind": "policy", "id": "policy/v1", "attributes": {"language": "cedar", "text": text}},
    ]
    snapshot = case_of(tmp_path, [{k: v for k, v in record.items() if v is not None} for record in records])
    before = control(snapshot, "nist-800-53", "SI-7")
    assert (before["population"], "QW601" in before["not_looked_for"]) == (0, True)
    replayed(Case(snapshot.folder))
    after = control(Case(snapshot.folder).snapshot(), "nist-800-53", "SI-7")
    assert "QW601" not in after["not_looked_for"]
    assert (after["population"], after["exceptions"], after["not_applicable"]) == (2, 1, 1)
    assert [action["action"] for action in after["samples"]["exceptions"]] == ["a1"]


def test_authorities_themselves_are_counted_beside_the_actions(tmp_path: Path) -> None:
    """QW501: so many grants on record, so many never used; left out where actions are filtered by more than time."""
    used = {"kind": "grant", "id": "grant/used", "time": "2026-01-01T00:00:00Z", "principal": PAY}
    idle = used | {"id": "grant/idle"}
    snapshot = case_of(tmp_path, [used, idle, act("a", "grant/used")])
    (row,) = [row for row in control(snapshot, "nist-800-53", "AC-2")["authorities"] if row["code"] == "QW501"]
    assert (row["on_record"], row["exceptions"], row["keys"]) == (2, 1, ["grant/idle"])
    some = control(snapshot, "nist-800-53", "AC-2", filters=Filters(source=("log",)))
    assert some["authorities"] == []


def test_a_gap_in_an_enforcement_log_is_an_exception_of_that_log(tmp_path: Path) -> None:
    """QW602: AU-5 names it alone."""
    numbered = [
        TOKEN | {"id": f"token/{n}", "attributes": {"sequence": {"stream": "node-1", "number": n}}} for n in (1, 4)
    ]
    one = control(case_of(tmp_path, [*numbered, act("a", "token/1")]), "nist-800-53", "AU-5")
    assert (one["population"], one["not_looked_for"]) == (0, {})
    (row,) = one["authorities"]
    assert (row["kind"], row["on_record"], row["exceptions"], row["keys"]) == ("log", 1, 1, ["log/node-1"])


def test_the_period_bounds_what_is_counted(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        APPROVAL,
        HASTY,
        act("a", "approval/1"),
        act("b", "approval/2", time="2026-03-02T09:00:00Z"),
    ]
    snapshot = case_of(tmp_path, records)
    day = Filters(since=parse_instant("2026-03-02T00:00:00Z"))
    one = control(snapshot, "nist-800-53", "AC-5", filters=day)
    assert (one["population"], one["exceptions"]) == (1, 1)
    assert by_control(snapshot, (), day)["period"] == {
        "first": "2026-03-02T00:00:00Z",
        "last": "2026-03-02T09:00:00Z",
        "asked": True,
    }


def test_a_case_without_actions_has_empty_populations(tmp_path: Path) -> None:
    found = by_control(case_of(tmp_path, [TOKEN]))
    assert (found["recorded"], {one["population"] for one in found["controls"]}) == (0, {0})


# -- samples -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampling", [Sampling(), Sampling("auditor 2026", 3), Sampling("x", 0)], ids=str)
def test_whoever_has_the_verdicts_draws_the_same_samples(organisation: Snapshot, sampling: Sampling) -> None:
    """The rule that the report states, worked out with nothing but SHA-256."""
    ids = sorted(
        (row["id"] for row in verdicts(organisation) if row["outcome"] != "denied" and "QW202" in row["codes"]),
        key=lambda one: hashlib.sha256(f"{sampling.seed}:{one}".encode()).hexdigest(),
    )
    one = control(organisation, "nist-800-53", "AC-12", sampling=sampling)
    assert [action["action"] for action in one["samples"]["exceptions"]] == ids[: sampling.count]
    assert f"`{sampling.seed}:ID`" in sampling.said


def test_samples_belong_to_their_population(organisation: Snapshot) -> None:
    for one in by_control(organisation)["controls"]:
        tests = {code for code in one["codes"] if code in CODES and CODES[code].severity != "info"}
        for action in one["samples"]["exceptions"]:
            assert tests & set(action["codes"])
        for action in one["samples"]["without_exception"]:
            assert not tests & set(action["codes"])
        assert len(one["samples"]["without_exception"]) == min(5, one["without_exception"])


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_json_and_csv(organisation: Snapshot, tmp_path: Path) -> None:
    case = ("controls", "--case", str(organisation.folder), "--framework", "owasp-nhi")
    table = quo(tmp_path, *case)
    assert table.code == 0
    assert "OWASP NHI10:2025" in table.out
    found = json.loads(quo(tmp_path, *case, "--format", "json").out)
    assert [one["control"] for one in found["controls"]] == controls_of("owasp-nhi")
    rows = list(csv.DictReader(quo(tmp_path, *case, "--format", "csv").out.splitlines()))
    assert [row["population"] for row in rows] == [str(one["population"]) for one in found["controls"]]


@pytest.mark.parametrize("arguments", [("--framework", "gdpr"), ("--since", "yesterday"), ("--samples", "-1")], ids=str)
def test_what_does_not_exist_is_a_mistake_in_usage(
    organisation: Snapshot, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert quo(tmp_path, "controls", "--case", str(organisation.folder), *arguments).code == 2


def test_ids_of_a_framework_are_in_the_order_of_their_numbers() -> None:
    assert controls_of("nist-800-207") == ["3", "4", "6", "7"]
    ids = controls_of("pci-dss")
    assert ids.index("8.6.3") < ids.index("10.2.1") < ids.index("10.2.1.2") < ids.index("10.2.2")


def test_every_field_that_is_printed_is_described(organisation: Snapshot) -> None:
    page = text(REFERENCE / "formats" / "controls.md")
    found = by_control(organisation, ("nist-800-53",))
    assert columns(page) >= {*found, *found["controls"][0]}
