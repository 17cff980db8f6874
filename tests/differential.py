"""The engine against the plain model on thousands of random worlds: `python -m tests.differential [N] …`.

Worlds are judged by the batch, every fiftieth alone as well (`tests/together.py` says why). Of each world that the two
judge differently a case file is left under `tests/cases/found`, shrunk to what the difference needs, with the answers
of the model; the exit code is then 1. Who is right is for a reader of the SPEC to say.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from typing import Any

import msgspec

from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.records import Action, Expectation, Record
from tests import engine
from tests.cases_io import FOLDER, MICROSECONDS
from tests.model import Judgement
from tests.model import judge as model_judge
from tests.together import Batch, in_order
from tests.worlds import EXPECTATIONS, shrink, shuffled, world, write_case

ACTIONS = 60
BATCH = 100
ALONE = 50
"""Every so many-th world is judged alone too."""
CLOCKS = {3: (0, 30), 7: (1, 5)}
"""Skew and window in seconds of every batch whose number ends in this digit, where not the defaults."""
SHRUNK = 3
"""Of so many differing worlds a case file is made; one fault shows in hundreds."""


class Judges:
    """The engine and the model by one clock and with the same expectations."""

    def __init__(self, skew_s: int = 2, window_s: int = 30, expectations: Sequence[Expectation] = ()) -> None:
        self.settings: dict[str, Any] = {"skew_s": skew_s, "window_s": window_s}
        if expectations:
            self.settings["expectations"] = msgspec.to_builtins(expectations)
        self.expectations = expectations
        self.skew_us, self.window_us = skew_s * MICROSECONDS, window_s * MICROSECONDS

    def engine(self, records: Sequence[Record]) -> list[Judgement]:
        found = engine.judge(
            records,
            engine=_duckdb(),
            skew_us=self.skew_us,
            window_us=self.window_us,
            expectations=self.expectations,
        )
        return in_order(found)

    def model(self, records: Sequence[Record]) -> list[Judgement]:
        return model_judge(records, skew_us=self.skew_us, window_us=self.window_us, expectations=self.expectations)

    def disagree(self, records: Sequence[Record]) -> bool:
        return self.engine(records) != self.model(records)


@cache
def _duckdb() -> DuckDB:
    return DuckDB(threads=1)


def _judges(number: int) -> Judges:
    return Judges(*CLOCKS.get(number % 10, (2, 30)), EXPECTATIONS if number % 4 == 1 else ())


def differing(seeds: Sequence[int], number: int) -> list[int]:
    """Seeds of the worlds of one batch that engine and model judge differently, together or alone.

    Every other batch is handed over shuffled: the order of arrival changes nothing (SPEC 7).
    """
    judges = _judges(number)
    worlds = [world(seed, ACTIONS) for seed in seeds]
    batch = Batch(worlds)
    together = judges.engine(shuffled(batch.records, number) if number % 2 else batch.records)
    found = {seeds[at] for at in batch.differing(together, judges.model)}
    found |= {
        seed for seed, records in zip(seeds, worlds, strict=True) if not seed % ALONE and judges.disagree(records)
    }
    return sorted(found)


def leave_case(seed: int, number: int) -> str:
    """Write the shrunk world as a case file; returns what to look at."""
    judges = _judges(number)
    if not judges.disagree(world(seed, ACTIONS)):
        return f"world {seed} differs only among the others of batch {number}"
    records = shrink(world(seed, ACTIONS), judges.disagree)
    path = FOLDER / "found" / f"world-{seed}.jsonl"
    about = f"what is left of world {seed}, of which engine and model differ"
    write_case(path, about, records, _expectation(judges.model(records)), **judges.settings)
    lost = " (its actions have stages, which no case file tells)" if _staged(records) else ""
    return f"world {seed}: {len(records)} records in {path.relative_to(FOLDER.parent.parent)}{lost}"


def _staged(records: Sequence[Record]) -> bool:
    return any(isinstance(one, Action) and one.stage for one in records)


def _expectation(judgements: Sequence[Judgement]) -> dict[str, dict[str, Any]]:
    """What the model says of each action id, as far as it says one thing of all records that bear it."""
    said: dict[str, list[dict[str, Any]]] = {}
    for one in judgements:
        fields = {"verdict": one.verdict, "linkage": one.linkage, "codes": list(one.codes), "basis": one.basis}
        more = {"method": one.method, "root_cause": one.root_cause, "authorities": [list(a) for a in one.authorities]}
        said.setdefault(one.action, []).append(fields | more)
    return {
        action: {name: value for name, value in first.items() if all(other[name] == value for other in rest)}
        for action, (first, *rest) in said.items()
    }


def run(worlds: int, first: int, processes: int) -> Iterator[tuple[int, list[int]]]:
    """The number of each batch, as it ends, and the differing seeds in it."""
    batches = {at // BATCH: range(at, min(at + BATCH, first + worlds)) for at in range(first, first + worlds, BATCH)}
    with ProcessPoolExecutor(processes) as pool:
        waiting = {pool.submit(differing, list(seeds), number): number for number, seeds in batches.items()}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="?", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    found: dict[int, int] = {}
    for done, (number, seeds) in enumerate(run(given.worlds, given.first, given.processes), 1):
        found |= dict.fromkeys(seeds, number)
        judged, spent = min(done * BATCH, given.worlds), time.monotonic() - begun
        print(f"{judged} worlds, {len(found)} differ, {spent:.0f} s", flush=True)
    for seed in sorted(found)[:SHRUNK]:
        print(leave_case(seed, found[seed]), flush=True)
    actions = given.worlds * ACTIONS
    print(f"{given.worlds} worlds, {actions} actions, {len(found)} differences: {sorted(found)[:20]}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
