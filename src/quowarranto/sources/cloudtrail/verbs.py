"""IAM action patterns to patterns of our verbs, `service:EventName`.

Mostly they are the same. Where they are not, what IAM calls one action is logged under other names; this list adds the
logged names to a pattern that allows the action. IAM ignores case and SPEC 2 does not: a pattern is taken in the case
in which it is written, save for the service and for a bare leading verb (`s3:get*`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from quowarranto.records import matches

# IAM's service prefix, where the event source is called otherwise.
_SOURCES = {"cloudwatch": "monitoring", "tag": "tagging", "ses": "email"}

_LOGGED_AS: dict[str, tuple[str, ...]] = {
    "s3:ListBucket": ("ListObjects", "ListObjectsV2", "HeadBucket"),
    "s3:ListBucketVersions": ("ListObjectVersions",),
    "s3:ListBucketMultipartUploads": ("ListMultipartUploads",),
    "s3:ListMultipartUploadParts": ("ListParts",),
    "s3:ListAllMyBuckets": ("ListBuckets",),
    "s3:GetObject": ("HeadObject", "SelectObjectContent"),
    "s3:PutObject": ("CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload"),
    "s3:DeleteObject": ("DeleteObjects",),
    "s3:GetLifecycleConfiguration": ("GetBucketLifecycle", "GetBucketLifecycleConfiguration"),
    "s3:PutLifecycleConfiguration": (
        "PutBucketLifecycle",
        "PutBucketLifecycleConfiguration",
        "DeleteBucketLifecycle",
    ),
    "s3:GetEncryptionConfiguration": ("GetBucketEncryption",),
    "s3:PutEncryptionConfiguration": ("PutBucketEncryption", "DeleteBucketEncryption"),
    "s3:GetReplicationConfiguration": ("GetBucketReplication",),
    "s3:PutReplicationConfiguration": ("PutBucketReplication", "DeleteBucketReplication"),
    "s3:GetBucketCORS": ("GetBucketCors",),
    "s3:PutBucketCORS": ("PutBucketCors", "DeleteBucketCors"),
    "s3:PutBucketTagging": ("DeleteBucketTagging",),
    "s3:GetBucketPublicAccessBlock": ("GetPublicAccessBlock",),
    "s3:PutBucketPublicAccessBlock": (
        "PutPublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
        "DeletePublicAccessBlock",
    ),
    "s3:GetBucketNotification": ("GetBucketNotificationConfiguration",),
    "s3:PutBucketNotification": ("PutBucketNotificationConfiguration",),
    "s3:GetAccelerateConfiguration": ("GetBucketAccelerateConfiguration",),
    "s3:PutAccelerateConfiguration": ("PutBucketAccelerateConfiguration",),
    "s3:GetBucketObjectLockConfiguration": ("GetObjectLockConfiguration",),
    "lambda:InvokeFunction": ("Invoke", "InvokeAsync"),
}
_VERBS = """
    Get List Describe Put Create Delete Update Modify Start Stop Run Attach Detach Add Remove Tag Untag Invoke Send
    Batch Set Enable Disable Associate Disassociate Register Deregister Terminate Reboot Read Write
"""
_OTHER_NAMES = frozenset({"apigateway", "signin"})
"""Services of which actions are not called as their events: `apigateway:GET`, or no action at all."""
_BARE_VERB = re.compile(r"([a-zA-Z]+)\*")

# What `NotAction` leaves: a complement is no pattern, so it is spelled out for the services of this list.
_SERVICES = """
    access-analyzer acm apigateway application-autoscaling appsync athena autoscaling backup batch bedrock budgets
    ce cloudformation cloudfront cloudtrail cloudwatch codeartifact codebuild codecommit codedeploy codepipeline
    cognito-identity cognito-idp config dms ds dynamodb ec2 ecr ecs eks elasticache elasticbeanstalk
    elasticfilesystem elasticloadbalancing elasticmapreduce es events firehose fsx glacier glue guardduty health iam
    inspector2 iot kafka kinesis kms lambda lightsail logs macie2 mq network-firewall opensearch organizations pipes
    ram rds redshift resource-explorer-2 resource-groups rolesanywhere route53 route53resolver s3 sagemaker
    scheduler secretsmanager securityhub servicecatalog servicequotas ses signin sns sqs ssm sso states sts support
    tag transfer trustedadvisor waf waf-regional wafv2 workspaces xray account aws-portal billing
"""


@lru_cache(maxsize=4096)
def verbs_of(pattern: str) -> tuple[str, ...]:
    """The verb patterns that an IAM action pattern covers; unlimited patterns stay one `*`."""
    service, colon, name = pattern.partition(":")
    if not colon:
        return ("*",) if pattern.strip("*") == "" and pattern else ()
    service, name = service.lower(), _canonical(name)
    verbs = [f"{service}:{name}"]
    if service in _SOURCES:
        verbs.append(f"{_SOURCES[service]}:{name}")
    if service == "lambda" and "*" not in name:
        verbs.append(f"lambda:{name}20??????*")  # logged with the API's date: `CreateFunction20150331v2`
    if name != "*":
        iam = f"{service}:{name}"
        logged = (event for action, events in _LOGGED_AS.items() if matches(iam, action) for event in events)
        verbs += [f"{service}:{event}" for event in logged if not matches(iam, f"{service}:{event}")]
    return tuple(dict.fromkeys(verbs))


def verbs_beside(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """What `NotAction` leaves, less every service that one of its patterns touches: never more than it leaves."""
    touched = [pattern.partition(":")[0].lower() for pattern in patterns]
    left = (service for service in _SERVICES.split() if not any(matches(name, service) for name in touched))
    return tuple(verb for service in left for verb in verbs_of(f"{service}:*"))


def actions_behind(service: str, event: str) -> tuple[str, ...]:
    """The IAM actions that a logged name stands for; none where the service's actions are called otherwise."""
    prefix = next((name for name, source in _SOURCES.items() if source == service), service)
    if prefix in _OTHER_NAMES:
        return ()
    return tuple(
        action for action, logged in _LOGGED_AS.items() if action.startswith(f"{prefix}:") and event in logged
    ) or (f"{prefix}:{event}",)


def _canonical(name: str) -> str:
    bare = _BARE_VERB.fullmatch(name)
    if bare is None:
        return name
    return next((f"{verb}*" for verb in _VERBS.split() if verb.lower() == bare[1].lower()), name)
