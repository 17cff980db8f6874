"""What the tests on Spark share: whether there is one, a session in this process, and how two answers are compared."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Mapping
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


_SAID = {
    "verdicts": "SELECT rec, time, verdict, linkage, basis, method, codes, root_cause FROM verdicts",
    "chains": """
        SELECT s.rec, s.how, c.node, c.kind, c.term, c.at_us, c.depth, c.codes, c.lent
        FROM steps s JOIN chains c ON c.use = s.use""",
    "parents": "SELECT s.rec, s.how, p.node, p.parent FROM steps s JOIN parents p ON p.use = s.use",
    "authorities": "SELECT a, id, kind FROM authorities",
    "keys": "SELECT key, a FROM keys",
    "terms": "SELECT * FROM terms",
    "faults": "SELECT rec, code, a FROM faults",
    "findings": """
        SELECT code, severity, key, kind, principal_type, principal_id, count, first_us, last_us FROM findings""",
    "samples": """
        SELECT f.code, f.key, f.principal_type, f.principal_id, s.rec, s.nth, s.action
        FROM samples s JOIN findings f ON f.finding = s.finding""",
}
"""All that results say. The numbers of findings and of chains are not in it: they tell rows apart and mean nothing."""


def differing_rows(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, int]:
    """Of everything in which two answers differ, how many rows only one of them has.

    Args:
        one, other: what to select from, by table of results.
    """
    connection = duckdb.connect()
    for schema, tables in (("one", one), ("other", other)):
        connection.execute(f"CREATE SCHEMA {schema}")
        for table in TABLES_OF_RESULTS:
            connection.execute(f"CREATE VIEW {schema}.{table} AS SELECT * FROM {tables[table]}")
    found = {}
    for what, sql in _SAID.items():
        for schema in ("one", "other"):
            connection.execute(f"SET search_path = '{schema}'")
            connection.execute(f"CREATE OR REPLACE TABLE {schema}.said AS {sql}")
        only = " UNION ALL ".join(
            f"(SELECT * FROM {a}.said EXCEPT ALL SELECT * FROM {b}.said)"
            for a, b in (("one", "other"), ("other", "one"))
        )
        count = connection.execute(f"SELECT count(*) FROM ({only})").fetchall()[0][0]
        if count:
            found[what] = int(count)
    return found


def results_of(case: Case) -> dict[str, str]:
    """What to select from for the results of a case."""
    return {table: case.snapshot().scan(table) for table in TABLES_OF_RESULTS}


def results_in(folder: Path) -> dict[str, str]:
    """The same for a folder that holds a folder of Parquet files for each table."""
    return {table: f"read_parquet('{folder}/{table}/*.parquet')" for table in TABLES_OF_RESULTS}
