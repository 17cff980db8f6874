"""The simulated logs, read through the adapters alone: no ingest, no case, no engine."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, Record
from quowarranto.sources import (
    Entry,
    Observation,
    Skipped,
    Source,
    caep,
    cloudtrail,
    github,
    kubernetes,
    mcp,
    native,
    otlp,
    postgres,
    vault,
)


class Read(NamedTuple):
    """Everything that was read, and the unreadable entries by file, relative to the folder."""

    records: list[Record]
    quarantined: dict[str, int]


_FOLDERS = {
    "kubernetes": kubernetes.SOURCE,
    "vault": vault.SOURCE,
    "cloudtrail": cloudtrail.SOURCE,
    "iam": cloudtrail.SOURCE,
    "native": native.SOURCE,
    "github": github.SOURCE,
    "postgres": postgres.SOURCE,
    "mcp": mcp.SOURCE,
    "telemetry": otlp.SOURCE,
    "signals": caep.SOURCE,
}


def read_logs(logs: Path) -> Read:
    """Read every file below the folder by the source that its first folder names."""
    records: list[Record] = []
    seen: dict[str, list[Observation]] = {name: [] for name in _FOLDERS}
    quarantined: Counter[str] = Counter()
    for path in sorted(path for path in logs.rglob("*") if path.is_file()):
        name = path.relative_to(logs).as_posix()
        folder = name.split("/")[0]
        for entry in _entries(path):
            try:
                outcome = _FOLDERS[folder].read(entry)
            except RejectedEntry:
                quarantined[name] += 1
                continue
            for item in () if isinstance(outcome, Skipped) else outcome:
                if isinstance(item, Observation):
                    seen["cloudtrail" if folder == "iam" else folder].append(item)
                else:
                    records.append(item)
    for folder, observations in seen.items():
        records += _derived(_FOLDERS[folder], observations)
    return Read(records, dict(quarantined))


def _derived(source: Source, observations: list[Observation]) -> list[Record]:
    return [record for record, _ in source.derive(observations)] if source.derive else []


def _entries(path: Path) -> Iterator[Entry]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    at = path.stat().st_mtime_ns // 1000
    for data in _split(path, raw):
        if data.strip():
            yield Entry(data, path.as_posix(), at)


def _split(path: Path, raw: bytes) -> list[bytes]:
    if path.suffix == ".gz":
        return [json.dumps(item).encode() for item in json.loads(raw)["Records"]]
    if path.suffix == ".yaml":
        return [json.dumps(item, default=_stamp).encode() for item in yaml.safe_load(raw)["items"]]
    return [raw] if path.suffix == ".hcl" or path.parent.name == "iam" else raw.splitlines()


def _stamp(value: object) -> str:
    return str(value).replace(" ", "T").replace("+00:00", "Z")


def actions_of(records: list[Record]) -> set[str]:
    """The ids of all actions."""
    return {record.id for record in records if isinstance(record, Action)}
