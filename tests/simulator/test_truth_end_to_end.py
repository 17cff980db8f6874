"""The imaginary organisation through the whole pipeline: what `quo` concludes is what really happened."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from tests.sources.golden import refused

from quowarranto.case.query import verdicts
from quowarranto.case.store import Case
from quowarranto.findings import present
from quowarranto.findings.whole import all_findings
from quowarranto.pipeline import Outcome, link_paths
from quowarranto.simulator import Expected, Truth, simulate


class Judged:
    """A world and what the pipeline made of its logs."""

    def __init__(self, folder: Path, actions: int, seed: int = 7, faults: Collection[str] | None = None) -> None:
        self.truth: Truth = simulate(folder, actions=actions, seed=seed, faults=faults)
        self.case = Case(folder / "quo.case")
        self.case.folder.mkdir()
        shutil.copy(self.truth.settings, self.case.folder)
        self.outcome: Outcome = link_paths(self.case, [str(self.truth.logs)], threads=2)
        self.verdicts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in verdicts(self.case.snapshot()):
            shown = present.verdict(row)
            self.verdicts[shown["action"]].append(shown)


@pytest.fixture(scope="module", params=[200, 5000])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """The small world with all its faults, and a larger one."""
    return Judged(tmp_path_factory.mktemp("world"), request.param)


def _agrees(expected: Expected, found: dict[str, Any]) -> bool:
    codes, needed = set(found["codes"]), set(expected.codes)
    return (
        found["verdict"] == expected.verdict
        and expected.linkage in (None, found["linkage"])
        and (codes == needed if expected.exact else codes >= needed)
    )


def test_every_verdict_is_the_truth(world: Judged) -> None:
    """Verdict, linkage and codes of every action."""
    wrong = [
        (line.scenario, line.action, line.verdict, line.linkage, line.codes, found)
        for line in world.truth.lines()
        for found in world.verdicts[line.action]
        if not _agrees(line, found)
    ]
    assert wrong == []


def test_every_action_is_judged_and_no_other(world: Judged) -> None:
    """Twice only where two different records bear the id, and then both say so."""
    lines = {line.action: line for line in world.truth.lines()}
    assert lines.keys() == world.verdicts.keys()
    twice = {action: found for action, found in world.verdicts.items() if len(found) > 1}
    assert all("QW606" in one["codes"] for found in twice.values() for one in found)


def test_the_broken_lines_are_in_quarantine_and_no_others(world: Judged) -> None:
    """One in every log; the counts of the run add up with them."""
    root = world.truth.logs
    found = Counter(Path(row["file"]).relative_to(root).as_posix() for row in refused(world.case.snapshot()))
    assert found == world.truth.expected_quarantine
    totals = world.outcome.totals
    assert totals.entries == totals.recorded + totals.skipped + totals.quarantined
    assert totals.quarantined + totals.unread == sum(world.truth.expected_quarantine.values())


def test_the_expected_findings_about_authorities_are_there(world: Judged) -> None:
    """As (code, key)."""
    found = {(row["code"], row["key"]) for row in all_findings(world.case.snapshot())}
    assert {*world.truth.findings} - found == set()


_CHAINS = {
    "ci_to_cloud": {"github/deployment_review/", "aws/key/"},
    "ci_unreviewed": {"github/deployment_review/", "aws/key/"},
    "workload_to_database": {"vault/role/", "vault/accessor/", "vault/lease/", "postgres/session/"},
    "lease_revoked": {"vault/accessor/", "vault/lease/", "postgres/session/"},
    "agent_for_a_person": {"jwt/", "mcp/policy/", "mcp/session/"},
    "agent_token_revoked": {"jwt/", "mcp/policy/", "mcp/session/"},
}
"""What must be found in the chains of a scenario: kinds of keys of all the systems that it runs through."""


@pytest.mark.parametrize("scenario", _CHAINS)
def test_a_chain_across_systems_names_what_each_of_them_handed_out(world: Judged, scenario: str) -> None:
    """A CI run in the cloud, a workload in a database, an agent for a person; as it should be and gone wrong."""
    actions = {line.action for line in world.truth.lines() if line.scenario == scenario}
    keys = {one["key"] for action in actions for found in world.verdicts[action] for one in found["authorities"]}
    missing = {start for start in _CHAINS[scenario] if not any(key.startswith(start) for key in keys)}
    assert missing == set()
