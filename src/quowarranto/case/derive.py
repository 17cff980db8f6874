"""Facts and actions that follow from what several entries say together (`Source.derive`)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import duckdb
import msgspec
from arro3.core import Table

from quowarranto.case.columns import Located, action_table, fact_table
from quowarranto.case.reading import TASK_BITS, first_number
from quowarranto.case.redaction import redact
from quowarranto.case.store import Snapshot, Writer, parquet, write_query
from quowarranto.records import Action, Origin
from quowarranto.sources import SOURCES, Observation, Source

_LAST_STAGE = 127
_PLACE = ("rec", "source", "file", "line", "byte_offset", "sha256", "read_at")
_CONTENT = [name for name in action_table([], 0).column_names if name not in (*_PLACE, "id", "stage")]


def derive(writer: Writer, before: Snapshot, sources: Sequence[Source] = SOURCES) -> None:
    """Turn all observations of the case, those staged in this run too, into records.

    Facts take the place of those derived before; one that stands as it did keeps its number and the time it was read.
    An action that is no longer what it was is added as a later stage of itself, and the last stage counts.

    Args:
        writer: of the case.
        before: the state that this run adds to.
        sources: as the configuration makes them.
    """
    files = writer.staged("observations")
    if not files:
        return  # the same observations make the same records
    scan = f"SELECT * FROM {before.scan('observations')} UNION ALL SELECT * FROM {parquet(files)}"
    connection = duckdb.connect()
    rows = connection.execute(
        f"SELECT DISTINCT ON (type, name, at_us, data) * FROM ({scan}) "
        "WHERE type NOT IN (SELECT unnest($1::VARCHAR[])) "
        "ORDER BY type, name, at_us, data, file, line, byte_offset, rec",
        [_idle(connection, scan, sources)],
    ).fetchall()
    facts, actions = list[Located](), list[Located]()
    number = first_number(writer.number, (1 << TASK_BITS) - 1)
    for source in sources:
        if source.derive is None:
            continue
        also = source.derive_also
        mine = [row for row in rows if row[1] == source.name or (also and row[2].startswith(also))]
        observed = [Observation(row[2], row[3], msgspec.json.decode(row[4])) for row in mine]
        places = {id(item): row for item, row in zip(observed, mine, strict=True)}
        for record, item in source.derive(observed):
            row = places[id(item)]
            number += 1
            located = Located(redact(record), Origin(*row[6:10]), row[5], number)
            (actions if isinstance(record, Action) else facts).append(located)
    now = int(time.time() * 1_000_000)
    _stage_facts(writer, before, fact_table(facts, now))
    if actions:
        _stage_actions(writer, before, action_table(actions, now))


def _idle(connection: duckdb.DuckDBPyConnection, scan: str, sources: Sequence[Source]) -> list[str]:
    """Sources of which nothing is derived, since the observation that it takes is not there (`Source.derive_with`)."""
    query = f"SELECT 1 FROM ({scan}) WHERE type = $1 AND starts_with(name, $2) LIMIT 1"
    return [
        source.name
        for source in sources
        if source.derive_with and connection.execute(query, [source.name, source.derive_with]).fetchone() is None
    ]


def _stage_facts(writer: Writer, before: Snapshot, made: Table) -> None:
    connection = duckdb.connect()
    connection.register("made", made)
    stands = f"SELECT * FROM {before.scan('derived')} WHERE digest IN (SELECT digest FROM made)"
    new = f"SELECT * FROM made WHERE digest NOT IN (SELECT digest FROM {before.scan('derived')})"
    path = writer.new_file("derived")
    count = write_query(connection, f"{stands} UNION ALL {new}", path)
    writer.stage("derived", [(str(path), count)] if count else [], replace=True)


def _stage_actions(writer: Writer, before: Snapshot, made: Table) -> None:
    connection = duckdb.connect()
    connection.register("made", made)
    known = (
        f"SELECT id, {', '.join(_CONTENT)}, stage FROM {before.scan('actions')} WHERE id IN (SELECT id FROM made) "
        "QUALIFY row_number() OVER (PARTITION BY id ORDER BY stage DESC) = 1"
    )
    same = " AND ".join(f"m.{name} IS NOT DISTINCT FROM k.{name}" for name in _CONTENT)
    stage = f"CAST(least({_LAST_STAGE}, coalesce(k.stage, m.stage) + 1) AS TINYINT)"
    path = writer.new_file("actions")
    query = f"SELECT m.* REPLACE ({stage} AS stage) FROM made m LEFT JOIN ({known}) k ON k.id = m.id"
    count = write_query(connection, f"{query} WHERE k.id IS NULL OR NOT ({same})", path)
    if count:
        writer.stage("actions", [(str(path), count)])
