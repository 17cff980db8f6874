"""Reading a case: records, verdicts, findings and quarantined lines as plain dictionaries, in a fixed order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import duckdb
import msgspec

from quowarranto.case.store import SPILL, Snapshot, unusable
from quowarranto.errors import CaseError
from quowarranto.records import format_instant

_BATCH = 2000
_AT_ONCE = 100_000
"""Actions of which the chains are put together in one go."""
_MEMORY = "1GB"
"""What listing verdicts may take of it before it goes to disk."""

Row = dict[str, Any]


class Filters(msgspec.Struct, frozen=True):
    """Which actions are wanted. Patterns are those of SPEC 2; instants in microseconds, `until` exclusive."""

    verdict: tuple[str, ...] = ()
    linkage: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    principal_like: str | None = None
    resource_like: str | None = None
    authority: str | None = None
    action: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    limit: int | None = None


def connect(snapshot: Snapshot, *tables: str) -> duckdb.DuckDBPyConnection:
    """A connection that sees these tables of the case (default: all)."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    snapshot.attach(connection, *tables)
    return connection


def fetched(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
    """A query's rows as dictionaries, a few at a time."""
    try:
        found = connection.execute(sql, list(values))
        names = [column[0] for column in found.description or ()]
        while rows := found.fetchmany(_BATCH):
            for row in rows:
                yield dict(zip(names, row, strict=True))
    except duckdb.Error as error:
        raise unusable(None, error) from error


def rows(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """A query's rows as dictionaries."""
    return list(fetched(connection, sql, values))


# ---- records -------------------------------------------------------------------------------------------------------


def records(snapshot: Snapshot, kind: str | None = None) -> Iterator[Row]:
    """The records that count, in the native format plus `origin` (SPEC 10): actions, then facts, by time and id."""
    connection = connect(snapshot, "actions", "facts", "derived", "verdicts")
    if kind in (None, "action"):
        sql = "SELECT * FROM actions WHERE rec IN (SELECT rec FROM verdicts) ORDER BY time, id, rec"
        for row in fetched(connection, sql):
            yield native_action(row)
    if kind != "action":
        where = "" if kind is None else "WHERE kind = ?"
        sql = (
            "SELECT * EXCLUDE (nth) FROM (SELECT *, row_number() OVER (PARTITION BY digest ORDER BY rec) AS nth "
            f"FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived) {where}) "
            "WHERE nth = 1 ORDER BY time, id, digest"
        )
        for row in fetched(connection, sql, [] if kind is None else [kind]):
            yield native_fact(row)


def native_action(row: Row) -> Row:
    """An action's row in the native format. `origin` says where it was read; its own origin is `origin.from`."""
    out: Row = {
        "kind": "action",
        "id": row["id"],
        "time": format_instant(row["time"]),
        "source": row["source"],
        "principal": {"type": row["principal_type"], "id": row["principal_id"]},
        "action": row["action"],
        "resource": {"type": row["resource_type"], "id": row["resource_id"]},
        "outcome": row["outcome"],
    }
    for name in ("on_behalf_of", "cites", "correlates"):
        if row[name]:
            out[name] = row[name]
    if row["attributes"]:
        out["attributes"] = msgspec.json.decode(row["attributes"])
    out["origin"] = origin_of(row) | ({"from": row["origin"]} if row["origin"] is not None else {})
    return out


def native_fact(row: Row) -> Row:
    """A fact's row in the native format, absent fields left out."""
    out: Row = {"kind": row["kind"], "id": row["id"], "fact": row["fact"], "time": format_instant(row["time"])}
    out["source"] = row["source"]
    for name in ("valid_from", "valid_until", "grace_until"):
        if row[name] is not None:
            out[name] = format_instant(row[name])
    for name, column in (("principal", "principal"), ("by", "by")):
        if row[f"{column}_id"] is not None:
            out[name] = {"type": row[f"{column}_type"], "id": row[f"{column}_id"]}
    for name in ("successor", "series", "effect", "issued_by", "standing", "justification", "ticket"):
        if row[name] is not None:
            out[name] = row[name]
    if row["end_reason"] is not None:
        out["end"] = row["end_reason"]
    for name in ("scope", "requested_by", "decided_by", "request", "attributes"):
        if row[name] is not None:
            out[name] = msgspec.json.decode(row[name])
    if row["owner"] is not None:
        out["owner"] = owner_of(row["owner"])
    for name in ("aliases", "correlates"):
        if row[name]:
            out[name] = row[name]
    if row["cites_said"]:
        out["cites"] = row["cites"]
    out["origin"] = origin_of(row)
    return out


def owner_of(text: str) -> Any:
    """An owner as it was said: a principal, or a name."""
    return msgspec.json.decode(text) if text.startswith('{"id":') else text


def origin_of(row: Row) -> Row:
    """Where a record was read: `{file, line, offset, sha256}`."""
    return {"file": row["file"], "line": row["line"], "offset": row["byte_offset"], "sha256": row["sha256"]}


# ---- verdicts ------------------------------------------------------------------------------------------------------


def verdicts(snapshot: Snapshot, filters: Filters = Filters()) -> Iterator[Row]:  # noqa: B008 - frozen
    """One dictionary per action, by time and id: what the engine concluded, and `faults` as (code, key) pairs.

    Chains are put together for so many actions at a time, so that memory does not grow with their number; what does
    not fit goes to disk.
    """
    with tempfile.TemporaryDirectory(prefix=SPILL) as spill:
        connection = connect(snapshot, "actions", "verdicts", "steps", "chains", "authorities", "faults", "keys")
        quoted = spill.replace("'", "''")
        connection.execute(f"SET memory_limit = '{_MEMORY}'; SET temp_directory = '{quoted}'")
        where, values = clauses_of(filters)
        limit = f"LIMIT {int(filters.limit)}" if filters.limit is not None else ""
        rows(
            connection,
            f"""
            CREATE TEMP TABLE picked AS
            SELECT row_number() OVER (ORDER BY i.time, i.id, v.rec) AS nth, v.rec, i.id, i.time, i.source,
                   i.principal_type, i.principal_id, i.on_behalf_of, i.action, i.resource_type, i.resource_id,
                   i.outcome, i.origin, v.verdict, v.linkage, v.basis, v.method, v.codes, v.root_cause
            FROM verdicts v JOIN actions i ON i.rec = v.rec
            {where} ORDER BY nth {limit}""",
            values,
        )
        (count,) = rows(connection, "SELECT count(*) AS n FROM picked")
        for start in range(0, count["n"], _AT_ONCE):
            rows(
                connection,
                "CREATE OR REPLACE TEMP TABLE part AS SELECT * EXCLUDE (nth) FROM picked "
                f"WHERE nth > {start} AND nth <= {start + _AT_ONCE}",
            )
            yield from fetched(connection, _WITH_CHAINS)
        connection.close()


_WITH_CHAINS = """
    WITH chain AS (
      SELECT s.rec, list_sort(list(DISTINCT {'key': n.id, 'kind': n.kind})) AS authorities
      FROM part p JOIN steps s ON s.rec = p.rec JOIN chains c ON c.use = s.use JOIN authorities n ON n.a = c.node
      GROUP BY s.rec),
    blame AS (
      SELECT f.rec, list_sort(list(DISTINCT {'code': f.code, 'key': n.id})) AS faults
      FROM part p JOIN faults f ON f.rec = p.rec JOIN authorities n ON n.a = f.a GROUP BY f.rec)
    SELECT p.*, coalesce(chain.authorities, []) AS authorities, coalesce(blame.faults, []) AS faults
    FROM part p LEFT JOIN chain ON chain.rec = p.rec LEFT JOIN blame ON blame.rec = p.rec
    ORDER BY p.time, p.id, p.rec"""
"""The actions of `part` with all authorities of their chains and with what is at fault."""


def clauses_of(filters: Filters) -> tuple[str, list[Any]]:
    """The WHERE clause (or nothing) of filters over `verdicts v JOIN actions i`, and its values; without the limit."""
    clauses: list[str] = []
    values: list[Any] = []
    for column, wanted in (
        ("v.verdict", filters.verdict),
        ("v.linkage", filters.linkage),
        ("i.source", filters.source),
        ("i.id", filters.action),
    ):
        if wanted:
            clauses.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for code in filters.code:
        clauses.append("list_contains(string_split(v.codes, ','), ?)")
        values.append(code)
    if filters.principal_like is not None:
        clauses.append(
            "(i.principal_id LIKE ? ESCAPE '!' OR i.principal_type || ':' || i.principal_id LIKE ? ESCAPE '!')"
        )
        values += [filters.principal_like] * 2
    if filters.resource_like is not None:
        clauses.append("(i.resource_id LIKE ? ESCAPE '!' OR i.resource_type || ':' || i.resource_id LIKE ? ESCAPE '!')")
        values += [filters.resource_like] * 2
    if filters.authority is not None:
        clauses.append(
            "v.rec IN (SELECT s.rec FROM steps s JOIN chains c ON c.use = s.use "
            "JOIN keys k ON k.a = c.node WHERE k.key = ?)"
        )
        values.append(filters.authority)
    for test, bound in (("i.time >= ?", filters.since), ("i.time < ?", filters.until)):
        if bound is not None:
            clauses.append(test)
            values.append(bound)
    return ("WHERE " + " AND ".join(clauses) if clauses else ""), values


# ---- findings and quarantine ---------------------------------------------------------------------------------------

_GRAVITY = "CASE f.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END"
GRAVEST_FIRST = f"{_GRAVITY}, f.count DESC, f.code, f.key, f.principal_type, f.principal_id"
"""Of `findings f`: the gravest first, then the most frequent."""


def findings(snapshot: Snapshot, limit: int | None = None) -> list[Row]:
    """Findings, the gravest and most frequent first, each with up to five sample actions; all, or so many."""
    connection = connect(snapshot, "findings", "samples")
    return rows(
        connection,
        f"""
        WITH f AS (SELECT f.* FROM findings f ORDER BY {GRAVEST_FIRST} {"" if limit is None else f"LIMIT {int(limit)}"})
        SELECT f.*, coalesce(s.sample, []) AS sample
        FROM f LEFT JOIN (
          SELECT finding, list(action ORDER BY nth) AS sample FROM samples
          WHERE finding IN (SELECT finding FROM f) GROUP BY finding) s ON s.finding = f.finding
        ORDER BY {GRAVEST_FIRST}""",
    )


READ_ONCE = (
    "(SELECT * FROM inputs QUALIFY row_number() OVER "
    "(PARTITION BY file, source, bytes ORDER BY read_at DESC, entries, recorded, skipped) = 1)"
)
"""Of `inputs`: a file that was linked again as it was counts once, and as it was read last."""


def read_counts(connection: duckdb.DuckDBPyConnection) -> Row:
    """What became of the entries of all logs: `lines`, and their sum `records`, `skipped`, `quarantined`."""
    (found,) = rows(
        connection,
        "SELECT coalesce(sum(entries), 0)::BIGINT AS lines, coalesce(sum(recorded), 0)::BIGINT AS records, "
        "coalesce(sum(skipped), 0)::BIGINT AS skipped, coalesce(sum(quarantined), 0)::BIGINT AS quarantined "
        f"FROM {READ_ONCE}",
    )
    return found


def quarantine(snapshot: Snapshot) -> Iterator[Row]:
    """Every line that could not be read, once however often its file was linked; never its content."""
    yield from fetched(
        connect(snapshot, "quarantine"),
        'SELECT DISTINCT file, line, byte_offset AS "offset", reason FROM quarantine ORDER BY ALL',
    )


def quarantine_by_reason(snapshot: Snapshot) -> list[Row]:
    """How many lines of each file could not be read for one reason, and the first of them; most first."""
    return rows(
        connect(snapshot, "quarantine"),
        'SELECT count(DISTINCT (line, byte_offset)) AS lines, min(line) AS "first", file, reason '
        "FROM quarantine GROUP BY file, reason ORDER BY lines DESC, file, reason",
    )


def no_such_action(snapshot: Snapshot, action: str) -> NoReturn:
    """Say that no judged record bears an action id.

    Raises:
        CaseError: always; with the nearest ids as a hint.
    """
    connection = connect(snapshot, "actions", "verdicts")
    near = rows(
        connection,
        "SELECT DISTINCT i.id, CASE WHEN contains(i.id, ?) THEN 0 ELSE 1 END AS apart, "
        "levenshtein(left(i.id, 200), left(?, 200)) AS far FROM actions i JOIN verdicts v ON v.rec = i.rec "
        "ORDER BY apart, far, i.id LIMIT 3",
        [action, action],
    )
    raise CaseError(
        f"no action `{action}` is in the case",
        need="an action id as `quo verdicts` prints it",
        hint="nearest: " + ", ".join(f"`{row['id']}`" for row in near) if near else None,
    )
