"""The story of a principal, a credential or a time: what acted, under what, what broke first, what would mend it.

Every action that is not carried gets one cause: its root cause (SPEC 8), the code that gave it that, and the authority
or principal at fault. Actions of one cause are told together. A cause is mended by one thing: the code's own remedy,
or, where a log could not tell more, the setting that would let it.
"""

from __future__ import annotations

import re
from typing import Any

import duckdb

from quowarranto.case.query import Filters, clauses_of, connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.pages import page_of
from quowarranto.records import format_instant
from quowarranto.records.codes import CODES, GUILTY, ROOT_CAUSES
from quowarranto.sources import by_name

_SAMPLES = 5
_MOST = 10
"""Principals, authorities and causes that are told, at most."""
_LOG_CAN_TELL = ("QW101", "QW102", "QW104", "QW109")
"""Codes that a better setting of the log often mends."""
_ORDER = tuple(
    dict.fromkeys((*(code for _, codes in ROOT_CAUSES for code in codes), *GUILTY, "QW103", "QW303", "QW101", *CODES))
)
"""The code that is told of an action is the first of these that stands: that which gave it its root cause. Of an
unauthorised one it is the first that says what did not hold, whatever else could not be told."""


def investigate(snapshot: Snapshot, filters: Filters) -> dict[str, Any]:
    """What the chosen actions tell, as docs/reference/formats/investigate.md describes it."""
    connection = connect(snapshot, "actions", "verdicts", "steps", "chains", "authorities", "faults", "keys", "inputs")
    where, values = clauses_of(filters)
    rows(
        connection,
        f"""
        CREATE TEMP TABLE chosen AS
        SELECT i.*, v.verdict, v.linkage, v.basis, v.codes, v.root_cause
        FROM verdicts v JOIN actions i ON i.rec = v.rec {where}""",
        values,
    )
    _causes(connection)
    (span,) = rows(connection, "SELECT count(*) AS actions, min(time) AS first_us, max(time) AS last_us FROM chosen")
    return {
        "actions": span["actions"],
        "first": None if span["first_us"] is None else format_instant(span["first_us"]),
        "last": None if span["last_us"] is None else format_instant(span["last_us"]),
        "verdicts": _counted(connection, "verdict"),
        "linkage": _counted(connection, "linkage"),
        "principals": _principals(connection),
        "under": _under(connection),
        "broke_first": _broke_first(connection),
        "causes": (causes := _told(connection))[:_MOST],
        "more_causes": max(0, len(causes) - _MOST),
        "repairs": _repairs(causes)[:_MOST],
    }


def _causes(connection: duckdb.DuckDBPyConnection) -> None:
    """`cause`: of each action that is not carried, the code that is told and what is at fault."""
    order = ", ".join(f"'{code}'" for code in _ORDER)
    guilty = ", ".join(f"'{code}'" for code in _ORDER if code in GUILTY)
    rows(
        connection,
        f"""
        CREATE TEMP TABLE cause AS
        SELECT c.rec, c.code, n.id AS key, n.kind
        FROM (SELECT rec, CASE WHEN verdict = 'disputed' AND contains(codes, 'QW103') THEN 'QW103'
                     WHEN verdict = 'unauthorised'
                     THEN list_filter([{guilty}], lambda x: list_contains(string_split(codes, ','), x))[1]
                     ELSE list_filter([{order}], lambda x: list_contains(string_split(codes, ','), x))[1] END AS code
              FROM chosen WHERE verdict IN ('unauthorised', 'disputed', 'unproven', 'presumed')) c
        LEFT JOIN (SELECT rec, code, min(a) AS a FROM faults WHERE a IS NOT NULL GROUP BY rec, code) f
          ON f.rec = c.rec AND f.code = c.code
        LEFT JOIN authorities n ON n.a = f.a AND n.kind <> 'decision'""",
    )


def _counted(connection: duckdb.DuckDBPyConnection, column: str) -> dict[str, int]:
    found = rows(connection, f"SELECT {column} AS name, count(*) AS n FROM chosen GROUP BY 1 ORDER BY n DESC, name")
    return {row["name"]: row["n"] for row in found}


