"""Worlds for measuring: as large as asked for, repeatable, and with chains that link."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
from tests.model import judge

from quowarranto.records import Action, Record
from quowarranto.simulator import simulate_cloudtrail, simulate_kubernetes, simulate_native
from quowarranto.sources import Entry, Observation, Skipped, cloudtrail, kubernetes, native


def _native_records(path: Path) -> list[Record]:
    out: list[Record] = []
    for line in path.read_bytes().splitlines():
        outcome = native.read(Entry(line))
        assert not isinstance(outcome, Skipped)
        out += [record for record in outcome if not isinstance(record, Observation)]
    return out


def test_a_native_world_has_the_size_and_the_blemishes_that_were_promised(tmp_path: Path) -> None:
    """All kinds, chains that reach a policy, a fifth inferred, some of everything that can be wrong."""
    path = tmp_path / "world.jsonl"
    assert simulate_native(path, 3000, 1204) == (3000, 1204)
    records = _native_records(path)
    kinds = Counter("action" if isinstance(record, Action) else record.kind for record in records)
    assert kinds["action"] == 3000
    assert kinds.total() == 4204
    assert len(kinds) == 9
    judged = judge(records)
    linkages = Counter(judgement.linkage for judgement in judged)
    assert 0.15 < linkages["inferred"] / 3000 < 0.25
    assert linkages["proven"] / 3000 > 0.7
    codes = {code for judgement in judged for code in judgement.codes}
    assert codes >= {"QW102", "QW104", "QW201", "QW202", "QW304", "QW401", "QW402", "QW406"}
    hot = sum(isinstance(record, Action) and record.cites == ("credential/0",) for record in records)
    assert hot / 3000 > 0.03


def test_a_native_world_is_the_same_twice(tmp_path: Path) -> None:
    """To the byte."""
    for name in ("one", "two"):
        simulate_native(tmp_path / name, 5000, 300, seed=5)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_kubernetes_log_links_by_itself(tmp_path: Path) -> None:
    """Bindings and tokens are in the log; only the controller that made the bindings is older than it."""
    path = tmp_path / "audit.log"
    requests = simulate_kubernetes(path, 1_000_000)
    assert 1_000_000 <= path.stat().st_size < 1_100_000
    records: list[Record] = []
    seen: list[Observation] = []
    for line in path.read_bytes().splitlines():
        outcome = kubernetes.SOURCE.read(Entry(line)) if line else ()
        assert not isinstance(outcome, Skipped)
        for item in outcome:
            if isinstance(item, Observation):
                seen.append(item)
            else:
                records.append(item)
    records += [fact for fact, _ in kubernetes.derive(seen)]
    judged = judge(records)
    assert len(judged) == requests
    verdicts = Counter(judgement.verdict for judgement in judged)
    assert verdicts.keys() == {"authorised", "presumed"}
    assert verdicts["authorised"] / requests > 0.85


def test_trail_files_have_the_size_that_was_asked_for_and_hold_sessions_and_their_calls(tmp_path: Path) -> None:
    """Every call is signed with a key whose issuance is there too."""
    assert simulate_cloudtrail(tmp_path, 3_000_000) % 5_000 == 0
    files = sorted(tmp_path.glob("*.json"))
    assert sum(path.stat().st_size for path in files) >= 3_000_000
    records: list[Record] = []
    for path in files:
        for event in msgspec.json.decode(path.read_bytes())["Records"]:
            outcome = cloudtrail.read(Entry(msgspec.json.encode(event)))
            assert not isinstance(outcome, Skipped)
            records += [record for record in outcome if not isinstance(record, Observation)]
    keys = {record.id for record in records if not isinstance(record, Action)}
    cited = {key for record in records if isinstance(record, Action) for key in record.cites}
    assert len(cited) > 100
    assert cited == keys
