"""Recorded decisions of Vault as requests: audit lines in, and the policy that the server named comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.records import AuthorityFact
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.vault_acl import documents_of, evaluate, request_of
from quowarranto.sources.entry import Entry, Skipped
from quowarranto.sources.vault import SOURCE


def _line(operation: str, path: str, **changes: Any) -> dict[str, Any]:
    auth = {
        "accessor": "acc",
        "display_name": "approle",
        "entity_id": "e1",
        "policies": ["default", "app"],
        "policy_results": {"allowed": True, "granting_policies": [{"name": "app", "type": "acl"}]},
    }
    return {
        "type": "request",
        "time": "2026-03-01T09:00:00Z",
        "auth": auth | changes.pop("auth", {}),
        "request": {"id": "r1", "operation": operation, "path": path, "mount_type": "kv"} | changes,
    }


def _decision(line: dict[str, Any]) -> AuthorityFact:
    found = SOURCE.read(Entry(data=json.dumps(line).encode(), file="audit.log", modified_at=0))
    assert not isinstance(found, Skipped)
    return next(one for one in found if isinstance(one, AuthorityFact) and one.kind == "decision")


def _request(operation: str, path: str, **changes: Any) -> Request:
    line = _line(operation, path, **changes)
    request = request_of(_decision(line).request, json.dumps(line))
    assert request is not None
    return request


def test_an_audit_line_asks_what_the_server_was_asked() -> None:
    request = _request("update", "secret/data/x", data={"a": "hmac-sha256:00"}, wrap_ttl=60)
    assert request.action == {"name": "update", "properties": {"parameters": {"a": "hmac-sha256:00"}}}
    assert request.resource["id"] == "secret/data/x"
    assert request.subject["properties"] == {"policies": ["default", "app"], "identity": {"entity": {"id": "e1"}}}
    assert request.context == {
        "time": "2026-03-01T09:00:00Z",
        "wrap_ttl": 60,
        "namespace": "",
        "namespaces": {},
        "default_policy": "as shipped",
    }


def test_what_a_line_leaves_out_was_not_there() -> None:
    request = _request("update", "x", auth={"entity_id": "", "policies": ["app"]})
    assert request.subject["properties"]["identity"] == {"entity": None, "groups": None}
    assert request.action["properties"] == {"parameters": {}}
    assert request.context["wrap_ttl"] == 0
    assert "default_policy" not in request.context


def test_the_namespace_stands_before_the_path() -> None:
    request = _request("read", "kv/x", namespace={"id": "n7", "path": "team/"})
    assert request.resource["id"] == "team/kv/x"
    assert request.context["namespace"] == "team/"
    key = "vault/policy/n7/app"
    text = 'path "kv/x" { capabilities = ["read"] }'
    assert evaluate([Policy(key, text), Policy("default", "")], request).determining == (key,)


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("pki/root", "pki", {"root_protected": True}),
        ("pki/root/sign-self-issued", "ns_pki", {"root_protected": True}),
        ("pki/issuer/root", "pki", {"root_protected": False}),
        ("pki/root", "kv", {"root_protected": False}),
        ("pki/issue/x", "pki", {}),
    ],
)
def test_the_kind_of_the_mount_says_whether_a_root_is_protected(path: str, kind: str, said: Any) -> None:
    assert _request("delete", path, mount_type=kind, mount_point="pki/").resource["properties"] == said


@pytest.mark.parametrize("path", ["auth/approle/login", "auth/userpass/login/ada", "sys/health", "sys/wrapping/lookup"])
def test_where_no_policy_is_asked_there_is_no_request(path: str) -> None:
    line = _line("update", path)
    assert request_of(_decision(line).request) is None
    space = _line("update", path, namespace={"id": "n7", "path": "team/"})
    assert request_of(_decision(space).request, json.dumps(space)) is None


@pytest.mark.parametrize(
    "raw", [None, "", "{", "[]", '{"time": 1}', '{"time": "x", "request": {"path": 1}}', "{\ud800"]
)
def test_without_its_line_a_decision_does_not_know_the_policies(raw: str | None) -> None:
    request = request_of(_decision(_line("read", "kv/x")).request, raw)
    assert request is not None
    found = evaluate([Policy("app", 'path "kv/x" { capabilities = ["read"] }')], request)
    assert (found.effect, found.missing) == ("indeterminate", ("subject.properties.policies",))


@pytest.mark.parametrize("asked", [None, {}, {"subject": 1}, {"subject": {}, "action": {}, "resource": {}}])
def test_what_is_no_such_decision_gives_no_request(asked: Any) -> None:
    assert request_of(asked) is None


def test_a_request_in_the_evaluators_own_terms_stands_as_it_is() -> None:
    asked = {"subject": {"type": "t", "id": "i"}, "action": {"name": "read"}, "resource": {"type": "s", "id": "kv/x"}}
    found = request_of(asked)
    assert found is not None
    assert (found.subject, found.action, found.resource) == (asked["subject"], asked["action"], asked["resource"])


@pytest.mark.parametrize("name", ["vault/policy/root/app", "app", "App.hcl", "app.json"])
def test_the_policy_that_the_server_named_decides(name: str) -> None:
    line = _line("read", "secret/data/x")
    decision = _decision(line)
    request = request_of(decision.request, "Mar 1 host vault: " + json.dumps(line))
    assert request is not None
    found = evaluate([Policy(name, 'path "secret/data/*" { capabilities = ["read"] }')], request)
    assert (found.effect, found.determining) == ("permit", (name,))
    assert decision.cites == ("vault/policy/root/app",)


def test_a_policy_may_be_called_like_a_file() -> None:
    request = _request("read", "kv/x", auth={"policies": ["app.hcl"]})
    found = evaluate([Policy("app.hcl", 'path "kv/x" { capabilities = ["read"] }'), Policy("app", "{")], request)
    assert (found.effect, found.errors) == ("permit", ())


def test_a_policy_file_holds_itself_and_a_write_what_was_written() -> None:
    text = 'path "kv/x" { capabilities = ["read"] }'
    assert documents_of(text) == (Policy("", text),)
    written = _line("update", "sys/policies/acl/App", data={"policy": text})
    assert documents_of(json.dumps(written)) == (Policy("vault/policy/root/app", text),)
    old = _line("update", "sys/policy/App", data={"rules": text}, namespace={"id": "n7", "path": "team/"})
    assert documents_of(json.dumps(old)) == (Policy("vault/policy/n7/app", text),)


@pytest.mark.parametrize(
    "raw",
    [
        *("", "# nothing", "path {", '{"a": 1}'),
        json.dumps(_line("update", "sys/policies/acl/app", data={"policy": "hmac-sha256:00"})),
        json.dumps(_line("update", "kv/x", data={"policy": "path"})),
        json.dumps(_line("delete", "sys/policies/acl/app")),
    ],
)
def test_a_line_without_the_text_of_a_policy_holds_none(raw: str) -> None:
    assert documents_of(raw) == ()
