"""Records and results as tables of a lake, which Spark reads and writes where they are: no case holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from quowarranto.case.tables import TABLES
from quowarranto.errors import ConfigError, EngineError
from quowarranto.linkage.engines.spark import Spark

_NOT_JUDGED = frozenset(("source", "file", "line", "byte_offset", "sha256", "read_at"))
"""Columns of a case that only say where and when a record was read."""


class Place(msgspec.Struct, frozen=True):
    """A table, or a path with its format; of results, the schema or folder that their tables are in."""

    name: str
    format: str | None = None

    def is_path(self) -> bool:
        """Whether it is a path; a table's name holds no `/`."""
        return "/" in self.name


class Lake(msgspec.Struct, frozen=True):
    """Where records are read and results are written. Facts may lie in several tables, and actions too."""

    actions: tuple[Place, ...]
    facts: tuple[Place, ...]
    results: Place


def place_of(text: str) -> Place:
    """`CATALOG.SCHEMA.TABLE`, `FORMAT:PATH` or `FORMAT:CATALOG.SCHEMA`.

    Raises:
        ConfigError: a path without a format.
    """
    found = re.fullmatch(r"([a-z][a-z0-9_]*):(?!//)(.+)", text)
    place = Place(found[2], found[1]) if found else Place(text)
    if place.is_path() and place.format is None:
        raise ConfigError(f"of `{text}` the format is not known", need=f"FORMAT:PATH, like parquet:{text}")
    return place


def load_lake(engine: Spark, lake: Lake) -> None:
    """Put the records before the engine.

    Raises:
        EngineError: a table is not there, lacks columns, or numbers of records stand twice.
    """
    for name, table, places in (("actions_in", "actions", lake.actions), ("facts_in", "facts", lake.facts)):
        columns = [column for column, _ in TABLES[table].columns() if column not in _NOT_JUDGED]
        parts = [f"{name}_{number}" for number in range(len(places))]
        for part, place in zip(parts, places, strict=True):
            reader = engine.session.read
            frame = reader.format(place.format).load(place.name) if place.is_path() else reader.table(place.name)
            frame.createOrReplaceTempView(part)
            missing = [column for column in columns if column not in frame.columns]
            if missing:
                need = "the columns of a case's tables (docs/reference/formats/case.md)"
                raise EngineError(f"columns are missing: {', '.join(missing)}", at=place.name, need=need)
        engine.view(name, " UNION ALL ".join(f"SELECT {', '.join(columns)} FROM {part}" for part in parts))
        if engine.rows(f"SELECT rec FROM {name} GROUP BY rec HAVING count(*) > 1 LIMIT 1"):
            raise EngineError(
                "two rows of the records have one number in `rec`",
                at=", ".join(place.name for place in places),
                need="numbers that are unique, as they are in one case",
                hint="read all logs into one case, or give the rows numbers of their own",
            )


def save_lake(engine: Spark, queries: Mapping[str, str], results: Place) -> None:
    """Write every table of results, in place of what it held; each by itself, `verdicts` last."""
    for table in sorted(queries, key=lambda table: (table == "verdicts", table)):
        writer = engine.query(queries[table]).write.mode("overwrite")
        if results.format:
            writer = writer.format(results.format)
        if results.is_path():
            writer.save(f"{results.name.rstrip('/')}/{table}")
        else:
            writer.saveAsTable(f"{results.name}.{table}")


def counted(engine: Spark) -> dict[str, dict[str, int]]:
    """How many actions have each verdict, and how many findings each severity."""
    queries: Sequence[tuple[str, str]] = (
        ("verdicts", "SELECT verdict, count(*) FROM verdict GROUP BY verdict"),
        (
            "severities",
            "SELECT s.severity, count(*) FROM finding f JOIN severity_of s ON s.code = f.code GROUP BY s.severity",
        ),
    )
    return {name: {str(key): int(count) for key, count in engine.rows(sql)} for name, sql in queries}
