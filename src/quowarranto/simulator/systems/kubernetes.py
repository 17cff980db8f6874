"""The Kubernetes API server's audit log: `audit.k8s.io/v1` events, one a line, every request in several stages.

A `Shape` is a request with everything but its moment, its id and the caller's token; the scenarios make one for each
request, the background makes some thousands and uses them again and again.
Source    kubernetes/apiserver pkg/apis/audit/v1/types.go, pkg/endpoints/filters/authorization.go
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from quowarranto.records import Instant
from quowarranto.simulator.scene import Scene
from quowarranto.simulator.stamps import micro_stamp

_json = msgspec.json.Encoder().encode
_ID = "authentication.kubernetes.io/"
_MARK = "@credential@"


class Account(NamedTuple):
    """A service account and the pod that carries its token."""

    namespace: str
    name: str
    pod: str
    node: str = "ip-10-20-1-17"

    @property
    def username(self) -> str:
        """As the API server names it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


class Target(NamedTuple):
    """What a request is about."""

    resource: str
    namespace: str = ""
    name: str = ""
    group: str = ""
    subresource: str = ""

    def uri(self) -> str:
        """The path of the request."""
        base = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        parts = [base, f"namespaces/{self.namespace}" if self.namespace else "", self.resource, self.name]
        return "/".join(part for part in [*parts, self.subresource] if part)

    def reference(self) -> dict[str, str]:
        """The event's `objectRef`."""
        ref = {
            "resource": self.resource,
            "namespace": self.namespace,
            "name": self.name,
            "apiGroup": self.group,
            "apiVersion": "v1",
            "subresource": self.subresource,
        }
        return {key: value for key, value in ref.items() if value}


class Shape(NamedTuple):
    """A request as text, cut where the moment, the id and the credential go in."""

    level: str
    before: str
    after: str
    response: str
    annotations: str

    def received(self, audit_id: str, credential: str, at: str) -> str:
        """The line of stage RequestReceived, with its line end; it has no annotations."""
        return f"{self._head(audit_id, 'RequestReceived', credential)},{_times(at, at)}}}\n"

    def completed(self, audit_id: str, credential: str, at: str, done: str, stage: str = "ResponseComplete") -> str:
        """The line of the final stage, with its line end."""
        head = self._head(audit_id, stage, credential)
        return f"{head},{self.response},{_times(at, done)},{self.annotations}}}\n"

    def _head(self, audit_id: str, stage: str, credential: str) -> str:
        return (
            f'{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"{self.level}","auditID":"{audit_id}",'
            f'"stage":"{stage}",{self.before}{credential}{self.after}'
        )


def _times(received: str, stage: str) -> str:
    return f'"requestReceivedTimestamp":"{received}","stageTimestamp":"{stage}"'


def shape(
    user: dict[str, Any],
    verb: str,
    target: Target,
    *,
    reason: str = "",
    status: dict[str, Any] | None = None,
    decision: str = "allow",
    annotations: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
    agent: str = "client-go/v0.33.1",
    address: str = "10.20.4.31",
    extra: dict[str, Any] | None = None,
) -> Shape:
    """The text of a request; `user` comes from `service_account`, `node` or `person`."""
    front = {
        "requestURI": target.uri() + ("?watch=true" if verb == "watch" else ""),
        "verb": verb,
        "user": user,
        **(extra or {}),
        "sourceIPs": [address],
        "userAgent": agent,
        "objectRef": target.reference(),
    }
    before, _, after = _inner(front).partition(_MARK)
    back = {"responseStatus": status or {"metadata": {}, "code": 201 if verb == "create" else 200}}
    if body is not None:
        back |= {"requestObject": body, "responseObject": body}
    grounds = {"authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": reason}
    return Shape(
        level="Metadata" if body is None else "RequestResponse",
        before=before,
        after=after,
        response=_inner(back),
        annotations=_inner({"annotations": grounds | (annotations or {})}),
    )


def _inner(value: dict[str, Any]) -> str:
    return _json(value).decode()[1:-1]


def service_account(account: Account) -> dict[str, Any]:
    """The caller block of a pod; its token's id is put in later."""
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated"]
    uid = _stable_uid(account.username)
    extra = {
        "credential-id": [_MARK],
        "node-name": [account.node],
        "node-uid": [_stable_uid(account.node)],
        "pod-name": [account.pod],
        "pod-uid": [_stable_uid(account.pod)],
    }
    named = {_ID + key: value for key, value in extra.items()}
    return {"username": account.username, "uid": uid, "groups": groups, "extra": named}


def node(name: str) -> dict[str, Any]:
    """The caller block of a kubelet, which shows a client certificate."""
    certificate = "X509SHA256=" + (_stable_uid(name) * 2).replace("-", "")
    return {
        "username": f"system:node:{name}",
        "groups": ["system:nodes", "system:authenticated"],
        "extra": {_ID + "credential-id": [certificate]},
    }


def person(name: str, *groups: str) -> dict[str, Any]:
    """The caller block of somebody who comes through the identity provider."""
    return {"username": name, "groups": [*groups, "system:authenticated"]}


def _stable_uid(name: str) -> str:
    digits = f"{int.from_bytes(name.encode(), 'big') * 0x9E3779B97F4A7C15 % (1 << 128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-b{digits[17:20]}-{digits[20:]}"


def allowed_by(binding: str, role: str, account: Account, namespace: str = "") -> str:
    """The authorizer's reason: a RoleBinding of a Role within a namespace, else the cluster-wide pair."""
    subject = f'ServiceAccount "{account.name}/{account.namespace}"'
    if namespace:
        return f'RBAC: allowed by RoleBinding "{binding}/{namespace}" of Role "{role}" to {subject}'
    return f'RBAC: allowed by ClusterRoleBinding "{binding}" of ClusterRole "{role}" to {subject}'


def forbidden(account: Account, verb: str, target: Target) -> dict[str, Any]:
    """The response status of a request that the authorizer refused."""
    said = f'{target.resource} is forbidden: User "{account.username}" cannot {verb} resource "{target.resource}"'
    return {"metadata": {}, "status": "Failure", "message": said, "reason": "Forbidden", "code": 403}


def write(scene: Scene, at: Instant, form: Shape, credential: str = "", *, took_ms: int = 4) -> str:
    """Write both stages of one request and return the id of the action."""
    audit_id, done_at = scene.uuid(), at + took_ms * 1000
    received, done = micro_stamp(at), micro_stamp(done_at)
    scene.logs.kubernetes.add(at, form.received(audit_id, credential, received)[:-1])
    scene.logs.kubernetes.add(done_at, form.completed(audit_id, credential, received, done)[:-1])
    return f"kubernetes/{audit_id}"


def token_shape(account: Account, credential: str, issuer: dict[str, Any] | None = None, reason: str = "") -> Shape:
    """A TokenRequest: the kubelet's, unless somebody else asks; `credential` is the id of the new token."""
    target = Target("serviceaccounts", account.namespace, account.name, subresource="token")
    issued = {_ID + "issued-credential-id": credential}
    return shape(
        issuer or node(account.node), "create", target, reason=reason, annotations=issued, agent="kubelet/v1.33.1"
    )


def issue_token(scene: Scene, at: Instant, account: Account, *, note: str = "") -> str:
    """Let the kubelet fetch a token for the pod; returns the token's id and notes what is true of the request."""
    credential = f"JTI={scene.uuid()}"
    action = write(scene, at, token_shape(account, credential))
    note = note or "the node authorizer names no binding, and nobody recorded who signed the node's certificate"
    scene.expect(action, "presumed", "partial", "QW104", "QW109", note=note)
    return credential
