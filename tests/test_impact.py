"""What falls with an authority, and how a prediction is scored when the revocation comes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.store import Case
from quowarranto.errors import CaseError
from quowarranto.export.impact import impact_svg
from quowarranto.findings.impact import Window, impact
from quowarranto.linkage.run import Clock
from quowarranto.pipeline import link_paths
from quowarranto.records import parse_instant
from tests.quo import quo


def who(name: str) -> dict[str, str]:
    return {"type": "workload", "id": name}


def action(number: int, at: str, name: str, cites: list[str], outcome: str = "success") -> dict[str, Any]:
    return {
        "kind": "action", "id": f"a{number}", "time": f"2026-03-{at[:2]}T{at[3:]}Z", "principal": who(name),
        "action": "read", "resource": {"type": "table", "id": "orders"}, "cites": cites, "outcome": outcome,
    }  # fmt: skip


RECORDS: list[dict[str, Any]] = [
    {"kind": "policy", "id": "p", "time": "2026-03-01T00:00:00Z"},
    {"kind": "grant", "id": "g", "time": "2026-03-01T00:00:00Z", "cites": ["p"], "aliases": ["the-grant"]},
    {"kind": "session", "id": "s", "time": "2026-03-01T00:00:00Z", "cites": ["g"], "principal": who("etl")},
    {"kind": "credential", "id": "c", "time": "2026-03-01T00:00:00Z", "cites": ["s"], "principal": who("etl")},
    {"kind": "grant", "id": "spare", "time": "2026-03-01T00:00:00Z", "principal": who("spared")},
    {"kind": "grant", "id": "late", "time": "2026-03-02T12:00:00Z", "principal": who("late")},
    action(1, "02 09:00:00", "etl", ["c"]),
    action(2, "03 09:00:00", "etl", ["c"]),
    action(3, "03 10:00:00", "spared", ["g"]),
    action(4, "02 10:00:00", "late", ["g"]),
    action(5, "03 11:00:00", "twice", ["g", "p"]),
    action(6, "03 12:00:00", "other", ["p"]),
    action(7, "03 13:00:00", "refused", ["g"], "denied"),
]
REVOKED = [
    {"kind": "grant", "id": "g", "time": "2026-03-04T00:00:00Z", "fact": "ended", "end": "revoked"},
    action(11, "05 09:00:00", "etl", ["c"]),
    action(12, "05 10:00:00", "spared", ["spare"]),
    action(13, "05 11:00:00", "late", ["g"], "denied"),
]


def case_of(folder: Path, records: list[dict[str, Any]]) -> Case:
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    case = Case(folder / "quo.case")
    link_paths(case, [str(log)], threads=1)
    return case


def test_what_rests_on_an_authority_falls_and_what_has_another_goes_on(tmp_path: Path) -> None:
    """`late` had no grant of its own yet; refused actions and those of other authorities are not touched."""
    found = impact(case_of(tmp_path, RECORDS).snapshot(), "the-grant", Clock())
    assert found["authority"] == {"key": "g", "kind": "grant"}
    assert [(one["key"], one["kind"], one["depth"], one["live"]) for one in found["below"]] == [
        ("s", "session", 1, True),
        ("c", "credential", 2, True),
    ]
    assert (found["actions"], found["falling"], found["carried"]) == (5, 3, 2)
    falling = {one["principal_id"]: one["falling"] for one in found["principals"]}
    assert falling == {"etl": 2, "late": 1, "spared": 0, "twice": 0}
    assert found["days"] == [
        {"day": "2026-03-02", "falling": 2, "carried": 0},
        {"day": "2026-03-03", "falling": 1, "carried": 2},
    ]
    assert found["revoked"] is None


def test_a_window_says_which_actions_are_looked_at(tmp_path: Path) -> None:
    window = Window(parse_instant("2026-03-03T00:00:00Z"), parse_instant("2026-03-03T10:00:00Z"))
    found = impact(case_of(tmp_path, RECORDS).snapshot(), "g", Clock(), window)
    assert (found["actions"], found["falling"]) == (1, 1)


def test_the_prediction_is_scored_when_the_revocation_comes(tmp_path: Path) -> None:
    """Made from what came before: the token still worked, `late` was refused, `spared` went on, `twice` stayed away."""
    found = impact(case_of(tmp_path, RECORDS + REVOKED).snapshot(), "g", Clock())
    assert (found["actions"], found["falling"]) == (5, 3)
    score = found["revoked"]
    assert score.pop("at") == "2026-03-04T00:00:00Z"
    assert score == {
        "predicted_to_fall": 2,
        "fell": 2,
        "accepted_all_the_same": 1,
        "predicted_to_go_on": 2,
        "went_on": 1,
        "not_seen_again": 1,
    }


def test_a_key_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    case = case_of(tmp_path, RECORDS)
    with pytest.raises(CaseError) as caught:
        impact(case.snapshot(), "nothing", Clock())
    assert "no authority of the case is called `nothing`" in str(caught.value)


def test_the_command_prints_a_table_and_draws(tmp_path: Path) -> None:
    case_of(tmp_path, RECORDS + REVOKED)
    ran = quo(tmp_path, "impact", "g", "--svg", "impact.svg")
    assert ran.code == 0, ran.err
    assert "3 of 5 actions that it carried would fall (60%)" in ran.out
    assert "to fall   2: 2 not authorised again; 1 accepted all the same, unauthorised" in ran.out
    assert (tmp_path / "impact.svg").read_text().startswith("<svg")
    assert quo(tmp_path, "impact", "nothing").code == 1


def test_a_picture_escapes_what_a_log_says() -> None:
    """A key is as hostile as any text."""
    authority = {"key": "</svg><script>alert(1)</script>", "kind": "grant"}
    nothing = {"authority": authority, "below": [], "actions": 0, "falling": 0, "carried": 0, "days": []}
    assert "<script>" not in impact_svg(nothing)


def test_a_single_day_is_a_column_with_its_date_and_no_wall_of_hours() -> None:
    """And the year is told even where its first tick lies on the edge."""
    authority = {"key": "g", "kind": "grant"}
    day = {"day": "2026-03-04", "falling": 3, "carried": 1}
    one = {"authority": authority, "below": [], "actions": 4, "falling": 3, "carried": 1, "days": [day]}
    picture = impact_svg(one)
    assert ">03-04<" in picture
    assert ">2026<" in picture
    assert not re.search(r">\d\d:\d\d<", picture)
    week = [day | {"day": f"2026-03-{number:02}"} for number in range(1, 10)]
    assert ">2026<" in impact_svg(one | {"days": week})
    assert 'style="color-scheme:light dark"' in picture  # no white around a dark picture


def test_what_a_declared_join_carries_does_not_fall(tmp_path: Path) -> None:
    """The deployment was made with a credential, and its run was approved: a declared join says which run it was."""
    records: list[dict[str, Any]] = [
        {"kind": "policy", "id": "p", "time": "2026-03-01T00:00:00Z"},
        {"kind": "grant", "id": "g", "time": "2026-03-01T00:00:00Z", "principal": who("ci")},
        {"kind": "credential", "id": "c", "time": "2026-03-01T00:00:00Z", "principal": who("ci"), "cites": ["g"]},
        {"kind": "approval", "id": "change/1", "time": "2026-03-01T00:00:00Z", "cites": ["p"], "principal": who("ci"),
         "attributes": {"run": "run-991"}},
        action(1, "02 09:00:00", "ci", ["c"]) | {"attributes": {"session": "run-991"}},
        action(2, "02 10:00:00", "ci", ["c"]) | {"attributes": {"session": "run-992"}},
    ]  # fmt: skip
    case = tmp_path / "quo.case"
    case.mkdir()
    sides = {name: f'{{ source = "native", field = "attributes.{name}" }}' for name in ("session", "run")}
    (case / "quo.toml").write_text(
        f'[[correlate]]\nname = "run"\nleft = {sides["session"]}\nright = {sides["run"]}\n', encoding="utf-8"
    )
    case_of(tmp_path, records)
    found = json.loads(quo(tmp_path, "impact", "g", "--format", "json").out)
    assert (found["actions"], found["falling"], found["carried"]) == (2, 1, 1)
