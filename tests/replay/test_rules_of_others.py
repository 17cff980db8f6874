"""RBAC and Vault are asked in a process that can open nothing, and answer there as they do here."""

from __future__ import annotations

import pytest

from quowarranto.replay.isolated import Pool, Question
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.languages import LANGUAGES

_RBAC = (
    Policy("role.yaml", "{kind: ClusterRole, metadata: {name: r}, rules: [{verbs: [get], nonResourceURLs: [/x]}]}"),
    Policy(
        "binding.json",
        '{"kind": "ClusterRoleBinding", "metadata": {"name": "b"}, "subjects": [{"kind": "User", "name": "u"}],'
        ' "roleRef": {"kind": "ClusterRole", "name": "r"}}',
    ),
)
_URL = {"properties": {"nonResourceURL": "/x"}}
_CASES = [
    ("rbac", _RBAC, Request(subject={"id": "u"}, action={"name": "get"}, resource=_URL), "permit"),
    ("rbac", _RBAC, Request(subject={"id": "u"}, action={"name": "put"}, resource=_URL), "indeterminate"),
    (
        "vault_acl",
        (Policy("p.hcl", 'path "x" { capabilities = ["read"] }'),),
        Request(subject={"id": "t"}, action={"name": "read"}, resource={"id": "x"}),
        "permit",
    ),
    (
        "vault_acl",
        (Policy("p.hcl", 'path "x" { capabilities = ["read"]'),),
        Request(subject={"id": "t"}, action={"name": "read"}, resource={"id": "x"}),
        "indeterminate",
    ),
]


@pytest.mark.parametrize(("language", "policies", "request_", "effect"), _CASES)
def test_the_answer_is_the_same_in_a_confined_process(
    language: str, policies: tuple[Policy, ...], request_: Request, effect: str
) -> None:
    with Pool(workers=1) as pool:
        [there] = pool.evaluate([Question(language, policies, request_)])
    assert there.effect == effect
    assert there == LANGUAGES[language].evaluate(list(policies), request_)
