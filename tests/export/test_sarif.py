"""SARIF: the schema holds, names are stable, and no text of a log is taken for a link or a placeholder."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import Filters
from quowarranto.case.store import Snapshot
from quowarranto.export.formats import sarif
from quowarranto.export.formats.wanted import Wanted
from quowarranto.findings.whole import all_findings
from quowarranto.records.codes import ABOUT_AUTHORITIES, CODES
from tests.export.conftest import HOSTILE


def written(snapshot: Snapshot, wanted: Wanted = Wanted()) -> dict[str, Any]:  # noqa: B008 - frozen
    out = io.BytesIO()
    sarif.write(snapshot, wanted, out)
    log: dict[str, Any] = json.loads(out.getvalue())
    return log


@pytest.mark.parametrize("case", ["demo", "hostile"])
def test_the_schema_of_sarif_finds_nothing_wrong(case: str, vectors: Path, request: pytest.FixtureRequest) -> None:
    """OASIS's own schema, with its formats."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads((vectors / "sarif/sarif-2.1/schema/sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
    found = [error.message for error in validator.iter_errors(written(request.getfixturevalue(case)))]
    assert found == []


def test_every_finding_is_one_result_with_its_rule_level_and_place(demo: Snapshot) -> None:
    """In the order of `quo findings`; the index of a rule is that of its code."""
    (run,) = written(demo)["runs"]
    everything = all_findings(demo)
    assert {"QW501"} <= {row["code"] for row in everything}, "findings about authorities are among them"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CODES)
    assert [result["ruleId"] for result in run["results"]] == [row["code"] for row in everything]
    for result, row in zip(run["results"], everything, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["properties"]["sample"] == row["sample"]
        assert result["occurrenceCount"] == max(1, row["count"])
        if row["code"] not in ABOUT_AUTHORITIES:
            assert sum(result["properties"]["verdicts"].values()) == row["count"]
        for place in [place for place in result["locations"] if row["sample"]]:
            assert place["physicalLocation"]["region"]["startLine"] >= 1
            assert place["properties"]["byteOffset"] >= 0


def test_a_finding_of_another_run_over_the_same_logs_bears_the_same_name(demo: Snapshot) -> None:
    """Twice written is the same to the byte, and no two findings share a fingerprint."""
    first, second = written(demo), written(demo)
    assert first == second
    prints = [result["partialFingerprints"]["findingSubject/v1"] for result in first["runs"][0]["results"]]
    assert len(set(prints)) == len(prints)


def test_lines_that_could_not_be_read_are_said(hostile: Snapshot) -> None:
    """A reader must not take silence for completeness."""
    (run,) = written(hostile)["runs"]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "1 of 3 log entries could not be read" in note["message"]["text"]


def test_no_text_of_a_log_is_a_link_or_a_placeholder(hostile: Snapshot) -> None:
    """Brackets and braces are written so that they are only themselves."""
    (run,) = written(hostile)["runs"]
    texts = [result["message"]["text"] for result in run["results"]]
    texts += [place["message"]["text"] for result in run["results"] for place in result["locations"]]
    for text in texts:
        assert "[a](http" not in text
        assert "{0}" not in text.replace("{{0}}", "")
    for result in run["results"]:
        for place in result["locations"]:
            assert place["physicalLocation"]["artifactLocation"]["uri"].endswith("%5Blog%5D%20%7B0%7D.jsonl")
            assert place["logicalLocations"][0]["fullyQualifiedName"] in (HOSTILE, f"{HOSTILE}:{HOSTILE}")


@pytest.mark.parametrize(
    ("wanted", "same"),
    [
        (Wanted(severity=("critical",)), lambda result: result["properties"]["severity"] == "critical"),
        (Wanted(Filters(code=("QW202", "QW201"))), lambda result: result["ruleId"] in ("QW202", "QW201")),
        (Wanted(Filters(verdict=("disputed",))), lambda result: "disputed" in result["properties"]["verdicts"]),
    ],
    ids=["severity", "any-of-two-codes", "verdict"],
)
def test_filters_keep_findings_about_an_action_that_matches(demo: Snapshot, wanted: Wanted, same: Any) -> None:
    """And all of them."""
    everything = written(demo)["runs"][0]["results"]
    kept = written(demo, wanted)["runs"][0]["results"]
    assert kept == [result for result in everything if same(result)]
    assert 0 < len(kept) < len(everything)
