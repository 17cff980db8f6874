"""A session of Spark: inside this process, on a cluster by its master URL, or through Spark Connect."""

from __future__ import annotations

import os
import re
import shutil
import socket
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from quowarranto.case.config import EngineConfig
from quowarranto.errors import ConfigError, EngineError
from quowarranto.linkage.engines.spark import Spark, local_uri

MakeSpark = Callable[[bool], Spark]
Fresh = Callable[[], Any]
"""Makes a session that has no views yet."""
_OLDEST = 4
_PATIENCE_S = 10
_LOG = """\
rootLogger.level = off
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = spark: %p %c{1}: %m%n
"""
"""A Spark that runs here prints nothing, for it might quote a record; `spark.log.level` lets it, to standard error."""
_INSTALL = "pip install 'quowarranto[spark]'"


@contextmanager
def engines(config: EngineConfig, memory: str | None, threads: int | None, spill: Path) -> Iterator[MakeSpark]:
    """Makes engines on Spark; what one kept is removed when the next is made and when the context ends.

    Args:
        config: where Spark is. A session that this process has already is taken where neither a master nor a server
            is named.
        memory: of a Spark that runs here, e.g. `4GB`.
        threads: of a Spark that runs here.
        spill: folder of this machine where such a one keeps what it needs meanwhile; an absolute path.
    Raises:
        ConfigError: PySpark or Java is missing, or Spark does not take a setting.
        EngineError: the cluster cannot be reached, or it failed.
    """
    made: list[Spark] = []

    def close() -> None:
        with suppress(Exception):  # a cluster that is gone has nothing to remove, and another error to tell
            made.pop().close()

    with explained(), ExitStack() as stack:
        fresh = stack.enter_context(sessions(config, memory, threads, spill))
        if re.search(r"[\\*?\[\]{}]", str(spill)):  # Spark would take it for a pattern, and finds no tables there
            spill = Path(stack.enter_context(TemporaryDirectory()))

        def make(strong_hashes: bool) -> Spark:
            if made:
                close()
            session, folder = fresh(), config.folder
            if folder is None and config.connect is None and _is_local(session.conf.get("spark.master")):
                folder = local_uri(spill / "relations", pattern=False)
            made.append(Spark(session, f"quo_{uuid.uuid4().hex}", folder, strong_hashes=strong_hashes))
            return made[0]

        try:
            yield make
        finally:
            if made:
                close()


@contextmanager
def sessions(config: EngineConfig, memory: str | None, threads: int | None, spill: Path) -> Iterator[Fresh]:
    """Opens Spark, and stops what was started for it. Arguments and errors as of `engines`."""
    try:
        warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
        from pyspark.logger import PySparkLogger
        from pyspark.sql import SparkSession
    except ImportError:
        need = "pyspark 4.0 or later"
        raise ConfigError("Spark is asked for, and PySpark is not installed", need=need, hint=_INSTALL) from None
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True  # they print what `explained` says, with the whole plan
    if config.connect is not None:
        with _connected(SparkSession, config) as fresh:
            yield fresh
        return
    running = SparkSession.getActiveSession() if config.master is None else None
    session = running or _started(SparkSession, config, memory, threads, spill)
    try:
        _new_enough(session)
        yield session.newSession
    finally:
        if running is None:
            session.stop()


@contextmanager
def _connected(spark: Any, config: EngineConfig) -> Iterator[Fresh]:
    url = str(config.connect)
    found = re.match(r"sc://([^:/;]+|\[[^]]+\])(?::(\d+))?(?=[/;]|$)", url)
    if found is None:
        raise ConfigError("that is no address of Spark Connect", at=url.partition(";")[0], need="sc://HOST:PORT")
    _reach([(found[1].strip("[]"), int(found[2] or 15002))], "the Spark Connect server")
    opened: list[Any] = []

    def fresh() -> Any:
        try:
            session = spark.builder.remote(url).create()
        except ImportError:
            raise ConfigError("Spark Connect needs packages that are not installed", hint=_INSTALL) from None
        opened.append(session)
        _new_enough(session)
        for name, value in config.conf.items():
            if not session.conf.isModifiable(name):
                raise ConfigError(f"`{name}` is fixed when the server starts", need="a setting of a session")
            session.conf.set(name, value)
        return session

    try:
        yield fresh
    finally:
        for session in opened:
            session.stop()


