"""The organisation at work for thirty days: its logs in one folder, the truth about them beside it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from quowarranto.records import Instant
from quowarranto.simulator import background, organisation
from quowarranto.simulator.logs import LineLog, TrailLog
from quowarranto.simulator.scenarios import FAULTS as _FAULTS
from quowarranto.simulator.scenarios import STORIES
from quowarranto.simulator.scene import DAY, Logs, Scenario, Scene
from quowarranto.simulator.systems import aws
from quowarranto.simulator.truth import Truth, TruthLog

DAYS = 30
NATIVE_LOGS = ("api-keys", "approvals", "exceptions", "gateway", "pam", "services")
START = datetime(2026, 10, 5, tzinfo=UTC)
FAULTS: dict[str, str] = {fault.name: fault.about for fault in _FAULTS}
"""Every fault that can be switched on, with what goes wrong in one sentence."""


def simulate(
    folder: Path,
    *,
    actions: int = 200,
    seed: int = 7,
    faults: Collection[str] | None = None,
    start: datetime = START,
) -> Truth:
    """Write the organisation's logs to `folder/logs`, beside them its `quo.toml` and the truth, `truth.jsonl`.

    Args:
        actions: how many there are in all; the scenarios need some, routine work fills up.
        seed: same seed, same bytes.
        faults: names out of `FAULTS`; none given means all, an empty collection a clean world.
        start: the first of the thirty days, with a zone.

    Raises:
        ValueError: a fault of that name does not exist, or `actions` are fewer than the scenarios need.
    """
    chosen = _chosen(faults)
    begin = int(start.timestamp()) * 1_000_000
    truth = TruthLog(folder / "truth.jsonl")
    logs = _open(folder / "logs", actions)
    organisation.write_snapshots(folder / "logs", begin, actions)
    for scenario in (*STORIES, *chosen):
        scenario.play(Scene(scenario.name, seed, begin, logs, truth))
    missing = actions - truth.actions
    if missing < 0:
        raise ValueError(f"these scenarios alone have {truth.actions} actions; ask for at least as many")
    background.fill(logs, truth, missing, seed, begin, begin + DAYS * DAY)
    _break_a_line_each(logs, seed, begin, truth)
    return _close(folder, logs, truth, begin + DAYS * DAY)


def _chosen(names: Collection[str] | None) -> list[Scenario]:
    if names is None:
        return list(_FAULTS)
    unknown = sorted(set(names) - FAULTS.keys())
    if unknown:
        raise ValueError(f"no such fault: {', '.join(f'`{name}`' for name in unknown)}")
    return [fault for fault in _FAULTS if fault.name in names]


def _open(folder: Path, actions: int) -> Logs:
    per_file = max(16, min(4000, actions // 100))
    return Logs(
        kubernetes=LineLog(folder / "kubernetes" / "audit.log"),
        vault=LineLog(folder / "vault" / "audit.log"),
        github=LineLog(folder / "github" / "audit.jsonl"),
        tokens=LineLog(folder / "github" / "claims.jsonl"),
        postgres=LineLog(folder / "postgres" / "postgresql.json"),
        mcp=LineLog(folder / "mcp" / "gateway.jsonl"),
        telemetry=LineLog(folder / "telemetry" / "spans.jsonl"),
        signals=LineLog(folder / "signals" / "events.jsonl"),
        native={name: LineLog(folder / "native" / f"{name}.jsonl") for name in NATIVE_LOGS},
        trails={
            region: TrailLog(folder / "cloudtrail", aws.ACCOUNT, region, per_file) for region in (aws.HOME, aws.GLOBAL)
        },
    )


_SETTINGS = "# Nothing to declare: whatever joins these logs was signed or written by the systems themselves.\n"


def _break_a_line_each(logs: Logs, seed: int, begin: Instant, truth: TruthLog) -> None:
    """A writer that died in the middle of a line; for CloudTrail a record that has lost its time and its id."""
    scene = Scene("broken lines", seed, begin, logs, truth)
    cut = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"0c1d2e3f","stage":"Respo'
    logs.kubernetes.add_broken(scene.at(8, 1), cut)
    logs.vault.add_broken(scene.at(8, 2), '{"time":"2026-10-13T02:00:00Z","type":"request","auth":{"client_tok')
    for name, log in logs.native.items():
        log.add_broken(scene.at(8, 3), f'{{"kind":"action","id":"{name}/cut","time":"2026-10-13T03:00:00Z","prin')
    logs.trails[aws.HOME].add(scene.at(8, 4), '{"eventVersion":"1.11","eventSource":"s3.amazonaws.com"}', broken=True)


def _close(folder: Path, logs: Logs, truth: TruthLog, end: Instant) -> Truth:
    root = folder / "logs"
    quarantine: dict[str, int] = {}
    for log in logs.lines():
        log.close()
        quarantine[log.path.relative_to(root).as_posix()] = log.broken
    for trail in logs.trails.values():
        trail.close(end)
        quarantine |= {path.relative_to(root).as_posix(): count for path, count in trail.broken.items()}
    truth.close()
    settings = folder / "quo.toml"
    settings.write_text(_SETTINGS, encoding="utf-8")
    return Truth(
        logs=root,
        settings=settings,
        path=truth.path,
        actions=truth.actions,
        scenarios=dict(truth.scenarios),
        verdicts=dict(truth.verdicts),
        expected_quarantine={file: count for file, count in quarantine.items() if count},
        findings=tuple(truth.findings),
    )
