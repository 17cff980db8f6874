"""CloudTrail records: who called which API with which key, and where that key came from.

Events of STS and IAM are global: they are delivered in the home region and, a second time and byte for byte, in
us-east-1.
Source    awsdocs/aws-cloudtrail-user-guide, cloudtrail-event-reference-user-identity.md
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from quowarranto.records import Instant
from quowarranto.simulator.scene import HOUR, SECOND, Scene
from quowarranto.simulator.stamps import prose_stamp, second_stamp

_json = msgspec.json.Encoder().encode
ACCOUNT = "417263905518"
HOME = "eu-central-1"
GLOBAL = "us-east-1"
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Role(NamedTuple):
    """An IAM role."""

    name: str
    role_id: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"


class Session(NamedTuple):
    """Temporary credentials of a role; `opened_at` as the events spell it."""

    role: Role
    name: str
    key: str
    opened_at: str

    def identity(self) -> dict[str, Any]:
        """The `userIdentity` of calls made with it."""
        issuer = {
            "type": "Role",
            "principalId": self.role.role_id,
            "arn": self.role.arn,
            "accountId": ACCOUNT,
            "userName": self.role.name,
        }
        attributes = {"creationDate": self.opened_at, "mfaAuthenticated": "false"}
        return {
            "type": "AssumedRole",
            "principalId": f"{self.role.role_id}:{self.name}",
            "arn": self.arn,
            "accountId": ACCOUNT,
            "accessKeyId": self.key,
            "sessionContext": {"sessionIssuer": issuer, "attributes": attributes},
        }

    @property
    def arn(self) -> str:
        """The ARN of the session."""
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.role.name}/{self.name}"


def user(name: str, user_id: str, key: str) -> dict[str, Any]:
    """The `userIdentity` of an IAM user with a long-lived key."""
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    return {
        "type": "IAMUser",
        "principalId": user_id,
        "arn": arn,
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }


def web_identity(subject: str, provider: str) -> dict[str, Any]:
    """The `userIdentity` of a caller that shows a token of an OIDC provider."""
    principal = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}:sts.amazonaws.com:{subject}"
    return {"type": "WebIdentityUser", "principalId": principal, "userName": subject, "identityProvider": provider}


def event(
    identity: dict[str, Any],
    service: str,
    name: str,
    parameters: dict[str, Any] | None,
    *,
    elements: dict[str, Any] | None = None,
    resources: list[dict[str, str]] | None = None,
    error: tuple[str, str] | None = None,
    address: str = "10.40.1.9",
    **more: Any,
) -> dict[str, Any]:
    """A record, without its moment and its ids."""
    return {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": GLOBAL if service == "iam" else HOME,
        "sourceIPAddress": address,
        "userAgent": "aws-sdk-go-v2/1.39.2",
        **({"errorCode": error[0], "errorMessage": error[1]} if error else {}),
        "requestParameters": parameters,
        "responseElements": elements,
        "readOnly": name.startswith(("Get", "List", "Describe")),
        **({"resources": resources} if resources else {}),
        "eventType": "AwsApiCall",
        "managementEvent": service != "s3",
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data" if service == "s3" else "Management",
        **more,
    }


def write(scene: Scene, at: Instant, record: dict[str, Any], *, everywhere: bool = False) -> str:
    """Write a record (in both regions, if it is a global one) and return the id of the action."""
    event_id = scene.uuid()
    line = _json(record | {"eventTime": second_stamp(at), "requestID": scene.uuid(), "eventID": event_id}).decode()
    for region in (HOME, GLOBAL) if everywhere else (HOME,):
        scene.logs.trails[region].add(at, line)
    return f"aws/{event_id}"


def assume(
    scene: Scene,
    at: Instant,
    identity: dict[str, Any],
    role: Role,
    name: str,
    *,
    lasts: Instant = HOUR,
    secret: str = "",
) -> tuple[str, Session]:
    """Assume a role; returns the id of the action and the session."""
    session = Session(role, name, new_key(scene, "ASIA"), second_stamp(at))
    record = assumption(identity, session, secret or scene.hex(96), prose_stamp(at + lasts), lasts // SECOND)
    return write(scene, at, record, everywhere=True), session


def assumption(
    identity: dict[str, Any], session: Session, secret: str, expiration: str, lasts_s: int
) -> dict[str, Any]:
    """The record of STS that hands out a session."""
    role, web = session.role, identity["type"] == "WebIdentityUser"
    parameters = {"roleArn": role.arn, "roleSessionName": session.name, "durationSeconds": lasts_s}
    credentials = {"accessKeyId": session.key, "sessionToken": secret, "expiration": expiration}
    elements: dict[str, Any] = {
        "credentials": credentials,
        "assumedRoleUser": {"assumedRoleId": f"{role.role_id}:{session.name}", "arn": session.arn},
    }
    if web:
        elements |= {
            "subjectFromWebIdentityToken": identity["userName"],
            "provider": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{identity['identityProvider']}",
            "audience": "sts.amazonaws.com",
        }
    resources = [{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": role.arn}]
    verb = "AssumeRoleWithWebIdentity" if web else "AssumeRole"
    return event(identity, "sts", verb, parameters, elements=elements, resources=resources)


def new_key(scene: Scene, prefix: str) -> str:
    """An access key id."""
    return prefix + "".join(scene.rng.choices(_KEY_LETTERS, k=16))


def object_call(identity: dict[str, Any], name: str, bucket: str, key: str, **fields: Any) -> dict[str, Any]:
    """A data event of S3."""
    resources = [
        {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
    ]
    return event(identity, "s3", name, {"bucketName": bucket, "key": key}, resources=resources, **fields)
