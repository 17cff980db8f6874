"""Are the worlds able to see a fault? Faults planted in the SQL of the engine, one at a time.

    python -m tests.mutants [RELATION…] [--worlds N] [--processes N]

plants a fault at every place of every relation where one of the slips of `SLIPS` fits, judges random worlds until the
model disagrees, and prints every fault that no world shows. Some of those are no faults (a bound that cannot be met, an
order that nobody looks at): they are for a reader to judge, so the exit code says nothing. `tests/test_mutants.py`
plants a few by hand, each of which must be seen. Findings (`90_*.sql`) are not compared with the model and left out.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from threading import Timer
from unittest.mock import patch

import duckdb

from quowarranto.linkage import run
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import LinkageError
from quowarranto.linkage.steps import relations
from quowarranto.records import Record
from tests import engine
from tests.model import Judgement
from tests.model import judge as model_judge
from tests.together import Batch
from tests.worlds import world

WORLDS = 300
BATCH = 100
PATIENCE_S = 300
"""A batch takes a second or two; a fault that makes a join explode is not waited for."""

SLIPS: tuple[tuple[str, str], ...] = (
    (r" <= ", " < "),
    (r" < ", " <= "),
    (r" >= ", " > "),
    (r" > ", " >= "),
    (r" [+-] \$(skew|window)", ""),
    (r"\bmin\(", "max("),
    (r"\bmax\(", "min("),
    (r"\bleast\(", "greatest("),
    (r"\bmin_by\(", "max_by("),
    (r" DESC\b", ""),
    (r"\bLEFT JOIN\b", "JOIN"),
    (r"\bAND NOT\b", "AND"),
    (r"\bNOT IN\b", "IN"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bOR\b", "AND"),
    (r"\bTHEN 0 ELSE 1\b", "THEN 1 ELSE 0"),
    (r"\bTHEN 1 ELSE 0\b", "THEN 0 ELSE 1"),
    (r"\bROWS\b", "RANGE"),
    (r"\b1 FOLLOWING\b", "0 FOLLOWING"),
)


@dataclass(frozen=True)
class Mutant:
    """A relation with one fault in it."""

    relation: str
    text: str
    about: str

    @classmethod
    def planted(cls, relation: str, right: str, wrong: str) -> Mutant:
        """The relation with the one place where it says `right` saying `wrong`."""
        text = relations()[relation]
        if text.count(right) != 1:
            raise ValueError(f"relation `{relation}` says `{right}` {text.count(right)} times, not once")
        return cls(relation, text.replace(right, wrong), f"{right} -> {wrong}")


def mutants(names: Sequence[str] = ()) -> Iterator[Mutant]:
    """Every place of the named relations, or of all, where a slip fits; comments are left alone."""
    for name, text in relations().items():
        if (names and name not in names) or name in FINDINGS:
            continue
        for pattern, wrong in SLIPS:
            for found in re.finditer(pattern, text):
                line = text.rfind("\n", 0, found.start()) + 1
                if "--" not in text[line : found.start()]:
                    changed = text[: found.start()] + wrong + text[found.end() :]
                    around = text[max(line, found.start() - 40) : found.end() + 40].replace("\n", " ")
                    yield Mutant(name, changed, f"{found.group().strip()} -> {wrong.strip() or 'nothing'}: …{around}…")


FINDINGS = (
    *("use_fault_new", "fault_new", "fault_late", "fault_about", "finding_part_new", "fifth$x", "sample_part_new"),
    *("finding", "sample", "sample_early"),
)


@cache
def _batches(worlds: int) -> tuple[tuple[list[Record], list[Judgement]], ...]:
    """Batches of worlds and what the model says of them."""
    out = []
    for first in range(0, worlds, BATCH):
        batch = Batch([world(seed) for seed in range(first, min(first + BATCH, worlds))])
        expected = [one for records in batch.worlds for one in model_judge([*records, *batch.span])]
        out.append((batch.records, expected))
    return tuple(out)


def fate(mutant: Mutant, worlds: int = WORLDS) -> str:
    """`seen` by one of so many worlds, `unseen`, `no SQL` where the engine refuses the text, or `endless`."""
    changed = {**relations(), mutant.relation: mutant.text}
    with patch.object(run, "relations", lambda: changed):
        for records, expected in _batches(worlds):
            used = DuckDB(threads=1)
            alarm = Timer(PATIENCE_S, used.connection.interrupt)
            alarm.start()
            try:
                judgements = engine.judge(records, engine=used)
            except duckdb.InterruptException:
                return "endless"
            except duckdb.Error:
                return "no SQL"
            except LinkageError:
                return "seen"
            finally:
                alarm.cancel()
            if Counter(judgements) != Counter(expected):
                return "seen"
    return "unseen"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("relations", nargs="*", metavar="RELATION")
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    planted = list(mutants(given.relations))
    fates: Counter[str] = Counter()
    with ProcessPoolExecutor(given.processes) as pool:
        for mutant, what in zip(planted, pool.map(partial(fate, worlds=given.worlds), planted), strict=True):
            fates[what] += 1
            if what == "unseen":
                print(f"unseen  {mutant.relation}: {mutant.about}", flush=True)
    print(f"{len(planted)} planted: " + ", ".join(f"{count} {what}" for what, count in sorted(fates.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
