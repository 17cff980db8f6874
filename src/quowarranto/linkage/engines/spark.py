"""The distributed engine: the same relations on a Spark session (4.0 or later), local, on a cluster or through Connect.

Imports nothing of Spark: it is handed a session, so that the package does not need it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SPELLINGS: tuple[tuple[re.Pattern[str], str], ...] = ((re.compile(r"\barray_one\("), "array("),)
_HASH = re.compile(r"\bhash64\(([^()]*)\)")
_NOT_IN = re.compile(r"([\w.]+)\s+NOT\s+IN\s*\((?=\s*SELECT\b)")
_MOST_SLICES = 1000


class Spark:
    """Relations as tables, each computed once, under temporary views of a session.

    Args:
        session: a `pyspark.sql.SparkSession` of whose views nobody else makes use.
        database: name of the database to make for the relations, in the session's own catalog; it must not exist.
        folder: URI of where they are kept, on storage that all executors reach; default the cluster's warehouse.
            Tables and not `localCheckpoint`: they outlive an executor, Spark knows their true size, where a checkpoint
            keeps the estimate of its plan, which doubles in length with every level of a chain, and dropping them
            takes their files away, whatever the storage.
        strong_hashes: slower ones, for the case that two names were found to share a fast one.
        most_rows: more rows of one key than this are not looked through by one task alone (see `asof`).
    """

    def __init__(
        self,
        session: Any,
        database: str,
        folder: str | None = None,
        *,
        strong_hashes: bool = False,
        most_rows: int = 1_000_000,
    ) -> None:
        self.session = session
        self.session.conf.set("spark.sql.ansi.enabled", "true")  # no number is cut off in silence
        self._partitions = int(self.session.conf.get("spark.sql.shuffle.partitions"))
        self._database = f"spark_catalog.{database}"
        self._most_rows = most_rows
        self._hash = _strong_hash if strong_hashes else r"xxhash64(\1)"
        self._tables: dict[str, list[str]] = {}
        self.name = "spark" + (" with strong hashes" if strong_hashes else "")
        self.memory: int | None = None
        self.streamed: dict[str, list[tuple[Path, int]]] = {}
        self._written = 0
        self._few: bool | None = None
        self.session.sql(f"CREATE DATABASE {self._database}" + (f" LOCATION {_text(folder)}" if folder else ""))

    def close(self) -> None:
        """Remove everything that was kept."""
        self.session.sql(f"DROP DATABASE IF EXISTS {self._database} CASCADE")
        self._tables.clear()

    def read(self, name: str, files: Sequence[str]) -> None:
        self.session.read.parquet(*map(local_uri, files)).createOrReplaceTempView(name)

    def write(self, sql: str, folder: Path) -> list[Path]:
        frame = self.query(sql)
        frame.write.option("compression", "zstd").parquet(local_uri(folder, pattern=False))
        return sorted(folder.glob("part-*.parquet"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.session.sql(self._spelled(sql)).collect()]

    def query(self, sql: str) -> Any:
        """A frame to be written; a UNION would add up the partitions of its parts, this has no more than one has."""
        return self.session.sql(self._spelled(sql)).coalesce(self._partitions)

    def create(self, name: str, sql: str) -> None:
        table = self._kept(sql)
        self.session.table(table).createOrReplaceTempView(name)
        self._forget(name)
        self._tables[name] = [table]

    def view(self, name: str, sql: str) -> None:
        self.session.sql(self._spelled(sql)).createOrReplaceTempView(name)

    def create_labels(self, name: str, sql: str) -> None:
        self.create(name, sql)

    def append(self, name: str, sql: str) -> None:
        self._tables[name].append(self._kept(sql))
        self._show(name)

    def stream(self, name: str, sql: str, *, begin: bool) -> None:
        (self.create if begin else self.append)(name, sql)

    def rename(self, old: str, new: str) -> None:
        self._forget(new)
        self._tables[new] = self._tables.pop(old)
        self._show(new)
        self.session.catalog.dropTempView(old)

    def drop(self, *names: str) -> None:
        for name in names:
            self.session.catalog.dropTempView(name)
            self._forget(name)

    def count(self, name: str) -> int:
        return int(self.session.table(name).count())

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
        """Both sides in one sequence per keys, `right` first where times are equal; each row of `left` takes the latest
        of `right` so far.

        A sequence is the work of one task. Where keys have more than `most_rows`, the sequences of these keys are cut
        into slices of time of about that many, and what was latest at the end of a slice is carried into the next ones:
        the answer is the same, whatever the cuts.
        """
        by = ", ".join(keys)
        taken = ", ".join(f"taken.{column}" for column in take)
        sides = (
            f"SELECT {by}, {left_at} AS at, 1 AS side, struct(*) AS row, NULL AS taken FROM {left} "
            f"UNION ALL SELECT {by}, {right_at}, 0, NULL, struct({', '.join(take)}) FROM {right}"
        )
        slices = self._slices(name, left, right, by, left_at, right_at)
        if slices:
            self.view(f"{name}_sides", sides)
            self.view(f"{name}_sliced", _sliced(f"{name}_sides", f"{name}_bounds", keys))
            self.create(f"{name}_carried", _carried(f"{name}_sliced", f"{name}_bounds", by, slices))
            sides = f"SELECT * FROM {name}_sliced UNION ALL SELECT * FROM {name}_carried"
            by += ", slice"
        self.create(
            name,
            f"SELECT row.*, {taken} FROM ("
            f"  SELECT row, last_value(taken) IGNORE NULLS OVER (PARTITION BY {by} ORDER BY at, side"
            "          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS taken"
            f"  FROM ({sides}) sides"
            ") together WHERE row IS NOT NULL AND taken IS NOT NULL",
        )
        if slices:
            self.drop(f"{name}_sides", f"{name}_sliced", f"{name}_carried", f"{name}_bounds")

    def _slices(self, name: str, left: str, right: str, by: str, left_at: str, right_at: str) -> int:
        """Into how many slices keys with many rows are to be cut, and `NAME_bounds` says where; 0: there are none."""
        if self._few is None:
            self._few = self.count("actions_in") + self.count("facts_in") <= self._most_rows
        if self._few:
            return 0
        both = f"(SELECT {by}, {left_at} AS at FROM {left} UNION ALL SELECT {by}, {right_at} FROM {right}) sides"
        crowded = f"SELECT {by}, count(*) AS many FROM {both} GROUP BY {by} HAVING count(*) > {self._most_rows}"
        self.create(f"{name}_crowded", crowded)
        most = self.rows(f"SELECT max(many) FROM {name}_crowded")[0][0]
        if most is not None:
            slices = min(_MOST_SLICES, -(-most // self._most_rows))
            shares = ", ".join(str(n / slices) for n in range(1, slices))
            self.create(
                f"{name}_bounds",
                f"SELECT {by}, percentile_approx(at, array({shares})) AS bounds "
                f"FROM {both} JOIN {name}_crowded USING ({by}) GROUP BY {by}",
            )
        self.drop(f"{name}_crowded")
        return 0 if most is None else slices

    def _forget(self, name: str) -> None:
        for table in self._tables.pop(name, ()):
            self.session.sql(f"DROP TABLE {table}")

    def _kept(self, sql: str) -> str:
        """The name of a new table that holds a query's rows."""
        self._written += 1
        table = f"{self._database}.r{self._written:04}"
        self.query(sql).write.saveAsTable(table, format="parquet")
        return table

    def _show(self, name: str) -> None:
        tables = " UNION ALL ".join(f"SELECT * FROM {table}" for table in self._tables[name])
        self.session.sql(tables).createOrReplaceTempView(name)

    def _spelled(self, sql: str) -> str:
        for pattern, spelling in _SPELLINGS:
            sql = pattern.sub(spelling, sql)
        sql = _HASH.sub(self._hash, _anti_joined(sql))
        if "hash64(" in sql.replace("xxhash64(", ""):
            raise ValueError("a hash of anything but columns is not known to this engine")
        return sql


