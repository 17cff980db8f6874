"""The small imaginary organisation: repeatable, switchable, and true to the specification."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.model import Judgement, judge
from tests.simulator.reading import Read, actions_of, read_logs

from quowarranto.simulator import FAULTS, PLANTED_SECRETS, Expected, Truth, simulate


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """The small world with all its faults."""
    return simulate(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def read(world: Truth) -> Read:
    """Its logs, read through the adapters."""
    return read_logs(world.logs)


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _scenes(truth: Truth) -> dict[str, list[Expected]]:
    scenes: defaultdict[str, list[Expected]] = defaultdict(list)
    for line in truth.lines():
        if line.scenario != "routine":
            scenes[line.scenario].append(line)
    return scenes


def _agrees(expected: Expected, judged: Judgement) -> bool:
    codes, needed = set(judged.codes), set(expected.codes)
    return (
        judged.verdict == expected.verdict
        and expected.linkage in (None, judged.linkage)
        and (codes == needed if expected.exact else codes >= needed)
    )


def _disagreements(truth: Truth, read: Read) -> list[str]:
    judged: defaultdict[str, list[Judgement]] = defaultdict(list)
    for judgement in judge(read.records):
        judged[judgement.action].append(judgement)
    return [
        f"{line.scenario} {line.action}: {line.verdict} {line.linkage} {line.codes}; "
        f"the model says {found.verdict} {found.linkage} {sorted(found.codes)}"
        for line in truth.lines()
        for found in judged[line.action]
        if not _agrees(line, found)
    ]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Twice the same world, to the byte."""
    simulate(tmp_path / "one", actions=400, seed=11)
    simulate(tmp_path / "two", actions=400, seed=11)
    assert _bytes_of(tmp_path / "one") == _bytes_of(tmp_path / "two")


def test_another_seed_tells_the_same_story_with_other_names(world: Truth, tmp_path: Path) -> None:
    """What is true of a scenario does not hang on the dice."""
    other = simulate(tmp_path, seed=8)

    def told(truth: Truth) -> Counter[tuple[str, str, tuple[str, ...]]]:
        return Counter((line.scenario, line.verdict, line.codes) for lines in _scenes(truth).values() for line in lines)

    assert told(other) == told(world)
    kubernetes = "kubernetes/audit.log"
    assert (other.logs / kubernetes).read_bytes() != (world.logs / kubernetes).read_bytes()


@pytest.mark.parametrize("actions", [200, 201, 733])
def test_there_are_as_many_actions_as_were_asked_for(tmp_path: Path, actions: int) -> None:
    """Routine work fills up exactly."""
    truth = simulate(tmp_path, actions=actions)
    lines = [line.action for line in truth.lines()]
    assert truth.actions == len(lines) == len(set(lines)) == actions
    assert truth.verdicts == Counter(line.verdict for line in truth.lines())
    assert truth.scenarios == Counter(line.scenario for line in truth.lines())


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """The same organisation, in which nothing goes wrong."""
    return simulate(tmp_path_factory.mktemp("clean"), faults=())


def test_without_faults_nothing_is_unauthorised(clean: Truth) -> None:
    """Refusals and presumptions are everyday life; what persons do at GitHub rests on nothing that is logged there."""
    assert clean.verdicts.keys() <= {"authorised", "presumed", "refused", "unproven"}
    assert {line.scenario for line in clean.lines() if line.verdict == "unproven"} == {"ci_to_cloud"}
    assert not FAULTS.keys() & clean.scenarios.keys()
    assert clean.findings == ()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_switch_adds_exactly_its_scenario(fault: str, clean: Truth, world: Truth, tmp_path: Path) -> None:
    """Nothing else changes but the amount of routine work."""
    scenes, all_of_them = _scenes(simulate(tmp_path, faults=[fault])), _scenes(world)
    assert scenes.pop(fault) == all_of_them[fault]
    assert scenes == _scenes(clean)


def test_the_truth_covers_every_action_that_is_read(world: Truth, read: Read) -> None:
    """No action without its truth, no truth without its action."""
    assert actions_of(read.records) == {line.action for line in world.lines()}


def test_as_many_lines_are_quarantined_as_were_broken(world: Truth, read: Read) -> None:
    """One in every log."""
    assert read.quarantined == world.expected_quarantine
    assert {name.split("/")[0] for name in world.expected_quarantine} == {"kubernetes", "vault", "cloudtrail", "native"}


def test_the_model_says_what_the_truth_says(world: Truth, read: Read) -> None:
    """The specification in plain Python, applied to what the adapters read."""
    assert _disagreements(world, read) == []


def test_routine_work_is_as_true_as_the_scenarios(tmp_path: Path) -> None:
    """More of it, on another day of another year, without faults."""
    truth = simulate(tmp_path, actions=1500, seed=3, faults=(), start=datetime(2028, 2, 28, tzinfo=UTC))
    assert _disagreements(truth, read_logs(truth.logs)) == []


def test_the_truth_is_not_among_the_logs(world: Truth) -> None:
    """Who links the logs must not read the answers."""
    assert not world.path.is_relative_to(world.logs)
    assert not list(world.logs.rglob("truth*"))


def test_every_planted_secret_is_in_the_logs(world: Truth) -> None:
    """So that their absence elsewhere proves something."""
    raw = b"".join(
        gzip.decompress(data) if name.endswith(".gz") else data for name, data in _bytes_of(world.logs).items()
    )
    assert [secret for secret in PLANTED_SECRETS if secret.encode() not in raw] == []


def test_the_logs_are_as_untidy_as_real_ones(world: Truth) -> None:
    """Out of order, delivered twice, unfinished, and with a blank line at the end."""
    text = (world.logs / "kubernetes" / "audit.log").read_text()
    events = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    stamps = [event["stageTimestamp"] for event in events]
    assert stamps != sorted(stamps)
    assert text.endswith("\n\n")
    stages = defaultdict(set)
    for event in events:
        stages[event["auditID"]].add(event["stage"])
    assert {"RequestReceived"} in stages.values()
    assert {"RequestReceived", "ResponseStarted"} in stages.values()
    regions = defaultdict(set)
    for path in (world.logs / "cloudtrail").iterdir():
        for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            regions[record.get("eventID")].add(path.name.split("_")[2])
    assert {"eu-central-1", "us-east-1"} in regions.values()


def test_a_fault_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """It names the fault."""
    with pytest.raises(ValueError, match="no such fault: `nonsense`"):
        simulate(tmp_path, faults=["nonsense"])


def test_too_few_actions_for_the_scenarios_are_an_error(tmp_path: Path) -> None:
    """It says how many are needed."""
    with pytest.raises(ValueError, match="ask for at least as many"):
        simulate(tmp_path, actions=20)
