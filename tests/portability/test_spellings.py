"""How the texts of the steps are spelled for Spark, and how answers are compared; needs no Spark."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

import pytest
from tests.portability.spark import differing_rows, results_of

from quowarranto.case.store import Case
from quowarranto.linkage.engines.spark import _anti_joined
from quowarranto.linkage.steps import relations
from quowarranto.pipeline import link_paths
from quowarranto.simulator import simulate_skewed


def test_a_row_is_looked_for_and_not_compared_with_all() -> None:
    sql = "SELECT rec FROM a WHERE b OR x.rec NOT IN (\n SELECT rec FROM c WHERE k IN (SELECT k FROM d)) AND e"
    rows = "(\n SELECT rec FROM c WHERE k IN (SELECT k FROM d)) AS absent(unwanted)"
    wanted = f"SELECT rec FROM a WHERE b OR NOT EXISTS (SELECT 1 FROM {rows} WHERE absent.unwanted = x.rec) AND e"
    assert _anti_joined(sql) == wanted


def test_a_list_of_values_stays_as_it_is() -> None:
    assert _anti_joined("SELECT 1 WHERE bit NOT IN (1, 2)") == "SELECT 1 WHERE bit NOT IN (1, 2)"


@pytest.mark.parametrize("name", relations())
def test_no_step_makes_spark_compare_everything_with_everything(name: str) -> None:
    text = _anti_joined(Template(relations()[name]).safe_substitute(n="1", k="1", x="_x"))
    assert re.search(r"NOT\s+IN\s*\(\s*SELECT", text) is None


def test_answers_that_differ_are_told_apart(tmp_path: Path) -> None:
    """Of one action less all that is said of it is missing, and nothing else; an answer does not differ from itself."""
    simulate_skewed(tmp_path / "all.jsonl", 100)
    lines = (tmp_path / "all.jsonl").read_text().splitlines(keepends=True)
    # a copy in its place counts once, and so all other records have the same numbers
    (tmp_path / "most.jsonl").write_text("".join([*lines[:-1], lines[-2]]))
    cases = [Case(tmp_path / "all"), Case(tmp_path / "most")]
    for case in cases:
        link_paths(case, [str(tmp_path / f"{case.folder.name}.jsonl")], threads=1)
    whole, most = map(results_of, cases)
    assert differing_rows(whole, whole) == {}
    differing = differing_rows(whole, most)
    assert differing["verdicts"] == 1
    assert {"chains", "parents"} <= differing.keys()
    assert differing.keys().isdisjoint({"keys", "terms", "authorities"})
