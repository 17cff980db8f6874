"""From paths to verdicts: the stages in order.

    inputs -> records -> facts derived from what several records say together -> linkage -> verdicts and findings

Everything a stage leaves behind rests in the case; a killed run leaves the last complete state (case/store.py).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from quowarranto.backend import Limits, embedded, opened
from quowarranto.case.config import Config, EngineConfig, load_config
from quowarranto.case.correlating import Correlate, correlated
from quowarranto.case.derive import derive
from quowarranto.case.ingest import Totals, ingest, readers
from quowarranto.case.inputs import STANDARD_INPUT, Input, expand, piped_and_named, recognise
from quowarranto.case.store import SPILL, Case, Snapshot, Writer, write_parquet
from quowarranto.case.tables import TABLES
from quowarranto.linkage.engines import Engine
from quowarranto.linkage.run import Clock, LinkageError, link
from quowarranto.results import STREAMS, queries, save_results
from quowarranto.revision.index import index_whole
from quowarranto.revision.revise import revise
from quowarranto.sources import configured

if TYPE_CHECKING:
    from quowarranto.backend.lake import Lake

E = TypeVar("E", bound=Engine)


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
    engine: EngineConfig | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Read `[TYPE=]PATH…` into a case and judge every action in it; without paths, judge again what is there.

    `-` is the standard input; it is kept in a temporary file as long as the run lasts.

    Args:
        case: created where it does not exist.
        arguments: files, folders, globs.
        judge: else records are added and wait for the next run.
        memory: limit of the embedded engine, e.g. `4GB`; it spills to disk beyond.
        threads: of the engine, and worker processes for reading; default one per core.
        engine: which one judges; default what `quo.toml` says, else the embedded one.
    Raises:
        SourceError, CaseError, ConfigError, EngineError.
    """
    progress = progress or Quiet()
    config = load_config(case.folder)
    progress.stage("recognising")
    with tempfile.TemporaryDirectory(prefix=SPILL) as kept:
        inputs = _inputs(arguments, case, config, Path(kept))
        if arguments and not inputs:
            return Outcome(Totals(), [], 0)
        return _link_inputs(case, inputs, config, Limits(memory, threads), engine, progress, judge=judge)


