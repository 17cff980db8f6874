"""Recorded decisions of the API server as requests: events in, and the binding that the server named comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.records import AuthorityFact
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.rbac import documents_of, evaluate, request_of
from quowarranto.sources.kubernetes.audit import records

_ACCOUNT = "system:serviceaccount:dev:app"
_GROUPS = ["system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated"]


def _event(**changes: Any) -> dict[str, Any]:
    return {
        "auditID": "a",
        "stage": "ResponseComplete",
        "verb": "get",
        "requestURI": "/x",
        "requestReceivedTimestamp": "2026-03-01T09:00:00Z",
        "user": {"username": _ACCOUNT, "groups": _GROUPS},
        "objectRef": {"resource": "pods", "namespace": "dev", "name": "web"},
        "annotations": {"authorization.k8s.io/decision": "allow"},
    } | changes


def _recorded(event: dict[str, Any]) -> dict[str, Any]:
    decision = next(one for one in records(event, b"") if isinstance(one, AuthorityFact) and one.kind == "decision")
    assert decision.request is not None
    return decision.request


def _request(**changes: Any) -> Request:
    event = _event(**changes)
    request = request_of(_recorded(event), json.dumps(event))
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
        ({"username": _ACCOUNT, "groups": _GROUPS}, None, {"groups": _GROUPS}),
        ({"username": "jane", "groups": ["devs"]}, None, {"groups": ["devs"]}),
        ({"username": "jane"}, None, {"groups": []}),
        ({"username": "root", "groups": ["system:masters"]}, {"username": "jane", "groups": ["x"]}, {"groups": ["x"]}),
        ({"username": "root", "groups": ["system:masters"]}, {"username": "jane"}, {"groups": []}),
    ],
)
def test_groups_are_those_of_whom_the_decision_is_about(user: Any, impersonated: Any, groups: Any) -> None:
    request = _request(user=user, impersonatedUser=impersonated)
    assert request.subject["id"] == (impersonated or user)["username"]
    assert request.subject["properties"] == groups


@pytest.mark.parametrize(
    ("decision", "reason", "context"),
    [
        ("allow", 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "u"', {}),
        ("allow", "", {"allowed_by_another": True}),
        ("allow", None, {"allowed_by_another": True}),
        ("allow", "allowed by the company's webhook", {"allowed_by_another": True}),
        ("forbid", "", {}),
        ("forbid", None, {}),
        ("forbid", 'RBAC: role.rbac.authorization.k8s.io "x" not found', {}),
        ("forbid", "not on a Sunday", {"denied_by_another": True}),
        ("forbid", 'RBAC: role.rbac.authorization.k8s.io "x" not found\nnot on a Sunday', {"denied_by_another": True}),
    ],
)
def test_what_is_allowed_without_a_reason_of_rbac_another_let_in(
    decision: str, reason: str | None, context: dict[str, bool]
) -> None:
    notes = {"authorization.k8s.io/decision": decision}
    if reason is not None:
        notes["authorization.k8s.io/reason"] = reason
    assert _request(annotations=notes).context == context


def test_an_event_that_azure_wraps_is_unwrapped() -> None:
    wrapped = {"category": "kube-audit", "properties": {"log": json.dumps(_event())}}
    request = request_of(_recorded(_event()), json.dumps(wrapped))
    assert request is not None
    assert request.subject["properties"] == {"groups": _GROUPS}


@pytest.mark.parametrize(
    "raw", [None, "", "{", "[]", '{"verb": 1, "user": 2}', '{"properties": {"log": "x"}}', "\ud800"]
)
def test_without_its_event_a_decision_knows_neither_group_nor_groups(raw: str | None) -> None:
    request = request_of(_recorded(_event()), raw)
    assert request is not None
    assert request.resource["properties"]["apiGroup"] is None
    assert request.subject["properties"] == {}


@pytest.mark.parametrize(
    "asked", [None, {}, {"subject": 1}, {"subject": {}, "action": {}, "resource": {}}, {"subject": {"id": "x"}}]
)
def test_what_is_no_such_decision_gives_no_request(asked: Any) -> None:
    assert request_of(asked) is None


def test_a_request_in_the_evaluators_own_terms_stands_as_it_is() -> None:
    asked = {
        "subject": {"type": "user", "id": "jane", "properties": {"groups": ["devs"]}},
        "action": {"name": "get"},
        "resource": {"type": "pods", "id": "web", "properties": {"resource": "pods", "namespace": "dev"}},
    }
    found = request_of(asked)
    assert found is not None
    assert (found.subject, found.action, found.resource) == (asked["subject"], asked["action"], asked["resource"])


_ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "view", "uid": "1"},
    "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
}
_BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"namespace": "dev", "name": "app"},
    "roleRef": {"kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "ServiceAccount", "name": "app"}],
}


def test_the_binding_that_the_server_named_is_among_those_that_decide() -> None:
    held = [*documents_of(json.dumps(_ROLE)), *documents_of(json.dumps(_event(requestObject=_BINDING)))]
    assert [policy.name for policy in held] == ["ClusterRole/view", "RoleBinding/dev/app"]
    found = evaluate(held, _request())
    assert (found.effect, found.determining) == ("permit", ("ClusterRole/view", "RoleBinding/dev/app"))


def test_of_a_change_the_stored_object_comes_before_the_one_that_was_sent() -> None:
    sent = _ROLE | {"rules": []}
    assert documents_of(json.dumps(_event(requestObject=sent, responseObject=_ROLE))) == (
        Policy("ClusterRole/view", json.dumps(_ROLE)),
    )
    answered = {"kind": "Status", "apiVersion": "v1"}
    assert documents_of(json.dumps(_event(requestObject=_ROLE, responseObject=answered))) == (
        Policy("ClusterRole/view", json.dumps(_ROLE)),
    )


@pytest.mark.parametrize("raw", ["", "{", '{"kind": "Pod"}', json.dumps(_event()), '{"kind": "Role"}', "\ud800"])
def test_a_line_without_a_role_or_binding_holds_no_policy(raw: str) -> None:
    assert documents_of(raw) == ()
