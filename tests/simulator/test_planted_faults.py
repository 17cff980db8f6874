"""Every planted fault is found with its code and its root cause, and nothing is found where nothing was planted."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.simulator.test_truth_end_to_end import Judged

from quowarranto.findings.whole import all_findings
from quowarranto.records.codes import ABOUT_AUTHORITIES
from quowarranto.simulator import FAULTS

PLANTED: dict[str, tuple[str, str | None]] = {
    "key_in_grace": ("QW401", None),
    "key_late": ("QW402", "secret-sprawl"),
    "key_stranger": ("QW403", "secret-sprawl"),
    "key_sprawl": ("QW404", None),
    "self_approved": ("QW301", None),
    "approved_afterwards": ("QW302", "weak-approval"),
    "approval_unjustified": ("QW306", None),
    "approval_outside_scope": ("QW206", "enforcement-bypass"),
    "exception_expired": ("QW304", "unmanaged-exception"),
    "exception_unowned": ("QW305", None),
    "session_overrun": ("QW406", "stale-authority"),
    "session_ambiguous": ("QW103", None),
    "bypass_after_deny": ("QW205", "enforcement-bypass"),
    "stale_policy": ("QW203", "stale-authority"),
    "decision_without_ground": ("QW109", "detached-system"),
    "delegation_ring": ("QW107", "unknown"),
    "token_expired": ("QW201", "stale-authority"),
    "grant_not_yet": ("QW204", "stale-authority"),
    "within_tolerance": ("QW604", None),
    "token_borrowed": ("QW207", "enforcement-bypass"),
    "no_authority": ("QW101", "unknown"),
    "citation_lost": ("QW104", "detached-system"),
    "detached": ("QW102", "detached-system"),
    "not_covered": ("QW108", "detached-system"),
    "grant_lapsed": ("QW201", "stale-authority"),
    "tainted_grant": ("QW208", "enforcement-bypass"),
    "one_id_twice": ("QW606", None),
    "binding_deleted": ("QW202", "stale-authority"),
    "tainted_binding": ("QW208", "enforcement-bypass"),
    "masters": ("QW109", "detached-system"),
    "token_unissued": ("QW104", None),
    "vault_token_revoked": ("QW406", "stale-authority"),
    "vault_token_expired": ("QW201", "stale-authority"),
    "vault_root": ("QW104", "detached-system"),
    "aws_session_expired": ("QW201", "stale-authority"),
    "aws_key_deleted": ("QW406", "stale-authority"),
    "deploy_token_overrun": ("QW201", "stale-authority"),
    "ci_unreviewed": ("QW302", "weak-approval"),
    "lease_revoked": ("QW406", "stale-authority"),
    "agent_token_revoked": ("QW406", "stale-authority"),
}
"""The code that tells the fault, and the root cause; None where the action is authorised or disputed all the same."""
_ABOUT_GRANTS = ("QW501", "QW502")
"""Grants that idle or are wide: nobody plants these, a small organisation has them."""
_UNKNOWN_AT_GITHUB = {"ci_to_cloud": {"QW101"}, "ci_unreviewed": {"QW101"}}
"""What persons do at GitHub rests on nothing that its log tells (SPEC 8, QW101), with and without a fault."""

Findings = list[dict[str, Any]]


class _World(Judged):
    """A judged world with its findings and, by scenario, its actions."""

    def __init__(self, folder: Path, faults: tuple[str, ...] | None) -> None:
        super().__init__(folder, 300, faults=faults)
        self.findings: Findings = all_findings(self.case.snapshot())
        self.truths = {line.action: line for line in self.truth.lines()}
        self.actions: defaultdict[str, set[str]] = defaultdict(set)
        for line in self.truths.values():
            self.actions[line.scenario].add(line.action)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> _World:
    """The organisation with all its faults."""
    return _World(tmp_path_factory.mktemp("faulty"), None)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> _World:
    """The same organisation, in which nothing goes wrong."""
    return _World(tmp_path_factory.mktemp("clean"), ())


def test_every_fault_is_in_the_table() -> None:
    assert PLANTED.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_with_its_code_and_root_cause(world: _World, fault: str) -> None:
    """As a finding about one of its own actions (or about its key), and in the verdict of that action."""
    code, cause = PLANTED[fault]
    if code == "QW404":
        assert {(one["code"], one["key"]) for one in world.findings if one["code"] == code} == {*world.truth.findings}
        return
    told = [found for action in world.actions[fault] for found in world.verdicts[action] if code in found["codes"]]
    assert told
    assert {found["root_cause"] for found in told} == {cause}
    actions = {found["action"] for found in told}
    assert any(actions & set(one["sample"]) for one in world.findings if one["code"] == code)


def test_no_finding_is_about_an_action_that_the_truth_does_not_fault(world: _World) -> None:
    """Each finding about actions names actions of which the simulator says the same."""
    for one in world.findings:
        if one["code"] in ABOUT_AUTHORITIES:  # held against the truth's findings by its own test
            continue
        lines = [world.truths[action] for action in one["sample"]]
        assert [line.action for line in lines if line.exact and one["code"] not in line.codes] == []


def test_serious_findings_are_about_planted_faults_alone(world: _World) -> None:
    """Critical and high ones: all their actions are of scenarios in which something goes wrong."""
    for one in _serious(world.findings):
        scenes = {world.truths[action].scenario for action in one["sample"]}
        strangers = {scene for scene in scenes - FAULTS.keys() if one["code"] not in _UNKNOWN_AT_GITHUB.get(scene, ())}
        assert strangers == set(), one


def test_where_nothing_was_planted_nothing_serious_is_found(clean: _World) -> None:
    """Of an organisation that does everything right nothing critical or high is said, and no key is said to sprawl."""
    found = [
        one
        for one in _serious(clean.findings)
        if {clean.truths[action].scenario for action in one["sample"]} - {"ci_to_cloud"} or one["code"] != "QW101"
    ]
    assert found == []
    assert {one["code"] for one in clean.findings if not one["sample"]} <= {*_ABOUT_GRANTS}


def test_a_grant_that_is_said_to_idle_is_named_by_no_decision_in_the_raw_log(world: _World) -> None:
    """Kubernetes names the binding that allowed a request, so the log itself can be asked."""
    raw = (world.truth.logs / "kubernetes" / "audit.log").read_text(encoding="utf-8")
    idle = [one["key"] for one in world.findings if one["code"] == "QW501" and one["key"].startswith("kubernetes/")]
    assert idle
    assert _reason("kubernetes/rolebinding/shop/app-reader") in raw
    assert [key for key in idle if _reason(key) in raw] == []


def _reason(key: str) -> str:
    """How the authorizer spells a binding, escaped as in a line of JSON."""
    _, kind, *where, name = key.split("/")
    title = "ClusterRoleBinding" if kind.startswith("cluster") else "RoleBinding"
    spelled = "/".join([name, *where])
    return f'{title} \\"{spelled}\\" of'


def _serious(findings: Findings) -> Findings:
    return [one for one in findings if one["severity"] in ("critical", "high")]
