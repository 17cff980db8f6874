"""OSCAL: the document is one that NIST's model accepts; all it refers to is there; it claims no control met."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import Filters
from quowarranto.case.store import Snapshot
from quowarranto.export.formats import oscal
from quowarranto.export.formats.wanted import Wanted
from quowarranto.findings.by_control import by_control
from quowarranto.findings.whole import all_findings
from tests.quo import quo

Json = dict[str, Any]
UUID5 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
READ = """
import sys
from pathlib import Path
from trestle.oscal.assessment_results import AssessmentResults
one = AssessmentResults.oscal_read(Path(sys.argv[1]))
print(len(one.results[0].observations), len(one.results[0].findings or []))
"""


def written(snapshot: Snapshot, wanted: Wanted = Wanted()) -> Json:  # noqa: B008 - frozen
    out = io.BytesIO()
    oscal.write(snapshot, wanted, out)
    document: Json = json.loads(out.getvalue())
    return document["assessment-results"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def trestle() -> str:
    """A Python that has compliance-trestle: `TRESTLE_PYTHON`, or this one. The lock does not hold it."""
    for python in (os.environ.get("TRESTLE_PYTHON"), sys.executable):
        if (
            python
            and subprocess.run([python, "-c", "import trestle"], capture_output=True, check=False).returncode == 0
        ):
            return python
    pytest.skip("compliance-trestle is not installed (set TRESTLE_PYTHON to a Python that has it)")


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member of every object."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)


@pytest.mark.parametrize("case", ["demo", "hostile"])
def test_the_model_of_nist_as_trestle_has_it_reads_the_document(
    case: str, trestle: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    document = written(request.getfixturevalue(case))
    path = tmp_path / "assessment-results.json"
    path.write_text(json.dumps({"assessment-results": document}), encoding="utf-8")
    done = subprocess.run([trestle, "-c", READ, str(path)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    result = document["results"][0]
    assert done.stdout.split() == [str(len(result["observations"])), str(len(result["findings"]))]


def test_trestle_refuses_what_the_model_does_not_have(demo: Snapshot, trestle: str, tmp_path: Path) -> None:
    """Else that it reads the document would say nothing."""
    document = written(demo)
    document["results"][0]["findings"][0]["target"]["status"]["state"] = "probably"
    path = tmp_path / "assessment-results.json"
    path.write_text(json.dumps({"assessment-results": document}), encoding="utf-8")
    assert subprocess.run([trestle, "-c", READ, str(path)], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("case", ["demo", "hostile"])
def test_everything_that_is_referred_to_is_in_the_document(case: str, request: pytest.FixtureRequest) -> None:
    document = written(request.getfixturevalue(case))
    (result,) = document["results"]
    defined = [value for name, value in _walk(document) if name == "uuid"] + [document["uuid"]]
    assert [uuid for uuid in defined if not UUID5.fullmatch(uuid)] == []
    ours = {value["uuid"] for value in result["observations"]}
    assert len(ours) == len(result["observations"])
    components = {one["uuid"] for one in result["local-definitions"]["components"]}
    tools = {one["uuid"] for one in result["local-definitions"]["assessment-assets"]["components"]}
    for name, value in _walk(document):
        if name == "observation-uuid":
            assert value in ours
        if name == "subject-uuid":
            assert value in components
        if name in ("actor-uuid", "component-uuid"):
            assert value in tools
    assert document["import-ap"]["href"].removeprefix("#") == document["back-matter"]["resources"][0]["uuid"]


@pytest.mark.parametrize("case", ["demo", "hostile"])
def test_no_list_is_empty_and_every_value_stands_on_one_line(case: str, request: pytest.FixtureRequest) -> None:
    """As the schema demands: `findings: []` is refused, and so is a value with a blank at an end."""
    document = written(request.getfixturevalue(case))
    assert [name for name, value in _walk(document) if value == []] == []
    assert [value for name, value in _walk(document) if name == "value" and not re.fullmatch(r"\S(.*\S)?", value)] == []
    assert [value for name, value in _walk(document) if name == "title" and "\n" in value] == []


def test_the_same_state_gives_the_same_bytes_and_another_question_other_names(demo: Snapshot) -> None:
    first = written(demo)
    assert first == written(demo)
    other = written(demo, Wanted(Filters(source=("audit",))))
    assert other["uuid"] != first["uuid"]


def test_populations_and_exceptions_are_those_of_the_controls(demo: Snapshot) -> None:
    """A control none of whose codes is looked for is not said to have been reviewed."""
    (result,) = written(demo)["results"]
    controls = {
        oscal.control_id(one["control"]): one
        for one in by_control(demo, ("nist-800-53",))["controls"]
        if set(one["codes"]) - set(one["not_looked_for"])
    }
    (selection,) = result["reviewed-controls"]["control-selections"]
    assert [one["control-id"] for one in selection["include-controls"]] == list(controls)
    assert "si-7" not in controls
    of_controls = [one for one in result["observations"] if one["types"] == ["control-objective"]]
    for one, control in zip(of_controls, controls.values(), strict=True):
        said = {prop["name"]: prop["value"] for prop in one["props"]}
        assert said["population"] == str(control["population"])
        assert said["exceptions"] == str(control["exceptions"])
    failed = {
        f"{name}_smt"
        for name, one in controls.items()
        if one["exceptions"] or any(row["exceptions"] for row in one["authorities"])
    }
    assert {one["target"]["target-id"] for one in result["findings"]} == failed


def test_every_finding_is_an_observation_and_no_control_is_said_to_be_satisfied(demo: Snapshot) -> None:
    (result,) = written(demo)["results"]
    observed = [one for one in result["observations"] if one["types"] == ["finding"]]
    assert [one["props"][0]["value"] for one in observed] == [row["code"] for row in all_findings(demo)]
    for one in result["findings"]:
        status = one["target"]["status"]
        assert (status["state"], status["reason"]) == ("not-satisfied", "other")
        assert "for an assessor" in status["remarks"]


def test_names_out_of_a_log_are_no_markdown(hostile: Snapshot) -> None:
    """Titles and descriptions are Markdown in OSCAL."""
    texts = [
        value for name, value in _walk(written(hostile)) if name in ("title", "description") and "http://x" in value
    ]
    assert texts
    assert [text for text in texts if re.search(r"(?<!\\)[\[\]<*`]", text)] == []


@pytest.mark.parametrize(
    ("control", "control_id"), [("AC-2", "ac-2"), ("AC-2(1)", "ac-2.1"), ("AU-12", "au-12"), ("IA-5(13)", "ia-5.13")]
)
def test_ids_are_those_of_the_catalogue_of_nist(control: str, control_id: str) -> None:
    assert oscal.control_id(control) == control_id


@pytest.mark.parametrize(
    ("text", "line"), [("a\nb", r"a\u000ab"), (" a ", "a"), ("", "(empty)"), ("\t", r"\u0009"), ("é", "é")]
)
def test_any_text_becomes_one_line(text: str, line: str) -> None:
    assert oscal.one_line(text) == line


def test_a_population_cannot_be_narrowed_by_what_was_found(demo: Snapshot, tmp_path: Path) -> None:
    case = ("export", "--case", str(demo.folder), "--format", "oscal")
    for arguments in (("--verdict", "unauthorised"), ("--code", "QW201"), ("--severity", "high"), ("--limit", "3")):
        assert quo(tmp_path, *case, *arguments).code == 2
    assert quo(tmp_path, *case, "--source", "audit").code == 0
