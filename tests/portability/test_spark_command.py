"""`quo link --engine spark` as a user runs it: Spark on this machine, and through a server of Spark Connect."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.portability.spark import FEW_ROWS, MISSING, differing_rows, results_in, results_of
from tests.quo import quo

from quowarranto.case.store import Case
from quowarranto.simulator import simulate_skewed

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

SETTINGS = [part for name, value in FEW_ROWS.items() for part in ("--spark-conf", f"{name}={value}")]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A case judged by the embedded engine."""
    folder = tmp_path_factory.mktemp("judged [here]")
    simulate_skewed(folder / "log.jsonl", 300)
    ran = quo(folder, "link", "log.jsonl", "--threads", "1")
    assert ran.code == 0, ran.err
    return Case(folder / "quo.case")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server of Spark Connect, which runs until the tests of this file end."""
    import pyspark

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = Path(pyspark.__file__).parent
    settings = [f"--conf={name}={value}" for name, value in FEW_ROWS.items() if name != "spark.driver.memory"]
    started = subprocess.Popen(
        [
            *(str(home / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", "1g"),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
            *(f"--conf=spark.connect.grpc.binding.port={port}", "--conf=spark.connect.grpc.binding.address=127.0.0.1"),
            *settings,
            "spark-internal",
        ],
        cwd=tmp_path_factory.mktemp("server"),
        env={**os.environ, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, started)
        yield f"sc://127.0.0.1:{port}"
    finally:
        started.terminate()
        started.wait(60)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert process.poll() is None, "the server did not start"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError("the server does not answer")


def test_spark_on_this_machine_judges_a_case(judged: Case, tmp_path: Path) -> None:
    """In a folder whose name Spark would take for a pattern; nothing is left behind beside the case."""
    folder = tmp_path / "a [b] {c} d"
    folder.mkdir()
    log = judged.folder.parent / "log.jsonl"
    spark = ("--engine", "spark", "--threads", "2", "--memory", "1GB")
    ran = quo(folder, "link", str(log), *spark, *SETTINGS, "--format", "json", "--fail-on", "low", seconds=900)
    assert ran.code == 10, ran.err
    assert json.loads(ran.out)["actions"] == 300
    assert differing_rows(results_of(judged), results_of(Case(folder / "quo.case"))) == {}
    assert [path.name for path in folder.iterdir()] == ["quo.case"]
    assert list((folder / "quo.case").glob("quo-spill-*")) == []


def test_records_of_a_lake_are_judged_through_spark_connect(judged: Case, server: str, tmp_path: Path) -> None:
    """The tables of the case copied to Parquet folders; results there are the case's, and there is no case."""
    snapshot = judged.snapshot()
    for table in ("actions", "facts"):
        (tmp_path / "lake" / table).mkdir(parents=True)
        target = tmp_path / "lake" / table / "1.parquet"
        duckdb.connect().execute(f"COPY (SELECT * FROM {snapshot.scan(table)}) TO '{target}' (FORMAT parquet)")
    lake = f"parquet:{tmp_path / 'lake'}"
    places = ("--spark-actions", f"{lake}/actions", "--spark-facts", f"{lake}/facts", "--spark-results", f"{lake}/out")
    spark = ("--engine", "spark", "--spark-connect", server, "--spark-folder", f"file://{tmp_path / 'kept'}")
    ran = quo(tmp_path, "link", *spark, *places, "--format", "json", seconds=900)
    assert ran.code == 0, ran.err
    assert sum(json.loads(ran.out)["verdicts"].values()) == 300
    assert differing_rows(results_of(judged), results_in(tmp_path / "lake" / "out")) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lake"]


def test_numbers_that_stand_twice_are_refused(judged: Case, server: str, tmp_path: Path) -> None:
    [file] = judged.snapshot().files("actions")
    twice = ("--spark-actions", f"parquet:{_plain(file, tmp_path)}") * 2
    facts = ("--spark-facts", f"parquet:{_plain(judged.snapshot().files('facts')[0], tmp_path)}")
    spark = ("--engine", "spark", "--spark-connect", server, "--spark-results", f"parquet:{tmp_path / 'out'}")
    ran = quo(tmp_path, "link", *spark, *twice, *facts, seconds=900)
    assert (ran.code, ran.err.splitlines()[0]) == (1, "error: two rows of the records have one number in `rec`")


def test_a_setting_of_the_server_is_not_one_of_a_session(server: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("")
    simulate_skewed(tmp_path / "log.jsonl", 10)
    ran = quo(
        *(tmp_path, "link", "log.jsonl", "--engine", "spark", "--spark-connect", server),
        *("--spark-conf", "spark.driver.memory=2g"),
        seconds=900,
    )
    assert ran.code == 2, ran.err
    assert "`spark.driver.memory` is fixed when the server starts" in ran.err


def _plain(file: str, folder: Path) -> Path:
    """A copy under a name that is no pattern."""
    target = folder / Path(file).parent.name
    target.mkdir(exist_ok=True)
    (target / "1.parquet").write_bytes(Path(file).read_bytes())
    return target
