"""The actions of a case in groups that are alike to every control, so that each control is worked out from a few rows.

Alike are actions with the same codes, the same kinds of authority in their chain, refused or not, linked or not. There
are hundreds of such groups where there are millions of actions.
"""

from __future__ import annotations

from typing import Any

import duckdb
import msgspec

from quowarranto.case.query import Filters, Row, clauses_of, connect, fetched, origin_of, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.present import deed
from quowarranto.records import KINDS

REPLAYED, DECIDED_AGAIN = "replayed", "decided-again"
"""A decision in the chain was replayed; the replay came to an answer."""
_MARKS = (*KINDS, REPLAYED, DECIDED_AGAIN)


class Sampling(msgspec.Struct, frozen=True):
    """How samples are drawn: the first `count` in the order of SHA-256 of `seed:ID`, in hexadecimal."""

    seed: str = "quo"
    count: int = 5

    @property
    def said(self) -> str:
        """The rule in one sentence, so that somebody else can draw the same."""
        return (
            f"Of each population the actions are put in the order of SHA-256 of `{self.seed}:ID` (hexadecimal, ID is "
            f"the action's id), and the first {self.count} are shown."
        )


class Alike(msgspec.Struct, frozen=True):
    """A group: how many actions, what they have in common, and the first of them in the order of sampling."""

    count: int
    codes: frozenset[str]
    kinds: frozenset[str]
    """Of the authorities in the chain; and `REPLAYED` or `DECIDED_AGAIN`, where a replay asked of one."""
    denied: bool
    missing: bool
    drawn: tuple[tuple[str, str], ...]
    """(SHA-256, id), in order."""


def groups(snapshot: Snapshot, filters: Filters, sampling: Sampling) -> list[Alike]:
    """All actions that match, in groups."""
    connection = connect(snapshot, "actions", "verdicts", "steps", "chains", "authorities", "replays")
    _kinds_by_action(connection)
    where, values = clauses_of(filters)
    found = fetched(
        connection,
        f"""
        SELECT v.codes, v.linkage = 'missing' AS missing, i.outcome = 'denied' AS denied, coalesce(h.kinds, 0) AS kinds,
               count(*) AS n,
               min_by({{'digest': sha256(? || ':' || i.id), 'id': i.id}}, sha256(? || ':' || i.id), ?) AS drawn
        FROM verdicts v JOIN actions i ON i.rec = v.rec LEFT JOIN held h ON h.rec = v.rec
        {where} GROUP BY ALL ORDER BY ALL""",
        [sampling.seed, sampling.seed, max(1, sampling.count), *values],
    )
    return [
        Alike(
            count=row["n"],
            codes=frozenset(code for code in row["codes"].split(",") if code),
            kinds=frozenset(kind for place, kind in enumerate(_MARKS) if row["kinds"] >> place & 1),
            denied=row["denied"],
            missing=row["missing"],
            drawn=tuple((one["digest"], one["id"]) for one in row["drawn"]),
        )
        for row in found
    ]


def _kinds_by_action(connection: duckdb.DuckDBPyConnection) -> None:
    """What the chain of an action holds, as bits in the order of `_MARKS`."""
    bits = " ".join(f"WHEN '{kind}' THEN {1 << place}" for place, kind in enumerate(KINDS))
    asked, answered = (1 << _MARKS.index(mark) for mark in (REPLAYED, DECIDED_AGAIN))
    connection.execute(
        f"""
        CREATE TEMP TABLE held AS
        SELECT s.rec, bit_or(k.kinds) AS kinds
        FROM steps s JOIN (
          SELECT c.use, bit_or(CASE c.kind {bits} ELSE 0 END | coalesce(r.bits, 0)) AS kinds
          FROM chains c LEFT JOIN (
            SELECT n.a, bit_or(CASE replayed WHEN 'indeterminate' THEN {asked} ELSE {asked | answered} END) AS bits
            FROM replays r JOIN authorities n ON n.id = r.decision AND n.kind = 'decision' GROUP BY n.a
          ) r ON r.a = c.node
          GROUP BY c.use) k ON k.use = s.use
        GROUP BY s.rec"""
    )


def drawn_from(alike: list[Alike], count: int) -> list[str]:
    """Ids of the sample of several groups together, in the order of sampling."""
    return [action for _, action in sorted({one for group in alike for one in group.drawn})[:count]]


def sampled(snapshot: Snapshot, wanted: set[str]) -> dict[str, Row]:
    """Sample actions by id: who did what, the verdict, and where the line is. Of several records of an id the first."""
    connection = connect(snapshot, "actions", "verdicts")
    connection.execute("CREATE TEMP TABLE wanted (id VARCHAR)")
    if wanted:
        connection.executemany("INSERT INTO wanted VALUES (?)", [[action] for action in sorted(wanted)])
    out: dict[str, Row] = {}
    for row in rows(
        connection,
        "SELECT i.id, i.time, i.source, i.principal_type, i.principal_id, i.action, i.resource_type, i.resource_id, "
        "i.outcome, v.verdict, v.linkage, v.codes, i.file, i.line, i.byte_offset, i.sha256 "
        "FROM actions i JOIN verdicts v ON v.rec = i.rec WHERE i.id IN (SELECT id FROM wanted) ORDER BY i.rec",
    ):
        out.setdefault(row["id"], _presented(row))
    return out


def _presented(row: Row) -> dict[str, Any]:
    return {
        **deed(row),
        "verdict": row["verdict"],
        "linkage": row["linkage"],
        "codes": [code for code in row["codes"].split(",") if code],
        "origin": origin_of(row),
    }
