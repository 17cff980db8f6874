"""Facts that follow from what several records say together (`Source.derive`)."""

from __future__ import annotations

import time
from collections.abc import Iterable

import duckdb
import msgspec

from quowarranto.case.columns import Located, fact_table
from quowarranto.case.ingest import stage_rows
from quowarranto.case.reading import TASK_BITS, first_number
from quowarranto.case.redaction import redact
from quowarranto.case.store import Writer, parquet
from quowarranto.records import Origin
from quowarranto.sources import SOURCES, Observation


def derive(writer: Writer, fresh: Iterable[str], known: str) -> int:
    """Turn all observations of the case into facts; they take the place of those derived before.

    Args:
        writer: of the case.
        fresh: paths of observation files staged in this run.
        known: SQL that reads the observations of the state before.
    Returns: how many facts there are now.
    """
    files = list(fresh)
    scan = known + (f" UNION ALL SELECT * FROM {parquet(files)}" if files else "")
    rows = (
        duckdb.connect()
        .execute(
            f"SELECT DISTINCT ON (type, name, at_us, data) * FROM ({scan}) "
            "ORDER BY type, name, at_us, data, file, line, byte_offset, rec"
        )
        .fetchall()
    )
    located: list[Located] = []
    number = first_number(writer.number, (1 << TASK_BITS) - 1)
    for source in SOURCES:
        if source.derive is None:
            continue
        mine = [row for row in rows if row[1] == source.name]
        observed = [Observation(row[2], row[3], msgspec.json.decode(row[4])) for row in mine]
        places = {id(item): row for item, row in zip(observed, mine, strict=True)}
        for fact, item in source.derive(observed):
            row = places[id(item)]
            number += 1
            located.append(Located(redact(fact), Origin(*row[6:10]), row[5], number))
    stage_rows(writer, "derived", fact_table(located, int(time.time() * 1_000_000)), len(located), replace=True)
    return len(located)
