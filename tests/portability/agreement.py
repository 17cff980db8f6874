"""Spark and the embedded engine on much of everything: `python -m tests.portability.agreement [WHAT]… [options]`.

WHAT is `worlds` (random ones, in one run), `organisation` (the simulated one) or `corpus` (real logs, when they lie
beside the project); without it all three. A difference in any row is printed, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.engine import judged, located, take_in
from tests.portability.spark import MISSING, differing_rows, local_session, results_of, spark_engine
from tests.test_corpus import CORPUS
from tests.together import Batch, in_order
from tests.worlds import EXPECTATIONS, world

from quowarranto.case.config import EngineConfig
from quowarranto.case.store import Case
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import Clock
from quowarranto.pipeline import link_paths
from quowarranto.simulator import simulate

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "8",
}


def worlds(session: Any, folder: Path, given: argparse.Namespace) -> Iterator[str]:
    """Numbers of the worlds that the engines judge differently."""
    batch = Batch([world(seed) for seed in range(given.first, given.first + given.worlds)])
    rows = located(batch.records)
    embedded = DuckDB(threads=2)
    take_in(embedded, rows)
    engine = spark_engine(session, folder / "relations")
    for name in ("actions_in", "facts_in"):
        engine.read(name, [str(path) for path in embedded.write(f"SELECT * FROM {name}", folder / name)])
    here, there = (batch.apart(judged(one, rows, Clock(), expectations=EXPECTATIONS)) for one in (embedded, engine))
    engine.close()
    print(f"  {len(rows)} records in {len(here)} worlds, {sum(map(len, here))} actions judged", flush=True)
    for number, (ours, theirs) in enumerate(zip(here, there, strict=True)):
        if in_order(ours) != in_order(theirs):
            yield f"world {given.first + number}"


def organisation(session: Any, folder: Path, given: argparse.Namespace) -> Iterator[str]:
    """Tables of results that differ for the simulated organisation."""
    simulate(folder, actions=given.actions)
    yield from _cases(session, folder, [folder / "logs"])


def corpus(session: Any, folder: Path, given: argparse.Namespace) -> Iterator[str]:
    """The same for the real logs."""
    if not given.corpus.is_dir():
        print(f"  left out, for there is no {given.corpus}", flush=True)
        return
    yield from _cases(session, folder, [path for path in sorted(given.corpus.iterdir()) if path.is_dir()])


def _cases(session: Any, folder: Path, logs: Sequence[Path]) -> Iterator[str]:
    here, there = Case(folder / "here.case"), Case(folder / "there.case")
    link_paths(here, [str(path) for path in logs], threads=2, judge=False)
    shutil.copytree(here.folder, there.folder)
    for case, engine in ((here, EngineConfig()), (there, EngineConfig("spark", folder=f"file://{folder}/relations"))):
        begun = time.monotonic()
        link_paths(case, [], engine=engine)
        print(f"  {engine.name}: {time.monotonic() - begun:.0f} s", flush=True)
    rows = here.snapshot().files("verdicts")
    print(f"  {len(here.snapshot().files('actions'))} files of actions, {len(rows)} of verdicts", flush=True)
    for table, count in differing_rows(results_of(here), results_of(there)).items():
        yield f"{table}: {count} rows"


PARTS = {"worlds": worlds, "organisation": organisation, "corpus": corpus}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.portability.agreement", description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--actions", type=int, default=1_000_000)
    parser.add_argument("--corpus", type=Path, default=CORPUS, metavar="FOLDER")
    parser.add_argument("--memory", default="2g", help="of Spark's Java process")
    given = parser.parse_args(arguments)
    if MISSING:
        print(MISSING, file=sys.stderr)
        return 2
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        settings = SETTINGS | {"spark.driver.memory": given.memory, "spark.local.dir": str(base)}
        with local_session(base, settings) as session:
            for what in given.what or PARTS:
                print(what, flush=True)
                (base / what).mkdir()
                found += [f"{what}: {difference}" for difference in PARTS[what](session, base / what, given)]
                shutil.rmtree(base / what)
    print(f"{len(found)} differences: {found[:20]}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
