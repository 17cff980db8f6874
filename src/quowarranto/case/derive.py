"""Facts that follow from what several records say together (`Source.derive`)."""

from __future__ import annotations

import time

import duckdb
import msgspec
from arro3.core import Table

from quowarranto.case.columns import Located, fact_table
from quowarranto.case.reading import TASK_BITS, first_number
from quowarranto.case.redaction import redact
from quowarranto.case.store import Snapshot, Writer, parquet, write_query
from quowarranto.records import Origin
from quowarranto.sources import SOURCES, Observation


def derive(writer: Writer, before: Snapshot) -> None:
    """Turn all observations of the case, those staged in this run too, into facts.

    They take the place of those derived before; a fact that stands as it did keeps its number and the time it was read.

    Args:
        writer: of the case.
        before: the state that this run adds to.
    """
    files = writer.staged("observations")
    if not files:
        return  # the same observations make the same facts
    scan = f"SELECT * FROM {before.scan('observations')} UNION ALL SELECT * FROM {parquet(files)}"
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
    _stage(writer, before, fact_table(located, int(time.time() * 1_000_000)))


def _stage(writer: Writer, before: Snapshot, made: Table) -> None:
    connection = duckdb.connect()
    connection.register("made", made)
    stands = f"SELECT * FROM {before.scan('derived')} WHERE digest IN (SELECT digest FROM made)"
    new = f"SELECT * FROM made WHERE digest NOT IN (SELECT digest FROM {before.scan('derived')})"
    path = writer.new_file("derived")
    count = write_query(connection, f"{stands} UNION ALL {new}", path)
    writer.stage("derived", [(str(path), count)] if count else [], replace=True)
