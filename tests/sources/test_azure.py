"""Azure and Entra: names in many spellings, calls in several records, and signatures that must not be kept."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from quowarranto.records import Action, AuthorityFact, Principal, parse_instant
from quowarranto.sources import Entry, Observation, Sample, Skipped
from quowarranto.sources.azure import derive, read, recognise
from quowarranto.sources.azure.names import assignment_key, covering, path_of, token_key
from quowarranto.sources.azure.wire import address_of

ASSIGNMENT = "8e000000-0000-4000-8000-000000000001"
ROBOT = "5b000000-0000-4000-8000-000000000001"
DISK = "/SUBSCRIPTIONS/0A000000-0000-4000-8000-00000000000F/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.COMPUTE/DISKS/D"
START, END = "2026-03-04T09:00:00.5Z", "2026-03-04T09:30:00.5Z"


def call(result: str = "Success", time: str = END, **changed: Any) -> dict[str, Any]:
    checked = {
        "action": "Microsoft.Compute/disks/write",
        "scope": DISK.lower(),
        "evidence": {"role": "Contributor", "roleAssignmentId": ASSIGNMENT.replace("-", ""), "principalType": "User"},
    }
    claims = {"appid": "x", "idtyp": "app", "http://schemas.microsoft.com/identity/claims/objectidentifier": ROBOT}
    return {
        "time": time,
        "resourceId": DISK,
        "operationName": "MICROSOFT.COMPUTE/DISKS/WRITE",
        "category": "Administrative",
        "resultType": result,
        "resultSignature": "Started." if result == "Start" else "Succeeded.",
        "callerIpAddress": "203.0.113.9",
        "correlationId": "C1",
        "identity": {"authorization": checked, "claims": claims},
        "properties": {},
    } | changed


def records(*values: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        outcome = read(Entry(json.dumps(value).encode(), "x.json", 0))
        assert not isinstance(outcome, Skipped), outcome.reason
        found += outcome
    told = [one for one in found if not isinstance(one, Observation)]
    return told + [one for one, _ in derive([one for one in found if isinstance(one, Observation)])]


def the_action(*values: dict[str, Any]) -> Action:
    [action] = [one for one in records(*values) if isinstance(one, Action)]
    return action


@pytest.mark.parametrize(
    "text",
    [
        ASSIGNMENT,
        ASSIGNMENT.upper(),
        ASSIGNMENT.replace("-", ""),
        f"/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}",
    ],
)
def test_a_role_assignment_has_one_key_in_every_spelling(text: str) -> None:
    assert assignment_key(text) == f"azure/role-assignment/{ASSIGNMENT}"


def test_what_is_no_role_assignment_has_no_key() -> None:
    for text in ("", "x", "00000000-0000-0000-0000-000000000000", "8e-0000"):
        assert assignment_key(text) is None


def test_a_token_whose_id_is_opaque_is_named_by_it_all_the_same() -> None:
    assert token_key("NDDDDDDDDDDDDDDDDDD_DDDDD") == "entra/token/NDDDDDDDDDDDDDDDDDD_DDDDD"
    assert token_key("no spaces here") is None
    assert token_key("") is None


def test_the_records_of_one_call_are_one_action_with_the_first_time_and_the_last_end() -> None:
    begun, failed = call("Start", START), call("Failure", END, resultSignature="Failed.Conflict")
    for order in permutations([begun, failed]):
        action = the_action(*order)
        assert (action.time, action.outcome) == (parse_instant(START), "failure")
        assert action.resource.id == DISK.lower()
        assert action.cites == (f"{action.id}/decision",)


def test_a_call_that_was_refused_first_and_got_through_later_got_through() -> None:
    refused = call("Failure", START, resultSignature="Failed.Forbidden")
    assert the_action(refused).outcome == "denied"
    found = records(refused, call())
    [decision] = [one for one in found if isinstance(one, AuthorityFact)]
    assert decision.effect == "allow"


def test_the_caller_is_the_object_and_not_the_application() -> None:
    assert the_action(call()).principal == Principal("service_account", ROBOT)


@pytest.mark.parametrize(
    ("scope", "patterns"),
    [
        ("/subscriptions/S", ("/subscriptions/s", "/subscriptions/s/*")),
        ("/", None),
        ("/providers/Microsoft.Management/managementGroups/all", None),
        ("/subscriptions/*", None),
    ],
)
def test_a_scope_covers_what_lies_below_it_where_that_can_be_told(scope: str, patterns: tuple[str, ...] | None) -> None:
    assert covering(scope) == patterns


def test_an_assignment_to_a_group_empowers_nobody_by_name() -> None:
    listed = {
        "id": f"/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}",
        "name": ASSIGNMENT,
        "type": "Microsoft.Authorization/roleAssignments",
        "principalId": ROBOT,
        "principalType": "Group",
        "roleDefinitionId": "/x/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "scope": "/subscriptions/s",
    }
    [grant] = records(listed)
    assert (grant.principal, grant.attributes["group"]) == (None, ROBOT)
    assert grant.valid_from == 0


def test_the_query_of_an_address_is_dropped_with_its_signature() -> None:
    blob = {
        "time": START,
        "category": "StorageRead",
        "operationName": "GetBlob",
        "statusCode": 200,
        "uri": "https://a.blob.core.windows.net/c/b.txt?sv=2024&sig=abcDEF123secretsignature%3D",
        "callerIpAddress": "203.0.113.9:1234",
        "identity": {"type": "SAS", "tokenHash": "key1(AAAA),SasSignature(BBBB)"},
        "properties": {"accountName": "a"},
        "resourceId": "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/a/blobServices/default",
    }
    action = the_action(blob)
    assert action.resource.id.endswith("/storageaccounts/a/blobservices/default/containers/c/blobs/b.txt")
    assert action.cites == ("azure/storage-key/a/key1",)
    assert "sig" not in str(action)
    assert "BBBB" not in str(action)
    assert path_of("https://h/p?q#f") == "/p"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9:80", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("::1", "::1"),
    ],
)
def test_an_address_has_no_port(text: str, address: str) -> None:
    assert address_of(text) == address


def test_a_file_of_audit_logs_of_aks_is_left_to_the_reader_of_kubernetes() -> None:
    record = {"category": "kube-audit", "properties": {"log": "{}"}, "time": START}
    assert recognise(Sample("x", "", (record,))) < 90
