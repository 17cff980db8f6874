"""What a CloudTrail event tells of the request that was decided, and what stays unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action
from quowarranto.replay.iam import evaluate, request_of, request_of_action
from quowarranto.replay.language import Policy
from quowarranto.sources.cloudtrail import read
from quowarranto.sources.entry import Entry

ROLE = "arn:aws:iam::111122223333:role/path/ops"
EVENT: dict[str, Any] = {
    "eventSource": "s3.amazonaws.com",
    "eventName": "HeadObject",
    "eventTime": "2024-05-01T10:00:00Z",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "8.8.4.4",
    "userAgent": "aws-cli/2",
    "recipientAccountId": "111122223333",
    "requestParameters": {"bucketName": "b", "key": "k"},
    "userIdentity": {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::111122223333:assumed-role/ops/s",
        "principalId": "AROAEXAMPLE:s",
        "accountId": "111122223333",
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": ROLE},
            "attributes": {"mfaAuthenticated": "false", "creationDate": "2024-05-01T09:00:00Z"},
        },
    },
}
OBJECT = {"ARN": "arn:aws:s3:::b/k", "accountId": "999999999999"}


def asked(**changes: Any) -> Any:
    return request_of(None, json.dumps(EVENT | changes))


def kept(**changes: Any) -> Action:
    """The action that the source makes of it."""
    found = read(Entry(data=json.dumps(EVENT | changes).encode()))
    assert isinstance(found, tuple)
    return next(one for one in found if isinstance(one, Action))


def test_an_event_tells_who_asked_for_what_from_where() -> None:
    found = asked(resources=[OBJECT])
    assert found.subject == {
        "type": "assumed-role",
        "id": "arn:aws:sts::111122223333:assumed-role/ops/s",
        "properties": {"account": "111122223333", "role": ROLE, "uniqueId": "AROAEXAMPLE"},
    }
    assert found.action == {"name": "s3:GetObject"}
    assert found.resource == {"type": "arn", "id": "arn:aws:s3:::b/k", "properties": {"account": "999999999999"}}
    assert found.context == {
        "policies": [],
        "aws:CurrentTime": "2024-05-01T10:00:00Z",
        "aws:RequestedRegion": "eu-west-1",
        "aws:UserAgent": "aws-cli/2",
        "aws:userid": "AROAEXAMPLE:s",
        "aws:SourceIp": "8.8.4.4",
        "aws:MultiFactorAuthPresent": False,
        "aws:MultiFactorAuthAge": [],
        "aws:TokenIssueTime": "2024-05-01T09:00:00Z",
    }


def test_a_long_term_key_rules_out_what_only_sessions_have() -> None:
    user = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accessKeyId": "AKIAEXAMPLE"}
    found = asked(userIdentity=user)
    assert found.context["absent"] == ["aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:TokenIssueTime"]


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"sourceIPAddress": "cloudformation.amazonaws.com"}, {}),
        ({"sourceIPAddress": "10.0.0.7"}, {}),
        (
            {"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1"},
            {"aws:VpcSourceIp": "10.0.0.7", "aws:SourceVpce": "vpce-1", "aws:SourceIp": []},
        ),
        ({"userIdentity": EVENT["userIdentity"] | {"invokedBy": "athena.amazonaws.com"}}, {}),
    ],
)
def test_an_address_counts_only_where_it_is_the_callers(changes: dict[str, Any], address: dict[str, Any]) -> None:
    keys = ("aws:SourceIp", "aws:VpcSourceIp", "aws:SourceVpce")
    context = asked(**changes).context
    assert {key: context[key] for key in keys if key in context} == address


@pytest.mark.parametrize(
    ("service", "event", "parameters", "action"),
    [
        ("s3", "ListObjectsV2", {"bucketName": "b"}, "s3:ListBucket"),
        ("s3", "GetObject", {"bucketName": "b", "key": "k", "versionId": "1"}, None),
        ("lambda", "UpdateFunctionCode20150331v2", {}, "lambda:UpdateFunctionCode"),
        ("monitoring", "PutMetricAlarm", {}, "cloudwatch:PutMetricAlarm"),
        ("apigateway", "GetRestApis", {}, None),
        ("signin", "ConsoleLogin", {}, None),
        ("ec2", "RunInstances", {}, "ec2:RunInstances"),
    ],
)
def test_an_action_is_called_as_iam_calls_it(service: str, event: str, parameters: Any, action: str | None) -> None:
    found = asked(eventSource=f"{service}.amazonaws.com", eventName=event, requestParameters=parameters)
    assert found.action == {"name": action}


@pytest.mark.parametrize("raw", [None, "", "{", "[]", "\ud800", "[" * 99_999, '{"eventName": 1}', '{"detail": []}'])
def test_what_is_no_event_is_no_request(raw: str | None) -> None:
    assert request_of(None, raw) is None


def test_an_event_without_a_time_is_no_request() -> None:
    with pytest.raises(RejectedEntry):
        kept(eventTime=None)
    assert asked(eventTime=None) is None


ALL = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
NO = '{"Statement": {"Effect": "Deny", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}}'
NONE = [Policy(f"none:{kind}", "") for kind in ("boundary", "session", "scp", "rcp", "resource")]


@pytest.mark.parametrize("request_", [asked(resources=[OBJECT | {"accountId": "111122223333"}]), asked()])
def test_an_event_alone_never_permits(request_: Any) -> None:
    """Service control policies might deny, whatever the role's own policies say."""
    found = evaluate([Policy("identity:p", ALL)], request_)
    assert found.effect == "indeterminate"
    assert {"boundary policies", "scp policies", "session policies"} <= set(found.missing)


def test_with_all_kinds_told_of_an_event_is_decided() -> None:
    own = asked(resources=[OBJECT | {"accountId": "111122223333"}])
    assert evaluate([Policy("identity:p", ALL), *NONE], own).effect == "permit"
    assert evaluate([Policy("identity:p", NO), *NONE], own).effect == "deny"


def test_a_deny_decides_an_event_whatever_else_there_is() -> None:
    found = evaluate([Policy("identity:p", ALL), Policy("identity:q", NO)], asked())
    assert (found.effect, found.determining) == ("deny", ("identity:q#0",))


def test_an_action_that_a_case_keeps_tells_no_more_than_its_event() -> None:
    found = request_of_action(kept())
    assert found is not None
    full = asked()
    assert found.subject["id"] == full.subject["id"]
    assert found.subject["properties"] == {"role": ROLE}
    assert (found.action, found.resource["id"]) == (full.action, full.resource["id"])
    assert found.context == {key: value for key, value in full.context.items() if key != "aws:userid"}


def test_an_action_of_another_source_is_no_request() -> None:
    action = kept()
    other = Action(
        id="x",
        time=action.time,
        principal=action.principal,
        action="get pods",
        resource=action.resource,
        outcome="success",
    )
    assert request_of_action(other) is None
