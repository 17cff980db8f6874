"""What a person would do instead of `quo link`: one question over the same records, in one go, with common tools.

python -m bench.peers duckdb|sqlite|pandas CASE

The question is a simplified one (no scopes, grace, origins, aliases, codes): of every action, the authority that it
cites and the three below that one, each in force at that moment; failing that the latest allowing decision about it in
the half minute before; failing that a grant of its principal that is in force. The answer is one row per action in a
Parquet file. Records are read from the case's Parquet files; SQLite and pandas get them loaded first, and that is timed
apart. pandas is no dependency: `pip install pandas pyarrow` into an environment of its own, or leave it out.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from quowarranto.case.store import Case

_LEVELS = 4
_WINDOW = 30_000_000
_FACTS = (
    "SELECT kind, id, time, coalesce(valid_from, time) AS start_us, valid_until, principal_type, principal_id, effect, "
    "cites[1] AS below, request_subject_id, request_action, request_resource_id FROM {facts} WHERE fact = 'established'"
)
_ENDED = "SELECT id, min(time) AS ended_us FROM {facts} WHERE fact = 'ended' GROUP BY id"
_ACTIONS = (
    "SELECT rec, time, principal_type, principal_id, action, resource_id, outcome, cites[1] AS cited FROM {actions}"
)


def _joins() -> str:
    """LEFT JOINs, level by level, to what is cited; a level counts where it is in force at the action's time."""
    out = []
    above = "a.cited"
    for level in range(1, _LEVELS + 1):
        out.append(
            f"LEFT JOIN facts f{level} ON f{level}.id = {above} AND f{level}.start_us <= a.time "
            f"AND (f{level}.valid_until IS NULL OR a.time < f{level}.valid_until) "
            f"LEFT JOIN ended e{level} ON e{level}.id = f{level}.id AND e{level}.ended_us <= a.time"
        )
        above = f"f{level}.below"
    return " ".join(out)


_IN_FORCE = " AND ".join(f"e{level}.id IS NULL" for level in range(1, _LEVELS + 1))
QUERY = f"""
SELECT rec, verdict FROM (
  SELECT a.rec,
         CASE WHEN a.outcome = 'denied' THEN 'refused'
              WHEN f1.id IS NOT NULL AND {_IN_FORCE} THEN 'authorised'
              WHEN f1.id IS NOT NULL THEN 'unauthorised'
              WHEN d.id IS NOT NULL OR g.id IS NOT NULL THEN 'presumed' ELSE 'unproven' END AS verdict,
         row_number() OVER (PARTITION BY a.rec ORDER BY f1.start_us DESC, d.time DESC, g.start_us DESC) AS nth
  FROM actions a {_joins()}
  LEFT JOIN facts d ON a.cited IS NULL AND d.kind = 'decision' AND d.request_subject_id = a.principal_id
    AND d.request_action = a.action AND d.request_resource_id = a.resource_id
    AND d.time >= a.time - {_WINDOW} AND d.time <= a.time
  LEFT JOIN facts g ON a.cited IS NULL AND g.kind = 'grant' AND g.principal_type = a.principal_type
    AND g.principal_id = a.principal_id AND g.start_us <= a.time AND (g.valid_until IS NULL OR a.time < g.valid_until)
) ranked WHERE nth = 1"""


def main() -> None:
    """Answer the question with one tool and print the seconds as JSON."""
    tool, case = sys.argv[1], Case(Path(sys.argv[2]))
    snapshot = case.snapshot()
    places = {name: snapshot.scan(name) for name in ("actions", "facts")}
    with tempfile.TemporaryDirectory(dir=case.folder.parent) as folder:
        print(json.dumps(_TOOLS[tool](places, Path(folder))))


def _duckdb(places: dict[str, str], folder: Path) -> dict[str, float]:
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{folder}'")
    began = time.perf_counter()
    for name, sql in (("actions", _ACTIONS), ("facts", _FACTS), ("ended", _ENDED)):
        connection.execute(f"CREATE TEMP VIEW {name} AS {sql.format(**places)}")
    connection.execute(f"COPY ({QUERY}) TO '{folder}/answer.parquet' (FORMAT parquet)")
    return {"load_s": 0.0, "answer_s": round(time.perf_counter() - began, 2)}


