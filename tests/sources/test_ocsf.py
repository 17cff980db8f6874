"""OCSF: what a lake stores as Parquet reads as its JSON does; what was left over in the mapping stays out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sources.golden import HERE
from tests.sources.sampled import entries

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, parse_instant
from quowarranto.sources import Entry, Observation
from quowarranto.sources.ocsf import SOURCE

EVENT: dict[str, Any] = {
    "class_uid": 6003,
    "activity_id": 2,
    "type_uid": 600302,
    "time": 1772355600000,
    "metadata": {"uid": "e-1", "product": {"name": "Ledger"}},
    "status_id": 1,
    "actor": {"user": {"uid": "svc-billing", "type_id": 4}},
    "api": {"operation": "ReadInvoice"},
}


def read(**changed: Any) -> list[Action | AuthorityFact | Observation]:
    found = SOURCE.read(Entry(json.dumps(EVENT | changed).encode()))
    assert isinstance(found, list)
    return found


def action(**changed: Any) -> Action:
    first = read(**changed)[0]
    assert isinstance(first, Action)
    return first


def test_a_row_of_a_lake_names_the_key_that_cloudtrail_itself_names() -> None:
    found = [SOURCE.read(entry) for entry in entries(HERE / "ocsf" / "lake")]
    first = found[0]
    assert isinstance(first, list)
    assert isinstance(first[0], Action)
    assert first[0].cites == ("aws/key/ASIAEXAMPLEKEY234567",)
    assert first[0].principal.id == "arn:aws:iam::111122223333:role/deploy"


def test_nothing_under_unmapped_is_kept() -> None:
    told = str(read(unmapped={"token": "planted-secret"}, raw_data="planted-secret"))
    assert "planted-secret" not in told


@pytest.mark.parametrize(
    "finer, is_taken",
    [
        ("2026-03-01T09:00:00.000123Z", True),
        ("2026-03-01T09:00:01.000123Z", False),
        ("2026-03-01T09:00:00.000123", False),
    ],
)
def test_the_finer_time_counts_only_where_it_has_a_zone_and_agrees(finer: str, is_taken: bool) -> None:
    """DuckDB writes a timestamp of Parquet without a zone; the milliseconds beside it have one by definition."""
    assert action(time_dt=finer).time == parse_instant(
        "2026-03-01T09:00:00.000123Z" if is_taken else "2026-03-01T09:00:00Z"
    )


@pytest.mark.parametrize("at", [-1, 10**18, "2026-03-01T09:00:00Z"])
def test_a_time_that_is_none_is_refused(at: object) -> None:
    with pytest.raises(RejectedEntry):
        read(time=at)


@pytest.mark.parametrize("decision", ["", "unknown", "maybe", "not allowed"])
def test_a_decision_in_words_of_its_own_allows_nothing(decision: str) -> None:
    found = read(authorizations=[{"decision": decision, "policy": {"uid": "p", "version": "1"}}])
    assert [one for one in found if isinstance(one, AuthorityFact)] == []
    assert action(authorizations=[{"decision": decision}]).attributes["authorizations_not_understood"] == 1


def test_sessions_of_two_machines_with_one_number_are_two_sessions() -> None:
    """Windows numbers its log-on sessions in the same way on every machine."""
    keys = {action(device={"hostname": host}, session={"uid": "0x3e7"}).cites for host in ("hq-1", "hq-2")}
    assert len(keys) == 2


def test_a_privilege_whose_giving_is_not_said_to_have_succeeded_is_no_grant() -> None:
    given = {"class_uid": 3005, "activity_id": 1, "user": {"uid": "u"}, "privileges": ["ledger:ReadInvoice"]}
    assert len(read(**given, status_id=0)) == 1
    assert len(read(**given, status_id=1)) == 2
