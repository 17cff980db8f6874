"""The step texts run unchanged on Spark and give the model's answers. Skipped where there is no `pyspark` or no Java.

A statement takes Spark a second or so however little there is to do, so many worlds and cases go into one run. More of
them, and larger ones: `python -m tests.portability.agreement`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.cases_io import disagreements, load_cases
from tests.engine import judged, located, take_in
from tests.model import judge as model_judge
from tests.portability.collisions import same_hash
from tests.portability.spark import (
    FEW_ROWS,
    MISSING,
    differing_rows,
    local_session,
    results_in,
    results_of,
    spark_engine,
)
from tests.together import Batch
from tests.worlds import world

from quowarranto.case.config import Config, EngineConfig
from quowarranto.case.store import Case
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.engines.spark import Spark
from quowarranto.linkage.run import Clock
from quowarranto.pipeline import Quiet, link_paths, linked, load
from quowarranto.results import queries
from quowarranto.simulator import simulate, simulate_skewed

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

WORLDS = range(30)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with local_session(tmp_path_factory.mktemp("spark"), FEW_ROWS) as session:
        yield session


def test_spark_judges_cases_and_worlds_as_the_model_does(session: Any, tmp_path: Path) -> None:
    """Cases of another clock, of QW105 and with expectations, which one run cannot ask of each by itself, are left to
    the other tests; the expectations that random worlds are judged by apply to all.
    """
    standard = Clock()
    cases = [
        case
        for case in load_cases()
        if (case.skew_us, case.window_us) == (standard.skew_us, standard.window_us)
        and "QW105" not in str(case.expect)
        and not case.expectations
    ]
    batch = Batch([*(case.records for case in cases), *(world(seed) for seed in WORLDS)])
    rows = located(batch.records)
    engine = spark_engine(session, tmp_path / "relations")
    embedded = DuckDB(threads=1)
    take_in(embedded, rows)
    for name in ("actions_in", "facts_in"):  # inputs go by way of Parquet files, as those of a case do
        engine.read(name, [str(path) for path in embedded.write(f"SELECT * FROM {name}", tmp_path / name)])
    judgements = judged(engine, rows, standard)
    assert [n for n in batch.differing(judgements, model_judge) if n >= len(cases)] == []
    found = zip(cases, batch.apart(judgements), strict=False)
    assert {case.name: wrong for case, one in found if (wrong := disagreements(case, one))} == {}
    engine.close()
    assert not (tmp_path / "relations").exists()


def test_a_case_judged_by_spark_is_the_case_judged_here(session: Any, tmp_path: Path) -> None:
    """Every row of every table of results; the session that this process has is taken, and left running."""
    simulate(tmp_path, actions=300)
    here, there = Case(tmp_path / "here.case"), Case(tmp_path / "there.case")
    link_paths(here, [str(tmp_path / "logs")], threads=1)
    link_paths(there, [str(tmp_path / "logs")], threads=1, judge=False)
    link_paths(there, [], engine=EngineConfig("spark", folder=f"file://{tmp_path / 'relations'}"))
    assert [commit.what for commit in there.commits()] == ["read", "judged"]
    assert here.snapshot().files("verdicts")
    assert differing_rows(results_of(here), results_of(there)) == {}
    assert session.range(3).count() == 3


def test_hot_keys_and_names_that_share_a_hash_change_nothing(session: Any, tmp_path: Path) -> None:
    """A credential of 30 % of all actions, its keys cut into slices; two verbs of one hash, so that it begins again."""
    log = tmp_path / "skewed.jsonl"
    simulate_skewed(log, 1000)
    one, other = same_hash()
    text = log.read_text()
    log.write_text(text.replace("object:get", one, 300).replace("job:run", other, 50))
    case = Case(tmp_path / "quo.case")
    link_paths(case, [str(log)], threads=1)
    asked: list[bool] = []

    def make(strong_hashes: bool) -> Spark:
        asked.append(strong_hashes)
        folder = tmp_path / f"relations-{strong_hashes}"
        return spark_engine(session, folder, strong_hashes=strong_hashes, most_rows=50)

    engine = linked(make, lambda engine: load(engine, case.snapshot(), tmp_path), Config(), Quiet())
    assert asked == [False, True]
    for table, sql in queries(engine).items():
        engine.write(sql, tmp_path / "there" / table)
    assert differing_rows(results_of(case), results_in(tmp_path / "there")) == {}
    engine.close()


@pytest.mark.parametrize("most_rows", [10, 97, 100_000])
def test_the_latest_before_is_found_in_every_slice(session: Any, tmp_path: Path, most_rows: int) -> None:
    """One key has most rows of both sides, and many of them at one moment."""
    rng = Random(most_rows)
    left = {(rng.choice("hhhhhab"), rng.randrange(60), number) for number in range(400)}
    right = {(rng.choice("hhhhab"), rng.randrange(60)) for _ in range(150)}
    inputs = {
        "lefts": "VALUES " + ", ".join(f"('{k}', CAST({t} AS BIGINT), {n})" for k, t, n in sorted(left)),
        "rights": "VALUES " + ", ".join(f"('{k}', CAST({t} AS BIGINT), {t} * 2)" for k, t in sorted(right)),
        "actions_in": "VALUES " + ", ".join(f"({n})" for n in range(most_rows if most_rows < 1000 else 1)),
        "facts_in": "VALUES (0), (1)",
    }
    columns = {"lefts": "k, until, n", "rights": "k, since, twice", "actions_in": "rec", "facts_in": "rec"}
    answers = []
    spark = spark_engine(session, tmp_path / "relations", most_rows=most_rows)
    for engine in (spark, DuckDB(threads=1)):
        for name, sql in inputs.items():
            engine.create(name, f"SELECT * FROM ({sql}) AS t({columns[name]})")
        engine.asof(
            "found",
            left="lefts",
            right="rights",
            keys=("k",),
            left_at="until",
            right_at="since",
            take=("since", "twice"),
        )
        answers.append(sorted(engine.rows("SELECT k, until, n, since, twice FROM found")))
    assert answers[0] == answers[1]
    assert len(answers[0]) > 300
    spark.close()


def test_no_task_looks_through_more_than_its_share_of_a_hot_key(session: Any, tmp_path: Path) -> None:
    """10,000 rows of one key, at most 1,000 at once: ten slices of about that many."""
    spark = spark_engine(session, tmp_path / "relations", most_rows=1000)
    spark.create("actions_in", "SELECT id AS rec FROM range(10000)")
    spark.create("facts_in", "SELECT id AS rec FROM range(10)")
    spark.create("lefts", "SELECT 'hot' AS k, id * 7 AS at FROM range(10000)")
    spark.create("rights", "SELECT 'hot' AS k, id * 7000 AS at FROM range(10)")
    slices = spark._slices("found", "lefts", "rights", "k", "at", "at")
    assert slices == 11
    sizes = spark.rows(
        "SELECT slice, count(*) FROM (SELECT size(filter(bounds, bound -> bound <= at)) AS slice "
        "FROM lefts JOIN found_bounds USING (k)) cut GROUP BY slice"
    )
    assert len(sizes) == slices
    assert max(count for _, count in sizes) <= 1100
    spark.close()
