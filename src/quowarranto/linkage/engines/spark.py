"""The distributed engine: the same relations on a Spark session (4.0 or later), local or on a cluster.

Imports nothing of Spark: it is handed a session, so that the package does not need it. `actions_in` and `facts_in` must
be temporary views of `Spark.session` before the run.
"""

from __future__ import annotations

import re
from typing import Any

_SPELLINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\barray_one\("), "array("),
    (re.compile(r"\bhash64\("), "xxhash64("),
)
_OTHER_HASHES = (re.compile(r"\bxxhash64\("), "xxhash64('again', ")


class Spark:
    """Relations as Parquet files, each computed once, under temporary views of a session beside the given one.

    Args:
        session: a `pyspark.sql.SparkSession`; ours shares its context and not its views.
        folder: where relations are kept as Parquet files, on storage that all executors reach; emptied by the caller.
            Files and not `localCheckpoint`: they outlive an executor, and Spark knows their true size, where a
            checkpoint keeps the estimate of its plan, which doubles in length with every level of a chain.
        strong_hashes: other ones, for the case that two names were found to share a hash.
    """

    def __init__(self, session: Any, folder: str, *, strong_hashes: bool = False) -> None:
        self.session = session.newSession()
        self._partitions = int(self.session.conf.get("spark.sql.shuffle.partitions"))
        self._folder = folder
        self._written = 0
        self._spellings = (*_SPELLINGS, _OTHER_HASHES) if strong_hashes else _SPELLINGS

    def create(self, name: str, sql: str) -> None:
        self._kept(self.session.sql(self._spelled(sql))).createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        self.session.sql(self._spelled(sql)).createOrReplaceTempView(name)

    def create_labels(self, name: str, sql: str) -> None:
        self.create(name, sql)

    def append(self, name: str, sql: str) -> None:
        more = self._kept(self.session.sql(self._spelled(sql)))
        self.session.table(name).union(more).createOrReplaceTempView(name)

    def stream(self, name: str, sql: str, *, begin: bool) -> None:
        (self.create if begin else self.append)(name, sql)

    def rename(self, old: str, new: str) -> None:
        self.session.table(old).createOrReplaceTempView(new)
        self.session.catalog.dropTempView(old)

    def drop(self, *names: str) -> None:
        for name in names:
            self.session.catalog.dropTempView(name)

    def count(self, name: str) -> int:
        return int(self.session.table(name).count())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.session.sql(self._spelled(sql)).collect()]

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
        """
        by = ", ".join(keys)
        taken = ", ".join(f"taken.{column}" for column in take)
        self.create(
            name,
            f"SELECT row.*, {taken} FROM ("
            f"  SELECT row, last_value(taken) IGNORE NULLS OVER (PARTITION BY {by} ORDER BY at, side"
            "          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS taken"
            "  FROM ("
            f"    SELECT {by}, {left_at} AS at, 1 AS side, struct(*) AS row, NULL AS taken FROM {left}"
            f"    UNION ALL SELECT {by}, {right_at}, 0, NULL, struct({', '.join(take)}) FROM {right}"
            "  ) sides"
            ") together WHERE row IS NOT NULL AND taken IS NOT NULL",
        )

    def _kept(self, frame: Any) -> Any:
        """The relation written once and read from there; a UNION adds up the partitions of its parts, so not more."""
        self._written += 1
        path = f"{self._folder}/{self._written:04}"
        frame.coalesce(self._partitions).write.parquet(path)
        return self.session.read.schema(frame.schema).parquet(path)

    def _spelled(self, sql: str) -> str:
        for pattern, spelling in self._spellings:
            sql = pattern.sub(spelling, sql)
        return sql
