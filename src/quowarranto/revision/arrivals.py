"""What a case has come to hold since it was last judged, before the engine as relations.

old_<table>          results and records of the judged state
old_fact, new_fact   all facts, read and derived, then and now
came_action          action records read since
came_fact            facts, read or derived, whose content is new (SPEC 2: a copy counts once), and derived ones that
                     are gone
"""

from __future__ import annotations

from quowarranto.case.store import Snapshot, parquet
from quowarranto.linkage.engines.duckdb import DuckDB

ACTION = (
    "rec, id, time, said_source, principal_type, principal_id, on_behalf_of, action, resource_type, resource_id, "
    "outcome, origin, cites, correlates, attributes, stage"
)
"""The columns of an action that the linkage reads."""
FACT = (
    "rec, digest, kind, id, aliases, fact, time, valid_from, valid_until, end_reason, grace_until, series, "
    "principal_type, principal_id, principal_like, by_type, by_id, effect, scope, scope_patterns, cites_said, "
    "cites, issued_by, correlates, standing, requested_by, sole_decider, justification, ticket, owner, "
    "request_subject_type, request_subject_id, request_action, request_resource_type, request_resource_id"
)
"""The columns of a fact that the linkage reads; those that say where it was read take as long to read as all others."""


_FEW = 2000


def written_out(engine: DuckDB, relation: str) -> str:
    """What follows IN for the numbers (`rec`) of a relation: the numbers themselves where there are few.

    Then only the parts of the files that hold them are read.
    """
    numbers = f"SELECT rec FROM {relation}"
    if engine.count(relation) > _FEW:
        return numbers
    return ", ".join(str(rec) for (rec,) in engine.rows(numbers)) or "NULL"


def arrivals(engine: DuckDB, was: Snapshot, now: Snapshot) -> None:
    """Put both states before the engine.

    Args:
        engine: without relations of these names.
        was: the state last judged.
        now: the state to be judged; every table of records holds what it held then, and more, `derived` apart.
    """
    was.attach(engine.connection, prefix="old_", as_judged=True)
    engine.view("new_action", f"SELECT * FROM {now.scan('actions')}")
    engine.create("came_action", f"SELECT * FROM {_added('actions', was, now)}")
    for name, state in (("old_fact", was), ("new_fact", now)):
        engine.view(
            name, f"SELECT {FACT} FROM {state.scan('facts')} UNION ALL SELECT {FACT} FROM {state.scan('derived')}"
        )
    rederived = was.files("derived") != now.files("derived")
    candidates = f"SELECT {FACT} FROM {_added('facts', was, now)}"
    gone = "SELECT digest FROM old_fact WHERE FALSE"
    if rederived:
        candidates += f" UNION ALL SELECT {FACT} FROM {now.scan('derived')}"
        gone = f"SELECT digest FROM {was.scan('derived')}"
    engine.create("read_fact", candidates)
    engine.create("known_digest", "SELECT digest FROM old_fact WHERE digest IN (SELECT digest FROM read_fact)")
    engine.create("lost", f"SELECT digest FROM ({gone}) d WHERE digest NOT IN (SELECT digest FROM new_fact)")
    engine.create(
        "came_fact",
        "SELECT * FROM read_fact WHERE digest NOT IN (SELECT digest FROM known_digest) "
        "UNION ALL SELECT * FROM old_fact WHERE digest IN (SELECT digest FROM lost)",
    )
    engine.drop("read_fact", "known_digest")


def _added(table: str, was: Snapshot, now: Snapshot) -> str:
    """SQL that reads the files that a table has and had not."""
    had = set(was.files(table))
    files = [file for file in now.files(table) if file not in had]
    return parquet(files) if files else f"(SELECT * FROM {now.scan(table)} WHERE FALSE)"
