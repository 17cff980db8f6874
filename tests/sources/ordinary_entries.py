"""Entries as each system ordinarily writes them, from which `test_ordinary` makes all that is unusual."""

from __future__ import annotations

from typing import Any

_ALLOWED = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "d3b83684-d340-44e0-8f2a-1f722a43a98c",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/pods/web?timeout=5s",
    "verb": "get",
    "user": {
        "username": "system:serviceaccount:shop:web",
        "uid": "u-1",
        "groups": ["system:authenticated"],
        "extra": {
            "authentication.kubernetes.io/credential-id": ["JTI=d3b83684-d340-44e0-8f2a-813ab08a2a41"],
            "authentication.kubernetes.io/pod-name": ["web-1"],
        },
    },
    "sourceIPs": ["10.0.0.1"],
    "userAgent": "kubectl/v1.34",
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1"},
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-03-01T09:00:00.000000Z",
    "stageTimestamp": "2026-03-01T09:00:00.002000Z",
    "annotations": {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": 'RBAC: allowed by RoleBinding "web/shop" of Role "web" to User "ada"',
    },
}
_RECEIVED = {k: v for k, v in _ALLOWED.items() if k not in ("responseStatus", "annotations")} | {
    "stage": "RequestReceived"
}
_FORBIDDEN = _ALLOWED | {
    "verb": "delete",
    "impersonatedUser": {"username": "ada", "groups": ["dev"]},
    "objectRef": {
        "resource": "deployments",
        "namespace": "shop",
        "name": "web",
        "apiGroup": "apps",
        "apiVersion": "v1",
    },
    "responseStatus": {
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "web" is forbidden: User "ada" cannot delete it',
        "reason": "Forbidden",
        "code": 403,
    },
    "annotations": {"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""},
}
_HEALTH = {
    k: v for k, v in _ALLOWED.items() if k not in ("objectRef", "annotations", "userAgent", "stageTimestamp")
} | {
    "requestURI": "/healthz?verbose",
    "user": {"username": "system:anonymous", "groups": ["system:unauthenticated"]},
}
_POLICED = _ALLOWED | {
    "annotations": {
        **_ALLOWED["annotations"],  # type: ignore[dict-item]
        "pod-security.kubernetes.io/enforce-policy": "restricted:latest",
        "audit.k8s.io/truncated": "true",
    }
}

_CALL = {
    "eventVersion": "1.11",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:shop",
        "arn": "arn:aws:sts::111122223333:assumed-role/shop/shop",
        "accountId": "111122223333",
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/shop"},
            "attributes": {"creationDate": "2026-03-01T08:00:00Z", "mfaAuthenticated": "false"},
            "sourceIdentity": "ada",
        },
    },
    "eventTime": "2026-03-01T09:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "awsRegion": "eu-central-1",
    "sourceIPAddress": "192.0.2.7",
    "userAgent": "aws-cli/2",
    "requestParameters": {"bucketName": "shop", "key": "invoices/1.pdf"},
    "responseElements": None,
    "additionalEventData": {"bytesTransferredOut": 5, "SignatureVersion": "SigV4"},
    "requestID": "AB12CD34EF56GH78",
    "eventID": "c24de5b7-4166-4f8d-870f-038ca2e8ca87",
    "readOnly": True,
    "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::shop/invoices/1.pdf"}],
    "eventType": "AwsApiCall",
    "managementEvent": False,
    "recipientAccountId": "111122223333",
    "eventCategory": "Data",
    "tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": "shop.s3.amazonaws.com"},
}
_REFUSED = {k: v for k, v in _CALL.items() if k not in ("resources", "additionalEventData", "tlsDetails")} | {
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ci", "accessKeyId": "AKIAEXAMPLE"},
    "eventSource": "ec2.amazonaws.com",
    "eventName": "DescribeInstances",
    "errorCode": "Client.UnauthorizedOperation",
    "errorMessage": "You are not authorized: no identity-based policy allows it",
    "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}]}},
    "requestID": "0c762aa3-c5df-4a3b-8a14-5a3b3791ecbd",
}

_ACT = {
    "kind": "action",
    "id": "a-000027a82",
    "time": "2026-03-01T09:00:00.000000Z",
    "principal": {"type": "workload", "id": "svc-104"},
    "action": "stock:read",
    "resource": {"type": "api", "id": "tenant-104/130"},
    "origin": "10.0.0.1",
    "cites": ["session/104", "credential/104"],
}
_ACT_FOR_ANOTHER = {
    "kind": "action",
    "id": "2",
    "time": "2026-03-01T09:00:00Z",
    "principal": {"type": "user", "id": "ada"},
    "action": "ledger:post",
    "resource": {"type": "api", "id": "*"},
    "source": "gateway",
    "on_behalf_of": [{"type": "user", "id": "ben"}, {"type": "user", "id": "eve"}],
    "outcome": "denied",
    "correlates": ["trace/1"],
}

