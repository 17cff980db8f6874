"""What was acted on.

A resource that has an ARN is `{type: "arn", id: <the ARN without "arn:">}`: a pattern with a `:` before any `/` is
matched against `type:id` (SPEC 2), which is then the ARN itself, so that IAM's own resource patterns can be used as
they are. A call whose resource the event does not tell is on the service, `{type: "service", id: "ec2.amazonaws.com"}`,
which only the pattern `*` covers, as in IAM.
"""

from __future__ import annotations

from typing import Any

from quowarranto.records import Resource
from quowarranto.sources.cloudtrail.event import Event, text_of

# Per service: the request parameter that names the resource, and its ARN after the partition. First match wins.
_NAMED: dict[str, tuple[tuple[str, str], ...]] = {
    "bedrock": (("modelId", "bedrock:{region}::foundation-model/{name}"),),
    "cloudformation": (("stackName", "cloudformation:{region}:{account}:stack/{name}"),),
    "cloudtrail": (
        ("name", "cloudtrail:{region}:{account}:trail/{name}"),
        ("trailName", "cloudtrail:{region}:{account}:trail/{name}"),
    ),
    "dynamodb": (("tableName", "dynamodb:{region}:{account}:table/{name}"),),
    "ec2": (
        ("instanceId", "ec2:{region}:{account}:instance/{name}"),
        ("volumeId", "ec2:{region}:{account}:volume/{name}"),
        ("snapshotId", "ec2:{region}::snapshot/{name}"),
        ("imageId", "ec2:{region}::image/{name}"),
        ("groupId", "ec2:{region}:{account}:security-group/{name}"),
        ("networkInterfaceId", "ec2:{region}:{account}:network-interface/{name}"),
        ("routeTableId", "ec2:{region}:{account}:route-table/{name}"),
        ("internetGatewayId", "ec2:{region}:{account}:internet-gateway/{name}"),
        ("subnetId", "ec2:{region}:{account}:subnet/{name}"),
        ("vpcId", "ec2:{region}:{account}:vpc/{name}"),
    ),
    "ecr": (("repositoryName", "ecr:{region}:{account}:repository/{name}"),),
    "ecs": (("cluster", "ecs:{region}:{account}:cluster/{name}"),),
    "eks": (
        ("clusterName", "eks:{region}:{account}:cluster/{name}"),
        ("name", "eks:{region}:{account}:cluster/{name}"),
    ),
    "iam": (
        ("roleName", "iam::{account}:role/{name}"),
        ("userName", "iam::{account}:user/{name}"),
        ("groupName", "iam::{account}:group/{name}"),
        ("policyArn", "{name}"),
        ("policyName", "iam::{account}:policy/{name}"),
        ("instanceProfileName", "iam::{account}:instance-profile/{name}"),
    ),
    "kms": (("keyId", "kms:{region}:{account}:key/{name}"),),
    "lambda": (("functionName", "lambda:{region}:{account}:function:{name}"),),
    "logs": (("logGroupName", "logs:{region}:{account}:log-group:{name}"),),
    "rds": (
        ("resourceName", "{name}"),
        ("dBInstanceIdentifier", "rds:{region}:{account}:db:{name}"),
        ("dBClusterIdentifier", "rds:{region}:{account}:cluster:{name}"),
        ("dBSnapshotIdentifier", "rds:{region}:{account}:snapshot:{name}"),
    ),
    "secretsmanager": (
        ("secretId", "secretsmanager:{region}:{account}:secret:{name}"),
        ("name", "secretsmanager:{region}:{account}:secret:{name}"),
    ),
    "sns": (("topicArn", "{name}"), ("name", "sns:{region}:{account}:{name}")),
    "sqs": (("queueName", "sqs:{region}:{account}:{name}"),),
    "ssm": (
        ("name", "ssm:{region}:{account}:parameter/{name}"),
        ("instanceId", "ec2:{region}:{account}:instance/{name}"),
        ("target", "ec2:{region}:{account}:instance/{name}"),
        ("resourceId", "ssm:{region}:{account}:parameter/{name}"),
        ("documentName", "ssm:{region}:{account}:document/{name}"),
    ),
    "states": (("stateMachineArn", "{name}"),),
    "sts": (("roleArn", "{name}"),),
}

# Without a user name these IAM calls are about the caller.
_ABOUT_ONESELF = frozenset({"ChangePassword", "CreateAccessKey", "GetUser", "ListAccessKeys", "ListMFADevices"})


def resource_of(event: Event) -> Resource:
    """The one resource of the call: as S3 names it, as the event lists it, or as the request names it."""
    service = event.service
    arns = _listed(event.resources) if event.resources else []
    arn = _bucket_or_object(event) if service == "s3" else None
    if arn is None and len(arns) == 1:
        arn = arns[0]
    arn = arn or _from_request(event, service) or (arns[0] if arns else None)
    return Resource("arn", arn[4:]) if arn else Resource("service", event.eventSource)


def _listed(resources: list[Any]) -> list[str]:
    found = [text_of(item, "ARN", "arn") for item in resources if isinstance(item, dict)]
    return list(dict.fromkeys(arn for arn in found if _is_arn(arn)))


def _bucket_or_object(event: Event) -> str | None:
    bucket = text_of(event.asked, "bucketName")
    if not bucket:
        return None
    arn = bucket if _is_arn(bucket) else f"arn:{event.partition}:s3:::{bucket}"
    key = text_of(event.asked, "key")
    return f"{arn}/{key}" if key else arn


def _from_request(event: Event, service: str) -> str | None:
    asked = event.asked
    if service == "iam" and not asked and event.eventName in _ABOUT_ONESELF and event.userIdentity.type == "IAMUser":
        return event.userIdentity.arn
    if not asked or (service == "ec2" and event.eventName.startswith("Describe")):
        return None  # EC2's Describe calls take no resource: IAM holds them against `*`
    for parameter, template in _NAMED.get(service, ()):
        if name := text_of(asked, parameter):
            return _arn(event, template, name)
    if service == "ec2" and (instance := _only_instance(asked)):
        return _arn(event, "ec2:{region}:{account}:instance/{name}", instance)
    if service == "sqs" and (queue := text_of(asked, "queueUrl").split("/"))[2:]:
        return _arn(event, "sqs:{region}:{account}:{name}", queue[-1])
    named = [value for name, value in asked.items() if name[-3:] in ("Arn", "ARN") and _is_arn(value)]
    return named[0] if len(named) == 1 else None


def _arn(event: Event, template: str, name: str) -> str | None:
    if _is_arn(name):
        return name
    if template == "{name}":
        return None  # the parameter should have been an ARN
    if event.service == "kms" and name.startswith("alias/"):
        template = template.replace("key/", "")
    if event.service == "iam" and event.eventName.startswith("Create") and (path := text_of(event.asked, "path")):
        name = f"{path.strip('/')}/{name}".lstrip("/")
    # Not str.format on the name: it comes from the request and may hold braces.
    filled = template.replace("{region}", event.awsRegion or "").replace("{account}", event.account)
    return f"arn:{event.partition}:{filled.replace('{name}', name.lstrip('/'))}"


def _only_instance(asked: dict[str, Any]) -> str | None:
    listed = asked.get("instancesSet")
    items = listed.get("items") if isinstance(listed, dict) else None
    if isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict):
        return text_of(items[0], "instanceId") or None
    return None


def _is_arn(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("arn:") and len(value) > 4
