"""Recorded decisions of the API server as requests: real events in, and the binding that the server named comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.records import Action, AuthorityFact
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.rbac import evaluate, request_of
from quowarranto.sources.kubernetes.audit import records


def _event(**changes: Any) -> dict[str, Any]:
    return {
        "auditID": "a",
        "stage": "ResponseComplete",
        "verb": "get",
        "requestURI": "/x",
        "requestReceivedTimestamp": "2026-03-01T09:00:00Z",
        "user": {"username": "system:serviceaccount:dev:app"},
        "objectRef": {"resource": "pods", "namespace": "dev", "name": "web"},
        "annotations": {"authorization.k8s.io/decision": "allow"},
    } | changes


def _request(**changes: Any) -> Request:
    found = records(_event(**changes), b"")
    decision = next(one for one in found if isinstance(one, AuthorityFact) and one.kind == "decision")
    request = request_of(decision, next(one for one in found if isinstance(one, Action)))
    assert request is not None
    return request


@pytest.mark.parametrize(
    ("about", "changes", "verb", "properties"),
    [
        ("an object of the core group", {}, "get", {"apiGroup": "", "namespace": "dev", "name": "web"}),
        (
            "a subresource of another group",
            {"objectRef": {"resource": "deployments", "subresource": "scale", "apiGroup": "apps", "namespace": "dev"}},
            "get",
            {"apiGroup": "apps", "resource": "deployments", "subresource": "scale", "name": ""},
        ),
        ("all namespaces", {"verb": "list", "objectRef": {"resource": "pods"}}, "list", {"namespace": "", "name": ""}),
        (
            "a creation, which the log names after the object that came of it",
            {"verb": "create"},
            "create",
            {"resource": "pods", "name": ""},
        ),
        (
            "a creation below an object, which is named in the URL",
            {
                "verb": "create",
                "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "dev", "name": "web"},
            },
            "create",
            {"subresource": "exec", "name": "web"},
        ),
        (
            "a namespace, which is within itself",
            {"objectRef": {"resource": "namespaces", "namespace": "dev", "name": "dev"}},
            "get",
            {"namespace": "dev", "name": "dev"},
        ),
        (
            "a new namespace, which is nowhere yet",
            {"verb": "create", "objectRef": {"resource": "namespaces", "namespace": "dev", "name": "dev"}},
            "create",
            {"namespace": "", "name": ""},
        ),
        ("a URL", {"objectRef": None, "requestURI": "/healthz?verbose"}, "get", {"nonResourceURL": "/healthz"}),
    ],
)
def test_a_recorded_event_asks_what_the_authorizer_was_asked(
    about: str, changes: dict[str, Any], verb: str, properties: dict[str, str]
) -> None:
    request = _request(**changes)
    assert request.action["name"] == verb
    assert properties.items() <= request.resource["properties"].items()


@pytest.mark.parametrize(
    ("user", "impersonated", "groups"),
    [
        (
            "system:serviceaccount:dev:app",
            None,
            {"groups": ["system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated"]},
        ),
        ("jane", None, {"groups": ["system:authenticated"], "groups_complete": False}),
        ("system:anonymous", None, {"groups": ["system:unauthenticated"]}),
        ("jane", "system:serviceaccount:dev:app", {}),
    ],
)
def test_groups_are_said_as_far_as_the_name_tells_them(user: str, impersonated: str | None, groups: Any) -> None:
    whom = {"username": impersonated} if impersonated else None
    request = _request(user={"username": user}, impersonatedUser=whom)
    assert request.subject["id"] == (impersonated or user)
    assert request.subject["properties"] == groups


def test_without_its_action_a_decision_does_not_know_the_group() -> None:
    decision = next(one for one in records(_event(), b"") if isinstance(one, AuthorityFact))
    request = request_of(decision)
    assert request is not None
    assert request.resource["properties"]["apiGroup"] is None
    assert request.subject["properties"] == {}


@pytest.mark.parametrize("asked", [None, {}, {"subject": 1}, {"subject": {}, "action": {}, "resource": {}}])
def test_what_is_no_such_decision_gives_no_request(asked: Any) -> None:
    assert request_of(AuthorityFact(kind="decision", id="d", time=0, request=asked)) is None


def test_the_binding_that_the_server_named_is_among_those_that_decide() -> None:
    role = {
        "kind": "ClusterRole",
        "metadata": {"name": "view"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
    }
    binding = {
        "kind": "RoleBinding",
        "metadata": {"namespace": "dev", "name": "app"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "app"}],
    }
    found = evaluate([Policy("p", json.dumps(role)), Policy("q", json.dumps(binding))], _request())
    assert (found.effect, found.determining) == ("permit", ("ClusterRole/view", "RoleBinding/dev/app"))