_ACT_WITH_MORE = _ACT | {
    "id": "arn:aws:EXAMPLE/0123456789ABCDEFGHIJ",
    "source": "ledger",
    "attributes": {"region": "eu", "tries": 2, "path": ["a", "b"]},
}
_GRANT = {
    "kind": "grant",
    "id": "grant/104",
    "time": "2026-03-01T09:00:00.000000Z",
    "principal": {"type": "workload", "id": "svc-104"},
    "scope": {"actions": ["stock:*", "ledger:*"], "resources": ["api:tenant-104/*"]},
    "cites": ["policy/main-5"],
}
_KEY = {
    "kind": "credential",
    "id": "credential/104",
    "time": "2026-03-01T09:00:00.000000Z",
    "valid_from": "2026-03-01T09:00:00Z",
    "valid_until": "2026-05-01T09:00:00.000000Z",
    "grace_until": "2026-05-02T09:00:00.000000Z",
    "series": "key/104",
    "aliases": ["key-104"],
    "successor": "credential/105",
    "principal": {"type": "workload", "id": "svc-104"},
    "by": {"type": "user", "id": "ada"},
    "cites": ["session/104", "delegation/104"],
    "issued_by": "vault",
    "attributes": {"region": "eu"},
}
_ASKED = {
    "kind": "decision",
    "id": "decision/104",
    "time": "2026-03-01T09:00:00Z",
    "effect": "allow",
    "cites": [],
    "request": {
        "subject": {"type": "workload", "id": "svc-104"},
        "action": {"name": "stock:read"},
        "resource": {"type": "api", "id": "tenant-104/1"},
        "context": {"path": "/stock"},
    },
}
_AGREED = {
    "kind": "approval",
    "id": "approval/104",
    "time": "2026-03-01T09:00:00Z",
    "principal": {"type": "user", "id": "ada"},
    "standing": False,
    "scope": [{"actions": ["stock:read"]}, {"resources": []}],
    "requested_by": {"type": "user", "id": "ada"},
    "decided_by": [{"type": "user", "id": "boss"}],
    "ticket": "CHG-1",
    "justification": "routine",
    "owner": "team:risk",
    "correlates": ["ticket/CHG-1"],
}
_ENDED = {"kind": "session", "id": "s/1", "time": "2026-03-01T09:00:00Z", "fact": "ended", "end": "closed"}

_OKTA_EVENT = {
    "uuid": "e7c723f5-bc07-47da-ab8c-18d34cfb0154",
    "published": "2026-03-02T18:23:38.000Z",
    "eventType": "user.authentication.sso",
    "version": "0",
    "severity": "INFO",
    "displayMessage": "(shown)",
    "actor": {"id": "00u1ada", "type": "User", "alternateId": "ada@example.org", "displayName": "ada"},
    "client": {
        "userAgent": {"rawUserAgent": "Mozilla/5.0 (X11; Linux x86_64)", "os": "Linux", "browser": "FIREFOX"},
        "zone": "null",
        "id": None,
        "ipAddress": "203.0.113.7",
    },
    "device": None,
    "authenticationContext": {"externalSessionId": "102ddd", "authenticationStep": 0},
    "outcome": {"result": "SUCCESS", "reason": None},
    "securityContext": {"isProxy": False},
    "debugContext": {"debugData": {"requestId": "req-17", "url": "/sso"}},
    "transaction": {"type": "WEB", "id": "txA", "detail": {"requestApiTokenId": "00T1"}},
    "request": {"ipChain": [{"ip": "203.0.113.7", "version": "V4"}]},
    "target": [
        {"id": "0oa1wiki", "type": "AppInstance", "alternateId": "Wiki"},
        {"id": "rul1", "type": "PolicyRule", "alternateId": "unknown"},
        {"id": "00u2", "type": "User", "alternateId": "ben@example.org"},
        {"id": "00T2", "type": "Token", "alternateId": "deploy"},
    ],
}
_OKTA_DECISION = _OKTA_EVENT | {
    "eventType": "policy.evaluate_sign_on",
    "outcome": {"result": "DENY", "reason": "Sign-on policy evaluation resulted in DENY"},
    "target": [{"id": "pol1", "type": "PolicyEntity"}, {"id": "rul1", "type": "PolicyRule"}],
}
_OKTA_FAILED = {k: v for k, v in _OKTA_EVENT.items() if k not in ("debugContext", "client", "device", "request")} | {
    "eventType": "user.session.start",
    "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
    "target": None,
}