def _started(spark: Any, config: EngineConfig, memory: str | None, threads: int | None, spill: Path) -> Any:
    master = config.master or f"local[{threads or '*'}]"
    settings = {"spark.ui.showConsoleProgress": "false"}
    if _is_local(master):
        settings |= _here(memory, spill)
    else:
        _reach(_hosts(master), "the Spark master")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise ConfigError(
            "Spark is asked for, and there is no Java",
            need="Java 17 or later, on the PATH or by JAVA_HOME",
            hint="install it (on Debian: openjdk-17-jre-headless), or use `--spark-connect`, which needs none here",
        )
    builder = spark.builder.master(master).appName("quowarranto")
    for name, value in (settings | config.conf).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _here(memory: str | None, spill: Path) -> dict[str, str]:
    """Settings of a Spark inside this process: it listens to nobody else and leaves its files in the spill folder."""
    log = spill / "log4j2.properties"
    log.write_text(_LOG, encoding="utf-8")
    return {
        "spark.driver.extraJavaOptions": f'"-Dlog4j2.configurationFile={log.as_uri()}"',
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "16",
        "spark.local.dir": str(spill),
        "spark.sql.warehouse.dir": local_uri(spill / "warehouse", pattern=False),
        **({"spark.driver.memory": _heap(memory)} if memory else {}),
    }


def _heap(memory: str) -> str:
    """A size as Java spells it.

    Raises:
        ConfigError: a share of the machine's memory, which Java does not take.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])i?B", memory, re.IGNORECASE)
    if found is None:
        raise ConfigError("`--memory` in percent is understood by the embedded engine only", need="a size like 4GB")
    return f"{int(float(found[1]) * 1024 ** ('KMGT'.index(found[2].upper())))}k"


def _is_local(master: str) -> bool:
    return master == "local" or master.startswith("local[")


def _hosts(master: str) -> list[tuple[str, int]]:
    """Hosts and ports that a master URL names; none where Spark finds the cluster in another way (YARN, Kubernetes)."""
    if not master.startswith("spark://"):
        return []
    places = (place.rpartition(":") for place in master.removeprefix("spark://").split(","))
    return [(host, int(port)) for host, _, port in places if host and port.isdigit()]


def _reach(hosts: list[tuple[str, int]], what: str) -> None:
    """Fail at once where nobody answers; Spark itself goes on trying for minutes.

    Raises:
        EngineError: none of them answers.
    """
    why = ""
    for host, port in hosts:
        try:
            socket.create_connection((host, port), _PATIENCE_S).close()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
        else:
            return
    if hosts:
        raise EngineError(
            f"{what} cannot be reached: {why}",
            at=", ".join(f"{host}:{port}" for host, port in hosts),
            need="a cluster that runs, and a way to it from this machine",
            hint="check the address, or leave it out to run Spark on this machine",
        )


def _new_enough(session: Any) -> None:
    if int(session.version.partition(".")[0]) < _OLDEST:
        raise EngineError(f"the cluster runs Spark {session.version}", need=f"Spark {_OLDEST}.0 or later")


@contextmanager
def explained() -> Iterator[None]:
    """What Spark raises, as an error of ours. Its own text is not shown, since it might quote a log.

    Raises:
        EngineError
    """
    try:
        yield
    except Exception as error:
        names = {kind.__name__ for kind in type(error).__mro__}
        if names & {"Py4JNetworkError", "ConnectionRefusedError"}:
            raise EngineError(
                "the Java process of Spark ended; the case holds its last complete state",
                hint="give it more memory, with `--memory` or spark.driver.memory",
            ) from error
        if not names & {"PySparkException", "Py4JError"}:
            raise
        condition = getattr(error, "getCondition", lambda: None)()
        raise _explained(condition or _java_class(error) or type(error).__name__) from error


def _java_class(error: Exception) -> str | None:
    with suppress(Exception):
        return str(error.java_exception.getClass().getName())  # type: ignore[attr-defined]
    return None


def _explained(condition: str) -> EngineError:
    if condition == "JAVA_GATEWAY_EXITED":
        need = "Java 17 or later, and what `spark.` settings ask of this machine"
        return EngineError("Java could not start Spark", need=need, hint="what it printed above says why")
    if condition.startswith("PATH_NOT_FOUND"):
        return EngineError(
            "the cluster does not see a file or folder that it is to read",
            need="a case, or paths, on storage that the cluster has under the same name",
            hint="put the case there, or keep the records in tables of the lake: `--spark-actions`, `--spark-facts`",
        )
    return EngineError(
        f"Spark failed: {condition}",
        need="a Spark that finishes its jobs; a case holds its last complete state",
        hint="look into Spark's own log, which says more (here: `--spark-conf spark.log.level=ERROR`)",
    )
