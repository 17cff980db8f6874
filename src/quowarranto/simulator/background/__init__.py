"""Routine work: what goes on all day, rightly, by the thousand. It is streamed, in slices of time."""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

from quowarranto.records import Instant
from quowarranto.simulator import organisation
from quowarranto.simulator.background.aws import RoutineCalls
from quowarranto.simulator.background.kubernetes import RoutineRequests
from quowarranto.simulator.background.native import RoutineRecords
from quowarranto.simulator.background.vault import RoutineReads
from quowarranto.simulator.scene import HOUR, Logs
from quowarranto.simulator.truth import TruthLog

_PER_SLICE = 20_000
_FEWEST_SLICES = 4
_REQUESTS_PER_WORKLOAD = 24


class _Routine(Protocol):
    def write(self, count: int, start: Instant, end: Instant) -> None:
        """Write exactly so many actions that begin between two moments, and what is true of them."""


def fill(logs: Logs, truth: TruthLog, count: int, seed: int, begin: Instant, end: Instant) -> None:
    """Write so many actions of routine work, and with them the scenarios' lines, about in order of time."""
    works = organisation.routine(count)[: max(3, count * 2 // 5 // _REQUESTS_PER_WORKLOAD)]
    routines: tuple[tuple[float, _Routine], ...] = (
        (0.4, RoutineRequests(logs.kubernetes, truth, seed, works)),
        (0.2, RoutineReads(logs, truth, seed)),
        (0.2, RoutineCalls(logs.trails, truth, seed)),
        (0.2, RoutineRecords(logs, truth, seed, count, begin)),
    )
    slices = max(_FEWEST_SLICES, count // _PER_SLICE)
    first = begin + HOUR  # the scenario that writes Vault's roles is over by then
    edges = [first + (end - 2 * HOUR - first) * number // slices for number in range(slices + 1)]
    for number, (start, stop) in enumerate(pairwise(edges)):
        logs.release(start)
        todo = _share(count, number, slices)
        left = todo
        for share, routine in routines[1:]:
            part = min(left, int(todo * share))
            routine.write(part, start, stop)
            left -= part
        routines[0][1].write(left, start, stop)


def _share(count: int, number: int, slices: int) -> int:
    return count * (number + 1) // slices - count * number // slices