_STORED = {
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "status": {},
        "authenticationInfo": {
            "principalEmail": "deployer@harbour-prod.iam.gserviceaccount.com",
            "serviceAccountKeyName": "//iam.googleapis.com/projects/p/serviceAccounts/d@p.x/keys/0a1b2c3d",
        },
        "requestMetadata": {
            "callerIp": "203.0.113.9",
            "callerSuppliedUserAgent": "google-cloud-sdk gcloud/500.0.0",
            "requestAttributes": {"time": "2026-03-05T01:22:24.5Z", "auth": {}},
            "destinationAttributes": {},
        },
        "serviceName": "storage.googleapis.com",
        "methodName": "storage.objects.create",
        "authorizationInfo": [
            {
                "resource": "projects/_/buckets/harbour-releases/objects/app.tar",
                "permission": "storage.objects.create",
                "granted": True,
                "resourceAttributes": {},
            }
        ],
        "resourceName": "projects/_/buckets/harbour-releases/objects/app.tar",
        "request": {"name": "app.tar"},
    },
    "insertId": "1a0065e0-1e85",
    "resource": {"type": "gcs_bucket", "labels": {"project_id": "harbour-prod", "bucket_name": "harbour-releases"}},
    "timestamp": "2026-03-04T09:03:00.500Z",
    "severity": "NOTICE",
    "labels": {"a": "b"},
    "logName": "projects/harbour-prod/logs/cloudaudit.googleapis.com%2Fdata_access",
    "operation": {"id": "op-1", "producer": "storage.googleapis.com", "first": True, "last": True},
    "trace": "projects/harbour-prod/traces/0af7651916cd43dd8448eb211c80319c",
    "receiveTimestamp": "2026-03-05T01:22:24.999Z",
}
_DENIED_IN_GCP = {k: v for k, v in _STORED.items() if k not in ("labels", "operation", "trace")} | {
    "protoPayload": {
        "serviceName": "compute.googleapis.com",
        "methodName": "v1.compute.instances.get",
        "authenticationInfo": {"principalEmail": "olga@example.org", "principalSubject": "user:olga@example.org"},
        "authorizationInfo": [{"permission": "compute.instances.get", "resource": "projects/p/zones/z/instances/i"}],
        "status": {"code": 7, "message": "Permission denied"},
        "requestMetadata": {},
        "resourceName": "projects/p/zones/z/instances/i",
    },
}
_OWN_ACCOUNT_OF_GCP = _STORED | {
    "protoPayload": {
        "serviceName": "bigquery.googleapis.com",
        "methodName": "jobservice.insert",
        "authenticationInfo": {"principalEmail": "olga@example.org"},
        "metadata": {"jobInsertion": {"reason": "JOB_INSERT_REQUEST"}},
    },
    "logName": "organizations/1234/logs/cloudaudit.googleapis.com%2Factivity",
}

_ANSWERED = {
    "decision_id": "4ca636c1-55e4-417a-b1d8-4aceb67960d1",
    "labels": {"app": "checkout", "id": "agent-a", "version": "1.11.0"},
    "timestamp": "2026-03-02T16:38:07.123456Z",
    "path": "http/authz/allow",
    "requested_by": "10.0.3.7:48524",
    "bundles": {"authz": {"revision": "W3sibCI6InN5cy9jYXRhbG9nIiwicyI6NDA3MX1d"}, "other": {}},
    "result": True,
    "input": {
        "subject": {"type": "user", "id": "ada"},
        "action": {"name": "read"},
        "resource": {"type": "order", "id": "17"},
    },
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "metrics": {"timer_rego_query_eval_ns": 71958},
    "req_id": 3,
}
_ANSWERED_FOR_ENVOY = {k: v for k, v in _ANSWERED.items() if k not in ("bundles", "metrics", "req_id", "trace_id")} | {
    "result": {"allowed": False, "http_status": 403},
    "revision": "7",
    "masked": ["/input/token"],
    "input": {
        "attributes": {
            "source": {"principal": "spiffe://shop.example/web"},
            "request": {
                "http": {"method": "GET", "path": "/a?b=c", "host": "shop", "headers": {"x-request-id": "req-000017"}}
            },
        }
    },
    "msg": "Decision Log",
}
_UNDEFINED = {k: v for k, v in _ANSWERED.items() if k in ("decision_id", "timestamp", "path")}

EXAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "kubernetes": (_ALLOWED, _RECEIVED, _FORBIDDEN, _HEALTH, _POLICED),
    "cloudtrail": (_CALL, _REFUSED),
    "okta": (_OKTA_EVENT, _OKTA_DECISION, _OKTA_FAILED),
    "gcp": (_STORED, _DENIED_IN_GCP, _OWN_ACCOUNT_OF_GCP),
    "opa": (_ANSWERED, _ANSWERED_FOR_ENVOY, _UNDEFINED),
    "native": (_ACT, _ACT_FOR_ANOTHER, _ACT_WITH_MORE, _GRANT, _KEY, _ASKED, _AGREED, _ENDED),
}
