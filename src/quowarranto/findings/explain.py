"""The chain of one action: every authority, its terms, the instant it was tested at, what held and what did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from quowarranto.case.query import Filters, Row, connect, native_action, native_fact, no_such_action, rows, verdicts
from quowarranto.case.raw import raw_line
from quowarranto.case.store import Snapshot
from quowarranto.findings import present
from quowarranto.linkage.run import FOREVER, NEVER
from quowarranto.records import Origin, format_instant
from quowarranto.records.codes import CODES

_NOTES = ("QW401", "QW604", "QW102", "QW109", "QW301", "QW305", "QW306", "QW104", "QW107")
"""Codes that do not say that an authority failed to hold."""


# The part of each table that the wanted actions need, in this order: reading a table once beats asking it per action.
_PARTS: tuple[tuple[str, str], ...] = (
    ("actions", "SELECT * FROM actions WHERE rec IN (SELECT rec FROM wanted)"),
    ("faults", "SELECT * FROM faults WHERE rec IN (SELECT rec FROM wanted)"),
    ("steps", "SELECT * FROM steps WHERE rec IN (SELECT rec FROM wanted)"),
    ("chains", "SELECT * FROM chains WHERE use IN (SELECT use FROM steps)"),
    ("parents", "SELECT * FROM parents WHERE use IN (SELECT use FROM steps)"),
    ("authorities", "SELECT * FROM authorities WHERE a IN (SELECT node FROM chains)"),
    ("terms", "SELECT * FROM terms WHERE a IN (SELECT node FROM chains)"),
    (
        "known",
        "SELECT key FROM keys WHERE key IN (SELECT unnest(cites) FROM actions UNION ALL SELECT unnest(cites) FROM "
        "(SELECT rec, cites FROM facts UNION ALL SELECT rec, cites FROM derived) "
        "WHERE rec IN (SELECT term FROM chains))",
    ),
    ("keys", "SELECT * FROM keys WHERE a IN (SELECT node FROM chains)"),
    ("facts", "SELECT * FROM facts WHERE id IN (SELECT key FROM keys)"),
    ("derived", "SELECT * FROM derived WHERE id IN (SELECT key FROM keys)"),
)


class Explainer:
    """Explains some actions of one state of a case; reads what they need once."""

    def __init__(
        self, snapshot: Snapshot, actions: Sequence[str], raw: Callable[[Origin], str | None] = raw_line
    ) -> None:
        self._raw = raw
        self._concluded: dict[str, list[Row]] = {action: [] for action in actions}
        for row in verdicts(snapshot, Filters(action=tuple(actions))) if actions else ():
            self._concluded[row["id"]].append(row)
        for action, found in self._concluded.items():
            if not found:
                no_such_action(snapshot, action)
        self._connection = connect(snapshot)
        self._narrow([row["rec"] for found in self._concluded.values() for row in found])

    def _narrow(self, numbers: list[int]) -> None:
        self._connection.execute("CREATE TEMP TABLE wanted AS SELECT unnest($1::BIGINT[]) AS rec", [numbers]).fetchall()
        for name, sql in _PARTS:
            self._connection.execute(f"CREATE TEMP TABLE part_{name} AS {sql}").fetchall()
            self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM part_{name}").fetchall()

    def explain(self, action: str) -> list[dict[str, Any]]:
        """One explanation per record that bears the id (docs/reference/formats/explain.md).

        Raises:
            CaseError: no such action.
        """
        return [self._one(row["rec"], row) for row in self._concluded[action]]

    def _one(self, rec: int, concluded: Row) -> dict[str, Any]:
        row = rows(self._connection, "SELECT * FROM actions WHERE rec = ?", [rec])[0]
        record = native_action(row)
        origin = record.pop("origin")
        if "from" in origin:
            record["origin"] = origin.pop("from")
        faults = rows(self._connection, "SELECT code, a FROM faults WHERE rec = ?", [rec])
        instant = row["time"]
        return {
            "action": record,
            "origin": origin,
            "raw": self._raw(Origin(**origin)),
            "verdict": present.verdict(concluded),
            "chain": [self._authority(step, instant, faults) for step in self._steps(rec)],
            "dangling": self._dangling(rec),
        }

    def _steps(self, rec: int) -> list[dict[str, Any]]:
        """The authorities of the chain, first steps first, each with its visits and who cites it."""
        found = rows(
            self._connection,
            """
            SELECT c.node, n.id, n.kind, c.use, s.how, c.depth, c.at_us, c.term, c.codes, c.lent,
                   list(DISTINCT coalesce(m.id, 'action')) AS cited_by
            FROM steps s JOIN chains c ON c.use = s.use JOIN authorities n ON n.a = c.node
            LEFT JOIN parents p ON p.use = c.use AND p.node = c.node LEFT JOIN authorities m ON m.a = p.parent
            WHERE s.rec = ?
            GROUP BY ALL ORDER BY c.depth, n.id, c.at_us""",
            [rec],
        )
        grouped: dict[int, dict[str, Any]] = {}
        for row in found:
            step = grouped.setdefault(
                row["node"],
                {
                    "a": row["node"],
                    "key": row["id"],
                    "kind": row["kind"],
                    "cited_by": set(),
                    "joined": False,
                    "visits": [],
                },
            )
            step["cited_by"].update(row["cited_by"])
            step["joined"] = step["joined"] or row["how"] in (3, 4)
            step["visits"].append(row)
        for step in grouped.values():
            step["joined"] = step["joined"] and step["cited_by"] == {"action"}
        return list(grouped.values())

    def _authority(self, step: dict[str, Any], instant: int, faults: list[Row]) -> dict[str, Any]:
        terms = rows(self._connection, "SELECT * FROM terms WHERE a = ? ORDER BY start_us, end_us", [step["a"]])
        mine = {fault["code"] for fault in faults if fault["a"] == step["a"]}
        by_term = {term["term"]: term for term in terms}
        constant = {code for visit in step["visits"] for code in _codes(visit["codes"])}
        extra = sorted(mine - constant)
        tests = []
        for visit in step["visits"]:
            codes = sorted({*(code for code in _codes(visit["codes"]) if code != "QW402" or code in mine), *extra})
            at = visit["at_us"] if self._below_decision(visit, step["visits"], instant) else instant
            tests.append(
                {
                    "at": format_instant(at),
                    "expected": None,
                    "held": all(code in _NOTES for code in codes),
                    "codes": codes,
                    "note": "; ".join(CODES[code].name for code in codes) or "held",
                    "term": _term(by_term[visit["term"]]),
                }
            )
        return {
            "key": step["key"],
            "kind": step["kind"],
            "cited_by": sorted(step["cited_by"]),
            "joined": step["joined"],
            "tests": tests,
            "says": _says(by_term[step["visits"][0]["term"]]),
            "terms": [_term(term) for term in terms],
            "facts": self._facts(step["a"]),
        }

    def _below_decision(self, visit: Row, visits: list[Row], instant: int) -> bool:
        """Whether the visit was tested at a decision's own time rather than at the action's."""
        above = rows(
            self._connection,
            """
            WITH RECURSIVE up(node) AS (
              SELECT parent FROM parents WHERE use = ? AND node = ? AND parent IS NOT NULL
              UNION SELECT p.parent FROM parents p JOIN up ON p.node = up.node
              WHERE p.use = ? AND p.parent IS NOT NULL)
            SELECT t.start_us FROM up JOIN authorities n ON n.a = up.node AND n.kind = 'decision'
            JOIN terms t ON t.a = n.a WHERE t.start_us = ?""",
            [visit["use"], visit["node"], visit["use"], visit["at_us"]],
        )
        return bool(above)

    def _facts(self, authority: int) -> list[dict[str, Any]]:
        found = rows(
            self._connection,
            """
            SELECT f.* EXCLUDE (nth) FROM (
              SELECT *, row_number() OVER (PARTITION BY digest ORDER BY rec) AS nth
              FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived)
              WHERE id IN (SELECT key FROM keys WHERE a = ?)) f
            WHERE nth = 1 ORDER BY time, rec LIMIT 50""",
            [authority],
        )
        out = []
        for row in found:
            fact = native_fact(row)
            origin = fact["origin"]
            out.append(
                {
                    "fact": fact["fact"],
                    "time": fact["time"],
                    "end": fact.get("end"),
                    "origin": origin,
                    "raw": self._raw(Origin(**origin)),
                }
            )
        return out

    def _dangling(self, rec: int) -> list[str]:
        """Keys cited by the action, or by an authority of its chain, of which there is no record."""
        found = rows(
            self._connection,
            """
            SELECT DISTINCT key FROM (
              SELECT unnest(cites) AS key FROM actions WHERE rec = ?
              UNION ALL
              SELECT unnest(f.cites) FROM steps s JOIN chains c ON c.use = s.use
              JOIN (SELECT rec, cites FROM facts UNION ALL SELECT rec, cites FROM derived) f ON f.rec = c.term
              WHERE s.rec = ? AND s.how <> 4
            ) cited WHERE key NOT IN (SELECT key FROM known) ORDER BY key""",
            [rec, rec],
        )
        return [row["key"] for row in found]


def _codes(text: str) -> list[str]:
    return [code for code in text.split(",") if code]


def _term(row: Row) -> dict[str, Any]:
    if row["point"]:
        return {"start": _time(row["start_us"]), "end": _time(row["end_us"]), "point": True}
    return {
        "start": _time(row["start_us"]),
        "end": _time(row["end_us"]),
        "ended_by": None if row["ended_by"] == "open" else row["ended_by"],
        "grace_until": _time(row["grace_us"]),
    }


def _time(us: int | None) -> str | None:
    return None if us is None or us >= FOREVER or us <= NEVER else format_instant(us)


def _says(row: Row) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if row["principal_id"] is not None:
        out["principal"] = {"type": row["principal_type"], "id": row["principal_id"]}
    if row["by_id"] is not None:
        out["by"] = {"type": row["by_type"], "id": row["by_id"]}
    for name in ("effect", "issued_by", "justification", "ticket", "owner"):
        if row[name]:
            out[name] = row[name]
    for name in ("scope", "requested_by"):
        if row[name]:
            out[name] = msgspec.json.decode(row[name])
    return out