def _inputs(arguments: Sequence[str], case: Case, config: Config, kept: Path) -> list[Input]:
    """What the arguments name, each with its type; the standard input is kept in the folder `kept`."""
    sources = configured(config.sources)
    piped, named = piped_and_named(arguments)
    found = [recognise(path, kind, sources) for kind, path in expand(named, leave_out=case.folder)]
    if piped:
        file = kept / STANDARD_INPUT
        with file.open("wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out, 1 << 20)
        one = recognise(file, piped[0], sources)
        found.append(msgspec.structs.replace(one, path=STANDARD_INPUT, kept_at=str(file)))
    return found


def _link_inputs(
    case: Case,
    inputs: list[Input],
    config: Config,
    limits: Limits,
    engine: EngineConfig | None,
    progress: Progress,
    *,
    judge: bool,
) -> Outcome:
    with readers(inputs, limits.threads) as pool, case.writing() as writer:
        totals, before = Totals(), writer.last
        if inputs:
            totals = _read(writer, inputs, config, pool, limits.threads, progress)
            # what no source could read changes no verdict
            writer.commit("read" if totals.recorded or writer.last.what == "read" else "quarantined")
        if judge and (totals.recorded or not inputs):
            afresh = not inputs and before.judged  # a run that was interrupted is taken up where it was
            judge_case(writer, config, engine or config.engine, limits, progress, afresh=afresh)
            writer.commit("judged")
        return Outcome(totals, inputs, writer.last.number)


def _read(
    writer: Writer,
    inputs: list[Input],
    config: Config,
    pool: Executor | None,
    workers: int | None,
    progress: Progress,
) -> Totals:
    progress.stage("reading", sum(one.size for one in inputs))
    before = writer.snapshot()
    totals = ingest(writer, inputs, pool=pool, settings=config.sources, workers=workers, progress=progress.advance)
    derive(writer, before, configured(config.sources))
    return totals


def judge_case(
    writer: Writer,
    config: Config,
    which: EngineConfig | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    *,
    afresh: bool = False,
) -> None:
    """Judge what was read and stage the results: what the records read since the last judgement touch, or everything.

    Both give the same verdicts (SPEC 7). Everything is judged where it was asked for (`afresh`), where nothing was
    judged before in this way, where judging so large a part would cost more than the whole, and on a cluster.
    """
    progress, which, limits = progress or Quiet(), which or config.engine, limits or Limits()
    with tempfile.TemporaryDirectory(prefix=SPILL, dir=writer.folder.resolve()) as spill:
        folder = Path(spill)
        was = None if afresh or which.name != "embedded" else writer.judged()
        if was is None or not _revise(writer, config, limits, was, folder, progress):
            _judge(writer, config, which, limits, folder, progress)


def _revise(writer: Writer, config: Config, limits: Limits, was: Snapshot, folder: Path, progress: Progress) -> bool:
    """Judge what is touched; False where everything has to be judged.

    A declared join may give any record of the case a key, so there everything is.
    """
    if config.correlate:
        return False
    engine = embedded(limits, folder)
    try:
        clock = Clock(config.skew_us, config.window_us)
        name = by_settings(engine.name, config)
        return revise(
            engine, writer, clock, was, folder / "revision", progress.stage, name=name, expectations=config.expect
        )
    except LinkageError:  # two names share a hash
        return False
    finally:
        engine.connection.close()


def by_settings(engine: str, config: Config) -> str:
    """The name of an engine with a mark of the settings that it judges by: only runs of one name can be added up."""
    return " ".join((engine, config.fingerprint)).strip()


def _judge(
    writer: Writer, config: Config, which: EngineConfig, limits: Limits, folder: Path, progress: Progress
) -> None:
    snapshot = writer.snapshot()
    progress.stage("engine")
    with opened(which, limits, folder, lambda result: writer.new_file(STREAMS[result])) as make:
        engine = linked(make, lambda engine: load(engine, snapshot, folder, config.correlate), config, progress)
        progress.stage("writing")
        save_results(engine, writer, folder / "results")
        name = by_settings(engine.name, config)
    clock = Clock(config.skew_us, config.window_us)
    index = embedded(limits, folder)
    index_whole(index, writer, clock, name, folder / "index")
    index.connection.close()


def linked(make: Callable[[bool], E], take_in: Callable[[E], None], config: Config, progress: Progress) -> E:
    """An engine that has judged what `take_in` puts before it; where two names share a hash, with stronger ones."""
    clock = Clock(config.skew_us, config.window_us)
    for strong in (False, True):
        engine = make(strong)
        take_in(engine)
        try:
            link(engine, clock, progress.stage, expectations=config.expect)
        except LinkageError:
            if strong:
                raise
        else:
            break
    return engine


def link_lake(
    lake: Lake,
    config: Config,
    *,
    memory: str | None = None,
    threads: int | None = None,
    engine: EngineConfig | None = None,
    progress: Progress | None = None,
) -> dict[str, dict[str, int]]:
    """Judge records that lie in tables of a lake, and write the results there.

    Args:
        lake: where they are; columns as of a case.
        config: the clock, and the engine where none is named.
        memory, threads: of a Spark that runs here.
        engine: Spark, and where it is.
    Returns: how many actions have each verdict, how many findings each severity (`verdicts`, `severities`).
    Raises:
        ConfigError, EngineError.
    """
    from quowarranto.backend.lake import counted, load_lake, save_lake
    from quowarranto.backend.spark import engines as opened_spark

    progress = progress or Quiet()
    progress.stage("engine")
    with (
        tempfile.TemporaryDirectory(prefix=SPILL) as spill,
        opened_spark(engine or config.engine, memory, threads, Path(spill)) as make,
    ):
        spark = linked(make, lambda one: load_lake(one, lake), config, progress)
        progress.stage("writing")
        save_lake(spark, queries(spark), lake.results)
        return counted(spark)


def load(engine: Engine, snapshot: Snapshot, folder: Path, joins: Sequence[Correlate] = ()) -> None:
    """Put the records of a case before the engine, with the keys of declared joins; `folder` is for passing files."""
    keyed = correlated(snapshot, joins, folder) if joins else {}
    for table in ("actions", "facts", "derived"):
        files = [str(Path(file).absolute()) for file in snapshot.files(table)]
        if not files:
            nothing = folder / f"no-{table}.parquet"
            write_parquet(TABLES[table].empty(), nothing)
            files = [str(nothing)]
        if table not in keyed:
            engine.read(f"read_{table}", files)
            continue
        columns = ", ".join(name for name, _ in TABLES[table].columns())
        engine.read(f"plain_{table}", files)
        engine.read(f"keyed_{table}", [keyed[table]])
        others = f"SELECT {columns} FROM plain_{table} WHERE rec NOT IN (SELECT rec FROM keyed_{table})"
        engine.view(f"read_{table}", f"{others} UNION ALL SELECT {columns} FROM keyed_{table}")
    engine.view("actions_in", "SELECT * FROM read_actions")
    engine.view("facts_in", "SELECT * FROM read_facts UNION ALL SELECT * FROM read_derived")
