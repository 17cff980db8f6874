"""Linking as records trickle in ends as linking them all at once does (SPEC 7); more: tests/incremental.py."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from quowarranto.case import query
from quowarranto.case.config import Config
from quowarranto.case.store import Case
from quowarranto.linkage.steps import relations
from quowarranto.pipeline import judge_case
from quowarranto.revision import closure, differing, folding, revise, touched
from tests import incremental
from tests.incremental import MADE, MUTANTS, Growing, Mutant, differences, differing_batches, unseen
from tests.together import Batch
from tests.worlds import world


def test_worlds_in_random_batches_end_as_worlds_at_once() -> None:
    """After every batch: verdicts, codes, chains, faults, findings, samples, counts."""
    worlds = Batch([world(seed, incremental.ACTIONS) for seed in range(7000, 7012)]).worlds
    assert differences(worlds, 7000) == []


def test_a_world_alone_does_so_too() -> None:
    """Its span is its own (QW105)."""
    assert differences([world(7100, incremental.ACTIONS)], 7100, parts=5) == []


@pytest.mark.parametrize("name", MADE)
def test_what_worlds_hold_too_seldom(name: str) -> None:
    assert differing_batches(MADE[name], name) == []


_SOME = ("CHAINS: a rotated credential is used", "RULES: a grant is there", "closure._RESTING")


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if str(one).endswith(_SOME)], ids=str)
def test_a_rule_that_is_lost_is_missed(mutant: Mutant) -> None:
    """A few; all of them with `python -m tests.incremental --mutants`."""
    assert not unseen(mutant, 60)


def test_only_what_is_touched_is_judged_again(tmp_path: Path) -> None:
    """The first run judges all, the next one the new action and the one whose key is known now."""
    growing = Growing(tmp_path / "quo.case")
    late, early = MADE["rotated and used before"]
    records = [*late, *world(5, 200)]
    growing.add(records)
    growing.add(early)
    connection = query.connect(growing.case.snapshot())
    runs = connection.execute("SELECT whole, judged FROM runs ORDER BY run").fetchall()
    assert [run[0] for run in runs] == [True, False]
    assert runs[1][1] == 2
    assert connection.execute("SELECT count(*) FROM rejudged").fetchall() == [(1,)]


def test_everything_is_judged_where_other_tolerances_or_hashes_were_used_or_too_much_is_touched(tmp_path: Path) -> None:
    growing = Growing(tmp_path / "quo.case")
    late, early = MADE["rotated and used before"]
    growing.add(late)
    growing.add(early)  # one of one action is touched: more than `revise.MOST`
    assert _whole(growing.case) == [True]
    with patch.object(revise, "MOST", 2.0):
        growing.add([])
        assert _whole(growing.case) == [True, False]
        with growing.case.writing() as writer:
            judge_case(writer, Config(skew_us=0))
            writer.commit("judged")
        assert _whole(growing.case) == [True]
        with patch.object(duckdb, "__version__", "0"):
            growing.add([])
        assert _whole(growing.case) == [True]
        with patch.object(revise, "LONGEST", 0):
            growing.add([])
        assert _whole(growing.case) == [True]


def _whole(case: Case) -> list[bool]:
    connection = query.connect(case.snapshot(), "runs")
    return [row[0] for row in connection.execute("SELECT whole FROM runs ORDER BY run").fetchall()]


def test_no_relation_of_a_revision_has_a_name_of_the_linkage() -> None:
    """Both live before one engine; the linkage replaces what bears its names."""
    ours = {*touched.PARTS, *closure._SHORT, *folding._STEPS}
    ours |= {f"{side}_{name}" for side in ("was", "now") for name in differing._KEPT}
    ours |= {"nearby", "differs", "rekeyed", "resaid", "revalued", "touched", "touched_was", "task", "needed", "mine"}
    assert ours & set(relations()) == set()
