"""The chain of one action: every authority, its terms, the instant it was tested at, what held and what did not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from quowarranto.case.query import (
    Filters,
    Row,
    connect,
    native_action,
    native_fact,
    no_such_action,
    owner_of,
    rows,
    verdicts,
)
from quowarranto.case.raw import raw_line
from quowarranto.case.store import Snapshot
from quowarranto.findings import present
from quowarranto.linkage.run import FOREVER, NEVER
from quowarranto.records import Origin, format_instant
from quowarranto.records.codes import CODES

_NOTES = ("QW401", "QW604", "QW605", "QW102", "QW109", "QW301", "QW305", "QW306", "QW104", "QW107")
"""Codes that do not say that an authority failed to hold."""


# What the wanted actions need of each table, in this order: reading a table once beats asking it per action.
_PARTS: tuple[tuple[str, str], ...] = (
    ("actions", "SELECT * FROM actions WHERE rec IN (SELECT rec FROM wanted)"),
    ("faults", "SELECT * FROM faults WHERE rec IN (SELECT rec FROM wanted)"),
    ("steps", "SELECT * FROM steps WHERE rec IN (SELECT rec FROM wanted)"),
    ("chains", "SELECT * FROM chains WHERE use IN (SELECT use FROM steps) ORDER BY depth, node, at_us"),
    ("parents", "SELECT * FROM parents WHERE use IN (SELECT use FROM steps)"),
    ("authorities", "SELECT * FROM authorities WHERE a IN (SELECT node FROM chains)"),
    ("terms", "SELECT * FROM terms WHERE a IN (SELECT node FROM chains) ORDER BY start_us, end_us, term"),
    ("replays", "SELECT * FROM replays WHERE decision IN (SELECT id FROM authorities)"),
    (
        "cited",
        "SELECT f.rec, unnest(f.cites) AS key "
        "FROM (SELECT rec, cites FROM facts UNION ALL SELECT rec, cites FROM derived) f "
        "WHERE f.rec IN (SELECT term FROM chains)",
    ),
    (
        "unknown",
        "SELECT rec, key FROM dangling WHERE rec IN (SELECT rec FROM wanted) "
        "UNION SELECT rec, key FROM cited WHERE key NOT IN (SELECT key FROM keys)",
    ),
    (
        "told",
        "SELECT k.a, f.* FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived) f JOIN keys k ON k.key = f.id "
        "WHERE k.a IN (SELECT node FROM chains) "
        "QUALIFY row_number() OVER (PARTITION BY k.a, f.digest ORDER BY f.rec) = 1 ORDER BY f.time, f.rec",
    ),
)
_FACTS = 50
"""Facts that are shown of one authority."""


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
        parts = _parts(snapshot, [row["rec"] for found in self._concluded.values() for row in found])
        self._actions = {row["rec"]: row for row in parts["actions"]}
        self._faults = _grouped(parts["faults"], "rec")
        self._steps = _grouped(parts["steps"], "rec")
        self._chains = _grouped(parts["chains"], "use")
        self._parents = _grouped(parts["parents"], "use")
        self._authorities = {row["a"]: row for row in parts["authorities"]}
        self._terms = _grouped(parts["terms"], "a")
        self._unknown = _grouped(parts["unknown"], "rec")
        self._told = _grouped(parts["told"], "a")
        self._replays = {row["decision"]: row for row in parts["replays"]}

    def explain(self, action: str) -> list[dict[str, Any]]:
        """One explanation per record that bears the id (docs/reference/formats/explain.md)."""
        return [self._one(row["rec"], row) for row in self._concluded[action]]

    def _one(self, rec: int, concluded: Row) -> dict[str, Any]:
        row = self._actions[rec]
        record = native_action(row)
        origin = record.pop("origin")
        if "from" in origin:
            record["origin"] = origin.pop("from")
        return {
            "action": record,
            "origin": origin,
            "raw": self._raw(Origin(**origin)),
            "verdict": present.verdict(concluded),
            "chain": [self._authority(node, visits, rec, row["time"]) for node, visits in self._visited(rec).items()],
            "dangling": self._dangling(rec),
        }

    def _visited(self, rec: int) -> dict[int, list[Row]]:
        """The authorities of the chain, first steps first, each with its visits."""
        visits = [
            visit | {"how": step["how"], "under": step["under"]}
            for step in self._steps[rec]
            for visit in self._chains[step["use"]]
        ]
        visits.sort(key=lambda visit: (visit["depth"], self._authorities[visit["node"]]["id"], visit["at_us"]))
        return _grouped(visits, "node")

    def _authority(self, node: int, visits: list[Row], rec: int, instant: int) -> dict[str, Any]:
        terms = self._terms[node]
        by_term = {term["term"]: term for term in terms}
        replay = self._replays.get(self._authorities[node]["id"])
        cited_by = self._cited_by(node, visits)
        mine = {fault["code"] for fault in self._faults[rec] if fault["a"] == node}
        mine |= {replay["code"]} if replay and replay["code"] else set()
        extra = mine - {code for visit in visits for code in _codes(visit["codes"])}
        return {
            "key": self._authorities[node]["id"],
            "kind": self._authorities[node]["kind"],
            "cited_by": sorted(cited_by),
            "joined": cited_by == {"action"} and any(visit["how"] >= 3 for visit in visits),
            "tests": [self._test(visit, by_term[visit["term"]], mine, extra, instant) for visit in visits],
            "says": _says(by_term[visits[0]["term"]]) | self._decided_by(node, visits[0]["term"]),
            "terms": [_term(term) for term in terms],
            "facts": [self._fact(row) for row in self._told[node][:_FACTS]],
            **({"replay": _replay(replay)} if replay else {}),
        }

    def _decided_by(self, node: int, term: int) -> dict[str, Any]:
        """The deciders, where the fact that opened the term names them."""
        told = next((row["decided_by"] for row in self._told[node] if row["rec"] == term), None)
        return {"decided_by": msgspec.json.decode(told)} if told else {}

    def _cited_by(self, node: int, visits: list[Row]) -> set[str]:
        parents = {
            visit["under"] if row["parent"] is None else row["parent"]
            for visit in visits
            for row in self._parents[visit["use"]]
            if row["node"] == node
        }
        return {"action" if parent is None else self._authorities[parent]["id"] for parent in parents}

    def _test(self, visit: Row, term: Row, mine: set[str], extra: set[str], instant: int) -> dict[str, Any]:
        codes = sorted({code for code in _codes(visit["codes"]) if code != "QW402" or code in mine} | extra)
        return {
            "at": format_instant(self._instant(visit, instant)),
            "expected": None,
            "held": all(code in _NOTES for code in codes),
            "codes": codes,
            "note": "; ".join(CODES[code].name for code in codes) or "held",
            "term": _term(term),
        }

    def _instant(self, visit: Row, instant: int) -> int:
        """When the authority was tested: below a decision at the decision's time, else at the action's."""
        if self._below_decision(visit):
            return int(visit["at_us"])
        return instant if visit["under"] is None else int(self._terms[visit["under"]][0]["start_us"])

    def _below_decision(self, visit: Row) -> bool:
        """Whether a decision within the same chain says at what time the visit was tested."""
        above: set[int] = set()
        front = {visit["node"]}
        while front:
            front = {
                row["parent"]
                for row in self._parents[visit["use"]]
                if row["node"] in front and row["parent"] is not None and row["parent"] not in above
            }
            above |= front
        return any(
            self._authorities[node]["kind"] == "decision" and self._terms[node][0]["start_us"] == visit["at_us"]
            for node in above
        )

    def _fact(self, row: Row) -> dict[str, Any]:
        fact = native_fact(row)
        origin = fact["origin"]
        return {
            "fact": fact["fact"],
            "time": fact["time"],
            "end": fact.get("end"),
            "origin": origin,
            "raw": self._raw(Origin(**origin)),
        }

    def _dangling(self, rec: int) -> list[str]:
        """Keys cited by the action, or by an authority of its chain, of which there is no record."""
        citing = {rec} | {
            visit["term"] for step in self._steps[rec] if step["how"] != 4 for visit in self._chains[step["use"]]
        }
        return sorted({row["key"] for number in citing for row in self._unknown[number]})


def _parts(snapshot: Snapshot, numbers: list[int]) -> dict[str, list[Row]]:
    connection = connect(snapshot)
    connection.execute("CREATE TEMP TABLE wanted AS SELECT unnest($1::BIGINT[]) AS rec", [numbers]).fetchall()
    out = {}
    for name, sql in _PARTS:
        connection.execute(f"CREATE TEMP TABLE part_{name} AS {sql}").fetchall()
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM part_{name}").fetchall()
        out[name] = rows(connection, f"SELECT * FROM part_{name}")
    return out


def _grouped(found: list[Row], column: str) -> defaultdict[int, list[Row]]:
    out: defaultdict[int, list[Row]] = defaultdict(list)
    for row in found:
        out[row[column]].append(row)
    return out


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


def _replay(row: Row) -> dict[str, Any]:
    """What the policies said when the decision was asked again."""
    listed = {name: msgspec.json.decode(row[name]) for name in ("policies", "determining", "missing", "errors")}
    policies = [{"name": name, "sha256": digest} for name, digest in listed.pop("policies")]
    said = {name: row[name] for name in ("language", "recorded", "replayed", "code")}
    return said | {"policies": policies} | listed


def _says(row: Row) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if row["principal_id"] is not None:
        out["principal"] = {"type": row["principal_type"], "id": row["principal_id"]}
    if row["by_id"] is not None:
        out["by"] = {"type": row["by_type"], "id": row["by_id"]}
    for name in ("effect", "issued_by", "justification", "ticket"):
        if row[name]:
            out[name] = row[name]
    if row["owner"]:
        out["owner"] = owner_of(row["owner"])
    for name in ("scope", "requested_by"):
        if row[name]:
            out[name] = msgspec.json.decode(row[name])
    return out
