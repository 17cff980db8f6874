"""How the texts of the steps are spelled for Spark; needs no Spark."""

from __future__ import annotations

import re
from string import Template

import pytest

from quowarranto.linkage.engines.spark import _anti_joined
from quowarranto.linkage.steps import relations


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