def _principals(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Who acted, those with most actions that are not carried first."""
    return rows(
        connection,
        f"""
        SELECT principal_type, principal_id, count(*) AS actions,
               count(*) FILTER (WHERE verdict IN ('unauthorised', 'disputed')) AS unauthorised,
               count(*) FILTER (WHERE verdict = 'unproven') AS unproven,
               count(DISTINCT origin) AS origins, list(DISTINCT action ORDER BY action)[:{_SAMPLES}] AS verbs
        FROM chosen GROUP BY ALL
        ORDER BY unauthorised DESC, unproven DESC, actions DESC, principal_type, principal_id LIMIT {_MOST}""",
    )


def _under(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The authorities that carried most of it, decisions left out."""
    return rows(
        connection,
        f"""
        SELECT n.id AS key, n.kind, count(DISTINCT c.rec) AS actions
        FROM chosen c JOIN steps s ON s.rec = c.rec JOIN chains h ON h.use = s.use JOIN authorities n ON n.a = h.node
        WHERE n.kind <> 'decision' GROUP BY n.id, n.kind ORDER BY actions DESC, n.id LIMIT {_MOST}""",
    )


def _broke_first(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """The first action of which something did not hold."""
    guilty = ", ".join(f"'{code}'" for code in GUILTY)
    found = rows(
        connection,
        f"""
        SELECT c.id AS action, c.time, c.verdict, u.code, u.key, u.kind, c.principal_type, c.principal_id
        FROM chosen c JOIN cause u ON u.rec = c.rec
        WHERE c.verdict IN ('unauthorised', 'disputed') OR u.code IN ({guilty})
        ORDER BY c.time, c.id LIMIT 1""",
    )
    if not found:
        return None
    (first,) = found
    return {**first, "time": format_instant(first["time"]), "name": CODES[first["code"]].name}


def _told(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Causes, those of most unauthorised actions first."""
    found = rows(
        connection,
        f"""
        WITH typed AS (SELECT file, any_value(type) AS type FROM inputs GROUP BY file)
        SELECT c.root_cause, u.code, u.key, u.kind, count(*) AS actions,
               count(*) FILTER (WHERE c.verdict IN ('unauthorised', 'disputed')) AS unauthorised,
               min(c.time) AS first_us, max(c.time) AS last_us,
               count(DISTINCT (c.principal_type, c.principal_id)) AS principals, mode(t.type) AS type,
               list(c.id ORDER BY c.time, c.id)[:{_SAMPLES}] AS sample
        FROM chosen c JOIN cause u ON u.rec = c.rec LEFT JOIN typed t ON t.file = c.file WHERE u.code IS NOT NULL
        GROUP BY c.root_cause, u.code, u.key, u.kind
        ORDER BY unauthorised DESC, actions DESC, u.code, u.key""",
    )
    out = []
    for row in found:
        first, last = row.pop("first_us"), row.pop("last_us")
        code = row["code"]
        repair = _repair(code, row.pop("type"))
        out.append(
            {**row, "name": CODES[code].name, "first": format_instant(first), "last": format_instant(last)}
            | {"repair": repair}
        )
    return out


def _repair(code: str, source: str | None) -> str:
    """One thing to do: the setting that would let the source's log tell, or the first remedy of the code's page."""
    known = by_name(source or "")
    if code in _LOG_CAN_TELL and known is not None and known.name != "native":
        return f"{known.name}: {known.raise_it}"
    return remedy(code)


def remedy(code: str) -> str:
    """The first sentence or point under "What to do" of a code's page, as plain text."""
    found = re.search(r"## What to do\n\n(.*?)(?:\n\n|\Z)", page_of(code), re.DOTALL)
    if found is None:
        return f"see `quo codes {code}`"
    point = re.split(r"\n- ", found[1].removeprefix("- "))[0]
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"\s+", " ", point))
    first = re.split(r"(?<=[.;:]) (?=[A-Z])", text)[0]
    return (first if " " in first else text).rstrip(".")


def _repairs(causes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What to do, that which would mend most first."""
    out: dict[str, dict[str, Any]] = {}
    for cause in causes:
        mended = out.setdefault(
            cause["repair"], {"repair": cause["repair"], "actions": 0, "unauthorised": 0, "codes": []}
        )
        mended["actions"] += cause["actions"]
        mended["unauthorised"] += cause["unauthorised"]
        mended["codes"] = sorted({*mended["codes"], cause["code"]})
    return sorted(out.values(), key=lambda one: (-one["actions"], one["repair"]))
