"""The benchmark of linkage: its scorer is right, its damage repeatable, and what it published keeps the bars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.linkage.damage import LEVELS, damaged
from bench.linkage.score import Answer, read, score

ROOT = Path(__file__).parents[1]
TRUE = (
    Answer("a1", ("k1", "k2"), "authorised"),
    Answer("a2", ("k1",), "unauthorised", ("QW201",)),
    Answer("a3", (), "unproven", ("QW101",)),
)


@pytest.mark.parametrize(
    ("answers", "precision", "recall", "wrongly_authorised", "unanswered"),
    [
        (TRUE, 1.0, 1.0, 0, 0),
        ((), None, 0.0, 0, 3),
        ((Answer("a1", ("k1",), "authorised"),), 1.0, 0.3333, 0, 2),  # nothing wrong, not all
        ((Answer("a1", ("k1", "k9"), "authorised"),), 0.0, 0.3333, 0, 2),  # one wrong authority spoils the answer
        ((Answer("a2", ("k1",), "authorised"),), 1.0, 0.3333, 1, 2),
        ((Answer("a3", ("k1",), "presumed"),), 0.0, 0.0, 0, 2),  # there is nothing to be found
        ((Answer("a1", ("k9",)), Answer("a1", ("k1",))), 1.0, 0.3333, 0, 2),  # the last answer counts
        ((Answer("stranger", ("k1",)),), 0.0, 0.0, 0, 3),
    ],
)
def test_answers_are_worth_what_a_reviewer_would_say(
    answers: tuple[Answer, ...],
    precision: float | None,
    recall: float,
    wrongly_authorised: int,
    unanswered: int,
) -> None:
    found = score(TRUE, answers)
    assert (found.all.precision, found.all.recall) == (precision, recall)
    assert (found.wrongly_authorised, found.unanswered) == (wrongly_authorised, unanswered)


@pytest.mark.parametrize(("stated", "off"), [(1.0, 0.5), (0.5, 0.0), (0.0, 0.5), (None, None)])
def test_a_stated_confidence_is_held_against_the_share_that_was_right(stated: float | None, off: float | None) -> None:
    """Of two answers one is right."""
    answers = (Answer("a1", ("k1",), confidence=stated), Answer("a2", ("k9",), confidence=stated))
    assert score(TRUE, answers).calibration_error == off


def test_codes_are_scored_one_by_one() -> None:
    found = score(TRUE, (Answer("a1", codes=("QW201",)), Answer("a2", codes=("QW201",)))).codes
    assert (found["QW201"].precision, found["QW201"].recall) == (0.5, 1.0)
    assert (found["QW101"].precision, found["QW101"].recall) == (None, 0.0)


def test_a_line_that_is_no_answer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"action": "a1"}\n\n{"authorities": []}\n')
    with pytest.raises(SystemExit, match=r"answers\.jsonl:3 is not an answer"):
        read(path)


def _records(count: int) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for number in range(count):
        who = {"type": "workload", "id": f"w{number % 40}"}
        fact = {"kind": "credential", "id": f"c{number}", "time": "2026-10-05T08:00:00Z", "source": "sts"}
        action = {"kind": "action", "id": f"a{number}", "time": "2026-10-05T09:00:00Z", "source": "api"}
        out += [fact | {"principal": who}, action | {"principal": who, "cites": [f"c{number}"]}]
    return out


def test_the_same_seed_does_the_same_damage_and_level_0_none() -> None:
    records = _records(200)
    assert [row | {"time": ""} for row in damaged(records, 0, 1)] == [row | {"time": ""} for row in records]
    for level in range(1, len(LEVELS)):
        assert list(damaged(records, level, 1)) == list(damaged(records, level, 1))
        assert list(damaged(records, level, 1)) != list(damaged(records, level, 2))


@pytest.mark.parametrize("level", range(1, len(LEVELS)))
def test_as_much_is_damaged_as_was_promised(level: int) -> None:
    damage, records = LEVELS[level], _records(4000)
    left = list(damaged(records, level, 7))
    actions = [row for row in left if row["kind"] == "action"]
    assert sum(not row["cites"] for row in actions) / len(actions) == pytest.approx(damage.dropped, abs=0.03)
    assert len(actions) / 4000 == pytest.approx(1 - damage.late, abs=0.02)
    assert (len(left) - len(actions)) / 4000 == pytest.approx(1 - damage.late - damage.sampled, abs=0.03)


def test_what_was_published_keeps_the_bars() -> None:
    """At level 1: proven links right in 0.999, inferred ones in 0.9 of the cases, confidence off by 0.05 at most."""
    published = json.loads((ROOT / "bench" / "results" / "linkage.json").read_text(encoding="utf-8"))
    level = published["levels"][1]
    inferred = [one for name, one in level["groups"].items() if name.startswith("inferred") and one["precision"]]
    linked = sum(one["answers"] for one in inferred)
    assert level["groups"]["proven"]["precision"] >= 0.999
    assert sum(one["precision"] * one["answers"] for one in inferred) / linked >= 0.9
    assert level["calibration_error"] <= 0.05
    assert level["wrongly_authorised"] == 0


def test_the_page_shows_the_figures_that_are_kept() -> None:
    published = json.loads((ROOT / "bench" / "results" / "linkage.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    assert f"{published['actions']:,} actions, seed {published['seed']};" in page
    for number, level in enumerate(published["levels"]):
        assert f"### Level {number}: {LEVELS[number].about}\n" in page
        for name, one in level["groups"].items():
            assert f"| {name} | {one['answers']:,} |" in page
