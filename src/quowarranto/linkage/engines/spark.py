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
    """Relations as temporary views of a session beside the given one, each computed once.

    Args:
        session: a `pyspark.sql.SparkSession`; ours shares its context, and neither its views nor its settings.
        folder: where relations are kept as Parquet files, e.g. on storage that all executors reach. Without one they
            stay in the executors' memory and disks, which is faster and lost with an executor.
        strong_hashes: other ones, for the case that two names were found to share a hash.
    """

    def __init__(self, session: Any, *, folder: str | None = None, strong_hashes: bool = False) -> None:
        self.session = session.newSession()
        # Spark 4 keeps constraints of a checkpointed plan that name columns it no longer has; a later UNION fails on them
        self.session.conf.set("spark.sql.constraintPropagation.enabled", "false")
        self._folder = folder
        self._written = 0
        self._spellings = (*_SPELLINGS, _OTHER_HASHES) if strong_hashes else _SPELLINGS

    def create(self, name: str, sql: str) -> None:
        self._kept(self.session.sql(self._spelled(sql))).createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        self.session.sql(self._spelled(sql)).createOrReplaceTempView(name)

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
        if self._folder is None:
            return frame.localCheckpoint()
        self._written += 1
        path = f"{self._folder}/{self._written}"
        frame.write.parquet(path)
        return self.session.read.parquet(path)

    def _spelled(self, sql: str) -> str:
        for pattern, spelling in self._spellings:
            sql = pattern.sub(spelling, sql)
        return sql
