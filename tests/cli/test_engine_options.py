"""`quo link --engine spark`, as far as it can be asked for without a Spark: what is refused, and how that is said."""

from __future__ import annotations

import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.quo import quo

from quowarranto.backend.lake import Place, place_of
from quowarranto.backend.spark import sessions
from quowarranto.case.config import EngineConfig, load_config
from quowarranto.errors import ConfigError

needs_pyspark = pytest.mark.skipif(find_spec("pyspark") is None, reason="needs `pip install quowarranto[spark]`")
LINE = (
    '{"kind":"action","id":"a1","time":"2026-03-01T09:00:00Z","principal":{"type":"workload","id":"w"},'
    '"action":"get","resource":{"type":"pod","id":"p"}}\n'
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text(LINE)
    return path


def _open(tmp_path: Path, config: EngineConfig, memory: str | None = None) -> None:
    with sessions(config, memory, None, tmp_path) as fresh:
        fresh()


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.logger", None)
    with pytest.raises(ConfigError) as caught:
        _open(tmp_path, EngineConfig("spark"))
    assert "  try: pip install 'quowarranto[spark]'" in caught.value.lines()


@needs_pyspark
def test_without_java_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ConfigError) as caught:
        _open(tmp_path, EngineConfig("spark"))
    assert " need: Java 17 or later, on the PATH or by JAVA_HOME" in caught.value.lines()


@needs_pyspark
@pytest.mark.parametrize("scheme", ["master", "connect"])
def test_a_cluster_that_does_not_answer_is_said_at_once(scheme: str, log: Path, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"{'sc' if scheme == 'connect' else 'spark'}://127.0.0.1:{port}"
        ran = quo(tmp_path, "link", log.name, "--engine", "spark", f"--spark-{scheme}", url)
    assert ran.code == 1
    assert "cannot be reached: connection refused" in ran.err
    assert f"   at: 127.0.0.1:{port}" in ran.err


@needs_pyspark
@pytest.mark.parametrize(
    ("config", "memory", "message"),
    [
        (EngineConfig("spark", connect="http://host"), None, "that is no address of Spark Connect"),
        (EngineConfig("spark"), "50%", "in percent is understood by the embedded engine only"),
    ],
)
def test_what_spark_cannot_take_is_refused(
    config: EngineConfig, memory: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        _open(tmp_path, config, memory)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--spark-master", "local[2]"), "need --engine spark"),
        (("--spark-conf", "a=b"), "need --engine spark"),
        (("--engine", "spark", "--spark-conf", "a"), "not KEY=VALUE"),
        (("--engine", "spark", "--spark-master", "m", "--spark-connect", "sc://h"), "two ways to a cluster"),
        (("--engine", "spark", "--spark-actions", "a"), "need --spark-facts, --spark-results too"),
        (("--engine", "oracle"), "is not one of"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: tuple[str, ...], message: str, log: Path) -> None:
    ran = quo(log.parent, "link", log.name, *options)
    assert ran.code == 2
    assert message in ran.err


def test_tables_of_a_lake_are_instead_of_logs(log: Path) -> None:
    lake = ("--spark-actions", "a", "--spark-facts", "f", "--spark-results", "r")
    ran = quo(log.parent, "link", log.name, "--engine", "spark", *lake)
    assert (ran.code, "instead of one" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("lake.audit.actions", Place("lake.audit.actions")),
        ("parquet:/data/actions", Place("/data/actions", "parquet")),
        ("delta:s3a://bucket/actions", Place("s3a://bucket/actions", "delta")),
        ("iceberg:lake.audit", Place("lake.audit", "iceberg")),
    ],
)
def test_a_place_is_a_table_or_a_path_with_its_format(text: str, place: Place) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize("text", ["/data/actions", "s3a://bucket/actions"])
def test_a_path_needs_its_format(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place_of(text)
    assert caught.value.need == f"FORMAT:PATH, like parquet:{text}"


def test_the_engine_may_stand_in_the_settings_of_the_case(tmp_path: Path) -> None:
    (tmp_path / "quo.toml").write_text(
        '[engine]\nname = "spark"\nconnect = "sc://host:15002"\nfolder = "s3a://bucket/quo"\n'
        '[engine.conf]\n"spark.executor.memory" = "8g"\n"spark.sql.shuffle.partitions" = 400\n'
    )
    conf = {"spark.executor.memory": "8g", "spark.sql.shuffle.partitions": "400"}
    engine = load_config(tmp_path).engine
    assert engine == EngineConfig("spark", None, "sc://host:15002", "s3a://bucket/quo", conf)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('name = "oracle"', 2, "there is no such engine"),
        ("folder = 3", 2, "`folder` is not a text"),
        ('master = "m"\nconnect = "c"', 3, "`master` and `connect` are two ways to a cluster"),
        ("conf = 3", 2, "`conf` is not a list of settings"),
        ('nmae = "spark"', 2, "`nmae` is not a setting"),
    ],
)
def test_an_engine_that_cannot_be_obeyed_is_named_with_its_line(
    text: str, line: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "quo.toml").write_text(f"[engine]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert (caught.value.message, caught.value.at) == (message, f"{tmp_path / 'quo.toml'}:{line}")
