"""What changed between two states of a case, and which records changed it (SPEC 7: revisions)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb

from quowarranto.case.query import Row, origin_of, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.present import deed
from quowarranto.records import format_instant

_SAID = ("verdict", "linkage", "basis", "method", "codes", "root_cause")
_TABLES = ("actions", "facts", "derived", "verdicts", "steps", "chains", "authorities", "keys", "terms")
_BATCH = 2000
_NAMED = 10
"""Records that are named of one change; `changed_by_count` says how many there are."""
_DEEPEST = 16
"""How far a change is followed from an issuing action to the actions that use what it issued."""

_CHANGED = f"""
CREATE TEMP TABLE changed AS
WITH apart AS (
  SELECT coalesce(b.rec, w.rec) AS rec, b.rec AS now_rec, w.rec AS was_rec
  FROM verdicts b FULL JOIN was_verdicts w ON w.rec = b.rec
  WHERE b.rec IS NULL OR w.rec IS NULL OR {" OR ".join(f"b.{name} IS DISTINCT FROM w.{name}" for name in _SAID)}),
named AS (
  SELECT a.*, i.id, row_number() OVER (PARTITION BY i.id, now_rec IS NULL, was_rec IS NULL ORDER BY a.rec) AS nth
  FROM apart a JOIN actions i ON i.rec = a.rec)
-- a later stage of a request takes the place of an earlier one: the same action under another number
SELECT n.now_rec, coalesce(n.was_rec, o.was_rec) AS was_rec, n.id
FROM named n LEFT JOIN named o ON n.was_rec IS NULL AND o.now_rec IS NULL AND o.id = n.id AND o.nth = n.nth
WHERE n.now_rec IS NOT NULL
UNION ALL
SELECT NULL, n.was_rec, n.id FROM named n
WHERE n.now_rec IS NULL AND NOT EXISTS (
  SELECT 1 FROM named o WHERE o.was_rec IS NULL AND o.id = n.id AND o.nth = n.nth)
"""

_SIDES = f"""
SELECT c.id, i.time, i.principal_type, i.principal_id, i.action, i.resource_type, i.resource_id, c.now_rec, c.was_rec,
       i.read_at, i.file, i.line, i.byte_offset, i.sha256,
       {", ".join(f"b.{name} AS now_{name}, w.{name} AS was_{name}" for name in _SAID)}
