"""The step texts run unchanged on Spark and give the model's answers. Skipped where there is no `pyspark` or no Java.

A statement takes Spark a second or so however little there is to do, so many worlds and cases go into one run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.cases_io import disagreements, load_cases
from tests.engine import judged, located, take_in
from tests.model import Judgement
from tests.together import Batch
from tests.worlds import world

from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.engines.spark import Spark
from quowarranto.linkage.run import Clock
from quowarranto.records import Record

pyspark_sql = pytest.importorskip("pyspark.sql", reason="needs `pip install quowarranto[spark]`")
pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17 or later")

WORLDS = range(30)
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",  # compiling costs more than it saves on a few rows
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    builder = pyspark_sql.SparkSession.builder.master("local[2]").appName("quowarranto")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def _judged(engine: Spark, records: Sequence[Record], folder: Path) -> list[Judgement]:
    """Inputs go by way of Parquet files too, as those of a case do."""
    rows = located(records)
    embedded = DuckDB(threads=1)
    take_in(embedded, rows)
    for name in ("actions_in", "facts_in"):
        embedded.connection.execute(f"COPY {name} TO '{folder / name}' (FORMAT parquet)")
        engine.session.read.parquet(str(folder / name)).createOrReplaceTempView(name)
    return judged(engine, rows, Clock())


def test_spark_judges_cases_and_worlds_as_the_model_does(session: Any, tmp_path: Path) -> None:
    """Cases of another clock, and of QW105, which one run cannot ask of each by itself, are left to the other tests."""
    standard = Clock()
    cases = [
        case
        for case in load_cases()
        if (case.skew_us, case.window_us) == (standard.skew_us, standard.window_us) and "QW105" not in str(case.expect)
    ]
    batch = Batch([*(case.records for case in cases), *(world(seed) for seed in WORLDS)])
    judgements = _judged(Spark(session, str(tmp_path / "relations")), batch.records, tmp_path)
    assert [n for n in batch.differing(judgements) if n >= len(cases)] == []
    found = zip(cases, batch.apart(judgements), strict=False)
    assert {case.name: wrong for case, one in found if (wrong := disagreements(case, one))} == {}


def test_spark_with_the_other_hashes_gives_the_same_answer(session: Any, tmp_path: Path) -> None:
    batch = Batch([world(seed, 20) for seed in range(100, 105)])
    engine = Spark(session, str(tmp_path / "relations"), strong_hashes=True)
    assert batch.differing(_judged(engine, batch.records, tmp_path)) == []
