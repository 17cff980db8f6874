"""CloudTrail's files of any size: sessions of roles, what they read and wrote."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from quowarranto.simulator.background.aws import RoutineCalls
from quowarranto.simulator.logs import TrailLog
from quowarranto.simulator.scene import MINUTE
from quowarranto.simulator.systems import aws
from quowarranto.simulator.world import START

_PER_FILE = 5_000


def simulate_cloudtrail(folder: Path, size: int, *, seed: int = 7, start: datetime = START) -> int:
    """Write unpacked trail files of together about `size` bytes (never fewer) and return how many events they hold."""
    trails = {
        region: TrailLog(folder, aws.ACCOUNT, region, _PER_FILE, packed=False) for region in (aws.HOME, aws.GLOBAL)
    }
    routine = RoutineCalls(trails, None, seed)
    at, events = int(start.timestamp()) * 1_000_000, 0
    while sum(trail.written for trail in trails.values()) < size:
        routine.write(_PER_FILE, at, at + 10 * MINUTE)
        at, events = at + 10 * MINUTE, events + _PER_FILE
    for trail in trails.values():
        trail.close(at)
    return events
