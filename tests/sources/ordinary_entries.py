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

EXAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "kubernetes": (_ALLOWED, _RECEIVED, _FORBIDDEN, _HEALTH, _POLICED),
}
