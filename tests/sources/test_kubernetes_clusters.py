"""Kubernetes: a binding of one cluster lets nobody in at another that has one of the same name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.quo import quo, rows
from tests.sources.logs import judged, of, said

from quowarranto.errors import ConfigError
from quowarranto.sources import configured

Object = dict[str, Any]
CI = "system:serviceaccount:shop:ci"
GROUP = "rbac.authorization.k8s.io"
REASON = 'RBAC: allowed by ClusterRoleBinding "deployers" of ClusterRole "deployer" to ServiceAccount "ci/shop"'
CREATED = {"name": "deployers", "creationTimestamp": "2026-01-01T00:00:00Z"}
BINDING = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": CREATED,
    "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "deployer"},
    "subjects": [{"kind": "ServiceAccount", "name": "ci", "namespace": "shop"}],
}
RULES = [{"apiGroups": ["*"], "resources": ["secrets"], "verbs": ["get"]}]
ROLE = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "ClusterRole",
    "metadata": CREATED | {"name": "deployer"},
    "rules": RULES,
}


def event(audit_id: str, user: str, verb: str, ref: Object, reason: str = REASON, **more: Any) -> Object:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": user},
        "objectRef": ref,
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-03-02T09:00:00.000000Z",
        "stageTimestamp": "2026-03-02T09:00:00.100000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": reason},
    } | more


def used(audit_id: str = "use") -> Object:
    return event(audit_id, CI, "get", {"resource": "secrets", "namespace": "shop", "name": "s"})


def deleted() -> Object:
    at = "2026-03-02T08:00:00.000000Z"
    ref = {"resource": "clusterrolebindings", "name": "deployers", "apiGroup": GROUP}
    return event("gone", "olga", "delete", ref, "", requestReceivedTimestamp=at, stageTimestamp=at)


def made() -> Object:
    at = "2026-03-02T08:00:00.000000Z"
    ref = {"resource": "clusterrolebindings", "name": "deployers", "apiGroup": GROUP}
    status = {"responseStatus": {"code": 201}, "requestObject": BINDING}
    return event("made", "olga", "create", ref, "", requestReceivedTimestamp=at, **status)


def aks(one: Object, cluster: str) -> Object:
    name = f"/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/{cluster}"
    log = json.dumps(one)
    return {
        "time": "2026-03-02T09:00:01Z",
        "resourceId": name,
        "category": "kube-audit",
        "properties": {"log": log},
    }


def gke(operation: str, user: str, verb: str, name: str, cluster: str, **more: Any) -> Object:
    resource = "core.v1.secrets" if verb == "get" else "authorization.rbac.v1.clusterrolebindings"
    return {
        "protoPayload": {
            "serviceName": "k8s.io",
            "methodName": f"io.k8s.{resource}.{verb}",
            "resourceName": name,
            "authenticationInfo": {"principalEmail": user},
            "status": {},
        }
        | more,
        "insertId": operation,
        "timestamp": "2026-03-02T09:00:00Z" if verb == "get" else "2026-03-02T08:00:00Z",
        "resource": {
            "type": "k8s_cluster",
            "labels": {"project_id": "p", "location": "l", "cluster_name": cluster},
        },
        "operation": {"id": operation, "producer": "k8s.io", "first": True, "last": True},
        "labels": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": REASON},
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
    }


def test_a_binding_of_another_cluster_of_aks_proves_nothing() -> None:
    assert said(judged(of("kubernetes", aks(made(), "A"), aks(used(), "A"))), "use").startswith("authorised proven")
    found = judged(of("kubernetes", aks(made(), "A"), aks(used(), "B")))
    assert not said(found, "use").startswith("authorised")


def test_a_binding_that_was_deleted_in_one_cluster_is_gone_though_another_has_its_like() -> None:
    lines = aks(made(), "A"), aks(made(), "B"), aks(deleted() | {"auditID": "gone-b"}, "B")
    found = judged(of("kubernetes", *lines, aks(used("in-a"), "A"), aks(used("in-b"), "B")))
    assert said(found, "in-a").startswith("authorised proven")
    assert said(found, "in-b").startswith("unauthorised proven QW202")


def test_a_binding_of_another_cluster_of_gke_proves_nothing() -> None:
    path, secret = f"{GROUP}/v1/clusterrolebindings/deployers", "core/v1/namespaces/shop/secrets/s"
    for cluster, authorised in (("a", True), ("b", False)):
        binding = gke("made", "olga@example.org", "create", path, "a", response=BINDING)
        found = judged(of("gcp", binding, gke("use", CI, "get", secret, cluster)))
        assert said(found, "use").startswith("authorised") is authorised


def test_an_export_is_of_the_only_cluster_that_the_logs_name() -> None:
    one = judged(of("kubernetes", BINDING, ROLE, aks(used(), "A")))
    assert said(one, "use").startswith("authorised proven")
    several = judged(of("kubernetes", BINDING, ROLE, aks(used("in-a"), "A"), aks(used("in-b"), "B")))
    assert not said(several, "in-a").startswith("authorised")
    assert not said(several, "in-b").startswith("authorised")


def test_the_settings_say_of_which_cluster_a_file_is() -> None:
    clusters = {"b.yaml": "subscriptions/s/resourcegroups/r/providers/microsoft.containerservice/managedclusters/b"}
    logs = of("kubernetes", aks(used("in-a"), "A"), aks(used("in-b"), "B"), clusters=clusters)
    export = of("kubernetes", BINDING, ROLE, file="exports/b.yaml", clusters=clusters)
    found = judged(logs, export)
    assert said(found, "in-b").startswith("authorised proven")
    assert not said(found, "in-a").startswith("authorised")


def test_logs_without_the_name_of_a_cluster_keep_their_keys() -> None:
    found = judged(of("kubernetes", BINDING, ROLE, used()))
    assert said(found, "use").startswith("authorised proven")
    assert ("kubernetes/clusterrolebinding/deployers", "grant") in found[0].authorities


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("", "unauthorised proven QW202"),
        ("?labelSelector=&fieldSelector=", "unauthorised proven QW202"),  # an empty selector selects everything
        ("?fieldSelector=metadata.name%3Ddeployers", "unauthorised proven QW202"),
        ("?fieldSelector=metadata.name%3Dothers", "authorised proven"),
        ("?labelSelector=app%3Dx", "authorised proven"),  # which ones that hit is not in the log
        ("?fieldSelector=metadata.name%3Ddeployers&labelSelector=app%3Dx", "authorised proven"),
    ],
)
def test_a_collection_ends_as_far_as_its_selectors_tell(query: str, verdict: str) -> None:
    at = "2026-03-02T08:00:00.000000Z"
    ref = {"resource": "clusterrolebindings", "apiGroup": GROUP}
    uri = {"requestURI": f"/apis/{GROUP}/v1/clusterrolebindings{query}", "stageTimestamp": at}
    gone = event("gone", "olga", "deletecollection", ref, "", requestReceivedTimestamp=at, **uri)
    assert said(judged(of("kubernetes", BINDING, ROLE, gone, used())), "use").startswith(verdict)


@pytest.mark.parametrize("settings", [{"cluster": "a"}, {"clusters": ["a"]}, {"clusters": {"a.yaml": ""}}], ids=str)
def test_other_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        configured({"kubernetes": settings})


def test_an_export_beside_the_log_of_the_only_cluster_of_gke_is_of_it(tmp_path: Path) -> None:
    """The two are read by two sources; with a second cluster nobody can tell of which the export is."""
    secret = "core/v1/namespaces/shop/secrets/s"
    (tmp_path / "rbac.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [BINDING, ROLE]}))
    for number, cluster in enumerate("aab"):
        line = json.dumps(gke(f"use-{number}", CI, "get", secret, cluster))
        (tmp_path / f"gke-{number}.jsonl").write_text(line + "\n")
    assert quo(tmp_path, "link", "kubernetes=rbac.json", "gcp=gke-0.jsonl", "gcp=gke-1.jsonl").code == 0
    assert {one["verdict"] for one in rows(tmp_path, "verdicts")} == {"authorised"}
    assert quo(tmp_path, "link", "gcp=gke-2.jsonl").code == 0
    assert "authorised" not in {one["verdict"] for one in rows(tmp_path, "verdicts")}
