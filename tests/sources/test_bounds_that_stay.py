"""What is easily lost: ends of registers and of SPIRE's entries, numbers of CyberArk's requests, letters of tuples."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sources.logs import judged, of, said

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact
from quowarranto.sources import Entry, Skipped
from quowarranto.sources.registers import approvals, exceptions

NINE = "2026-03-02T09:00:00Z"


def row(**cells: str) -> Entry:
    pairs = ",".join(f'"{name}":"{cell}"' for name, cell in cells.items())
    return Entry(f"{{{pairs}}}".encode())


# ---- registers -------------------------------------------------------------------------------------------------------


def test_an_exception_that_has_expired_nobody_knows_when_does_not_go_on_for_ever() -> None:
    with pytest.raises(RejectedEntry, match="it has expired, and `valid_until` is missing"):
        exceptions.read(row(id="1", status="expired", owner="bob", valid_from=NINE))
    known = exceptions.read(row(id="1", status="expired", owner="bob", valid_from=NINE, valid_until=NINE))
    assert not isinstance(known, Skipped)


@pytest.mark.parametrize("status", ["withdrawn", "cancelled", "canceled"])
def test_an_approval_that_was_withdrawn_after_it_was_decided_ends(status: str) -> None:
    decided = {"id": "1", "status": status, "decided_at": NINE}
    with pytest.raises(RejectedEntry, match="`ended_at` is missing"):
        approvals.read(row(**decided))
    found = approvals.read(row(**decided, ended_at="2026-03-02T10:00:00Z"))
    assert not isinstance(found, Skipped)
    assert [one.fact for one in found if isinstance(one, AuthorityFact)] == ["established", "ended"]
    assert isinstance(approvals.read(row(id="1", status=status)), Skipped)


# ---- CyberArk --------------------------------------------------------------------------------------------------------


def record(number: str, action: str, safe: str, time: str, issuer: str = "maria") -> dict[str, Any]:
    told = {"MessageID": number, "Action": action, "Desc": action, "Issuer": issuer, "Safe": safe, "File": "root@db"}
    return told | {"Vendor": "Cyber-Ark", "IsoTimestamp": f"2026-03-02T{time}Z", "RequestId": "17", "Severity": "Info"}


def retrieved(safe: str) -> dict[str, Any]:
    return record("295", "Retrieve password", safe, "09:30:00")


def test_a_request_for_one_safe_says_nothing_of_the_request_of_that_number_for_another() -> None:
    confirmed = record("98", "Confirm Request", "A", "09:00:00", "bob")
    verdicts = [
        one.verdict
        for safe in "AB"
        for one in judged(of("cyberark", confirmed, retrieved(safe)))
        if ("cyberark/request/A/17", "approval") in one.authorities or one.linkage == "missing"
    ]
    assert "authorised" in verdicts
    [other] = [one for one in judged(of("cyberark", confirmed, retrieved("B"))) if "QW104" in one.codes]
    assert other.verdict != "authorised"


TAKEN_BACK = ["Request Confirmation Rejected", "Reject Request", "Cancel Request", "Delete Request"]


@pytest.mark.parametrize("words", TAKEN_BACK)
def test_a_request_that_is_taken_back_is_not_confirmed_by_that(words: str) -> None:
    confirmed = record("98", "Confirm Request", "A", "09:00:00", "bob")
    back = record("99", words, "A", "09:10:00", "bob")
    [found] = [one for one in judged(of("cyberark", confirmed, back, retrieved("A"))) if "QW202" in one.codes]
    assert found.verdict == "unauthorised"


# ---- SPIRE -----------------------------------------------------------------------------------------------------------


def audited(method: str, time: str, service: str = "entry.v1.Entry", **fields: Any) -> dict[str, Any]:
    return {
        "level": "info",
        "msg": "API accessed",
        "type": "audit",
        "status": "success",
        "service": service,
        "method": method,
        "request_id": f"r-{time}",
        "time": f"2026-03-02T{time}Z",
        "entry_id": "e-1",
        "spiffe_id": "spiffe://example.org/web",
        "caller_id": "spiffe://example.org/agent",
    } | fields


def issued(time: str) -> dict[str, Any]:
    return audited("BatchNewX509SVID", time, "svid.v1.SVID")


# spire pkg/server/api/entry/v1/service.go: the audit line of an update has the fields of its mask only.
@pytest.mark.parametrize(("change", "verdict"), [({}, "unauthorised proven QW201"), ({"expires_at": 0}, "authorised")])
def test_an_update_that_does_not_speak_of_the_end_of_an_entry_leaves_it(change: dict[str, Any], verdict: str) -> None:
    made = audited("BatchCreateEntry", "09:00:00", expires_at=1_772_445_600)  # 10:00
    updated = audited("BatchUpdateEntry", "09:30:00", x509_svid_ttl=60) | change
    found = judged(of("spire", made, updated, issued("11:00:00")))
    assert said(found, found[-1].action).startswith(verdict)


# ---- OpenFGA ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "thing", "empowered", "covers"),
    [
        ("user:anne", "doc:plan", "anne", ("doc:plan",)),
        ("user:*", "doc:plan", "*", ("doc:plan",)),  # everybody, says OpenFGA
        ("user:an*", "doc:plan", None, ("doc:plan",)),
        ("user:anne", "doc:p*", "anne", None),
        ("user:anne", "doc:pla?", "anne", None),
    ],
)
def test_a_star_in_the_name_of_a_user_or_an_object_is_a_letter(
    user: str, thing: str, empowered: str | None, covers: tuple[str, ...] | None
) -> None:
    line = {
        "msg": "grpc_req_complete",
        "ts": 1_772_355_602,
        "grpc_service": "openfga.v1.OpenFGAService",
        "grpc_method": "Write",
        "raw_request": {"writes": {"tuple_keys": [{"user": user, "relation": "viewer", "object": thing}]}},
    }
    [grant] = [one for one in of("openfga", line) if isinstance(one, AuthorityFact)]
    assert (grant.principal and grant.principal.id) == empowered
    assert grant.scope is not None
    assert [rule.resources for rule in grant.scope] == ([covers] if covers else [])
