"""What a later run asks to find out which actions new records touch; kept beside the results (docs/decisions/0005).

Made from verdicts, actions, facts and keys, so the same whichever engine judged. All hashes are those of the embedded
engine that makes and asks them: `runs` keeps its name.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from quowarranto.case.store import Writer
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import FOREVER, NEVER, Clock
from quowarranto.results import stage_query

HASH = "CAST(hash({}) >> 1 AS BIGINT)"
"""A hash that a column of the case can hold."""
_SUBJECT = HASH.format("i.principal_type, i.principal_id, i.on_behalf_of")
QUESTION = HASH.format("{0}principal_type, {0}principal_id, {0}action, {0}resource_type, {0}resource_id")

_SEEKS = "v.linkage = 'partial' OR v.method IN ('inferred', 'none')"
INDEX: dict[str, str] = {
    "named": f"""
        SELECT rec, time, {HASH.format("id")} AS id_hash,
               CASE WHEN origin IS NOT NULL THEN {HASH.format("origin")} END AS origin_hash FROM $named""",
    # who may find another authority: all that were not linked by a key to an anchor (SPEC 4.3, 4.4)
    "seeking": f"""
        SELECT i.rec, i.time, {_SUBJECT} AS subject, {QUESTION.format("i.")} AS question, $run AS run
        FROM $verdicts v JOIN $actions i ON i.rec = v.rec WHERE {_SEEKS}""",
    "subjects": f"""
        SELECT DISTINCT subject, who.type AS type, who.id AS id FROM (
          SELECT subject, explode(whom) AS who FROM (
            SELECT DISTINCT {_SUBJECT} AS subject,
                   list_prepend({{'type': i.principal_type, 'id': i.principal_id}}, i.on_behalf_of) AS whom
            FROM $verdicts v JOIN $actions i ON i.rec = v.rec WHERE {_SEEKS}) s) members""",
    # who shares a value with authorities (SPEC 4.2)
    "sharing": f"""
        SELECT rec, {HASH.format("value")} AS value_hash, $run AS run FROM (
          SELECT i.rec, explode(i.correlates) AS value FROM $actions i JOIN $verdicts v ON v.rec = i.rec
          WHERE cardinality(i.correlates) > 0 AND v.method <> 'cited') s""",
    # keys of which there is no record, that actions cite themselves, and that authorities cite (SPEC 4.1)
    "dangling": """
        SELECT DISTINCT rec, key, origin, $run AS run FROM (
          SELECT i.rec, i.origin, explode(i.cites) AS key FROM $actions i JOIN $verdicts v ON v.rec = i.rec
          WHERE contains(v.codes, 'QW104') AND cardinality(i.cites) > 0) c
        WHERE key NOT IN (SELECT key FROM $keys)""",
    "loose": """
        SELECT DISTINCT k.a + $base AS a, c.key FROM (
          SELECT id, key FROM (SELECT id, explode(cites) AS key FROM $facts WHERE cardinality(cites) > 0) cited
          WHERE key NOT IN (SELECT key FROM $keys)) c
        JOIN $keys k ON k.key = c.id""",
}
"""Tables of the index; `$verdicts`, `$actions` (rows that were judged), `$named` (rows that are new), `$facts` and
`$keys` stand for where these are."""


class Run(msgspec.Struct, frozen=True):
    """One judgement of the case, as the table `runs` keeps it.

    `whole`: of all actions, else of those that new records touched. `facts`, `authorities`: how many there are in the
    case; `first_us`, `last_us`: the span of their times (SPEC 5, QW105). `judged`: how many verdicts it gave.
    """

    run: int
    whole: bool
    skew_us: int
    window_us: int
    engine: str
    facts: int
    authorities: int
    first_us: int
    last_us: int
    judged: int


def index_whole(engine: DuckDB, writer: Writer, clock: Clock, by: str, folder: Path) -> None:
    """Index the results that a run over everything has staged, and forget what superseded earlier ones.

    Args:
        engine: an embedded one, fresh.
        writer: with those results staged.
        clock: the tolerances of the run.
        by: the name of the engine that judged.
        folder: for what is not finished, on the storage of the case.
    """
    now = writer.snapshot()
    for table in ("verdicts", "keys"):
        engine.view(f"all_{table}", f"SELECT * FROM {writer.scan(table)}")
    engine.view("all_actions", f"SELECT * FROM {now.scan('actions')}")
    engine.view(
        "all_facts",
        f"SELECT digest, id, time, cites FROM {now.scan('facts')} "
        f"UNION ALL SELECT digest, id, time, cites FROM {now.scan('derived')}",
    )
    names = {name: f"all_{name}" for name in ("verdicts", "actions", "facts", "keys")}
    stage_index(engine, writer, folder, names | {"named": "all_actions", "base": "0"}, replace=True)
    for table in ("rejudged", "withdrawn"):
        writer.stage(table, [], replace=True)
    ((facts, first, last),) = engine.rows(
        f"SELECT count(DISTINCT digest), coalesce(min(time), {FOREVER}), coalesce(max(time), {NEVER}) FROM all_facts"
    )
    authorities, judged = engine.rows("SELECT count(DISTINCT a) FROM all_keys")[0][0], engine.count("all_verdicts")
    run = Run(writer.number, True, clock.skew_us, clock.window_us, by, facts, authorities, first, last, judged)
    stage_run(engine, writer, folder, run)


def stage_index(engine: DuckDB, writer: Writer, folder: Path, names: dict[str, str], *, replace: bool = False) -> None:
    """Stage the index over these relations (see `INDEX`)."""
    for table, sql in INDEX.items():
        text = sql.replace("$run", str(writer.number))
        for name, relation in sorted(names.items(), reverse=True):
            text = text.replace(f"${name}", relation)
        stage_query(engine, writer, folder, table, text, replace=replace)


def stage_run(engine: DuckDB, writer: Writer, folder: Path, run: Run) -> None:
    """Stage the row of this judgement."""
    values = msgspec.structs.asdict(run).items()
    texts = (f"'{value}' AS {name}" if isinstance(value, str) else f"{value} AS {name}" for name, value in values)
    stage_query(engine, writer, folder, "runs", f"SELECT {', '.join(texts)}", replace=run.whole)
