"""OCSF: every finding is one event that the schema finds nothing wrong with, of the class that its code belongs to."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import Filters
from quowarranto.case.store import Snapshot
from quowarranto.export.formats import ocsf
from quowarranto.export.formats.wanted import Wanted
from quowarranto.findings.whole import all_findings
from quowarranto.records.codes import ABOUT_AUTHORITIES, CODES, PRINCIPAL_CODES
from tests.export.conftest import HOSTILE
from tests.export.ocsf_schema import Schema

Json = dict[str, Any]


def written(snapshot: Snapshot, wanted: Wanted = Wanted()) -> list[Json]:  # noqa: B008 - frozen
    out = io.BytesIO()
    ocsf.write(snapshot, wanted, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def a_finding(code: str) -> Json:
    """A finding with a code, as the case would have it, with and without samples."""
    of_principal = code in PRINCIPAL_CODES
    kind = "grant" if code in ("QW501", "QW502", "QW503") else "credential"
    sample = {
        "id": "a1",
        "time": 1_772_355_600_123_456,
        "source": "vault",
        "principal_type": "role",
        "principal_id": "pay",
        "action": "kv:read",
        "resource_type": "secret",
        "resource_id": "kv/prod/db",
        "outcome": "success",
        "verdict": "unauthorised",
        "linkage": "proven",
        "file": "log.jsonl",
        "line": 3,
        "byte_offset": 120,
        "sha256": "0" * 64,
    }
    return {
        "code": code,
        "severity": CODES[code].severity,
        "key": None if of_principal else "key/1",
        "kind": None if of_principal else kind,
        "principal_type": "service_account" if of_principal else None,
        "principal_id": "pay" if of_principal else None,
        "count": 0 if code == "QW501" else 1,
        "first_us": 1_772_355_600_123_456,
        "last_us": 1_772_355_600_123_456,
        "samples": [] if code in ABOUT_AUTHORITIES else [sample],
        "verdicts": [] if code in ABOUT_AUTHORITIES else [{"verdict": "unauthorised", "count": 1}],
        "principals": [{"type": "service_account", "id": "pay"}],
        "principal_count": 1,
    }


@pytest.fixture(scope="module")
def schema(vectors: Path) -> Schema:
    return Schema(vectors / "ocsf")


@pytest.mark.parametrize("case", ["demo", "hostile"])
def test_the_schema_finds_nothing_wrong_with_any_event(
    case: str, schema: Schema, request: pytest.FixtureRequest
) -> None:
    events = written(request.getfixturevalue(case))
    assert events
    assert [error for event in events for error in schema.errors(event)] == []


@pytest.mark.parametrize("code", CODES)
def test_a_finding_of_every_code_is_an_event_of_the_schema(code: str, schema: Schema) -> None:
    assert schema.errors(ocsf.event(a_finding(code), 1_772_400_000_000_000)) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"severity_id": 9}, "event.severity_id is none of"),
        ({"severity": "Grave"}, "event.severity_id: beside it stands 'Grave'"),
        ({"time": "2026-03-01T09:00:00Z"}, "event.time is no long_t"),
        ({"colour": "red"}, "event.colour is unknown"),
        ({"comment": "old"}, "event.comment is deprecated"),
        ({"type_uid": 200402}, "event.type_uid: beside it stands"),
        ({"type_uid": 200402, "type_name": "Detection Finding: Update"}, "event.type_uid does not follow"),
        ({"type_uid": 200301}, "event.type_uid is none of"),
        ({"category_uid": 3}, "event.category_uid is none of"),
        ({"finding_info": {}}, "event.finding_info.uid is missing"),
        ({"resources": {}}, "event.resources is no list"),
        ({"evidences": [{"uid": "a1"}]}, "event.evidences[0] has none of"),
        ({"class_uid": 2999}, "event is of no class"),
    ],
    ids=str,
)
def test_the_check_itself_finds_what_is_wrong(change: Json, error: str, schema: Schema) -> None:
    """Else that it finds nothing would say nothing."""
    event = ocsf.event(a_finding("QW201"), 0) | change
    assert any(found.startswith(error) for found in schema.errors(event)), schema.errors(event)


def test_a_count_that_does_not_fit_is_the_largest_that_does(schema: Schema) -> None:
    """A log may say that it lost any number of records; OCSF's integers have 32 bits."""
    event = ocsf.event(a_finding("QW602") | {"kind": "log", "count": 2**62}, 0)
    assert (event["count"], schema.errors(event)) == (2**31 - 1, [])


def test_every_finding_is_one_event_in_the_order_of_the_findings(demo: Snapshot) -> None:
    events, findings = written(demo), all_findings(demo)
    assert [event["metadata"]["event_code"] for event in events] == [row["code"] for row in findings]
    assert {event["class_uid"] for event in events} >= {2003, 2004, 2008}
    for event, row in zip(events, findings, strict=True):
        assert [one["uid"] for one in event["finding_info"]["related_events"]] == row["sample"]
        assert event["finding_info"]["related_events_count"] == row["count"]
        assert (event["start_time"], event["end_time"]) == (row["first_us"] // 1000, row["last_us"] // 1000)


@pytest.mark.parametrize(
    ("code", "class_uid"),
    [
        ("QW101", 2004),
        ("QW206", 2004),
        ("QW406", 2004),
        ("QW301", 2003),
        ("QW304", 2003),
        ("QW501", 2008),
        ("QW404", 2008),
    ],
)
def test_a_code_belongs_to_the_class_that_is_about_its_matter(code: str, class_uid: int) -> None:
    """Detections of what was done, checks of process, analysis of entitlements and identities."""
    assert ocsf.class_of(code) == class_uid


def test_the_same_state_gives_the_same_bytes_and_no_two_findings_one_name(demo: Snapshot) -> None:
    events = written(demo)
    assert events == written(demo)
    names = [event["finding_info"]["uid"] for event in events]
    assert len(set(names)) == len(names)


def test_nothing_is_said_to_be_met_or_broken_beyond_the_check(demo: Snapshot) -> None:
    """SPEC 11: a check may fail; whether a requirement is met is for an assessor."""
    for event in written(demo):
        assert event["unmapped"]["provides_evidence_relevant_to"]
        if event["class_uid"] == 2003:
            assert event["compliance"]["status"] == "Warning"
            assert [check["status"] for check in event["compliance"]["checks"]] == ["Fail"]


def test_names_out_of_a_log_stay_what_they_are(hostile: Snapshot) -> None:
    """JSON needs no other care; a principal of a type that OCSF does not know is `Other`."""
    (one, *_) = [event for event in written(hostile) if event["class_uid"] == 2004]
    who = one["evidences"][0]["actor"]["user"]
    assert (who["uid"], who["type_id"], who["type"]) == (HOSTILE, 99, HOSTILE)


def test_filters_keep_what_they_keep_elsewhere(demo: Snapshot) -> None:
    kept = written(demo, Wanted(Filters(), ("critical",)))
    assert kept == [event for event in written(demo) if event["severity"] == "Critical"]
