"""The embedded engine: DuckDB in this process, spilling to disk when memory is short."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from quowarranto.case.store import parquet

_SPELLINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bexplode\("), "unnest("),
    (re.compile(r"\bcardinality\("), "len("),
    (re.compile(r"\barray_one\("), "list_value("),
    (re.compile(r"\barray_contains\("), "list_contains("),
    (re.compile(r"\bstartswith\("), "starts_with("),
)


_WRITTEN = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v2"
"""Results are numbers and names from short lists: a stronger compression costs a third more and saves a twelfth."""

_SHARE = 0.9
"""Of the memory that is given, what the engine may count on: what it does not count, and Python, came to a tenth."""

_HASHES = ("(a)", "(a, b)", "(a, b, c)")


class DuckDB:
    """Relations as temporary tables of one connection.

    Args:
        memory: limit of the process, e.g. `4GB`; beyond it relations spill to `spill`.
        threads: default one per core.
        spill: folder for what does not fit in memory.
        strong_hashes: slower ones, for the case that two names were found to share a fast one.
        files: gives a path for a new Parquet file of a result's rows. With it, results that grow with the actions are
            written as soon as they are known (`streamed` then names the files and their rows); else they are kept.
    """

    def __init__(
        self,
        *,
        memory: str | None = None,
        threads: int | None = None,
        spill: Path | None = None,
        strong_hashes: bool = False,
        files: Callable[[str], Path] | None = None,
    ) -> None:
        self._files = files
        self.memory: int | None = None
        self.streamed: dict[str, list[tuple[Path, int]]] = {}
        self.connection = duckdb.connect(":memory:")
        self.name = f"duckdb {duckdb.__version__}" + (" with strong hashes" if strong_hashes else "")
        """Engines of one name give one name one hash."""
        self._set("preserve_insertion_order", False)
        self._set("enable_progress_bar", False)
        if memory:
            self._set("memory_limit", memory)
            self.memory = int(_bytes(self.rows("SELECT current_setting('memory_limit')")[0][0]) * _SHARE)
            self._set("memory_limit", f"{self.memory / 1e6:.0f}MB")
        if threads:
            self._set("threads", threads)
        if spill:
            self._set("temp_directory", str(spill))
        how = "md5_number_lower(CAST(to_json(row{0}) AS VARCHAR))" if strong_hashes else "hash{0}"
        overloads = ", ".join(f"{names} AS {how.format(names)}" for names in _HASHES)
        self.connection.execute(f"CREATE TEMP MACRO hash64{overloads}")

    def _set(self, name: str, value: object) -> None:
        text = _quoted(value) if isinstance(value, str) else str(value).lower()
        self.connection.execute(f"SET {name} = {text}")

    def create(self, name: str, sql: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {_spelled(sql)}")

    def view(self, name: str, sql: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {_spelled(sql)}")

    def create_labels(self, name: str, sql: str) -> None:
        """Texts become members of an enumeration: a result that repeats them is written at a third of the cost."""
        self.create(name, sql)
        if self._files is None:
            return
        columns = []
        for column, kind, *_ in self.connection.execute(f"DESCRIBE {name}").fetchall():
            members = ""
            if kind == "VARCHAR":
                different = f"SELECT DISTINCT {column} FROM {name} WHERE {column} IS NOT NULL"
                members = ", ".join(_quoted(text) for (text,) in self.rows(different))
            columns.append(f"CAST({column} AS ENUM({members})) AS {column}" if members else column)
        self.create(name, f"SELECT {', '.join(columns)} FROM {name}")

    def append(self, name: str, sql: str) -> None:
        self.connection.execute(f"INSERT INTO {name} {_spelled(sql)}")

    def stream(self, name: str, sql: str, *, begin: bool) -> None:
        if self._files is None:
            (self.create if begin else self.append)(name, sql)
            return
        if begin:
            self.streamed[name] = []
        path = self._files(name)
        if rows := self._copied(sql, path):
            self.streamed[name].append((path, rows))

    def rename(self, old: str, new: str) -> None:
        self.connection.execute(f"DROP TABLE IF EXISTS {new}")
        self.connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def drop(self, *names: str) -> None:
        for name in names:
            self.connection.execute(f"DROP TABLE IF EXISTS {name}")

    def count(self, name: str) -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])

    def read(self, name: str, files: Sequence[str]) -> None:
        self.view(name, f"SELECT * FROM {parquet(files)}")

    def write(self, sql: str, folder: Path) -> list[Path]:
        folder.mkdir(parents=True)
        path = folder / "part.parquet"
        return [path] if self._copied(sql, path) else []

    def _copied(self, sql: str, path: Path) -> int:
        """Write a query's rows as one Parquet file; none where there are no rows. Returns how many."""
        done = self.connection.execute(f"COPY ({_spelled(sql)}) TO {_quoted(str(path))} ({_WRITTEN})").fetchall()
        rows = int(done[0][0])
        if not rows:
            path.unlink(missing_ok=True)
        return rows

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(_spelled(sql)).fetchall()

    def asof(
        self,
        name: str,
        *,
        left: str,
        right: str,
        keys: tuple[str, ...],
        left_at: str,
        right_at: str,
        take: tuple[str, ...],
    ) -> None:
        on = " AND ".join([*(f"l.{key} = r.{key}" for key in keys), f"l.{left_at} >= r.{right_at}"])
        columns = ", ".join(["l.*", *(f"r.{column}" for column in take)])
        self.create(name, f"SELECT {columns} FROM {left} l ASOF JOIN {right} r ON {on}")


def _bytes(text: str) -> int:
    """What the engine says of a size: `5.1 GiB`."""
    number, unit = text.split()
    return int(float(number) * 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _spelled(sql: str) -> str:
    for pattern, spelling in _SPELLINGS:
        sql = pattern.sub(spelling, sql)
    return sql