FROM changed c JOIN actions i ON i.rec = coalesce(c.now_rec, c.was_rec)
LEFT JOIN verdicts b ON b.rec = c.now_rec LEFT JOIN was_verdicts w ON w.rec = c.was_rec
WHERE b.rec IS NULL OR w.rec IS NULL OR {" OR ".join(f"b.{name} IS DISTINCT FROM w.{name}" for name in _SAID)}
ORDER BY i.time, c.id, c.now_rec, c.was_rec
"""

# One step after another; each is a table or view that the next ones read.
_PARTS: tuple[tuple[str, str], ...] = (
    ("all_facts", "SELECT * FROM facts UNION ALL SELECT * FROM derived"),
    ("was_all_facts", "SELECT * FROM was_facts UNION ALL SELECT * FROM was_derived"),
    (
        "news",  # facts that only one of the two states has, each once
        "SELECT * FROM all_facts WHERE digest NOT IN (SELECT digest FROM was_all_facts) "
        "UNION ALL SELECT * FROM was_all_facts WHERE digest NOT IN (SELECT digest FROM all_facts) "
        "QUALIFY row_number() OVER (PARTITION BY digest ORDER BY rec) = 1",
    ),
    ("new_actions", "SELECT * FROM actions WHERE rec NOT IN (SELECT rec FROM was_actions)"),
    # of which authority each of them speaks, under its name now and then
    (
        "speaks",
        "SELECT n.rec, n.id AS authority FROM news n "
        "UNION SELECT n.rec, a.id FROM news n JOIN keys k ON k.key = n.id JOIN authorities a ON a.a = k.a "
        "UNION SELECT n.rec, a.id FROM news n JOIN was_keys k ON k.key = n.id JOIN was_authorities a ON a.a = k.a",
    ),
    # what the chains of the changed actions consist of, now and then
    (
        "visits",
        "SELECT c.now_rec, c.was_rec, v.node, v.term, TRUE AS now FROM changed c JOIN steps s ON s.rec = c.now_rec "
        "JOIN chains v ON v.use = s.use WHERE c.was_rec IS NOT NULL "
        "UNION SELECT c.now_rec, c.was_rec, v.node, v.term, FALSE FROM changed c JOIN was_steps s ON s.rec = c.was_rec "
        "JOIN was_chains v ON v.use = s.use WHERE c.now_rec IS NOT NULL",
    ),
    (
        "holds",
        "SELECT DISTINCT v.was_rec, a.id AS authority, t.issued_by FROM visits v JOIN authorities a ON a.a = v.node "
        "JOIN terms t ON t.a = v.node AND t.term = v.term WHERE v.now "
        "UNION SELECT v.was_rec, a.id, t.issued_by FROM visits v JOIN was_authorities a ON a.a = v.node "
        "JOIN was_terms t ON t.a = v.node AND t.term = v.term WHERE NOT v.now",
    ),
    (
        "changing",  # codes that only one side has, of actions that both states judged
        "SELECT c.was_rec, i.time, i.principal_type, i.principal_id, i.on_behalf_of, i.origin, i.cites, i.id, code, "
        "b.root_cause IS DISTINCT FROM w.root_cause AS cause "
        "FROM changed c JOIN verdicts b ON b.rec = c.now_rec JOIN was_verdicts w ON w.rec = c.was_rec "
        "JOIN actions i ON i.rec = c.now_rec, "
        "unnest(list_distinct(list_concat("
        "list_filter(string_split(b.codes, ','), lambda x: NOT list_contains(string_split(w.codes, ','), x)), "
        "list_filter(string_split(w.codes, ','), lambda x: NOT list_contains(string_split(b.codes, ','), x)), ['']))) "
        "u(code)",
    ),
    (
        "blame",
        # the action itself: read between the two moments
        "SELECT c.was_rec, i.rec FROM changed c JOIN new_actions i ON i.rec = c.now_rec WHERE c.was_rec IS NOT NULL "
        # a fact of an authority that is in the chain, now or then (a key that dangled before is in it now)
        "UNION SELECT h.was_rec, s.rec FROM holds h JOIN speaks s ON s.authority = h.authority "
        # a member of its series: it ends the one before it
        "UNION SELECT h.was_rec, n.rec FROM holds h JOIN all_facts f ON f.id = h.authority AND f.series IS NOT NULL "
        "JOIN news n ON n.series = f.series "
        # another record of its id
        "UNION SELECT x.was_rec, i.rec FROM changing x JOIN new_actions i ON i.id = x.id WHERE x.code = 'QW606' "
        # the control records now cover another span of time
        "UNION SELECT x.was_rec, n.rec FROM changing x, news n WHERE x.code = 'QW105' AND "
        "(n.time = (SELECT min(b.time) FROM all_facts b HAVING min(b.time) IS DISTINCT FROM "
        "(SELECT min(w.time) FROM was_all_facts w)) OR n.time = (SELECT max(b.time) FROM all_facts b "
        "HAVING max(b.time) IS DISTINCT FROM (SELECT max(w.time) FROM was_all_facts w))) "
        # a grant of its principal that does not cover it
        "UNION SELECT x.was_rec, n.rec FROM changing x JOIN news n ON n.kind = 'grant' "
        "AND n.principal_type = x.principal_type AND x.principal_id LIKE n.principal_like ESCAPE '!' "
        "WHERE x.code = 'QW108' "
        # somebody else who used the same key from a place, before or after
        "UNION SELECT x.was_rec, i.rec FROM changing x JOIN new_actions i ON list_has_any(i.cites, x.cites) "
        "WHERE (x.code IN ('QW402', 'QW403') AND i.origin = x.origin) "
        "OR (x.cause AND i.origin IS DISTINCT FROM x.origin)",
    ),
    (
        "issued",  # whose authority was obtained by an action that changed as well
        "SELECT DISTINCT h.was_rec, c.was_rec AS issuer, c.now_rec AS now_issuer FROM holds h "
        "JOIN changing x ON x.was_rec = h.was_rec AND x.code = 'QW208' JOIN changed c ON c.id = h.issued_by",
    ),
)


def changes(before: Snapshot, after: Snapshot) -> Iterator[dict[str, Any]]:
    """One dictionary per action whose verdict, linkage, codes, basis, method or root cause differ, by time and id.

    `from` or `to` is None where that state had no such action. `changed_by`: records read between the two that changed
    it, or the action's own where it is new; empty where none of the rules of `_PARTS` names one (a setting changed).
    """
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    after.attach(connection, *_TABLES)
    before.attach(connection, *_TABLES, prefix="was_")
    connection.execute(_CHANGED)
    blame = _blame(connection)
    records = _records(connection, {rec for causes in blame.values() for rec in sorted(causes)[:_NAMED]})
    found = connection.execute(_SIDES)
    names = [column[0] for column in found.description or ()]
    while some := found.fetchmany(_BATCH):
        for values in some:
            row = dict(zip(names, values, strict=True))
            yield _change(row, blame.get(row["was_rec"], set()), records)


def _blame(connection: duckdb.DuckDBPyConnection) -> dict[int, set[int]]:
    """The records behind each change of an action that both states judged, by its number in the earlier one."""
    if not rows(connection, "SELECT 1 FROM changed WHERE now_rec IS NOT NULL AND was_rec IS NOT NULL LIMIT 1"):
        return {}
    for name, sql in _PARTS:
        kind = "VIEW" if name.endswith("all_facts") else "TABLE"
        connection.execute(f"CREATE TEMP {kind} {name} AS {sql}")
    out: defaultdict[int, set[int]] = defaultdict(set)
    for row in rows(connection, "SELECT was_rec, rec FROM blame"):
        out[row["was_rec"]].add(row["rec"])
    issued = rows(connection, "SELECT was_rec, issuer, now_issuer FROM issued")
    for _ in range(_DEEPEST):
        before = sum(map(len, out.values()))
        for row in issued:
            new = {row["now_issuer"]} if row["issuer"] is None else out.get(row["issuer"], set())
            out[row["was_rec"]] |= new
        if sum(map(len, out.values())) == before:
            break
    return out


def _change(row: Row, causes: set[int], records: dict[int, dict[str, Any]]) -> dict[str, Any]:
    before, after = _side(row, "was"), _side(row, "now")
    if before is None or after is None:  # the action itself is what came, or what another record of its id replaced
        named, count = [_record(row | {"kind": "action", "fact": None})], 1
    else:
        named, count = [records[rec] for rec in sorted(causes)[:_NAMED]], len(causes)
    return {
        **deed(row),
        "from": before,
        "to": after,
        "changed_by": named,
        "changed_by_count": count,
    }


def _side(row: Row, which: str) -> dict[str, Any] | None:
    if row[f"{which}_verdict"] is None:
        return None
    said = {name: row[f"{which}_{name}"] for name in _SAID}
    return said | {"codes": [code for code in said["codes"].split(",") if code]}


_READ = "rec, id, time, read_at, file, line, byte_offset, sha256"


def _records(connection: duckdb.DuckDBPyConnection, numbers: set[int]) -> dict[int, dict[str, Any]]:
    """What was read under these numbers, and where and when."""
    if not numbers:
        return {}
    connection.execute("CREATE TEMP TABLE wanted AS SELECT unnest($1::BIGINT[]) AS rec", [sorted(numbers)])
    found = rows(
        connection,
        f"SELECT 'action' AS kind, NULL AS fact, {_READ} FROM actions WHERE rec IN (SELECT rec FROM wanted) "
        f"UNION ALL SELECT kind, fact, {_READ} FROM news WHERE rec IN (SELECT rec FROM wanted)",
    )
    return {row["rec"]: _record(row) for row in found}


def _record(row: Row) -> dict[str, Any]:
    origin = origin_of(row)
    return {
        "kind": row["kind"],
        "id": row["id"],
        **({"fact": row["fact"]} if row["fact"] else {}),
        "time": format_instant(row["time"]),
        "read_at": format_instant(row["read_at"]),
        "origin": origin,
    }
