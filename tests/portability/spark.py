"""What the tests on Spark share: whether there is one, a session in this process, and how two answers are compared."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from quowarranto.case.store import Case
from quowarranto.linkage.engines.spark import Spark
from quowarranto.results import TABLES_OF_RESULTS

MISSING = (
    "needs `pip install quowarranto[spark]`"
    if importlib.util.find_spec("pyspark") is None
    else "Spark needs Java 17 or later"
    if shutil.which("java") is None
    else ""
)
"""Why there is no Spark here; empty where there is one."""

FEW_ROWS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # nor does optimising bytecode pay
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",  # compiling costs more than it saves on a few rows
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@contextmanager
def local_session(folder: Path, settings: dict[str, str]) -> Iterator[Any]:
    """A session of a Spark of two threads in this process; its files go to `folder`."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("quowarranto")
    for name, value in {**settings, "spark.sql.warehouse.dir": f"file://{folder}/warehouse"}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def spark_engine(session: Any, folder: Path, **options: Any) -> Spark:
    """An engine that keeps its relations under a folder of this machine."""
    return Spark(session.newSession(), f"quo_{uuid4().hex}", f"file://{folder}", **options)


def differing_rows(one: Case, other: Case) -> dict[str, int]:
    """Of every table of results in which two cases differ, how many rows only one of them has."""
    connection = duckdb.connect()
    found = {}
    for table in TABLES_OF_RESULTS:
        a, b = (f"SELECT * FROM {case.snapshot().scan(table)}" for case in (one, other))
        only = f"(({a}) EXCEPT ALL ({b})) UNION ALL (({b}) EXCEPT ALL ({a}))"
        count = connection.execute(f"SELECT count(*) FROM ({only})").fetchall()[0][0]
        if count:
            found[table] = int(count)
    return found
