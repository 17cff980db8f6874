"""Kubernetes: what was asked of the API server, which binding allowed it, and how roles and bindings changed.

Reads     audit events (`audit.k8s.io`) as JSON lines, lists or arrays, also as AKS wraps them; roles, bindings and
          admission controls as `kubectl get … -o yaml` or `-o json` writes them.
Yields    an Action per stage of a request, and its Decision; credentials, approvals and policies that it brought about;
          observations of roles and bindings, of which `derive` makes grants and policies.
Time      `requestReceivedTimestamp`, microseconds on the API server's clock; older logs have whole seconds.
Not seen  what the audit policy leaves out; subjects and rules below level `Request`; which right allowed an
          impersonation; why a member of `system:masters` or a node was let in; tokens issued before the log began.
Source    kubernetes staging/src/k8s.io/apiserver/pkg/apis/audit/v1/types.go, Event; k8s.io/api/rbac/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.sources.dated import dated_file
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.folding import folded
from quowarranto.sources.kubernetes import audit, issuance, rbac
from quowarranto.sources.kubernetes.clusters import SEEN, within
from quowarranto.sources.kubernetes.history import derive
from quowarranto.sources.kubernetes.ordinary import ORDINARY
from quowarranto.sources.strict import strict_json, strict_object

__all__ = ["SOURCE", "derive", "read", "recognise"]


def read(entry: Entry, clusters: Mapping[str, str] | None = None) -> Outcome:
    """An audit event or an exported object; other objects of the cluster carry nothing.

    Args:
        clusters: by the name of a file, the cluster that it is of.
    """
    found, named = _read(entry)
    if isinstance(found, Skipped):
        return found
    return within(found, named or (clusters or {}).get(Path(entry.file).name, ""))


def _read(entry: Entry) -> tuple[Outcome, str]:
    """What the entry says, and the cluster that it names, if it does."""
    value = strict_object(entry.data)
    if _is_event(value):
        return audit.records(value, entry.data), ""
    wrapped = _wrapped(value)
    if wrapped is not None:
        inner = strict_json(wrapped.encode())
        if not isinstance(inner, dict) or not _is_event(inner):
            raise RejectedEntry("`properties.log` is not an audit event")
        time = value.get("time")
        return audit.records(inner, entry.data, time if isinstance(time, str) else None), _managed(value)
    kind, version = value.get("kind"), value.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        raise RejectedEntry("neither an audit event nor an object of a cluster")
    if kind in rbac.KINDS and _is_rbac(version):
        return rbac.snapshot(value, entry.modified_at, dated_file(entry.file)), ""
    if kind in issuance.ADMISSION_KINDS:
        control = issuance.admission_snapshot(value)
        undated = Skipped("an admission control that does not say since when it exists")
        return (undated if control is None else (control,)), ""
    return Skipped("an object of the cluster that is neither a role, a binding nor an admission control"), ""


def _managed(value: dict[str, Any]) -> str:
    """The cluster that Azure's diagnostic record is of, by the id of its resource."""
    named = next((one for name, one in value.items() if name.lower() == "resourceid"), None)
    return folded(named).strip("/") if isinstance(named, str) else ""


def _is_event(value: dict[str, Any]) -> bool:
    """An audit event; not the `Event` of the core group, which tells what happened to a pod."""
    if "auditID" in value:
        return True
    if value.get("kind") == "Event":
        version = value.get("apiVersion", "audit.k8s.io")
        return isinstance(version, str) and version.startswith("audit.k8s.io")
    return "verb" in value and ("objectRef" in value or "requestURI" in value)


def _is_rbac(version: str) -> bool:
    return version.startswith(f"{rbac.GROUP}/")


def _wrapped(value: dict[str, Any]) -> str | None:
    """Azure's diagnostic record, which holds the event as text."""
    category, properties = value.get("category"), value.get("properties")
    if not isinstance(category, str) or not category.startswith("kube-audit") or not isinstance(properties, dict):
        return None
    log = properties.get("log")
    return log if isinstance(log, str) else None


def recognise(sample: Sample) -> int:
    """Audit events, or roles and bindings, among the first documents; less for other objects of a cluster."""
    best = 0
    for document in sample.documents:
        if isinstance(document, dict):
            best = max(best, _likeness(document))
    return best


def _likeness(document: dict[str, Any]) -> int:
    version, kind = document.get("apiVersion"), document.get("kind")
    if isinstance(version, str) and isinstance(kind, str):
        if version.startswith(("audit.k8s.io/", f"{rbac.GROUP}/")):
            return 95
        if kind in issuance.ADMISSION_KINDS:
            return 90
        items = document.get("items")
        if kind.endswith("List") and isinstance(items, list):
            return max((_likeness(item) for item in items[:20] if isinstance(item, dict)), default=0)
        return 30 if "metadata" in document else 0
    if "verb" in document and "user" in document and ("auditID" in document or "objectRef" in document):
        return 90
    return 90 if _wrapped(document) is not None else 0


def _configure(settings: Mapping[str, Any]) -> Source:
    """`[source.kubernetes]` in `quo.toml`: of which cluster a file is."""
    for name in settings:
        if name != "clusters":
            raise ConfigError(f"`source.kubernetes` has no setting `{name}`", need="`clusters`")
    named = settings.get("clusters", {})
    if not isinstance(named, Mapping) or not all(isinstance(one, str) and one for one in named.values()):
        raise ConfigError(
            "`source.kubernetes.clusters` does not say of which cluster a file is",
            need='names of files with clusters, such as "rbac-prod.yaml" = "prod"',
        )
    # What ordinary entries cite is not theirs alone to say then: each is looked at as a whole.
    return msgspec.structs.replace(SOURCE, read=partial(read, clusters=dict(named)), ordinary=None)


SOURCE = Source(
    name="kubernetes",
    title="Kubernetes API audit log and RBAC objects",
    reads=(
        "audit log (JSON lines, EventList, AKS diagnostic records)",
        "roles and bindings (`kubectl get … -o yaml` or `-o json`)",
    ),
    recognise=recognise,
    read=read,
    ordinary=(ORDINARY,),
    derive=derive,
    derive_also=SEEN,
    configure=_configure,
    wrappers=("items", "records"),
    documents=(".yaml", ".yml"),
    chosen=frozenset(("user_agent",)),
    ceiling="proven",
    raise_it=(
        "add an export of `kubectl get roles,rolebindings,clusterroles,clusterrolebindings -A -o yaml`, and log "
        "`rbac.authorization.k8s.io` at level `RequestResponse`, so that the bindings which decisions name are known"
    ),
)
