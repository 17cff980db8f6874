"""Logs of Vault and Kubernetes, replayed: what their servers decided, and what their policies say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths
from quowarranto.replay.compare import Comparison
from quowarranto.replay.run import Asked
from tests.replay.test_cases import replayed

APP = 'path "kv/*" { capabilities = ["read"] }'
DENY = 'path "kv/x" { capabilities = ["deny"] }'


def _asked_of_vault(operation: str, path: str, policies: list[str], granting: list[str], at: str = "09:00:00") -> Any:
    results = {"allowed": bool(granting), "granting_policies": [{"name": name, "type": "acl"} for name in granting]}
    return {
        "type": "request",
        "time": f"2026-03-01T{at}Z",
        "auth": {"accessor": "a", "entity_id": "e", "policies": policies, "policy_results": results},
        "request": {"id": f"{operation} {path} {at}", "operation": operation, "path": path, "mount_type": "kv"},
    }


def _written(name: str, at: str) -> Any:
    line = _asked_of_vault("update", f"sys/policies/acl/{name}", ["root"], ["root"], at)
    line["request"]["data"] = {"policy": "hmac-sha256:00"}
    return line | {"type": "response", "response": {}}


def _replayed(folder: Path, logs: Iterable[Any], files: dict[str, str], texts: dict[str, str]) -> list[Comparison]:
    for place, held in (("logs", files), ("texts", texts)):
        (folder / place).mkdir()
        for name, text in held.items():
            (folder / place / name).write_text(text)
    (folder / "logs" / "audit.log").write_text("".join(json.dumps(line) + "\n" for line in logs))
    case = Case(folder / "case")
    link_paths(case, [str(folder / "logs")], threads=1)
    return list(replayed(case, Asked(texts=folder / "texts", workers=1)))


@pytest.mark.parametrize(
    ("about", "line", "files", "texts", "effect", "missing"),
    [
        (
            "the policy beside the log",
            _asked_of_vault("read", "kv/x", ["app"], ["app"]),
            {"app.hcl": APP},
            {},
            "permit",
            (),
        ),
        ("one in the folder", _asked_of_vault("read", "kv/x", ["app"], ["app"]), {}, {"app.hcl": APP}, "permit", ()),
        (
            "one that did not grant, but denies",
            _asked_of_vault("read", "kv/x", ["app", "no"], ["app"]),
            {"app.hcl": APP, "no.hcl": DENY},
            {},
            "deny",
            (),
        ),
        (
            "one that is nowhere might deny",
            _asked_of_vault("read", "kv/x", ["app", "lost"], ["app"]),
            {"app.hcl": APP},
            {},
            "indeterminate",
            ("policy lost",),
        ),
        ("what none allows", _asked_of_vault("update", "kv/x", ["app"], []), {"app.hcl": APP}, {}, "deny", ()),
        (
            "the policy that comes with the server",
            _asked_of_vault("update", "auth/token/renew-self", ["app", "default"], ["default"]),
            {"app.hcl": APP},
            {},
            "permit",
            (),
        ),
        ("a token of root", _asked_of_vault("delete", "sys/raw/x", ["root"], ["root"]), {}, {}, "permit", ()),
    ],
)
def test_a_token_is_judged_by_all_its_policies(
    tmp_path: Path,
    about: str,
    line: Any,
    files: dict[str, str],
    texts: dict[str, str],
    effect: str,
    missing: tuple[str, ...],
) -> None:
    [found] = _replayed(tmp_path, [line], files, texts)
    assert (found.replayed, found.missing) == (effect, missing)


@pytest.mark.parametrize(
    ("texts", "effects"),
    [
        ({"app.hcl": APP}, ["indeterminate", "indeterminate"]),
        (
            {"app@2026-01-01T00:00:00Z.hcl": APP, "app@2026-03-01T09:30:00Z.hcl": DENY},
            ["permit", "deny"],
        ),
    ],
)
def test_a_policy_that_was_written_anew_counts_only_with_its_date(
    tmp_path: Path, texts: dict[str, str], effects: list[str]
) -> None:
    logs = [
        _written("app", "08:00:00"),
        _asked_of_vault("read", "kv/x", ["app"], ["app"], "09:00:00"),
        _written("app", "09:30:00"),
        _asked_of_vault("read", "kv/x", ["app"], ["app"], "10:00:00"),
    ]
    found = [one for one in _replayed(tmp_path, logs, {}, texts) if "kv/x" in one.question]
    assert [one.replayed for one in found] == effects


def _event(number: int, verb: str, reason: str, decision: str = "allow") -> Any:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": str(number),
        "stage": "ResponseComplete",
        "verb": verb,
        "requestReceivedTimestamp": f"2026-03-01T09:00:0{number}Z",
        "user": {"username": "system:serviceaccount:dev:app", "groups": ["system:authenticated"]},
        "objectRef": {"resource": "pods", "namespace": "dev", "name": "web"},
        "responseStatus": {"code": 200 if decision == "allow" else 403},
        "annotations": {"authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": reason},
    }


_EXPORT = """
kind: ClusterRole
metadata: {name: view}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
kind: RoleBinding
metadata: {name: app, namespace: dev}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: app}]
"""


def test_decisions_of_kubernetes_are_put_to_the_export_of_their_time(tmp_path: Path) -> None:
    said = 'RBAC: allowed by RoleBinding "app/dev" of ClusterRole "view" to ServiceAccount "app/dev"'
    logs = [
        _event(1, "get", said),
        _event(2, "delete", "", "forbid"),
        _event(3, "delete", said),
        _event(4, "delete", "allowed by a webhook"),
    ]
    found = _replayed(tmp_path, logs, {}, {"rbac@2026-03-01T00:00:00Z.yaml": _EXPORT})
    assert [(one.replayed, one.code) for one in found] == [
        ("permit", None),
        ("deny", None),
        ("deny", "QW601"),
        ("indeterminate", "QW605"),
    ]
    assert found[0].determining == ("ClusterRole/view", "RoleBinding/dev/app")


_DELETED = {
    "verb": "delete",
    "user": {"username": "root", "groups": ["system:masters"]},
    "objectRef": {
        "resource": "rolebindings",
        "namespace": "dev",
        "name": "app",
        "apiGroup": "rbac.authorization.k8s.io",
    },
    "responseStatus": {"code": 200},
    "annotations": {},
}


def test_what_the_log_shows_to_have_changed_counts_after_an_export_that_was_given(tmp_path: Path) -> None:
    logs = [_event(1, "get", "RBAC: x"), _event(5, "x", "") | _DELETED, _event(9, "get", "RBAC: x")]
    found = _replayed(tmp_path, logs, {}, {"rbac@2026-03-01T00:00:00Z.yaml": _EXPORT})
    assert [(one.replayed, one.code) for one in found] == [("permit", None), ("deny", "QW601")]


def test_an_export_that_was_given_later_counts_from_then_on(tmp_path: Path) -> None:
    texts = {"rbac@2026-03-01T00:00:00Z.yaml": _EXPORT, "rbac@2026-03-01T09:00:05Z.yaml": _EXPORT.partition("---")[0]}
    found = _replayed(tmp_path, [_event(1, "get", "RBAC: x"), _event(9, "get", "RBAC: x")], {}, texts)
    assert [(one.replayed, one.code) for one in found] == [("permit", None), ("deny", "QW601")]