def _sqlite(places: dict[str, str], folder: Path) -> dict[str, float]:
    connection = sqlite3.connect(folder / "peer.sqlite")
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA cache_size = -1000000")
    began = time.perf_counter()
    for name, sql in (("actions", _ACTIONS), ("facts", _FACTS), ("ended", _ENDED)):
        rows = duckdb.execute(sql.format(**places))
        columns = [column[0] for column in rows.description or ()]
        connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        while batch := rows.fetchmany(50_000):
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", batch)
    for index in (
        "facts (id)",
        "ended (id)",
        "facts (request_subject_id, request_action)",
        "facts (principal_id, kind)",
    ):
        connection.execute(f"CREATE INDEX i{abs(hash(index))} ON {index}")
    connection.execute("ANALYZE")
    loaded = time.perf_counter()
    connection.execute(f"CREATE TABLE answer AS {QUERY}")
    connection.commit()
    return {"load_s": round(loaded - began, 2), "answer_s": round(time.perf_counter() - loaded, 2)}


def _pandas(places: dict[str, str], folder: Path) -> dict[str, float]:
    import pandas

    began = time.perf_counter()
    actions, facts, ended = (duckdb.execute(sql.format(**places)).df() for sql in (_ACTIONS, _FACTS, _ENDED))
    loaded = time.perf_counter()
    answer = _merged(pandas, actions.sort_values("time"), facts, ended)
    answer[["rec", "verdict"]].to_parquet(folder / "answer.parquet")
    return {"load_s": round(loaded - began, 2), "answer_s": round(time.perf_counter() - loaded, 2)}


def _merged(pandas: Any, actions: Any, facts: Any, ended: Any) -> Any:
    """`merge_asof` by key for each level of the chain, then by request, then by principal."""
    facts = facts.sort_values("start_us")
    known = facts[["id", "start_us", "valid_until", "below"]]
    found = actions.assign(key=actions["cited"].fillna(""), held=True)
    for level in range(_LEVELS):
        right = known.rename(columns={"id": "key"}).assign(hit=True)
        found = pandas.merge_asof(
            found.drop(columns=["valid_until", "below", "hit", "start_us"], errors="ignore"),
            right,
            left_on="time",
            right_on="start_us",
            by="key",
        )
        hit = found["hit"].fillna(False).astype(bool)
        if level == 0:
            found["linked"] = hit
        found = found.merge(ended.rename(columns={"id": "key"}), on="key", how="left")
        over = (found["ended_us"] <= found["time"]) | (found["valid_until"] <= found["time"])
        found["held"] &= ~(hit & over)
        found["key"] = found["below"].where(hit, "").fillna("")
        found = found.drop(columns="ended_us").sort_values("time")
    decisions = facts[facts["kind"] == "decision"].sort_values("time")
    asked = ["request_subject_id", "request_action", "request_resource_id"]
    found = pandas.merge_asof(
        found,
        decisions[["time", *asked]].assign(decided=True),
        on="time",
        left_by=["principal_id", "action", "resource_id"],
        right_by=asked,
        tolerance=_WINDOW,
    )
    grants = facts[facts["kind"] == "grant"][["start_us", "valid_until", "principal_type", "principal_id"]]
    found = pandas.merge_asof(
        found.drop(columns=["valid_until", "start_us"]),
        grants.assign(granted=True).sort_values("start_us"),
        left_on="time",
        right_on="start_us",
        by=["principal_type", "principal_id"],
    )
    live = found["granted"].notna() & ~(found["valid_until"] <= found["time"])
    found["verdict"] = "unproven"
    found.loc[found["decided"].notna() | live, "verdict"] = "presumed"
    found.loc[found["linked"], "verdict"] = "unauthorised"
    found.loc[found["linked"] & found["held"], "verdict"] = "authorised"
    found.loc[found["outcome"] == "denied", "verdict"] = "refused"
    return found


_TOOLS = {"duckdb": _duckdb, "sqlite": _sqlite, "pandas": _pandas}

if __name__ == "__main__":
    main()
