"""Findings with what stands behind each: its sample actions and where their lines are, its verdicts, its principals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import msgspec

from quowarranto.case.query import GRAVEST_FIRST, Filters, Row, clauses_of, connect, fetched, read_counts, rows
from quowarranto.case.store import Snapshot

_PRINCIPALS = 5
"""Principals named of a finding; all of them are counted."""


def found(snapshot: Snapshot, filters: Filters = Filters(), severity: tuple[str, ...] = ()) -> Iterator[Row]:  # noqa: B008 - frozen
    """Findings, the gravest and most frequent first, one at a time.

    Args:
        filters: of actions; a finding is kept where it is about at least one action that matches, and still says how
            many actions it is about in all. Several codes mean any of them; a finding has only one.
        severity: only these; none means all.
    Returns: the columns of `findings`, and
        `samples`: up to five actions, each with id, time, who did what, verdict, and file, line, byte_offset, sha256;
        `verdicts`: [{verdict, count}], and `principals`: up to five [{type, id}] of `principal_count`.
    """
    connection = connect(snapshot, "findings", "samples", "faults", "actions", "verdicts", "authorities")
    where, values = clauses_of(_without_codes(filters))
    rows(
        connection,
        f"""
        CREATE TEMP TABLE blamed AS
        SELECT DISTINCT f.rec, f.code, CASE WHEN f.about IS NULL THEN n.id END AS key,
               CASE WHEN f.about IS NULL THEN NULL ELSE i.principal_type END AS about_type,
               CASE WHEN f.about IS NULL THEN NULL ELSE i.principal_id END AS about_id,
               i.principal_type, i.principal_id, v.verdict, {_truth(where)} AS wanted
        FROM faults f JOIN verdicts v ON v.rec = f.rec JOIN actions i ON i.rec = f.rec
        LEFT JOIN authorities n ON n.a = f.a""",
        values,
    )
    keep, kept = _kept(filters, severity, everything=not where)
    yield from fetched(connection, _sql(keep, filters.limit), kept)


def _without_codes(filters: Filters) -> Filters:
    return msgspec.structs.replace(filters, code=(), limit=None)


def _truth(where: str) -> str:
    return where.removeprefix("WHERE ") or "true"


def _kept(filters: Filters, severity: tuple[str, ...], *, everything: bool) -> tuple[str, list[Any]]:
    clauses: list[str] = [] if everything else ["coalesce(d.wanted, false)"]
    values: list[Any] = []
    for column, wanted in (("f.code", filters.code), ("f.severity", severity)):
        if wanted:
            clauses.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    return ("WHERE " + " AND ".join(clauses) if clauses else ""), values


def _sql(keep: str, limit: int | None) -> str:
    same = (
        "x.code = f.code AND x.key IS NOT DISTINCT FROM f.key AND x.about_type IS NOT DISTINCT FROM f.principal_type "
        "AND x.about_id IS NOT DISTINCT FROM f.principal_id"
    )
    return f"""
        WITH x AS (
          SELECT code, key, about_type, about_id, verdict, principal_type, principal_id, count(*) AS n,
                 bool_or(wanted) AS wanted
          FROM blamed GROUP BY ALL),
        counted AS (
          SELECT f.finding, x.verdict, sum(x.n)::BIGINT AS n, bool_or(x.wanted) AS wanted
          FROM findings f JOIN x ON {same} GROUP BY ALL),
        d AS (
          SELECT finding, bool_or(wanted) AS wanted,
                 list({{'verdict': verdict, 'count': n}} ORDER BY verdict) AS verdicts
          FROM counted GROUP BY finding),
        acted AS (
          SELECT DISTINCT f.finding, x.principal_type AS type, x.principal_id AS id FROM findings f JOIN x ON {same}),
        who AS (
          SELECT finding, count(*) AS principal_count,
                 list({{'type': type, 'id': id}} ORDER BY type, id)[:{_PRINCIPALS}] AS principals
          FROM acted GROUP BY finding),
        shown AS (
          SELECT s.finding, list({{
                   'id': s.action, 'time': i.time, 'source': i.source, 'principal_type': i.principal_type,
                   'principal_id': i.principal_id, 'action': i.action, 'resource_type': i.resource_type,
                   'resource_id': i.resource_id, 'outcome': i.outcome, 'verdict': v.verdict, 'linkage': v.linkage,
                   'file': i.file, 'line': i.line, 'byte_offset': i.byte_offset, 'sha256': i.sha256
                 }} ORDER BY s.nth) AS samples
          FROM samples s JOIN actions i ON i.rec = s.rec JOIN verdicts v ON v.rec = s.rec GROUP BY s.finding)
        SELECT f.*, coalesce(d.verdicts, []) AS verdicts, coalesce(who.principals, []) AS principals,
               coalesce(who.principal_count, 0) AS principal_count, coalesce(shown.samples, []) AS samples
        FROM findings f LEFT JOIN d ON d.finding = f.finding LEFT JOIN who ON who.finding = f.finding
        LEFT JOIN shown ON shown.finding = f.finding
        {keep} ORDER BY {GRAVEST_FIRST} {"" if limit is None else f"LIMIT {int(limit)}"}"""


def totals(snapshot: Snapshot) -> Row:
    """How much was judged, and how much of the logs became records: the counts that add up (SPEC 10)."""
    connection: duckdb.DuckDBPyConnection = connect(snapshot, "verdicts", "inputs", "findings")
    read = read_counts(connection)
    span = rows(connection, "SELECT count(*) AS actions, min(time) AS first_us, max(time) AS last_us FROM verdicts")[0]
    by_verdict = rows(connection, "SELECT verdict, count(*) AS n FROM verdicts GROUP BY 1 ORDER BY 1")
    return {**read, **span, "verdicts": {row["verdict"]: row["n"] for row in by_verdict}}
