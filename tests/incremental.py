"""Linking as records trickle in against linking all of them at once: `python -m tests.incremental [N] …`.

Random worlds are cut into random batches in random order and linked one batch after the other into a real case, each
time judging only what the batch touches. After every batch each verdict, code, chain, fault and finding must be what an
engine says that is given all records so far at once. Worlds share a case by the batch (`tests/together.py` says why
that keeps them apart), every tenth has one of its own. What differs is printed; the exit code is then 1.

`--mutants` plants faults: it drops each of the rules that say what a batch touches and what must lie before the engine,
and prints those whose loss no world shows.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from quowarranto.backend import Limits
from quowarranto.case import query
from quowarranto.case.columns import Located, action_table, fact_table
from quowarranto.case.config import Config
from quowarranto.case.ingest import stage_rows
from quowarranto.case.reading import first_number
from quowarranto.case.store import Case
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import Clock
from quowarranto.pipeline import judge_case
from quowarranto.records import Action, AuthorityFact, Origin, Record, content_digest
from quowarranto.results import name_severities
from quowarranto.revision import closure, differing, folding, revise, touched
from tests import engine
from tests.model import Judgement
from tests.together import Batch, in_order
from tests.worlds import EXPECTATIONS, PEOPLE, SECOND, START, THINGS, world

ACTIONS = 40
WORLDS = 20
"""In one case; every so many-th is linked alone too."""
ALONE = 10
MUTANT_PARTS = 6
"""Batches that worlds are cut into to look for a lost rule."""

Findings = list[tuple[Any, ...]]


class Growing:
    """A case that records are added to, batch by batch."""

    def __init__(self, folder: Path) -> None:
        self.case = Case(folder)
        self.rows: list[Located] = []
        self.whole = 0

    def add(self, records: Sequence[Record]) -> None:
        """Put records into the case and judge what they touch."""
        with self.case.writing() as writer:
            number = first_number(writer.number, 0)
            rows = [
                Located(record, Origin("world", number + n, 0, ""), "world", number + n)
                for n, record in enumerate(records)
            ]
            acts = [row for row in rows if isinstance(row.record, Action)]
            facts = [row for row in rows if not isinstance(row.record, Action)]
            stage_rows(writer, "actions", action_table(acts, 0), len(acts))
            stage_rows(writer, "facts", fact_table(facts, 0), len(facts))
            writer.commit("read")
            self.rows += rows
            judge_case(writer, Config(expect=EXPECTATIONS), limits=Limits(threads=1))
            writer.commit("judged")

    def judgements(self) -> list[Judgement]:
        """What the case says of every action."""
        records = {row.rec: row.record for row in self.rows}
        return in_order(
            Judgement(
                action=row["id"],
                content=content_digest(records[row["rec"]]),
                verdict=row["verdict"],
                linkage=row["linkage"],
                basis=row["basis"],
                method=row["method"],
                codes=tuple(code for code in row["codes"].split(",") if code),
                root_cause=row["root_cause"],
                authorities=tuple((one["key"], one["kind"]) for one in row["authorities"]),
            )
            for row in query.verdicts(self.case.snapshot())
        )

    def faults(self) -> list[tuple[Any, ...]]:
        """Which authority is at fault in which action."""
        return sorted(
            (row["id"], row["rec"], fault["code"], fault["key"])
            for row in query.verdicts(self.case.snapshot())
            for fault in row["faults"]
        )

    def findings(self) -> Findings:
        """Findings with their samples."""
        names = ("code", "severity", "key", "kind", "principal_type", "principal_id", "count", "first_us", "last_us")
        return sorted(
            ((*(row[name] for name in names), tuple(row["sample"])) for row in query.findings(self.case.snapshot())),
            key=repr,
        )

    def counts(self) -> tuple[Any, ...]:
        """Facts and authorities that the case says it has."""
        connection = query.connect(self.case.snapshot(), "runs")
        return tuple(connection.execute("SELECT facts, authorities FROM runs ORDER BY run DESC LIMIT 1").fetchall()[0])


class AtOnce:
    """The same records before one engine."""

    def __init__(self, rows: Sequence[Located]) -> None:
        self.rows = rows
        self.engine = DuckDB(threads=1)
        engine.take_in(self.engine, list(rows))
        self.judgements = in_order(engine.judged(self.engine, list(rows), Clock(), expectations=EXPECTATIONS))

    def faults(self) -> list[tuple[Any, ...]]:
        return sorted(
            self.engine.rows(
                "SELECT DISTINCT i.id, f.rec, f.code, n.id FROM fault f JOIN actions_in i ON i.rec = f.rec "
                "JOIN authority n ON n.a = f.a"
            )
        )

    def findings(self) -> Findings:
        name_severities(self.engine)
        return sorted(
            (
                (*row[:-1], tuple(row[-1]))
                for row in self.engine.rows(
                    "SELECT f.code, s.severity, n.id, n.kind, p.type, p.id, f.actions, f.first_us, f.last_us, "
                    "(SELECT list(m.action ORDER BY m.nth) FROM sample m WHERE m.finding = f.finding) "
                    "FROM finding f JOIN severity_of s ON s.code = f.code "
                    "LEFT JOIN authority n ON n.a = f.a LEFT JOIN principal p ON p.p = f.p"
                )
            ),
            key=repr,
        )

    def counts(self) -> tuple[int, int]:
        return len({content_digest(row.record) for row in self.rows if not isinstance(row.record, Action)}), (
            self.engine.count("authority")
        )


def cut(records: Sequence[Record], rng: random.Random, parts: int) -> list[list[Record]]:
    """Records in so many batches, in random order: most of them first and few by few, or all alike."""
    shuffled = list(records)
    rng.shuffle(shuffled)
    if rng.random() < 0.3:  # all of one kind come late: the control records, or the actions
        shuffled.sort(key=lambda one: isinstance(one, Action), reverse=rng.random() < 0.7)
    shares = [rng.choice((0.02, 0.02, 0.1, 1.0)) for _ in range(parts)]
    shares[0] = rng.choice((0.3, 2.0, 6.0))
    ends = [round(len(shuffled) * sum(shares[: n + 1]) / sum(shares)) for n in range(parts)]
    return [shuffled[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def differences(worlds: Sequence[Sequence[Record]], seed: int, parts: int = 4) -> list[str]:
    """What differs after some batch of worlds that are cut at random; empty where nothing does."""
    rng = random.Random(seed)
    cuts = [cut(records, rng, parts) for records in worlds]
    batches = [[record for records in cuts for record in records[part]] for part in range(parts)]
    for batch in batches:
        rng.shuffle(batch)
    return differing_batches(batches, f"seed {seed}")


def differing_batches(batches: Sequence[Sequence[Record]], name: str) -> list[str]:
    """What differs after the first of these batches after which anything does."""
    found: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="quo-growing-") as folder,
        patch.object(revise, "MOST", 2.0),
    ):
        growing = Growing(Path(folder) / "quo.case")
        for number, batch in enumerate(batches, 1):
            growing.add(batch)
            at_once = AtOnce(growing.rows)
            for what, ours, theirs in (
                ("judgements", growing.judgements(), at_once.judgements),
                ("faults", growing.faults(), at_once.faults()),
                ("findings", growing.findings(), at_once.findings()),
                ("counts", [growing.counts()], [at_once.counts()]),
            ):
                if ours != theirs:
                    found.append(f"{name}, batch {number}: {what}: {_first(ours, theirs)}")
            if found:
                return found
    return found


def _first(ours: Sequence[Any], theirs: Sequence[Any]) -> str:
    """The first of what only one side says."""
    mine, its = [one for one in ours if one not in theirs][:2], [one for one in theirs if one not in ours][:2]
    return f"in the case {mine}, at once {its}"


def of_seeds(seeds: Sequence[int]) -> list[str]:
    """Differences of the worlds of these seeds: linked together, and every `ALONE`-th alone."""
    found = differences(Batch([world(seed, ACTIONS) for seed in seeds]).worlds, seeds[0])
    for seed in seeds:
        if not seed % ALONE:
            found += differences([world(seed, ACTIONS)], seed)
    return found


def run(worlds: int, first: int, processes: int) -> Iterator[list[str]]:
    """The differences of each batch of worlds, as it ends."""
    batches = [range(at, min(at + WORLDS, first + worlds)) for at in range(first, first + worlds, WORLDS)]
    with ProcessPoolExecutor(processes) as pool:
        for done in as_completed([pool.submit(of_seeds, list(seeds)) for seeds in batches]):
            yield done.result()


def _rotated_and_used_before() -> list[list[Record]]:
    """That a late user of a rotated credential was one of its users before becomes known later (SPEC 5, QW402)."""

    def used(name: str, time: int) -> Action:
        return Action(
            id=name, time=time, principal=PEOPLE[0], action="x", resource=THINGS[0], origin="here", cites=("key",)
        )

    late: list[Record] = [
        AuthorityFact(kind="policy", id="ground", time=START),
        AuthorityFact(kind="credential", id="key", time=START, cites=("ground",)),
        AuthorityFact(kind="credential", id="key", time=START + 60 * SECOND, fact="ended", end="rotated"),
        used("late", START + 120 * SECOND),
    ]
    return [late, [used("early", START + 30 * SECOND)]]


MADE = {"rotated and used before": _rotated_and_used_before()}
"""What random worlds hold too seldom, as batches."""


@dataclass(frozen=True)
class Mutant:
    """A rule of `revision` that is lost: an entry of a table of rules, or a rule by itself."""

    module: ModuleType
    table: str
    rule: str | None = None
    instead: str = "SELECT CAST(NULL AS BIGINT) AS rec WHERE FALSE"

    def __str__(self) -> str:
        return f"{self.module.__name__.rpartition('.')[2]}.{self.table}" + (f": {self.rule}" if self.rule else "")

    def planted(self) -> Any:
        """A context in which the rule is lost."""
        if self.rule is None:
            return patch.object(self.module, self.table, self.instead)
        return patch.dict(getattr(self.module, self.table), {self.rule: self.instead})


_NO_H = "SELECT CAST(0 AS UBIGINT) AS h WHERE FALSE"
MUTANTS: tuple[Mutant, ...] = (
    *(Mutant(touched, "RULES", rule) for rule in touched.RULES),
    *(Mutant(touched, "CHAINS", rule, "SELECT 0, 0, 0, 0 WHERE FALSE") for rule in touched.CHAINS),
    Mutant(touched, "PARTNERS"),
    Mutant(touched, "ISSUED"),
    Mutant(differing, "_MEMBERS", instead="SELECT CAST(NULL AS STRING) AS key WHERE FALSE"),
    Mutant(differing, "_RENAMED", instead="SELECT CAST(NULL AS STRING), 0, 0 WHERE FALSE"),
    Mutant(differing, "_ALIASES", instead="SELECT id AS key, id AS other FROM {facts} WHERE FALSE"),
    *(Mutant(closure, "_SEEDS", seed, _NO_H) for seed in closure._SEEDS),
    Mutant(closure, "_EMPOWERING", instead=_NO_H),
    Mutant(closure, "_RESTING", instead=_NO_H),
    Mutant(closure, "_MEMBERS", instead=_NO_H),
    Mutant(closure, "_NEW_ALIAS", instead="SELECT id AS key, id AS other FROM new_fact WHERE FALSE"),
    Mutant(closure, "_CULPRITS", instead="SELECT CAST(NULL AS STRING) AS id WHERE FALSE"),
    Mutant(closure, "_ROTATED", instead="SELECT CAST(0 AS BIGINT) AS a, '' AS id WHERE FALSE"),
    Mutant(closure, "_STAYING", instead="SELECT '' AS key, '' AS origin WHERE FALSE"),
    Mutant(folding, "_STEPS", "before", "SELECT * FROM old_findings WHERE FALSE"),
)


def unseen(mutant: Mutant, worlds: int, first: int = 0) -> bool:
    """Whether neither the made worlds nor so many random ones show that the rule is lost."""
    with mutant.planted():
        return not any(differing_batches(batches, name) for name, batches in MADE.items()) and not any(
            differences(Batch([world(seed, ACTIONS) for seed in range(at, at + WORLDS)]).worlds, at, MUTANT_PARTS)
            for at in range(first, first + worlds, WORLDS)
        )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.incremental", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("worlds", nargs="?", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--mutants", action="store_true", help="drop each rule and look whether it is missed")
    given = parser.parse_args(arguments)
    if given.mutants:
        return _mutants(given.worlds, given.processes)
    begun = time.monotonic()
    found: list[str] = []
    for number, some in enumerate(run(given.worlds, given.first, given.processes), 1):
        found += some
        for one in some:
            print(one, flush=True)
        print(f"{min(number * WORLDS, given.worlds)} worlds, {len(found)} differ, {time.monotonic() - begun:.0f} s")
    return 1 if found else 0


def _mutants(worlds: int, processes: int) -> int:
    lost = 0
    with ProcessPoolExecutor(processes) as pool:
        for mutant, found in zip(MUTANTS, pool.map(_fate, range(len(MUTANTS)), repeat(worlds)), strict=True):
            lost += found
            print(f"{'UNSEEN' if found else 'seen  '}  {mutant}", flush=True)
    return 1 if lost else 0


def _fate(number: int, worlds: int) -> bool:
    return unseen(MUTANTS[number], worlds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
