"""AWS: a session used past its end, a deleted key that still works, and what is no fault: refusals and throttling."""

from __future__ import annotations

from quowarranto.records import Instant
from quowarranto.simulator import organisation, secrets
from quowarranto.simulator.scene import HOUR, MINUTE, Scenario, Scene
from quowarranto.simulator.systems import aws

_PRESUMED = "no event says which policy allowed it; the role's policies would cover it"


def open_session(scene: Scene, at: Instant, role: aws.Role, *, secret: str = "") -> aws.Session:
    """Assume a role by the token of an OIDC provider that the role trusts."""
    issuer, subject = organisation.TRUST[role]
    name = f"qw-{scene.hex(6)}"
    action, session = aws.assume(scene, at, aws.web_identity(subject, issuer), role, name, secret=secret)
    note = "the role trusts this subject, and no key joins the event to that"
    scene.expect(action, "presumed", "inferred", "QW102", note=note)
    return session


def _etl(scene: Scene) -> None:
    at = scene.at(2, 1)
    session = open_session(scene, at, organisation.ETL, secret=secrets.AWS_SESSION_TOKEN)
    for minute, name in ((1, "GetObject"), (2, "PutObject")):
        record = aws.object_call(session.identity(), name, "qw-orders-raw", "2026/10/07/part-0001.parquet")
        action = aws.write(scene, at + minute * MINUTE, record)
        scene.expect(action, "presumed", "partial", "QW102", note=_PRESUMED)


def _not_allowed(scene: Scene) -> None:
    """Refused and throttled calls: the one is a control at work, the other is no control at all."""
    at = scene.at(3, 1)
    session = open_session(scene, at, organisation.DEPLOY)
    who = session.identity()
    said = f"{session.arn} is not authorized to perform: iam:PutRolePolicy because no identity-based policy allows it"
    refused = aws.event(who, "iam", "PutRolePolicy", {"roleName": "ci-deploy"}, error=("AccessDenied", said))
    action = aws.write(scene, at + MINUTE, refused, everywhere=True)
    scene.expect(action, "refused", "partial", "QW108", note="no policy of the role covers it, and IAM said no")
    throttled = aws.event(
        who, "ecs", "DescribeServices", {"cluster": "prod"}, error=("ThrottlingException", "Rate exceeded")
    )
    action = aws.write(scene, at + 2 * MINUTE, throttled)
    scene.expect(action, "presumed", "partial", "QW102", note="throttled: allowed, then went wrong")
    commands = {"commands": [f"export AWS_SECRET_ACCESS_KEY={secrets.AWS_SECRET_KEY}"]}
    sent = aws.event(who, "ssm", "SendCommand", {"documentName": "AWS-RunShellScript", "parameters": commands})
    action = aws.write(scene, at + 3 * MINUTE, sent)
    scene.expect(action, "presumed", "partial", "QW102", note=_PRESUMED)


def _past_its_end(scene: Scene) -> None:
    at = scene.at(16, 1)
    session = open_session(scene, at, organisation.REPORTS)
    record = aws.object_call(session.identity(), "GetObject", "qw-reports", "q3.csv")
    late = aws.write(scene, at + 90 * MINUTE, record)
    scene.expect(late, "unauthorised", "partial", "QW102", "QW201", note="half an hour after the session's end")


def _deleted_key(scene: Scene) -> None:
    """A user's key is made, used, deleted, and used."""
    at = scene.at(12, 3)
    session = open_session(scene, at, organisation.ACCOUNTS)
    name, user_id = organisation.EXPORTER
    key = aws.new_key(scene, "AKIA")
    made = {"accessKey": {"userName": name, "accessKeyId": key, "status": "Active"}}
    create = aws.event(session.identity(), "iam", "CreateAccessKey", {"userName": name}, elements=made)
    delete = aws.event(session.identity(), "iam", "DeleteAccessKey", {"userName": name, "accessKeyId": key})
    for minute, record in ((1, create), (50, delete)):
        action = aws.write(scene, at + minute * MINUTE, record, everywhere=True)
        scene.expect(action, "presumed", "partial", "QW102", note=_PRESUMED)
    used = aws.object_call(aws.user(name, user_id, key), "PutObject", "qw-exports", "orders.csv")
    first = aws.write(scene, at + 5 * MINUTE, used)
    scene.expect(first, "presumed", "partial", "QW102", note="the key in force; " + _PRESUMED)
    late = aws.write(scene, at + 2 * HOUR, used)
    note = "an hour after the key was deleted"
    scene.expect(late, "unauthorised", "partial", "QW102", "QW202", "QW406", note=note)


STORIES = (
    Scenario("aws_etl", "A job assumes its role and reads and writes objects.", _etl),
    Scenario("aws_refused", "IAM refuses a call, another is throttled.", _not_allowed),
)
FAULTS = (
    Scenario("aws_session_expired", "A role's session is used half an hour after its end.", _past_its_end),
    Scenario("aws_key_deleted", "A deleted access key still works an hour later.", _deleted_key),
)
