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


def _written(name: str, at: str, text: str = "", operation: str = "update") -> Any:
    """A change of a policy; of its text the device shows something that only the same text has."""
    line = _asked_of_vault(operation, f"sys/policies/acl/{name}", ["root"], ["root"], at)
    line["request"]["data"] = {"policy": text or f"hmac-sha256:{at}"} if operation != "delete" else {}
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


# what stands in the log, in files that were linked, in the folder; what comes of a read at 09:00 and at 10:00
AGES: list[tuple[str, list[Any], dict[str, str], dict[str, str], list[str]]] = [
    (
        "two hidden texts, and one that does not say which it is",
        [_written("app", "08:00:00"), _written("app", "09:30:00")],
        {},
        {"app.hcl": APP},
        ["indeterminate", "indeterminate"],
    ),
    (
        "each with its date",
        [_written("app", "08:00:00"), _written("app", "09:30:00")],
        {},
        {"app@2026-03-01T08:00:00Z.hcl": APP, "app@2026-03-01T09:30:00Z.hcl": DENY},
        ["permit", "deny"],
    ),
    (
        "the same, linked with the log",
        [_written("app", "08:00:00"), _written("app", "09:30:00")],
        {"app@2026-03-01T08:00:00Z.hcl": APP, "app@20260301T093000Z.hcl": DENY},
        {},
        ["permit", "deny"],
    ),
    (
        "a hidden text after the last one that has a date",
        [_written("app", "09:30:00")],
        {},
        {"app@2026-01-01T00:00:00Z.hcl": APP},
        ["permit", "indeterminate"],
    ),
    (
        "the same text, written again",
        [_written("app", "08:00:00", "hmac-sha256:1"), _written("app", "09:30:00", "hmac-sha256:1")],
        {},
        {"app@2026-03-01T08:00:00Z.hcl": APP},
        ["permit", "permit"],
    ),
    (
        "texts that the device does not hide",
        [_written("app", "08:00:00", APP), _written("app", "09:30:00", DENY)],
        {},
        {},
        ["permit", "deny"],
    ),
    ("a file, and a hidden text later", [_written("app", "09:30:00")], {"app.hcl": APP}, {}, ["indeterminate"] * 2),
    ("a file, and nothing in the log", [], {"app.hcl": APP}, {}, ["permit", "permit"]),
    (
        "a file, and its policy is deleted: one that is not there gives nothing",
        [_written("app", "09:30:00", operation="delete")],
        {"app.hcl": APP},
        {},
        ["permit", "deny"],
    ),
    (
        "a text in the folder, and its policy is deleted",
        [_written("app", "09:30:00", operation="delete")],
        {},
        {"app.hcl": APP},
        ["permit", "deny"],
    ),
    (
        "deleted, and written again",
        [
            _written("app", "08:00:00", APP),
            _written("app", "08:30:00", operation="delete"),
            _written("app", "09:30:00"),
        ],
        {},
        {},
        ["deny", "indeterminate"],
    ),
    (
        "within a moment of a change either text may have decided",
        [_written("app", "08:00:00", APP), _written("app", "09:00:01", DENY)],
        {},
        {},
        ["indeterminate", "deny"],
    ),
]


@pytest.mark.parametrize(("about", "log", "files", "texts", "effects"), AGES, ids=[one[0] for one in AGES])
def test_of_the_texts_of_a_policy_the_one_then_in_force_counts(
    tmp_path: Path, about: str, log: list[Any], files: dict[str, str], texts: dict[str, str], effects: list[str]
) -> None:
    asked = [_asked_of_vault("read", "kv/x", ["app"], ["app"], at) for at in ("09:00:00", "10:00:00")]
    found = [one for one in _replayed(tmp_path, [*log, *asked], files, texts) if "kv/x" in one.question]
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
