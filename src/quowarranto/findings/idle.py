"""Settings that nothing in the case answers to: an expectation about no action, a join of no common value.

A gate whose expectation is misspelt passes for ever; so who links is told.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from quowarranto.case.config import Config
from quowarranto.case.correlating import side_rows
from quowarranto.case.query import connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.linkage.expectations import expected_rows


def idle_settings(snapshot: Snapshot, config: Config) -> Iterator[str]:
    """One sentence for each; reads all actions for an expectation that matches none, and both sides of every join."""
    if not (config.expect or config.correlate):
        return
    connection = connect(snapshot, "actions", "facts", "derived", "inputs")
    connection.execute("CREATE TEMP VIEW actions_in AS SELECT * FROM actions")
    for expectation in config.expect:
        about = expected_rows((expectation,), "TRUE")
        if not rows(connection, f"SELECT 1 FROM ({about}) LIMIT 1"):
            yield f"expectation `{expectation.name}` is about no action of the case that was not refused"
    connection.execute("CREATE TEMP TABLE typed AS SELECT DISTINCT file, type FROM inputs")
    for join in config.correlate:
        left, right, common = _values(connection, *(side_rows(connection, side) for side in join.sides))
        if not common:
            yield f"join `{join.name}`: {left:,} values on the left, {right:,} on the right, none in common"


def _values(connection: duckdb.DuckDBPyConnection, left: str, right: str) -> tuple[int, int, int]:
    """How many different values the sides have, and how many both."""
    (found,) = rows(
        connection,
        f"WITH l AS (SELECT DISTINCT value FROM ({left})), r AS (SELECT DISTINCT value FROM ({right})) "
        "SELECT (SELECT count(*) FROM l) AS here, (SELECT count(*) FROM r) AS there, "
        "(SELECT count(*) FROM l SEMI JOIN r USING (value)) AS common",
    )
    return found["here"], found["there"], found["common"]
