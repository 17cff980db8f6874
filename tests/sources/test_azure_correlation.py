"""Azure: a correlation id is the caller's to choose, so what bears one is not yet one call."""

from __future__ import annotations

from typing import Any

import pytest
from tests.model import Judgement
from tests.sources.logs import judged, of, said
from tests.sources.test_azure import ASSIGNMENT, call

from quowarranto.records import AuthorityFact

OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"
SCOPE = "/subscriptions/0a000000-0000-4000-8000-00000000000f"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ROBOT = "5b000000-0000-4000-8000-000000000001"
MALLORY = "5b000000-0000-4000-8000-00000000000f"
VAULT = f"{SCOPE}/resourcegroups/r/providers/microsoft.keyvault/vaults/v"


def assigned(verb: str, time: str) -> dict[str, Any]:
    """The robot's assignment is made (`write`) or deleted."""
    on = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}"
    told = {"PrincipalId": ROBOT, "PrincipalType": "ServicePrincipal", "RoleDefinitionId": CONTRIBUTOR, "Scope": SCOPE}
    return {
        "time": time,
        "resourceId": on,
        "operationName": f"Microsoft.Authorization/roleAssignments/{verb}",
        "category": "Administrative",
        "resultType": "Success",
        "correlationId": f"{verb}-{time}",
        "identity": {"claims": {"idtyp": "user", OBJECT: "6c000000-0000-4000-8000-000000000001"}},
        "properties": {"requestbody": {"Id": ASSIGNMENT, "Properties": told}} if verb == "write" else {},
    }


def pair(time: str, **changed: Any) -> list[dict[str, Any]]:
    """The two records of a call."""
    return [call("Start", f"{time}Z", **changed), call("Success", f"{time}.9Z", **changed)]


GIVEN, TAKEN = assigned("write", "2026-03-04T08:00:00Z"), assigned("delete", "2026-03-04T10:00:00Z")
BEFORE, AFTER = "2026-03-04T09:00:00", "2026-03-04T12:00:00"


def calls(*lines: dict[str, Any]) -> list[Judgement]:
    return [one for one in judged(of("azure", *lines)) if one.action.startswith("azure/call/c1/")]


# Azure Resource Manager takes `x-ms-correlation-request-id` from the request (ARM RPC, "Common API request details").
def test_a_call_under_the_correlation_id_of_an_earlier_one_is_judged_by_what_holds_then() -> None:
    first, second = calls(GIVEN, *pair(BEFORE), TAKEN, *pair(AFTER))
    assert (first.verdict, second.verdict) == ("authorised", "unauthorised")
    assert "QW202" in second.codes


def test_whoever_else_calls_under_the_same_correlation_id_makes_a_call_of_their_own() -> None:
    identity = call()["identity"]
    other = identity | {"claims": identity["claims"] | {OBJECT: MALLORY}}
    first, second = calls(GIVEN, *pair(BEFORE), *pair("2026-03-04T09:00:10", identity=other))
    assert first.verdict == "authorised"
    assert (second.verdict, second.codes) == ("unauthorised", ("QW207",))


def test_the_records_of_one_call_and_of_one_that_was_made_again_stay_one_action() -> None:
    again = [call("Start", "2026-03-04T09:00:05Z"), call("Accepted", "2026-03-04T09:00:06Z"), call("Success")]
    [one] = calls(GIVEN, call("Start", f"{BEFORE}Z"), call("Failure", f"{BEFORE}.2Z"), *again)
    assert one.verdict == "authorised"


def secret(time: str, assignment: str | None = ASSIGNMENT, **changed: Any) -> dict[str, Any]:
    """Key Vault, "Logging": `correlationId` is a GUID that the client may pass."""
    return {
        "time": time,
        "resourceId": VAULT,
        "operationName": "SecretGet",
        "category": "AuditEvent",
        "resultType": "Success",
        "callerIpAddress": "203.0.113.9",
        "correlationId": "c1",
        "identity": {"claim": {OBJECT: ROBOT, "appid": "x", "idtyp": "app"}},
        "properties": {"id": "https://v.vault.azure.net/secrets/s", "httpStatusCode": 200}
        | ({"appliedAssignmentId": assignment} if assignment else {}),
    } | changed


def test_a_call_of_a_vault_under_the_correlation_id_of_an_earlier_one_rests_on_its_own_decision() -> None:
    found = judged(of("azure", GIVEN, secret(f"{BEFORE}Z"), TAKEN, secret(f"{AFTER}Z")))
    verdicts = sorted(" ".join((one.verdict, *one.codes)) for one in found if one.action.startswith("azure/request/"))
    assert verdicts == ["authorised", "unauthorised QW202"]


def test_an_assignment_whose_body_was_not_logged_reaches_no_further_than_where_it_stands() -> None:
    bare = GIVEN | {"properties": {}}
    [fact] = [one for one in of("azure", bare) if isinstance(one, AuthorityFact)]
    assert fact.scope is not None
    assert fact.scope[0].resources == (SCOPE, f"{SCOPE}/*")
    elsewhere = secret(f"{BEFORE}Z", resourceId="/subscriptions/other/providers/microsoft.keyvault/vaults/v")
    assert said(judged(of("azure", bare, elsewhere)), "azure/request/").startswith("unauthorised proven QW206")


@pytest.mark.parametrize("word", ["Denied", "Rejected", "Forbidden", "Unauthorized"])
def test_a_call_that_ended_with_a_word_for_no_is_no_success(word: str) -> None:
    [one] = calls(GIVEN, call(word, f"{BEFORE}Z"))
    assert one.verdict == "refused"


def directory(activity: str, time: str, who: str = ROBOT) -> dict[str, Any]:
    target = {"id": who, "type": "ServicePrincipal", "displayName": "robot"}
    return {
        "time": time,
        "category": "AuditLogs",
        "operationName": activity,
        "properties": {
            "id": f"Directory_{activity}_{time}",
            "activityDisplayName": activity,
            "activityDateTime": time,
            "result": "success",
            "initiatedBy": {"user": {"id": "6c000000-0000-4000-8000-000000000001"}},
            "targetResources": [target],
        },
    }


@pytest.mark.parametrize("activity", ["Remove service principal", "Hard delete service principal", "Disable account"])
def test_the_assignments_of_whoever_is_gone_are_out_of_force(activity: str) -> None:
    gone = directory(activity, "2026-03-04T10:00:00Z")
    first, second = calls(GIVEN, *pair(BEFORE), gone, *pair(AFTER))
    assert (first.verdict, second.verdict) == ("authorised", "unauthorised")
    assert second.codes == ("QW202",)


def test_what_is_restored_is_in_force_again_and_others_never_were_out_of_it() -> None:
    gone = directory("Remove service principal", "2026-03-04T10:00:00Z")
    back = directory("Restore service principal", "2026-03-04T11:00:00Z")
    other = directory("Remove service principal", "2026-03-04T10:00:00Z", MALLORY)
    for steps in ((gone, back), (other,)):
        assert [one.verdict for one in calls(GIVEN, *pair(BEFORE), *steps, *pair(AFTER))] == ["authorised"] * 2


def test_restoring_a_principal_does_not_bring_back_an_assignment_that_was_deleted() -> None:
    gone = directory("Remove service principal", "2026-03-04T09:30:00Z")
    back = directory("Restore service principal", "2026-03-04T11:00:00Z")
    assert [one.verdict for one in calls(GIVEN, gone, TAKEN, back, *pair(AFTER))] == ["unauthorised"]
