"""Google Cloud: names that come in several spellings, exports without a time or a place, and what must not be kept."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from quowarranto.case.redaction import redact
from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import Action, AuthorityFact, Principal, Rule, parse_instant
from quowarranto.sources import Entry, Observation, Outcome, Sample, Skipped
from quowarranto.sources.gcp import SOURCE, derive, read
from quowarranto.sources.gcp.names import canonical, members_of, principal_of_email
from quowarranto.sources.gcp.policies import policy_shown

AT = parse_instant("2026-03-04T09:00:00Z")
KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
POLICY = {
    "etag": "BwX=",
    "bindings": [{"role": "roles/storage.objectViewer", "members": ["serviceAccount:r@p.iam.gserviceaccount.com"]}],
}


def entry(**changed: Any) -> dict[str, Any]:
    payload = {
        "serviceName": "storage.googleapis.com",
        "methodName": "storage.objects.get",
        "resourceName": "projects/_/buckets/b/objects/o",
        "authenticationInfo": {"principalEmail": "r@p.iam.gserviceaccount.com"},
        "authorizationInfo": [{"permission": "storage.objects.get", "granted": True}],
        "status": {},
    }
    top = {
        "insertId": "i1",
        "timestamp": "2026-03-04T09:00:00Z",
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
    }
    labels = {"resource": {"type": "gcs_bucket", "labels": {"project_id": "p"}}}
    return top | labels | {"protoPayload": payload | changed}


def of(value: Any, modified_at: int = AT) -> list[Any]:
    found = read(Entry(json.dumps(value).encode(), "x.json", modified_at))
    assert not isinstance(found, Skipped), found.reason
    return list(found)


def action(value: Any) -> Action:
    return next(one for one in of(value) if isinstance(one, Action))


def grants(*values: Any) -> list[AuthorityFact]:
    seen = [one for value in values for one in of(value) if isinstance(one, Observation)]
    return [one for one, _ in derive(seen) if isinstance(one, AuthorityFact) and one.kind == "grant"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R@P.iam.gserviceaccount.com", Principal("service_account", "r@p.iam.gserviceaccount.com")),
        ("Olga@Example.org", Principal("user", "olga@example.org")),
        ("system:serviceaccount:shop:robot", Principal("service_account", "system:serviceaccount:shop:robot")),
        ("p.svc.id.goog[shop/robot]", Principal("workload", "p.svc.id.goog[shop/robot]")),
    ],
)
def test_a_caller_is_told_by_its_email(text: str, expected: Principal) -> None:
    assert principal_of_email(text) == expected


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("serviceAccount:p.svc.id.goog[shop/robot]", [Principal("workload", "p.svc.id.goog[shop/robot]")]),
        ("domain:Example.org", [Principal("user", "*@example.org")]),
        ("group:ops@example.org", []),
        ("user:*@example.org", []),
        ("deleted:serviceAccount:r@p.iam.gserviceaccount.com?uid=1", []),
        ("principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/group/a", []),
        (
            "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/*",
            [
                Principal(
                    "workload",
                    "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/*",
                )
            ],
        ),
    ],
)
def test_a_member_stands_for_those_that_it_names_and_nobody_else(member: str, expected: list[Principal]) -> None:
    assert [one.principal for one in members_of(member)] == expected


def test_buckets_and_accounts_have_one_name_wherever_they_are_met() -> None:
    assert canonical("projects/p/buckets/b") == canonical("projects/_/buckets/b")
    named = "projects/p/serviceAccounts/R@p.iam.gserviceaccount.com"
    assert canonical(named) == "projects/-/serviceAccounts/r@p.iam.gserviceaccount.com"


def test_a_key_is_the_same_by_the_email_and_by_the_unique_id_of_its_account() -> None:
    by_email = f"//iam.googleapis.com/projects/p/serviceAccounts/r@p.iam.gserviceaccount.com/keys/{KEY}"
    by_number = f"projects/-/serviceAccounts/104111222333444555666/keys/{KEY}"
    used = entry(
        authenticationInfo={"principalEmail": "r@p.iam.gserviceaccount.com", "serviceAccountKeyName": by_email}
    )
    deleted = entry(
        serviceName="iam.googleapis.com",
        methodName="google.iam.admin.v1.DeleteServiceAccountKey",
        resourceName=by_number,
    )
    ended = next(one for one in of(deleted) if isinstance(one, AuthorityFact) and one.kind == "credential")
    assert action(used).cites[0] == ended.id == f"gcp/key/{KEY}"


def test_a_policy_that_does_not_say_what_it_is_of_says_so_in_its_grants() -> None:
    [grant] = grants(POLICY)
    assert grant.scope == (Rule(("storage.objects.get", "storage.objects.list"), None),)
    assert grant.attributes["resource"] == "not said"
    assert (grant.time, grant.valid_from) == (AT, 0)


def test_a_setting_says_of_which_resource_a_file_holds_the_policy() -> None:
    assert SOURCE.configure is not None
    source = SOURCE.configure({"policies": {"x.json": "projects/p"}})
    found = source.read(Entry(json.dumps(POLICY).encode(), "logs/x.json", AT))
    assert not isinstance(found, Skipped)
    [(grant, _)] = derive([one for one in found if isinstance(one, Observation)])
    assert isinstance(grant, AuthorityFact)
    assert grant.scope is not None
    assert grant.scope[0].resources == ("projects/p", "projects/p/*")


def test_settings_that_mean_nothing_are_refused() -> None:
    assert SOURCE.configure is not None
    wrong: tuple[dict[str, Any], ...] = ({"policy": {}}, {"policies": ["x"]}, {"policies": {"x.json": 1}})
    for settings in wrong:
        with pytest.raises(ConfigError):
            SOURCE.configure(settings)


def test_a_role_that_is_told_later_than_its_binding_is_known_whatever_the_order() -> None:
    role = {"name": "projects/p/roles/r", "includedPermissions": ["a.b.get"], "etag": "x", "title": "r"}
    policy = {"bindings": [{"role": "projects/p/roles/r", "members": ["user:o@example.org"]}]}
    for order in permutations([role, policy]):
        [grant] = grants(*order)
        assert grant.principal == Principal("user", "o@example.org")
        assert grant.scope == (Rule(("a.b.get",), None),)
    [unknown] = grants(policy)
    assert unknown.principal is None
    assert unknown.attributes["role_permissions"] == "not seen"


@pytest.mark.parametrize(
    ("expression", "since", "until", "other"),
    [
        ("request.time < timestamp('2026-03-04T11:00:00Z')", None, "2026-03-04T11:00:00Z", None),
        (
            'request.time >= timestamp("2026-03-04T10:00:00Z") && request.time<timestamp("2026-03-04T11:00:00Z")',
            "2026-03-04T10:00:00Z",
            "2026-03-04T11:00:00Z",
            None,
        ),
        ('resource.name == "x" || request.time < timestamp("2026-03-04T11:00:00Z")', None, None, True),
        ('request.time < timestamp("soon")', None, None, True),
    ],
)
def test_a_condition_on_time_is_a_window_and_every_other_is_noted(
    expression: str, since: str | None, until: str | None, other: bool | None
) -> None:
    bound = {"role": "roles/owner", "members": ["user:o@example.org"], "condition": {"expression": expression}}
    [(grant, _)] = derive([policy_shown({"bindings": [bound]}, "projects/p", AT, AT)])
    assert isinstance(grant, AuthorityFact)
    assert grant.valid_from == (parse_instant(since) if since else None)
    assert grant.valid_until == (parse_instant(until) if until else None)
    assert grant.attributes.get("conditional") == other


@pytest.mark.parametrize(
    ("changed", "outcome", "effects"),
    [
        ({"authorizationInfo": [{"permission": "a.b.c", "granted": False}]}, "success", ["deny"]),
        ({"authorizationInfo": [{"permission": "a.b.c", "granted": False}], "status": None}, "denied", ["deny"]),
        ({"authorizationInfo": [{"permission": "a.b.c"}], "status": {"code": 7}}, "denied", ["deny"]),
        ({"authorizationInfo": [{"permission": "a.b.c"}]}, "success", []),
        ({"status": {"code": 5}}, "failure", ["allow"]),
        ({"authorizationInfo": None, "status": {"code": 7}}, "denied", []),
    ],
)
def test_what_was_checked_and_how_it_ended_are_two_things(
    changed: dict[str, Any], outcome: str, effects: list[str]
) -> None:
    found = of(entry(**changed))
    assert action(entry(**changed)).outcome == outcome
    assert [one.effect for one in found if isinstance(one, AuthorityFact)] == effects


def test_a_time_without_a_zone_gives_way_to_the_request_s_own() -> None:
    value = entry(requestMetadata={"requestAttributes": {"time": "2026-03-04T09:00:00.5Z"}})
    value["timestamp"] = "2026-03-04 09:00:00.25"
    assert action(value).time == AT + 500_000
    with pytest.raises(RejectedEntry, match="without a zone"):
        of(entry() | {"timestamp": "2026-03-04 09:00:00.25"})


def test_tokens_of_google_are_not_kept() -> None:
    agent = {"callerSuppliedUserAgent": "curl ya29.c.c0ASRK0GZ1234567890abcdefghijklmnop"}
    shown = str(redact(action(entry(requestMetadata=agent, response={"accessToken": "x" * 40}))))
    assert "ya29" not in shown
    assert "xxxx" not in shown


def test_entries_of_other_logs_are_skipped_and_not_lost() -> None:
    other: Outcome = read(Entry(b'{"logName":"projects/p/logs/x","resource":{"type":"a"},"textPayload":"hello"}'))
    assert isinstance(other, Skipped)
    assert SOURCE.recognise(Sample("x", "", ({"message": {"data": "***", "messageId": "1"}},))) == 0


def test_a_token_in_the_place_of_a_method_is_not_cut_until_nobody_knows_it() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
    shown = str(redact(action(entry(serviceName="k8s.io", methodName=token))))
    assert "c2lnbmF0dXJl" not in shown
