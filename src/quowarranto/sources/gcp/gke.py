"""An entry of a GKE cluster as the audit event that it was made of, which the reader of Kubernetes understands.

The id of its operation is the event's `auditID`; the authorizer's decision and reason are labels; the method names the
group, version, resource and verb, the resource's name the object.
"""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Instant, Record, format_instant
from quowarranto.sources.entry import Observation
from quowarranto.sources.gcp.names import origin
from quowarranto.sources.gcp.wire import LogEntry, name_of, part, text_of
from quowarranto.sources.kubernetes import audit
from quowarranto.sources.kubernetes.clusters import within

_METHOD = re.compile(r"io\.k8s\.(?P<group>.+)\.(?P<version>v\d\w*)\.(?P<resource>[^.]+(?:\.[^.]+)?)\.(?P<verb>[a-z]+)")
_OBJECT = re.compile(
    r"(?P<group>[^/]+)/(?P<version>v\d\w*)/(?:namespaces/(?P<namespace>[^/]+)/)?(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?"
    r"(?:/(?P<subresource>.+))?"
)
_HTTP = {
    0: 200,
    1: 499,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    14: 503,
    16: 401,
}
"""Codes of gRPC as the API server's own, from which they were made."""


def is_of_cluster(entry: LogEntry) -> bool:
    """Whether the API server of a cluster wrote it."""
    call = entry.call
    named = call.serviceName == "k8s.io" or (not call.serviceName and call.methodName.startswith("io.k8s."))
    return named and bool(call.authenticationInfo and call.authenticationInfo.principalEmail)


def records(entry: LogEntry, at: Instant, raw: bytes) -> list[Record | Observation]:
    """What the event says, of the cluster that the entry names."""
    return within(audit.records(_event(entry, at, raw), raw), _cluster(entry))


def _cluster(entry: LogEntry) -> str:
    place = entry.place
    project, name = place.get("project_id", ""), place.get("cluster_name", "")
    return f"projects/{project}/locations/{place.get('location', '-')}/clusters/{name}" if project and name else ""


def _event(entry: LogEntry, at: Instant, raw: bytes) -> dict[str, Any]:
    call, operation = entry.call, entry.operation
    said = call.authenticationInfo
    opened = operation is not None and operation.first and not operation.last
    event: dict[str, Any] = {
        "auditID": (operation.id if operation is not None else "") or f"gke/{name_of(entry, raw)}",
        "stage": "ResponseStarted" if opened else "ResponseComplete",
        "requestReceivedTimestamp": format_instant(at),
        "user": {"username": said.principalEmail if said is not None else None},
        "userAgent": text_of(part(call.requestMetadata), "callerSuppliedUserAgent") or None,
        "sourceIPs": [address] if (address := origin(entry)) else None,
        "annotations": _annotations(entry),
        "responseStatus": _status(entry),
        "requestObject": _body(call.request),
        "responseObject": _body(call.response),
    }
    return event | _operation(entry)


def _operation(entry: LogEntry) -> dict[str, Any]:
    method, named = _METHOD.fullmatch(entry.call.methodName), _OBJECT.fullmatch(entry.call.resourceName)
    verb = method["verb"] if method else entry.call.methodName.removeprefix("io.k8s.")
    if method is None and named is None:
        return {"verb": verb, "requestURI": entry.call.resourceName or entry.call.methodName}
    resource, _, subresource = (method["resource"] if method else "").partition(".")
    ref: dict[str, Any] = {"resource": resource, "subresource": subresource or None}
    if named is not None:
        ref["resource"] = resource or named["resource"]
        ref |= {"namespace": named["namespace"], "name": named["name"]}
        ref["subresource"] = named["subresource"] or subresource or None
    group = (named or method or {"group": "core"})["group"]
    if group and group != "core":
        ref["apiGroup"] = group
    return {"verb": verb, "objectRef": ref}


def _annotations(entry: LogEntry) -> dict[str, str]:
    """The labels of the authorizer; without them, what the entry says of the permission."""
    labels = {name: value for name, value in (entry.labels or {}).items() if isinstance(value, str)}
    known = {name: value for name, value in labels.items() if ".k8s.io/" in name}
    if "authorization.k8s.io/decision" not in known:
        granted = [one.granted for one in entry.call.authorizationInfo or () if one.granted is not None]
        if granted:
            known["authorization.k8s.io/decision"] = "allow" if all(granted) else "forbid"
    return known


def _status(entry: LogEntry) -> dict[str, Any] | None:
    status = entry.call.status
    if status is None:
        return None
    return {"code": _HTTP.get(status.code or 0, 500), "message": status.message}


def _body(value: Any) -> dict[str, Any] | None:
    return {name: one for name, one in value.items() if name != "@type"} if isinstance(value, dict) else None