def _anti_joined(sql: str) -> str:
    """`x NOT IN (SELECT …)` as NOT EXISTS, which is the same where nothing is NULL, as no key of a relation is.

    Spark does not know that, and for NOT IN it would compare each row with all of the other side, or at best send all
    of it to every executor.
    """
    while found := _NOT_IN.search(sql):
        end, depth = found.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        rows = f"({sql[found.end() : end - 1]}) AS absent(unwanted)"
        sql = f"{sql[: found.start()]}NOT EXISTS (SELECT 1 FROM {rows} WHERE absent.unwanted = {found[1]}){sql[end:]}"
    return sql


def _strong_hash(call: re.Match[str]) -> str:
    """Names that share it cannot be made by arithmetic, as they can for `xxhash64` alone."""
    columns = ", ".join(f"'{place}', {column}" for place, column in enumerate(call[1].split(",")))
    return f"xxhash64(sha2(to_json(named_struct({columns})), 256))"


def _sliced(sides: str, bounds: str, keys: tuple[str, ...]) -> str:
    """Rows of `sides` with the number of their slice of time: how many of their keys' bounds are not after them."""
    on = " AND ".join(f"s.{key} = b.{key}" for key in keys)
    return (
        f"SELECT /*+ BROADCAST(b) */ s.*, coalesce(size(filter(b.bounds, bound -> bound <= s.at)), 0) AS slice "
        f"FROM {sides} s LEFT JOIN {bounds} b ON {on}"
    )


def _carried(sliced: str, bounds: str, by: str, slices: int) -> str:
    """One row per keys and slice that something of the right side comes before: the latest that does."""
    return (
        f"SELECT {by}, latest.at AS at, 0 AS side, NULL AS row, latest.taken AS taken, slice FROM ("
        f"  SELECT {by}, slice, last_value(latest) IGNORE NULLS OVER (PARTITION BY {by} ORDER BY slice"
        "          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest"
        f"  FROM (SELECT {by}, slice, max(latest) AS latest FROM ("
        f"    SELECT {by}, slice, struct(at, taken) AS latest FROM {sliced} WHERE side = 0"
        f"    UNION ALL SELECT {by}, explode(sequence(0, {slices} - 1)), NULL FROM {bounds}"
        f"  ) ends GROUP BY {by}, slice) last_of_each"
        ") carried WHERE latest IS NOT NULL"
    )


def local_uri(path: str | Path, *, pattern: bool = True) -> str:
    """A file of this machine as Spark reads it: with its scheme, for the cluster's own storage may be another, and
    where patterns are understood with what would be taken for one escaped.
    """
    text = str(path)
    return "file://" + (re.sub(r"[\\*?\[\]{}]", r"\\\g<0>", text) if pattern else text)


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
