"""From paths to verdicts: the stages in order.

    inputs -> records -> facts derived from what several records say together -> linkage -> verdicts and findings

Everything a stage leaves behind rests in the case; a killed run leaves the last complete state (case/store.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from quowarranto.case.config import Config, load_config
from quowarranto.case.derive import derive
from quowarranto.case.ingest import Totals, ingest
from quowarranto.case.inputs import Input, expand, recognise
from quowarranto.case.store import SPILL, Case, Snapshot, Writer
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import Clock, LinkageError, link
from quowarranto.results import save_whole
from quowarranto.revision.revise import revise


class Progress(Protocol):
    """Who wants to know how far a run has come."""

    def stage(self, title: str, total: int | None = None) -> None:
        """A stage begins; `total` is in bytes where it is known."""

    def advance(self, amount: int) -> None:
        """So many bytes more."""


class Quiet:
    """Nobody wants to know."""

    def stage(self, title: str, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self, amount: int) -> None:
        """Say nothing."""


class Outcome(msgspec.Struct, frozen=True):
    """What a run read; the verdicts are in the case. `commit` is 0 where there was no file to read."""

    totals: Totals
    inputs: list[Input]
    commit: int


def link_paths(
    case: Case,
    arguments: Sequence[str],
    *,
    judge: bool = True,
    memory: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Read `[TYPE=]PATH…` into a case and judge every action in it; without paths, judge again what is there.

    Args:
        case: created where it does not exist.
        arguments: files, folders, globs.
        judge: else records are added and wait for the next run.
        memory: limit of the embedded engine, e.g. `4GB`; it spills to disk beyond.
        threads: of the engine, and worker processes for reading; default one per core.
    Raises:
        SourceError, CaseError, ConfigError.
    """
    progress = progress or Quiet()
    config = load_config(case.folder)
    progress.stage("recognising")
    inputs = [recognise(path, kind) for kind, path in expand(arguments, leave_out=case.folder)]
    if arguments and not inputs:
        return Outcome(Totals(), [], 0)
    with case.writing() as writer:
        totals, before = Totals(), writer.last
        if inputs:
            totals = _read(writer, inputs, threads, progress)
            # what no source could read changes no verdict
            writer.commit("read" if totals.recorded or writer.last.what == "read" else "quarantined")
        if judge and (totals.recorded or not inputs):
            afresh = not inputs and before.judged  # a run that was interrupted is taken up where it was
            judge_case(writer, config, memory=memory, threads=threads, progress=progress, afresh=afresh)
            writer.commit("judged")
        return Outcome(totals, inputs, writer.last.number)


def _read(writer: Writer, inputs: list[Input], workers: int | None, progress: Progress) -> Totals:
    progress.stage("reading", sum(one.size for one in inputs))
    before = writer.snapshot()
    totals = ingest(writer, inputs, workers=workers, progress=progress.advance)
    derive(writer, before)
    return totals


def judge_case(
    writer: Writer,
    config: Config,
    *,
    memory: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    afresh: bool = False,
) -> None:
    """Judge what was read and stage the results: what the records read since the last judgement touch, or everything.

    Both give the same verdicts (SPEC 7). Everything is judged where it was asked for (`afresh`), where nothing was
    judged before in this way, and where judging so large a part would cost more than the whole.
    """
    progress = progress or Quiet()
    clock = Clock(config.skew_us, config.window_us)
    was = None if afresh else writer.judged()
    with tempfile.TemporaryDirectory(prefix=SPILL, dir=writer.folder) as spill:
        for strong in (False, True):

            def fresh(strong: bool = strong) -> DuckDB:
                return DuckDB(memory=memory, threads=threads, spill=Path(spill), strong_hashes=strong)

            try:
                if was is None or not revise(fresh(), writer, clock, was, progress.stage):
                    engine = fresh()
                    load(engine, writer.snapshot())
                    link(engine, clock, progress.stage)
                    progress.stage("writing")
                    save_whole(engine, writer, clock)
            except LinkageError:
                if strong:
                    raise
                continue
            return


def load(engine: DuckDB, snapshot: Snapshot) -> None:
    """Put the records of a case before the engine."""
    engine.view("actions_in", f"SELECT * FROM {snapshot.scan('actions')}")
    engine.view(
        "facts_in",
        f"SELECT * FROM {snapshot.scan('facts')} UNION ALL SELECT * FROM {snapshot.scan('derived')}",
    )
