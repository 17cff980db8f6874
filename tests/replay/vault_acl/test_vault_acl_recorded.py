"""Recorded decisions of Vault as requests: audit lines in, and the policy that the server named comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.records import Action, AuthorityFact
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.vault_acl import evaluate, request_of
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


def _records(line: dict[str, Any]) -> tuple[AuthorityFact, Action]:
    data = json.dumps(line).encode()
    found = SOURCE.read(Entry(data=data, file="audit.log", modified_at=0))
    assert not isinstance(found, Skipped)
    decision = next(one for one in found if isinstance(one, AuthorityFact) and one.kind == "decision")
    return decision, next(one for one in found if isinstance(one, Action))


def _request(operation: str, path: str, **changes: Any) -> Request:
    request = request_of(*_records(_line(operation, path, **changes)))
    assert request is not None
    return request


def test_an_audit_line_asks_what_the_server_was_asked() -> None:
    request = _request("update", "secret/data/x")
    assert request.action == {"name": "update"}
    assert request.resource["id"] == "secret/data/x"
    assert request.subject["properties"] == {"policies": ["default", "app"], "identity": {"entity": {"id": "e1"}}}
    assert request.context == {
        "time": "2026-03-01T09:00:00Z",
        "namespace": "",
        "default_policy": "as shipped",
    }


def test_a_token_without_an_entity_has_none() -> None:
    request = _request("read", "x", auth={"entity_id": "", "policies": ["app"]})
    assert request.subject["properties"]["identity"] == {"entity": None, "groups": None}
    assert "default_policy" not in request.context


def test_of_another_namespace_the_path_is_not_known() -> None:
    request = _request("read", "kv/x", namespace={"id": "n7", "path": "team/"})
    assert request.resource["id"] == "team/kv/x"
    assert request.context["namespace"] is None


@pytest.mark.parametrize("path", ["auth/approle/login", "auth/userpass/login/ada", "sys/health", "sys/wrapping/lookup"])
def test_where_no_policy_is_asked_there_is_no_request(path: str) -> None:
    assert request_of(*_records(_line("update", path))) is None


def test_without_its_action_the_policies_are_not_known() -> None:
    request = request_of(_records(_line("read", "kv/x"))[0])
    assert request is not None
    found = evaluate([Policy("app", 'path "kv/x" { capabilities = ["read"] }')], request)
    assert (found.effect, found.missing) == ("indeterminate", ("subject.properties.policies",))


@pytest.mark.parametrize("asked", [None, {}, {"subject": 1}, {"subject": {}, "action": {}, "resource": {}}])
def test_what_is_no_such_decision_gives_no_request(asked: Any) -> None:
    assert request_of(AuthorityFact(kind="decision", id="d", time=0, request=asked)) is None


def test_the_policy_that_the_server_named_decides() -> None:
    decision, action = _records(_line("read", "secret/data/x"))
    request = request_of(decision, action)
    assert request is not None
    key = "vault/policy/root/app"
    found = evaluate([Policy(key, 'path "secret/data/*" { capabilities = ["read"] }')], request)
    assert (found.effect, found.determining) == ("permit", (key,))
    assert decision.cites == found.determining
